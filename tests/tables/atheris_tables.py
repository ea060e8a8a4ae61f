"""A reader under atheris, which looks for bytes that reach new lines of it: for the night.

    pip install atheris
    python -m tests.tables.atheris_tables SUFFIX CORPUS [libFuzzer's options]

It goes on until something is found or -max_total_time=SECONDS is over. CORPUS is a folder in
which it keeps what reached something new; the samples of the suffix are put there first. A
file that breaks a promise is left in the working folder as crash-*; given in CORPUS's place,
it alone is read again.

calamine and pyarrow are compiled without atheris's counters: for .xls, .xlsb, .ods and
.parquet the tests' own damage reaches more.
"""

from __future__ import annotations

import io
import logging
import sys
import tempfile
from pathlib import Path
from typing import Any

from score.errors import DataError, ThumbsError

SUFFIXES = (".csv", ".tsv", ".jsonl", ".xlsx", ".xls", ".xlsb", ".ods", ".parquet")
SAMPLES = Path(__file__).parents[2] / "samples" / "awkward"
LONGEST_SECONDS = 5


def label_or_refuse(content: bytes, path: Path) -> None:
    """Label a file.

    Raises:
        AssertionError: it was refused in another way than a damaged file should be.
    """
    from score.tables import NewColumn, open_table

    path.write_bytes(content)
    try:
        table = open_table(path)
        try:
            writer = table.writer(io.BytesIO(), [NewColumn("label", "text")])
            for row in table.rows(range(len(table.columns))):
                if row.reject is None:
                    writer.write(row, () if row.blank else ("new",))
            writer.close()
        finally:
            table.close()
    except ThumbsError as exc:
        if exc.exit_code != DataError.exit_code:
            raise AssertionError(f"exit code {exc.exit_code}: {exc}") from exc


def main(atheris: Any, suffix: str, *options: str) -> None:
    """Fuzz the reader of a suffix; does not come back."""
    logging.disable()
    corpus = Path(next(option for option in options if not option.startswith("-")))
    if not corpus.is_file():
        corpus.mkdir(parents=True, exist_ok=True)
        for sample in SAMPLES.glob(f"*{suffix}"):
            (corpus / sample.name).write_bytes(sample.read_bytes())
    with atheris.instrument_imports(include=["score.tables"]):
        import score.tables.calamine.table
        import score.tables.csv.table
        import score.tables.excel.table
        import score.tables.jsonl_table
        import score.tables.parquet.table  # noqa: F401 - what is imported here is counted
    from tests.tables.forked import forks

    with tempfile.TemporaryDirectory() as folder, forks():
        path = Path(folder) / f"fuzzed{suffix}"
        limits = [f"-timeout={LONGEST_SECONDS}", "-rss_limit_mb=1000", *options]
        atheris.Setup([sys.argv[0], *limits], lambda content: label_or_refuse(content, path))
        atheris.Fuzz()


if __name__ == "__main__":
    if len(sys.argv) < 3 or sys.argv[1] not in SUFFIXES:
        sys.exit(f"Say a suffix of {', '.join(SUFFIXES)} and a folder for the corpus.")
    try:
        import atheris
    except ImportError:
        sys.exit("atheris is missing: pip install atheris (Linux and macOS).")
    main(atheris, *sys.argv[1:])
