"""Make the samples that no text editor would save as they are.

Run in this folder: python make.py
"""

from __future__ import annotations

import datetime
import re
import struct
import zipfile
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from openpyxl import Workbook
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont
from openpyxl.chart import BarChart, Reference
from openpyxl.styles import Font, PatternFill
from openpyxl.worksheet.table import Table

Rows = Sequence[tuple[Any, ...]]

HERE = Path(__file__).parent


def make_encoded_text() -> None:
    """Text in encodings other than utf-8, and bytes that are no text."""
    # Half of these characters is the byte of a line feed or of a carriage return.
    text = "id,text\r\n1,Très bien.\r\n2,ઊંઘ\u0a0d\u0d0a\u0a0a\n"
    (HERE / "utf16_le.csv").write_bytes(b"\xff\xfe" + text.encode("utf-16-le"))
    (HERE / "utf16_be.csv").write_bytes(b"\xfe\xff" + text.encode("utf-16-be"))
    (HERE / "utf16_no_bom.csv").write_bytes(text.encode("utf-16-le"))
    (HERE / "utf16_be_no_bom.csv").write_bytes(text.encode("utf-16-be"))
    (HERE / "utf32_le.csv").write_bytes(b"\xff\xfe\0\0" + text.encode("utf-32-le"))
    (HERE / "cp1252.csv").write_bytes("id,text\n1,Très cher: 5 €.\n2,Bon.\n".encode("cp1252"))
    # Two spellings of one character, and a second byte that looks like a delimiter.
    shift_jis = b"id|text\n1|\x87\x90\x81\xe0\n2|\x83\x7c\x83\x58\x83\x67\n"
    (HERE / "shift_jis.csv").write_bytes(shift_jis)
    (HERE / "cp1251.csv").write_bytes("id,text\n1,Очень хорошо.\n2,Плохо.\n".encode("cp1251"))
    (HERE / "euc_kr.csv").write_bytes("id;text\n1;좋은 영화입니다.\n2;별로예요.\n".encode("euc_kr"))
    (HERE / "gb18030.csv").write_bytes("id,text\n1,很好。\n2,糟糕€㐀.\n".encode("gb18030"))
    (HERE / "nul_byte.csv").write_bytes(b"id,text\n1,Good.\n2,Ba\0d.\n")
    (HERE / "bare_cr.csv").write_bytes(b"id,text\n1,Good.\n2,Ba\rd.\n")
    (HERE / "cr_only.csv").write_bytes(b"id,text\r1,Good.\r2,Bad.\r")
    (HERE / "bom_in_the_middle.jsonl").write_bytes(
        b'{"text": "Good."}\n\xef\xbb\xbf{"text": "Bad."}\n{"text": "Fine."}\n'
    )
    (HERE / "cr_only.jsonl").write_bytes(b'{"text": "Good."}\r{"text": "Bad."}\r')
    (HERE / "nul.jsonl").write_bytes(
        b'{"text": "Good."}\n{"text": "a\x00b"}\n{"text": "a\\u0000b"}\n'
    )
    (HERE / "odd_numbers.jsonl").write_bytes(
        b'{"id": NaN, "text": "Good."}\n'
        b'{"id": -Infinity, "text": "Half a pair: \\ud83d."}\n'
        b'{"id": %s, "text": "Bad."}\n'
        b'{"id": 1e400, "text": NaN}\n' % (b"9" * 400)
    )
    (HERE / "latin1.jsonl").write_bytes(b'{"text": "Good."}\n{"text": "Caf\xe9."}\n')
    (HERE / "encrypted.xlsx").write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504))


def make_kinds_of_cells() -> None:
    """A cell of each kind, formats, and hidden columns on the right."""
    kinds = Workbook()
    rows: Rows = [
        ("id", "text", "kind"),
        (7.0, "Good.", "float"),
        (12345678901234, datetime.datetime(2024, 3, 1), "date"),
        (None, None, None),
        (1.5, True, "bool"),
        ("#N/A", "#DIV/0!", "error"),
        ("007", "=no formula", "text"),
        (8, CellRichText("Very ", TextBlock(InlineFont(b=True), "good"), "."), "rich"),
        (9, "Two_x000D_\nlines.", "carriage return"),
    ]
    fill_sheet(kinds, "Reviews", rows)
    kinds["Reviews"]["B7"].data_type = "s"
    kinds["Reviews"]["C1"].font = Font(bold=True)
    kinds["Reviews"]["C2"].fill = PatternFill("solid", fgColor="FFFF00")
    kinds["Reviews"].column_dimensions.group("C", "H", hidden=True)
    kinds.save(HERE / "kinds_of_cells.xlsx")


