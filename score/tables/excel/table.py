"""Excel workbooks: new columns stand right of the used range, all else stays as it was.

A sheet's records are its rows below the first one that holds anything. A sheet is read
as a stream, and written as a copy of its own bytes with new cells in between; every other
part of the workbook is copied as it is packed, but those that have to know of the new
columns. So charts, pictures, pivot tables and macros come through untouched.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator, Sequence
from typing import BinaryIO

from score.errors import DataError
from score.tables import NewColumn, Row, Source, TableOptions, TableWriter
from score.tables.excel.changes import OpenSheet, OpenWorkbook, changes_for
from score.tables.excel.choice import choose, column_names
from score.tables.excel.layout import read_layout
from score.tables.excel.package import SAVE_AGAIN, Package
from score.tables.excel.refs import column_letters
from score.tables.excel.sheet import RawCell, RawRow, SheetReader
from score.tables.excel.strings import SharedStrings
from score.tables.excel.styles import Styles
from score.tables.excel.tables import read_tables
from score.tables.excel.values import CellError, Values
from score.tables.excel.workbook import Sheet, read_workbook
from score.tables.excel.writer import ExcelWriter, RowPlace
from score.tables.sheets import SheetColumns, check_names, label_of, places_on

logger = logging.getLogger(__name__)


MAX_HELD = 32 * 1024**2
"""Bytes of all sheets together that are held from the beginning to the end: their first rows,
their formats and column widths. Of an honest sheet these are some ten thousand."""


class ExcelTable:
    """The sheet of an .xlsx or .xlsm workbook that was asked for, or several one after another.

    Dates are read as ``2024-03-01``, whole numbers without a decimal point, errors such
    as ``#N/A`` as nothing, and a formula as the value it had when the workbook was saved.

    Args:
        source: the opened file.
        options: sheet, text_column and header are used.

    Raises:
        DataError: the workbook is damaged, encrypted or empty, or the sheet is not clear.
        StorageError: reading failed.
    """

    def __init__(self, source: Source, options: TableOptions) -> None:
        self.name = source.name
        self._source = source
        self._options = options
        self._added = 0
        with contextlib.ExitStack() as stack:
            package = Package(source)
            stack.callback(package.close)
            workbook = read_workbook(package)
            strings = SharedStrings(package, workbook.strings)
            stack.callback(strings.close)
            styles = Styles(package, workbook.styles)
            self._values = Values(strings, styles, workbook.from_1904)
            choice = choose(package, workbook, self._values, options)
            self._notice = choice.notice
            sheets = tuple(self._open_sheets(package, choice.sheets))
            self._open = OpenWorkbook(package, workbook, styles, sheets)
            self._to_close = stack.pop_all()
        self.label, self.columns = sheets[0].columns.label, sheets[0].columns.names

    def rows(self, wanted: Sequence[int]) -> Iterator[Row]:
        """Read all records once, in order, with the text of the columns ``wanted``.

        To write them, call :meth:`writer` first: how many columns are new decides where
        in a row they go.

        Raises:
            DataError: a formula has no stored value, or the workbook is damaged.
            StorageError: reading failed.
        """
        first, before = self._open.sheets[0].columns, 0
        for sheet in self._open.sheets:
            places = places_on(sheet.columns, first, wanted, self._options.text_column)
            number = 0
            for number, place, texts in self._records(sheet, [place + 1 for place in places]):
                yield Row(before + number, place, texts)
            before += number

    def writer(self, target: BinaryIO, new_columns: Sequence[NewColumn]) -> TableWriter:
        """Add the columns to the sheets, and return the rows' writer.

        Raises:
            DataError: a sheet has no room for the columns, or one of that name.
            StorageError: reading failed.
        """
        names = [column.name for column in new_columns]
        check_names([sheet.columns for sheet in self._open.sheets[1:]], names)
        changes = changes_for(self._open, names)
        if self._notice:
            logger.warning("%s", self._notice)
        if any(info.filename.startswith("_xmlsignatures/") for info in self._open.package.infos):
            logger.warning(
                "%s is signed: the signature is kept, but does not hold for the output.", self.name
            )
        self._added = len(names)
        return ExcelWriter(target, self._open.package, changes)

    def close(self) -> None:
        """Release the input file."""
        self._to_close.close()
        self._source.close()

    def _open_sheets(self, package: Package, sheets: Sequence[Sheet]) -> Iterator[OpenSheet]:
        held = 0
        for sheet in sheets:
            tables = read_tables(package, sheet.part)
            layout = read_layout(package, sheet.part, tables, header=self._options.header)
            assert layout  # noqa: S101 - an empty sheet has not been chosen
            names = column_names(
                self._values, layout.top, layout.last_column, header=self._options.header
            )
            held += layout.held + sum(map(len, names))
            if held > MAX_HELD and len(sheets) > 1:
                raise DataError(
                    f"{self.name} has too many columns and formats on its {len(sheets)} sheets "
                    "with the column of texts. Say which with --sheet."
                )
            label = self.name if len(sheets) == 1 else label_of(self.name, sheet)
            yield OpenSheet(sheet, tables, layout, SheetColumns(label, names))

    def _records(
        self, sheet: OpenSheet, columns: Sequence[int]
    ) -> Iterator[tuple[int, RowPlace | None, tuple[str, ...]]]:
        """The records of a sheet: number, place and texts; of a blank one the number alone."""
        layout, part = sheet.layout, sheet.sheet.part
        number = 0
        for row in SheetReader(self._open.package, part).rows():
            if row.number < layout.first:
                continue
            if row.number > layout.last:
                break
            for gap in range(number + 1, row.number - layout.first + 1):
                yield gap, None, ()
            number = row.number - layout.first + 1
            if layout.is_record(row):
                place = RowPlace.of(part, row, layout.last_column + 1, self._added)
                yield number, place, self._texts(sheet, row, columns)
            else:
                yield number, None, ()

    def _texts(self, sheet: OpenSheet, row: RawRow, columns: Sequence[int]) -> tuple[str, ...]:
        texts = dict.fromkeys(columns, "")
        for cell in row.cells:
            if cell.column in texts:
                texts[cell.column] = self._text(sheet, row, cell)
        return tuple(texts[column] for column in columns)

    def _text(self, sheet: OpenSheet, row: RawRow, cell: RawCell) -> str:
        try:
            return self._values.text(cell)
        except CellError as exc:
            found = str(exc).format(f"{column_letters(cell.column)}{row.number}")
            number = row.number - sheet.layout.first + 1
            raise DataError(f"{sheet.columns.label}, row {number}: {found}. {SAVE_AGAIN}") from exc
