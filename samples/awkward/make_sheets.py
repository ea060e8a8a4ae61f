"""Make the workbooks of several sheets that openpyxl would not write.

Run in this folder: python make_sheets.py
"""

from __future__ import annotations

from collections.abc import Sequence

from make_workbooks import (
    HEADER,
    MAIN,
    OFFICE,
    SPREADSHEET,
    STYLES,
    content_types,
    relations_part,
    rows_alone,
    text_rows,
    write_workbook,
)

Parts = dict[str, "str | bytes"]

SHARED = ("id", "text", "Good.", "Bad.", "day", " Review ")

TABS = (
    ("March", 2, ""),
    ("Graph", 8, ""),
    ("April", 1, ""),
    ("Sums", 3, ""),
    ("May", 4, ""),
    ("Old", 5, ' state="hidden"'),
    ("June", 6, ""),
    ("Empty", 7, ""),
)
"""Titles with the numbers of their parts: tabs and parts stand in different orders, and one
tab is a chart."""


def row(number: int, *cells: int | str) -> str:
    """A row of shared texts, given by their places, and of numbers, given as texts."""
    listed = (
        f'<c r="{letter}{number}" s="3" t="s"><v>{cell}</v></c>'
        if isinstance(cell, int)
        else f'<c r="{letter}{number}"><v>{cell}</v></c>'
        for letter, cell in zip("ABC", cells, strict=False)
    )
    return f'<row r="{number}">{"".join(listed)}</row>'


def sheet(*rows: str, behind: str = "") -> str:
    """A sheet, and what stands behind its rows."""
    return rows_alone("".join(rows)).replace("</worksheet>", f"{behind}</worksheet>")


def table(number: int, area: str, columns: Sequence[str]) -> Parts:
    """An Excel table on the sheet of the same number."""
    ids = "".join(
        f'<tableColumn id="{one}" name="{column}"/>' for one, column in enumerate(columns, 1)
    )
    called = f'id="{number}" name="T{number}" displayName="T{number}" ref="{area}"'
    relation = relations_part([("rId1", "table", f"../tables/table{number}.xml")])
    return {
        f"xl/worksheets/_rels/sheet{number}.xml.rels": relation,
        f"xl/tables/table{number}.xml": f'<table xmlns="{MAIN}" {called}><autoFilter '
        f'ref="{area}"/><tableColumns count="{len(columns)}">{ids}</tableColumns></table>',
    }


def main_parts() -> Parts:
    """What says which parts there are."""
    listed = "".join(
        f'<sheet name="{title}" sheetId="{number}"{state} r:id="rId{number}"/>'
        for title, number, state in TABS
    )
    filters = "".join(
        f'<definedName name="_xlnm._FilterDatabase" localSheetId="{place}" hidden="1">'
        f"{title}!$A$1:$B$3</definedName>"
        for place, (title, *_) in enumerate(TABS)
        if title in {"Old", "June"}
    )
    relations = [(f"rId{n}", "worksheet", f"worksheets/sheet{n}.xml") for n in range(1, 8)]
    relations += [("rId8", "chartsheet", "chartsheets/sheet1.xml")]
    relations += [("rId9", "sharedStrings", "sharedStrings.xml"), ("rId10", "styles", "styles.xml")]
    tables = "".join(
        f'<Override PartName="/xl/tables/table{n}.xml" ContentType="{SPREADSHEET}.table+xml"/>'
        for n in (1, 2)
    )
    types = content_types(relations, macros=False).replace("</Types>", f"{tables}</Types>")
    return {
        "[Content_Types].xml": types,
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets>{listed}'
        f"</sheets><definedNames>{filters}</definedNames></workbook>",
        "xl/_rels/workbook.xml.rels": relations_part(relations),
    }


def make_several_sheets() -> None:
    """Texts on several sheets, in other columns, among sheets without; with tables and filters."""
    strings = "".join(f"<si><t xml:space='preserve'>{text}</t></si>" for text in SHARED)
    in_table = '<tableParts count="1"><tablePart r:id="rId1"/></tableParts>'
    filtered = '<autoFilter ref="A1:B3"/>'
    sheets = (
        sheet(row(1, 4, 0, 5), row(2, "45383", "3", 3), behind=in_table),
        sheet(row(1, 0, 1), row(2, "1", 2), row(3, "2", 3), behind=in_table),
        sheet(row(1, 4, 0), row(2, "45383", "2")),
        sheet(row(1, 0, 1)),
        sheet(row(1, 0, 1), row(3, "4", 2), behind=filtered),
        sheet(row(1, 0, 1), row(2, "5", 2), row(3, "6", 2), behind=filtered),
        sheet(),
    )
    chart = f'<chartsheet xmlns="{MAIN}"><sheetViews><sheetView workbookViewId="0"/></sheetViews>'
    more: Parts = {
        "xl/chartsheets/sheet1.xml": f"{chart}</chartsheet>",
        "xl/chartsheets/_rels/sheet1.xml.rels": relations_part([]),
        "xl/styles.xml": STYLES,
        "xl/sharedStrings.xml": f'<sst xmlns="{MAIN}">{strings}</sst>',
    }
    more |= main_parts() | table(1, "A1:C2", ("day", "id", " Review "))
    more |= table(2, "A1:B3", ("id", "text"))
    write_workbook("several_sheets.xlsx", {str(n): one for n, one in enumerate(sheets)}, more)


def make_unclear_sheets() -> None:
    """Sheets none of which has the column of texts, or one of which has two."""
    rows = text_rows("Good.")
    stars = rows.replace("text", "stars")
    write_workbook("texts_on_no_sheet.xlsx", {"March": stars, "April": stars}, {})
    two = HEADER.replace("id", "comment")
    write_workbook("two_texts_on_a_sheet.xlsx", {"March": rows, "Notes": two}, {})


if __name__ == "__main__":
    make_several_sheets()
    make_unclear_sheets()
