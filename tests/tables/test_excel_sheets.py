"""Which sheet of a workbook is read, and how far."""

from __future__ import annotations

import io
import logging
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from score.errors import DataError
from score.tables import NewColumn, Table, TableOptions, open_table
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


@pytest.mark.parametrize(
    ("text_column", "found"), [(None, "Reviews"), ("sum", "Counts"), ("#2", None), ("stars", None)]
)
def test_the_only_sheet_with_the_texts_is_taken(
    text_column: str | None,
    found: str | None,
    samples: Path,
    relabel: Relabel,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Of several sheets the only one with the column is taken, and that is said; else none is."""
    path = samples / "texts_on_one_sheet.xlsx"
    options = TableOptions(text_column=text_column)
    if found is None:
        with pytest.raises(DataError) as refused:
            open_table(path, options)
        which = (
            "with the column of texts"
            if text_column == "#2"
            else ("with cells, none with the column of texts")
        )
        assert str(refused.value) == (
            f"{path} has 2 sheets {which}: Counts, Reviews. Say which with --sheet."
        )
        return
    with caplog.at_level(logging.WARNING):
        book = load_workbook(relabel(open_table(path, options)))
    assert [sheet.title for sheet in book if sheet["C1"].value == "label"] == [found]
    assert [record.getMessage() for record in caplog.records] == [
        f"{path} has 2 sheets with cells; '{found}' is the one that has the column of texts, and "
        "the only one that gets labels."
    ]


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
