"""Compound files, as .xls is one: taking the workbook out of it, and putting one in."""

from __future__ import annotations

import struct

_SECTOR = 512
_LEAST = 4096
"""A shorter stream would lie in the sectors of another one."""

_FREE, _END, _TABLE = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD


def workbook_of(content: bytes) -> bytes:
    """The stream of a sound .xls file that holds its workbook."""

    def sector(place: int) -> bytes:
        return content[(place + 1) * _SECTOR : (place + 2) * _SECTOR]

    def chain(place: int) -> bytes:
        found = b""
        while place < _TABLE:
            found += sector(place)
            place = table[place]
        return found

    in_table = [place for place in struct.unpack_from("<109I", content, 76) if place != _FREE]
    numbers = b"".join(map(sector, in_table))
    table = struct.unpack(f"<{len(numbers) // 4}I", numbers)
    entries = chain(struct.unpack_from("<I", content, 48)[0])
    for entry in (entries[at : at + 128] for at in range(0, len(entries), 128)):
        if entry.startswith("Workbook".encode("utf-16-le")):
            start, size = struct.unpack_from("<II", entry, 116)
            return chain(start)[:size]
    raise ValueError("no workbook")


def compound(workbook: bytes) -> bytes:
    """A compound file with this workbook in it."""
    workbook = workbook.ljust(max(_LEAST, -(-len(workbook) // _SECTOR) * _SECTOR), b"\0")
    used = len(workbook) // _SECTOR
    # Each sector of the table stands in it, too: it has a place for 128.
    tables = 1
    while used + 1 + tables > tables * _SECTOR // 4:
        tables += 1
    table = [*range(1, used), _END, _END, *[_TABLE] * tables]
    table += [_FREE] * (tables * _SECTOR // 4 - len(table))
    root = _entry("Root Entry", kind=5, start=_END, size=0, child=1)
    entries = root + _entry("Workbook", kind=2, start=0, size=len(workbook), child=_FREE)
    places = [used + 1 + number for number in range(tables)]
    header = struct.pack(
        "<8s16xHHHHH6xIII4xIIIII",
        *(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 0x3E, 3, 0xFFFE, 9, 6, 0, tables, used),
        *(_LEAST, _END, 0, _END, 0),
    )
    header += struct.pack("<109I", *(places + [_FREE] * (109 - tables)))
    return (
        header + workbook + entries.ljust(_SECTOR, b"\0") + struct.pack(f"<{len(table)}I", *table)
    )


def _entry(name: str, *, kind: int, start: int, size: int, child: int) -> bytes:
    text = name.encode("utf-16-le") + b"\0\0"
    links = struct.pack("<HBBIII", len(text), kind, 1, _FREE, _FREE, child)
    return text.ljust(64, b"\0") + links + bytes(36) + struct.pack("<IQ", start, size)
