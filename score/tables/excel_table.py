"""Excel workbooks through openpyxl: new columns stand right of the used range.

A sheet's records are its rows below the first one that holds anything. The whole
workbook is in memory, and saving it keeps values, formulas and formats, but no
values that formulas had, and not all that can be drawn on a sheet.
"""

from __future__ import annotations

import datetime
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

from openpyxl.utils import get_column_letter
from openpyxl.utils.escape import unescape
from openpyxl.worksheet.cell_range import CellRange

from score.errors import DataError
from score.tables import NewColumn, Row, Source, TableOptions, TableWriter
from score.tables.columns import shown
from score.tables.excel_package import fragile_parts, load, load_stored_values
from score.tables.excel_writer import ExcelWriter, Place
from score.tables.numbers import number_text

if TYPE_CHECKING:
    from openpyxl.workbook import Workbook
    from openpyxl.worksheet.worksheet import Worksheet

_ERROR = "e"
_FORMULA = "f"
_STRING_RESULT = "str"

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where the records of a sheet stand; rows and columns count from 1 as in Excel."""

    header: int | None
    first: int
    last: int
    last_column: int
    filled: frozenset[int]
    """The rows of the records that hold anything; a totals row is none."""


class ExcelTable:
    """A sheet of an .xlsx or .xlsm workbook.

    Dates are read as ``2024-03-01``, whole numbers without a decimal point, errors such
    as ``#N/A`` as nothing, and a formula as the value it had when the workbook was saved.

    Args:
        source: the opened file.
        options: sheet and header are used.

    Raises:
        DataError: the workbook is damaged, encrypted or empty, or the sheet is not clear.
        StorageError: reading failed.
    """

    def __init__(self, source: Source, options: TableOptions) -> None:
        self.name = source.name
        self._source = source
        self._fragile = fragile_parts(source)
        self._workbook = load(source, keep_macros=source.name.lower().endswith(".xlsm"))
        self._sheet = _choose_sheet(self._workbook, options.sheet, source.name)
        self._layout = _layout(self._sheet, source.name, header=options.header)
        places = range(1, self._layout.last_column + 1)
        if self._layout.header is None:
            self.columns = tuple(f"#{place}" for place in places)
        else:
            # A heading may be a formula too; then its text is the formula.
            self.columns = tuple(self._plain_text(self._layout.header, place) for place in places)

    def rows(self, wanted: Sequence[int]) -> Iterator[Row]:
        """Read all records once, in order, with the text of the columns ``wanted``.

        Raises:
            DataError: a formula has no stored value, or the workbook is damaged.
            StorageError: reading failed.
        """
        columns = [place + 1 for place in wanted]
        results = self._formula_results(columns)
        for number, row in enumerate(range(self._layout.first, self._layout.last + 1), start=1):
            if row not in self._layout.filled:
                yield Row(number, row, ())
                continue
            cells = tuple(
                results[row, column] if (row, column) in results else self._plain_text(row, column)
                for column in columns
            )
            yield Row(number, row, cells)

    def writer(self, target: BinaryIO, new_columns: Sequence[NewColumn]) -> TableWriter:
        """Add the columns to the sheet, and return the rows' writer.

        Raises:
            DataError: the sheet has no room for the columns.
        """
        if self._fragile:
            logger.warning(
                "%s holds %s: some of it will be missing or changed in the output.",
                self.name,
                ", ".join(self._fragile),
            )
        place = Place(self.name, self._layout.header, self._layout.last_column + 1)
        return ExcelWriter(target, self._workbook, self._sheet, place, new_columns)

    def close(self) -> None:
        """Release the input file."""
        self._workbook.close()
        self._source.close()

    def _plain_text(self, row: int, column: int) -> str:
        # Worksheet.cell() would make a cell for every gap, and a sheet can be all gaps.
        cell = self._sheet._cells.get((row, column))
        return "" if cell is None else _text(cell.value, cell.data_type)

    def _formula_results(self, columns: Sequence[int]) -> dict[tuple[int, int], str]:
        """Read the results of the formulas in some columns, by row and column."""
        formulas = {
            (row, column)
            for (row, column), cell in self._sheet._cells.items()
            if column in columns and cell.data_type == _FORMULA and row in self._layout.filled
        }
        if not formulas:
            return {}
        results = self._stored_values(formulas)
        for row, column in sorted(formulas - results.keys()):
            raise DataError(
                f"{self.name}, row {row - self._layout.first + 1}: the formula in "
                f"{get_column_letter(column)}{row} has no stored result. "
                "Open the workbook in Excel or LibreOffice and save it again."
            )
        return results

    def _stored_values(self, places: set[tuple[int, int]]) -> dict[tuple[int, int], str]:
        stored = load_stored_values(self._source)
        sheet: Any = stored[self._sheet.title]
        # What a file says about a sheet's size need not be true.
        sheet.reset_dimensions()
        values = {}
        for row, cells in enumerate(sheet.iter_rows(max_row=self._layout.last), start=1):
            for column, cell in enumerate(cells, start=1):
                # An empty text is stored as a string without a value, no result as neither.
                there = cell.value is not None or cell.data_type == _STRING_RESULT
                if there and (row, column) in places:
                    values[row, column] = _text(cell.value, cell.data_type)
        stored.close()
        return values


def _choose_sheet(workbook: Workbook, wanted: str | None, name: str) -> Worksheet:
    sheets = workbook.worksheets
    if wanted is None:
        found = [sheet for sheet in sheets if any(True for _ in _filled_places(sheet))]
        if not found:
            raise DataError(f"{name} is empty. It needs a row with the column names.")
        problem = f"has {len(found)} sheets with cells"
    else:
        plain = wanted.strip().casefold()
        found = [sheet for sheet in sheets if sheet.title == wanted]
        found = found or [sheet for sheet in sheets if sheet.title.strip().casefold() == plain]
        problem = f"has no sheet '{shown(wanted)}'"
    if len(found) == 1:
        return found[0]
    titles = ", ".join(shown(sheet.title) for sheet in found or sheets)
    raise DataError(f"{name} {problem}: {titles}. Say which with --sheet.")


def _filled_places(sheet: Worksheet) -> Iterator[tuple[int, int]]:
    """The row and column of every cell that holds a value, not a format alone."""
    return (place for place, cell in sheet._cells.items() if cell.value is not None)


def _layout(sheet: Worksheet, name: str, *, header: bool) -> _Layout:
    places = list(_filled_places(sheet))
    if not places:
        raise DataError(f"{name}: the sheet '{shown(sheet.title)}' is empty. Say another --sheet.")
    rows = {row for row, _ in places}
    tables = [(CellRange(table.ref), table) for table in sheet.tables.values()]
    last_column = max(
        *(column for _, column in places),
        *(merged.max_col for merged in sheet.merged_cells.ranges),
        *(bounds.max_col for bounds, _ in tables),
        1,
    )
    top = min(rows)
    totals = {bounds.max_row for bounds, table in tables if table.totalsRowCount}
    return _Layout(
        header=top if header else None,
        first=top + 1 if header else top,
        last=max(rows),
        last_column=last_column,
        filled=frozenset(rows - totals),
    )


def _text(value: object, data_type: str) -> str:
    if value is None or data_type == _ERROR:
        return ""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, (int, float)):
        return number_text(value)
    if isinstance(value, datetime.datetime):
        return value.isoformat(sep=" ").removesuffix(" 00:00:00")
    # Rich text is a list of its runs. Excel spells control characters as _x000D_.
    return unescape(str(value))
