"""What has to change in a workbook so that new columns belong to it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from score.errors import DataError
from score.tables.excel.layout import Layout
from score.tables.excel.package import Package
from score.tables.excel.refs import MAX_COLUMNS, Area, column_letters
from score.tables.excel.styles import Styles
from score.tables.excel.surroundings import width_edits
from score.tables.excel.tables import ExcelTableArea, with_columns
from score.tables.excel.workbook import Sheet, WiderFilter, Workbook, with_wider_filters
from score.tables.excel.writer import Changes, RowPlace, SheetChanges
from score.tables.excel.xml import Edit, prefix_of
from score.tables.sheets import SheetColumns

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class OpenSheet:
    """A sheet that gets labels, with all that was found out about it."""

    sheet: Sheet
    tables: tuple[ExcelTableArea, ...]
    layout: Layout
    columns: SheetColumns


@dataclass(frozen=True, slots=True)
class OpenWorkbook:
    """A workbook with all that was found out about it."""

    package: Package
    main: Workbook
    styles: Styles
    sheets: tuple[OpenSheet, ...]


def changes_for(opened: OpenWorkbook, names: Sequence[str]) -> Changes:
    """Find what changes beside the rows when columns of these names are added.

    Raises:
        DataError: a sheet has no room for them, or a part is damaged.
        StorageError: reading failed.
    """
    end_styles = {style for sheet in opened.sheets for style in sheet.layout.end_styles}
    number_styles, styles = opened.styles.with_numbers(end_styles)
    parts: dict[str, bytes] = {}
    if opened.main.styles is not None and styles is not None:
        parts[opened.main.styles] = styles
    filters, sheets = [], []
    for sheet in opened.sheets:
        wider = _wider_filter(sheet, len(names))
        sheets.append(_sheet_changes(sheet, names, wider))
        if wider:
            filters.append(wider)
        if sheet.layout.has_header:
            parts |= _tables(opened.package, sheet, names)
    main = with_wider_filters(opened.package, opened.main, filters) if filters else None
    if main is not None:
        parts[opened.main.part] = main
    return Changes(tuple(sheets), parts, tuple(names), number_styles)


def _sheet_changes(
    opened: OpenSheet, names: Sequence[str], wider: WiderFilter | None
) -> SheetChanges:
    layout = opened.layout
    column = layout.last_column + 1
    if layout.last_column + len(names) > MAX_COLUMNS:
        raise DataError(
            f"{opened.columns.label}: the sheet is full up to its last column, "
            f"{column_letters(layout.last_column)}. Delete what stands at its right end."
        )
    around, part = layout.around, opened.sheet.part
    edits = [*_dimension(layout, len(names)), *width_edits(around, column, names)]
    if wider and around.filter:
        edits.append(around.filter.with_area(wider.after))
    assert around.data is not None  # noqa: S101 - it has rows, so it has the tag
    return SheetChanges(
        part=part,
        edits=tuple(edits),
        column=column,
        prefix=prefix_of(around.data.raw).decode(),
        header=RowPlace.of(part, layout.top, column, len(names)) if layout.has_header else None,
    )


def _dimension(layout: Layout, count: int) -> list[Edit]:
    tag = layout.around.dimension
    area = tag.area() if tag else None
    if tag is None or area is None:
        return []
    column = layout.last_column + 1
    added = Area(layout.top.number, column, layout.last, column + count - 1)
    return [tag.with_area(area.around(added))]


def _tables(package: Package, opened: OpenSheet, names: Sequence[str]) -> dict[str, bytes]:
    """Take the new columns into the table that ends beside them.

    Else sorting it would move the reviews and leave their labels behind.
    """
    parts = {}
    layout = opened.layout
    for table in opened.tables:
        if not table.ends_beside(layout.top.number, layout.last_column + 1):
            continue
        if table.can_grow:
            parts[table.part] = with_columns(package, table, names)
        else:
            logger.warning(
                "%s: the table in %s has no header of its own or is filled by a query, so the new "
                "columns stand beside it, not in it.",
                opened.columns.label,
                table.area,
            )
    return parts


def _wider_filter(opened: OpenSheet, count: int) -> WiderFilter | None:
    """Take the new columns into the filter that ends beside them."""
    layout = opened.layout
    area = layout.around.filter.area() if layout.around.filter else None
    if area is None or not layout.has_header:
        return None
    if (area.first_row, area.last_column) != (layout.top.number, layout.last_column):
        return None
    return WiderFilter(opened.sheet, area, area.wider(count))
