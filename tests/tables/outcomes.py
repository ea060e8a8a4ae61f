"""What every file in samples/awkward says, or how it is refused: one table for all formats."""

from __future__ import annotations

from dataclasses import dataclass

from score.tables import Reject, TableOptions

Seen = str | None | Reject

PLAIN = TableOptions()


@dataclass(frozen=True)
class Good:
    """What a sample says: the text of each record, None for a blank one, or the reject."""

    rows: tuple[Seen, ...]
    column: int = 1
    options: TableOptions = PLAIN
    codec: str = "utf-8"
    delimiter: str = ","
    """What stands between the cells of a CSV file."""
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


def one_of(*readings: str) -> str:
    """The lines under a message, one for each reading."""
    return "".join(f"\n  {reading}" for reading in readings)


UNICODE = ("Très bien.", "ઊંઘ\u0a0d\u0d0a\u0a0a")

GOOD = {
    "all_quoted.csv": Good(("Good; very good.", 'Bad, "so" bad.'), delimiter=";"),
    "bom_in_the_middle.jsonl": Good(
        (
            "Good.",
            Reject(
                "not JSON: Unexpected UTF-8 BOM (decode using utf-8-sig) at character 1",
                '\ufeff{"text": "Bad."}',
            ),
            "Fine.",
        ),
        column=0,
        rest=b'{"text": "Good."}\n{"text": "Fine."}\n',
    ),
    "nul.jsonl": Good(
        (
            "Good.",
            Reject("not JSON: Invalid control character at character 12", '{"text": "a\x00b"}'),
            "a\x00b",
        ),
        column=0,
        rest=b'{"text": "Good."}\n{"text": "a\\u0000b"}\n',
    ),
    "odd_numbers.jsonl": Good(("Good.", "Half a pair: ?.", "Bad.", "")),
    "blank_lines.csv": Good((None, "Good.", None, None, "", None)),
    "bom_before_quotes.csv": Good(("Good.",), column=0),
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
    "comma_and_space.csv": Good((" Good.", " Bad.", " Fine.", " Awful.", " Great.")),
    "commas_in_a_tsv.tsv": Good(("Good.", "Bad.")),
    "cp1251.csv": Good(("Очень хорошо.", "Плохо."), options=said("cp1251"), codec="cp1251"),
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
    "decimal_commas.csv": Good(("Good.", "Bad."), column=2, delimiter=";"),
    "delimiter_at_line_ends.csv": Good(("Good.", "Bad.")),
    "dimension_lies.xlsx": Good(("Good.", "Bad.")),
    "duplicate_columns.csv": Good(("Bad.",), column=2),
    "euc_kr.csv": Good(
        ("좋은 영화입니다.", "별로예요."), options=said("euc_kr"), codec="euc_kr", delimiter=";"
    ),
    "excel_table.xlsx": Good(("Good.", "Bad.", None)),
    "fields_of_all_kinds.jsonl": Good(("Good.", "Café\nnoir.", None, "", "", "1.5")),
    "filtered_rows.xlsx": Good(("Good.", "Bad.", "So so.")),
    "formula_starters.csv": Good(("Good.", "-Bad.", '=HYPERLINK("x")')),
    "formulas.xlsx": Good(("Good.", "", "Bad.", "", "7")),
    "gap_in_header.csv": Good(("Good.", "Bad."), column=2),
    "gb18030.csv": Good(("很好。", "糟糕€㐀."), options=said("gb18030"), codec="gb18030"),
    "header_only.csv": Good(()),
    "inches.csv": Good(('A 5" screen.', 'Bad 7" one.')),
    "index_without_name.csv": Good(("Good.", "Bad.")),
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
    "kinds_of_cells.xlsx": Good(
        ("Good.", "2024-03-01", None, "TRUE", "", "=no formula", "Very good.", "Two\r\nlines.")
    ),
    "leading_zeros_and_NA.csv": Good(("007", "008", "009", "010"), column=0),
    "line_break_in_header.csv": Good(("Good.",)),
    "lists_in_cells.csv": Good(("Good.", "Bad."), column=2),
    "longest_cell.xlsx": Good(("a" * 32767,)),
    "macros.xlsm": Good(("Good.", "Bad.")),
    "merged_cells.xlsx": Good(("Good.", "", "Bad.")),
    "mixed_line_endings.csv": Good(("Good.", "Bad.", "So\r\nso.", "Last.")),
    "nested.parquet": Good(("Good.", "", "", "007"), column=0),
    "no_header.csv": Good(("Good.", "Bad."), options=TableOptions(header=False)),
    "no_last_newline.csv": Good(("Good.", "Bad.")),
    "no_rows.parquet": Good(()),
    "note_at_the_end.csv": Good(
        ("Good.", "Bad.", None, ""), rest=b"id,text\n1,Good.\n2,Bad.\n\nTotal: 2,\n"
    ),
    "pipes.csv": Good(("Good.", 'Bad, "so" bad.'), delimiter="|"),
    "prefixed_tags.xlsx": Good(("Good.", "Bad.")),
    "prose_in_one_column.csv": Good(
        (
            "Long, slow, but good.",
            "Bad.",
            "Good; I would go again, and again.",
            "Fine, I think.",
            "Not worth it.",
        ),
        column=0,
        delimiter="\t",
    ),
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
    "semicolons.csv": Good(("Good; very good.", "Bad, really bad."), delimiter=";"),
    "separator_line.csv": Good(("Good, very good.",), delimiter=";"),
    "several_sheets.ods": Good(("Good.", "Bad.", None, "Worse.")),
    "several_sheets.xlsx": Good(("Good.", "Bad.", "Bad.", None, "Good.", "Good.", "Good.")),
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
    "shift_jis.csv": Good(("≒≒", "ポスト"), options=said("cp932"), codec="cp932", delimiter="|"),
    "signed.xlsx": Good(("Good.", "Bad.")),
    "single_column.csv": Good(
        (None, "", "One column, quoted or not?", "One column, quoted."), column=0, delimiter="\t"
    ),
    "strict.xlsx": Good(("Good.", "Bad.")),
    "tabs.tsv": Good(
        (
            Reject("3 cells under 2 columns", "1\tGood,\tvery"),
            'Bad "quoted" word.',
            "Tab\there.",
        ),
        delimiter="\t",
        rest=b'id\ttext\n2\tBad "quoted" word.\n3\t"Tab\there."\n',
    ),
    "tabs_and_commas.tsv": Good(("Good.", "Bad."), delimiter="\t"),
    "tabs_in_a_csv.csv": Good(("Good, very good.", "Bad; very bad."), delimiter="\t"),
    "texts_on_one_sheet.xlsx": Good(("Good.", "Bad.")),
    "two_sheets.xlsx": Good(("Good.", "Bad.", "Worse.")),
    "unicode_line_breaks.csv": Good(("One\u2028two\x0bthree\x0cfour\x85five.", "Bad.")),
    "unquoted_comma_in_text.csv": Good(
        ("Good.", Reject("3 cells under 2 columns", "2,Bad, very bad."), "Fine."),
        rest=b"id,text\n1,Good.\n3,Fine.\n",
    ),
    "utf16_be.csv": Good(UNICODE, codec="utf-16-be"),
    "utf16_be_no_bom.csv": Good(UNICODE, options=said("utf-16-be"), codec="utf-16-be"),
    "utf16_le.csv": Good(UNICODE, codec="utf-16-le"),
    "utf16_no_bom.csv": Good(UNICODE, options=said("utf-16-le"), codec="utf-16-le"),
    "utf32_le.csv": Good(UNICODE, codec="utf-32-le"),
    "utf8_bom.csv": Good(("Café noir.", "No."), column=0),
    "utf8_bom.ndjson": Good(("Good.", "Bad."), column=0),
}

