"""Parquet, beyond what every table keeps."""

from __future__ import annotations

import gc
import io
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from score.errors import DataError
from score.tables import Cell, NewColumn, Table, open_table, parquet_table

Relabel = Callable[[Table], bytes]


@pytest.mark.parametrize("name", ["nested.parquet", "no_rows.parquet"])
def test_schema_and_compression_stay(name: str, samples: Path, relabel: Relabel) -> None:
    """Types, metadata and compression stay; the new fields are nullable text and float64."""
    output = pq.ParquetFile(io.BytesIO(relabel(open_table(samples / name))))
    source = pq.ParquetFile(samples / name)
    before, after = source.schema_arrow, output.schema_arrow
    new = [pa.field("label", pa.string()), pa.field("confidence", pa.float64())]
    assert after.equals(pa.schema([*before, *new], before.metadata), check_metadata=True)
    if name == "nested.parquet":
        assert output.metadata.row_group(0).column(0).compression == "ZSTD"


def test_values_become_text(samples: Path) -> None:
    """Whole numbers have no decimal point, null is nothing, nested values are JSON."""
    table = open_table(samples / "nested.parquet")
    assert [row.cells for row in table.rows(range(1, 8))][:2] == [
        ("a", '{"stars": [5, 4]}', "1.10", "2024-03-01 13:00:00+01:00", "bytes", "1", "true"),
        ("b", "", "", "", "", "", "false"),
    ]
    table.close()


def test_new_cells_stand_with_their_records(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over batches, row groups and left-out rows, every cell stands where it belongs."""
    monkeypatch.setattr(parquet_table, "_BATCH_ROWS", 10)
    monkeypatch.setattr(parquet_table, "_GROUP_ROWS", 25)
    path = tmp_path / "reviews.parquet"
    kinds = pa.array([f"k{i % 7}" for i in range(100)]).dictionary_encode()
    pq.write_table(
        pa.table({"text": [f"t{i}" for i in range(100)], "kind": kinds}), path, row_group_size=33
    )
    table = open_table(path)
    target = io.BytesIO()
    writer = table.writer(target, [NewColumn("label", "text"), NewColumn("p", "number")])
    for row in table.rows([0]):
        if row.number != 42:
            cells: tuple[Cell, ...] = (f"l{row.cells[0]}", None if row.number == 1 else 1 / 3)
            writer.write(row, cells)
    writer.close()
    table.close()
    written = pq.ParquetFile(target)
    assert [written.metadata.row_group(i).num_rows for i in range(4)] == [30, 29, 30, 10]
    output = written.read().to_pydict()
    kept = [i for i in range(100) if i != 41]
    assert output["text"] == [f"t{i}" for i in kept]
    assert output["kind"] == [f"k{i % 7}" for i in kept]
    assert output["label"] == [f"lt{i}" for i in kept]
    assert output["p"] == [None, *[0.3333] * 98]


def test_a_file_damaged_inside(tmp_path: Path, samples: Path) -> None:
    """Damage behind a good footer is found while reading, and is no traceback."""
    content = bytearray((samples / "nested.parquet").read_bytes())
    content[4:200] = bytes(196)
    path = tmp_path / "reviews.parquet"
    path.write_bytes(content)
    table = open_table(path)
    with pytest.raises(DataError) as refused:
        list(table.rows([0]))
    table.close()
    assert str(refused.value).startswith(f"{path} is damaged or not a Parquet file: ")
    assert "\n" not in str(refused.value)


def test_a_writer_that_is_given_up(tmp_path: Path, samples: Path) -> None:
    """After a failure nothing is written to the closed target, not even by the collector."""
    table = open_table(samples / "nested.parquet")
    with (tmp_path / "out.parquet").open("wb") as target:
        writer = table.writer(target, [NewColumn("label", "text")])
        for row in table.rows([0]):
            writer.write(row, ["x"])
    table.close()
    del writer
    # pytest turns an exception that the collector meets into a failure.
    gc.collect()
