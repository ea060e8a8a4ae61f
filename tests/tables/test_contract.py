"""What every table keeps, whatever its format: run over every file in samples/awkward."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest
import python_calamine

from score.errors import ThumbsError
from score.tables import Table, open_table
from tests.tables.outcomes import BAD, BINARY, GOOD, Good
from tests.tables.workbooks import load_workbook

Relabel = Callable[[Table], bytes]


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


def parse_json(line: str) -> dict[str, object] | None:
    """The fields of a line; None of one that is no JSON object."""
    try:
        value = json.loads(line)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


@pytest.mark.parametrize("name", GOOD)
def test_source_cells_are_identical(name: str, samples: Path, relabel: Relabel) -> None:
    """A reader that is not ours finds the same cells in the output as in the input."""
    good = GOOD[name]
    before = cells((samples / name).read_bytes(), good, name)
    after = cells(relabel(open_table(samples / name, good.options)), good, name)
    assert [row[: len(old)] for row, old in zip(after, before, strict=True)] == before


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
    for new in (("label", "confidence"), ("NEW", "0.5000")):
        output = output.replace(
            "".join(good.delimiter + cell for cell in new).encode(good.codec), b""
        )
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
        records = [record for record in map(parse_json, lines) if record is not None]
        return [[pair for pair in record.items() if pair[0] not in new] for record in records]
    text = re.sub(r"\Asep=.\r\n", "", content.decode(good.codec).removeprefix("\ufeff"))
    frame = pd.read_csv(
        io.StringIO(text, newline=""),
        sep=good.delimiter,
        dtype=str,
        header=None,
        keep_default_na=False,
        on_bad_lines="skip",
    )
    return [list(row) for row in frame.fillna("").to_numpy()]
