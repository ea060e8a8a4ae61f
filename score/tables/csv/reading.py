"""The beginning of a CSV file, read with one delimiter or another."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from score.tables.columns import shown

EARLY = 20
"""So many records are kept whole for a closer look; of the others the number of cells."""

_SHOWN_CELLS = 6


@dataclass(frozen=True, slots=True)
class Reading:
    """The beginning of a file as it is with one delimiter.

    Attributes:
        delimiter: the character between cells.
        header: the cells of the first record; none where it cannot be read.
        early: the cells of the first records below it, at most EARLY.
        widths: the number of cells of each record below it, 0 for a blank line.
        broken: whether a record cannot be read; the ones above it are counted.
        spaced: whether a blank follows each delimiter, as it does in prose.
    """

    delimiter: str
    header: tuple[str, ...] = ()
    early: tuple[tuple[str, ...], ...] = ()
    widths: tuple[int, ...] = ()
    broken: bool = False
    spaced: bool = False

    @property
    def records(self) -> int:
        """The number of records below the header, without blank lines."""
        return len(self.widths) - self.widths.count(0)

    @property
    def agreement(self) -> float:
        """The share of records with as many cells as the header."""
        if not self.records:
            return 0.0 if self.broken else 1.0
        return self.widths.count(len(self.header)) / self.records

    @property
    def one_column(self) -> bool:
        """Whether each record is a single cell."""
        return not self.broken and len(self.header) == 1 and max(self.widths, default=1) <= 1

    def wider(self) -> tuple[int, int]:
        """The most frequent number of cells beyond the header's, and how many records have it."""
        counts = Counter(width for width in self.widths if width > len(self.header))
        return counts.most_common(1)[0] if counts else (0, 0)

    def __str__(self) -> str:
        """Spell the reading for a message: the option that asks for it, and the first record."""
        cells = [f"[{shown(cell, 30)}]" for cell in self.header[:_SHOWN_CELLS]]
        more = " ..." if len(self.header) > _SHOWN_CELLS else ""
        count = f"{len(self.header)} column{'' if len(self.header) == 1 else 's'}"
        return f"{option(self.delimiter)}: {count}, {' '.join(cells)}{more}"


def option(delimiter: str) -> str:
    """The option that asks for a delimiter, as it is typed in a shell."""
    typed = r"\t" if delimiter == "\t" else shown(delimiter)
    return f"--delimiter '{typed}'"


def decoded_lines(head: bytes, codec: str, *, whole: bool) -> tuple[list[str], bool]:
    """Decode the first bytes of a file up to the first fault, and cut them into lines.

    Args:
        head: the first bytes.
        codec: as of :func:`score.tables.lines.choose_codec`.
        whole: whether there are no other bytes.

    Returns:
        The lines with their endings, without one that is cut off, and whether they are
        all lines of the file. A fault is no end: the reader of the file will meet it.
    """
    try:
        text = head.decode(codec)
    except UnicodeDecodeError as exc:
        text = head[: exc.start].decode(codec, "replace")
        whole = False
    nul = text.find("\0")
    if nul >= 0:
        text, whole = text[:nul], False
    lines = list(io.StringIO(text.removeprefix("\ufeff"), newline="\n"))
    if not whole and lines and not lines[-1].endswith("\n"):
        lines.pop()
    return lines, whole


def read(lines: Sequence[str], delimiter: str, *, whole: bool) -> Reading:
    """Read the beginning of a file with one delimiter, in strict mode like the rest of it.

    Args:
        lines: physical lines with their endings.
        delimiter: the character between cells.
        whole: whether there are no other lines, so that a quote still open is a fault.
    """
    records: list[tuple[str, ...]] = []
    widths: list[int] = []
    broken, cuts, blanks = False, 0, 0
    try:
        for cells in _records(lines, delimiter):
            widths.append(len(cells))
            if len(records) <= EARLY:
                records.append(tuple(cells))
            cuts += max(0, len(cells) - 1)
            blanks += sum(cell.startswith(" ") for cell in cells[1:])
    except csv.Error as exc:
        broken = whole or "unexpected end" not in str(exc)
    return Reading(
        delimiter,
        records[0] if records else (),
        tuple(records[1:]),
        tuple(widths[1:]),
        broken,
        0 < cuts == blanks,
    )


def _records(lines: Sequence[str], delimiter: str) -> Iterator[list[str]]:
    """Yield the records from the first one on that is not blank."""
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    for cells in reader:
        if cells:
            yield cells
            break
    yield from reader
