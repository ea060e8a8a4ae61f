"""New columns in an openpyxl sheet, dressed like the column they stand beside."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from openpyxl.utils import get_column_letter
from openpyxl.worksheet.cell_range import CellRange
from openpyxl.worksheet.dimensions import ColumnDimension
from openpyxl.worksheet.table import TableColumn

from score.errors import DataError
from score.tables import Cell, NewColumn, Row
from score.tables.numbers import rounded

if TYPE_CHECKING:
    from openpyxl.workbook import Workbook
    from openpyxl.worksheet.worksheet import Worksheet

MAX_COLUMNS = 16384
_NARROWEST = 12.0
_NUMBER_FORMAT = "0.0000"


@dataclass(frozen=True, slots=True)
class Place:
    """Where new columns go.

    Attributes:
        table_name: what messages call the workbook.
        header: the row for their names, or None for no names.
        column: the first of them; both count from 1.
    """

    table_name: str
    header: int | None
    column: int


class ExcelWriter:
    """Puts new cells into a sheet, and saves its workbook at the end.

    Args:
        target: where the workbook goes; it stays open.
        workbook: the workbook, with all it holds.
        sheet: the sheet in it that gets the columns.
        place: where they go.
        new_columns: what they are called.

    Raises:
        DataError: the sheet has no room for the columns.
    """

    def __init__(
        self,
        target: BinaryIO,
        workbook: Workbook,
        sheet: Worksheet,
        place: Place,
        new_columns: Sequence[NewColumn],
    ) -> None:
        last = place.column + len(new_columns) - 1
        if last > MAX_COLUMNS:
            raise DataError(
                f"{place.table_name}: the sheet is full up to its last column, "
                f"{get_column_letter(place.column - 1)}. Delete what stands at its right end."
            )
        self._target = target
        self._workbook = workbook
        self._sheet = sheet
        self._column = place.column
        names = [column.name for column in new_columns]
        _make_room_in_widths(sheet, place.column, last)
        for column, name in enumerate(names, start=place.column):
            width = max(_NARROWEST, len(name) + 4.0)
            sheet.column_dimensions[get_column_letter(column)].width = width
        if place.header is not None:
            self._put(place.header, names)
            _widen_tables(sheet, place.header, place.column, names)

    def write(self, row: Row, cells: Sequence[Cell]) -> None:
        """Put the new cells into one row; ``cells`` is empty for a blank one."""
        self._put(cast("int", row.raw), cells)

    def close(self) -> None:
        """Save the workbook; the target stays open."""
        self._workbook.save(self._target)

    def _put(self, row: int, values: Sequence[Cell]) -> None:
        beside: Any = self._sheet._cells.get((row, self._column - 1))
        for column, value in enumerate(values, start=self._column):
            cell: Any = self._sheet.cell(row, column)
            if beside is not None:
                # The public way, a copy of each part of a style, takes ten times as long.
                cell._style = copy(beside._style)
            cell.value = rounded(value)
            if isinstance(value, str):
                # A text that begins with = is no formula here.
                cell.data_type = "s"
            elif value is not None:
                cell.number_format = _NUMBER_FORMAT


def _make_room_in_widths(sheet: Worksheet, first: int, last: int) -> None:
    """Take the new columns out of the width settings that span several columns.

    Excel repairs a sheet in which two settings speak of one column, and a setting can
    hide all columns right of the used ones.
    """
    dimensions = sheet.column_dimensions
    for letter, setting in list(dimensions.items()):
        setting.reindex()
        low, high = cast("int", setting.min), cast("int", setting.max)
        if high < first or low > last:
            continue
        if high > last:
            rest = get_column_letter(last + 1)
            dimensions[rest] = _spanning(sheet, setting, last + 1, high)
        if low < first:
            setting.max = first - 1
        else:
            del dimensions[letter]


def _spanning(sheet: Worksheet, setting: Any, first: int, last: int) -> ColumnDimension:
    spanning: Any = ColumnDimension(
        sheet,
        index=get_column_letter(first),
        width=setting.width,
        hidden=setting.hidden,
        outlineLevel=setting.outlineLevel or 0,
        min=first,
        max=last,
    )
    spanning._style = copy(setting._style)
    return cast("ColumnDimension", spanning)


def _widen_tables(sheet: Worksheet, header: int, column: int, names: Sequence[str]) -> None:
    """Take the new columns into the tables and the filter that end beside them.

    Else sorting by the filter would move the reviews and leave their labels behind.
    """
    for table in sheet.tables.values():
        if table.headerRowCount == 1 and _ends_beside(table.ref, header, column):
            table.ref = _widened(table.ref, len(names))
            if table.autoFilter is not None and table.autoFilter.ref:
                table.autoFilter.ref = _widened(table.autoFilter.ref, len(names))
            free = max(known.id for known in table.tableColumns) + 1
            table.tableColumns.extend(
                TableColumn(id=free + offset, name=name) for offset, name in enumerate(names)
            )
    if sheet.auto_filter.ref and _ends_beside(sheet.auto_filter.ref, header, column):
        sheet.auto_filter.ref = _widened(sheet.auto_filter.ref, len(names))


def _ends_beside(ref: str, header: int, column: int) -> bool:
    cells = CellRange(ref)
    return (cells.min_row, cells.max_col) == (header, column - 1)


def _widened(ref: str, more: int) -> str:
    cells = CellRange(ref)
    cells.expand(right=more)
    return cells.coord
