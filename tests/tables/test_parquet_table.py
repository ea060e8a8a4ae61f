"""Parquet, beyond what every table keeps."""

from __future__ import annotations

import gc
import io
import os
import subprocess
import sys
from collections.abc import Callable
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from score.errors import DataError
from score.tables import Cell, NewColumn, Table, open_table
from score.tables.parquet import table as parquet_table
from score.tables.parquet import writer as parquet_writer

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


def test_row_groups_and_encodings_stay(tmp_path: Path, relabel: Relabel) -> None:
    """Compression, dictionaries, statistics and the rows of row groups are what they were."""
    path = tmp_path / "reviews.parquet"
    table = pa.table({"text": ["a", "b"] * 500, "id": range(1000), "tags": [["x"], []] * 500})
    leaf = "tags.list.element"
    pq.write_table(
        table,
        path,
        row_group_size=300,
        compression={"text": "ZSTD", "id": "NONE", leaf: "GZIP"},
        use_dictionary=["text"],
        write_statistics=["id"],
        write_page_index=True,
    )
    before = pq.ParquetFile(path).metadata
    after = pq.ParquetFile(io.BytesIO(relabel(open_table(path)))).metadata

    def told(metadata: Any) -> list[Any]:
        groups = [metadata.row_group(place) for place in range(metadata.num_row_groups)]
        return [
            (
                group.num_rows,
                chunk.path_in_schema,
                chunk.compression,
                chunk.has_dictionary_page,
                chunk.is_stats_set,
                chunk.has_offset_index,
            )
            for group in groups
            for chunk in map(group.column, range(before.num_columns))
        ]

    assert told(after) == told(before)
    assert [after.row_group(place).num_rows for place in range(4)] == [300, 300, 300, 100]
    assert after.format_version == before.format_version


def test_a_large_row_group_is_cut(
    tmp_path: Path, relabel: Relabel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A row group that does not fit the memory that it may take becomes several."""
    monkeypatch.setattr(parquet_writer, "GROUP_BYTES", 2000)
    monkeypatch.setattr(parquet_table, "_BATCH_ROWS", 100)
    path = tmp_path / "reviews.parquet"
    pq.write_table(pa.table({"text": ["ten bytes."] * 1000}), path)
    output = pq.ParquetFile(io.BytesIO(relabel(open_table(path))))
    groups = [output.metadata.row_group(place).num_rows for place in range(10)]
    assert groups == [100] * 10
    assert output.read(["text"]) == pq.read_table(path)


FRAMES = {
    "range": pd.DataFrame({"text": ["a", "b"]}),
    "named": pd.DataFrame({"text": ["a", "b"]}, index=pd.Index([5, 6], name="id")),
    "dates": pd.DataFrame({"text": ["a", "b"]}, index=pd.date_range("2024-03-01", periods=2)),
    "levels": pd.DataFrame(
        {"text": ["a", "b"]},
        index=pd.MultiIndex.from_tuples([(1, "x"), (2, "y")], names=["i", "j"]),
    ),
    "categories": pd.DataFrame({"text": pd.Categorical(["a", "b"]), "n": [1, 2]}),
}


@pytest.mark.parametrize("name", FRAMES)
def test_pandas_reads_its_frame_back(name: str, tmp_path: Path, relabel: Relabel) -> None:
    """What pandas wrote it reads again, index and types included, with the new columns."""
    frame = FRAMES[name]
    frame.to_parquet(tmp_path / "reviews.parquet")
    output = pd.read_parquet(io.BytesIO(relabel(open_table(tmp_path / "reviews.parquet"))))
    pd.testing.assert_frame_equal(output[list(frame.columns)], frame, check_freq=False)
    assert list(output.columns) == [*frame.columns, "label", "confidence"]
    assert output["label"].tolist() == ["NEW", "NEW"]
    assert output["confidence"].tolist() == [0.5, 0.5]


def test_columns_that_pandas_calls_by_numbers(tmp_path: Path, relabel: Relabel) -> None:
    """Beside numbers pandas could not read a column called label, so they become texts."""
    pd.DataFrame({0: ["a", "b"], 1: [1, 2]}).to_parquet(tmp_path / "reviews.parquet")
    output = pd.read_parquet(io.BytesIO(relabel(open_table(tmp_path / "reviews.parquet"))))
    assert list(output.columns) == ["0", "1", "label", "confidence"]


@pytest.mark.parametrize("metadata", [b"no JSON", b"[]", b'{"columns": 1}', b"[" * 100_000])
def test_metadata_that_is_not_pandas(metadata: bytes, tmp_path: Path, relabel: Relabel) -> None:
    """What is called pandas and is not stays as it is."""
    path = tmp_path / "reviews.parquet"
    pq.write_table(pa.table({"text": ["a"]}).replace_schema_metadata({"pandas": metadata}), path)
    output = pq.read_schema(io.BytesIO(relabel(open_table(path))))
    assert output.metadata[b"pandas"] == metadata


def test_a_file_of_another_program(tmp_path: Path, relabel: Relabel) -> None:
    """A file without Arrow's schema gets none, and timestamps of 12 bytes stay so."""
    path = tmp_path / "reviews.parquet"
    far = pa.array([253402300799000000, 0], pa.timestamp("us"))
    table = pa.table({"text": ["a", "b"], "when": far})
    pq.write_table(
        table, path, store_schema=False, use_deprecated_int96_timestamps=True, version="1.0"
    )
    output = pq.ParquetFile(io.BytesIO(relabel(open_table(path))), coerce_int96_timestamp_unit="us")
    assert output.metadata.metadata is None
    assert output.schema.column(1).physical_type == "INT96"
    assert output.read(["text", "when"]) == table


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
    assert [written.metadata.row_group(i).num_rows for i in range(4)] == [33, 32, 33, 1]
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


def bomb(name: str, path: Path) -> None:
    """Write a small file that unfolds to much."""
    if name == "page":
        texts = pa.array(["a" * 60_000_000])
        pq.write_table(pa.table({"text": texts}), path, use_dictionary=False, compression="ZSTD")
    elif name == "cell":
        texts = pa.array(["a" * 200_000_000])
        pq.write_table(pa.table({"text": texts}), path, use_dictionary=False, compression="NONE")
    elif name == "cell among others":
        texts = pa.array(["a" * 100_000_000, *"bcdefghij"])
        pq.write_table(pa.table({"text": texts}), path, use_dictionary=False, compression="NONE")
    elif name == "pages":
        texts = pa.array(["a" * 200_000] * 1_000)
        pq.write_table(pa.table({"text": texts}), path, use_dictionary=False, compression="NONE")
    elif name == "list":
        entries = pa.array([[None] * 20_000_000], pa.list_(pa.int64()))
        pq.write_table(pa.table({"text": ["a"], "list": entries}), path)
    elif name == "footer":
        metadata = {"more": "a" * 4_000_000}
        pq.write_table(pa.table({"text": ["a"]}).replace_schema_metadata(metadata), path)
    else:
        same = pa.DictionaryArray.from_arrays(pa.array([0] * 200), pa.array(["a" * 10_000_000]))
        pq.write_table(pa.table({"text": same}), path, store_schema=False)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("page", "a page of text has * bytes and unpacks to *"),
        ("list", "a page of list.list.element has 20000000 entries"),
        ("footer", "its footer has * bytes"),
        ("dictionary", None),
    ],
)
@pytest.mark.skipif(os.name == "nt", reason="only POSIX tells what a process used")
def test_bombs(name: str, found: str | None, tmp_path: Path) -> None:
    """A small file that unfolds to gigabytes costs at most 100 MiB, refused or read."""
    path = tmp_path / "reviews.parquet"
    bomb(name, path)
    said, grown = read_in_a_process(path)
    if found is None:
        assert said == str(200 * 10_000_000)
    else:
        assert fnmatch(said, f"{path} is damaged or not a Parquet file: {found}.")
    assert grown <= 100


