"""Tables of reviews in the formats people keep them in, read and written without loss.

A reader numbers the records, hands over the text of the columns that were asked for and
keeps each record as it found it; the writer of the same table puts that record back
with new cells behind it. Nothing here knows what a label is.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal, Protocol, cast

from score.errors import DataError, NoInputError, StorageError, ThumbsError, UsageError
from score.tables.columns import check_new_names, find_column, shown

__all__ = [
    "Cell",
    "NewColumn",
    "Reject",
    "Row",
    "Source",
    "Table",
    "TableOptions",
    "TableWriter",
    "check_new_names",
    "find_column",
    "open_table",
    "written_suffix",
]

Cell = str | float | None
"""A new cell: text, a number (written with four decimals), or None for an empty cell."""


@dataclass(frozen=True, slots=True)
class TableOptions:
    """How to read a table where the file itself does not say.

    Attributes:
        encoding: a Python codec name for CSV and TSV; None reads the byte order mark,
            and without one utf-8.
        delimiter: one character for CSV; None is the one of , ; | and tab that reads the
            beginning of the file as a table.
        header: whether the first record holds the column names. Without a header the
            columns are called by their place: ``#1``, ``#2`` ...
        sheet: the worksheet to read; None is the only one with cells, or all of those
            with the column of texts, one after another.
        text_column: which column that is, as :func:`find_column` takes it; it chooses
            nothing but the worksheets.
    """

    encoding: str | None = None
    delimiter: str | None = None
    header: bool = True
    sheet: str | None = None
    text_column: str | None = None


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
        number: 1 for the first record after the header; every record counts, also blank
            and rejected ones, and from one sheet to the next they count on.
        raw: the record as the table's own writer needs it to write it back unchanged.
        cells: the text of the columns that were asked for, in that order; empty for a
            blank or rejected record.
        reject: set where the record goes to the rejects.
        padded: whether the record has fewer cells than the header, and is written with
            empty ones in their place.
        size: bytes that ``raw`` holds, where it may hold many.
    """

    number: int
    raw: object
    cells: tuple[str, ...]
    reject: Reject | None = None
    padded: bool = False
    size: int = 0

    @property
    def blank(self) -> bool:
        """Whether this is a blank line, copied without new cells."""
        return not self.cells and self.reject is None


class TableWriter(Protocol):
    """Writes the records of the table it came from, each with its new cells."""

    def write(self, row: Row, cells: Sequence[Cell]) -> None:
        """Write one record; ``cells`` is empty for a blank one.

        Rejected records are not written here, they belong to the rejects.
        """

    def close(self) -> None:
        """Write what is still held back; the target stays open."""


class Table(Protocol):
    """An open table.

    Attributes:
        name: what messages call it: the file as it was given, or ``standard input``.
        columns: the column names, in order; of several sheets those of the first.
        label: ``name``, and of several sheets the first: what has these columns, in messages.
    """

    name: str
    columns: tuple[str, ...]
    label: str

    def rows(self, wanted: Sequence[int]) -> Iterator[Row]:
        """Read all records once, in order, with the text of the columns ``wanted``.

        Rows that are to be written come from a call after that of :meth:`writer`.

        Args:
            wanted: places in ``columns``, counted from 0. With none the rows can be
                counted, but have no cells and all look blank.
        """

    def writer(self, target: BinaryIO, new_columns: Sequence[NewColumn]) -> TableWriter:
        """Start the same table, with ``new_columns`` at its right end, in ``target``."""

    def close(self) -> None:
        """Release the input file."""


@dataclass(frozen=True, slots=True)
class Source:
    """An opened input: what a table reads from.

    Attributes:
        name: what messages call it, on one line.
        stream: its bytes.
        owned: whether the table closes the stream; standard input stays the caller's.
    """

    name: str
    stream: BinaryIO
    owned: bool

    def close(self) -> None:
        """Close the stream, if it was opened here."""
        if self.owned:
            self.stream.close()

    def broken(self, kind: str, cause: Exception) -> ThumbsError:
        """Say that the content cannot be read, or that reading itself failed.

        Args:
            kind: what the content should have been, such as ``a Parquet file``.
            cause: what the foreign library raised; libraries raise OSError for damaged
                content too, but only the operating system sets its errno.
        """
        if isinstance(cause, OSError) and cause.errno:
            return StorageError(f"{self.name} could not be read: {cause.strerror}.")
        found = shown(str(cause) or type(cause).__name__, 120).rstrip(".")
        return DataError(f"{self.name} is damaged or not {kind}: {found}.")


