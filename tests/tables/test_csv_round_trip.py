"""Any CSV file comes back byte for byte when the new cells are cut off."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st

from score.errors import DataError
from score.tables import NewColumn, TableOptions, open_table

ANYWHERE = ",;\t|\"\r\n =a1\\'\x0b"
# Half of some of these is the byte of a line feed, a delimiter or a quote.
LETTERS = {
    "utf-8": "é語😀\u2028\u0a0d",
    "utf-8-sig": "é語😀\u2028\u0a0d",
    "utf-16": "é語😀\u2028\u0a0d\u0d0a\u2c2c\u2222",
    "utf-16-be": "é語😀\u2028\u0a0d\u0d0a\u2c2c\u2222",
    "utf-32": "é語😀\u2028\u0a0d\u0d0a\u2c2c\u2222",
    "cp1252": "éŒ€’",
    "gb18030": "好糟㐀€😀",
    "shift_jis": "ポソ語ｱ",
}
LINE_ENDINGS = ("\n", "\r\n")
LAYOUT = (
    "looked at have",
    "seems to take two lines",
    "the header again",
    "blank line",
    "looks like",
)


@dataclass(frozen=True)
class Record:
    """What a record says, and how it is spelled; a blank line has no cells."""

    cells: tuple[str, ...]
    line: str
    ending: str


@dataclass(frozen=True)
class File:
    """A CSV file: the header, and the records below it."""

    encoding: str
    delimiter: str
    header: Record
    records: tuple[Record, ...]

    def encode(self, new: Callable[[int], str] | None = None) -> bytes:
        """Spell the file; with new cells short records are padded, and wide ones are not there."""
        text = self.header.line + (new(0) if new else "") + self.header.ending
        for place, record in enumerate(self.records, start=1):
            lacking = len(self.header.cells) - len(record.cells)
            if new is None or not record.cells:
                text += record.line + record.ending
            elif lacking >= 0:
                text += record.line + self.delimiter * lacking + new(place) + record.ending
        return text.encode(self.encoding)


def cell(encoding: str) -> st.SearchStrategy[tuple[str, bool]]:
    """A cell, and whether it is quoted without need."""
    text = st.text(st.sampled_from(ANYWHERE + LETTERS[encoding]), max_size=5)
    return st.tuples(text, st.booleans())


def spelled(cells: list[tuple[str, bool]], ending: str, delimiter: str) -> Record:
    """Spell a record with the quotes that it needs and that it has without need."""
    texts = tuple(text for text, _ in cells)
    line = delimiter.join(
        '"{}"'.format(text.replace('"', '""'))
        if quoted or texts == ("",) or must_be_quoted(text, delimiter)
        else text
        for text, quoted in cells
    )
    return Record(texts, line, ending)


def must_be_quoted(text: str, delimiter: str) -> bool:
    """Whether a cell would be read otherwise without quotes."""
    return text.startswith('"') or any(char in text for char in (delimiter, "\r", "\n"))


@st.composite
def files(draw: st.DrawFn) -> File:
    """Any records, with any quoting that CSV allows, in any of the encodings."""
    encoding = draw(st.sampled_from(tuple(LETTERS)))
    delimiter = draw(st.sampled_from((",", ";", "\t", "|")))
    width = draw(st.integers(1, 3))
    ending = st.sampled_from(LINE_ENDINGS)
    header = draw(st.lists(cell(encoding), min_size=width, max_size=width))
    record = st.lists(cell(encoding), min_size=width, max_size=width)
    ragged = st.lists(cell(encoding), max_size=4)
    rows = draw(st.lists(record | ragged, max_size=4))
    if rows and rows[-1] and draw(st.integers(0, 9)) == 0:
        rows[-1][0] = (rows[-1][0][0] * 20_000, True)
    records = [spelled(cells, draw(ending), delimiter) for cells in (header, *rows)]
    ends_in_a_newline = draw(st.booleans())
    if records[-1].cells and not ends_in_a_newline:
        records[-1] = Record(records[-1].cells, records[-1].line, "")
    return File(encoding, delimiter, records[0], tuple(records[1:]))


@settings(max_examples=2000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(files())
def test_any_file_comes_back(file: File) -> None:
    """Any records in any dialect and encoding: cells are read, bytes stay, cells are added."""
    options = TableOptions(encoding=file.encoding, delimiter=file.delimiter)
    target = io.BytesIO()
    seen = []
    with no_table():
        table = open_table(io.BytesIO(file.encode()), options)
        assert table.columns == file.header.cells
        columns = [NewColumn("label", "text"), NewColumn("confidence", "number")]
        writer = table.writer(target, columns)
        for row in table.rows(range(len(table.columns))):
            seen.append((row.cells, row.reject and row.reject.record))
            if row.reject is None:
                writer.write(row, () if row.blank else ("new", row.number / 8))
    assert seen == [as_read(record, len(file.header.cells)) for record in file.records]

    def new(place: int) -> str:
        cells = ("", "new", f"{place / 8:.4f}") if place else ("", "label", "confidence")
        return file.delimiter.join(cells)

    assert target.getvalue() == file.encode(new)


@contextlib.contextmanager
def no_table() -> Iterator[None]:
    """Pass over files that by chance are no table below one header, which is found."""
    try:
        yield
    except DataError as exc:
        if not any(said in str(exc) for said in LAYOUT):
            raise
        reject()


def as_read(record: Record, width: int) -> tuple[tuple[str, ...], str | None]:
    """The cells that a record has under a header, or the record where it has too many."""
    if len(record.cells) > width:
        return (), record.line
    padding = ("",) * (width - len(record.cells))
    return (record.cells + padding if record.cells else ()), None
