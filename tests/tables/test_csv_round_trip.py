"""Any CSV file comes back byte for byte when the new cells are cut off."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from score.tables import NewColumn, TableOptions, open_table

ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "cp1252", "gb18030", "shift_jis")
LINE_ENDINGS = ("\n", "\r\n")


@dataclass(frozen=True)
class File:
    """A CSV file and what it says."""

    encoding: str
    delimiter: str
    records: tuple[tuple[str, ...], ...]
    """The header and the rows; a row without cells is a blank line."""
    lines: tuple[tuple[str, str], ...]
    """Each record as it is spelled, and its line ending."""

    def encode(self, cells: Callable[[int], str] = lambda _: "") -> bytes:
        """Spell the file, with ``cells`` behind each record but blank ones."""
        text = "".join(
            f"{line}{cells(place) if line else ''}{ending}"
            for place, (line, ending) in enumerate(self.lines)
        )
        return text.encode(self.encoding)


def can_be_spelled(char: str, encoding: str) -> bool:
    """Whether an encoding has a character, and gives the same one back."""
    try:
        return char.encode(encoding).decode(encoding) == char
    except UnicodeError:
        return False


@st.composite
def files(draw: st.DrawFn) -> File:
    """Any records, with any quoting that CSV allows, in any of the encodings."""
    encoding = draw(st.sampled_from(ENCODINGS))
    delimiter = draw(st.sampled_from((",", ";", "\t", "|")))
    some = st.characters(exclude_categories=["Cs"], exclude_characters="\0\ufeff")
    chars = (some | st.sampled_from(',;\t|"\r\n é語')).filter(lambda c: can_be_spelled(c, encoding))
    width = draw(st.integers(1, 3))
    record = st.lists(st.text(chars, max_size=6), min_size=width, max_size=width).map(tuple)
    header = draw(record.filter(lambda cells: cells != ("",)))
    rows = draw(st.lists(record | st.just(()), max_size=4))
    spelled = []
    for cells in (header, *rows):
        quoted = [draw(st.booleans()) or must_be_quoted(cell, delimiter) for cell in cells]
        if cells == ("",):
            quoted = [True]
        line = delimiter.join(
            '"{}"'.format(cell.replace('"', '""')) if quote else cell
            for cell, quote in zip(cells, quoted, strict=True)
        )
        spelled.append((line, draw(st.sampled_from(LINE_ENDINGS))))
    if spelled[-1][0] and draw(st.booleans()):
        spelled[-1] = (spelled[-1][0], "")
    return File(encoding, delimiter, (header, *rows), tuple(spelled))


def must_be_quoted(cell: str, delimiter: str) -> bool:
    """Whether a cell would be read otherwise without quotes."""
    return cell.startswith('"') or any(char in cell for char in (delimiter, "\r", "\n"))


@settings(max_examples=200, deadline=None)
@given(files())
def test_any_file_comes_back(file: File) -> None:
    """Any records in any dialect and encoding: cells are read, bytes stay, cells are added."""
    content = file.encode()
    options = TableOptions(encoding=file.encoding, delimiter=file.delimiter)
    table = open_table(io.BytesIO(content), options)
    assert table.columns == file.records[0]
    target = io.BytesIO()
    writer = table.writer(target, [NewColumn("label", "text"), NewColumn("confidence", "number")])
    seen = []
    for row in table.rows(range(len(table.columns))):
        seen.append(row.cells)
        writer.write(row, () if row.blank else ("new", row.number / 8))
    assert tuple(seen) == file.records[1:]

    def new(place: int) -> str:
        cells = ("", "new", f"{place / 8:.4f}") if place else ("", "label", "confidence")
        return file.delimiter.join(cells)

    assert target.getvalue() == file.encode(new)
