"""Excel workbooks, beyond what every table keeps."""

from __future__ import annotations

import gc
import io
import logging
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter

from score.errors import DataError, StorageError
from score.tables import NewColumn, Table, TableOptions, open_table
from score.tables.excel.strings import SharedStrings
from score.tables.excel.values import unescaped

Relabel = Callable[[Table], bytes]


def reopen(content: bytes) -> Any:
    """Load the workbook that was written."""
    return openpyxl.load_workbook(io.BytesIO(content))


def values(sheet: Any) -> list[tuple[Any, ...]]:
    """All values of a sheet."""
    return list(sheet.iter_rows(values_only=True))


def test_new_columns_stand_right_of_the_used_range(samples: Path, relabel: Relabel) -> None:
    """Merged cells reach further than values do; the new columns stand beyond them."""
    sheet = reopen(relabel(open_table(samples / "merged_cells.xlsx")))["Reviews"]
    assert [row[4:] for row in values(sheet)] == [
        (None, None),
        ("label", "confidence"),
        ("NEW", 0.5),
        ("NEW", 0.5),
        ("NEW", 0.5),
    ]
    assert sorted(map(str, sheet.merged_cells.ranges)) == ["B2:C2", "B3:D4"]


def test_new_cells_look_like_their_neighbours(samples: Path, relabel: Relabel) -> None:
    """Headings and cells take the format beside them, numbers have four decimals."""
    sheet = reopen(relabel(open_table(samples / "kinds_of_cells.xlsx")))["Reviews"]
    assert (sheet["D1"].value, sheet["D1"].font.b) == ("label", True)
    assert (sheet["D2"].value, sheet["D2"].fill.fgColor.rgb) == ("NEW", "00FFFF00")
    assert (sheet["E2"].value, sheet["E2"].number_format) == (0.5, "0.0000")
    assert sheet["D4"].value is None


def test_new_columns_are_not_hidden(samples: Path, relabel: Relabel) -> None:
    """A hidden range of columns is cut open for the new ones, and stays hidden around them."""
    sheet = reopen(relabel(open_table(samples / "kinds_of_cells.xlsx")))["Reviews"]
    spans = {
        get_column_letter(one.min) + get_column_letter(one.max): (one.hidden, one.width)
        for one in sheet.column_dimensions.values()
    }
    assert spans == {
        "CC": (True, 13.0),
        "DD": (False, 12.0),
        "EE": (False, 14.0),
        "FH": (True, 13.0),
    }


def test_a_table_takes_the_new_columns_in(samples: Path, relabel: Relabel) -> None:
    """An Excel table grows, so that sorting it moves labels with their reviews."""
    sheet = reopen(relabel(open_table(samples / "excel_table.xlsx")))["Reviews"]
    table = sheet.tables["Reviews"]
    assert (table.ref, table.autoFilter.ref) == ("A1:D4", "A1:D3")
    assert table.column_names == ["id", "text", "label", "confidence"]
    assert [column.id for column in table.tableColumns] == [1, 2, 3, 4]
    assert values(sheet)[3] == ("Total", "=SUBTOTAL(103,B2:B3)", None, None)


def test_a_filter_takes_the_new_columns_in(samples: Path, relabel: Relabel) -> None:
    """A filter on the sheet grows likewise."""
    sheet = reopen(relabel(open_table(samples / "chart.xlsx")))["Reviews"]
    assert sheet.auto_filter.ref == "A1:D3"


def test_other_sheets_and_formulas_stay(samples: Path, relabel: Relabel) -> None:
    """Only the sheet that was read gets columns; formulas stay formulas."""
    options = TableOptions(sheet="March")
    sheets = reopen(relabel(open_table(samples / "two_sheets.xlsx", options)))
    assert values(sheets["March"]) == [
        ("id", "text", "label", "confidence"),
        (1, "Good.", "NEW", 0.5),
    ]
    assert values(sheets["April"]) == [("id", "text"), (1, "Bad."), (2, "Worse.")]
    formulas = reopen(relabel(open_table(samples / "formulas.xlsx")))["Reviews"]
    assert values(formulas)[1] == (1, '="Go"&"od."', "NEW", 0.5)


def test_all_kinds_of_cells_become_text(samples: Path) -> None:
    """Whole numbers without a decimal point, dates without midnight, errors as nothing."""
    table = open_table(samples / "kinds_of_cells.xlsx")
    assert table.columns == ("id", "text", "kind")
    assert [row.cells for row in table.rows([0, 1])] == [
        ("7", "Good."),
        ("12345678901234", "2024-03-01"),
        (),
        ("1.5", "TRUE"),
        ("", ""),
        ("007", "=no formula"),
        ("8", "Very good."),
        ("9", "Two\r\nlines."),
    ]
    table.close()


def test_a_label_is_no_formula(samples: Path) -> None:
    """A new text that begins with = is text, and an empty cell is empty."""
    table = open_table(samples / "chart.xlsx")
    target = io.BytesIO()
    writer = table.writer(target, [NewColumn("=1+1", "text"), NewColumn("p", "number")])
    for row in table.rows([1]):
        writer.write(row, ["=cmd()", None])
    writer.close()
    table.close()
    sheet = reopen(target.getvalue())["Reviews"]
    assert [(cell.value, cell.data_type) for cell in sheet["C"]] == [
        ("=1+1", "s"),
        ("=cmd()", "s"),
        ("=cmd()", "s"),
    ]
    assert sheet["D2"].value is None


