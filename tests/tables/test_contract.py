"""What every table keeps, whatever its format: run over every file in samples/awkward."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest
import python_calamine

from score.errors import ThumbsError
from score.tables import Reject, Table, TableOptions, open_table
from tests.tables.workbooks import load_workbook

Relabel = Callable[[Table], bytes]
Seen = str | None | Reject

PLAIN = TableOptions()


@dataclass(frozen=True)
class Good:
    """What a sample says: the text of each record, None for a blank one, or the reject."""

    rows: tuple[Seen, ...]
    column: int = 1
    options: TableOptions = PLAIN
    codec: str = "utf-8"
    rest: bytes | None = None
    """What is left of the output without the new cells, where that is not the input."""


@dataclass(frozen=True)
class Bad:
    """How a sample is refused."""

    exit_code: int
    message: str
    options: TableOptions = PLAIN


def said(encoding: str | None = None, delimiter: str | None = None) -> TableOptions:
    """Options for CSV."""
    return TableOptions(encoding=encoding, delimiter=delimiter)


REVIEWS = TableOptions(sheet="Reviews")
UNICODE = ("Très bien.", "ઊંઘ\u0a0d\u0d0a\u0a0a")

GOOD = {
    "blank_lines.csv": Good((None, "Good.", None, None, "", None)),
    "broken_line.jsonl": Good(
        (
            "Good.",
            Reject(
                "not JSON: Unterminated string starting at character 19",
                '{"id": 2, "text": "Cut off',
            ),
            Reject("not a JSON object", "[1, 2]"),
            Reject("not a JSON object", '"text"'),
            "Bad.",
        ),
        rest=b'{"id": 1, "text": "Good."}\n{"id": 3, "text": "Bad."}\n',
    ),
    "cells_without_places.xlsx": Good(("Good.", "Bad.")),
    "chart.xlsx": Good(("Good.", "Bad.")),
    "cp1252.csv": Good(("Très cher: 5 €.", "Bon."), options=said("cp1252"), codec="cp1252"),
    "crlf.csv": Good(("Good.", "Bad.")),
    "dates_from_1900.xlsx": Good(
        (
            "1900-02-28",
            "1900-03-01",
            "2024-03-01",
            "2024-03-01 12:00:00",
            "06:00:00",
            "1 day, 12:00:00",
            "1899-12-29",
            "3000000000",
        )
    ),
    "dates_from_1904.xlsx": Good(
        (
            "1904-02-29",
            "1904-03-02",
            "2028-03-02",
            "2028-03-02 12:00:00",
            "06:00:00",
            "1 day, 12:00:00",
            "1903-12-31",
            "3000000000",
        )
    ),
    "dates_in_words.xlsx": Good(("2024-03-01", "2024-03-01 12:30:00", "2024-03-01", "12:30:00")),
    "dimension_lies.xlsx": Good(("Good.", "Bad.")),
    "duplicate_columns.csv": Good(("Bad.",), column=2),
    "excel_table.xlsx": Good(("Good.", "Bad.", None)),
    "fields_of_all_kinds.jsonl": Good(("Good.", "Café\nnoir.", None, "", "", "1.5")),
    "filtered_rows.xlsx": Good(("Good.", "Bad.", "So so.")),
    "formulas.xlsx": Good(("Good.", "", "Bad.", "", "7")),
    "gb18030.csv": Good(("很好。", "糟糕€㐀."), options=said("gb18030"), codec="gb18030"),
    "header_only.csv": Good(()),
    "kinds_of_cells.xlsx": Good(
        ("Good.", "2024-03-01", None, "TRUE", "", "=no formula", "Very good.", "Two\r\nlines.")
    ),
    "kinds_of_cells.ods": Good(
        (
            "Good.",
            "2024-03-01",
            "TRUE",
            None,
            None,
            "0.25",
            "12:30:00",
            "Two\nparagraphs.",
        ),
        options=REVIEWS,
    ),
    "kinds_of_cells.xls": Good(
        (
            "Good.",
            "2024-03-01",
            None,
            "TRUE",
            "2024-03-01 12:30:00",
            "=no formula",
            "12:00:00",
            "36:00:00",
            "Two\nlines.",
            "Merged.",
        ),
        column=2,
        options=REVIEWS,
    ),
    "kinds_of_cells.xlsb": Good(("Good.", "2.5", None, "TRUE", "", "=no formula")),
    "leading_zeros_and_NA.csv": Good(("007", "008", "009", "010"), column=0),
    "longest_cell.xlsx": Good(("a" * 32767,)),
    "macros.xlsm": Good(("Good.", "Bad.")),
    "merged_cells.xlsx": Good(("Good.", "", "Bad.")),
    "mixed_line_endings.csv": Good(("Good.", "Bad.", "So\r\nso.", "Last.")),
    "nested.parquet": Good(("Good.", "", "", "007"), column=0),
    "no_header.csv": Good(("Good.", "Bad."), options=TableOptions(header=False)),
    "no_last_newline.csv": Good(("Good.", "Bad.")),
    "no_rows.parquet": Good(()),
    "pipes.csv": Good(("Good.", 'Bad, "so" bad.'), options=said(delimiter="|")),
    "prefixed_tags.xlsx": Good(("Good.", "Bad.")),
    "quoted_line_breaks.csv": Good(
        ("Two lines,\nand a comma.", 'She said "never again".', "CRLF\r\ninside.")
    ),
    "ragged.csv": Good(
        (
            "Good.",
            Reject("4 cells under 3 columns", "2,Bad.,1,extra"),
            "",
            "Fine.",
            Reject("5 cells under 3 columns", '5,"Quoted, long.",1,2,"three\nlines"'),
        ),
        rest=b"id,text,stars\n1,Good.,\n3,,\n4,Fine.,3\n",
    ),
    "row_spans.xlsx": Good(("Good.", "Bad.")),
    "semicolons.csv": Good(("Good; very good.", "Bad, really bad."), options=said(delimiter=";")),
    "shared_strings.xlsx": Good(
        (
            "  Bad & <sad>.",
            "Two\r\nlines, _x000D_ and 😀.",
            "東京",
            "Very good.",
            "",
            "  Bad & <sad>.",
        )
    ),
    "shift_jis.csv": Good(("≒≒", "ポスト"), options=said("cp932", "|"), codec="cp932"),
    "signed.xlsx": Good(("Good.", "Bad.")),
    "single_column.csv": Good(
        (
            None,
            "",
            Reject("2 cells under 1 column", "One column, quoted or not?"),
            "One column, quoted.",
        ),
        column=0,
        rest=b'text\n\n""\n"One column, quoted."\n',
    ),
    "strict.xlsx": Good(("Good.", "Bad.")),
    "tabs.tsv": Good(
        (
            Reject("3 cells under 2 columns", "1\tGood,\tvery"),
            'Bad "quoted" word.',
            "Tab\there.",
        ),
        rest=b'id\ttext\n2\tBad "quoted" word.\n3\t"Tab\there."\n',
    ),
    "texts_on_one_sheet.xlsx": Good(("Good.", "Bad.")),
    "two_sheets.xlsx": Good(("Bad.", "Worse."), options=TableOptions(sheet="april ")),
    "utf16_be.csv": Good(UNICODE, codec="utf-16-be"),
    "utf16_le.csv": Good(UNICODE, codec="utf-16-le"),
    "utf16_no_bom.csv": Good(UNICODE, options=said("utf-16-le"), codec="utf-16-le"),
    "utf32_le.csv": Good(UNICODE, codec="utf-32-le"),
    "utf8_bom.csv": Good(("Café noir.", "No."), column=0),
    "utf8_bom.ndjson": Good(("Good.", "Bad."), column=0),
}

BINARY = (".xlsx", ".xlsm", ".xls", ".xlsb", ".ods", ".parquet")

NOT_UTF8 = "Say the file's encoding with --encoding, such as --encoding cp1252."
EMPTY = "{} is empty. It needs a line with the column names."
NUL = (
    "a NUL character. If the file is UTF-16, say --encoding utf-16-le; "
    "else it is damaged or no text."
)
CARRIAGE_RETURN = (
    "a carriage return stands in a cell without quotes. Put the cell in quotes, "
    "or end every line with a line feed."
)
PROTECTED = "{} is protected by a password. Open it and save it as .xlsx without one."

SAVE_AGAIN = "Open the workbook in Excel or LibreOffice and save it again."
SHEET = "{} is damaged: xl/worksheets/sheet1.xml:"

BAD = {
    "bare_cr.csv": Bad(65, f"{{}}, row 2: {CARRIAGE_RETURN}"),
    "billion_laughs.xlsx": Bad(
        65, f"{SHEET} it declares a document type, which may hide entities. {SAVE_AGAIN}"
    ),
    "broken.parquet": Bad(
        65,
        "{} is damaged or not a Parquet file: Parquet file size is 33 bytes, smaller than the "
        "size reported by footer's (543517801bytes).",
    ),
    "broken.xls": Bad(
        65,
        "{} is damaged or no spreadsheet: Cfb error: Sector 16 points past end of file. "
        "Open it and save it as .xlsx or CSV.",
    ),
    "broken.xlsx": Bad(65, "{} is damaged or not an Excel workbook: File is not a zip file."),
    "cells_out_of_order.xlsx": Bad(65, f"{SHEET} the cell A3 comes after column A. {SAVE_AGAIN}"),
    "column_too_far.xlsx": Bad(
        65, f"{SHEET} a cell in row 3 stands in no column: BDWGN. {SAVE_AGAIN}"
    ),
    "cp1252.csv": Bad(65, f"{{}}, row 1: byte 0xe8 at offset 12 is not utf-8. {NOT_UTF8}"),
    "cr_only.csv": Bad(65, f"{{}}, the header: {CARRIAGE_RETURN}"),
    "empty.csv": Bad(65, EMPTY),
    "empty.jsonl": Bad(65, "{} is empty. It needs one JSON object a line."),
    "empty.ods": Bad(65, "{} is empty. It needs a row with the column names."),
    "empty.xlsx": Bad(65, "{} is empty. It needs a row with the column names."),
    "encrypted.ods": Bad(65, PROTECTED),
    "encrypted.xls": Bad(65, PROTECTED),
    "encrypted.xlsx": Bad(
        65,
        "{} is protected by a password, or an old .xls workbook. Open it and save it as .xlsx "
        "without a password.",
    ),
    "external_entity.xlsx": Bad(
        65,
        "{} is damaged: xl/sharedStrings.xml: it declares a document type, which may hide "
        f"entities. {SAVE_AGAIN}",
    ),
    "formulas_never_calculated.xlsx": Bad(
        65,
        "{}, row 1: the formula in B2 has no stored result. Open the workbook in Excel or "
        "LibreOffice and save it again.",
    ),
    "html.xls": Bad(
        65,
        "{} is damaged or no spreadsheet: it begins like neither .xls nor .xlsb nor .ods. "
        "Open it and save it as .xlsx or CSV.",
    ),
    "latin1.jsonl": Bad(
        65,
        "{}, row 2: byte 0xe9 at offset 31 is not utf-8. JSON Lines are utf-8: convert the file "
        "first.",
    ),
    "no_number.xlsx": Bad(65, f"{{}}, row 2: B3 should hold a number, and does not. {SAVE_AGAIN}"),
    "no_object.jsonl": Bad(65, "{} holds no JSON object with fields. It needs one a line."),
    "no_such_shared_string.xlsx": Bad(
        65, f"{{}}, row 2: B3 names shared text 8 of 7. {SAVE_AGAIN}"
    ),
    "not_utf8.parquet": Bad(
        65, "{}, rows 1 to 2: byte 0xe9 in a text is not utf-8. Convert the texts first."
    ),
    "nul_byte.csv": Bad(65, f"{{}}, row 2: {NUL}"),
    "only_blank_lines.csv": Bad(65, EMPTY),
    "part_named_twice.xlsx": Bad(
        65, f"{{}} is damaged: its directory: it names a part twice. {SAVE_AGAIN}"
    ),
    "part_outside.xlsx": Bad(
        65, f"{{}} is damaged: its directory: a part is called xl/../../evil.xml. {SAVE_AGAIN}"
    ),
    "relations_in_a_circle.xlsx": Bad(65, f"{SHEET} it is no table. {SAVE_AGAIN}"),
    "row_too_far.xlsx": Bad(
        65,
        f"{SHEET} row 1048577 is beyond the last one that a sheet can have, 1048576. {SAVE_AGAIN}",
    ),
    "rows_out_of_order.xlsx": Bad(65, f"{SHEET} row 2 comes after row 2. {SAVE_AGAIN}"),
    "text_after_quote.csv": Bad(
        65,
        "{}, row 1: text follows a closing quote. Double the quotes inside a quoted cell, or say "
        "the delimiter with --delimiter.",
    ),
    "two_sheets.xlsx": Bad(
        65, "{} has 2 sheets with the column of texts: March, April. Say which with --sheet."
    ),
    "unclosed_quote.csv": Bad(65, "{}, row 2: a quoted cell is never closed. Close its quote."),
    "utf16_no_bom.csv": Bad(65, f"{{}}, the header: {NUL}"),
    "utf16_sheet.xlsx": Bad(
        65, f"{SHEET} it is in utf-16 or utf-32; only utf-8 can be read. {SAVE_AGAIN}"
    ),
    "utf32_le.csv": Bad(
        65,
        "{} starts with the byte order mark of utf-32-le, but --encoding says utf-8. "
        "Leave --encoding out.",
        said("utf-8"),
    ),
}


def test_every_sample_is_used(samples: Path) -> None:
    """A sample that no test reads is no sample."""
    files = {file.name for file in samples.iterdir() if file.suffix != ".py"}
    assert files == GOOD.keys() | BAD.keys()


@pytest.mark.parametrize("name", GOOD)
def test_rows_come_once_and_in_order(name: str, samples: Path) -> None:
    """Every record comes once, in order, numbered from 1, with the text of its cell."""
    good = GOOD[name]
    table = open_table(samples / name, good.options)
    rows = list(table.rows([good.column]))
    table.close()
    seen = [row.reject or (None if row.blank else row.cells[0]) for row in rows]
    assert [row.number for row in rows] == list(range(1, len(rows) + 1))
    assert tuple(seen) == good.rows


@pytest.mark.parametrize("name", GOOD)
def test_rows_can_be_counted(name: str, samples: Path) -> None:
    """Without a column the same rows come, so that they can be counted."""
    good = GOOD[name]
    table = open_table(samples / name, good.options)
    assert sum(1 for _ in table.rows([])) == len(good.rows)
    table.close()


@pytest.mark.parametrize("name", [name for name in GOOD if not name.endswith(BINARY)])
def test_cutting_the_new_cells_off_gives_the_input(
    name: str, samples: Path, relabel: Relabel
) -> None:
    """Without the new cells, a text file is what it was, byte for byte."""
    good = GOOD[name]
    output = relabel(open_table(samples / name, good.options))
    rest = good.rest if good.rest is not None else (samples / name).read_bytes()
    assert cut(output, good, name) == rest
    assert output != rest


@pytest.mark.parametrize("name", GOOD)
def test_source_cells_are_identical(name: str, samples: Path, relabel: Relabel) -> None:
    """A reader that is not ours finds the same cells in the output as in the input."""
    good = GOOD[name]
    before = cells((samples / name).read_bytes(), good, name)
    after = cells(relabel(open_table(samples / name, good.options)), good, name)
    width = max((len(row) for row in before), default=0)
    assert [row[:width] for row in after] == before


@pytest.mark.parametrize("name", BAD)
def test_bad_files_are_refused(name: str, samples: Path) -> None:
    """A file that cannot be read for sure is refused in one line: where, what, and what to do."""
    bad = BAD[name]

    def read() -> None:
        table = open_table(samples / name, bad.options)
        try:
            list(table.rows([len(table.columns) - 1]))
        finally:
            table.close()

    with pytest.raises(ThumbsError) as refused:
        read()
    assert str(refused.value) == bad.message.format(samples / name)
    assert refused.value.exit_code == bad.exit_code


def cut(output: bytes, good: Good, name: str) -> bytes:
    """Cut the new cells off, knowing what they are but not how they are written."""
    if name.endswith((".jsonl", ".ndjson")):
        fields = rb'(, )?"label": "NEW", "confidence": 0.5'
        return re.sub(fields, b"", output)
    delimiter = good.options.delimiter or ("\t" if name.endswith(".tsv") else ",")
    for new in (("label", "confidence"), ("NEW", "0.5000")):
        output = output.replace("".join(delimiter + cell for cell in new).encode(good.codec), b"")
    return output


def cells(content: bytes, good: Good, name: str) -> list[list[Any]]:
    """Read the cells of all good records, and the header's, with a reader of others."""
    file = io.BytesIO(content)
    if name.endswith(".parquet"):
        table = pq.read_table(file)
        return [table.schema.names, *(list(row.values()) for row in table.to_pylist())]
    if name.endswith((".xls", ".xlsb", ".ods")):
        workbook = python_calamine.load_workbook(file)
        return [
            list(row)
            for name in workbook.sheet_names
            for row in workbook.get_sheet_by_name(name).iter_rows()
        ]
    if name.endswith((".xlsx", ".xlsm")):
        return [
            [(cell.value, cell.number_format, cell.font.b, cell.fill.fgColor.rgb) for cell in row]
            for sheet in load_workbook(content).worksheets
            for row in sheet.iter_rows()
        ]
    if name.endswith((".jsonl", ".ndjson")):
        new = ("label", "confidence")
        lines = [line.strip() for line in content.decode("utf-8-sig").splitlines()]
        records = [json.loads(line) for line in lines if line.startswith("{") and line[-1] == "}"]
        return [[pair for pair in record.items() if pair[0] not in new] for record in records]
    frame = pd.read_csv(
        io.StringIO(content.decode(good.codec).removeprefix("\ufeff"), newline=""),
        sep=good.options.delimiter or ("\t" if name.endswith(".tsv") else ","),
        dtype=str,
        header=None,
        keep_default_na=False,
        on_bad_lines="skip",
    )
    return [list(row) for row in frame.fillna("").to_numpy()]
