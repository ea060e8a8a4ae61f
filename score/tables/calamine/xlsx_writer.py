"""A new .xlsx workbook from the values of another spreadsheet, row by row, through xlsxwriter."""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple, cast

from score.errors import DataError
from score.tables.columns import shown
from score.tables.numbers import rounded

if TYPE_CHECKING:
    from score.tables import Cell, Row
    from score.tables.calamine.process import Sheet, Value

MAX_ROWS = 1_048_576
MAX_COLUMNS = 16_384
MAX_TEXT = 32_767
"""What an .xlsx workbook can hold: characters in a cell, and rows and columns of a sheet."""

_FIRST_DAY = datetime.date(1900, 3, 1)
"""Days before are a matter of opinion between spreadsheet programs."""

_NOT_IN_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")

_FORMATS = {
    datetime.datetime: "yyyy-mm-dd hh:mm:ss",
    datetime.date: "yyyy-mm-dd",
    datetime.time: "hh:mm:ss",
    datetime.timedelta: "[h]:mm:ss",
    float: "0.0000",
}


class _Exact(float):
    """A number that xlsxwriter, which formats with 16 digits, writes with as many as it needs."""

    def __format__(self, _: str) -> str:
        return repr(float(self)).removesuffix(".0")


class SheetRow(NamedTuple):
    """A record, where it is to be written: its sheet, its row counted from 0, and its cells."""

    sheet: Sheet
    place: int
    cells: Sequence[Value]


class XlsxWriter:
    """Writes the rows of some sheets with their new cells, and copies the others.

    Args:
        target: where the workbook goes; it stays open.
        table_name: what messages call the spreadsheet.
        sheets: all sheets, in order.
        chosen: those that get new columns.
        new_columns: how many these are.

    Raises:
        DataError: .xlsx has no room for a sheet or the columns, or its name cannot stand there.
    """

    def __init__(
        self,
        target: BinaryIO,
        table_name: str,
        sheets: Sequence[Sheet],
        chosen: Sequence[Sheet],
        new_columns: int,
    ) -> None:
        import xlsxwriter

        for sheet in sheets:
            check_size(sheet, table_name, new_columns if sheet in chosen else 0)
        # In constant memory it keeps one row of each sheet, the rest in temporary files.
        options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
        self._workbook = xlsxwriter.Workbook(target, options)
        self._formats = {
            kind: self._workbook.add_format({"num_format": code}) for kind, code in _FORMATS.items()
        }
        self._table_name = table_name
        # A workbook opens with a sheet that is not hidden, and has to have one.
        front = next((sheet for sheet in (*chosen, *sheets) if not sheet.hidden), chosen[0])
        self._sheets = {sheet.place: self._add(sheet, hide=sheet != front) for sheet in sheets}
        self._sheets[front.place].activate()

    def copy(self, sheet: Sheet, rows: Iterable[Sequence[Value]]) -> None:
        """Write all rows of another sheet.

        Raises:
            DataError: a text is too long for a cell.
        """
        for place, cells in enumerate(rows):
            self._put(self._sheets[sheet.place], place, cells)

    def write_header(self, sheet: Sheet, names: Sequence[str]) -> None:
        """Write the first row of a sheet with the names of the new columns."""
        target = self._sheets[sheet.place]
        self._put(target, sheet.top, sheet.first)
        for column, name in enumerate(names, start=sheet.columns):
            target.write_string(sheet.top, column, name)

    def write(self, row: Row, cells: Sequence[Cell]) -> None:
        """Write one record; ``cells`` is empty for a blank one."""
        sheet, place, values = cast("SheetRow", row.raw)
        target = self._sheets[sheet.place]
        self._put(target, place, values)
        for column, cell in enumerate(map(rounded, cells), start=sheet.columns):
            if isinstance(cell, str):
                self._put_text(target, place, column, cell)
            elif cell is not None:
                target.write_number(place, column, _Exact(cell), self._formats[float])

    def close(self) -> None:
        """Put the workbook together; the target stays open."""
        self._workbook.close()

    def _add(self, sheet: Sheet, *, hide: bool) -> Any:
        from xlsxwriter.exceptions import XlsxWriterException

        refusal = DataError(
            f"{self._table_name}: the sheet '{shown(sheet.title)}' cannot be called so in an "
            ".xlsx workbook. Give it another name of at most 31 characters."
        )
        # xlsxwriter would write these, and no program could open the workbook.
        if _NOT_IN_XML.search(sheet.title):
            raise refusal
        try:
            added = self._workbook.add_worksheet(sheet.title)
        except XlsxWriterException as exc:
            raise refusal from exc
        if sheet.hidden and hide:
            added.hide()
        return added

    def _put(self, sheet: Any, row: int, cells: Sequence[Value]) -> None:
        for column, cell in enumerate(cells):
            if cell is None:
                continue
            if isinstance(cell, bool):
                sheet.write_boolean(row, column, cell)
            elif isinstance(cell, (int, float)) and math.isfinite(cell):
                sheet.write_number(row, column, _Exact(cell))
            elif isinstance(cell, (datetime.time, datetime.timedelta)) or _is_day(cell):
                sheet.write_datetime(row, column, cell, self._formats[type(cell)])
            else:
                self._put_text(sheet, row, column, str(cell))

    def _put_text(self, sheet: Any, row: int, column: int, text: str) -> None:
        if not fits(text):
            raise DataError(
                f"{self._table_name}: a cell of the sheet '{shown(sheet.name)}' has {len(text)} "
                f"characters, and a workbook can hold {MAX_TEXT}. Save the sheet as CSV."
            )
        sheet.write_string(row, column, text)


def check_size(sheet: Sheet, table_name: str, new_columns: int = 0) -> None:
    """Check that an .xlsx sheet has room for another sheet's rows and columns, and new ones.

    Raises:
        DataError: it has not.
    """
    if sheet.rows > MAX_ROWS or sheet.columns + new_columns > MAX_COLUMNS:
        raise DataError(
            f"{table_name}: the sheet '{shown(sheet.title)}' has {sheet.rows} rows and "
            f"{sheet.columns} columns, too many for an .xlsx workbook. Save the sheet as CSV."
        )


def fits(text: str) -> bool:
    """Whether a text has room in a cell; those beyond 16 bits count as two characters."""
    return len(text) <= MAX_TEXT // 2 or len(text.encode("utf-16-le")) // 2 <= MAX_TEXT


def _is_day(cell: object) -> bool:
    """Whether a value is a day that an .xlsx workbook can hold as such."""
    day = cell.date() if isinstance(cell, datetime.datetime) else cell
    return isinstance(day, datetime.date) and day >= _FIRST_DAY
