"""Tables of reviews in the formats people keep them in, read and written without loss.

A reader numbers the records, hands over the text of the columns that were asked for and
keeps each record as it found it; the writer of the same table puts that record back
with new cells behind it. Nothing here knows what a label is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Literal, Protocol

__all__ = ["Cell", "NewColumn", "Reject", "Row", "Table", "TableOptions", "TableWriter"]

Cell = str | float | None
"""A new cell: text, a number (written with four decimals), or None for an empty cell."""


@dataclass(frozen=True, slots=True)
class TableOptions:
    """How to read a table where the file itself does not say.

    Attributes:
        encoding: a Python codec name for CSV and TSV; None reads the byte order mark,
            and without one utf-8.
        delimiter: one character for CSV; None is a comma, in a .tsv file a tab.
        header: whether the first record holds the column names. Without a header the
            columns are called by their place: ``#1``, ``#2`` ...
        sheet: the worksheet to read; None is the only one, or refused.
    """

    encoding: str | None = None
    delimiter: str | None = None
    header: bool = True
    sheet: str | None = None


@dataclass(frozen=True, slots=True)
class NewColumn:
    """A column that a writer adds at the right end of a table."""

    name: str
    kind: Literal["text", "number"]


@dataclass(frozen=True, slots=True)
class Reject:
    """A record that has no place in the output: why, and the record as text."""

    reason: str
    record: str


@dataclass(frozen=True, slots=True)
class Row:
    """One record of the input.

    Attributes:
        number: 1 for the first record after the header; every record counts, also
            blank and rejected ones.
        raw: the record as the table's own writer needs it to write it back unchanged.
        cells: the text of the columns that were asked for, in that order; empty for a
            blank or rejected record.
        reject: set where the record goes to the rejects.
    """

    number: int
    raw: object
    cells: tuple[str, ...]
    reject: Reject | None = None

    @property
    def blank(self) -> bool:
        """Whether this is a blank line, copied without new cells."""
        return not self.cells and self.reject is None


class TableWriter(Protocol):
    """Writes the records of the table it came from, each with its new cells."""

    def write(self, row: Row, cells: Sequence[Cell]) -> None:
        """Write one record; ``cells`` is empty for a blank one."""

    def close(self) -> None:
        """Write what is still held back; the target stays open."""


class Table(Protocol):
    """An open table.

    Attributes:
        name: what messages call it: the file as it was given, or ``standard input``.
        columns: the column names, in order.
    """

    name: str
    columns: tuple[str, ...]

    def rows(self, wanted: Sequence[int]) -> Iterator[Row]:
        """Read all records once, in order, with the text of the columns ``wanted``."""

    def writer(self, target: BinaryIO, new_columns: Sequence[NewColumn]) -> TableWriter:
        """Start the same table, with ``new_columns`` at its right end, in ``target``."""

    def close(self) -> None:
        """Release the input file."""
