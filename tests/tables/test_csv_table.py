"""CSV and TSV, beyond what every table keeps."""

from __future__ import annotations

import io
from collections.abc import Iterable
from itertools import chain, repeat
from typing import BinaryIO, cast

import pytest

from score.errors import DataError, ThumbsError, UsageError
from score.tables import Cell, NewColumn, TableOptions, lines, open_table
from score.tables.columns import shown
from score.tables.csv.table import WINDOW_BYTES


def read(content: bytes, options: TableOptions | None = None) -> list[tuple[str, ...]]:
    """Read all cells of all records."""
    table = open_table(io.BytesIO(content), options)
    return [row.cells for row in table.rows(range(len(table.columns)))]


def refusal(content: bytes, options: TableOptions | None = None) -> tuple[int, str]:
    """Read what must be refused."""
    with pytest.raises(ThumbsError) as refused:
        read(content, options)
    return refused.value.exit_code, str(refused.value)


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        (None, b""),
        ("", b""),
        ("positive", b"positive"),
        ("a;b", b"a;b"),
        ("a,b", b'"a,b"'),
        ('say "so"', b'"say ""so"""'),
        ("two\nlines", b'"two\nlines"'),
        ("caf\xe9", b"caf\xc3\xa9"),
        (0.98765, b"0.9877"),
        (1, b"1.0000"),
    ],
)
def test_new_cells_are_quoted_where_needed(cell: Cell, written: bytes) -> None:
    """A new cell is text in quotes where CSV asks for them, a number with four decimals."""
    table = open_table(io.BytesIO(b"text\nGood.\n"))
    target = io.BytesIO()
    writer = table.writer(target, [NewColumn("new, or not", "text")])
    for row in table.rows([0]):
        writer.write(row, [cell])
    assert target.getvalue() == b'text,"new, or not"\nGood.,' + written + b"\n"


def test_rows_are_written_one_by_one() -> None:
    """What is scored stands in the target at once."""
    table = open_table(io.BytesIO(b"text\nGood.\nBad.\n"))
    target = io.BytesIO()
    writer = table.writer(target, [NewColumn("label", "text")])
    assert target.getvalue() == b"text,label\n"
    rows = table.rows([0])
    writer.write(next(rows), ["positive"])
    assert target.getvalue() == b"text,label\nGood.,positive\n"


def test_a_line_of_blanks_is_a_record() -> None:
    """Only a line without any cell is blank; one of blanks has one cell."""
    assert read(b"id,text\n  \n\n") == [("  ", ""), ()]


def test_without_a_header_columns_go_by_their_place() -> None:
    """With --no-header the first record is a row, and the columns are #1, #2."""
    table = open_table(io.BytesIO(b"\xef\xbb\xbf1,Good.\n"), TableOptions(header=False))
    assert table.columns == ("#1", "#2")
    assert [(row.number, row.cells) for row in table.rows([0, 1])] == [(1, ("1", "Good."))]


def test_without_a_header_rows_are_counted_from_the_first_record() -> None:
    """With --no-header a fault in the first record is in row 1."""
    assert refusal(b"1,\x81\n", TableOptions(header=False)) == (
        65,
        "standard input, row 1: byte 0x81 at offset 2 is not utf-8. "
        "Say the file's encoding with --encoding, such as --encoding cp1252.",
    )


def test_a_tab_can_be_typed() -> None:
    """A backslash and a t after --delimiter are a tab, as shells hand it over."""
    assert read(b"id\ttext\n1\tGood.\n", TableOptions(delimiter=r"\t")) == [("1", "Good.")]


@pytest.mark.parametrize("delimiter", ["", ";;", '"', "\n", "\0"])
def test_a_delimiter_that_is_none(delimiter: str) -> None:
    """A delimiter of no or two characters, a quote or a line break is a usage error."""
    assert refusal(b"text\n", TableOptions(delimiter=delimiter)) == (
        64,
        f"--delimiter is one character that is no quote and no line break, not {delimiter!r}.",
    )


@pytest.mark.parametrize("encoding", ["utf-9", "base64", "idna", "rot13", "with\0nul"])
def test_an_encoding_that_does_not_exist(encoding: str) -> None:
    """A name that is no text encoding is a usage error with some that are."""
    assert refusal(b"text\n", TableOptions(encoding=encoding)) == (
        64,
        f"There is no text encoding '{shown(encoding)}'. Usual ones for --encoding are "
        "utf-8, utf-16, cp1252, shift_jis and gb18030.",
    )


@pytest.mark.parametrize("encoding", ["utf-7", "iso2022_jp", "hz", "cp037", "punycode"])
def test_an_encoding_without_lines(encoding: str) -> None:
    """An encoding in which bytes cannot be cut into lines is refused, not garbled."""
    code, message = refusal(b"text\n", TableOptions(encoding=encoding))
    assert code == 64
    assert message.endswith("cannot be read line by line. Convert the file to utf-8 first.")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_wide_encodings_need_their_order(encoding: str) -> None:
    """utf-16 without a byte order mark can be read in two ways, so it is refused."""
    assert refusal(b"t\0\n\0", TableOptions(encoding=encoding)) == (
        65,
        f"standard input has no byte order mark, so {encoding} can be read in two ways. "
        f"Say --encoding {encoding}-le or --encoding {encoding}-be.",
    )


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "UTF8", "utf_8", None])
def test_the_byte_order_mark_is_no_text(encoding: str | None) -> None:
    """However utf-8 is called, its mark is no part of the first cell, with quotes or without."""
    table = open_table(io.BytesIO(b'\xef\xbb\xbf"a",b\n'), TableOptions(encoding=encoding))
    assert table.columns == ("a", "b")