def read_in_a_process(path: Path) -> tuple[str, int]:
    """Read all texts: how many characters or what was said, and the MiB that it took."""
    program = (
        "import resource, sys; from pathlib import Path; from score.tables import open_table\n"
        "import score.tables.parquet.table\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024\n"
        "before = peak()\n"
        "try: print(sum(len(row.cells[0]) for row in open_table(Path(sys.argv[1])).rows([0])))\n"
        "except Exception as exc: print(exc)\n"
        "print(peak() - before)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, path], capture_output=True, check=True, text=True
    )
    said, grown = done.stdout.splitlines()
    return said, int(grown)


LARGE = {
    "cell": (
        ", row group 1: a cell of text has 200000* bytes, and 16777216 are the most that are read. "
        "Shorten it.",
        100,
    ),
    "pages": (
        ", row group 1: a page of text has 2000* bytes, and 134217728 are the most that are "
        "read. Write the file again with smaller pages.",
        100,
    ),
    "cell among others": (
        ", row 1: a cell has 100000000 bytes, and 16777216 are the most that are read. Shorten it.",
        400,
    ),
}


@pytest.mark.parametrize("name", LARGE)
@pytest.mark.skipif(os.name == "nt", reason="only POSIX tells what a process used")
def test_large_cells(name: str, tmp_path: Path) -> None:
    """A cell of more than 16 MiB is refused before it is read, or, among others, when it is."""
    path = tmp_path / "reviews.parquet"
    found, most = LARGE[name]
    bomb(name, path)
    said, grown = read_in_a_process(path)
    assert fnmatch(said, f"{path}{found}")
    assert grown <= most


def test_a_cell_of_the_largest_size_is_read(tmp_path: Path, relabel: Relabel) -> None:
    """16 MiB are read and written back."""
    path = tmp_path / "reviews.parquet"
    table = pa.table({"text": ["a" * 16 * 1024**2, "b"]})
    pq.write_table(table, path, use_dictionary=False, compression="NONE")
    output = pq.read_table(io.BytesIO(relabel(open_table(path))))
    assert output.select(["text"]) == table


def test_pages_of_all_kinds_are_walked_through(tmp_path: Path, relabel: Relabel) -> None:
    """Pages of the second version, with long statistics, of several columns, are no bombs."""
    path = tmp_path / "reviews.parquet"
    texts = [chr(97 + i % 26) * 3000 for i in range(2000)]
    table = pa.table({"text": texts, "list": [[i, None] for i in range(2000)]})
    pq.write_table(table, path, data_page_version="2.0", data_page_size=10_000, compression="GZIP")
    output = pq.read_table(io.BytesIO(relabel(open_table(path))))
    assert output.select(["text", "list"]) == table


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
