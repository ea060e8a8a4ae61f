"""Where the records of a sheet stand. A sheet has to be read once to know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from score.tables.excel.package import Package
from score.tables.excel.sheet import RawRow, SheetReader
from score.tables.excel.surroundings import Surroundings
from score.tables.excel.tables import ExcelTableArea

MAX_PAIRS = 65_536
"""Formats at the right end of a sheet that are remembered; Excel allows fewer in a workbook."""

_PIECE = 256
"""Bytes of a cell, a tag or a number with all that Python puts around it."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the records of a sheet stand; rows and columns count from 1 as in Excel.

    Attributes:
        top: the first row that holds anything: the header, or the first record.
        has_header: whether it is the header.
        last: the last row that holds anything.
        last_column: the last one that cells, merged cells or tables reach.
        totals: the rows that hold the totals of a table, which are no records.
        end_styles: the formats of the cells in the last column.
        around: what stands before and behind the rows.
    """

    top: RawRow
    has_header: bool
    last: int
    last_column: int
    totals: frozenset[int]
    end_styles: frozenset[int]
    around: Surroundings

    @property
    def first(self) -> int:
        """The row of the first record."""
        return self.top.number + 1 if self.has_header else self.top.number

    @property
    def held(self) -> int:
        """About how many bytes of memory it takes."""
        pieces = len(self.top.cells) + len(self.around.widths) + len(self.end_styles)
        texts = sum(len(cell.text or "") for cell in self.top.cells)
        return pieces * _PIECE + texts + sum(len(tag.raw) for tag in self.around.widths)

    def is_record(self, row: RawRow) -> bool:
        """Whether a row is a record that holds anything."""
        return row.filled and row.number not in self.totals


def read_top(package: Package, part: str) -> RawRow | None:
    """The first row of a sheet that holds anything, if any does.

    Raises:
        DataError: the sheet is damaged.
        StorageError: reading failed.
    """
    return next((row for row in SheetReader(package, part).rows() if row.filled), None)


def read_layout(
    package: Package, part: str, tables: Sequence[ExcelTableArea], *, header: bool
) -> Layout | None:
    """Read a sheet through.

    Returns:
        None where no row holds anything.

    Raises:
        DataError: the sheet is damaged.
        StorageError: reading failed.
    """
    reader = SheetReader(package, part)
    top, last = None, 0
    ends = _Ends()
    for row in reader.rows():
        ends.add(row)
        if row.filled:
            top = top or row
            last = row.number
    if top is None:
        return None
    table_end = max((table.area.last_column for table in tables), default=0)
    last_column = max(ends.column, reader.surroundings.merged_column, table_end)
    return Layout(
        top=top,
        has_header=header,
        last=last,
        last_column=last_column,
        totals=frozenset(table.area.last_row for table in tables if table.totals),
        end_styles=ends.styles(last_column),
        around=reader.surroundings,
    )


class _Ends:
    """Finds the last filled column, and the formats that stand there or right of it."""

    def __init__(self) -> None:
        self.column = 0
        self._pairs: set[tuple[int, int]] = set()

    def add(self, row: RawRow) -> None:
        """Look at the right end of a row."""
        column = next((cell.column for cell in reversed(row.cells) if cell.filled), 0)
        if column > self.column:
            self.column = column
            self._pairs = {pair for pair in self._pairs if pair[0] >= column}
        for cell in reversed(row.cells):
            if cell.column < self.column:
                break
            # Beyond the limit, new numbers show as many decimals as they have.
            if len(self._pairs) < MAX_PAIRS:
                self._pairs.add((cell.column, cell.style))

    def styles(self, column: int) -> frozenset[int]:
        """The formats of a column; 0 is that of a row that has no cell there."""
        return frozenset({0, *(style for at, style in self._pairs if at == column)})
