"""The names of cells and areas: ``B7``, ``A1:D20``. Rows and columns count from 1."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

MAX_ROWS = 1_048_576
MAX_COLUMNS = 16_384

_CELL = r"\$?([A-Za-z]{1,3})\$?([0-9]{1,7})"
_AREA = re.compile(rf"{_CELL}(?::{_CELL})?")


@dataclass(frozen=True, slots=True)
class Area:
    """A rectangle of cells."""

    first_row: int
    first_column: int
    last_row: int
    last_column: int

    @classmethod
    def parse(cls, ref: str) -> Area | None:
        """Read ``A1:D20`` or ``B7``; None is no area, or one that no sheet has."""
        match = _AREA.fullmatch(ref.strip())
        if match is None:
            return None
        first_column, first_row = column_number(match[1]), int(match[2])
        last_column = column_number(match[3]) if match[3] else first_column
        last_row = int(match[4]) if match[4] else first_row
        if not 1 <= first_row <= last_row <= MAX_ROWS:
            return None
        if not 1 <= first_column <= last_column <= MAX_COLUMNS:
            return None
        return cls(first_row, first_column, last_row, last_column)

    def wider(self, more: int) -> Area:
        """The area with ``more`` columns at its right side."""
        return replace(self, last_column=self.last_column + more)

    def around(self, other: Area) -> Area:
        """The smallest area that holds both."""
        return Area(
            min(self.first_row, other.first_row),
            min(self.first_column, other.first_column),
            max(self.last_row, other.last_row),
            max(self.last_column, other.last_column),
        )

    def absolute(self) -> str:
        """As defined names spell it: ``$A$1:$D$20``."""
        first, last = column_letters(self.first_column), column_letters(self.last_column)
        return f"${first}${self.first_row}:${last}${self.last_row}"

    def __str__(self) -> str:
        return self.absolute().replace("$", "")


def column_letters(number: int) -> str:
    """The letters of a column: 1 is ``A``, 16384 is ``XFD``."""
    letters = ""
    while number:
        number, place = divmod(number - 1, 26)
        letters = chr(ord("A") + place) + letters
    return letters


def column_number(letters: str) -> int:
    """The number of a column: ``A`` is 1. The letters are A to Z, in any case."""
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - ord("A") + 1
    return number
