"""Which sheet of a workbook is meant."""

from __future__ import annotations

from dataclasses import dataclass

from score.errors import DataError
from score.tables import TableOptions
from score.tables.columns import find_column, shown
from score.tables.excel.layout import read_top
from score.tables.excel.package import Package
from score.tables.excel.sheet import RawRow
from score.tables.excel.values import CellError, Values
from score.tables.excel.workbook import Sheet, Workbook

_LONGEST_LIST = 12


@dataclass(frozen=True, slots=True)
class Choice:
    """The sheet that is meant, and what there is to say about that."""

    sheet: Sheet
    notice: str | None = None


def choose_sheet(
    package: Package, workbook: Workbook, values: Values, options: TableOptions
) -> Choice:
    """Find the sheet that was asked for, else the only one that can be meant.

    That is the only one with cells, or the only one of those with the column of texts.

    Raises:
        DataError: there is none, or more than one; or a sheet is damaged.
        StorageError: reading failed.
    """
    if options.sheet is not None:
        return Choice(_named(package.name, workbook.sheets, options.sheet))
    # Two tabs can show one part.
    tops = {part: read_top(package, part) for part in {sheet.part for sheet in workbook.sheets}}
    filled = [(sheet, top) for sheet in workbook.sheets if (top := tops[sheet.part]) is not None]
    if not filled:
        raise DataError(f"{package.name} is empty. It needs a row with the column names.")
    if len(filled) == 1:
        return Choice(filled[0][0])
    found = [sheet for sheet, top in filled if _has_texts(package.name, top, values, options)]
    if len(found) == 1:
        title = shown(found[0].title)
        return Choice(
            found[0],
            f"{package.name} has {len(filled)} sheets with cells; '{title}' is the one that has "
            "the column of texts, and the only one that gets labels.",
        )
    sheets = found or [sheet for sheet, _ in filled]
    which = "with the column of texts" if found else "with cells, none with the column of texts"
    raise DataError(
        f"{package.name} has {len(sheets)} sheets {which}: {_titles(sheets)}. "
        "Say which with --sheet."
    )


def column_names(values: Values, row: RawRow, last_column: int, *, header: bool) -> tuple[str, ...]:
    """The names of the columns: what the header says, or their places."""
    if not header:
        return tuple(f"#{place}" for place in range(1, last_column + 1))
    cells = {cell.column: cell for cell in row.cells}
    names = []
    for column in range(1, last_column + 1):
        try:
            names.append(values.text(cells[column]) if column in cells else "")
        except CellError:
            # A heading that cannot be read is none; a column without is found by its place.
            names.append("")
    return tuple(names)


def _named(name: str, sheets: tuple[Sheet, ...], wanted: str) -> Sheet:
    plain = wanted.strip().casefold()
    found = [sheet for sheet in sheets if sheet.title == wanted]
    found = found or [sheet for sheet in sheets if sheet.title.strip().casefold() == plain]
    if len(found) == 1:
        return found[0]
    raise DataError(
        f"{name} has {'no sheet' if not found else f'{len(found)} sheets'} '{shown(wanted)}': "
        f"{_titles(found or sheets)}. Say which with --sheet."
    )


def _has_texts(name: str, top: RawRow, values: Values, options: TableOptions) -> bool:
    columns = column_names(values, top, top.cells[-1].column, header=options.header)
    try:
        find_column(columns, options.text_column, name)
    except DataError:
        return False
    return True


def _titles(sheets: tuple[Sheet, ...] | list[Sheet]) -> str:
    titles = [shown(sheet.title) for sheet in sheets[:_LONGEST_LIST]]
    more = len(sheets) - len(titles)
    return ", ".join(titles) + (f" and {more} more" if more else "")
