"""The parts of a workbook: what changes when it is labelled, and that nothing else does."""

from __future__ import annotations

import io
import logging
import re
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from score.tables import Table, open_table
from score.tables.excel import styles as excel_styles
from tests.tables.outcomes import GOOD
from tests.tables.workbooks import changed, load_workbook, package_of, parts_of

Relabel = Callable[[Table], bytes]

SHEET = "xl/worksheets/sheet1.xml"
STYLES = "xl/styles.xml"
MAIN = "xl/workbook.xml"
SHEETS = [f"xl/worksheets/sheet{number}.xml" for number in range(8)]
TABLE = "xl/tables/table1.xml"

CHANGED = {
    "chart.xlsx": {SHEET, STYLES, MAIN},
    "excel_table.xlsx": {SHEET, STYLES, TABLE},
    "several_sheets.xlsx": {
        *(SHEETS[number] for number in (1, 2, 4, 5, 6)),
        *(STYLES, MAIN, TABLE, "xl/tables/table2.xml"),
    },
    "texts_on_one_sheet.xlsx": {SHEETS[2]},
    "two_sheets.xlsx": {SHEETS[1], SHEETS[2], STYLES},
}
"""The parts that change, where they are not the sheet and the styles, if there are any."""


def workbooks() -> list[str]:
    """The samples that can be labelled."""
    return [name for name in GOOD if name.endswith((".xlsx", ".xlsm"))]


@pytest.mark.parametrize("name", workbooks())
def test_all_other_parts_are_copied(name: str, samples: Path, relabel: Relabel) -> None:
    """All parts but sheets and styles are the same bytes, packed and dated alike, in order."""
    content = (samples / name).read_bytes()
    output = relabel(open_table(samples / name))
    before, after = parts_of(content), parts_of(output)
    assert list(after) == list(before)
    default = {SHEET, STYLES} & before.keys()
    differ = {part for part in before if after[part] != before[part]}
    assert differ == CHANGED.get(name, default)
    with (
        zipfile.ZipFile(io.BytesIO(content)) as old,
        zipfile.ZipFile(io.BytesIO(output)) as new,
    ):
        assert new.testzip() is None
        for one, other in zip(old.infolist(), new.infolist(), strict=True):
            assert (one.filename, one.date_time) == (other.filename, other.date_time)
            if one.filename not in differ:
                assert packed(content, one) == packed(output, other)


def packed(content: bytes, info: zipfile.ZipInfo) -> bytes:
    """The bytes of a part as they are packed."""
    lengths = content[info.header_offset + 26 : info.header_offset + 30]
    start = info.header_offset + 30 + sum(struct.unpack("<HH", lengths))
    return content[start : start + info.compress_size]


@pytest.mark.parametrize("name", [name for name in workbooks() if name != "row_spans.xlsx"])
def test_cutting_the_new_cells_out_gives_the_rows(
    name: str, samples: Path, relabel: Relabel
) -> None:
    """Without the new cells, the rows of a sheet are what they were, byte for byte."""
    before = parts_of((samples / name).read_bytes())
    after = parts_of(relabel(open_table(samples / name)))
    rows = re.compile(rb"<(?:x:)?sheetData>.*</(?:x:)?sheetData>", re.DOTALL)
    new = (
        rb'<((?:x:)?)c r="[A-Z]+[0-9]+"(?: s="[0-9]+")?(?: t="inlineStr"><\1is>'
        rb"<\1t>(?:label|confidence|NEW)</\1t></\1is>|><\1v>0.5</\1v>)</\1c>"
    )
    for part in CHANGED.get(name, {SHEET}) & set(SHEETS):
        found, wanted = rows.search(after[part]), rows.search(before[part])
        assert found is not None
        assert wanted is not None
        assert re.sub(new, b"", found[0]) == wanted[0]


def test_rows_say_how_many_columns_they_span(samples: Path, relabel: Relabel) -> None:
    """A row that says which columns it uses says so of the new ones too."""
    sheet = parts_of(relabel(open_table(samples / "row_spans.xlsx")))[SHEET]
    assert sheet.count(b' spans="1:4" ht="20">') == 3
    assert b'spans="1:2"' not in sheet


def test_the_sheet_says_how_far_it_reaches(samples: Path, relabel: Relabel) -> None:
    """The dimension takes the new columns in; one that claims the whole sheet stays."""
    usual = parts_of(relabel(open_table(samples / "chart.xlsx")))[SHEET]
    lying = parts_of(relabel(open_table(samples / "dimension_lies.xlsx")))[SHEET]
    assert b'<dimension ref="A1:D3"' in usual
    assert b'<dimension ref="A1:XFD1048576"/>' in lying


