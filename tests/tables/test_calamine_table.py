"""Spreadsheets that become .xlsx workbooks, beyond what every table keeps."""

from __future__ import annotations

import datetime
import io
import logging
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from score.errors import DataError, UsageError
from score.output import Replacing, check_names
from score.tables import NewColumn, Table, TableOptions, open_table, written_suffix
from score.tables.calamine.process import Sheet
from score.tables.calamine.xlsx_writer import XlsxWriter

Relabel = Callable[[Table], bytes]

REVIEWS = TableOptions(sheet="Reviews")
NAMES = "urn:oasis:names:tc:opendocument:xmlns"
TOO_MUCH = (
    "{} is damaged, or takes far more memory or time than a spreadsheet of its size should. "
    "Open it and save it as .xlsx or CSV."
)


def write_ods(path: Path, rows: str, sheet: str = "Reviews") -> Path:
    """An .ods file with one sheet."""
    content = (
        f'<office:document-content xmlns:office="{NAMES}:office:1.0" '
        f'xmlns:table="{NAMES}:table:1.0" xmlns:text="{NAMES}:text:1.0"><office:body>'
        f'<office:spreadsheet><table:table table:name="{sheet}">{rows}</table:table>'
        "</office:spreadsheet></office:body></office:document-content>"
    )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        package.writestr(
            "META-INF/manifest.xml",
            f'<manifest:manifest xmlns:manifest="{NAMES}:manifest:1.0"></manifest:manifest>',
        )
        package.writestr("content.xml", content)
    return path


def row(*texts: str, repeat: str = "") -> str:
    """A row of texts."""
    cells = "".join(
        f'<table:table-cell office:value-type="string"><text:p>{text}</text:p></table:table-cell>'
        for text in texts
    )
    return f"<table:table-row{repeat}>{cells}</table:table-row>"


def refusal(path: Path) -> str:
    """What is said of a file that is refused when it is opened or read."""

    def read() -> None:
        table = open_table(path)
        try:
            table.writer(io.BytesIO(), [NewColumn("label", "text")])
            list(table.rows([0]))
        finally:
            table.close()

    with pytest.raises(DataError) as refused:
        read()
    return str(refused.value)


def values(content: bytes, sheet: str) -> list[list[Any]]:
    """The cells of a sheet: value and number format, None where there is no cell."""
    worksheet = openpyxl.load_workbook(io.BytesIO(content))[sheet]
    return [
        [None if cell.value is None else (cell.value, cell.number_format) for cell in cells]
        for cells in worksheet.iter_rows()
    ]


def test_types_are_kept(samples: Path, relabel: Relabel) -> None:
    """Numbers, texts, truths, days, times and spans are the same in the workbook, each in its cell.

    The new cells stand right of the used columns, in the record's row.
    """
    day = datetime.datetime(2024, 3, 1)
    new = [("NEW", "General"), (0.5, "0.0000")]
    output = relabel(open_table(samples / "kinds_of_cells.xls", REVIEWS))

    def plain(*cells: object) -> list[Any]:
        return [None, *(None if cell is None else (cell, "General") for cell in cells)]

    days, moments = "yyyy-mm-dd", "yyyy-mm-dd hh:mm:ss"
    assert values(output, "Reviews") == [
        [None] * 6,
        plain("id", "text", "kind", "label", "confidence"),
        plain(7, "Good.", "float") + new,
        [None, (12345678901234, "General"), (day, days), (days, "General"), *new],
        [None] * 6,
        plain(0.1 + 0.2, True, "bool") + new,
        [
            None,
            (-1.5, "General"),
            (day.replace(hour=12, minute=30), moments),
            (moments, "General"),
            *new,
        ],
        plain("007", "=no formula", "text") + new,
        [None, (8, "General"), (datetime.time(12), "hh:mm:ss"), ("hh:mm", "General"), *new],
        [
            None,
            (9, "General"),
            (datetime.timedelta(hours=36), "[h]:mm:ss"),
            ("[h]:mm:ss", "General"),
            *new,
        ],
        plain(10, "Two\nlines.", "line break") + new,
        plain(None, "Merged.", None) + new,
    ]


def test_all_sheets_are_written(samples: Path, relabel: Relabel) -> None:
    """The other sheets are there too, in order, and a hidden one stays hidden."""
    output = relabel(open_table(samples / "kinds_of_cells.xls", REVIEWS))
    workbook = openpyxl.load_workbook(io.BytesIO(output))
    assert [(sheet.title, sheet.sheet_state) for sheet in workbook.worksheets] == [
        ("Reviews", "visible"),
        ("Empty", "visible"),
        ("Notes", "hidden"),
    ]
    assert values(output, "Notes") == [[("Hidden.", "General")]]