def test_a_mark_inside_the_text_stays() -> None:
    """Only the file's first character is a byte order mark."""
    assert read("text\n\ufeffGood.\n".encode()) == [("\ufeffGood.",)]


def test_a_label_that_the_encoding_lacks() -> None:
    """A new cell that the file's encoding cannot hold is refused, not replaced."""
    table = open_table(io.BytesIO(b"text\n"), TableOptions(encoding="ascii"))
    with pytest.raises(DataError) as refused:
        table.writer(io.BytesIO(), [NewColumn("größe", "text")])
    assert str(refused.value) == (
        "standard input is in ascii, which has no 'ö' for the new cells. "
        "Convert the file to utf-8 first."
    )


def test_long_cells_are_read() -> None:
    """A transcript of a million characters is one cell."""
    assert read(b"text\n" + b"a" * 1_000_000 + b"\n") == [("a" * 1_000_000,)]


class Generated(io.RawIOBase):
    """A file that is made while it is read, and remembers how far that was."""

    def __init__(self, lines: Iterable[bytes]) -> None:
        self.lines = iter(lines)
        self.waiting = b""
        self.given = 0

    def read(self, size: int | None = -1, /) -> bytes:
        """Give ``size`` bytes, or what is left."""
        assert size is not None
        while len(self.waiting) < size and (line := next(self.lines, b"")):
            self.waiting += line
        return self._give(size)

    def readline(self, size: int | None = -1, /) -> bytes:
        """Give the rest of the line."""
        assert size is not None
        while b"\n" not in self.waiting and len(self.waiting) < size:
            if not (line := next(self.lines, b"")):
                break
            self.waiting += line
        return self._give(min(size, self.waiting.find(b"\n") + 1 or size))

    def _give(self, size: int) -> bytes:
        given, self.waiting = self.waiting[:size], self.waiting[size:]
        self.given += len(given)
        return given


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le"])
def test_memory_has_a_limit(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A record without an end is refused before it fills the memory."""
    monkeypatch.setattr(lines, "MAX_RECORD_BYTES", 2_000_000)
    endless = Generated(chain(["text\n".encode(encoding)], repeat(b"a" * 100_000)))
    with pytest.raises(DataError) as refused:
        list(open_table(cast("BinaryIO", endless), TableOptions(encoding=encoding)).rows([0]))
    assert str(refused.value) == (
        "standard input, row 1: the record is longer than 2000000 bytes. "
        "Look for a quote that is not closed, or for lines that end without a line feed."
    )
    assert endless.given < 4_000_000


def test_too_many_blank_lines_at_the_start() -> None:
    """Blank lines before the header are held in memory, so they have a limit."""
    assert refusal(b"\n" * 2000) == (
        65,
        "standard input starts with 1000 blank lines. Remove them.",
    )


def test_a_usage_error_is_raised_before_reading() -> None:
    """An encoding that is none is found before any row is read."""
    with pytest.raises(UsageError):
        open_table(io.BytesIO(b"text\n"), TableOptions(encoding="none"))


def test_bytes_stay_where_decoding_loses_them() -> None:
    """cp932 has two spellings of one character; each record keeps its own."""
    content = b"id,text\n1,\x87\x90\n2,\x81\xe0\n"
    table = open_table(io.BytesIO(content), TableOptions(encoding="cp932"))
    target = io.BytesIO()
    writer = table.writer(target, [NewColumn("label", "text")])
    for row in table.rows([1]):
        assert row.cells == ("≒",)
        writer.write(row, ["x"])
    assert target.getvalue() == b"id,text,label\n1,\x87\x90,x\n2,\x81\xe0,x\n"


def test_a_large_file_is_never_held() -> None:
    """Of a stream no more is read than the window and the record in hand."""
    header, record = b"text\n", b"Good, all in all.\n" * 100
    stream = Generated([header, *[record] * 1000])
    table = open_table(cast("BinaryIO", stream), TableOptions(delimiter="|"))
    for row in table.rows([0]):
        read_so_far = len(header) + row.number * len(b"Good, all in all.\n")
        assert stream.given <= max(read_so_far, WINDOW_BYTES)
    assert row.number == 100_000


def test_what_is_read_once_is_looked_at_too() -> None:
    """A pipe, which cannot be read twice, gets its delimiter told like a file."""

    class Pipe(io.BytesIO):
        """Gives at most ten bytes at a time, and cannot go back."""

        def read(self, size: int | None = -1, /) -> bytes:
            """Give what is there."""
            return super().read(min(10, size or 0))

        def seekable(self) -> bool:
            """Say that it cannot go back."""
            return False

    table = open_table(Pipe(b"id;text;stars\n1;Good, all in all.;5\n"))
    assert [row.cells for row in table.rows([0, 1, 2])] == [("1", "Good, all in all.", "5")]
