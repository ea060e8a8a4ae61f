"""Spreadsheets that cannot be written as they are: .xls, .xlsb and .ods, through calamine.

What is in their cells is read, and goes into an .xlsx workbook with the new columns. A
sheet's records are its rows below the first one that holds anything.
"""

from __future__ import annotations

import datetime
import logging
from collections.abc import Iterator, Sequence
from typing import BinaryIO

from score.errors import DataError
from score.tables import NewColumn, Row, Source, TableOptions, TableWriter
from score.tables.calamine.process import CalamineProcess, Sheet, Value
from score.tables.calamine.xlsx_writer import MAX_TEXT, XlsxWriter, check_size, fits
from score.tables.columns import shown
from score.tables.numbers import number_text

_MINUTE, _HOUR = 60, 3600

logger = logging.getLogger(__name__)


class CalamineTable:
    """A sheet of an .xls, .xlsb or .ods spreadsheet.

    Dates are read as ``2024-03-01``, whole numbers without a decimal point, and a formula
    as the value it had when the spreadsheet was saved.

    Args:
        source: the opened file.
        options: sheet and header are used.

    Raises:
        DataError: the file is damaged, encrypted or empty, or the sheet is not clear.
    """

    def __init__(self, source: Source, options: TableOptions) -> None:
        self.name = source.name
        self._source = source
        self._process = CalamineProcess(source)
        try:
            self._sheet = _choose_sheet(self._process.sheets, options.sheet, source.name)
            check_size(self._sheet, source.name)
            # The rows above the first record, with the column names if there are any.
            self._top: list[list[Value]] = []
            self._first: list[Value] | None = None
            self._rows = self._process.rows(self._sheet)
            self._read_top(header=options.header)
        except BaseException:
            self._process.close()
            raise
        places = range(self._sheet.columns)
        if options.header:
            self.columns = tuple(_text(_at(self._top[-1], place)) for place in places)
        else:
            self.columns = tuple(f"#{place + 1}" for place in places)
        self._header = options.header

    def rows(self, wanted: Sequence[int]) -> Iterator[Row]:
        """Read all records once, in order, with the text of the columns ``wanted``.

        Raises:
            DataError: the sheet is damaged, or a cell has no room in an .xlsx workbook.
        """
        above = len(self._top)
        for number, cells in enumerate(self._records(), start=1):
            for cell in cells:
                if isinstance(cell, str) and not fits(cell):
                    raise DataError(
                        f"{self.name}, row {number}: a cell has {len(cell)} characters, and a "
                        f"workbook can hold {MAX_TEXT}. Save the sheet as CSV."
                    )
            texts = tuple(_text(_at(cells, place)) for place in wanted)
            yield Row(number, (above + number - 1, cells), texts if cells else ())

    def writer(self, target: BinaryIO, new_columns: Sequence[NewColumn]) -> TableWriter:
        """Start an .xlsx workbook with all sheets, and say that it is one.

        Raises:
            DataError: a sheet has no room for the columns, or a name or cell that .xlsx
                cannot hold.
        """
        logger.warning(
            "%s is written as an .xlsx workbook: its values are kept, but no formats, formulas, "
            "charts, merged cells or error values.",
            self.name,
        )
        others = CalamineProcess(self._source)
        try:
            writer = XlsxWriter(target, self.name, others.sheets, self._sheet, new_columns)
            for sheet in others.sheets:
                if sheet.place != self._sheet.place:
                    writer.copy(sheet, others.rows(sheet))
        finally:
            others.close()
        for place, cells in enumerate(self._top):
            is_header = self._header and place == len(self._top) - 1
            writer.write_top(place, cells, [one.name for one in new_columns] if is_header else [])
        return writer

    def close(self) -> None:
        """Release the input file."""
        self._process.close()
        self._source.close()

    def _read_top(self, *, header: bool) -> None:
        for cells in self._rows:
            if cells and not header:
                self._first = cells
                return
            self._top.append(cells)
            if cells:
                return

    def _records(self) -> Iterator[list[Value]]:
        if self._first is not None:
            yield self._first
        yield from self._rows


def _choose_sheet(sheets: Sequence[Sheet], wanted: str | None, name: str) -> Sheet:
    if wanted is None:
        found = [sheet for sheet in sheets if sheet.rows]
        if not found:
            raise DataError(f"{name} is empty. It needs a row with the column names.")
        problem = f"has {len(found)} sheets with cells"
    else:
        plain = wanted.strip().casefold()
        found = [sheet for sheet in sheets if sheet.name == wanted]
        found = found or [sheet for sheet in sheets if sheet.name.strip().casefold() == plain]
        problem = f"has no sheet '{shown(wanted)}'"
    if len(found) != 1:
        names = ", ".join(shown(sheet.name) for sheet in found or sheets)
        raise DataError(f"{name} {problem}: {names}. Say which with --sheet.")
    if not found[0].rows:
        raise DataError(
            f"{name}: the sheet '{shown(found[0].name)}' is empty. Say another --sheet."
        )
    return found[0]


def _at(cells: Sequence[Value], place: int) -> Value:
    return cells[place] if place < len(cells) else None


def _text(value: Value) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, (int, float)):
        return number_text(value)
    if isinstance(value, datetime.datetime):
        return value.isoformat(sep=" ").removesuffix(" 00:00:00")
    if isinstance(value, datetime.timedelta):
        seconds = round(value.total_seconds())
        minutes = f"{abs(seconds) % _HOUR // _MINUTE:02}:{abs(seconds) % _MINUTE:02}"
        return f"{'-' if seconds < 0 else ''}{abs(seconds) // _HOUR}:{minutes}"
    return str(value)
