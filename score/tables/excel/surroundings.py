"""What stands before and behind a sheet's rows, and has to change when it gets wider."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from xml.parsers import expat

from score.tables.excel.refs import MAX_COLUMNS, Area
from score.tables.excel.xml import (
    Edit,
    XmlError,
    plain_attributes,
    prefix_of,
    tag_at,
    with_attribute,
)

NARROWEST = 12
"""The least width of a new column, in characters."""

_WORKSHEET, _PART, _ITEM = range(1, 4)
"""How deep the elements stand: worksheet/cols/col."""


@dataclass(frozen=True, slots=True)
class Tag:
    """A start tag: its attributes, its bytes, where it stands and where its element ends."""

    attributes: dict[str, str]
    raw: bytes
    start: int
    end: int

    def area(self) -> Area | None:
        """The area in its attribute ``ref``."""
        return Area.parse(self.attributes.get("ref", ""))

    def with_area(self, area: Area) -> Edit:
        """The edit that sets the attribute ``ref``."""
        new = with_attribute(self.raw, "ref", str(area))
        return Edit(self.start, self.start + len(self.raw), new)


@dataclass(slots=True)
class Surroundings:
    """What stands before and behind the rows.

    Attributes:
        data: the tag that opens the rows.
        dimension: the tag that says how far the sheet reaches.
        widths: the tags of the column widths.
        widths_end: where their end tag stands, if there are any.
        filter: the tag of the sheet's own filter.
        merged_column: the last one that merged cells reach.
    """

    data: Tag | None = None
    dimension: Tag | None = None
    widths: list[Tag] = field(default_factory=list)
    widths_end: int | None = None
    filter: Tag | None = None
    merged_column: int = 0


class SurroundingsReader:
    """Collects the tags outside the rows while a parser reads a sheet.

    Args:
        parser: it says where a tag stands.

    Attributes:
        found: what was found until now.
    """

    def __init__(self, parser: expat.XMLParserType) -> None:
        self.found = Surroundings()
        self._parser = parser
        self._inside_widths = False
        self._width: Tag | None = None

    def start(self, name: str, depth: int, attributes: dict[str, str]) -> bool:
        """A tag opens; returns whether it opens the rows.

        Raises:
            XmlError: this is no sheet, or one with its rows in two places.
        """
        if depth == _WORKSHEET and name != "worksheet":
            raise XmlError("it is no worksheet")
        if depth == _PART:
            self._inside_widths = name == "cols"
            return self._start_part(name, attributes)
        if depth == _ITEM and name == "col" and self._inside_widths:
            self._width = self._tag_here(attributes)
        elif depth == _ITEM and name == "mergeCell":
            area = Area.parse(attributes.get("ref", ""))
            column = area.last_column if area else 0
            self.found.merged_column = max(self.found.merged_column, column)
        return False

    def end(self, depth: int) -> None:
        """A tag closes.

        Raises:
            XmlError: there are more widths than columns.
        """
        here = self._parser.CurrentByteIndex
        if depth == _PART and self._inside_widths:
            self.found.widths_end = here
            self._inside_widths = False
        elif depth == _ITEM and self._width is not None:
            tag, self._width = self._width, None
            if not tag.raw.endswith(b"/>"):
                tag = replace(tag, end=here + len(tag_at(self._bytes_here())))
            self.found.widths.append(tag)
            if len(self.found.widths) > MAX_COLUMNS:
                raise XmlError(f"it has more than {MAX_COLUMNS} column widths")

    def _start_part(self, name: str, attributes: dict[str, str]) -> bool:
        found = self.found
        if name == "dimension":
            found.dimension = self._tag_here(attributes)
        elif name == "autoFilter":
            found.filter = self._tag_here(attributes)
        elif name == "sheetData":
            if found.data is not None:
                raise XmlError("it has its rows twice")
            found.data = self._tag_here(attributes)
            return True
        return False

    def _tag_here(self, attributes: dict[str, str]) -> Tag:
        raw = tag_at(self._bytes_here())
        start = self._parser.CurrentByteIndex
        return Tag(plain_attributes(attributes), raw, start, start + len(raw))

    def _bytes_here(self) -> bytes:
        return self._parser.GetInputContext() or b""


def width_edits(around: Surroundings, first: int, names: Sequence[str]) -> list[Edit]:
    """Give the new columns widths, and take them out of settings that span several columns.

    Excel repairs a sheet in which two settings speak of one column, and a setting can
    hide all columns right of the used ones.

    Args:
        around: of the sheet.
        first: the first new column.
        names: what the new columns are called.
    """
    assert around.data is not None  # noqa: S101 - a sheet without rows has been refused
    last = first + len(names) - 1
    prefix = prefix_of(around.data.raw)
    new = b"".join(
        b'<%scol min="%d" max="%d" width="%d" customWidth="1"/>'
        % (prefix, column, column, max(NARROWEST, len(name) + 4))
        for column, name in enumerate(names, start=first)
    )
    if around.widths_end is None:
        return [
            Edit(
                around.data.start, around.data.start, b"<%scols>%s</%scols>" % (prefix, new, prefix)
            )
        ]
    edits, place = [], around.widths_end
    for tag in around.widths:
        low, high = (int(tag.attributes.get(name, "0") or 0) for name in ("min", "max"))
        if low > last:
            place = min(place, tag.start)
        elif high >= first:
            left, right = _around(tag.raw, low, high, first, last)
            edits.append(Edit(tag.start, tag.end, left + new + right))
            new = b""
    return [*edits, Edit(place, place, new)] if new else edits


def _around(raw: bytes, low: int, high: int, first: int, last: int) -> tuple[bytes, bytes]:
    """A setting left and right of the new columns."""
    raw = raw if raw.endswith(b"/>") else raw.removesuffix(b">") + b"/>"
    left = with_attribute(raw, "max", str(first - 1)) if low < first else b""
    right = with_attribute(raw, "min", str(last + 1)) if high > last else b""
    return left, right
