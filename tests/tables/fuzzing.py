"""Reads damaged files in this process, which may crash: run by test_fuzz_binary.py.

Usage: python -m tests.tables.fuzzing SUFFIX FIRST LAST FOLDER

Each number from FIRST to before LAST is a file, the same each time. What is found wrong is a
line of JSON on standard output, with the number; the last line sums up. Where this process
itself does not survive, the file is still in FOLDER.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import io
import json
import logging
import re
import resource
import signal
import struct
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from random import Random
from zipfile import ZIP_STORED

from score.errors import DataError, ThumbsError
from score.tables import NewColumn, Source, TableOptions, open_table
from score.tables.excel.table import ExcelTable
from tests.tables.forked import Fork, forks
from tests.tables.mutations import MUTATIONS
from tests.tables.pieces import wide, xlsb
from tests.tables.workbooks import package_of, parts_of

MOST_SECONDS = 5
MOST_MEBIBYTES = 100
LONGEST_WAIT = 600
"""Seconds by the clock, other programs' included, until it is taken for a hang."""

FOLDER = Path(__file__).parents[2] / "samples" / "awkward"
SAMPLES = {
    ".parquet": ("nested.parquet",),
    ".xls": ("kinds_of_cells.xls", "encrypted.xls"),
    ".xlsb": ("kinds_of_cells.xlsb",),
    ".ods": ("kinds_of_cells.ods", "empty.ods", "encrypted.ods"),
}
COLUMNS = (NewColumn("thumbs_label", "text"), NewColumn("thumbs_p", "number"))


@dataclass(slots=True)
class Outcome:
    """What became of some files.

    Attributes:
        files: how many there were.
        read: how many could be read and written.
        seconds: what the slowest took of a processor, its children's time included.
        mebibytes: the most memory beyond that of an undamaged file, here or in a child.
        refusals: how often each kind of refusal was met, without its names and numbers.
    """

    files: int = 0
    read: int = 0
    seconds: float = 0.0
    mebibytes: int = 0
    refusals: dict[str, int] = field(default_factory=dict)


@functools.cache
def samples(suffix: str) -> list[bytes]:
    """The files that are damaged; the first is the one to damage most."""
    found = [(FOLDER / name).read_bytes() for name in SAMPLES[suffix]]
    if suffix == ".xlsb":
        found.insert(0, _with_shared_strings(found[0]))
    return found


def _with_shared_strings(content: bytes) -> bytes:
    """An .xlsb file with a list of texts, formats, and cells that refer to both."""
    parts = parts_of(content)
    texts = [xlsb(19, b"\0" + wide(text)) for text in ("shared", "", "two\nlines", "😀")]
    head = struct.pack("<II", len(texts), len(texts))
    parts["xl/sharedStrings.bin"] = xlsb(159, head) + b"".join(texts) + xlsb(160)
    formats = [xlsb(44, struct.pack("<H", 164) + wide("[h]:mm:ss"))]
    uses = [xlsb(47, struct.pack("<HH", 0, form) + bytes(12)) for form in (0, 14, 22, 164)]
    parts["xl/styles.bin"] = b"".join(
        [
            *(xlsb(278), xlsb(615, struct.pack("<I", 1)), *formats, xlsb(616)),
            *(xlsb(617, struct.pack("<I", len(uses))), *uses, xlsb(618), xlsb(279)),
        ]
    )
    cells = xlsb(0, struct.pack("<IIHHB", 7, 0, 300, 0, 0) + bytes(4))
    for column, (kind, style, value) in enumerate(
        ((7, 0, struct.pack("<I", 0)), (5, 1, struct.pack("<d", 45352)), (2, 3, b"\6\0\0\0"))
    ):
        cells += xlsb(kind, struct.pack("<II", column, style) + value)
    sheet = parts["xl/worksheets/sheet1.bin"]
    parts["xl/worksheets/sheet1.bin"] = sheet.replace(xlsb(146), cells + xlsb(146))
    return package_of(parts, ZIP_STORED)