def make_formulas() -> None:
    """Formulas with the results that Excel stores, and without."""
    formulas = Workbook()
    rows: Rows = [
        ("id", "text"),
        (1, '="Go"&"od."'),
        (2, '=""'),
        (3, "Bad."),
        (4, "=1/0"),
        (5, "=2+5"),
    ]
    fill_sheet(formulas, "Reviews", rows)
    formulas.save(HERE / "formulas_never_calculated.xlsx")
    formulas.save(HERE / "formulas.xlsx")
    store_results(HERE / "formulas.xlsx", {"B2": "Good.", "B3": "", "B5": "#DIV/0!", "B6": "7"})


def make_merged_cells() -> None:
    """Merged cells that reach right of all values."""
    merged = Workbook()
    rows: Rows = [(None, None), ("id", "text"), (1, "Good."), (2, None), (3, "Bad.")]
    fill_sheet(merged, "Reviews", rows)
    merged["Reviews"].merge_cells("B3:D4")
    merged["Reviews"].merge_cells("B2:C2")
    merged.save(HERE / "merged_cells.xlsx")


def make_sheets() -> None:
    """Two sheets that could be meant, and an empty one."""
    sheets = Workbook()
    fill_sheet(sheets, "March", [("id", "text"), (1, "Good.")])
    fill_sheet(sheets, "April", [("id", "text"), (1, "Bad."), (2, "Worse.")])
    sheets.create_sheet("Empty")
    sheets.save(HERE / "two_sheets.xlsx")


def make_table() -> None:
    """An Excel table with a totals row."""
    listed = Workbook()
    rows: Rows = [("id", "text"), (1, "Good."), (2, "Bad."), ("Total", "=SUBTOTAL(103,B2:B3)")]
    sheet = fill_sheet(listed, "Reviews", rows)
    table: Any = Table(displayName="Reviews", ref="A1:B4", totalsRowCount=1)
    sheet.add_table(table)
    table._initialise_columns()
    table.autoFilter.ref = "A1:B3"
    for column, name in zip(table.tableColumns, ("id", "text"), strict=True):
        column.name = name
    listed.create_sheet("Notes")
    listed.save(HERE / "excel_table.xlsx")


def make_chart() -> None:
    """A chart and a filter."""
    chart = Workbook()
    sheet = fill_sheet(chart, "Reviews", [("stars", "text"), (5, "Good."), (1, "Bad.")])
    bars = BarChart()
    bars.add_data(Reference(sheet, min_col=1, min_row=1, max_row=3), titles_from_data=True)
    sheet.add_chart(bars, "H2")
    sheet.auto_filter.ref = "A1:B3"
    chart.save(HERE / "chart.xlsx")


def make_empty_workbook() -> None:
    """Nothing."""
    empty = Workbook()
    empty.save(HERE / "empty.xlsx")


def fill_sheet(workbook: Workbook, title: str, rows: Rows) -> Any:
    """Fill the first sheet while it is unused, else a new one."""
    sheet = workbook.worksheets[0]
    if sheet.title != "Sheet":
        sheet = workbook.create_sheet()
    sheet.title = title
    for row in rows:
        sheet.append(row)
    return sheet


def store_results(path: Path, results: dict[str, str]) -> None:
    """Put results beside the formulas, as Excel does; openpyxl cannot."""
    with zipfile.ZipFile(path) as package:
        parts = {name: package.read(name) for name in package.namelist()}
    sheet = parts["xl/worksheets/sheet1.xml"].decode()
    for cell, result in results.items():
        kind = "e" if result.startswith("#") else "n" if result.isdigit() else "str"
        pattern = rf'<c r="{cell}"([^>]*)>(<f>.*?</f>)<v\s*(?:/>|></v>)'
        sheet, found = re.subn(pattern, rf'<c r="{cell}"\1 t="{kind}">\2<v>{result}</v>', sheet)
        if found != 1:
            raise ValueError(f"no formula in {cell}: {sheet}")
    parts["xl/worksheets/sheet1.xml"] = sheet.encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as package:
        for name, content in parts.items():
            package.writestr(name, content)


def make_parquet() -> None:
    """Columns of every kind, metadata, two row groups."""
    moment = datetime.datetime(2024, 3, 1, 12, tzinfo=datetime.timezone.utc)
    columns = {
        "text": pa.array(["Good.", None, "", "007"], pa.large_string()),
        "kind": pa.array(["a", "b", "a", None]).dictionary_encode(),
        "nested": pa.array([{"stars": [5, 4]}, None, {"stars": []}, {"stars": None}]),
        "price": pa.array([Decimal("1.10"), None, Decimal("2.00"), Decimal("0.05")]),
        "when": pa.array([moment, None, moment, moment], pa.timestamp("ns", "Europe/Berlin")),
        "raw": pa.array([b"bytes", b"", None, "é".encode()], pa.binary()),
        "number": pa.array([1.0, None, 2.5, 1e300]),
        "flag": pa.array([True, False, None, True]),
    }
    table = pa.table(columns).replace_schema_metadata({"made by": "make.py"})
    pq.write_table(table, HERE / "nested.parquet", row_group_size=3, compression="ZSTD")
    no_rows = table.slice(0, 0)
    pq.write_table(no_rows, HERE / "no_rows.parquet", compression="NONE")
    latin1 = pa.array([b"Good.", b"Caf\xe9."], pa.binary())
    pq.write_table(pa.table({"text": latin1}), HERE / "not_utf8.parquet")


