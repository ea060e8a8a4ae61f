"""Peak memory of ``thumbs score`` over files of different lengths, and over one huge cell.

    python -m benchmarks.memory [--rows 100000 10000000] [--cell-mib 0 15]

The model is a stub that answers at once: what is measured is everything around it, the
reader, the windows, the cache and the writer, which is where memory could grow with the
file. The huge cell, in a Parquet file, goes through cleaning, tokenizer and onnxruntime.
Each measurement runs in a process of its own. Ten million rows take ten minutes or so, and
3 GB of disk.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks import stub

_CHILD = """
import json, sys, time
from pathlib import Path
from benchmarks import stub
from score.scorer import ScorerSettings
from score.scoring import FileSettings, score_file

source, output, bundle = map(Path, sys.argv[1:4])
if sys.argv[4] == "stub":
    stub.install(batched=True)
settings = FileSettings(
    model=bundle,
    text_column="review",
    scorer=ScorerSettings(cache=source.with_suffix(".sqlite3")),
)
started = time.monotonic()
summary = score_file(source, output, settings)
assert summary.rows == sum(summary.labels.values()), summary
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(json.dumps({"mib": int(peak.split()[1]) // 1024, "seconds": time.monotonic() - started}))
"""


@dataclass(frozen=True)
class Peak:
    """What scoring one file took.

    Attributes:
        mib: peak resident memory.
        seconds: from opening to the end.
    """

    mib: int
    seconds: float


def write_reviews(path: Path, rows: int) -> None:
    """Write ``rows`` different reviews of a sentence."""
    with path.open("w", encoding="utf-8") as file:
        file.write("id,review\n")
        for i in range(rows):
            file.write(f'{i},"Seen on evening {i}, a film with much to say."\n')


def write_huge_cell(path: Path, mib: int) -> None:
    """Write a Parquet file whose one cell has so many MiB.

    It is not compressed: a page that unpacks to far more than it takes is refused.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    sentence = "A good film with much to say, and a bad one. "
    text = sentence * (mib * 1024 * 1024 // len(sentence) + 1)
    table = pa.table({"review": [text]})
    pq.write_table(table, path, compression="NONE", use_dictionary=False)


def peak(source: Path, bundle: Path, model: str) -> Peak:
    """Score a file in a process of its own, with the ``stub`` or the ``real`` engine."""
    output = source.with_suffix(f".labelled{source.suffix}")
    command = [sys.executable, "-c", _CHILD, str(source), str(output), str(bundle), model]
    found = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    for path in source.parent.glob(f"{source.stem}.*"):
        path.unlink()
    return Peak(**json.loads(found))


def _print(head: str, peaks: Mapping[int, Peak]) -> None:
    first = next(iter(peaks.values()))
    print(f"{head:>12}{'peak MiB':>10}{'more than the first':>21}{'seconds':>9}")
    for size, one in peaks.items():
        print(f"{size:12,}{one.mib:10}{one.mib - first.mib:21}{one.seconds:9.1f}")


def main() -> None:
    """Measure and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="*", default=[1_000, 100_000])
    parser.add_argument("--cell-mib", type=int, nargs="*", default=[0, 15])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        bundle = stub.make_bundle(folder / "bundle")
        if options.rows:
            peaks = {}
            for rows in options.rows:
                write_reviews(folder / "r.csv", rows)
                peaks[rows] = peak(folder / "r.csv", bundle, "stub")
            _print("rows", peaks)
        if options.cell_mib:
            peaks = {}
            for mib in options.cell_mib:
                write_huge_cell(folder / "r.parquet", mib)
                peaks[mib] = peak(folder / "r.parquet", bundle, "real")
            _print("MiB in a cell", peaks)


if __name__ == "__main__":
    main()
