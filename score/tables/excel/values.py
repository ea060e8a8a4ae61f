"""The values of cells as text, the way a person would write them."""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass
from typing import Protocol

from score.tables.excel.sheet import RawCell
from score.tables.excel.styles import Kind
from score.tables.numbers import number_text

_EPOCH_1900 = datetime.datetime(1899, 12, 30)
_EPOCH_1904 = datetime.datetime(1904, 1, 1)
_INVENTED_LEAP_DAY = 60
_DAY = 86_400

_NUMBER = re.compile(r"[-+]?(?:[0-9]{1,400}\.?[0-9]{0,400}|\.[0-9]{1,400})(?:[Ee][-+]?[0-9]{1,4})?")
_WHOLE = re.compile(r"[-+]?[0-9]{1,400}")
_ESCAPE = re.compile(r"_x([0-9A-Fa-f]{4})_")
_SURROGATE = re.compile("[\ud800-\udfff]")
_MUST_BE_ESCAPED = re.compile(
    r"_(?=x[0-9A-Fa-f]{4}_)|[\x00-\x08\x0b-\x1f\ufffe\uffff\ud800-\udfff]"
)


class CellError(ValueError):
    """A cell has no value that can be read; the message has a gap ``{}`` for its name."""


class Strings(Protocol):
    """Texts by number."""

    def __len__(self) -> int:
        """How many there are."""

    def __getitem__(self, number: int) -> str:
        """One of them."""


class Styles(Protocol):
    """Cell formats by number."""

    def kind(self, style: int) -> Kind:
        """What the numbers of a style are."""


@dataclass(frozen=True, slots=True)
class Values:
    """Reads cells.

    Attributes:
        strings: the shared strings.
        styles: they tell dates from numbers.
        from_1904: whether dates count from 1904.
    """

    strings: Strings
    styles: Styles
    from_1904: bool

    def text(self, cell: RawCell) -> str:
        """The text of a cell: of a formula its stored result, of an error nothing.

        Raises:
            CellError: the cell says something impossible, or a formula has no result.
        """
        if not cell.text:
            # An empty text is stored as a string without a value, no result as neither.
            if cell.formula and cell.kind != "str":
                raise CellError("the formula in {} has no stored result")
            return ""
        if cell.kind == "s":
            return unescaped(self._shared(cell.text))
        if cell.kind in {"str", "inlineStr"}:
            return unescaped(cell.text)
        return self._value(cell.kind, cell.text.strip(), cell.style)

    def _value(self, kind: str, text: str, style: int) -> str:
        if kind == "e":
            return ""
        if kind == "b":
            return "FALSE" if text in {"0", "false"} else "TRUE"
        if kind == "d":
            return text.removesuffix("Z").replace("T", " ").removesuffix(" 00:00:00")
        return self._number(text, style)

    def _shared(self, text: str) -> str:
        if not (text.strip().isascii() and text.strip().isdigit() and len(text) < 20):
            raise CellError("{} names no shared text")
        number = int(text)
        if number >= len(self.strings):
            raise CellError(f"{{}} names shared text {number + 1} of {len(self.strings)}")
        return self.strings[number]

    def _number(self, text: str, style: int) -> str:
        if not _NUMBER.fullmatch(text):
            raise CellError("{} should hold a number, and does not")
        value = int(text) if _WHOLE.fullmatch(text) else float(text)
        kind = self.styles.kind(style)
        if kind == "number":
            return number_text(value)
        epoch = _EPOCH_1904 if self.from_1904 else _EPOCH_1900
        try:
            return _duration(value) if kind == "duration" else _date(value, epoch)
        except (OverflowError, ValueError):
            # A number that is no date in any calendar.
            return number_text(value)


def _duration(days: float) -> str:
    whole = datetime.timedelta(days=days)
    if whole.microseconds:
        seconds = whole.total_seconds() // 1
        whole = datetime.timedelta(seconds=seconds, microseconds=round(whole.microseconds, -3))
    return str(whole)


def _date(days: float, epoch: datetime.datetime) -> str:
    day, fraction = divmod(days, 1)
    rest = datetime.timedelta(milliseconds=round(fraction * _DAY * 1000))
    if 0 <= days < 1 and rest.days == 0:
        return str((_EPOCH_1904 + rest).time())
    if 0 < days < _INVENTED_LEAP_DAY and epoch == _EPOCH_1900:
        # Excel believes that 1900 was a leap year.
        day += 1
    moment = epoch + datetime.timedelta(days=day) + rest
    return moment.isoformat(sep=" ").removesuffix(" 00:00:00")


def unescaped(text: str) -> str:
    """Read Excel's spelling of characters that XML does not allow: ``_x000D_``."""
    if "_x" not in text:
        return text
    plain = _ESCAPE.sub(lambda match: chr(int(match[1], 16)), text)
    if _SURROGATE.search(plain):
        # Two halves make a character; half a one is none.
        plain = plain.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return plain


def escaped(text: str) -> str:
    """Spell characters as Excel does, so that :func:`unescaped` gives them back."""
    return _MUST_BE_ESCAPED.sub(lambda match: f"_x{ord(match[0]):04X}_", text)
