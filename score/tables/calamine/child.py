"""The process in which calamine reads a spreadsheet, with a limit on its memory and time.

calamine holds a sheet as one full rectangle and believes what a file says about itself: a
few hundred bytes can ask it for gigabytes, send it round in a circle, or make it abort, and
an abort takes its process along. So that process is not ours.
:mod:`score.tables.calamine.process` is the other end; this module imports nothing of
thumbs, and its ``main`` is all that runs.

Standard input: lines with the place of a sheet each. Standard output: one line of JSON
about all sheets, then for each sheet that was asked for a line of JSON for each of its
rows, or with the number of blank rows that follow each other, and a ``null``. A line that is
an object with ``error`` is the last.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

# Named in no message of calamine's, so that nothing else is taken for it.
PASSWORD, DAMAGED, MEMORY = "password", "damaged", "memory"

_STARTS = (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"PK\x03\x04")
_LEAST_BYTES = 64 * 1024**2
_BYTES_FOR_EACH = 64
"""Memory for each byte of the file: a cell takes 32 in calamine, and 2 to 18 in a file."""

_LEAST_SECONDS = 3
_BYTES_IN_A_SECOND = 256 * 1024


def main(path: str) -> None:
    """Answer until standard input ends.

    Args:
        path: the spreadsheet.
    """
    answers = sys.stdout.buffer
    try:
        _serve(path, sys.stdin.buffer, answers)
    except BrokenPipeError:
        pass  # the other end has left
    except MemoryError:
        _say(answers, {"error": MEMORY})
    # A panic of Rust comes as an exception that is no Exception.
    except BaseException as exc:  # noqa: BLE001 - see above
        kind = PASSWORD if type(exc).__name__ == "PasswordError" else DAMAGED
        _say(answers, {"error": kind, "found": str(exc)})


def _serve(path: str, requests: BinaryIO, answers: BinaryIO) -> None:
    import python_calamine

    limits = _Limits(os.stat(path).st_size)  # noqa: PTH116 - pathlib takes as long as calamine
    workbook = _load(path)
    about = []
    for place, sheet in enumerate(workbook.sheets_metadata):
        if sheet.typ is python_calamine.SheetTypeEnum.WorkSheet:
            hidden = sheet.visible is not python_calamine.SheetVisibleEnum.Visible
            size = _size(workbook.get_sheet_by_index(place))
            about.append((place, sheet.name, hidden, *size))
    _say(answers, about)
    # The other end waits for this, and for the end of each sheet, before it asks for more.
    answers.flush()
    for request in requests:
        limits.start_clock()
        sheet = workbook.get_sheet_by_index(int(request))
        # How long the rows take is up to whoever reads them.
        limits.stop_clock()
        blank = 0
        for row in _rows(sheet):
            if not row:
                blank += 1
                continue
            if blank:
                _say(answers, blank)
                blank = 0
            _say(answers, row)
        # calamine ends a sheet at its last cell that holds anything.
        _say(answers, None)
        answers.flush()
        # It may be too large to be in memory together with the next one.
        del sheet


def _size(sheet: Any) -> tuple[int, int, int, list[Any]]:
    """How many rows and columns a sheet has, then place and cells of its first filled row."""
    row, column = sheet.end or (-1, -1)
    filled = ((place, cells) for place, cells in enumerate(_rows(sheet)) if cells)
    return row + 1, column + 1, *next(filled, (0, []))


def _rows(sheet: Any) -> Iterator[list[Any]]:
    gap = [None] * (sheet.start[1] if sheet.start else 0)
    for row in sheet.iter_rows() if sheet.start else ():
        cells = [_plain(cell) for cell in _without_empty_end(row)]
        yield gap + cells if cells else []


def _load(path: str) -> Any:
    import python_calamine

    with open(path, "rb") as file:  # noqa: PTH123 - likewise
        if not file.read(8).startswith(_STARTS):
            raise ValueError("it begins like neither .xls nor .xlsb nor .ods")
        try:
            return python_calamine.load_workbook(path)
        except python_calamine.PasswordError:
            raise
        except python_calamine.CalamineError as exc:
            # The suffix need not be the right one; calamine goes by it where there is one.
            file.seek(0)
            try:
                return python_calamine.load_workbook(file)
            except python_calamine.CalamineError:
                raise exc from None


class _Limits:
    """What the kernel lets this process have; only POSIX systems can say so.

    Args:
        size: of the file.
    """

    def __init__(self, size: int) -> None:
        self._seconds = _LEAST_SECONDS + size // _BYTES_IN_A_SECOND
        with contextlib.suppress(ImportError, OSError, ValueError):
            import resource

            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            most = _address_space() + _LEAST_BYTES + size * _BYTES_FOR_EACH
            resource.setrlimit(resource.RLIMIT_AS, (most, resource.RLIM_INFINITY))
        self.start_clock()

    def start_clock(self) -> None:
        """From now on a certain time of a processor, and no more."""
        self._let(int(time.process_time()) + 1 + self._seconds)

    def stop_clock(self) -> None:
        """Take as long as you like."""
        self._let(None)

    def _let(self, seconds: int | None) -> None:
        with contextlib.suppress(ImportError, OSError, ValueError):
            import resource

            _, most = resource.getrlimit(resource.RLIMIT_CPU)
            resource.setrlimit(resource.RLIMIT_CPU, (most if seconds is None else seconds, most))


def _address_space() -> int:
    """Bytes of address space in use already, most of it never touched; Linux alone tells."""
    import resource

    with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123 - saves an import
        return int(file.read().split()[0]) * resource.getpagesize()


def _without_empty_end(row: Sequence[Any]) -> Sequence[Any]:
    last = len(row)
    while last and row[last - 1] == "":
        last -= 1
    return row[:last]


def _plain(cell: Any) -> Any:
    """A cell as JSON: what JSON lacks is a list of its kind and its text or seconds."""
    if isinstance(cell, datetime.datetime):
        return ["datetime", cell.isoformat()]
    if isinstance(cell, datetime.date):
        return ["date", cell.isoformat()]
    if isinstance(cell, datetime.time):
        return ["time", cell.isoformat()]
    if isinstance(cell, datetime.timedelta):
        return ["timedelta", cell.days, cell.seconds, cell.microseconds]
    return None if cell == "" else cell


def _say(answers: BinaryIO, value: Any) -> None:
    answers.write(json.dumps(value).encode() + b"\n")