def damaged(suffix: str, number: int) -> bytes:
    """The file of a number."""
    chance = Random(number)
    files = samples(suffix)
    content = files[0] if chance.random() < 0.8 else chance.choice(files)
    return MUTATIONS[suffix](content, number)


def read(path: Path, options: TableOptions) -> str:
    """Read and write a file; says how it was refused, or nothing.

    Raises:
        AssertionError: it was refused in another way than a damaged file should be.
    """
    target = io.BytesIO()
    try:
        table = open_table(path, options)
        try:
            writer = table.writer(target, COLUMNS)
            for row in table.rows([len(table.columns) - 1] if table.columns else []):
                if row.reject is None:
                    writer.write(row, ("x", 0.5) if row.cells else ())
            writer.close()
        finally:
            table.close()
    except ThumbsError as exc:
        if exc.exit_code != DataError.exit_code or "\n" in str(exc):
            raise AssertionError(f"exit code {exc.exit_code}: {exc}") from exc
        return str(exc)
    if path.suffix in (".xls", ".xlsb", ".ods"):
        _read_again(target)
    return ""


def _options(suffix: str, number: int) -> TableOptions:
    """A file's sheet is named mostly: with two of them nothing else would be read."""
    if suffix == ".parquet":
        return TableOptions()
    return TableOptions(sheet="Reviews" if number % 4 else None, header=number % 5 > 0)


def _read_again(target: io.BytesIO) -> None:
    """What was written is a workbook; it may have several sheets to choose from."""
    target.seek(0)
    try:
        table = ExcelTable(Source("again.xlsx", target, owned=False), TableOptions())
        for _ in table.rows([]):
            pass
    except DataError as exc:
        if not re.search(r"Say which with --(sheet|text-column)\.$", str(exc)):
            raise AssertionError(f"the output is refused: {exc}") from exc


def check(suffix: str, number: int, path: Path, outcome: Outcome) -> str:
    """Read the file of a number; says what is wrong with how that went, or nothing."""
    path.write_bytes(damaged(suffix, number))
    before = time.process_time() + Fork.seconds
    signal.alarm(LONGEST_WAIT)
    try:
        said = read(path, _options(suffix, number))
    # Whatever it is, it is to be named.
    except Exception as exc:  # noqa: BLE001
        return f"{type(exc).__name__}: {exc}"
    finally:
        signal.alarm(0)
    seconds = time.process_time() + Fork.seconds - before
    outcome.files += 1
    outcome.read += not said
    outcome.seconds = max(outcome.seconds, round(seconds, 2))
    if said:
        kind = re.sub(r"'.*'|\".*\"|[\d,]+", "..", said.replace(str(path), "FILE"))
        outcome.refusals[kind] = outcome.refusals.get(kind, 0) + 1
    return f"{seconds:.1f} s: {said}" if seconds > MOST_SECONDS else ""


def _too_long(*_: object) -> None:
    raise TimeoutError(f"no end after {LONGEST_WAIT} s")


def peak() -> int:
    """The most memory that this process or a child of it had, in MiB."""
    return max(Fork.peak, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)


def main(suffix: str, first: str, last: str, folder: str) -> None:
    """Print what is found."""
    logging.disable()
    signal.signal(signal.SIGALRM, _too_long)
    path = Path(folder) / f"damaged{suffix}"
    outcome = Outcome()
    path.write_bytes(samples(suffix)[-1])
    gc.freeze()  # a fork copies what the collector touches
    with forks():
        with contextlib.suppress(AssertionError):
            read(path, TableOptions())
        base = peak()
        for number in range(int(first), int(last)):
            wrong = check(suffix, number, path, outcome)
            if peak() - base > MOST_MEBIBYTES and outcome.mebibytes <= MOST_MEBIBYTES:
                wrong = wrong or f"{peak() - base} MiB more"
            outcome.mebibytes = peak() - base
            if wrong:
                print(json.dumps({"number": number, "wrong": wrong}), flush=True)  # noqa: T201 - this is a command
    print(json.dumps(asdict(outcome)))  # noqa: T201 - likewise


if __name__ == "__main__":
    main(*sys.argv[1:])
