"""What a workbook says about its sheets, and where its other parts are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from score.tables.excel.package import Package
from score.tables.excel.refs import Area
from score.tables.excel.xml import Edit, XmlError, edited, elements

_FILTER = "_xlnm._FilterDatabase"
_TRUE = {"1", "true", "on"}
_HIDDEN = {"hidden", "veryHidden"}


@dataclass(frozen=True, slots=True)
class Sheet:
    """A worksheet.

    Attributes:
        title: what its tab says.
        part: where it is in the package.
        place: among all sheets, counted from 0.
        hidden: whether its tab is hidden.
    """

    title: str
    part: str
    place: int
    hidden: bool


@dataclass(frozen=True, slots=True)
class Workbook:
    """The main part of a package.

    Attributes:
        part: where it is in the package.
        sheets: the worksheets in the order of their tabs; charts of their own are none.
        strings: the part of the shared strings, if there is one.
        styles: the part of the styles, if there is one.
        from_1904: whether dates count from 1904.
    """

    part: str
    sheets: tuple[Sheet, ...]
    strings: str | None
    styles: str | None
    from_1904: bool


def read_workbook(package: Package) -> Workbook:
    """Find the main part and read it.

    Raises:
        DataError: there is none, or it is damaged.
        StorageError: reading failed.
    """
    start = (one.target for one in package.relations("") if one.kind == "officeDocument")
    part = next(start, "xl/workbook.xml")
    data = package.read(part)
    try:
        found = elements(data, ("workbook", "workbookPr", "sheet"))
    except XmlError as exc:
        raise package.damaged(part, str(exc)) from exc
    if not any(element.name == "workbook" and element.depth == 1 for element in found):
        raise package.damaged(part, "it is no workbook")
    relations = package.relations(part)
    parts = {one.id: one.target for one in relations if one.kind == "worksheet"}
    listed = [one for one in found if one.name == "sheet" and one.depth == 3]
    sheets = tuple(
        Sheet(
            one.attributes.get("name", ""),
            parts[one.attributes.get("r:id", "")],
            place,
            one.attributes.get("state") in _HIDDEN,
        )
        for place, one in enumerate(listed)
        if one.attributes.get("r:id", "") in parts
    )
    by_kind = {one.kind: one.target for one in reversed(relations)}
    return Workbook(
        part=part,
        sheets=sheets,
        strings=by_kind.get("sharedStrings"),
        styles=by_kind.get("styles"),
        from_1904=any(one.attributes.get("date1904") in _TRUE for one in found),
    )


@dataclass(frozen=True, slots=True)
class WiderFilter:
    """A sheet's filter that takes in new columns: its range until now, and the new one."""

    sheet: Sheet
    before: Area
    after: Area


def with_wider_filters(
    package: Package, workbook: Workbook, filters: Sequence[WiderFilter]
) -> bytes | None:
    """The main part with the names that Excel gives to the sheets' filter ranges made wider.

    Excel keeps a range twice, in the sheet and as a hidden name.

    Returns:
        None where there is no such name.

    Raises:
        DataError: the part is damaged.
        StorageError: reading failed.
    """
    data = package.read(workbook.part)
    try:
        names = elements(data, ("definedName",))
    except XmlError as exc:
        raise package.damaged(workbook.part, str(exc)) from exc
    wider = {str(one.sheet.place): one for one in filters}
    edits = []
    for name in names:
        one = wider.get(name.attributes.get("localSheetId", ""))
        refers_to = data[name.inner_start : name.inner_end]
        sheet_name, mark, area = refers_to.rpartition(b"!")
        if one is None or name.attributes.get("name") != _FILTER:
            continue
        if area.decode() == one.before.absolute():
            new = sheet_name + mark + one.after.absolute().encode()
            edits.append(Edit(name.inner_start, name.inner_end, new))
    return edited(data, edits) if edits else None
