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
from score.tables.excel.workbook import Sheet, Workbook, with_wider_filter
from score.tables.excel.writer import Changes
from score.tables.excel.xml import Edit, prefix_of

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class OpenSheet:
    """A sheet with all that was found out about it."""

    package: Package
    workbook: Workbook
    sheet: Sheet
    tables: tuple[ExcelTableArea, ...]
    layout: Layout
    styles: Styles


def changes_for(opened: OpenSheet, names: Sequence[str]) -> Changes:
    """Find what changes beside the rows when columns of these names are added.

    Raises:
        DataError: the sheet has no room for them, or a part is damaged.
        StorageError: reading failed.
    """
    layout = opened.layout
    column = layout.last_column + 1
    if layout.last_column + len(names) > MAX_COLUMNS:
        raise DataError(
            f"{opened.package.name}: the sheet is full up to its last column, "
            f"{column_letters(layout.last_column)}. Delete what stands at its right end."
        )
    number_styles, styles = opened.styles.with_numbers(layout.end_styles)
    parts: dict[str, bytes] = {}
    if opened.workbook.styles is not None and styles is not None:
        parts[opened.workbook.styles] = styles
    edits = [*_dimension(layout, len(names)), *width_edits(layout.around, column, names)]
    if layout.has_header:
        parts |= _tables(opened, column, names)
        filter_edits, filter_parts = _filter(opened, column, len(names))
        edits += filter_edits
        parts |= filter_parts
    assert layout.around.data is not None  # noqa: S101 - it has rows, so it has the tag
    return Changes(
        sheet=opened.sheet.part,
        edits=tuple(edits),
        parts=parts,
        column=column,
        prefix=prefix_of(layout.around.data.raw).decode(),
        number_styles=number_styles,
    )


def _dimension(layout: Layout, count: int) -> list[Edit]:
    tag = layout.around.dimension
    area = tag.area() if tag else None
    if tag is None or area is None:
        return []
    column = layout.last_column + 1
    added = Area(layout.top.number, column, layout.last, column + count - 1)
    return [tag.with_area(area.around(added))]


def _tables(opened: OpenSheet, column: int, names: Sequence[str]) -> dict[str, bytes]:
    """Take the new columns into the table that ends beside them.

    Else sorting it would move the reviews and leave their labels behind.
    """
    parts = {}
    for table in opened.tables:
        if not table.ends_beside(opened.layout.top.number, column):
            continue
        if table.can_grow:
            parts[table.part] = with_columns(opened.package, table, names)
        else:
            logger.warning(
                "%s: the table in %s has no header of its own or is filled by a query, so the new "
                "columns stand beside it, not in it.",
                opened.package.name,
                table.area,
            )
    return parts


def _filter(opened: OpenSheet, column: int, count: int) -> tuple[list[Edit], dict[str, bytes]]:
    """Take the new columns into the filter that ends beside them."""
    tag = opened.layout.around.filter
    area = tag.area() if tag else None
    if tag is None or area is None:
        return [], {}
    if (area.first_row, area.last_column) != (opened.layout.top.number, column - 1):
        return [], {}
    wider = area.wider(count)
    main = with_wider_filter(opened.package, opened.workbook, opened.sheet, area, wider)
    parts = {} if main is None else {opened.workbook.part: main}
    return [tag.with_area(wider)], parts
