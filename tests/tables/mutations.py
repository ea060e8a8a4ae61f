"""Damage to files of binary formats, also inside their containers: one seed, one file.

A byte changed in a zip package is mostly found by a checksum, and one in a record's length
by the next record. So a file is taken apart, some of its pieces (tags, texts, records) are
changed, moved, doubled, cut or added, and it is put together again, with lengths, offsets
and checksums that are right.
"""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Callable
from random import Random

from tests.tables.compound import compound, workbook_of
from tests.tables.pieces import BIFF, ODS, XLSB, Grammar, with_sheet_offsets
from tests.tables.workbooks import package_of, parts_of

NUMBERS = (
    *(bytes(1), b"\1", b"\x7f", b"\x80", b"\xff", bytes(2), b"\xff\x7f", b"\xff\xff", b"\0\1"),
    *(
        bytes(4),
        b"\1\0\0\0",
        b"\xff\xff\xff\x7f",
        b"\0\0\0\x80",
        b"\xff" * 4,
        b"\xfe" + b"\xff" * 3,
    ),
    *(b"\0\0\x10\0", b"\xff\xff\x0f\0", b"\0\x40\0\0", bytes(8), b"\xff" * 8),
    *(struct.pack("<d", number) for number in (-1, 60, 0.5, 1e300, -1e300, 2958465.5, 2958466)),
    *(struct.pack("<d", number) for number in (float("nan"), float("inf"), 5e-324, 1e15)),
)
"""The ends of what numbers can be, and days at the ends of the calendar."""


def mutate(content: bytes, seed: int) -> bytes:
    """Change, repeat or cut some bytes, most often single ones near the end, as footers are."""
    return mutated(content, Random(seed))


def mutate_xls(content: bytes, seed: int) -> bytes:
    """Damage an .xls file: its sectors, or records of its workbook."""
    chance = Random(seed)
    if chance.random() < 0.2:
        return mutate_blocks(content, chance)
    records = mutate_pieces(workbook_of(content), BIFF, chance)
    if chance.random() < 0.7:
        records = with_sheet_offsets(records)
    return compound(b"".join(records))


def mutate_package(content: bytes, seed: int) -> bytes:
    """Damage an .xlsb or .ods file: its package, or records, tags and texts of its parts."""
    chance = Random(seed)
    if chance.random() < 0.1:
        return mutate_blocks(content, chance)
    parts = parts_of(content)
    for _ in range(chance.choice((1, 1, 1, 2))):
        name = chance.choices(list(parts), [_weight(name) for name in parts])[0]
        part = parts[name]
        if chance.random() < 0.05:
            other = chance.choice(list(parts))
            parts[name], parts[other] = parts[other], part
        elif chance.random() < 0.03:
            del parts[name]
            if not parts:
                break
        elif chance.random() < 0.1:
            parts[name] = mutated(part, chance)
        elif name.endswith(".bin"):
            parts[name] = b"".join(mutate_pieces(part, XLSB, chance))
        else:
            parts[name] = b"".join(mutate_pieces(part, ODS, chance))
    return package_of(parts, zipfile.ZIP_STORED)


def _weight(name: str) -> int:
    if name == "content.xml" or "/sheet" in name:
        return 20
    return 3 if name.endswith(".bin") else 1


def mutate_pieces(part: bytes, grammar: Grammar, chance: Random) -> list[bytes]:
    """The pieces of a part, some of them changed, moved, doubled, cut or added."""
    new = grammar.split(part) or [b""]
    for _ in range(chance.choice((1, 1, 1, 2, 2, 3, 6))):
        place = chance.randrange(len(new))
        kind = chance.randrange(10)
        if kind < 4:
            new[place] = _mutate_piece(new[place], grammar, chance)
        elif kind < 6:
            added = chance.choice(grammar.others)
            if chance.random() < 0.4:
                added = _mutate_piece(added, grammar, chance)
            new.insert(place, added)
        elif kind == 6:
            del new[place : place + chance.choice((1, 1, 2, 8))]
        elif kind == 7:
            start = chance.randrange(len(new))
            new[place:place] = new[start : start + chance.choice((1, 2, 8))]
        elif kind == 8:
            other = chance.randrange(len(new))
            new[place], new[other] = new[other], new[place]
        else:
            new[place : place + 1] = new[place : place + 1] * chance.choice(
                (2, 2, 3, 3, 50, 50, 2000)
            )
        new = new or [b""]
    return new


def _mutate_piece(piece: bytes, grammar: Grammar, chance: Random) -> bytes:
    places = list(grammar.value.finditer(piece))
    if places and chance.random() < 0.8:
        place = chance.choice(places)
        return piece[: place.start()] + chance.choice(grammar.values) + piece[place.end() :]
    piece = mutated(piece, chance)
    return piece if chance.random() < 0.2 else grammar.whole(piece)


def mutate_blocks(content: bytes, chance: Random) -> bytes:
    """Change bytes, or swap, double or cut blocks of a size that containers are made of."""
    if chance.random() < 0.6:
        return mutated(content, chance)
    size = chance.choice((64, 128, 512))
    blocks = [content[at : at + size] for at in range(0, len(content), size)]
    one, other = chance.randrange(len(blocks)), chance.randrange(len(blocks))
    kind = chance.randrange(4)
    if kind == 0:
        blocks[one], blocks[other] = blocks[other], blocks[one]
    elif kind == 1:
        blocks.insert(one, blocks[other])
    elif kind == 2:
        del blocks[one:other]
    else:
        blocks[one] = blocks[other]
    return b"".join(blocks)


def mutated(content: bytes, chance: Random) -> bytes:
    """Change, repeat or cut some bytes, often single ones near the end, as footers are."""
    data = bytearray(content or b"\0")
    for _ in range(chance.choice((1, 1, 2, 4, 16))):
        place = chance.randrange(len(data))
        if chance.random() < 0.3:
            place = len(data) - 1 - min(int(chance.expovariate(0.01)), len(data) - 1)
        kind = chance.randrange(8)
        if kind < 3:
            data[place] = chance.randrange(256)
        elif kind < 5:
            number = chance.choice(NUMBERS)
            data[place : place + len(number)] = number
        elif kind == 5:
            length = chance.randrange(1, 64)
            other = chance.randrange(len(data))
            data[place : place + length] = data[other : other + length]
        elif kind == 6:
            data[place:place] = chance.choice(NUMBERS)
        else:
            del data[place : place + chance.choice((1, 2, 8, max(1, len(data) // 2)))]
        data = data or bytearray(b"\0")
    return bytes(data)


MUTATIONS: dict[str, Callable[[bytes, int], bytes]] = {
    ".parquet": mutate,
    ".xls": mutate_xls,
    ".xlsb": mutate_package,
    ".ods": mutate_package,
}
"""How a file of each suffix is damaged."""
