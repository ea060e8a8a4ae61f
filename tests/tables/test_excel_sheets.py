"""Which sheet of a workbook is read, and how far."""

from __future__ import annotations

import io
import logging
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from score.errors import DataError
from score.tables import NewColumn, Table, TableOptions, find_column, open_table
from tests.tables.workbooks import changed, load_workbook, parts_of

Relabel = Callable[[Table], bytes]

SHEET = "xl/worksheets/sheet1.xml"


@pytest.mark.parametrize(
    ("sheet", "message"),
    [
        ("May", "has no sheet 'May': March, April, Empty. Say which with --sheet."),
        ("Empty", ": the sheet 'Empty' is empty. Say another --sheet."),
    ],
)
def test_a_sheet_that_is_not_there(sheet: str, message: str, samples: Path) -> None:
    """A sheet that is missing or empty is refused with those that there are."""
    path = samples / "two_sheets.xlsx"
    with pytest.raises(DataError) as refused:
        open_table(path, TableOptions(sheet=sheet))
    assert str(refused.value) == f"{path}{message if message[0] == ':' else f' {message}'}"


def test_a_sheet_is_found_in_any_case(samples: Path) -> None:
    """A sheet is found without regard to case and outer blanks, and no other one is read."""
    table = open_table(samples / "two_sheets.xlsx", TableOptions(sheet="april "))
    assert [row.cells for row in table.rows([1])] == [("Bad.",), ("Worse.",)]
    table.close()


