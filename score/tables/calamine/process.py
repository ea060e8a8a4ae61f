"""The other end of :mod:`score.tables.calamine.child`: a spreadsheet read in another process."""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, cast

from score.errors import DataError
from score.tables.calamine import child as calamine_child
from score.tables.columns import shown

if TYPE_CHECKING:
    from score.tables import Source

# A script of the user's own need not guard its beginning, as multiprocessing would have it.
# The child is taken from its folder, since the packages above it take as long to import as
# all the rest. The empty entry is the folder that we run in: no code is taken from there.
_PROGRAM = (
    "import sys; sys.path[:] = [sys.argv[1], *filter(None, sys.path)]; import child; "
    "sys.path[:] = sys.argv[3:]; child.main(sys.argv[2])"
)
_PATIENCE = 120.0
"""Seconds until a process that has not opened the file is ended."""

Value = str | bool | int | float | datetime.date | datetime.time | datetime.timedelta | None
"""A cell: a datetime is a date too; None is empty, as calamine also has it for an error."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A worksheet.

    Attributes:
        place: its place in the workbook.
        title: what its tab says.
        hidden: whether it is hidden.
        rows: how many it has, up to the last with a cell that holds anything.
        columns: likewise.
        top: the place of its first row that holds anything.
        first: that row's cells; none where no row holds anything.
    """

    place: int
    title: str
    hidden: bool
    rows: int
    columns: int
    top: int
    first: tuple[Value, ...]


def start(path: str) -> subprocess.Popen[bytes]:
    """Start the process that reads a file."""
    folder = os.path.dirname(calamine_child.__file__)  # noqa: PTH120 - also inside an archive
    return subprocess.Popen(  # noqa: S603 - our own program
        # What site would do is done: the places of the packages are handed over.
        [sys.executable, "-S", "-c", _PROGRAM, folder, path, *sys.path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        # An interrupt from the keyboard is for us: rows in hand are still to be written.
        start_new_session=True,
        # A panic that prints where it was needs memory, and waits for ever without.
        env={**os.environ, "RUST_BACKTRACE": "0", "RUST_LIB_BACKTRACE": "0"},
    )


class CalamineProcess:
    """An open workbook, behind a wall that its memory, time and crashes do not pass.

    Args:
        source: the opened file; what is read is the file of its name.

    Attributes:
        sheets: the worksheets, in order.

    Raises:
        DataError: the file is damaged, encrypted, no spreadsheet, or asks for too much.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._child = start(source.stream.name)
        self._requests = cast("IO[bytes]", self._child.stdin)
        self._answers = cast("IO[bytes]", self._child.stdout)
        # The limit on a processor's time does not end what sleeps.
        patience = threading.Timer(_PATIENCE, self._child.kill)
        patience.start()
        try:
            self.sheets = tuple(
                Sheet(*(*about, tuple(map(_value, first)))) for *about, first in self._answer()
            )
        except BaseException:
            self.close()
            raise
        finally:
            patience.cancel()

    def rows(self, sheet: Sheet) -> Iterator[list[Value]]:
        """Read all rows of a sheet; empty cells at a row's end are left out.

        They have to be read to their end before those of another sheet are asked for.

        Raises:
            DataError: the sheet is damaged or asks for too much.
        """
        with contextlib.suppress(BrokenPipeError):
            self._requests.write(b"%d\n" % sheet.place)
            self._requests.flush()
        while (row := self._answer()) is not None:
            if isinstance(row, int):
                yield from ([] for _ in range(row))
            else:
                yield [_value(cell) for cell in row]

    def close(self) -> None:
        """End the process."""
        self._child.kill()
        for pipe in (self._requests, self._answers):
            with contextlib.suppress(BrokenPipeError):
                pipe.close()
        self._child.wait()

    def _answer(self) -> Any:
        line = self._answers.readline()
        answer = json.loads(line) if line.endswith(b"\n") else {"error": calamine_child.MEMORY}
        if isinstance(answer, dict):
            raise self._refusal(answer["error"], answer.get("found", ""))
        return answer

    def _refusal(self, kind: str, found: str) -> DataError:
        name = self._source.name
        if kind == calamine_child.PASSWORD:
            return DataError(
                f"{name} is protected by a password. Open it and save it as .xlsx without one."
            )
        if kind == calamine_child.MEMORY:
            return DataError(
                f"{name} is damaged, or takes far more memory or time than a spreadsheet of its "
                "size should. Open it and save it as .xlsx or CSV."
            )
        return DataError(
            f"{name} is damaged or no spreadsheet: {shown(found, 120).rstrip('.')}. "
            "Open it and save it as .xlsx or CSV."
        )


def _value(cell: Any) -> Value:
    """A cell as the child saw it."""
    if not isinstance(cell, list):
        return cast("Value", cell)
    kind, *parts = cell
    if kind == "timedelta":
        return datetime.timedelta(*parts)
    kinds: dict[str, Any] = {
        "datetime": datetime.datetime,
        "date": datetime.date,
        "time": datetime.time,
    }
    return cast("Value", kinds[kind].fromisoformat(*parts))
