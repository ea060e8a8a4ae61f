"""How often ``thumbs score`` is right, and whether its confidence is.

    python -m benchmarks.accuracy [--model BUNDLE] [--table TABLE | --sentences N] [--effort E]
                                  [--max-error E] [--long HOW]

Without a table: IMDB's test reviews, or plain sentences of reviews that are held back from
training (see :func:`benchmarks.reviews.clear_sentences`).

``benchmarks/short_reviews.csv`` is a table of short ones: 640 reviews of 2 to 21 words, half of
them positive, about products, hotels, restaurants and films, 160 each. A language model wrote
them for this project, with an eye on negation, irony and praise without a word of praise,
without having seen ``samples/short_reviews.csv``; the model in the box has not learnt them.

The texts are written to a CSV file, scored by the command itself without a cache, and the
labels read back from its output. Behind each figure stands its 95 % interval: 2,000 bootstrap
samples.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from benchmarks.reviews import NAMES, clear_sentences, imdb_folder
from score.calibration import expected_calibration_error

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SAMPLES = 2000


def score_by_command(frame: pd.DataFrame, more: list[str]) -> pd.DataFrame:
    """The frame as it comes back from ``thumbs score --scores``."""
    with tempfile.TemporaryDirectory() as folder:
        source, output = Path(folder) / "test.csv", Path(folder) / "out.csv"
        frame.to_csv(source, index=False)
        command = [sys.executable, "-m", "thumbs", "score", str(source), "-o", str(output)]
        fixed = ["--text-column", "text", "--prefix", "t_", "--scores", "--no-cache"]
        subprocess.run([*command, *fixed, *more], check=True)
        return pd.read_csv(output, keep_default_na=False)


def read_reviews(table: Path | None, sentences: int | None) -> pd.DataFrame:
    """The columns ``text`` and ``label``, the label as the name of its class."""
    if sentences is not None:
        return clear_sentences(sentences)
    if table is not None:
        return pd.read_csv(table, keep_default_na=False)[["text", "label"]]
    frame = pd.read_parquet(imdb_folder() / "test.parquet")
    return frame.assign(label=np.take(NAMES, frame["label"]))


def with_interval(
    statistic: Callable[[NDArray[np.int64]], float], rows: int, form: str = "{:.2%}"
) -> str:
    """A figure and its 95 % interval over bootstrap samples of the rows."""
    random = np.random.default_rng(0)
    drawn = [statistic(random.integers(0, rows, rows)) for _ in range(_SAMPLES)]
    low, high = np.nanpercentile(drawn, [2.5, 97.5])
    found = (statistic(np.arange(rows)), low, high)
    return "{}  [{}, {}]".format(*map(form.format, found))


def report(scored: pd.DataFrame, *, promised: bool) -> None:
    """Print the table."""
    answered = (scored["t_label"] != "").to_numpy()
    # A review without an answer counts as wrong: it is the user who looks for one.
    right = (scored["t_label"] == scored["label"]).to_numpy()
    # Where there is none, the probabilities are even.
    columns = scored[[f"t_score_{label}" for label in NAMES]]
    chances = columns.apply(pd.to_numeric, errors="coerce").fillna(0.5).to_numpy(np.float64)
    classes = np.array([NAMES.index(label) for label in scored["label"]], np.int64)
    losses = -np.log(chances[np.arange(len(classes)), classes].clip(1e-4, 1))
    rows = len(scored)
    print(f"reviews       {rows:,} ({rows - int(answered.sum())} without an answer)")
    print(f"accuracy      {with_interval(lambda i: float(right[i].mean()), rows)}")
    ece = with_interval(lambda i: expected_calibration_error(chances[i], classes[i]), rows)
    print(f"ECE           {ece}")
    loss = with_interval(lambda i: float(losses[i].mean()), rows, "{:.4f}")
    print(f"log loss      {loss}")
    if promised:
        sure = answered & ~scored["t_flags"].str.contains("unsure").to_numpy()
        print(f"promised      {with_interval(lambda i: float(sure[i].mean()), rows)}")
        wrong = with_interval(lambda i: float((~right[i])[sure[i]].mean()), rows)
        print(f"wrong of them {wrong}")


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model")
    texts = parser.add_mutually_exclusive_group()
    texts.add_argument("--table", type=Path, help="a CSV file with the columns text and label")
    texts.add_argument("--sentences", type=int, help="so many of held-back reviews")
    parser.add_argument("--max-error")
    parser.add_argument("--long")
    parser.add_argument("--effort")
    parser.add_argument("--reviews", type=int, help="a shuffled sample of so many")
    options = parser.parse_args()
    frame = read_reviews(options.table, options.sentences)
    if options.reviews:
        frame = frame.sample(options.reviews, random_state=1)
    passed = {name: getattr(options, name) for name in ("model", "max_error", "long", "effort")}
    more = [
        part
        for name, value in passed.items()
        if value
        for part in (f"--{name.replace('_', '-')}", value)
    ]
    report(score_by_command(frame, more), promised=bool(options.max_error))


if __name__ == "__main__":
    main()
