"""Make the workbooks that openpyxl would not write: by hand, from as little XML as will do.

Run in this folder: python make_workbooks.py
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).parent

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
SPREADSHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml"
OPEN = f'<worksheet xmlns="{MAIN}" xmlns:r="{OFFICE}">'
HEADER = (
    '<row r="1"><c r="A1" t="inlineStr"><is><t>id</t></is></c>'
    '<c r="B1" t="inlineStr"><is><t>text</t></is></c></row>'
)
STYLES = (
    f'<styleSheet xmlns="{MAIN}"><fonts count="1"><font><sz val="11"/></font></fonts>'
    '<fills count="1"><fill><patternFill patternType="none"/></fill></fills>'
    '<borders count="1"><border/></borders><cellXfs count="4"><xf/><xf numFmtId="14"/>'
    '<xf numFmtId="46"/><xf numFmtId="22" quotePrefix="1"><alignment wrapText="1"/></xf>'
    "</cellXfs></styleSheet>"
)


def text_cell(place: str, text: str, more: str = "") -> str:
    """A cell with a text of its own."""
    return f'<c r="{place}"{more} t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>'


def text_rows(*texts: str) -> str:
    """A header, and a row for each text."""
    rows = (
        f'<row r="{row}"><c r="A{row}"><v>{row - 1}</v></c>{text_cell(f"B{row}", text)}</row>'
        for row, text in enumerate(texts, start=2)
    )
    return HEADER + "".join(rows)


def write_workbook(name: str, sheets: dict[str, str], more: dict[str, str | bytes]) -> None:
    """Write a workbook by hand: openpyxl would tidy it up.

    Args:
        name: of the file.
        sheets: the XML of each sheet by its title, or only its rows.
        more: other parts by name, and what replaces the parts that are made here.
    """
    kinds = {"xl/sharedStrings.xml": "sharedStrings", "xl/styles.xml": "styles"}
    relations = [
        (f"rId{number}", "worksheet", f"worksheets/sheet{number}.xml")
        for number in range(1, len(sheets) + 1)
    ]
    relations += [
        (f"rId{kind}", kind, part.removeprefix("xl/"))
        for part, kind in kinds.items()
        if part in more
    ]
    listed = "".join(
        f'<sheet name="{title}" sheetId="{number}" r:id="rId{number}"/>'
        for number, title in enumerate(sheets, start=1)
    )
    parts: dict[str, str | bytes] = {
        "[Content_Types].xml": content_types(relations, macros="xl/vbaProject.bin" in more),
        "_rels/.rels": relations_part([("rId1", "officeDocument", "xl/workbook.xml")]),
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets>{listed}</sheets>'
        "</workbook>",
        "xl/_rels/workbook.xml.rels": relations_part(relations),
    }
    for number, sheet in enumerate(sheets.values(), start=1):
        whole = sheet if "sheetData" in sheet else rows_alone(sheet)
        parts[f"xl/worksheets/sheet{number}.xml"] = whole
    with zipfile.ZipFile(HERE / name, "w", zipfile.ZIP_DEFLATED) as package:
        for part, content in (parts | more).items():
            # The same bytes each time this is run.
            info = zipfile.ZipInfo(part, (2026, 1, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            package.writestr(info, content)


def rows_alone(rows: str) -> str:
    """A sheet of rows and nothing else."""
    return f"{OPEN}<sheetData>{rows}</sheetData></worksheet>"


def relations_part(relations: Sequence[tuple[str, str, str]]) -> str:
    """A part of relations: id, kind and target."""
    listed = "".join(
        f'<Relationship Id="{one}" Type="{OFFICE}/{kind}" Target="{target}"/>'
        for one, kind, target in relations
    )
    return f'<Relationships xmlns="{PACKAGE}/relationships">{listed}</Relationships>'


def content_types(relations: Sequence[tuple[str, str, str]], *, macros: bool) -> str:
    """What kind of part each part is."""
    main = "application/vnd.ms-excel.sheet.macroEnabled" if macros else f"{SPREADSHEET}.sheet"
    overrides = "".join(
        f'<Override PartName="/xl/{target}" ContentType="{SPREADSHEET}.{kind}+xml"/>'
        for _, kind, target in relations
    )
    return (
        f'<Types xmlns="{PACKAGE}/content-types"><Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
        '<Default Extension="bin" ContentType="application/vnd.ms-office.vbaProject"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{main}.main+xml"/>'
        f"{overrides}</Types>"
    )


def make_unusual_workbooks() -> None:
    """What other programs than Excel and openpyxl write, and what these write rarely."""
    rows = text_rows("Good.", "Bad.")
    prefixed = rows_alone(rows).replace("<", "<x:").replace("<x:/", "</x:")
    prefixed = prefixed.replace("<x:worksheet xmlns=", "<x:worksheet xmlns:x=")
    write_workbook("prefixed_tags.xlsx", {"Reviews": prefixed}, {"xl/styles.xml": STYLES})
    strict = "http://purl.oclc.org/ooxml"
    write_workbook("strict.xlsx", {"Reviews": rows}, {"xl/styles.xml": STYLES})
    with zipfile.ZipFile(HERE / "strict.xlsx") as package:
        parts = {
            name: package.read(name)
            .replace(MAIN.encode(), f"{strict}/spreadsheetml/main".encode())
            .replace(OFFICE.encode(), f"{strict}/officeDocument/relationships".encode())
            for name in package.namelist()
        }
    write_workbook("strict.xlsx", {}, dict(parts))
    placeless = re.sub(r' r="[A-Z]*[0-9]+"', "", rows)
    write_workbook("cells_without_places.xlsx", {"Reviews": placeless}, {})
    spans = re.sub(r'<row (r="[0-9]+")', r'<row \1 spans="1:2" ht="20"', rows)
    write_workbook("row_spans.xlsx", {"Reviews": spans}, {})
    lying = rows_alone(rows).replace(OPEN, f'{OPEN}<dimension ref="A1:XFD1048576"/>')
    write_workbook("dimension_lies.xlsx", {"Reviews": lying}, {})
    hidden = text_rows("Good.", "Bad.", "So so.").replace('<row r="3"', '<row r="3" hidden="1"')
    filtered = rows_alone(hidden).replace(
        "</sheetData>",
        '</sheetData><autoFilter ref="A1:B4"><filterColumn colId="0"><filters><filter val="1"/>'
        '<filter val="3"/></filters></filterColumn></autoFilter>',
    )
    write_workbook("filtered_rows.xlsx", {"Reviews": filtered}, {})
    write_workbook("longest_cell.xlsx", {"Reviews": text_rows("a" * 32767)}, {})
    extra: dict[str, str | bytes] = {"xl/vbaProject.bin": b"macros", "xl/media/image1.png": b"PNG"}
    write_workbook("macros.xlsm", {"Reviews": rows}, extra)
    write_workbook("signed.xlsx", {"Reviews": rows}, {"_xmlsignatures/sig1.xml": "<Signature/>"})
    write_workbook(
        "texts_on_one_sheet.xlsx",
        {"Counts": text_rows("2").replace("text", "sum"), "Reviews": rows, "Empty": ""},
        {},
    )


def make_shared_strings() -> None:
    """Texts that cells share: rich, spoken, escaped, and used out of order."""
    strings = (
        f'<sst xmlns="{MAIN}"><si><t>id</t></si><si><t>text</t></si>'
        "<si><r><t>Very </t></r><r><rPr><b/></rPr><t>good.</t></r></si>"
        "<si><t>東京</t><rPh sb='0' eb='2'><t>トウキョウ</t></rPh></si>"
        "<si><t>Two_x000D_\nlines, _x005F_x000D_ and _xD83D__xDE00_.</t></si><si><t/></si>"
        "<si><t xml:space='preserve'>  Bad &amp; &lt;sad&gt;.</t></si></sst>"
    )
    cells = ((0, 1), (5, 6), (5, 4), (0, 3), (0, 2), (0, 5), (1, 6))
    rows = "".join(
        f'<row r="{row}"><c r="A{row}" t="s"><v>{left}</v></c>'
        f'<c r="B{row}" t="s"><v> {right} </v></c></row>'
        for row, (left, right) in enumerate(cells, start=1)
    )
    write_workbook("shared_strings.xlsx", {"Reviews": rows}, {"xl/sharedStrings.xml": strings})
    write_workbook(
        "no_such_shared_string.xlsx",
        {"Reviews": rows.replace("<v> 4 <", "<v>7<")},
        {"xl/sharedStrings.xml": strings},
    )


def make_dates() -> None:
    """Days, times and durations in both calendars and as ISO 8601 spells them."""
    numbers = ((59, 1), (61, 1), (45352, 1), (45352.5, 3), (0.25, 3), (1.5, 2), (-1, 1), (3e9, 1))
    rows = HEADER + "".join(
        f'<row r="{row}"><c r="B{row}" s="{style}"><v>{number}</v></c></row>'
        for row, (number, style) in enumerate(numbers, start=2)
    )
    write_workbook("dates_from_1900.xlsx", {"Reviews": rows}, {"xl/styles.xml": STYLES})
    main = (
        f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><workbookPr date1904="1"/><sheets>'
        '<sheet name="Reviews" sheetId="1" r:id="rId1"/></sheets></workbook>'
    )
    more: dict[str, str | bytes] = {"xl/styles.xml": STYLES, "xl/workbook.xml": main}
    write_workbook("dates_from_1904.xlsx", {"Reviews": rows}, more)
    iso = ("2024-03-01T00:00:00", "2024-03-01T12:30:00Z", "2024-03-01", "12:30:00")
    rows = HEADER + "".join(
        f'<row r="{row}"><c r="B{row}" t="d"><v>{text}</v></c></row>'
        for row, text in enumerate(iso, start=2)
    )
    write_workbook("dates_in_words.xlsx", {"Reviews": rows}, {})


def make_hostile_workbooks() -> None:
    """Small attacks; large ones are made by the tests."""
    rows = text_rows("Good.", "Bad.")
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    doctype = f'<!DOCTYPE worksheet [<!ENTITY l0 "ha">{laughs}]>'
    write_workbook(
        "billion_laughs.xlsx",
        {"Reviews": doctype + rows_alone(rows.replace("Good.", "&l9;"))},
        {},
    )
    outside = '<!DOCTYPE sst SYSTEM "file:///etc/passwd">'
    strings = f'{outside}<sst xmlns="{MAIN}"><si><t>Good.</t></si></sst>'
    write_workbook("external_entity.xlsx", {"Reviews": rows}, {"xl/sharedStrings.xml": strings})
    write_workbook("part_outside.xlsx", {"Reviews": rows}, {"xl/../../evil.xml": "<evil/>"})
    write_workbook("part_named_twice.xlsx", {"Reviews": rows}, {"XL/Workbook.xml": "<workbook/>"})
    circle = relations_part([("rId1", "table", "sheet1.xml")])
    write_workbook(
        "relations_in_a_circle.xlsx",
        {"Reviews": rows},
        {"xl/worksheets/_rels/sheet1.xml.rels": circle},
    )
    for name, before, after in (
        ("row_too_far.xlsx", '<row r="3"', '<row r="1048577"'),
        ("column_too_far.xlsx", '"B3"', '"BDWGN3"'),
        ("rows_out_of_order.xlsx", '<row r="3"', '<row r="2"'),
        ("cells_out_of_order.xlsx", '"B3"', '"A3"'),
        ("no_number.xlsx", text_cell("B3", "Bad."), '<c r="B3"><v>two</v></c>'),
    ):
        write_workbook(name, {"Reviews": rows.replace(before, after)}, {})
    sheet = '<?xml version="1.0" encoding="utf-16"?>' + rows_alone(rows)
    utf16 = {"xl/worksheets/sheet1.xml": sheet.encode("utf-16")}
    write_workbook("utf16_sheet.xlsx", {"Reviews": rows}, dict(utf16))


if __name__ == "__main__":
    make_unusual_workbooks()
    make_shared_strings()
    make_dates()
    make_hostile_workbooks()
