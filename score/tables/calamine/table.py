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
from score.tables.calamine.xlsx_writer import MAX_TEXT, SheetRow, XlsxWriter, check_size, fits
from score.tables.numbers import number_text
from score.tables.sheets import SheetColumns, check_names, choose_sheets, label_of, places_on

_MINUTE, _HOUR = 60, 3600

logger = logging.getLogger(__name__)


class CalamineTable:
    """The sheet of an .xls, .xlsb or .ods spreadsheet that was asked for, or several in a row.

    Dates are read as ``2024-03-01``, whole numbers without a decimal point, and a formula
    as the value it had when the spreadsheet was saved.

    Args:
        source: the opened file.
        options: sheet, text_column and header are used.

    Raises:
        DataError: the file is damaged, encrypted or empty, or the sheet is not clear.
    """

    def __init__(self, source: Source, options: TableOptions) -> None:
        self.name = source.name
        self._source = source
        self._options = options
        self._process = CalamineProcess(source)
        try:
            choice = choose_sheets(self.name, self._process.sheets, self._columns_of, options)
            for sheet in choice.sheets:
                check_size(sheet, self.name)
        except BaseException:
            self._process.close()
            raise
        self._notice = choice.notice
        self._sheets = choice.sheets
        several = len(choice.sheets) > 1
        self._columns = [
            SheetColumns(
                label_of(self.name, sheet) if several else self.name, self._columns_of(sheet) or ()
            )
            for sheet in choice.sheets
        ]
        self.label, self.columns = self._columns[0].label, self._columns[0].names

    def rows(self, wanted: Sequence[int]) -> Iterator[Row]:
        """Read all records once, in order, with the text of the columns ``wanted``.

        Raises:
            DataError: a sheet is damaged, or a cell has no room in an .xlsx workbook.
        """
        number = 0
        for sheet, columns in zip(self._sheets, self._columns, strict=True):
            places = places_on(columns, self._columns[0], wanted, self._options.text_column)
            above = self._above(sheet)
            for place, cells in enumerate(self._process.rows(sheet)):
                if place < above:
                    continue
                number += 1
                _check_cells(cells, f"{columns.label}, row {place - above + 1}")
                texts = tuple(_text(_at(cells, column)) for column in places)
                yield Row(number, SheetRow(sheet, place, cells), texts if cells else ())

    def writer(self, target: BinaryIO, new_columns: Sequence[NewColumn]) -> TableWriter:
        """Start an .xlsx workbook with all sheets, and say that it is one.

        Raises:
            DataError: a sheet has no room for the columns or has one of that name, or a
                name or cell is nothing that .xlsx can hold.
        """
        names = [one.name for one in new_columns]
        check_names(self._columns[1:], names)
        if self._notice:
            logger.warning("%s", self._notice)
        logger.warning(
            "%s is written as an .xlsx workbook: its values are kept, but no formats, formulas, "
            "charts, merged cells or error values.",
            self.name,
        )
        others = CalamineProcess(self._source)
        try:
            writer = XlsxWriter(target, self.name, others.sheets, self._sheets, len(names))
            for sheet in others.sheets:
                if sheet not in self._sheets:
                    writer.copy(sheet, others.rows(sheet))
        finally:
            others.close()
        if self._options.header:
            for sheet in self._sheets:
                writer.write_header(sheet, names)
        return writer

    def close(self) -> None:
        """Release the input file."""
        self._process.close()
        self._source.close()

    def _columns_of(self, sheet: Sheet) -> tuple[str, ...] | None:
        if not sheet.first:
            return None
        places = range(sheet.columns)
        if not self._options.header:
            return tuple(f"#{place + 1}" for place in places)
        return tuple(_text(_at(sheet.first, place)) for place in places)

    def _above(self, sheet: Sheet) -> int:
        """How many rows stand above the records."""
        return sheet.top + 1 if self._options.header else sheet.top


def _check_cells(cells: Sequence[Value], name: str) -> None:
    for cell in cells:
        if isinstance(cell, str) and not fits(cell):
            raise DataError(
                f"{name}: a cell has {len(cell)} characters, and a workbook can hold {MAX_TEXT}. "
                "Save the sheet as CSV."
            )


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
