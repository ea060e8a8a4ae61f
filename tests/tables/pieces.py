"""The pieces that spreadsheets are made of, and some that readers seldom meet.

Records are written as [MS-XLS] and [MS-XLSB] say, tags as OpenDocument does.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass

_BOUND_SHEET, _BEGIN, _END = 0x85, 0x809, 0x0A


def biff(kind: int, content: bytes = b"") -> bytes:
    """A record of an .xls workbook."""
    return struct.pack("<HH", kind, len(content[:0xFFFF])) + content[:0xFFFF]


def xlsb(kind: int, content: bytes = b"") -> bytes:
    """A record of an .xlsb part."""
    kinds = bytes([kind]) if kind < 128 else bytes([kind & 127 | 128, kind >> 7])
    size, length = len(content), b""
    while size > 127:
        length += bytes([size & 127 | 128])
        size >>= 7
    return kinds + length + bytes([size]) + content


def wide(text: str) -> bytes:
    """A text of an .xlsb part."""
    return struct.pack("<I", len(text)) + text.encode("utf-16-le")


def biff_records(stream: bytes) -> list[bytes]:
    """The records of an .xls workbook, up to the zeros that fill its last sector."""
    records, place = [], 0
    while place + 4 <= len(stream):
        kind, length = struct.unpack_from("<HH", stream, place)
        if not kind:
            break
        records.append(stream[place : place + 4 + length])
        place += 4 + length
    return records


def with_sheet_offsets(records: Sequence[bytes]) -> list[bytes]:
    """The same records; those that name a sheet say where it begins."""
    begins, place, depth = [], 0, 0
    for record in records:
        kind = int.from_bytes(record[:2], "little")
        if kind == _BEGIN:
            if not depth:
                begins.append(place)
            depth += 1
        elif kind == _END:
            depth = max(0, depth - 1)
        place += len(record)
    following = iter(begins[1:])
    return [
        record[:4] + struct.pack("<I", next(following, 0)) + record[8:]
        if record.startswith(struct.pack("<H", _BOUND_SHEET)) and len(record) >= 8
        else record
        for record in records
    ]


def xlsb_records(part: bytes) -> list[bytes]:
    """The records of a part of an .xlsb package."""
    records, place = [], 0
    while place < len(part):
        _, length, begin = _xlsb_head(part[place : place + 6])
        records.append(part[place : place + begin + length])
        place += begin + length
    return records


def tags(part: bytes) -> list[bytes]:
    """The tags and texts of an XML part."""
    return re.findall(rb"<[^>]*>|[^<]+", part)


def _xlsb_head(record: bytes) -> tuple[int, int, int]:
    """Kind of a record, length of its content, and where that begins."""
    record += bytes(6 - len(record[:6]))
    kind, place = record[0], 1
    if kind & 128:
        kind, place = kind & 127 | record[1] << 7, 2
    length = 0
    for number in range(4):
        length |= (record[place] & 127) << 7 * number
        place += 1
        if not record[place - 1] & 128:
            break
    return kind, length, place


def _whole_biff(record: bytes) -> bytes:
    return biff(int.from_bytes(record[:2], "little"), record[4:])


def _whole_xlsb(record: bytes) -> bytes:
    kind, _, begin = _xlsb_head(record[:6])
    return xlsb(kind & 0x3FFF, record[begin:])


def _whole_xml(piece: bytes) -> bytes:
    """With what is no UTF-8 replaced: nothing behind it would be read."""
    return piece.decode(errors="replace").encode()


@dataclass(frozen=True, slots=True)
class Grammar:
    """What a part is made of.

    Attributes:
        split: takes a part into its pieces, which make the part when they are joined.
        whole: gives a changed piece the length that it has now.
        others: pieces that may stand in such a part.
        value: where a piece holds a value that can be another without harm to the rest.
        values: what it can be.
    """

    split: Callable[[bytes], list[bytes]]
    whole: Callable[[bytes], bytes]
    others: tuple[bytes, ...]
    value: re.Pattern[bytes] = re.compile(rb"(?!)")
    values: tuple[bytes, ...] = ()


def _biff_others() -> tuple[bytes, ...]:
    def cell(kind: int, content: bytes, row: int = 2, column: int = 1) -> bytes:
        return biff(kind, struct.pack("<HHH", row, column, 0x0F) + content)

    def text(value: str) -> bytes:
        return struct.pack("<HB", len(value), 1) + value.encode("utf-16-le")

    real = struct.pack("<d", 45352.5)
    rest = bytes(8)
    return (
        *(biff(kind) for kind in (0x0A, 0x2F, 0x3C, 0x809, 0x85, 0xFC, 0x18, 0xEB)),
        *(biff(0x809, struct.pack("<HHHH", 0x600, kind, 1, 1997) + rest) for kind in (5, 16, 32)),
        *(biff(0x809, struct.pack("<HH", version, 16) + rest) for version in (0x500, 0x200, 0)),
        *(biff(kind, struct.pack("<HH", 5, 16)) for kind in (0x09, 0x209, 0x409)),
        cell(0x203, real),
        cell(0x203, real, row=65535, column=255),
        cell(0x27E, struct.pack("<I", 0x40000003)),
        biff(0xBD, struct.pack("<HH", 1, 0) + struct.pack("<HI", 15, 6) * 3 + b"\2\0"),
        cell(0x205, b"\1\0"),
        cell(0x205, b"\x2a\1"),
        cell(0x204, text("label")),
        cell(0xD6, text("rich") + b"\1\0" + bytes(4)),
        cell(0xFD, struct.pack("<I", 0)),
        cell(0xFD, struct.pack("<I", 0xFFFF)),
        cell(0x06, real + bytes(6) + b"\3\0\x1e\1\0"),
        *(cell(0x06, bytes([kind]) + bytes(5) + b"\xff\xff" + bytes(8)) for kind in range(4)),
        biff(0x207, text("result")),
        biff(0xE5, struct.pack("<HHHHH", 1, 0, 3, 0, 2)),
        biff(0x200, struct.pack("<IIHHH", 0, 0x7FFFFFFF, 0, 0xFFFF, 0)),
        biff(0x200, struct.pack("<IIHHH", 9, 3, 7, 2, 0)),
        *(biff(kind, b"\1\0") for kind in (0x22, 0x42, 0x1AF, 0x13)),
        *(biff(0x42, struct.pack("<H", page)) for page in (1200, 1252, 932, 65001, 20127, 7)),
        biff(0x2F, struct.pack("<H", 1) + bytes(52)),
        biff(0x41E, struct.pack("<H", 164) + text("[h]:mm:ss")),
        biff(0xE0, struct.pack("<HH", 0, 14) + bytes(16)),
        biff(0x18, struct.pack("<HBBHHH", 0, 0, 2, 5, 0, 1) + bytes(4) + b"\0ab" + b"\x3a" + rest),
        biff(0x17, struct.pack("<HHHH", 1, 0, 0, 0)),
        biff(0x85, struct.pack("<IBBBB", 0, 2, 0, 4, 0) + b"More"),
        biff(0xFC, struct.pack("<II", 9, 0xFFFFFFF) + text("a") * 3),
        biff(0x3C, b"\1" + "continued".encode("utf-16-le")),
    )


def _xlsb_others() -> tuple[bytes, ...]:
    def cell(kind: int, content: bytes, column: int = 1) -> bytes:
        return xlsb(kind, struct.pack("<II", column, 1) + content)

    def row(place: int) -> bytes:
        return xlsb(0, struct.pack("<IIHHB", place, 0, 300, 0, 0) + bytes(4))

    real, flags = struct.pack("<d", 45352.5), b"\0\0" + struct.pack("<I", 2) + b"\x1e\1" + bytes(4)
    return (
        *(xlsb(kind) for kind in (129, 130, 131, 132, 143, 144, 145, 146, 148, 156, 159, 160)),
        *(xlsb(kind) for kind in (176, 177, 615, 616, 617, 618, 37, 38, 39, 153, 353, 362)),
        *(row(place) for place in (0, 3, 2000, 0xFFFFF, 0x100000, 0xFFFFFFFF)),
        *(cell(2, struct.pack("<I", number)) for number in (0, 6, 0x7FFFFFFF, 0xFFFFFFFF)),
        *(cell(3, bytes([code])) for code in (0, 7, 15, 0x2A, 99)),
        cell(4, b"\1"),
        cell(5, real),
        cell(5, real, column=16383),
        cell(5, real, column=0xFFFFFFFF),
        cell(6, wide("text")),
        cell(6, struct.pack("<I", 0x7FFFFFFF)),
        *(cell(7, struct.pack("<I", number)) for number in (0, 1, 2, 0xFFFFFFFF)),
        cell(8, wide("result") + flags),
        cell(9, real + flags),
        cell(10, b"\1" + flags),
        cell(11, b"\x2a" + flags),
        xlsb(62, b"\1" + wide("rich")),
        xlsb(19, b"\0" + wide("shared")),
        xlsb(159, struct.pack("<II", 0xFFFFFFFF, 0xFFFFFFFF)),
        xlsb(148, struct.pack("<IIII", 0, 0xFFFFF, 0, 16383)),
        xlsb(148, struct.pack("<IIII", 9, 3, 7, 2)),
        xlsb(176, struct.pack("<I", 1)),
        xlsb(177, struct.pack("<IIII", 1, 3, 0, 1)),
        xlsb(153, struct.pack("<I", 1) + bytes(8)),
        xlsb(156, struct.pack("<II", 1, 9) + wide("rId1") + wide("More")),
        xlsb(
            39,
            struct.pack("<IBI", 0, 0, 0xFFFFFFFF) + wide("name") + struct.pack("<I", 1) + b"\x1e",
        ),
        xlsb(362, struct.pack("<IIII", 1, 0, 0, 0)),
        xlsb(44, struct.pack("<H", 164) + wide("[h]:mm:ss")),
        xlsb(47, struct.pack("<HH", 0, 14) + bytes(12)),
    )


_KINDS = ("float", "percentage", "currency", "string", "boolean", "date", "time", "void", "x")
_NUMBERS = ("0", "-1", "1", "50", "2000", "1048576", "4294967295", "18446744073709551616", "a")
_TEXTS = (
    *("", "1e309", "NaN", "2024-13-45", "99999-01-01", "2024-03-01T25:61:61", "0000-00-00", "1,5"),
    *("1600-02-29", "9999-12-31T23:59:59.999999999", "-0001-01-01", "2024-03-01", "1e15", "-0"),
    *("PT12H30M00S", "PT99999999999H", "-PT1H", "P1Y", "PT-1M", "PT0.9999999S", "true", "TRUE"),
    *("&#0;", "&x;", "&lt;", "&#xD800;", "\ufeff", "\t", "_x0041_", "a" * 40_000),
)


def _ods_others() -> tuple[bytes, ...]:
    kinds, numbers, texts = _KINDS, _NUMBERS, _TEXTS
    cell = "<table:table-cell"
    return tuple(
        piece.encode()
        for piece in (
            *(f'{cell} office:value-type="{kind}" office:value="7"/>' for kind in kinds),
            *(f'{cell} table:number-columns-repeated="{number}"/>' for number in numbers),
            *(f'<table:table-row table:number-rows-repeated="{one}"/>' for one in numbers),
            *(f'<table:table-row table:number-rows-repeated="{one}">' for one in numbers),
            *(f'{cell} office:value-type="float" office:value="{text}"/>' for text in texts),
            *(f'{cell} office:value-type="date" office:date-value="{text}"/>' for text in texts),
            *(f'{cell} office:value-type="time" office:time-value="{text}"/>' for text in texts),
            *(f'{cell} office:value-type="boolean" office:boolean-value="{t}"/>' for t in texts),
            *(f'<text:s text:c="{number}"/>' for number in numbers),
            *(f"<{tag}/>" for tag in _ODS_TAGS * 3),
            *(f"<{tag}>" for tag in _ODS_TAGS),
            *("<!--", "-->", "<![CDATA[", "]]>", "<?xml version='1.0'?>", "<", ">", "\0", "&amp;"),
            *("<!DOCTYPE a [<!ENTITY x 'y'>]>", "&lt;", "&#x1F600;", "\ufeff", "a" * 40_000, "\n"),
        )
    )


_ODS_TAGS = (
    *("table:table", "table:table-row", "table:table-cell", "table:covered-table-cell"),
    *("table:table-header-rows", "table:table-row-group", "table:table-column", "table:shapes"),
    *("text:p", "text:span", "text:a", "text:tab", "text:line-break", "text:h", "text:list"),
    *("office:annotation", "office:spreadsheet", "office:body", "table:named-expressions"),
    *("table:named-range table:name='n' table:cell-range-address='$A.$A$1'", "style:style"),
    *("style:table-properties table:display='false'", "table:table table:name='Reviews'"),
    *("manifest:encryption-data", "office:document-content", "draw:frame", "x:y"),
)

BIFF = Grammar(biff_records, _whole_biff, _biff_others())
XLSB = Grammar(xlsb_records, _whole_xlsb, _xlsb_others())
ODS = Grammar(
    tags,
    _whole_xml,
    _ods_others(),
    re.compile(rb'(?<==")[^"<]*(?=")|^[^<>]+$'),
    tuple(value.encode() for value in (*_KINDS, *_NUMBERS, *_TEXTS)),
)