@dataclass(frozen=True, slots=True)
class _Format:
    """A kind of file: what to call it, who reads it, which options say something about it.

    It is written under its own suffix, or as ``written`` where nothing writes such files.
    """

    kind: str
    reader: str
    options: frozenset[str]
    written: str | None = None


_CSV = _Format(
    "a CSV file",
    "score.tables.csv.table:CsvTable",
    frozenset({"--encoding", "--delimiter", "--no-header"}),
)
_EXCEL = _Format(
    "an Excel workbook",
    "score.tables.excel.table:ExcelTable",
    frozenset({"--sheet", "--no-header"}),
)
_SPREADSHEET = _Format(
    "a spreadsheet",
    "score.tables.calamine.table:CalamineTable",
    frozenset({"--sheet", "--no-header"}),
    written=".xlsx",
)
_PARQUET = _Format("a Parquet file", "score.tables.parquet.table:ParquetTable", frozenset())
_JSONL = _Format("a JSON Lines file", "score.tables.jsonl_table:JsonlTable", frozenset())

_FORMATS = {
    ".csv": _CSV,
    ".tsv": _CSV,
    ".xlsx": _EXCEL,
    ".xlsm": _EXCEL,
    ".xls": _SPREADSHEET,
    ".xlsb": _SPREADSHEET,
    ".ods": _SPREADSHEET,
    ".parquet": _PARQUET,
    ".jsonl": _JSONL,
    ".ndjson": _JSONL,
}


def open_table(source: Path | BinaryIO, options: TableOptions | None = None) -> Table:
    """Open a table; the suffix says the format, and only that format's reader is imported.

    Args:
        source: a file, or a binary stream: that is CSV and is called ``standard input``.
        options: what the file itself does not say.

    Raises:
        UsageError: no format has that suffix, or an option does not fit the format.
        NoInputError: the file is not there or cannot be opened.
        DataError: the content is damaged or can be read in more than one way.
        StorageError: reading failed.
    """
    options = options or TableOptions()
    opened = _open_file(source) if isinstance(source, Path) else _standard_input(source)
    try:
        chosen = _format_of(source, opened.name) if isinstance(source, Path) else _CSV
        _check_options(options, chosen, opened.name)
        module, reader = chosen.reader.split(":")
        build = getattr(importlib.import_module(module), reader)
        return cast("Callable[[Source, TableOptions], Table]", build)(opened, options)
    except BaseException:
        opened.close()
        raise


def written_suffix(path: Path) -> str:
    """The suffix of the file that ``path`` becomes: its own, or that of another format.

    Args:
        path: an input; a suffix that no format has stays as it is.
    """
    known = _FORMATS.get(path.suffix.lower())
    return known.written if known and known.written else path.suffix


def _standard_input(stream: BinaryIO) -> Source:
    return Source("standard input", stream, owned=False)


def _open_file(path: Path) -> Source:
    name = shown(str(path), 1000)
    try:
        return Source(name, path.open("rb"), owned=True)
    except FileNotFoundError as exc:
        raise NoInputError(f"No such file: {name}. Check the name and the folder.") from exc
    except OSError as exc:
        if path.is_dir():
            raise NoInputError(f"{name} is a folder. Name a file in it.") from exc
        raise NoInputError(f"{name} cannot be opened: {exc.strerror}.") from exc


def _format_of(path: Path, name: str) -> _Format:
    try:
        return _FORMATS[path.suffix.lower()]
    except KeyError:
        raise UsageError(
            f"{name} has none of the suffixes that can be read: {', '.join(_FORMATS)}. "
            "Save it as one of these, or pipe it as CSV into standard input (-)."
        ) from None


def _check_options(options: TableOptions, chosen: _Format, name: str) -> None:
    given = {
        "--encoding": options.encoding is not None,
        "--delimiter": options.delimiter is not None,
        "--no-header": not options.header,
        "--sheet": options.sheet is not None,
    }
    for option, is_given in given.items():
        if is_given and option not in chosen.options:
            raise UsageError(
                f"{option} says nothing about {chosen.kind}. Leave it out to read {name}."
            )
