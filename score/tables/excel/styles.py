"""The styles of a workbook: which numbers are dates, and a style for new numbers."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from score.tables.excel.package import Package
from score.tables.excel.xml import (
    Edit,
    Element,
    XmlError,
    edited,
    prefix_of,
    tag_at,
    visit,
    with_attribute,
)

Kind = Literal["number", "date", "duration"]

NUMBER_FORMAT = "0.0000"
MAX_STYLES = 100_000
"""Cell formats, and number formats, that are read."""

MAX_NEW_STYLES = 65_490
"""Cell formats that Excel allows; no new one goes beyond."""

_LAST_BUILT_IN = 163
_BUILT_IN_DATES = frozenset({*range(14, 23), 45, 46, 47})
_BUILT_IN_DURATION = 46

# Quoted texts, and all in brackets but hours, minutes and seconds.
_NO_CODE = re.compile(r'".*?"|\[(?!hh?\]|mm?\]|ss?\])[^\]]*\]', re.DOTALL)
_DATE = re.compile(r"(?<![_\\])[dmhysDMHYS]")
_DURATION = re.compile(r"\[(hh?|mm?|ss?)\]", re.IGNORECASE)


def kind_of_format(code: str) -> Kind:
    """Whether a number format shows a date or time, a duration, or a plain number."""
    positive = code.split(";", maxsplit=1)[0]
    if not _DATE.search(_NO_CODE.sub("", positive)):
        return "number"
    return "duration" if _DURATION.search(positive) else "date"


@dataclass(frozen=True, slots=True)
class _CellFormat:
    """An xf element: where it stands, and the number format that it names."""

    start: int
    end: int
    format: int


@dataclass(slots=True)
class _Places:
    """What stands where in the part; fills itself while the part is read."""

    root: Element | None = None
    formats: Element | None = None
    cells: Element | None = None
    codes: dict[int, str] = field(default_factory=dict)
    cell_formats: list[_CellFormat] = field(default_factory=list)

    def found(self, element: Element) -> None:
        """Keep what is needed of an element."""
        number = _number(element.attributes.get("numFmtId"))
        if element.name == "xf":
            self.cell_formats.append(_CellFormat(element.start, element.end, number))
        elif element.name == "numFmt" and element.depth == 3:
            self.codes[number] = element.attributes.get("formatCode", "")
        elif element.name == "numFmts":
            self.formats = element
        elif element.name == "cellXfs":
            self.cells = element
        elif element.name == "styleSheet":
            self.root = element
        if max(len(self.cell_formats), len(self.codes)) > MAX_STYLES:
            raise XmlError(f"it has more than {MAX_STYLES} formats")

    def settle(self) -> None:
        """Drop the formats of named styles, which are not those of cells."""
        if self.root is None or self.root.depth != 1:
            raise XmlError("it holds no styles")
        low, high = (self.cells.start, self.cells.end) if self.cells else (0, 0)
        self.cell_formats = [one for one in self.cell_formats if low <= one.start < high]


class Styles:
    """The cell formats of a workbook.

    Args:
        package: the workbook.
        part: where its styles are; None is a workbook without.

    Raises:
        DataError: the part is damaged.
        StorageError: reading failed.
    """

    def __init__(self, package: Package, part: str | None) -> None:
        self._data = package.read(part) if part is not None else b""
        self._places = _Places()
        if part is not None:
            wanted = ("styleSheet", "numFmts", "numFmt", "cellXfs", "xf")
            try:
                visit(self._data, wanted, self._places.found)
                self._places.settle()
            except XmlError as exc:
                raise package.damaged(part, str(exc)) from exc
        self._kinds: dict[int, Kind] = {}

    def kind(self, style: int) -> Kind:
        """What the numbers of a style are."""
        if style not in self._kinds:
            self._kinds[style] = self._kind(style)
        return self._kinds[style]

    def with_numbers(self, styles: Iterable[int]) -> tuple[dict[int, int], bytes | None]:
        """Find or make a twin of each style that shows four decimals.

        Returns:
            The twin of each style that the workbook has, and the part with those that had
            to be made; None where it can stay as it is.
        """
        places = self._places
        if places.root is None or places.cells is None or places.cells.closed:
            return {}, None
        number, edits = self._number_format(places.root)
        known = {
            self._data[one.start : one.end]: place for place, one in enumerate(places.cell_formats)
        }
        twins: dict[int, int] = {}
        made: list[bytes] = []
        for style in sorted(set(styles)):
            if 0 <= style < len(places.cell_formats):
                twin = self._twin(places.cell_formats[style], number)
                free = len(places.cell_formats) + len(made)
                if twin not in known and free < MAX_NEW_STYLES:
                    known[twin] = free
                    made.append(twin)
                twins[style] = known.get(twin, style)
        if not made:
            return twins, None
        count = len(places.cell_formats) + len(made)
        end = places.cells.inner_end
        edits += [
            places.cells.with_attribute("count", str(count)),
            Edit(end, end, b"".join(made)),
        ]
        return twins, edited(self._data, edits)

    def _kind(self, style: int) -> Kind:
        if not 0 <= style < len(self._places.cell_formats):
            return "number"
        number = self._places.cell_formats[style].format
        if number in self._places.codes:
            return kind_of_format(self._places.codes[number])
        if number == _BUILT_IN_DURATION:
            return "duration"
        return "date" if number in _BUILT_IN_DATES else "number"

    def _twin(self, style: _CellFormat, number: int) -> bytes:
        element = self._data[style.start : style.end]
        tag = tag_at(element)
        changed = with_attribute(tag, "numFmtId", str(number))
        changed = with_attribute(changed, "applyNumberFormat", "1")
        return changed + element[len(tag) :]

    def _number_format(self, root: Element) -> tuple[int, list[Edit]]:
        """The number of the format, and the edits that make it known."""
        codes = self._places.codes
        known = next((number for number, code in codes.items() if code == NUMBER_FORMAT), None)
        if known is not None:
            return known, []
        number = max(_LAST_BUILT_IN, *codes, 0) + 1
        prefix = prefix_of(root.tag)
        new = b'<%snumFmt numFmtId="%d" formatCode="%s"/>' % (
            prefix,
            number,
            NUMBER_FORMAT.encode(),
        )
        formats = self._places.formats
        if formats is None:
            new = b'<%snumFmts count="1">%s</%snumFmts>' % (prefix, new, prefix)
            return number, [Edit(root.inner_start, root.inner_start, new)]
        if formats.closed:
            new = b'<%snumFmts count="1">%s</%snumFmts>' % (prefix, new, prefix)
            return number, [Edit(formats.start, formats.end, new)]
        return number, [
            formats.with_attribute("count", str(len(codes) + 1)),
            Edit(formats.inner_end, formats.inner_end, new),
        ]


def _number(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else 0