def test_a_hidden_sheet_can_be_scored(samples: Path, relabel: Relabel) -> None:
    """A hidden sheet gets the columns when it is asked for; another one is in front."""
    table = open_table(samples / "kinds_of_cells.xls", TableOptions(header=False, sheet="notes"))
    assert table.columns == ("#1",)
    output = relabel(table)
    assert values(output, "Notes") == [
        [("Hidden.", "General"), ("NEW", "General"), (0.5, "0.0000")]
    ]
    workbook: Any = openpyxl.load_workbook(io.BytesIO(output))
    assert workbook.active.title == "Reviews"


def test_all_sheets_with_the_texts_get_labels(
    samples: Path, relabel: Relabel, caplog: pytest.LogCaptureFixture
) -> None:
    """Each sheet with the column of texts gets labels, wherever it stands; the others are kept."""
    path = samples / "several_sheets.ods"
    with caplog.at_level(logging.WARNING):
        output = relabel(open_table(path))
    book: Any = openpyxl.load_workbook(io.BytesIO(output))
    new, label = ("label", "confidence"), ("NEW", 0.5)
    assert {sheet.title: list(sheet.iter_rows(values_only=True)) for sheet in book.worksheets} == {
        "March": [("id", "text", *new), (1, "Good.", *label)],
        "Notes": [("note",)],
        "Empty": [],
        "April": [
            (None,) * 4,
            ("Review", "id", *new),
            ("Bad.", 2, *label),
            (None,) * 4,
            ("Worse.", None, *label),
        ],
    }
    assert caplog.messages == [
        f"{path}: 2 of 3 sheets with cells have the column of texts and get labels: March, April.",
        f"{path} is written as an .xlsx workbook: its values are kept, but no formats, "
        "formulas, charts, merged cells or error values.",
    ]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            TableOptions(sheet="May"),
            " has no sheet 'May': March, Notes, Empty, April. Say which with --sheet.",
        ),
        (TableOptions(sheet="Empty"), ": the sheet 'Empty' is empty. Say another --sheet."),
        (
            TableOptions(text_column="stars"),
            " has 3 sheets with cells, none with a column 'stars': March (id, text); Notes "
            "(note); April (Review, id). Say which with --text-column.",
        ),
        (
            TableOptions(text_column="#2"),
            ": nothing says that column #2 is the same one on the 2 sheets that have it: March "
            "(text), April (id). Say which with --sheet.",
        ),
    ],
)
def test_sheets_that_are_not_clear(options: TableOptions, message: str, samples: Path) -> None:
    """Where it is not clear which sheets are meant, those that there are are named."""
    path = samples / "several_sheets.ods"
    with pytest.raises(DataError) as refused:
        open_table(path, options)
    assert str(refused.value) == f"{path}{message}"


def test_it_is_said_what_is_lost(
    samples: Path, relabel: Relabel, caplog: pytest.LogCaptureFixture
) -> None:
    """A line says that the output is another format, and what that does not keep."""
    path = samples / "kinds_of_cells.xlsb"
    with caplog.at_level(logging.WARNING):
        relabel(open_table(path))
    assert caplog.messages == [
        f"{path} is written as an .xlsx workbook: its values are kept, but no formats, "
        "formulas, charts, merged cells or error values."
    ]


@pytest.mark.parametrize(
    ("name", "suffix"),
    [
        ("reviews.xls", ".xlsx"),
        ("REVIEWS.ODS", ".xlsx"),
        ("r.xlsb", ".xlsx"),
        ("r.xlsm", ".xlsm"),
        ("r.CSV", ".CSV"),
        ("r", ""),
    ],
)
def test_the_suffix_of_the_output(name: str, suffix: str) -> None:
    """A format that cannot be written becomes .xlsx; the others stay what they are."""
    assert written_suffix(Path(name)) == suffix


def test_an_output_under_the_input_s_suffix(tmp_path: Path) -> None:
    """An .xls file cannot be made, and it is said which can."""
    with pytest.raises(UsageError) as refused:
        check_names(tmp_path / "in.xls", tmp_path / "out.xls", Replacing())
    assert str(refused.value) == (
        f"{tmp_path / 'out.xls'} should end in .xlsx as thumbs reads .xls but does not write it."
    )
    check_names(tmp_path / "in.xls", tmp_path / "out.xlsx", Replacing())


