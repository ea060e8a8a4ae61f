"""CSV and TSV: each record's own bytes are kept, new cells go before its line ending.

Nothing is written anew that was read, so cutting the new cells off gives back the input
byte for byte. The standard library's reader says where records end and what the cells
are; it runs in strict mode, because a quote in the wrong place moves cells silently.
Before the first record is read, the beginning of the file is looked at: for the delimiter,
and for lines that are no part of a table.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO, cast

from score.errors import DataError, UsageError
from score.tables import Cell, NewColumn, Reject, Row, Source, TableOptions, TableWriter
from score.tables.csv.ahead import Ahead
from score.tables.csv.dialect import CANDIDATES, choose
from score.tables.csv.encodings import remedy, wide_codec
from score.tables.csv.layout import MAX_COLUMNS, check_layout, check_repeated
from score.tables.csv.reading import decoded_lines, read
from score.tables.lines import Lines

MAX_CELL = 4 * 1024 * 1024
"""Characters in a cell; the standard library's 131,072 is too few for some transcripts."""

WINDOW_BYTES = 1024 * 1024
"""How much of a file is looked at before its first record is read."""

MAX_BLANK_START = 1000
"""Blank lines before the first record; they are held in memory."""

# Excel takes such a first line for the delimiter of the file, and shows it to nobody.
_SEPARATOR_LINE = re.compile(r'sep=([^"\r\n])\r?\n')

_FAULTS = {
    "unexpected end of data": "a quoted cell is never closed. Close its quote.",
    "new-line character seen in unquoted field": (
        "a carriage return stands in a cell without quotes. Put the cell in quotes, "
        "or end every line with a line feed."
    ),
    "field larger than field limit": (
        f"a cell is longer than {MAX_CELL} characters. Look for a quote that is not closed."
    ),
    "expected after": (
        "text follows a closing quote. Double the quotes inside a quoted cell, "
        "or say the delimiter with --delimiter."
    ),
}


@dataclass(frozen=True, slots=True)
class _Record:
    """A record's own bytes, and how many cells it lacks under the header."""

    body: bytes
    ending: bytes
    lacking: int = 0


