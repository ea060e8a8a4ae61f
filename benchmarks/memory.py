"""Peak memory of ``thumbs score`` over files of different lengths.

    python -m benchmarks.memory [--rows 1000 100000]

The engine is a stub that answers at once: what is measured is everything around it, the
reader, the windows, the cache and the writer, which is where memory could grow with the
file. Each length runs in a process of its own.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

_CHILD = """
import resource, sys
from pathlib import Path
import numpy as np
from score.engine import Engine
from score.scorer import ScorerSettings
from score.scoring import FileSettings, score_file

def stub(self, ids, mask):
    return np.tile(np.float32([[-1, 1]]), (len(ids), 1))

Engine._run = stub
source, output = map(Path, sys.argv[1:])
settings = FileSettings(scorer=ScorerSettings(cache=source.with_suffix(".sqlite3")))
summary = score_file(source, output, settings)
assert summary.rows == summary.labels["positive"], summary
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def write_reviews(path: Path, rows: int) -> None:
    """Write ``rows`` different reviews of about 40 words."""
    with path.open("w", encoding="utf-8") as file:
        file.write("id,review\n")
        for i in range(rows):
            file.write(f'{i},"Seen on evening {i}, {"a film with much to say, " * 9}and good."\n')


def peak_memory(rows: int, folder: Path) -> int:
    """Peak resident memory in MiB of scoring a file of so many rows."""
    source = folder / f"{rows}.csv"
    write_reviews(source, rows)
    command = [sys.executable, "-c", _CHILD, str(source), str(folder / f"{rows}.labelled.csv")]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000, 100_000])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        peaks = {rows: peak_memory(rows, Path(folder)) for rows in options.rows}
    first = next(iter(peaks.values()))
    print(f"{'rows':>12}{'peak MiB':>10}{'more than the first':>21}")
    for rows, peak in peaks.items():
        print(f"{rows:12,}{peak:10}{peak - first:21}")


if __name__ == "__main__":
    main()
