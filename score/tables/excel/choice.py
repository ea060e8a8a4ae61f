"""What the sheets of a workbook call their columns, and which of them are meant."""

from __future__ import annotations

from score.tables import TableOptions
from score.tables.excel.layout import read_top
from score.tables.excel.package import Package
from score.tables.excel.sheet import RawRow
from score.tables.excel.values import CellError, Values
from score.tables.excel.workbook import Sheet, Workbook
from score.tables.sheets import Choice, choose_sheets


def choose(
    package: Package, workbook: Workbook, values: Values, options: TableOptions
) -> Choice[Sheet]:
    """Find the sheets that are meant.

    Raises:
        DataError: there is none, or it is not clear which; or a sheet is damaged.
        StorageError: reading failed.
    """

    def columns_of(sheet: Sheet) -> tuple[str, ...] | None:
        top = read_top(package, sheet.part)
        if top is None:
            return None
        return column_names(values, top, top.cells[-1].column, header=options.header)

    sheets = workbook.sheets
    if options.sheet is None:
        # Two tabs can show one part.
        by_part: dict[str, Sheet] = {}
        for sheet in sheets:
            by_part.setdefault(sheet.part.casefold(), sheet)
        sheets = tuple(by_part.values())
    return choose_sheets(package.name, sheets, columns_of, options)


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
