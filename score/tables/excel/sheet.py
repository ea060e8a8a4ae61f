"""A sheet's XML as a stream of rows, each with the place of its cells in the bytes.

Nothing is held but the rows of the chunk in hand.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from score.tables.excel.package import Package
from score.tables.excel.refs import MAX_COLUMNS, MAX_ROWS, column_letters, column_number
from score.tables.excel.strings import TextCollector
from score.tables.excel.surroundings import SurroundingsReader
from score.tables.excel.xml import MAX_DEPTH, Names, XmlError, new_parser, parse

MAX_ROW_TEXT = 8 * 1024**2
"""Characters in all cells of a row."""

_WORKSHEET, _DATA, _ROW, _CELL, _VALUE = range(1, 6)
"""How deep the elements stand: worksheet/sheetData/row/c/v."""


class RawCell(NamedTuple):
    """A cell as it is stored.

    Attributes:
        column: counted from 1.
        start: where its tag stands in the part.
        style: the number of its format.
        kind: the attribute ``t``; ``n`` where there is none.
        text: what is stored, or None for a format alone.
        formula: whether that is a formula's result.
    """

    column: int
    start: int
    style: int
    kind: str
    text: str | None
    formula: bool

    @property
    def filled(self) -> bool:
        """Whether it holds a value, not a format alone."""
        return self.formula or bool(self.text) or (self.text == "" and self.kind == "inlineStr")


_NO_CELL = RawCell(0, 0, 0, "n", None, formula=False)


@dataclass(frozen=True, slots=True)
class RawRow:
    """A row as it is stored.

    Attributes:
        number: counted from 1.
        start: where its tag stands in the part.
        end: where its end tag stands.
        spans: the columns it claims to use, if it does.
        cells: those it has, from left to right; at least one.
    """

    number: int
    start: int
    end: int
    spans: str | None
    cells: tuple[RawCell, ...]

    @property
    def filled(self) -> bool:
        """Whether any cell holds a value."""
        return any(cell.filled for cell in self.cells)


class SheetReader:
    """Reads a sheet once.

    Args:
        package: the workbook.
        part: the sheet.

    Attributes:
        surroundings: what stands before and behind the rows; complete once all have been read.
    """

    def __init__(self, package: Package, part: str) -> None:
        self._package = package
        self._part = part
        self._names = Names()
        self._depth = 0
        self._inside_rows = False
        self._ready: list[RawRow] = []
        self._number = 0
        self._text = TextCollector()
        self._text_depth = 0
        self._spoken_at = 0
        self._collecting = False
        self._letters: dict[str, int] = {}
        self._row_start = 0
        self._row_text = 0
        self._spans: str | None = None
        self._cells: list[RawCell] = []
        self._column = 0
        self._cell = _NO_CELL
        self._value: str | None = None
        self._formula = False
        self._parser = new_parser(self._start, self._end, self._characters)
        self._outside = SurroundingsReader(self._parser)
        self.surroundings = self._outside.found

    def rows(self) -> Iterator[RawRow]:
        """The rows with cells, from top to bottom.

        Raises:
            DataError: the sheet is damaged or larger than a sheet can be.
            StorageError: reading failed.
        """
        try:
            for _ in parse(self._parser, self._package.chunks(self._part)):
                yield from self._ready
                self._ready.clear()
        except XmlError as exc:
            raise self._package.damaged(self._part, str(exc)) from exc

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth = depth = self._depth + 1
        short = self._names[name]
        if not self._inside_rows:
            self._inside_rows = self._outside.start(short, depth, attributes)
        elif depth == _CELL and short == "c" and self._row_start:
            self._start_cell(attributes)
        elif depth == _ROW and short == "row":
            self._start_row(attributes)
        elif depth >= _VALUE and self._cell is not _NO_CELL:
            self._start_value(short, depth)
        if depth > MAX_DEPTH:
            raise XmlError(f"more than {MAX_DEPTH} elements stand within each other")

    def _end(self, _name: str) -> None:
        depth = self._depth
        self._depth = depth - 1
        if not self._inside_rows:
            self._outside.end(depth)
        elif depth >= _VALUE:
            self._end_value(depth)
        elif depth == _CELL:
            self._end_cell()
        elif depth == _ROW:
            self._end_row()
        elif depth == _DATA:
            self._inside_rows = False

    def _characters(self, data: str) -> None:
        if self._collecting:
            self._text.add(data)

    def _start_row(self, attributes: dict[str, str]) -> None:
        given = attributes.get("r")
        number = self._number + 1 if given is None else _count(given, "a row")
        if number <= self._number:
            raise XmlError(f"row {number} comes after row {self._number}")
        if number > MAX_ROWS:
            raise XmlError(f"row {number} is beyond the last one that a sheet can have, {MAX_ROWS}")
        self._number = number
        self._row_start = self._parser.CurrentByteIndex
        self._spans = attributes.get("spans")
        self._cells = []
        self._column = 0
        self._row_text = 0

    def _start_cell(self, attributes: dict[str, str]) -> None:
        ref = attributes.get("r")
        if ref is None:
            column = self._column + 1
        else:
            letters = ref.rstrip("0123456789")
            column = self._letters.get(letters) or self._new_column(letters)
            if ref[len(letters) :] != str(self._number):
                raise XmlError(f"the cell {ref} stands in row {self._number}")
        if column <= self._column:
            before = column_letters(self._column)
            raise XmlError(f"the cell {ref} comes after column {before}")
        if column > MAX_COLUMNS:
            raise XmlError(f"row {self._number} has more than {MAX_COLUMNS} columns")
        self._column = column
        style = attributes.get("s")
        self._cell = RawCell(
            column,
            self._parser.CurrentByteIndex,
            0 if style is None else _count(style, "a style"),
            attributes.get("t", "n"),
            None,
            formula=False,
        )
        self._value = None
        self._formula = False

    def _start_value(self, short: str, depth: int) -> None:
        if depth == _VALUE:
            inline = self._cell.kind == "inlineStr"
            if short == "f":
                self._formula = True
            elif (short == "v" and not inline) or (short == "is" and inline):
                self._text_depth = depth
                self._collecting = short == "v"
        elif self._text_depth:
            if short == "rPh" and not self._spoken_at:
                self._spoken_at = depth
            self._collecting = short == "t" and not self._spoken_at

    def _end_value(self, depth: int) -> None:
        self._collecting = False
        if depth == self._text_depth:
            self._value = self._text.take()
            self._text_depth = 0
            self._row_text += len(self._value)
            if self._row_text > MAX_ROW_TEXT:
                raise XmlError(f"row {self._number} is longer than {MAX_ROW_TEXT} characters")
        elif depth == self._spoken_at:
            self._spoken_at = 0

    def _end_cell(self) -> None:
        cell = self._cell
        if cell is not _NO_CELL:
            value, formula = self._value, self._formula
            self._cells.append(RawCell(*cell[:4], value, formula))
            self._cell = _NO_CELL

    def _end_row(self) -> None:
        if self._cells:
            end = self._parser.CurrentByteIndex
            cells = tuple(self._cells)
            self._ready.append(RawRow(self._number, self._row_start, end, self._spans, cells))
            self._cells = []
        self._row_start = 0

    def _new_column(self, letters: str) -> int:
        if not (letters.isascii() and letters.isalpha() and len(letters) <= 3):
            raise XmlError(f"a cell in row {self._number} stands in no column: {letters[:10]}")
        self._letters[letters] = column_number(letters)
        return self._letters[letters]


def _count(text: str, what: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise XmlError(f"{text[:20]} is no number of {what}")
    return int(text)
