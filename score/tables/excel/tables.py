"""Excel tables (Insert > Table) on a sheet: where they stand, and how they get wider."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import quoteattr

from score.tables.excel.package import Package
from score.tables.excel.refs import Area
from score.tables.excel.values import escaped
from score.tables.excel.xml import Edit, Element, XmlError, edited, elements, prefix_of

_WANTED = ("table", "autoFilter", "tableColumns", "tableColumn")


@dataclass(frozen=True, slots=True)
class ExcelTableArea:
    """A table.

    Attributes:
        part: where it is in the package.
        area: its cells, header and totals included.
        totals: whether its last row holds totals.
        can_grow: whether a column can be added: it has a header, and no query fills it.
    """

    part: str
    area: Area
    totals: bool
    can_grow: bool

    def ends_beside(self, header: int, column: int) -> bool:
        """Whether its header is in this row, and it ends left of this column."""
        return (self.area.first_row, self.area.last_column) == (header, column - 1)


def read_tables(package: Package, sheet: str) -> tuple[ExcelTableArea, ...]:
    """Read where the tables of a sheet stand.

    Raises:
        DataError: a table is damaged.
        StorageError: reading failed.
    """
    parts = [one.target for one in package.relations(sheet) if one.kind == "table"]
    return tuple(_read_table(package, part) for part in dict.fromkeys(parts))


def with_columns(package: Package, table: ExcelTableArea, names: Sequence[str]) -> bytes:
    """The part of a table with new columns at its right side.

    Raises:
        DataError: the table is damaged.
        StorageError: reading failed.
    """
    data = package.read(table.part)
    found = _elements(package, table.part, data)
    edits = []
    for element in found:
        area = Area.parse(element.attributes.get("ref", ""))
        if area and (
            element.name == "table" or (element.name == "autoFilter" and element.depth == 2)
        ):
            edits.append(element.with_attribute("ref", str(area.wider(len(names)))))
    columns = [element for element in found if element.name == "tableColumn"]
    listed = next((element for element in found if element.name == "tableColumns"), None)
    if listed is None or listed.closed:
        raise package.damaged(table.part, "it lists no columns")
    free = max((_number(column.attributes.get("id")) for column in columns), default=0) + 1
    new = b"".join(
        b'<%stableColumn id="%d" name=%s/>'
        % (prefix_of(listed.tag), number, quoteattr(escaped(name)).encode())
        for number, name in enumerate(names, start=free)
    )
    edits += [
        listed.with_attribute("count", str(len(columns) + len(names))),
        Edit(listed.inner_end, listed.inner_end, new),
    ]
    return edited(data, edits)


def _read_table(package: Package, part: str) -> ExcelTableArea:
    found = _elements(package, part, package.read(part))
    table = found[-1] if found else None
    area = Area.parse(table.attributes.get("ref", "")) if table else None
    if table is None or table.name != "table" or table.depth != 1 or area is None:
        raise package.damaged(part, "it is no table")
    return ExcelTableArea(
        part=part,
        area=area,
        totals=_number(table.attributes.get("totalsRowCount")) > 0,
        can_grow=table.attributes.get("headerRowCount", "1") == "1"
        and table.attributes.get("tableType", "worksheet") == "worksheet",
    )


def _elements(package: Package, part: str, data: bytes) -> list[Element]:
    try:
        return elements(data, _WANTED)
    except XmlError as exc:
        raise package.damaged(part, str(exc)) from exc


def _number(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else 0