def test_without_a_header(samples: Path, relabel: Relabel) -> None:
    """With --no-header the first row is a record, and the new columns have no names."""
    options = TableOptions(header=False)
    table = open_table(samples / "chart.xlsx", options)
    assert table.columns == ("#1", "#2")
    assert values(reopen(relabel(table))["Reviews"]) == [
        ("stars", "text", "NEW", 0.5),
        (5, "Good.", "NEW", 0.5),
        (1, "Bad.", "NEW", 0.5),
    ]


def test_a_signed_workbook_is_labelled_with_a_warning(
    samples: Path, relabel: Relabel, caplog: pytest.LogCaptureFixture
) -> None:
    """The signature of a signed workbook stays in it, and a warning says that it is void."""
    with caplog.at_level(logging.WARNING):
        relabel(open_table(samples / "signed.xlsx"))
        relabel(open_table(samples / "macros.xlsm"))
    assert [record.getMessage() for record in caplog.records] == [
        f"{samples / 'signed.xlsx'} is signed: the signature is kept, but does not hold for the "
        "output."
    ]


def test_no_room_at_the_right_end(tmp_path: Path) -> None:
    """A sheet that is used up to its last column has no place for new ones."""
    book = openpyxl.Workbook()
    book.worksheets[0]["A1"] = "text"
    book.worksheets[0]["XFD2"] = "the end"
    book.save(tmp_path / "wide.xlsx")
    table = open_table(tmp_path / "wide.xlsx")
    with pytest.raises(DataError) as refused:
        table.writer(io.BytesIO(), [NewColumn("label", "text")])
    table.close()
    assert str(refused.value) == (
        f"{tmp_path / 'wide.xlsx'}: the sheet is full up to its last column, XFD. "
        "Delete what stands at its right end."
    )


def test_formats_alone_are_no_records(tmp_path: Path, relabel: Relabel) -> None:
    """Cells that have a format and no value neither make rows nor push the columns away."""
    book = openpyxl.Workbook()
    sheet: Any = book.worksheets[0]
    sheet.append(["text"])
    sheet.append(["Good."])
    sheet["F90"].font = Font(b=True)
    book.save(tmp_path / "formats.xlsx")
    table = open_table(tmp_path / "formats.xlsx")
    assert table.columns == ("text",)
    assert values(reopen(relabel(table)).worksheets[0])[:2] == [
        ("text", "label", "confidence", None, None, None),
        ("Good.", "NEW", 0.5, None, None, None),
    ]


def test_new_texts_are_spelled_as_excel_does(samples: Path) -> None:
    """Markup, blanks, line breaks, control characters and escapes in a new text come back."""
    text = ' <b> & "x" \n_x000D_ \r\x07'
    table = open_table(samples / "chart.xlsx")
    target = io.BytesIO()
    writer = table.writer(target, [NewColumn("a & b", "text"), NewColumn("p", "number")])
    for row in table.rows([1]):
        writer.write(row, [text, 1 / 3])
    writer.close()
    table.close()
    sheet = reopen(target.getvalue())["Reviews"]
    assert [unescaped(sheet["C2"].value), sheet["C1"].value] == [text, "a & b"]
    assert sheet["D2"].value == 0.3333


def test_no_room_for_the_shared_texts(samples: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Shared texts that the temporary folder cannot take are 74, with what to do."""

    def full(_self: object, _text: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(SharedStrings, "_add", full)
    with pytest.raises(StorageError) as refused:
        open_table(samples / "shared_strings.xlsx")
    assert str(refused.value) == (
        f"{samples / 'shared_strings.xlsx'}: the temporary folder cannot take its texts: No space "
        "left on device. Make room there, or name another one in the environment variable TMPDIR."
    )


def test_a_zip_that_is_no_workbook(tmp_path: Path) -> None:
    """Another zip file is refused in one line."""
    path = tmp_path / "photos.xlsx"
    with zipfile.ZipFile(path, "w") as package:
        package.writestr("photo.jpg", b"")
    with pytest.raises(DataError) as refused:
        open_table(path)
    assert str(refused.value) == (
        f"{path} is damaged or not an Excel workbook: it has no part xl/workbook.xml. "
        "Open the workbook in Excel or LibreOffice and save it again."
    )


def test_an_abandoned_output_says_nothing(samples: Path, recwarn: pytest.WarningsRecorder) -> None:
    """A writer that is given up half-way writes nothing more, and makes no noise."""
    table = open_table(samples / "chart.xlsx")
    target = io.BytesIO()
    writer = table.writer(target, [NewColumn("label", "text")])
    row = next(iter(table.rows([1])))
    writer.write(row, ["NEW"])
    written = target.getvalue()
    del writer, row
    table.close()
    gc.collect()
    assert target.getvalue() == written
    assert list(recwarn) == []
