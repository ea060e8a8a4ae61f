"""Telling the delimiter of a CSV file, and a file that is more than one table."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from score.errors import AmbiguousError, DataError
from score.tables import NewColumn, TableOptions, open_table
from score.tables.csv import table as csv_table
from score.tables.csv.layout import MAX_COLUMNS
from score.tables.csv.reading import decoded_lines


def read(content: str, *, delimiter: str | None = None, header: bool = True) -> list[list[str]]:
    """Read the header's cells and all records'."""
    options = TableOptions(delimiter=delimiter, header=header)
    table = open_table(io.BytesIO(content.encode()), options)
    columns = [list(table.columns)] if header else []
    return columns + [list(row.cells) for row in table.rows(range(len(table.columns)))]


def refusal(content: str, *, delimiter: str | None = None, header: bool = True) -> str:
    """Read what must be refused."""
    with pytest.raises(DataError) as refused:
        read(content, delimiter=delimiter, header=header)
    return str(refused.value)


NAMES = st.lists(st.text("abcdefgh_", min_size=1, max_size=8), min_size=2, max_size=5, unique=True)
ANY_TEXT = st.text(st.sampled_from("ab1 ,;\t|\"\n'é."), max_size=12)


@st.composite
def tables(draw: st.DrawFn) -> tuple[str, list[list[str]]]:
    """A delimiter, names without delimiters, and records of any texts."""
    names = draw(NAMES)
    record = st.lists(ANY_TEXT, min_size=len(names), max_size=len(names))
    delimiter = draw(st.sampled_from((",", ";", "\t", "|")))
    return delimiter, [names, *draw(st.lists(record, max_size=6))]


@settings(max_examples=500, deadline=None)
@given(tables(), st.sampled_from((csv.QUOTE_MINIMAL, csv.QUOTE_ALL)))
def test_a_table_is_never_read_otherwise(table: tuple[str, list[list[str]]], quoting: int) -> None:
    """Below plain names any texts are read as they were written, or the file is refused."""
    delimiter, records = table
    file = io.StringIO()
    writer = csv.writer(file, delimiter=delimiter, quoting=quoting, lineterminator="\n")  # type: ignore[arg-type]  # typeshed has an enumeration
    writer.writerows(records)
    try:
        seen = read(file.getvalue())
    except DataError:
        return
    assert seen == records


@settings(max_examples=500, deadline=None)
@given(tables())
def test_plain_tables_are_never_refused(table: tuple[str, list[list[str]]]) -> None:
    """Below plain names with an id in front, quoted texts of any kind are read."""
    delimiter, (names, *records) = table
    names[0] = "id"
    records = [[str(place), *record[1:]] for place, record in enumerate(records)]
    if len({*names}) < len(names):
        return
    file = io.StringIO()
    writer = csv.writer(
        file, delimiter=delimiter, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n"
    )
    writer.writerows([names, *records])
    assert read(file.getvalue()) == [names, *records]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_a_delimiter_in_the_header_decides(delimiter: str) -> None:
    """What stands in the header and as often in each record is the delimiter."""
    lines = ["id text stars", "1 a,b;c 5", "2 x|y 1"]
    content = "\n".join(line.replace(" ", delimiter) for line in lines[:1])
    rest = "\n".join(f'{n}{delimiter}"a,b;c|d\te"{delimiter}5' for n in (1, 2))
    assert read(f"{content}\n{rest}\n") == [
        ["id", "text", "stars"],
        ["1", "a,b;c|d\te", "5"],
        ["2", "a,b;c|d\te", "5"],
    ]


def test_a_delimiter_that_is_said_decides() -> None:
    """With --delimiter the file is read so, whatever else it could be."""
    content = "id;price,EUR\n1;3,50\n2;4,20\n"
    assert read(content, delimiter=";")[1] == ["1", "3,50"]
    assert read(content, delimiter=",")[1] == ["1;3", "50"]
    assert refusal(content).startswith("standard input: what stands between its cells")


def test_each_reading_has_a_line() -> None:
    """A file that is a table in two ways is refused with a line for each."""
    with pytest.raises(AmbiguousError) as refused:
        read("id;price,EUR\n1;3,50\n2;4,20\n")
    assert refused.value.exit_code == 65
    assert refused.value.readings == (
        "--delimiter ',': 2 columns, [id;price] [EUR]",
        "--delimiter ';': 2 columns, [id] [price,EUR]",
    )


def test_long_headers_are_shown_in_part() -> None:
    """A reading of many columns shows the first ones, and long names are cut."""
    names = [f"name {i}" for i in range(10)]
    content = ",".join(names) + "|" + "x" * 100 + "\n"
    with pytest.raises(AmbiguousError) as refused:
        read(content + "1,2,3,4,5,6,7,8,9,0|1\n")
    assert refused.value.readings == (
        "--delimiter ',': 10 columns, [name 0] [name 1] [name 2] [name 3] [name 4] [name 5] ...",
        "--delimiter '|': 2 columns, [name 0,name 1,name 2,name 3,n…] [" + "x" * 29 + "…]",
    )


def test_a_quote_that_a_delimiter_closes_too_early() -> None:
    """A delimiter under which quotes do not close is none."""
    assert read('"a";"b,c"\n"1";"2,5"\n') == [["a", "b,c"], ["1", "2,5"]]


def test_a_record_across_the_end_of_the_window(monkeypatch: pytest.MonkeyPatch) -> None:
    """A quoted cell that goes on where the looking ends is no fault."""
    monkeypatch.setattr(csv_table, "WINDOW_BYTES", 30)
    text = "Long; " * 20 + "\nand, longer"
    assert read(f'id;text\n1;Good\n2;"{text}"\n')[2] == ["2", text]


def test_a_character_across_the_end_of_the_window() -> None:
    """Half a character, and the line it is in, are no evidence."""
    assert decoded_lines("a;b\n1;é".encode()[:-1], "utf-8", whole=False) == (["a;b\n"], False)


def test_evidence_ends_at_a_nul() -> None:
    """What follows a NUL is no evidence."""
    assert decoded_lines(b"a;b\n1;2\n3\0;4\n", "utf-8", whole=True) == (["a;b\n", "1;2\n"], False)


def test_lines_above_a_short_table() -> None:
    """Lines above the header are found by how the table ends, if they are more than it has."""
    above = "".join(f"Line {i}\n" for i in range(8))
    assert refusal(f"Report\n{above}id,text\n1,Good\n2,Bad\n") == (
        "standard input, the header: 1 cell with --delimiter ',', but 3 of the 11 records "
        "looked at have 2. Remove the lines above the header, or add --delimiter '\\t' if all "
        "of it is one column."
    )


def test_lines_above_the_header_whatever_was_said() -> None:
    """With --delimiter, too, lines above the header are no header."""
    assert refusal("Report\nid,text\n1,Good\n2,Bad\n", delimiter=",") == (
        "standard input, the header: 1 cell with --delimiter ',', but 3 of the 3 records looked "
        "at have 2. Remove the lines above the header."
    )


def test_prose_is_one_column() -> None:
    """Lines of prose under one name are one column, and the tab sets new cells off."""
    content = "text\nLong, slow, but fine.\nBad.\nGood, very good.\nAwful.\n"
    table = open_table(io.BytesIO(content.encode()))
    target = io.BytesIO()
    table.writer(target, [NewColumn("label", "text")])
    assert (table.columns, target.getvalue()) == (("text",), b"text\tlabel\n")


def test_the_header_again_anywhere() -> None:
    """Also far below the window, the header again is no record."""
    rows = "".join(f"{i},A good film of day {i}.\n" for i in range(60_000))
    assert refusal(f"id,text\n{rows}id,text\n1,Bad.\n") == (
        "standard input, row 60001: the header again. If files were joined, remove this line; "
        "if it is another table, put it into a file of its own."
    )


def test_a_text_like_the_name_of_its_column() -> None:
    """In a file of one column a text may be the name of the column."""
    assert read("text\nGood.\ntext\n") == [["text"], ["Good."], ["text"]]


def test_a_wide_header_is_refused() -> None:
    """More columns than Excel has are refused: padding short records would multiply the file."""
    assert refusal("," * MAX_COLUMNS + "\n") == (
        "standard input, the header: 16385 cells; at most 16384 columns can be read."
    )


def test_a_separator_line_in_front() -> None:
    """Excel's first line that names the delimiter is copied, and is neither header nor row."""
    table = open_table(io.BytesIO(b"\xef\xbb\xbfsep=^\r\nid^text\r\n1^Good.\r\n"))
    target = io.BytesIO()
    writer = table.writer(target, [NewColumn("label", "text")])
    for row in table.rows([1]):
        assert (row.number, row.cells) == (1, ("Good.",))
        writer.write(row, ["x"])
    assert target.getvalue() == b"\xef\xbb\xbfsep=^\r\nid^text^label\r\n1^Good.^x\r\n"