class CsvTable:
    """A CSV or TSV file, read as a stream.

    Blank lines before the first record, and Excel's line that names the delimiter, are
    copied, but are no rows.

    Args:
        source: the opened file.
        options: encoding, delimiter and header are used.

    Raises:
        UsageError: the encoding or the delimiter is none.
        DataError: the file is empty, its header cannot be read, or it is no single table;
            an AmbiguousError where it is a table in two ways.
        StorageError: reading failed.
    """

    def __init__(self, source: Source, options: TableOptions) -> None:
        self.name = self.label = source.name
        self._source = source
        given = _delimiter(options.delimiter)
        # A setting of the whole process: raised, never lowered, so nobody else is hurt.
        csv.field_size_limit(max(csv.field_size_limit(), MAX_CELL))
        ahead = Ahead(source, WINDOW_BYTES)
        self._lines = Lines(ahead.source(), options.encoding, remedy)
        self._start = b""
        self._delimiter = self._look(ahead, given, header=options.header)
        self._reader = csv.reader(self._checked_lines(), delimiter=self._delimiter, strict=True)
        self._lines.row = 0 if options.header else 1
        cells = self._first_record()
        first = _Record(*self._lines.take())
        if options.header:
            self.columns = tuple(cells)
            self._names = cells
            self._header: _Record | None = first
            self._waiting: list[tuple[list[str], _Record]] = []
        else:
            self.columns = tuple(f"#{place}" for place in range(1, len(cells) + 1))
            self._names = []
            self._header = None
            self._waiting = [(cells, first)]

    def rows(self, wanted: Sequence[int]) -> Iterator[Row]:
        """Read all records once, in order, with the text of the columns ``wanted``.

        Raises:
            DataError: a record cannot be decoded or cut into cells.
            StorageError: reading failed.
        """
        for number, (cells, record) in enumerate(self._records(), start=1):
            self._lines.row = number + 1
            check_repeated(cells, self._names, self.name, number)
            lacking = len(self.columns) - len(cells)
            if not cells:
                yield Row(number, record, ())
            elif lacking < 0:
                reject = self._reject(cells, record)
                yield Row(number, record, (), reject, size=len(record.body))
            else:
                texts = tuple(cells[place] if place < len(cells) else "" for place in wanted)
                whole = _Record(record.body, record.ending, lacking)
                yield Row(number, whole, texts, padded=lacking > 0, size=len(record.body))

    def writer(self, target: BinaryIO, new_columns: Sequence[NewColumn]) -> TableWriter:
        """Write the header with the names of ``new_columns``, and return the rows' writer.

        Raises:
            DataError: a name cannot be written in the file's encoding.
        """
        writer = CsvWriter(target, self._delimiter, self._lines.codec, self.name)
        target.write(self._start)
        if self._header is not None:
            writer.append(self._header, [column.name for column in new_columns])
        return writer

    def close(self) -> None:
        """Release the input file."""
        self._source.close()

    def _look(self, ahead: Ahead, given: str | None, *, header: bool) -> str:
        """Look at the beginning of the file for its delimiter and its layout."""
        lines, whole = decoded_lines(ahead.head, self._lines.codec, whole=ahead.whole)
        separator = _SEPARATOR_LINE.fullmatch(lines[0]) if lines else None
        if separator:
            next(self._lines)
            self._start = b"".join(self._lines.take())
            given = given or _delimiter(separator[1])
            lines = lines[1:]
        if given is not None:
            reading = read(lines, given, whole=whole)
        else:
            usual = "\t" if self.name.lower().endswith(".tsv") else ","
            readings = [read(lines, delimiter, whole=whole) for delimiter in CANDIDATES]
            reading = choose(readings, usual, self.name, header=header)
        check_layout(reading, self.name, header=header)
        return reading.delimiter

    def _first_record(self) -> list[str]:
        """Keep the blank lines at the start, and return the cells of the first record."""
        for _ in range(MAX_BLANK_START):
            cells = self._next_cells()
            if cells is None:
                raise DataError(f"{self.name} is empty. It needs a line with the column names.")
            if len(cells) > MAX_COLUMNS:
                raise self._lines.error(
                    f"{len(cells)} cells; at most {MAX_COLUMNS} columns can be read."
                )
            if cells:
                return cells
            self._start += b"".join(self._lines.take())
        raise DataError(f"{self.name} starts with {MAX_BLANK_START} blank lines. Remove them.")

    def _records(self) -> Iterator[tuple[list[str], _Record]]:
        self._lines.row = 1
        yield from self._waiting
        while (cells := self._next_cells()) is not None:
            yield cells, _Record(*self._lines.take())

    def _next_cells(self) -> list[str] | None:
        try:
            return next(self._reader, None)
        except csv.Error as exc:
            fault = next((said for key, said in _FAULTS.items() if key in str(exc)), f"{exc}.")
            raise self._lines.error(fault) from exc

    def _checked_lines(self) -> Iterator[str]:
        for line in self._lines:
            if "\0" in line:
                wide = wide_codec(line)
                raise self._lines.error(
                    f"NUL characters, as in {wide}. If it is, add --encoding {wide}."
                    if wide
                    else "a NUL character. The file is damaged or no text."
                )
            yield line

    def _reject(self, cells: list[str], record: _Record) -> Reject:
        count = len(self.columns)
        reason = f"{len(cells)} cells under {count} column{'' if count == 1 else 's'}"
        return Reject(reason, record.body.decode(self._lines.codec).removeprefix("\ufeff"))


class CsvWriter:
    """Writes records with new cells before their line endings.

    Args:
        target: where the bytes go; it stays open.
        delimiter: the character between cells.
        codec: the file's own.
        name: what messages call the table.
    """

    def __init__(self, target: BinaryIO, delimiter: str, codec: str, name: str) -> None:
        self._target = target
        self._delimiter = delimiter
        self._codec = codec
        self._name = name
        self._special = {delimiter, '"', "\r", "\n"}

    def write(self, row: Row, cells: Sequence[Cell]) -> None:
        """Write one record; ``cells`` is empty for a blank one.

        Raises:
            DataError: a cell cannot be written in the file's encoding.
        """
        self.append(cast("_Record", row.raw), cells)

    def append(self, record: _Record, cells: Sequence[Cell]) -> None:
        """Write a record's bytes, the cells it lacks as empty ones, and the new cells."""
        padding = self._delimiter * record.lacking
        new = "".join(f"{self._delimiter}{self._quoted(cell)}" for cell in cells)
        try:
            encoded = f"{padding}{new}".encode(self._codec)
        except UnicodeEncodeError as exc:
            raise DataError(
                f"{self._name} is in {self._codec}, which has no '{new[exc.start]}' for the new "
                "cells. Convert the file to utf-8 first."
            ) from exc
        self._target.write(record.body + encoded + record.ending)

    def close(self) -> None:
        """Do nothing: every record is written at once, and the target stays open."""

    def _quoted(self, cell: Cell) -> str:
        if cell is None:
            return ""
        text = cell if isinstance(cell, str) else f"{cell:.4f}"
        if self._special.isdisjoint(text):
            return text
        doubled = text.replace('"', '""')
        return f'"{doubled}"'


def _delimiter(given: str | None) -> str | None:
    """Check a delimiter that was said."""
    # A shell hands over \t as two characters.
    delimiter = "\t" if given == r"\t" else given
    if delimiter is not None and (len(delimiter) != 1 or delimiter in '"\r\n\0'):
        raise UsageError(
            f"--delimiter is one character that is no quote and no line break, not {given!r}."
        )
    return delimiter
