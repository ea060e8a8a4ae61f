"""Numbers: those in tables as a person would write them, new ones with four decimals."""

from __future__ import annotations

from score.tables import Cell

_EXACT = 10**15


def number_text(value: float) -> str:
    """Write a number without a decimal point that says nothing: 7.0 is ``7``.

    Spreadsheets store whole numbers as floats, and so do columns of numbers with gaps.
    Beyond fifteen digits, where a float is no longer exact, it stays as it is.
    """
    if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT:
        return str(int(value))
    return str(value)


def rounded(cell: Cell) -> Cell:
    """Round a new cell's number to the four decimals that are promised."""
    return cell if cell is None or isinstance(cell, str) else round(float(cell), 4)
