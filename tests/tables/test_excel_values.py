"""Cells as text: the same as openpyxl finds, and Excel's spelling of characters."""

from __future__ import annotations

import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl.styles.numbers import BUILTIN_FORMATS, is_date_format, is_timedelta_format
from openpyxl.utils.datetime import CALENDAR_MAC_1904, CALENDAR_WINDOWS_1900, from_excel

from score.tables.excel.refs import Area, column_letters, column_number
from score.tables.excel.sheet import RawCell
from score.tables.excel.styles import Kind, kind_of_format
from score.tables.excel.values import CellError, Values, escaped, unescaped

CODES = st.text('dmyhsDMYHS0#@;.,:/-_\\"[]$ Redh', max_size=12) | st.sampled_from(
    [*BUILTIN_FORMATS.values(), "[$-409]d mmm yyyy", "[Red]0", "[h]:mm", "[ss].00", '"days" 0']
)


class OneStyle:
    """Styles that are all of one kind."""

    def __init__(self, kind: Kind) -> None:
        self._kind = kind

    def kind(self, style: int) -> Kind:  # noqa: ARG002 - all are alike
        """Of any style."""
        return self._kind


def text_of(kind: Kind, number: float, *, from_1904: bool = False) -> str:
    """The text of a number."""
    values = Values([], OneStyle(kind), from_1904)
    return values.text(RawCell(1, 0, 0, "n", repr(number), formula=False))


@settings(max_examples=300, deadline=None)
@given(CODES)
def test_formats_of_dates(code: str) -> None:
    """A number format shows dates or durations exactly where openpyxl says so."""
    kind = "number"
    if is_date_format(code):
        kind = "duration" if is_timedelta_format(code) else "date"
    assert kind_of_format(code) == kind


@settings(max_examples=300, deadline=None)
@given(st.floats(0, 2_900_000) | st.integers(0, 2_900_000), st.booleans())
def test_dates(days: float, from_1904: bool) -> None:
    """A date has the text of the one that openpyxl makes of it, in both calendars."""
    wanted = from_excel(days, CALENDAR_MAC_1904 if from_1904 else CALENDAR_WINDOWS_1900)
    if isinstance(wanted, datetime.datetime):
        text = wanted.isoformat(sep=" ").removesuffix(" 00:00:00")
    else:
        text = str(wanted)
    assert text_of("date", days, from_1904=from_1904) == text
    assert text_of("duration", days) == str(from_excel(days, timedelta=True))


@pytest.mark.parametrize(
    ("kind", "text", "wanted"),
    [
        ("n", "7.0", "7"),
        ("n", " 12345678901234567890 ", "12345678901234567890"),
        ("n", "1E+20", "1e+20"),
        ("n", "-0.5", "-0.5"),
        ("b", "1", "TRUE"),
        ("b", "0", "FALSE"),
        ("e", "#N/A", ""),
        ("str", "a_x000D_b", "a\rb"),
        ("d", "2024-03-01T00:00:00", "2024-03-01"),
    ],
)
def test_kinds_of_cells(kind: str, text: str, wanted: str) -> None:
    """Each kind of cell has its text."""
    values = Values([], OneStyle("number"), from_1904=False)
    assert values.text(RawCell(2, 0, 0, kind, text, formula=False)) == wanted


@pytest.mark.parametrize(
    ("kind", "text", "found"),
    [
        ("n", "1_000", "{} should hold a number, and does not"),
        ("n", "nan", "{} should hold a number, and does not"),
        ("s", "-1", "{} names no shared text"),
        ("s", "0", "{} names shared text 1 of 0"),
    ],
)
def test_cells_that_say_something_impossible(kind: str, text: str, found: str) -> None:
    """What is no number, and a text that is not there, are refused."""
    values = Values([], OneStyle("number"), from_1904=False)
    with pytest.raises(CellError) as refused:
        values.text(RawCell(2, 0, 0, kind, text, formula=False))
    assert str(refused.value) == found


@settings(max_examples=300, deadline=None)
@given(
    st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("_x0DFE\r\n"), max_size=20)
)
def test_any_text_can_be_spelled(text: str) -> None:
    """Any text comes back, control characters and what looks like an escape included."""
    spelled = escaped(text)
    assert unescaped(spelled) == text
    assert all(char >= " " or char in "\t\n" for char in spelled)


def test_half_characters_are_replaced() -> None:
    """An escape that is half a character becomes the mark for what cannot be read."""
    assert unescaped("_xD83D__xDE00_ _xD83D_") == "😀 �"


@given(st.integers(1, 16_384))
def test_columns_have_letters(number: int) -> None:
    """A column's letters give its number back."""
    assert column_number(column_letters(number)) == number


@pytest.mark.parametrize(
    ("ref", "shown"),
    [("B7", "B7:B7"), ("$a$1:D20", "A1:D20"), ("A1:XFD1048576", "A1:XFD1048576")],
)
def test_areas(ref: str, shown: str) -> None:
    """An area is read in any spelling, and written as Excel does."""
    assert str(Area.parse(ref)) == shown


@pytest.mark.parametrize("ref", ["", "A:C", "B2:A1", "A0", "A1048577", "XFE1", "A1:B2:C3", "é1"])
def test_what_is_no_area(ref: str) -> None:
    """What no sheet has is no area."""
    assert Area.parse(ref) is None
