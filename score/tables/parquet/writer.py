"""A Parquet file like another one, with new columns: same row groups, encodings and metadata."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

import pyarrow as pa
import pyarrow.parquet as pq

from score.tables import Cell, NewColumn, Row
from score.tables.numbers import rounded

GROUP_BYTES = 64 * 1024 * 1024
"""A row group that takes more in memory becomes several, as pyarrow writes one at a time."""

_VERSIONS = ("1.0", "2.4", "2.6")
_TYPES = {"text": pa.string(), "number": pa.float64()}
_PANDAS_TYPES = {"text": ("unicode", "object"), "number": ("float64", "float64")}
_PLAIN_NAMES = {
    "name": None,
    "field_name": None,
    "pandas_type": "unicode",
    "numpy_type": "object",
    "metadata": {"encoding": "UTF-8"},
}


@dataclass(frozen=True, slots=True)
class Record:
    """A row of a batch; batches are told apart by identity.

    Attributes:
        batch: the batch it is in.
        place: its place there.
        group: the row group of the input that it came from.
    """

    batch: Any
    place: int
    group: int


class ParquetWriter:
    """Writes batches with their new columns, in the row groups that they came in.

    Args:
        target: where the file goes; it stays open.
        source: the file that it is to be like.
        schema: the columns of that file.
        new_columns: what stands behind them.
    """

    def __init__(
        self,
        target: BinaryIO,
        source: pq.ParquetFile,
        schema: pa.Schema,
        new_columns: Sequence[NewColumn],
    ) -> None:
        for column in new_columns:
            schema = schema.append(pa.field(column.name, _TYPES[column.kind]))
        schema = schema.with_metadata(_labelled_metadata(schema.metadata, new_columns))
        names = [column.name for column in new_columns]
        self._writer = _FileWriter(target, schema, **_properties(source, names))
        self._record: Record | None = None
        self._places: list[int] = []
        self._cells: list[Sequence[Cell]] = []
        self._group: list[Any] = []
        self._group_bytes = 0

    def write(self, row: Row, cells: Sequence[Cell]) -> None:
        """Take one record; it is written when its row group is complete."""
        record = cast("Record", row.raw)
        if self._record is None or record.batch is not self._record.batch:
            self._end_batch()
            if self._record is not None and record.group != self._record.group:
                self._end_group()
            self._record = record
        self._places.append(record.place)
        self._cells.append(cells)

    def close(self) -> None:
        """Write what is still held back, and the file's footer; the target stays open."""
        self._end_batch()
        self._end_group()
        self._writer.close()

    def _end_batch(self) -> None:
        if self._record is None or not self._places:
            return
        schema = self._writer.schema
        batch = self._record.batch
        if len(self._places) < batch.num_rows:
            batch = batch.take(pa.array(self._places))
        fields = list(schema)[batch.num_columns :]
        new = [
            pa.array([rounded(cells[i]) for cells in self._cells], field.type)
            for i, field in enumerate(fields)
        ]
        self._group.append(pa.RecordBatch.from_arrays([*batch.columns, *new], schema=schema))
        self._places, self._cells = [], []
        self._group_bytes += sum(map(_bytes, self._group[-1].columns))
        if self._group_bytes >= GROUP_BYTES:
            self._end_group()

    def _end_group(self) -> None:
        if self._group:
            table = pa.Table.from_batches(self._group)
            self._writer.write_table(table, row_group_size=max(1, table.num_rows))
            self._group = []
            self._group_bytes = 0


class _FileWriter(pq.ParquetWriter):  # type: ignore[misc]  # pyarrow ships no types
    """A writer that writes nothing more when it is given up."""

    def __del__(self) -> None:
        """Leave out pyarrow's footer: the target of a failed run is closed by now."""


def _bytes(column: Any) -> int:
    """What a column adds to a row group in memory; its batches share a dictionary."""
    column = column.indices if isinstance(column, pa.DictionaryArray) else column
    return int(column.nbytes)


def _properties(source: pq.ParquetFile, new_names: Sequence[str]) -> dict[str, Any]:
    """How the source is written, by its first row group, in the words of pyarrow's writer."""
    metadata = source.metadata
    properties: dict[str, Any] = {
        "version": metadata.format_version if metadata.format_version in _VERSIONS else "2.6",
        # Else pyarrow renames the elements of lists.
        "use_compliant_nested_type": False,
        # What another program wrote does not become one of Arrow's files.
        "store_schema": b"ARROW:schema" in (metadata.metadata or {}),
    }
    if not metadata.num_row_groups or not metadata.num_columns:
        return {**properties, "compression": "NONE"}
    group = metadata.row_group(0)
    chunks = [group.column(place) for place in range(group.num_columns)]
    # The chunks have paths too, which need not be true.
    paths = [source.schema.column(place).path for place in range(group.num_columns)]
    usual = _compression(chunks[0])
    properties["compression"] = {
        **dict.fromkeys(new_names, usual),
        **{path: _compression(chunk) for path, chunk in zip(paths, chunks, strict=True)},
    }
    return {
        **properties,
        "use_dictionary": [
            *new_names,
            *(p for p, one in zip(paths, chunks, strict=True) if one.has_dictionary_page),
        ],
        "write_statistics": [
            *new_names,
            *(p for p, one in zip(paths, chunks, strict=True) if one.is_stats_set),
        ],
        "write_page_index": any(chunk.has_offset_index for chunk in chunks),
        "use_deprecated_int96_timestamps": any(c.physical_type == "INT96" for c in chunks),
    }


def _compression(chunk: Any) -> str:
    name = str(chunk.compression)
    return {"UNCOMPRESSED": "NONE"}.get(name, name)


def _labelled_metadata(
    metadata: dict[bytes, bytes] | None, new_columns: Sequence[NewColumn]
) -> dict[bytes, bytes] | None:
    """The metadata of a schema, where pandas' part of it tells of the new columns too."""
    try:
        told = json.loads((metadata or {})[b"pandas"])
        columns = told["columns"]
        for column in new_columns:
            pandas_type, numpy_type = _PANDAS_TYPES[column.kind]
            names = {"name": column.name, "field_name": column.name, "metadata": None}
            columns.append({**names, "pandas_type": pandas_type, "numpy_type": numpy_type})
        levels = told["column_indexes"]
        # Columns that are called by numbers or dates cannot have one that is called label.
        if [level["pandas_type"] for level in levels] != ["unicode"]:
            told["column_indexes"] = [_PLAIN_NAMES]
    # Not all that is called so is pandas'; it stays as it is then.
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
        return metadata
    return {**(metadata or {}), b"pandas": json.dumps(told).encode()}