def make_old_workbooks() -> None:
    """Workbooks of the format before .xlsx. Needs xlwt, an old package: pip install xlwt."""
    import xlwt

    kinds = xlwt.Workbook()
    sheet = kinds.add_sheet("Reviews")
    rows: Rows = [
        ("id", "text", "kind"),
        (7.0, "Good.", "float"),
        (12345678901234, datetime.date(2024, 3, 1), "yyyy-mm-dd"),
        (None, None, None),
        (0.1 + 0.2, True, "bool"),
        (-1.5, datetime.datetime(2024, 3, 1, 12, 30), "yyyy-mm-dd hh:mm:ss"),
        ("007", "=no formula", "text"),
        (8, 0.5, "hh:mm"),
        (9, 1.5, "[h]:mm:ss"),
        (10, "Two\nlines.", "line break"),
    ]
    for place, row in enumerate(rows, start=1):
        # The third cell of a time says how the second is written.
        is_time = row[2] and set("y:") & set(row[2])
        for column, cell in enumerate(row, start=1):
            code = row[2] if is_time and column == 2 else "general"
            style = xlwt.easyxf(num_format_str=code)
            if cell is not None:
                sheet.write(place, column, cell, style)
    sheet.write_merge(11, 12, 2, 3, "Merged.")
    kinds.add_sheet("Empty")
    hidden = kinds.add_sheet("Notes")
    hidden.write(0, 0, "Hidden.")
    hidden.visibility = 1
    kinds.save(HERE / "kinds_of_cells.xls")
    content = (HERE / "kinds_of_cells.xls").read_bytes()
    # The workbook's stream begins in the second sector; FILEPASS takes the place of the
    # record behind its BOF and says that all that follows is encrypted.
    first = 512 + 4 + int.from_bytes(content[514:516], "little")
    locked = content[:first] + b"\x2f\0" + content[first + 2 :]
    (HERE / "encrypted.xls").write_bytes(locked)
    (HERE / "broken.xls").write_bytes(content[:700])
    (HERE / "html.xls").write_bytes(b"<table><tr><td>text</td></tr><tr><td>Good.</td></tr></table>")


def make_binary_workbook() -> None:
    """A workbook in records of bytes, .xlsb: [MS-XLSB] says what they mean."""

    def record(kind: int, content: bytes = b"") -> bytes:
        kinds = bytes([kind]) if kind < 128 else bytes([kind & 127 | 128, kind >> 7])
        return kinds + bytes([len(content)]) + content

    def text(value: str) -> bytes:
        return struct.pack("<I", len(value)) + value.encode("utf-16-le")

    def cell(column: int, kind: int, content: bytes) -> bytes:
        return record(kind, struct.pack("<II", column, 0) + content)

    def row(place: int, *cells: bytes) -> bytes:
        return record(0, struct.pack("<IIHHB", place, 0, 300, 0, 0) + bytes(4)) + b"".join(cells)

    real, string, boolean, error, blank = 5, 6, 4, 3, 1
    rows = (
        row(0, cell(0, string, text("id")), cell(1, string, text("text"))),
        row(1, cell(0, real, struct.pack("<d", 7)), cell(1, string, text("Good."))),
        row(2, cell(0, string, text("007")), cell(1, real, struct.pack("<d", 2.5))),
        row(3, cell(0, blank, b""), cell(1, blank, b"")),
        row(4, cell(0, real, struct.pack("<d", 8)), cell(1, boolean, b"\1")),
        row(5, cell(0, real, struct.pack("<d", 9)), cell(1, error, b"\x2a")),
        row(6, cell(0, real, struct.pack("<d", 10)), cell(1, string, text("=no formula"))),
    )
    sheet = record(129) + record(148, struct.pack("<IIII", 0, 6, 0, 1))
    sheet += record(145) + b"".join(rows) + record(146) + record(130)
    names = struct.pack("<II", 0, 1) + text("rId1") + text("Reviews")
    workbook = record(131) + record(143) + record(156, names) + record(144) + record(132)
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    packages = "http://schemas.openxmlformats.org/package/2006"
    relation = (
        f'<Relationships xmlns="{packages}/relationships">'
        f'<Relationship Id="rId1" Type="{office}/{{}}" Target="{{}}"/></Relationships>'
    )
    kind = "application/vnd.ms-excel"
    write_package(
        HERE / "kinds_of_cells.xlsb",
        {
            "[Content_Types].xml": f'<Types xmlns="{packages}/content-types">'
            '<Default Extension="rels" '
            'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            f'<Default Extension="bin" ContentType="{kind}.sheet.binary.macroEnabled.main"/>'
            '<Override PartName="/xl/worksheets/sheet1.bin" '
            f'ContentType="{kind}.worksheet"/></Types>',
            "_rels/.rels": relation.format("officeDocument", "xl/workbook.bin"),
            "xl/_rels/workbook.bin.rels": relation.format("worksheet", "worksheets/sheet1.bin"),
            "xl/workbook.bin": workbook,
            "xl/worksheets/sheet1.bin": sheet,
        },
    )


