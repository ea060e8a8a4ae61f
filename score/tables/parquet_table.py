"""Parquet, read and written in batches: the same schema and values, and new fields."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

import pyarrow as pa
import pyarrow.parquet as pq

from score.errors import DataError
from score.tables import Cell, NewColumn, Row, Source, TableOptions, TableWriter
from score.tables.numbers import number_text, rounded

_BATCH_ROWS = 1024
_GROUP_ROWS = 128 * 1024
_GROUP_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Record:
    """A row of a batch; batches are told apart by identity."""

    batch: Any
    place: int


class ParquetTable:
    """A Parquet file, read in batches of rows, however large its row groups are.

    Args:
        source: the opened file.
        options: none is used, the format says it all.

    Raises:
        DataError: the file is damaged or no Parquet file.
        StorageError: reading failed.
    """

    def __init__(self, source: Source, options: TableOptions) -> None:  # noqa: ARG002 - all readers take options
        self.name = source.name
        self._source = source
        try:
            self._file = pq.ParquetFile(source.stream)
            self._schema = self._file.schema_arrow
        except (pa.ArrowException, OSError) as exc:
            raise source.broken("a Parquet file", exc) from exc
        self.columns = tuple(self._schema.names)

    def rows(self, wanted: Sequence[int]) -> Iterator[Row]:
        """Read all records once, in order, with the text of the columns ``wanted``.

        Raises:
            DataError: a part of the file is damaged, or a text is not utf-8.
            StorageError: reading failed.
        """
        number = 1
        for batch in self._batches():
            columns = [self._texts(batch.column(place), number) for place in wanted]
            for place in range(batch.num_rows):
                cells = tuple(column[place] for column in columns)
                yield Row(number + place, _Record(batch, place), cells)
            number += batch.num_rows

    def writer(self, target: BinaryIO, new_columns: Sequence[NewColumn]) -> TableWriter:
        """Start a Parquet file with the same schema, metadata and compression."""
        kinds = {"text": pa.string(), "number": pa.float64()}
        schema = self._schema
        for column in new_columns:
            schema = schema.append(pa.field(column.name, kinds[column.kind]))
        groups = self._file.metadata
        compression = "SNAPPY"
        if groups.num_row_groups and groups.num_columns:
            compression = groups.row_group(0).column(0).compression
        if compression == "UNCOMPRESSED":
            compression = "NONE"
        return ParquetWriter(_FileWriter(target, schema, compression=compression))

    def close(self) -> None:
        """Release the input file."""
        self._file.close()
        self._source.close()

    def _batches(self) -> Iterator[Any]:
        try:
            yield from self._file.iter_batches(_BATCH_ROWS)
        except (pa.ArrowException, OSError) as exc:
            raise self._source.broken("a Parquet file", exc) from exc

    def _texts(self, column: Any, first: int) -> list[str]:
        try:
            return [_text(value) for value in column.to_pylist()]
        except UnicodeDecodeError as exc:
            raise DataError(
                f"{self.name}, rows {first} to {first + len(column) - 1}: byte "
                f"0x{exc.object[exc.start]:02x} in a text is not utf-8. Convert the texts first."
            ) from exc


class _FileWriter(pq.ParquetWriter):  # type: ignore[misc]  # pyarrow ships no types
    """A writer that writes nothing more when it is given up."""

    def __del__(self) -> None:
        """Leave out pyarrow's footer: the target of a failed run is closed by now."""


class ParquetWriter:
    """Writes batches with their new columns, gathered into row groups of usual size.

    Args:
        writer: pyarrow's, with the new schema.
    """

    def __init__(self, writer: Any) -> None:
        self._writer = writer
        self._batch: Any = None
        self._places: list[int] = []
        self._cells: list[Sequence[Cell]] = []
        self._group: list[Any] = []

    def write(self, row: Row, cells: Sequence[Cell]) -> None:
        """Take one record; it is written when its row group is full."""
        record = cast("_Record", row.raw)
        if record.batch is not self._batch:
            self._end_batch()
            self._batch = record.batch
        self._places.append(record.place)
        self._cells.append(cells)

    def close(self) -> None:
        """Write what is still held back, and the file's footer; the target stays open."""
        self._end_batch()
        self._end_group()
        self._writer.close()

    def _end_batch(self) -> None:
        if not self._places:
            return
        schema = self._writer.schema
        batch = self._batch
        if len(self._places) < batch.num_rows:
            batch = batch.take(pa.array(self._places))
        fields = list(schema)[batch.num_columns :]
        new = [
            pa.array([rounded(cells[i]) for cells in self._cells], field.type)
            for i, field in enumerate(fields)
        ]
        self._group.append(pa.RecordBatch.from_arrays([*batch.columns, *new], schema=schema))
        self._places, self._cells = [], []
        rows = sum(part.num_rows for part in self._group)
        if rows >= _GROUP_ROWS or sum(part.nbytes for part in self._group) >= _GROUP_BYTES:
            self._end_group()

    def _end_group(self) -> None:
        if self._group:
            self._writer.write_table(pa.Table.from_batches(self._group))
            self._group = []


def _text(value: object) -> str:
    """Return a value as text; raises UnicodeDecodeError for bytes that are not utf-8."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, (bool, list, dict)):
        return json.dumps(value, ensure_ascii=False, default=str)
    if isinstance(value, (int, float)):
        return number_text(value)
    return str(value)