@pytest.mark.parametrize(("text_column", "found"), [(None, "Reviews"), ("sum", "Counts")])
def test_sheets_without_the_texts_stay(
    text_column: str | None,
    found: str,
    samples: Path,
    relabel: Relabel,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Of several sheets only those with the column of texts get labels, and that is said."""
    path = samples / "texts_on_one_sheet.xlsx"
    with caplog.at_level(logging.WARNING):
        book = load_workbook(relabel(open_table(path, TableOptions(text_column=text_column))))
    assert [sheet.title for sheet in book if sheet["C1"].value == "label"] == [found]
    assert [record.getMessage() for record in caplog.records] == [
        f"{path}: 1 of 2 sheets with cells has the column of texts and gets labels: {found}."
    ]


def test_all_sheets_with_the_texts_get_labels(
    samples: Path, relabel: Relabel, caplog: pytest.LogCaptureFixture
) -> None:
    """Each sheet with the column gets labels: hidden ones, those without records, whatever order.

    The names of filters and the tables of all of them take the new columns in.
    """
    path = samples / "several_sheets.xlsx"
    with caplog.at_level(logging.WARNING):
        book: Any = load_workbook(relabel(open_table(path)))
    new, label = ("label", "confidence"), ("NEW", 0.5)
    assert {sheet.title: list(sheet.iter_rows(values_only=True)) for sheet in book.worksheets} == {
        "March": [("id", "text", *new), (1, "Good.", *label), (2, "Bad.", *label)],
        "April": [("day", "id", " Review ", *new), (45383, 3, "Bad.", *label)],
        "Sums": [("day", "id"), (45383, 2)],
        "May": [("id", "text", *new)],
        "Old": [("id", "text", *new), (None,) * 4, (4, "Good.", *label)],
        "June": [("id", "text", *new), (5, "Good.", *label), (6, "Good.", *label)],
        "Empty": [],
    }
    assert [book["April"].tables["T1"].ref, book["March"].tables["T2"].ref] == ["A1:E2", "A1:D3"]
    assert [book[title].auto_filter.ref for title in ("Old", "June")] == ["A1:D3", "A1:D3"]
    assert [book[title]["E2"].number_format for title in ("April", "March")] == [
        "0.0000",
        "General",
    ]
    main = parts_of(relabel(open_table(path)))["xl/workbook.xml"]
    assert main.count(b"Old!$A$1:$D$3</") == main.count(b"June!$A$1:$D$3</") == 1
    assert [record.getMessage() for record in caplog.records][:1] == [
        f"{path}: 5 of 6 sheets with cells have the column of texts and get labels: March, April, "
        "May, Old [hidden], June."
    ]


def test_labels_of_all_sheets_are_those_of_each(samples: Path, relabel: Relabel) -> None:
    """Sheets that are labelled together come out as when each is labelled for itself."""
    path = samples / "several_sheets.xlsx"
    together = parts_of(relabel(open_table(path)))
    for part, title in ((1, "April"), (2, "March"), (4, "May"), (5, "Old"), (6, "June")):
        alone = parts_of(relabel(open_table(path, TableOptions(sheet=title))))
        name = f"xl/worksheets/sheet{part}.xml"
        # The styles of numbers are made for all sheets at once.
        assert re.sub(b's="[0-9]"', b"", alone[name]) == re.sub(b's="[0-9]"', b"", together[name])


@pytest.mark.parametrize(
    ("name", "options", "rows"),
    [
        ("two_sheets.xlsx", TableOptions(text_column="#2"), ["Good.", "Bad.", "Worse."]),
        ("several_sheets.xlsx", TableOptions(text_column="#3"), ["Bad."]),
        (
            "several_sheets.xlsx",
            TableOptions(text_column="#2"),
            "{}: nothing says that column #2 is the same one on the 6 sheets that have it: March "
            "(text), April (id), Sums (id), May (text), Old [hidden] (text), June (text). Say "
            "which with --sheet.",
        ),
        (
            "two_sheets.xlsx",
            TableOptions(text_column="#2", header=False),
            "{}: nothing says that column #2 is the same one on the 2 sheets that have it: March "
            "(#2), April (#2). Say which with --sheet.",
        ),
    ],
)
def test_a_place_on_several_sheets(
    name: str, options: TableOptions, rows: list[str] | str, samples: Path
) -> None:
    """A place is meant on each sheet that has it where all call it the same; else it is refused."""
    if isinstance(rows, str):
        with pytest.raises(DataError) as refused:
            open_table(samples / name, options)
        assert str(refused.value) == rows.format(samples / name)
        return
    table = open_table(samples / name, options)
    column = find_column(table.columns, options.text_column, table.name)
    assert [row.cells[0] for row in table.rows([column])] == rows
    table.close()


def test_a_new_name_that_is_taken_on_a_sheet(
    samples: Path, tmp_path: Path, relabel: Relabel
) -> None:
    """A new column that one of the sheets has already is refused, and the sheet is named."""
    path = tmp_path / "april.xlsx"
    path.write_bytes(relabel(open_table(samples / "two_sheets.xlsx", TableOptions(sheet="April"))))
    table = open_table(path)
    with pytest.raises(DataError) as refused:
        table.writer(io.BytesIO(), [NewColumn("Label", "text")])
    table.close()
    assert str(refused.value) == (
        f"{path}, sheet 'April' has a column 'label' already. Put something before the new names "
        "with --prefix, such as --prefix thumbs_."
    )


def test_a_column_that_not_all_sheets_have(samples: Path) -> None:
    """A column beside the texts has to be on each sheet; the first one without is named."""
    path = samples / "several_sheets.xlsx"
    table = open_table(path, TableOptions(text_column="id"))
    with pytest.raises(DataError) as refused:
        list(table.rows([0, 1]))
    table.close()
    assert str(refused.value) == (
        f"{path}, sheet 'April' has no column 'text', and other sheets have one. Give all of them "
        "the same columns, or put the sheet into a file of its own."
    )


def test_a_broken_cell_on_a_later_sheet(samples: Path, tmp_path: Path) -> None:
    """What is wrong on one of several sheets is said with the sheet, and its own row number."""
    part = "xl/worksheets/sheet6.xml"
    sheet = parts_of((samples / "several_sheets.xlsx").read_bytes())[part]
    broken = sheet.replace(b'<c r="B3" s="3" t="s"><v>2</v>', b'<c r="B3" t="s"><v>9</v>')
    path = changed(samples / "several_sheets.xlsx", tmp_path / "broken.xlsx", {part: broken})
    table = open_table(path)
    with pytest.raises(DataError) as refused:
        list(table.rows([1]))
    table.close()
    assert str(refused.value) == (
        f"{path}, sheet 'June', row 2: B3 names shared text 10 of 6. Open the workbook in Excel "
        "or LibreOffice and save it again."
    )


def test_two_tabs_that_show_one_part(samples: Path, tmp_path: Path, relabel: Relabel) -> None:
    """A part that two tabs show, in any case of its name, is labelled once."""
    relations = "xl/_rels/workbook.xml.rels"
    parts = parts_of((samples / "two_sheets.xlsx").read_bytes())
    shared = parts[relations].replace(b"worksheets/sheet2.xml", b"worksheets/Sheet1.xml")
    path = changed(samples / "two_sheets.xlsx", tmp_path / "twice.xlsx", {relations: shared})
    written = parts_of(relabel(open_table(path)))
    assert written[SHEET].count(b"<is><t>label</t></is>") == 1
    assert written["xl/worksheets/sheet2.xml"] == parts["xl/worksheets/sheet2.xml"]


def test_a_sheet_down_to_its_last_row(samples: Path, tmp_path: Path) -> None:
    """A sheet of 1,048,576 rows is labelled to its end; rows that it leaves out are blank."""
    sheet = parts_of((samples / "row_spans.xlsx").read_bytes())[SHEET]
    sheet = re.sub(rb'r="([AB]?)3"', rb'r="\g<1>1048576"', sheet)
    path = changed(samples / "row_spans.xlsx", tmp_path / "long.xlsx", {SHEET: sheet})
    table = open_table(path)
    target = io.BytesIO()
    writer = table.writer(target, [NewColumn("label", "text")])
    blank, texts = 0, []
    for row in table.rows([1]):
        blank += row.blank
        if not row.blank:
            texts.append((row.number, *row.cells))
            writer.write(row, ["NEW"])
    writer.close()
    table.close()
    assert (blank, texts) == (1_048_573, [(1, "Good."), (1_048_575, "Bad.")])
    written = parts_of(target.getvalue())[SHEET]
    assert b'<c r="C1048576" t="inlineStr"><is><t>NEW</t></is></c></row></sheetData>' in written
