"""What a row costs as the work grows: more rows, more duplicates, more workers.

    python -m benchmarks.growth [--rows 1000 10000 100000 1000000] [--reviews 1000]
                                [--model stub box]

First made sentences, of which all, half or a tenth are different: with a stub that answers at
once, which leaves reading, windows, cache and writing, and with the model in the box. Then IMDB's
test reviews with the latter, and with one worker, two, and so on. Each file is scored in a process
of its own, with an empty cache.
"""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from benchmarks import stub
from benchmarks.reviews import imdb_test_reviews
from score import machine

_SHARES = (1.0, 0.5, 0.1)
_CHILD = """
import json, sys
from pathlib import Path
from benchmarks import stub
from score.scorer import ScorerSettings
from score.scoring import FileSettings, score_file

source, bundle, workers = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
if bundle:
    stub.install(batched=True)
settings = FileSettings(
    model=Path(bundle) if bundle else None,
    scorer=ScorerSettings(cache=source.with_suffix(".sqlite3"), workers=workers),
)
summary = score_file(source, source.with_suffix(".out.csv"), settings)
print(json.dumps([summary.rows, summary.seconds]))
"""


def cost(texts: Iterable[str], bundle: Path | None, workers: int) -> tuple[int, float]:
    """Rows and microseconds a row of scoring a file of these texts."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "rows.csv"
        with source.open("w", newline="", encoding="utf-8") as file:
            rows = csv.writer(file)
            rows.writerow(["id", "review"])
            rows.writerows(enumerate(texts))
        words = [sys.executable, "-c", _CHILD, str(source), str(bundle or ""), str(workers)]
        done = subprocess.run(words, check=True, capture_output=True, text=True)
    number, seconds = json.loads(done.stdout)
    return number, seconds / number * 1e6


def sentences(rows: int, distinct: float) -> Iterator[str]:
    """Made texts, of which a share is different."""
    different = max(1, round(rows * distinct))
    return (f"The room of day {i % different} was clean and its staff kind." for i in range(rows))


def reviews(rows: int, distinct: float) -> list[str]:
    """Test reviews, of which a share is different, in an order that parts equal ones."""
    texts, _ = imdb_test_reviews(max(1, round(rows * distinct)))
    return [texts[i % len(texts)] for i in range(rows)]


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[1000, 10_000, 100_000, 1_000_000])
    parser.add_argument("--reviews", type=int, default=1000)
    parser.add_argument("--model", nargs="+", choices=["stub", "box"], default=["stub", "box"])
    every = range(1, machine.workers() + 1)
    parser.add_argument("--workers", type=int, nargs="+", default=[*every])
    options = parser.parse_args()
    print(f"{'model':8}{'rows':>10}{'different':>11}{'workers':>9}{'µs a row':>10}{'rows/s':>9}")

    def show(model: str, distinct: float, workers: int, found: tuple[int, float]) -> None:
        rows, microseconds = found
        print(
            f"{model:8}{rows:10,}{distinct:11.0%}{workers:9}{microseconds:10.1f}"
            f"{1e6 / microseconds:9.0f}"
        )

    with tempfile.TemporaryDirectory() as folder:
        bundle = stub.make_bundle(Path(folder) / "bundle")
        ways = {"stub": (bundle, 1), "box": (None, max(options.workers))}
        for model in options.model:
            for rows in options.rows:
                for distinct in _SHARES:
                    found = cost(sentences(rows, distinct), *ways[model])
                    show(model, distinct, ways[model][1], found)
    if "box" not in options.model:
        return
    print("reviews:")
    for distinct in _SHARES:
        texts = reviews(options.reviews, distinct)
        show("box", distinct, max(options.workers), cost(texts, None, max(options.workers)))
    for workers in options.workers:
        show("box", 1.0, workers, cost(reviews(options.reviews, 1.0), None, workers))


if __name__ == "__main__":
    main()
