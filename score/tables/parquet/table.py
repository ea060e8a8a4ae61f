"""Parquet, read and written in batches: the same schema and values, and new fields."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from score.errors import DataError
from score.tables import NewColumn, Row, Source, TableOptions, TableWriter
from score.tables.columns import shown
from score.tables.numbers import number_text
from score.tables.parquet.pages import (
    MAX_CELL,
    HostilePageError,
    LargePageError,
    check_columns,
    check_footer,
    largest_text,
)
from score.tables.parquet.writer import ParquetWriter, Record

# A batch has so many rows, and less where they take more bytes: usually, and at the most.
_BATCH_ROWS = 1024
_BATCH_BYTES = 4 * 1024 * 1024
_MOST_BYTES = 32 * 1024 * 1024
_BUFFER_BYTES = 1024 * 1024

# Names in a damaged footer need not be utf-8.
_DAMAGE = (pa.ArrowException, OSError, UnicodeDecodeError, HostilePageError)


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
        self.name = self.label = source.name
        self._source = source
        try:
            check_footer(source.stream)
            # Without a buffer of its own pyarrow reads whole row groups at once.
            self._file = pq.ParquetFile(
                source.stream,
                pre_buffer=False,
                buffer_size=_BUFFER_BYTES,
                coerce_int96_timestamp_unit="us",
            )
            check_columns(source.stream, self._file.schema)
            self._schema = self._file.schema_arrow
            self.columns = tuple(self._schema.names)
            self._repeated = _repeated(self._file)
        except _DAMAGE as exc:
            raise source.broken("a Parquet file", exc) from exc

    def rows(self, wanted: Sequence[int]) -> Iterator[Row]:
        """Read all records once, in order, with the text of the columns ``wanted``.

        Raises:
            DataError: a part of the file is damaged, or a text is not utf-8.
            StorageError: reading failed.
        """
        number = 1
        for group in range(self._file.num_row_groups):
            for batch in self._batches(group):
                columns = [self._texts(batch.column(place), number) for place in wanted]
                for place in range(batch.num_rows):
                    cells = tuple(column[place] for column in columns)
                    yield Row(number + place, Record(batch, place, group), cells)
                number += batch.num_rows

    def writer(self, target: BinaryIO, new_columns: Sequence[NewColumn]) -> TableWriter:
        """Start a Parquet file with the same schema, metadata, row groups and encodings.

        Raises:
            DataError: the file says of itself what cannot be written.
        """
        try:
            return ParquetWriter(target, self._file, self._schema, new_columns)
        except (pa.ArrowException, UnicodeDecodeError) as exc:
            raise self._source.broken("a Parquet file", exc) from exc

    def close(self) -> None:
        """Release the input file."""
        self._file.close()
        self._source.close()

    def _batches(self, group: int) -> Iterator[Any]:
        about = self._file.metadata.row_group(group)
        if not about.num_rows:
            return
        try:
            largest = largest_text(self._source.stream, about, self._repeated)
            usual = about.total_byte_size // max(1, about.num_rows)
            rows = min(_BATCH_ROWS, _BATCH_BYTES // (usual + 1), _MOST_BYTES // (largest + 1))
            yield from self._file.iter_batches(max(1, rows), row_groups=[group])
        except LargePageError as exc:
            raise DataError(f"{self.name}, row group {group + 1}: {exc}") from exc
        except _DAMAGE as exc:
            raise self._source.broken("a Parquet file", exc) from exc

    def _texts(self, column: Any, first: int) -> list[str]:
        _check_lengths(column, first, self.name)
        try:
            return [_text(value) for value in column.to_pylist()]
        except UnicodeDecodeError as exc:
            raise DataError(
                f"{self.name}, rows {first} to {first + len(column) - 1}: byte "
                f"0x{exc.object[exc.start]:02x} in a text is not utf-8. Convert the texts first."
            ) from exc
        except (ValueError, OverflowError) as exc:
            # Such as a day in a year that Python's calendar does not have.
            raise DataError(
                f"{self.name}, rows {first} to {first + len(column) - 1}: a value cannot be read: "
                f"{shown(str(exc), 120).rstrip('.')}. Convert the column to texts first."
            ) from exc


def _repeated(file: Any) -> frozenset[int]:
    """The places of the columns in which a row can have several entries."""
    columns = map(file.schema.column, range(len(file.schema)))
    return frozenset(place for place, one in enumerate(columns) if one.max_repetition_level)


def _check_lengths(column: Any, first: int, name: str) -> None:
    """Refuse texts that are too long, before Python's own copies of them are made.

    Raises:
        DataError: one has more than MAX_CELL bytes.
    """
    if column.nbytes <= MAX_CELL or isinstance(column, (pa.DictionaryArray, pa.ExtensionArray)):
        return
    try:
        lengths = pc.binary_length(column).to_pylist()
    except pa.ArrowException:  # no texts
        return
    for number, length in enumerate(lengths, start=first):
        if length and length > MAX_CELL:
            raise DataError(
                f"{name}, row {number}: a cell has {length} bytes, and {MAX_CELL} are the most "
                "that are read. Shorten it."
            )


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