def make_open_document() -> None:
    """Spreadsheets as LibreOffice keeps them: kinds of cells, nothing, and a password."""

    def cell(kind: str, shown: str, **more: str) -> str:
        values = "".join(f' office:{name.replace("_", "-")}="{v}"' for name, v in more.items())
        return (
            f'<table:table-cell office:value-type="{kind}"{values}>'
            f"<text:p>{shown}</text:p></table:table-cell>"
        )

    def row(*cells: str, times: int = 1) -> str:
        repeated = f' table:number-rows-repeated="{times}"' if times > 1 else ""
        return f"<table:table-row{repeated}>{''.join(cells)}</table:table-row>"

    def number(value: float) -> str:
        return cell("float", f"{value:g}", value=repr(value))

    gap = '<table:table-cell table:number-columns-repeated="1000"/>'
    rows = (
        row(cell("string", "id"), cell("string", "text")),
        row(number(7), cell("string", "Good."), gap),
        row(number(8), cell("date", "1 March", date_value="2024-03-01")),
        row(cell("string", "007"), cell("boolean", "TRUE", boolean_value="true")),
        row(gap, times=2),
        row(number(9), cell("percentage", "25 %", value="0.25")),
        row(number(10), cell("time", "12:30", time_value="PT12H30M00S")),
        row(number(11), cell("string", "Two</text:p><text:p>paragraphs.")),
        row(gap, times=1_000_000),
    )
    notes = row(cell("string", "note"))
    write_document(HERE / "kinds_of_cells.ods", {"Reviews": "".join(rows), "Notes": notes})
    march = row(cell("string", "id"), cell("string", "text"))
    march += row(number(1), cell("string", "Good."), gap)
    april = row(gap) + row(cell("string", "Review"), cell("string", "id"))
    april += row(cell("string", "Bad."), number(2)) + row(gap) + row(cell("string", "Worse."))
    sheets = {"March": march, "Notes": notes, "Empty": row(gap), "April": april}
    write_document(HERE / "several_sheets.ods", sheets)
    write_document(HERE / "empty.ods", {"Sheet1": row(gap)})
    key = '<manifest:encryption-data manifest:checksum="AA=="/>'
    write_document(HERE / "encrypted.ods", {"Sheet1": row(cell("string", "text"))}, key)


def write_document(path: Path, sheets: dict[str, str], key: str = "") -> None:
    """Write an .ods file."""
    names = "urn:oasis:names:tc:opendocument:xmlns"
    tables = "".join(
        f'<table:table table:name="{name}">{rows}</table:table>' for name, rows in sheets.items()
    )
    kind = "application/vnd.oasis.opendocument.spreadsheet"
    write_package(
        path,
        {
            "mimetype": kind,
            "META-INF/manifest.xml": f'<manifest:manifest xmlns:manifest="{names}:manifest:1.0">'
            f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{kind}"/>'
            '<manifest:file-entry manifest:full-path="content.xml" '
            f'manifest:media-type="text/xml">{key}</manifest:file-entry></manifest:manifest>',
            "content.xml": f'<office:document-content xmlns:office="{names}:office:1.0" '
            f'xmlns:table="{names}:table:1.0" xmlns:text="{names}:text:1.0" office:version="1.3">'
            f"<office:body><office:spreadsheet>{tables}</office:spreadsheet></office:body>"
            "</office:document-content>",
        },
    )


def write_package(path: Path, parts: dict[str, str | bytes]) -> None:
    """Write a zip file."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as package:
        for name, content in parts.items():
            package.writestr(zipfile.ZipInfo(name, (2024, 3, 1, 0, 0, 0)), content)


if __name__ == "__main__":
    make_encoded_text()
    make_kinds_of_cells()
    make_formulas()
    make_merged_cells()
    make_sheets()
    make_table()
    make_chart()
    make_empty_workbook()
    make_parquet()
    make_old_workbooks()
    make_binary_workbook()
    make_open_document()