def test_a_workbook_under_another_suffix(tmp_path: Path, samples: Path) -> None:
    """A file that is not what its suffix says, but a spreadsheet, is read as what it is."""
    path = tmp_path / "reviews.xls"
    path.write_bytes((samples / "kinds_of_cells.xlsb").read_bytes())
    table = open_table(path)
    assert [row.cells for row in table.rows([0])][:2] == [("7",), ("007",)]
    table.close()


@pytest.mark.parametrize(
    ("rows", "sheet", "message"),
    [
        (
            row("text") + row("a" * 32768),
            "Reviews",
            "{}, row 1: a cell has 32768 characters, and a workbook can hold 32767. "
            "Save the sheet as CSV.",
        ),
        (
            row("text") + row("😀" * 16384),
            "Reviews",
            "{}, row 1: a cell has 16384 characters, and a workbook can hold 32767. "
            "Save the sheet as CSV.",
        ),
        (
            row("text"),
            "a: b",
            "{}: the sheet 'a: b' cannot be called so in an .xlsx workbook. "
            "Give it another name of at most 31 characters.",
        ),
        (
            row(*["text"] * 16384),
            "Reviews",
            "{}: the sheet 'Reviews' has 1 rows and 16384 columns, too many for an .xlsx "
            "workbook. Save the sheet as CSV.",
        ),
    ],
    ids=["long", "wide characters", "name", "columns"],
)
def test_what_a_workbook_cannot_hold(rows: str, sheet: str, message: str, tmp_path: Path) -> None:
    """What .xlsx has no room for is refused and neither cut nor left out."""
    path = write_ods(tmp_path / "reviews.ods", rows, sheet)
    assert refusal(path) == message.format(path)


def test_a_sheet_name_that_xml_cannot_hold() -> None:
    """A damaged file can have one; a workbook with it could not be opened."""
    sheet = Sheet(0, "a\x01", hidden=False, rows=1, columns=1, top=0, first=("text",))
    with pytest.raises(DataError) as caught:
        XlsxWriter(io.BytesIO(), "reviews.xls", [sheet], [sheet], 2)
    assert str(caught.value) == (
        "reviews.xls: the sheet 'a\\x01' cannot be called so in an .xlsx workbook. "
        "Give it another name of at most 31 characters."
    )


def test_characters_that_xml_cannot_hold(tmp_path: Path, relabel: Relabel) -> None:
    """A control character, and a text that looks like Excel's spelling of one, come back."""
    path = write_ods(tmp_path / "reviews.ods", row("text") + row("_x0041_ &lt;b&gt; ") + row("=1"))
    assert [cells[0] for cells in values(relabel(open_table(path)), "Reviews")] == [
        ("text", "General"),
        ("_x005F_x0041_ <b> ", "General"),
        ("=1", "General"),
    ]


REPEATED = ' table:number-rows-repeated="{}"'
FULL = '<table:table-cell table:number-columns-repeated="16384" office:value-type="float" '

BOMBS = {
    "80 million cells": row("text")
    + f'<table:table-row{REPEATED.format(4900)}>{FULL}office:value="1"/></table:table-row>',
    "rows without end": row("text") + row("a" * 1000, repeat=REPEATED.format(4_000_000_000)),
    "a distant cell": row("text")
    + row(repeat=REPEATED.format(4900))
    + f'<table:table-row>{FULL}office:value="1"/></table:table-row>',
    "zeros": row("text") + row("a" * 150_000_000),
}


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux bounds a process so")
@pytest.mark.parametrize("name", BOMBS)
def test_bombs(name: str, tmp_path: Path) -> None:
    """A small file that unfolds to gigabytes is refused soon, at the cost of 100 MiB at most."""
    path = write_ods(tmp_path / "reviews.ods", BOMBS[name])
    program = (
        "import sys; from pathlib import Path; from score.tables import open_table\n"
        "try: sum(1 for _ in open_table(Path(sys.argv[1])).rows([0]))\n"
        "except Exception as exc: print(exc)\n"
        "import resource; print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", program, path], capture_output=True, check=True, text=True
    )
    message, kilobytes = done.stdout.splitlines()
    assert message == TOO_MUCH.format(path)
    assert time.monotonic() - started < 5
    assert int(kilobytes) < 100 * 1024


def test_a_process_that_crashes(samples: Path) -> None:
    """The end of the reading process, whatever ends it, is an error of the file."""
    path = samples / "kinds_of_cells.xlsb"
    table: Any = open_table(path)
    assert sum(1 for _ in table.rows([0])) == 6
    table._process._child.kill()
    with pytest.raises(DataError) as refused:
        list(table._process.rows(table._sheets[0]))
    assert str(refused.value) == TOO_MUCH.format(path)
    table.close()
