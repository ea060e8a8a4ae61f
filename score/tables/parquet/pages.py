"""A look at the headers of a Parquet file's pages before pyarrow unpacks what they announce.

A few kilobytes can hold a page of gigabytes, one text that a million rows refer to, or a
row with a hundred million empty entries; pyarrow allocates what such a page asks for. The
headers stand between the pages, in Thrift's compact protocol, as parquet.thrift says.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

MAX_FOOTER = 3 * 1024**2
FOOTER_SHARE = 20
"""A footer has at most 3 MiB and a twentieth of its file; in memory it takes 30 times that."""

MAX_PAGE = 32 * 1024**2
PAGE_RATIO = 8
"""A page unpacks to at most 32 MiB and eight times its size; writers make pages of one MiB."""

MAX_CELL = 16 * 1024**2
"""Bytes of a cell, as of a record in CSV and JSON Lines: pyarrow takes ten times that."""

LARGEST_PAGE = 128 * 1024**2
"""However well it is packed, a page is in memory as a whole, twice."""

MAX_ENTRIES = 4_000_000
"""Entries of lists in a page: all those of a row are in memory at once."""

MAX_HEADER = 1024**2
_USUAL_HEADER = 4096
_DEEPEST = 16

# Fields on the way from FileMetaData to the sizes of a column, and in them.
_ROW_GROUPS, _COLUMNS, _META_DATA, _SIZES = 4, 1, 3, 16
_TEXT_BYTES, _REPETITION, _DEFINITION = 1, 2, 3
_TYPE, _ENCODINGS, _CODEC = 1, 2, 4
_TYPES, _CODECS, _ENCODING_NUMBERS = range(8), range(8), range(10)
"""The numbers that parquet.thrift gives a meaning."""

# Fields of PageHeader, and of the headers for each kind of page inside it.
_UNPACKED, _PACKED, _DATA, _DICTIONARY, _DATA_V2 = 2, 3, 5, 7, 8
_VALUES = 1

# Types of Thrift's compact protocol.
_BINARY, _LIST, _SET, _STRUCT = 8, 9, 10, 12
_INTEGERS = (4, 5, 6)
_WIDTHS = {1: 0, 2: 0, 3: 1, 7: 8}
"""Bytes of true and false, which say it by their type, of a byte and of a double."""
_BOOLEANS = (1, 2)
_LONG_LIST = 15


class HostilePageError(ValueError):
    """A part of the file asks for more than it can need; the text says which."""


class LargePageError(ValueError):
    """A page is larger than what is read, and need be no worse; the text says what to do."""


@dataclass(frozen=True, slots=True)
class _Header:
    """What a page says of itself, and the bytes that it says it in."""

    length: int
    fields: dict[int, Any]


def check_footer(stream: BinaryIO) -> None:
    """Check the length of a file's footer, which is read as a whole.

    Raises:
        HostilePageError: it is too long.
        OSError: reading failed.
    """
    size = stream.seek(0, 2)
    stream.seek(max(0, size - 8))
    length = int.from_bytes(stream.read(4), "little")
    stream.seek(0)
    # One that is longer than the file is pyarrow's to refuse.
    if MAX_FOOTER + size // FOOTER_SHARE < length <= size:
        raise HostilePageError(f"its footer has {length} bytes")


def check_columns(stream: BinaryIO, schema: Any) -> None:
    """Check what the footer says of each column, over some of which pyarrow would abort.

    Args:
        stream: the file; its footer was checked by :func:`check_footer`.
        schema: pyarrow's Parquet schema of it.

    Raises:
        HostilePageError: it has no meaning, or does not fit the column.
        OSError: reading failed.
    """
    stream.seek(stream.seek(0, 2) - 8)
    length = int.from_bytes(stream.read(4), "little")
    stream.seek(-8 - length, 2)
    try:
        footer = _Reader(stream.read(length)).struct()
        for group in footer.get(_ROW_GROUPS) or ():
            for place, chunk in enumerate(group[_COLUMNS]):
                _check_numbers(chunk[_META_DATA], schema.column(place))
                _check_levels(chunk[_META_DATA].get(_SIZES), schema.column(place))
    except (IndexError, KeyError, TypeError, AttributeError) as exc:
        raise HostilePageError("its footer is no footer") from exc
    finally:
        stream.seek(0)


def _check_numbers(about: dict[int, Any], column: Any) -> None:
    known = (
        about[_TYPE] in _TYPES
        and about[_CODEC] in _CODECS
        and all(number in _ENCODING_NUMBERS for number in about[_ENCODINGS])
    )
    if not known:
        raise HostilePageError(f"{column.path} is of a kind that there is not")


def _check_levels(sizes: dict[int, Any] | None, column: Any) -> None:
    if sizes is None:
        return
    fits = _TEXT_BYTES not in sizes or column.physical_type == "BYTE_ARRAY"
    for field, most in (
        (_REPETITION, column.max_repetition_level),
        (_DEFINITION, column.max_definition_level),
    ):
        fits = fits and len(sizes.get(field) or ()) in {0, most + 1}
    if not fits:
        raise HostilePageError(f"the counts of {column.path} do not fit it")


def largest_text(stream: BinaryIO, group: Any, repeated: frozenset[int]) -> int:
    """Look at the headers of all pages of a row group.

    Args:
        stream: the file.
        group: pyarrow's metadata of the row group.
        repeated: the places of the columns in which a row can have several entries.

    Returns:
        The most bytes that a value of a dictionary can have: every row may refer to it.

    Raises:
        HostilePageError: a page unpacks to too much, or is not where it should be.
        LargePageError: a page or one of its cells is too large.
        OSError: reading failed.
    """
    largest = 0
    for place in range(group.num_columns):
        chunk = group.column(place)
        for header in _headers(stream, chunk):
            fields = header.fields
            _check_sizes(chunk.path_in_schema, fields)
            _check_cells(chunk.path_in_schema, fields)
            if _DICTIONARY in fields:
                largest = max(largest, fields[_UNPACKED])
            entries = _entries(fields)
            if place in repeated and entries > MAX_ENTRIES:
                raise HostilePageError(f"a page of {chunk.path_in_schema} has {entries} entries")
    return largest


def _entries(fields: dict[int, Any]) -> int:
    data = fields.get(_DATA) or fields.get(_DATA_V2) or fields.get(_DICTIONARY)
    entries = data.get(_VALUES) if isinstance(data, dict) else 0
    return entries if isinstance(entries, int) else 0


def _check_sizes(column: str, fields: dict[int, Any]) -> None:
    unpacked, packed = fields.get(_UNPACKED), fields[_PACKED]
    if not isinstance(unpacked, int) or not 0 <= unpacked <= MAX_PAGE + PAGE_RATIO * packed:
        raise HostilePageError(f"a page of {column} has {packed} bytes and unpacks to {unpacked}")


def _check_cells(column: str, fields: dict[int, Any]) -> None:
    unpacked, cells = fields[_UNPACKED], max(1, _entries(fields))
    if unpacked > LARGEST_PAGE and unpacked // cells <= MAX_CELL:
        raise LargePageError(
            f"a page of {column} has {unpacked} bytes, and {LARGEST_PAGE} are the most that are "
            "read. Write the file again with smaller pages."
        )
    # Its lengths take four bytes a cell, and more where there are lists.
    if unpacked // cells > MAX_CELL + 1024:
        raise LargePageError(
            f"a cell of {column} has {unpacked // cells} bytes, and {MAX_CELL} are the most that "
            "are read. Shorten it."
        )


def _headers(stream: BinaryIO, chunk: Any) -> Iterator[_Header]:
    start = chunk.data_page_offset
    if chunk.has_dictionary_page and chunk.dictionary_page_offset:
        start = min(start, chunk.dictionary_page_offset)
    end = start + chunk.total_compressed_size
    while start < end:
        header = _header(stream, start)
        yield header
        start += header.length + header.fields[_PACKED]
    if start != end:
        raise HostilePageError(f"the pages of {chunk.path_in_schema} do not end where they should")


def _header(stream: BinaryIO, start: int) -> _Header:
    size = _USUAL_HEADER
    while True:
        stream.seek(start)
        content = stream.read(size)
        reader = _Reader(content)
        try:
            fields = reader.struct()
        except IndexError:
            if len(content) < size or size >= MAX_HEADER:
                raise HostilePageError("a page has a header without an end") from None
            size *= 16
            continue
        # A page that says nothing of its size would be walked over for ever.
        if not isinstance(fields.get(_PACKED), int) or fields[_PACKED] < 0:
            raise HostilePageError("a page has no size")
        return _Header(reader.place, fields)


class _Reader:
    """Reads a Thrift struct: its numbers, structs and lists; the rest is passed over.

    Args:
        content: bytes that begin with the struct; IndexError means that they end before it.
    """

    def __init__(self, content: bytes) -> None:
        self._content = content
        self.place = 0

    def struct(self, depth: int = 0) -> dict[int, Any]:
        """The fields by their numbers."""
        if depth > _DEEPEST:
            raise HostilePageError("a header is nested too deeply")
        fields: dict[int, Any] = {}
        number = 0
        while head := self._byte():
            number = number + (head >> 4) if head >> 4 else self._integer()
            fields[number] = self._value(head & 15, depth)
        return fields

    def _value(self, kind: int, depth: int) -> Any:
        if kind in _INTEGERS:
            return self._integer()
        if kind == _STRUCT:
            return self.struct(depth + 1)
        if kind in {_LIST, _SET}:
            return self._list(depth)
        if kind not in _WIDTHS and kind != _BINARY:
            raise HostilePageError("a header is no header")
        width = self._varint() if kind == _BINARY else _WIDTHS[kind]
        self.place += width
        if self.place > len(self._content):
            raise IndexError
        return None

    def _list(self, depth: int) -> list[Any]:
        head = self._byte()
        count = self._varint() if head >> 4 == _LONG_LIST else head >> 4
        # In a list, true and false take a byte each: every entry takes some of the content.
        kind = 3 if head & 15 in _BOOLEANS else head & 15
        return [self._value(kind, depth + 1) for _ in range(count)]

    def _integer(self) -> int:
        value = self._varint()
        return value >> 1 ^ -(value & 1)

    def _varint(self) -> int:
        value = shift = 0
        while True:
            byte = self._byte()
            value |= (byte & 127) << shift
            if byte < 128:
                return value
            shift += 7
            if shift > 63:
                raise HostilePageError("a header is no header")

    def _byte(self) -> int:
        byte = self._content[self.place]
        self.place += 1
        return byte