BINARY = (".xlsx", ".xlsm", ".xls", ".xlsb", ".ods", ".parquet")

NOT_UTF8 = "is not utf-8. Add the option that reads it right, if one of these does:"
UNSURE = (
    "{}: what stands between its cells cannot be told for sure. Add the option that reads its "
    "first record right:"
)
EMPTY = "{} is empty. It needs a line with the column names."
NUL = "a NUL character. The file is damaged or no text."
WIDE = "NUL characters, as in {0}. If it is, add --encoding {0}."
CARRIAGE_RETURN = (
    "a carriage return stands in a cell without quotes. Put the cell in quotes, "
    "or end every line with a line feed."
)
PROTECTED = "{} is protected by a password. Open it and save it as .xlsx without one."

SAVE_AGAIN = "Open the workbook in Excel or LibreOffice and save it again."
SHEET = "{} is damaged: xl/worksheets/sheet1.xml:"

BAD = {
    "backslash_before_quotes.csv": Bad(
        65,
        "{}, row 1: text follows a closing quote. Double the quotes inside a quoted cell, or "
        "say the delimiter with --delimiter.",
    ),
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
    "comma_and_space_short.csv": Bad(
        65,
        UNSURE
        + one_of(
            "--delimiter ',': 2 columns, [id] [ text]", r"--delimiter '\t': 1 column, [id, text]"
        ),
    ),
    "cp1251.csv": Bad(
        65,
        f"{{}}, row 1: byte 0xce at offset 10 {NOT_UTF8}"
        + one_of("--encoding cp1251: 1,Очень хорошо."),
    ),
    "cp1252.csv": Bad(
        65,
        f"{{}}, row 1: byte 0xe8 at offset 12 {NOT_UTF8}"
        + one_of("--encoding cp1252: 1,Très cher: 5 €.", "--encoding cp1250: 1,Trčs cher: 5 €."),
    ),
    "cr_only.csv": Bad(65, f"{{}}, the header: {CARRIAGE_RETURN}"),
    "decimal_commas_and_a_comma_in_the_header.csv": Bad(
        65,
        UNSURE
        + one_of(
            "--delimiter ',': 2 columns, [id;price] [ EUR;text]",
            "--delimiter ';': 3 columns, [id] [price, EUR] [text]",
        ),
    ),
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
    "euc_kr.csv": Bad(
        65,
        f"{{}}, row 1: byte 0xc1 at offset 10 {NOT_UTF8}"
        + one_of("--encoding gb18030: 1;亮篮 康拳涝聪促.", "--encoding cp949: 1;좋은 영화입니다."),
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
    "gb18030.csv": Bad(
        65,
        f"{{}}, row 1: byte 0xba at offset 10 {NOT_UTF8}" + one_of("--encoding gb18030: 1,很好。"),
    ),
    "header_over_two_lines.csv": Bad(
        65,
        "{}, the header: it seems to take two lines, and row 1 to be the second of them. "
        "Give each column its name in one line.",
    ),
    "html.xls": Bad(
        65,
        "{} is damaged or no spreadsheet: it begins like neither .xls nor .xlsb nor .ods. "
        "Open it and save it as .xlsx or CSV.",
    ),
    "joined_files.csv": Bad(
        65,
        "{}, row 2: the header again. If files were joined, remove this line; if it is "
        "another table, put it into a file of its own.",
    ),
    "latin1.jsonl": Bad(
        65,
        "{}, row 2: byte 0xe9 at offset 31 is not utf-8. JSON Lines are utf-8: convert the file "
        "first.",
    ),
    "mixed_encodings.csv": Bad(
        65,
        "{}, row 2: byte 0xef at offset 21 is not utf-8. Other characters of the file are, "
        "so it is damaged here or joined from files of two encodings. Mend this record, or "
        "say the file's encoding with --encoding.",
    ),
    "no_number.xlsx": Bad(65, f"{{}}, row 2: B3 should hold a number, and does not. {SAVE_AGAIN}"),
    "cr_only.jsonl": Bad(65, "{} holds no JSON object with fields. It needs one a line."),
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
    "preamble.csv": Bad(
        65,
        "{}, the header: 1 cell with --delimiter ',', but 3 of the 3 records looked at have "
        "3. Remove the lines above the header, or add --delimiter '\\t' if all of it is one "
        "column.",
    ),
    "preamble_as_wide_as_the_table.csv": Bad(
        65, "{}, row 1: it looks like the header. Remove the lines above it."
    ),
    "preamble_of_two_cells.csv": Bad(
        65,
        "{}, the header: 2 cells with --delimiter ',', but 3 of the 3 records looked at have "
        "3. Remove the lines above the header.",
    ),
    "prose_or_a_table.csv": Bad(
        65,
        "{}, the header: 1 cell with --delimiter ',', but 2 of the 2 records looked at have "
        "2. Remove the lines above the header, or add --delimiter '\\t' if all of it is one "
        "column.",
    ),
    "prose_with_every_delimiter.csv": Bad(
        65,
        "{}: the header is one cell, but with none of , ; | and the tab is each record below "
        "it one cell too. Put the texts in quotes, or say the delimiter with --delimiter.",
    ),
    "prose_without_header.csv": Bad(
        65,
        UNSURE
        + one_of(
            "--delimiter ',': 2 columns, [Good] [ very good.]",
            r"--delimiter '\t': 1 column, [Good, very good.]",
        ),
    ),
    "relations_in_a_circle.xlsx": Bad(65, f"{SHEET} it is no table. {SAVE_AGAIN}"),
    "row_too_far.xlsx": Bad(
        65,
        f"{SHEET} row 1048577 is beyond the last one that a sheet can have, 1048576. {SAVE_AGAIN}",
    ),
    "rows_out_of_order.xlsx": Bad(65, f"{SHEET} row 2 comes after row 2. {SAVE_AGAIN}"),
    "shift_jis.csv": Bad(
        65,
        "{}, row 1: byte 0x87 at offset 10 is not utf-8. "
        "Say the file's encoding with --encoding, such as --encoding cp1252.",
    ),
    "tabs_and_commas.csv": Bad(
        65,
        UNSURE
        + one_of(
            "--delimiter ',': 2 columns, [id\\ttext\\tprice] [EUR]",
            r"--delimiter '\t': 3 columns, [id] [text] [price,EUR]",
        ),
    ),
    "text_after_quote.csv": Bad(
        65,
        "{}, row 1: text follows a closing quote. Double the quotes inside a quoted cell, or say "
        "the delimiter with --delimiter.",
    ),
    "texts_on_no_sheet.xlsx": Bad(
        65,
        "{} has 2 sheets with cells, none with a column called text, review, comment, content, "
        "sentence or body: March (id, stars); April (id, stars). Say which with --text-column.",
    ),
    "two_tables.csv": Bad(
        65,
        "{}, row 4: records of 3 cells follow a blank line, but the header has 2. Put each "
        "table into a file of its own.",
    ),
    "two_tables_the_second_narrower.csv": Bad(
        65,
        "{}, row 4: records of 2 cells follow a blank line, but the header has 3. Put each "
        "table into a file of its own.",
    ),
    "two_texts_on_a_sheet.xlsx": Bad(
        65,
        "{}, sheet 'Notes' has more than one column called text, review, comment, content, "
        "sentence or body: comment, text. Say which with --text-column, or one sheet with --sheet.",
    ),
    "unclosed_quote.csv": Bad(65, "{}, row 2: a quoted cell is never closed. Close its quote."),
    "utf16_be_no_bom.csv": Bad(65, "{}, the header: " + WIDE.format("utf-16-be")),
    "utf16_no_bom.csv": Bad(65, "{}, the header: " + WIDE.format("utf-16-le")),
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