def test_a_filter_is_wider_in_its_name_too(samples: Path, relabel: Relabel) -> None:
    """The hidden name that Excel keeps of a filter's range says the same as the filter."""
    parts = parts_of(relabel(open_table(samples / "chart.xlsx")))
    assert b"'Reviews'!$A$1:$D$3</definedName>" in parts[MAIN]


def test_hidden_rows_are_labelled_and_stay_hidden(samples: Path, relabel: Relabel) -> None:
    """A row that a filter hides gets its label, and the filter goes on hiding it."""
    sheet: Any = load_workbook(relabel(open_table(samples / "filtered_rows.xlsx")))["Reviews"]
    assert [sheet.row_dimensions[row].hidden for row in range(1, 5)] == [False, False, True, False]
    assert [cell.value for cell in sheet["C"]] == ["label", "NEW", "NEW", "NEW"]
    assert sheet.auto_filter.ref == "A1:D4"
    assert sheet.auto_filter.filterColumn[0].colId == 0


def test_a_number_style_is_made_once(samples: Path, tmp_path: Path, relabel: Relabel) -> None:
    """Labelling a labelled workbook adds no style that is there already."""
    first = relabel(open_table(samples / "chart.xlsx"))
    (tmp_path / "first.xlsx").write_bytes(first)
    second = relabel(open_table(tmp_path / "first.xlsx"))
    assert parts_of(second)[STYLES] == parts_of(first)[STYLES]
    assert parts_of(first)[STYLES].count(b'formatCode="0.0000"') == 1


def test_no_style_is_made_beyond_those_that_excel_allows(
    samples: Path, relabel: Relabel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a workbook that is full of styles, new numbers look like the cell beside them."""
    monkeypatch.setattr(excel_styles, "MAX_NEW_STYLES", 1)
    written = relabel(open_table(samples / "chart.xlsx"))
    assert b'formatCode="0.0000"/>' not in parts_of(written)[STYLES]
    assert b'<c r="D2"><v>0.5</v></c>' in parts_of(written)[SHEET]


def test_formats_right_of_the_data_make_room(
    samples: Path, tmp_path: Path, relabel: Relabel
) -> None:
    """New cells take the place of cells that are formats alone; those further right stay."""
    rows = (
        '<row r="1"><c r="A1" t="str"><v>text</v></c><c r="B1" s="3"/><c r="C1" s="2"/></row>'
        '<row r="2"><c r="A2" s="1"><v>45352</v></c><c r="C2" s="1"/><c r="E2" s="1"/></row>'
        '<row r="4"><c r="G4" s="2"/></row>'
    )
    sheet = parts_of((samples / "prefixed_tags.xlsx").read_bytes())
    plain = parts_of((samples / "strict.xlsx").read_bytes())[SHEET].decode()
    plain = re.sub("<sheetData>.*</sheetData>", f"<sheetData>{rows}</sheetData>", plain)
    path = tmp_path / "formats.xlsx"
    path.write_bytes(package_of(sheet | {SHEET: plain.encode()}))
    written = parts_of(relabel(open_table(path)))
    found = re.search("<sheetData>.*</sheetData>", written[SHEET].decode())
    assert found is not None
    assert found[0] == (
        '<sheetData><row r="1"><c r="A1" t="str"><v>text</v></c>'
        '<c r="B1" t="inlineStr"><is><t>label</t></is></c>'
        '<c r="C1" t="inlineStr"><is><t>confidence</t></is></c></row>'
        '<row r="2"><c r="A2" s="1"><v>45352</v></c>'
        '<c r="B2" s="1" t="inlineStr"><is><t>NEW</t></is></c>'
        '<c r="C2" s="4"><v>0.5</v></c><c r="E2" s="1"/></row>'
        '<row r="4"><c r="G4" s="2"/></row></sheetData>'
    )


def test_a_table_that_a_query_fills_stays(
    samples: Path, tmp_path: Path, relabel: Relabel, caplog: pytest.LogCaptureFixture
) -> None:
    """Columns of such a table are the query's: the new ones stand beside it, and that is said."""
    parts = parts_of((samples / "excel_table.xlsx").read_bytes())
    query = parts[TABLE].replace(b" displayName=", b' tableType="queryTable" displayName=')
    path = changed(samples / "excel_table.xlsx", tmp_path / "query.xlsx", {TABLE: query})
    with caplog.at_level(logging.WARNING):
        written = relabel(open_table(path))
    assert parts_of(written)[TABLE] == query
    sheet: Any = load_workbook(written)["Reviews"]
    assert [cell.value for cell in sheet[1]] == ["id", "text", "label", "confidence"]
    assert [record.getMessage() for record in caplog.records] == [
        f"{path}: the table in A1:B4 has no header of its own or is filled by a query, so the new "
        "columns stand beside it, not in it."
    ]
