"""Excel workbooks: new columns stand right of the used range, all else stays as it was.

A sheet's records are its rows below the first one that holds anything. The sheet is read
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
from score.tables.columns import shown
from score.tables.excel.changes import OpenSheet, changes_for
from score.tables.excel.choice import choose_sheet, column_names
from score.tables.excel.layout import read_layout
from score.tables.excel.package import SAVE_AGAIN, Package
from score.tables.excel.refs import column_letters
from score.tables.excel.sheet import RawCell, RawRow, SheetReader
from score.tables.excel.strings import SharedStrings
from score.tables.excel.styles import Styles
from score.tables.excel.tables import read_tables
from score.tables.excel.values import CellError, Values
from score.tables.excel.workbook import read_workbook
from score.tables.excel.writer import ExcelWriter, RowPlace

logger = logging.getLogger(__name__)


class ExcelTable:
    """A sheet of an .xlsx or .xlsm workbook.

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
        self._added = 0
        with contextlib.ExitStack() as stack:
            package = Package(source)
            stack.callback(package.close)
            workbook = read_workbook(package)
            strings = SharedStrings(package, workbook.strings)
            stack.callback(strings.close)
            styles = Styles(package, workbook.styles)
            self._values = Values(strings, styles, workbook.from_1904)
            choice = choose_sheet(package, workbook, self._values, options)
            tables = read_tables(package, choice.sheet.part)
            layout = read_layout(package, choice.sheet.part, tables, header=options.header)
            if layout is None:
                title = shown(choice.sheet.title)
                raise DataError(f"{self.name}: the sheet '{title}' is empty. Say another --sheet.")
            self._notice = choice.notice
            self._open = OpenSheet(package, workbook, choice.sheet, tables, layout, styles)
            self._to_close = stack.pop_all()
        self.columns = column_names(
            self._values, layout.top, layout.last_column, header=options.header
        )

    def rows(self, wanted: Sequence[int]) -> Iterator[Row]:
        """Read all records once, in order, with the text of the columns ``wanted``.

        To write them, call :meth:`writer` first: how many columns are new decides where
        in a row they go.

        Raises:
            DataError: a formula has no stored value, or the workbook is damaged.
            StorageError: reading failed.
        """
        layout = self._open.layout
        columns = [place + 1 for place in wanted]
        number = 0
        for row in SheetReader(self._open.package, self._open.sheet.part).rows():
            if row.number < layout.first:
                continue
            if row.number > layout.last:
                break
            for gap in range(number + 1, row.number - layout.first + 1):
                yield Row(gap, None, ())
            number = row.number - layout.first + 1
            if layout.is_record(row):
                place = RowPlace.of(row, layout.last_column + 1, self._added)
                yield Row(number, place, self._texts(row, number, columns))
            else:
                yield Row(number, None, ())

    def writer(self, target: BinaryIO, new_columns: Sequence[NewColumn]) -> TableWriter:
        """Add the columns to the sheet, and return the rows' writer.

        Raises:
            DataError: the sheet has no room for the columns.
            StorageError: reading failed.
        """
        names = [column.name for column in new_columns]
        changes = changes_for(self._open, names)
        if self._notice:
            logger.warning("%s", self._notice)
        if any(info.filename.startswith("_xmlsignatures/") for info in self._open.package.infos):
            logger.warning(
                "%s is signed: the signature is kept, but does not hold for the output.", self.name
            )
        self._added = len(names)
        writer = ExcelWriter(target, self._open.package, changes)
        if self._open.layout.has_header:
            writer.put(RowPlace.of(self._open.layout.top, changes.column, len(names)), names)
        return writer

    def close(self) -> None:
        """Release the input file."""
        self._to_close.close()
        self._source.close()

    def _texts(self, row: RawRow, number: int, columns: Sequence[int]) -> tuple[str, ...]:
        texts = dict.fromkeys(columns, "")
        for cell in row.cells:
            if cell.column in texts:
                texts[cell.column] = self._text(row, number, cell)
        return tuple(texts[column] for column in columns)

    def _text(self, row: RawRow, number: int, cell: RawCell) -> str:
        try:
            return self._values.text(cell)
        except CellError as exc:
            found = str(exc).format(f"{column_letters(cell.column)}{row.number}")
            raise DataError(f"{self.name}, row {number}: {found}. {SAVE_AGAIN}") from exc
