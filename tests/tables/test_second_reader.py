"""A second reader, Arrow's, finds the same cells in CSV files as ours does."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import csv as arrow_csv

from score.tables import open_table
from tests.tables.outcomes import GOOD, Good

CSV_SAMPLES = [name for name in GOOD if name.endswith((".csv", ".tsv"))]


def arrow_cells(content: str, good: Good) -> list[list[str]]:
    """Read all cells as text, the header's too; Arrow passes over blank and wrong lines."""
    # Excel's first line says only what the delimiter is, which Arrow does not know.
    content = re.sub(r"\Asep=.\r?\n", "", content.removeprefix("\ufeff"))
    table = arrow_csv.read_csv(
        io.BytesIO(content.encode()),
        read_options=arrow_csv.ReadOptions(autogenerate_column_names=True, use_threads=False),
        parse_options=arrow_csv.ParseOptions(
            delimiter=good.delimiter,
            newlines_in_values=True,
            invalid_row_handler=lambda _: "skip",
        ),
        convert_options=arrow_csv.ConvertOptions(
            column_types={f"f{place}": pa.string() for place in range(20)},
            strings_can_be_null=False,
        ),
    )
    return [list(row.values()) for row in table.to_pylist()]


def our_cells(path: Path, good: Good) -> list[list[str]]:
    """Read all cells of records that are neither blank nor short nor rejected."""
    table = open_table(path, good.options)
    width = len(table.columns)
    header = [list(table.columns)] if good.options.header else []
    rows = table.rows(range(width))
    records = [list(row.cells) for row in rows if row.cells and not row.padded]
    table.close()
    return header + records


@pytest.mark.parametrize("name", CSV_SAMPLES)
def test_two_readers_agree(name: str, samples: Path) -> None:
    """Arrow's reader, told the encoding and the delimiter, finds the same cells."""
    good = GOOD[name]
    content = (samples / name).read_bytes().decode(good.codec)
    assert arrow_cells(content, good) == our_cells(samples / name, good)
