"""JSON Lines: each line's own bytes are kept, new fields go before its closing brace."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

from score.errors import DataError
from score.tables import Cell, NewColumn, Reject, Row, Source, TableOptions, TableWriter
from score.tables.columns import shown
from score.tables.lines import Lines
from score.tables.numbers import rounded

MAX_START = 1000
"""Lines before the first good record; they are held in memory."""

_BLANKS = " \t\r\n"


@dataclass(frozen=True, slots=True)
class _Record:
    """A line: its bytes before and from its closing brace on, and its fields.

    A line that is no object is all ``before``.
    """

    before: bytes
    after: bytes
    fields: dict[str, Any]


class JsonlTable:
    """A JSON Lines file, read as a stream.

    The columns are the fields of the first good record; a later record may lack some,
    which are empty then, or have others, which are kept. A value that is no string is
    read as its JSON text, null and NaN as nothing.

    Args:
        source: the opened file.
        options: none is used, the format says it all.

    Raises:
        DataError: there is no object among the first lines, or they are not utf-8.
        StorageError: reading failed.
    """

    def __init__(self, source: Source, options: TableOptions) -> None:  # noqa: ARG002 - all readers take options
        self.name = self.label = source.name
        self._source = source
        self._lines = Lines(source, "utf-8", "JSON Lines are utf-8: convert the file first.")
        self._waiting: list[Row] = []
        self.columns = self._first_fields()

    def rows(self, wanted: Sequence[int]) -> Iterator[Row]:
        """Read all records once, in order, with the text of the columns ``wanted``.

        Raises:
            DataError: a line is not utf-8, or too long.
            StorageError: reading failed.
        """
        names = [self.columns[place] for place in wanted]
        for row in self._records():
            fields = cast("_Record", row.raw).fields
            # An object without fields is a record, so the brace decides and not the fields.
            if cast("_Record", row.raw).after:
                texts = tuple(_text(fields.get(name)) for name in names)
                yield Row(row.number, row.raw, texts, size=row.size)
            else:
                yield row

    def writer(self, target: BinaryIO, new_columns: Sequence[NewColumn]) -> TableWriter:
        """Return the writer of the lines."""
        return JsonlWriter(target, [column.name for column in new_columns], self.name)

    def close(self) -> None:
        """Release the input file."""
        self._source.close()

    def _first_fields(self) -> tuple[str, ...]:
        for row in self._read(1):
            self._waiting.append(row)
            record = cast("_Record", row.raw)
            if record.fields:
                return tuple(record.fields)
            if len(self._waiting) == MAX_START:
                raise DataError(f"{self.name} has no JSON object in its first {MAX_START} lines.")
        if all(row.blank and not cast("_Record", row.raw).after for row in self._waiting):
            raise DataError(f"{self.name} is empty. It needs one JSON object a line.")
        raise DataError(f"{self.name} holds no JSON object with fields. It needs one a line.")

    def _records(self) -> Iterator[Row]:
        yield from self._waiting
        yield from self._read(len(self._waiting) + 1)

    def _read(self, first: int) -> Iterator[Row]:
        """Read lines as rows whose cells are still to be filled in."""
        self._lines.row = first
        for number, line in enumerate(self._lines, start=first):
            body, ending = self._lines.take()
            self._lines.row = number + 1
            fields, reason = _parse(line)
            if fields is None:
                reject = Reject(reason, line.rstrip("\r\n")) if reason else None
                record = _Record(body + ending, b"", {})
                yield Row(number, record, (), reject, size=len(body))
            else:
                brace = len(body.rstrip(b" \t\r")) - 1
                record = _Record(body[:brace], body[brace:] + ending, fields)
                # Its bytes, and what they were parsed to.
                yield Row(number, record, (), size=2 * len(body))


class JsonlWriter:
    """Writes lines with new fields before their closing braces.

    Args:
        target: where the bytes go; it stays open.
        names: the new fields.
        table_name: what messages call the table.
    """

    def __init__(self, target: BinaryIO, names: Sequence[str], table_name: str) -> None:
        self._target = target
        self._names = names
        self._table_name = table_name

    def write(self, row: Row, cells: Sequence[Cell]) -> None:
        """Write one line; ``cells`` is empty for a blank one.

        Raises:
            DataError: the line has a field of a new name already; only its columns, the
                fields of the first record, can be checked before.
        """
        record = cast("_Record", row.raw)
        new = b""
        if cells:
            taken = [name for name in self._names if name in record.fields]
            if taken:
                raise DataError(
                    f"{self._table_name}, row {row.number}: there is a field "
                    f"'{shown(taken[0])}' already. Put something before the new names with "
                    "--prefix, such as --prefix thumbs_."
                )
            fields = dict(zip(self._names, map(rounded, cells), strict=True))
            # Only the braces are cut off: the rest goes between those of the line.
            new = json.dumps(fields, ensure_ascii=False)[1:-1].encode()
            new = b", " + new if record.fields else new
        self._target.write(record.before + new + record.after)

    def close(self) -> None:
        """Do nothing: every line is written at once, and the target stays open."""


def _parse(line: str) -> tuple[dict[str, Any] | None, str]:
    """Return the line's fields, or None and what is wrong with it: nothing if it is blank."""
    if not line.strip(_BLANKS):
        return None, ""
    try:
        value = json.loads(line.strip(_BLANKS))
    except json.JSONDecodeError as exc:
        return None, f"not JSON: {exc.msg.removesuffix(' at')} at character {exc.pos + 1}"
    except (ValueError, RecursionError):
        return None, "not JSON that can be read: a number too long, or nested too deeply"
    if not isinstance(value, dict):
        return None, "not a JSON object"
    return value, ""


def _text(value: object) -> str:
    # NaN, the one value that is not itself, is how Python spells a missing text.
    if value is None or value != value:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    # JSON can spell half a surrogate pair, which no model and no file can hold.
    return text.encode(errors="replace").decode()
