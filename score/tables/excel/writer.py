"""New cells in a workbook's own bytes: what was there is copied, never written anew."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO, cast
from xml.sax.saxutils import escape

from score.errors import DataError
from score.tables import Cell, Row
from score.tables.excel.package import Package
from score.tables.excel.refs import column_letters
from score.tables.excel.sheet import RawRow
from score.tables.excel.values import escaped
from score.tables.excel.xml import Edit, with_attribute
from score.tables.excel.zip import PackageWriter, PartWriter
from score.tables.numbers import rounded


@dataclass(frozen=True, slots=True)
class RowPlace:
    """Where the new cells of a row go.

    Attributes:
        part: the sheet's.
        number: the row in the sheet, counted from 1.
        start: where its tag stands in the part.
        inside: where its first cell stands.
        at: where the new cells go.
        until: where the cells end that they replace, which hold formats alone.
        style: the format of the cell that they stand beside.
        spans: the columns that the row claims to use, if it does.
    """

    part: str
    number: int
    start: int
    inside: int
    at: int
    until: int
    style: int
    spans: str | None

    @classmethod
    def of(cls, part: str, row: RawRow, column: int, count: int) -> RowPlace:
        """The place in a sheet of ``count`` new cells from ``column`` on."""
        style, at, until = 0, row.end, row.end
        for cell in reversed(row.cells):
            if cell.column >= column + count:
                until = cell.start
            if cell.column < column:
                style = cell.style if cell.column == column - 1 else 0
                break
            at = cell.start
        inside = row.cells[0].start
        return cls(part, row.number, row.start, inside, at, until, style, row.spans)


@dataclass(frozen=True, slots=True)
class SheetChanges:
    """What changes in a sheet beside its rows.

    Attributes:
        part: where it is in the package.
        edits: what changes before and behind its rows.
        column: the first new column.
        prefix: of the sheet's tags, with a colon: ``x:``, or nothing.
        header: where the names of the new columns go, if there is a header.
    """

    part: str
    edits: tuple[Edit, ...]
    column: int
    prefix: str
    header: RowPlace | None


@dataclass(frozen=True, slots=True)
class Changes:
    """What changes in a workbook beside the rows of its sheets.

    Attributes:
        sheets: those that get new columns, in the order in which their rows come.
        parts: the other parts that change, by name.
        names: what the new columns are called.
        number_styles: the twin of each style that shows four decimals.
    """

    sheets: tuple[SheetChanges, ...]
    parts: Mapping[str, bytes]
    names: tuple[str, ...]
    number_styles: Mapping[int, int]


class ExcelWriter:
    """Copies a workbook, and puts new cells into the rows of some of its sheets.

    Args:
        target: where it goes; it stays open.
        package: the workbook.
        changes: what changes beside the rows.
    """

    def __init__(self, target: BinaryIO, package: Package, changes: Changes) -> None:
        self._package = package
        self._changes = changes
        self._output = PackageWriter(target, package)
        self._replaced = {package.info(part).filename: new for part, new in changes.parts.items()}
        parts = [package.info(sheet.part).filename for sheet in changes.sheets]
        # A sheet that stands before another one in the package may come after it in the workbook.
        self._infos = deque(info for info in package.infos if info.filename not in parts)
        self._places = {info.filename: place for place, info in enumerate(package.infos)}
        self._sheets = iter(changes.sheets)
        self._sheet = self._next_sheet()

    def write(self, row: Row, cells: Sequence[Cell]) -> None:
        """Put the new cells into one row; ``cells`` is empty for a blank one.

        Raises:
            DataError: the sheet is damaged.
            StorageError: reading failed.
        """
        if cells:
            place = cast("RowPlace", row.raw)
            while place.part != self._sheet.part:
                self._sheet.close()
                self._sheet = self._next_sheet()
            self._sheet.put(place, cells)

    def close(self) -> None:
        """Copy the rest and finish the package; the target stays open.

        Raises:
            DataError: a part is damaged.
            StorageError: reading failed.
        """
        self._sheet.close()
        for changes in self._sheets:
            self._start(changes).close()
        self._copy_until(len(self._places))
        self._output.close()

    def _next_sheet(self) -> _SheetWriter:
        return self._start(next(self._sheets))

    def _start(self, changes: SheetChanges) -> _SheetWriter:
        info = self._package.info(changes.part)
        self._copy_until(self._places[info.filename])
        chunks = self._package.chunks(changes.part)
        target = self._output.replace(info)
        sheet = _SheetWriter(target, chunks, changes, self._changes.number_styles)
        if changes.header:
            sheet.put(changes.header, self._changes.names)
        return sheet

    def _copy_until(self, place: int) -> None:
        """Copy the other parts that stand before a place in the package."""
        while self._infos and self._places[self._infos[0].filename] < place:
            info = self._infos.popleft()
            if info.filename in self._replaced:
                part = self._output.replace(info)
                part.write(self._replaced[info.filename])
                part.close()
            else:
                self._output.copy(info)


class _SheetWriter:
    """Copies a sheet, and puts new cells into its rows.

    Args:
        target: where it goes.
        chunks: its bytes.
        changes: what changes beside the rows.
        number_styles: the twin of each style that shows four decimals.
    """

    def __init__(
        self,
        target: PartWriter,
        chunks: Iterator[bytes],
        changes: SheetChanges,
        number_styles: Mapping[int, int],
    ) -> None:
        self.part = changes.part
        self._target = target
        self._changes = changes
        self._number_styles = number_styles
        self._edits = deque(sorted(changes.edits, key=lambda edit: edit.start))
        self._splice = _Splice(chunks, target)

    def put(self, place: RowPlace, cells: Sequence[Cell]) -> None:
        """Put new cells into a place; places come from top to bottom."""
        self._edit_until(place.start)
        if place.spans is not None:
            self._splice.copy_to(place.start)
            tag = self._splice.take(place.inside)
            last = self._changes.column + len(cells) - 1
            self._target.write(with_attribute(tag, "spans", _wider(place.spans, last)))
        self._splice.copy_to(place.at)
        self._splice.take(place.until)
        new = (
            self._spelled(column, place, value)
            for column, value in enumerate(cells, start=self._changes.column)
        )
        self._target.write("".join(new).encode())

    def close(self) -> None:
        """Copy the rest of the sheet."""
        self._edit_until(None)
        self._splice.copy_rest()
        self._target.close()

    def _edit_until(self, place: int | None) -> None:
        while self._edits and (place is None or self._edits[0].start <= place):
            edit = self._edits.popleft()
            self._splice.copy_to(edit.start)
            self._splice.take(edit.end)
            self._target.write(edit.new)

    def _spelled(self, column: int, place: RowPlace, value: Cell) -> str:
        prefix, style = self._changes.prefix, place.style
        ref = f"{column_letters(column)}{place.number}"
        if value is None or value == "":
            return f'<{prefix}c r="{ref}" s="{style}"/>' if style else ""
        if isinstance(value, str):
            # A text that stands in its cell, and not among the shared ones, leaves those
            # as they are; and one that begins with = is no formula.
            preserve = ' xml:space="preserve"' if value != value.strip() or "\n" in value else ""
            text = escape(escaped(value))
            content = f"<{prefix}is><{prefix}t{preserve}>{text}</{prefix}t></{prefix}is>"
            kind = ' t="inlineStr"'
        else:
            style = self._number_styles.get(style, style)
            content = f"<{prefix}v>{rounded(value)!r}</{prefix}v>"
            kind = ""
        attribute = f' s="{style}"' if style else ""
        return f'<{prefix}c r="{ref}"{attribute}{kind}>{content}</{prefix}c>'


class _Splice:
    """Copies a stream of bytes up to given places, or takes them out.

    Args:
        chunks: the bytes.
        target: where copies go.
    """

    def __init__(self, chunks: Iterator[bytes], target: PartWriter) -> None:
        self._chunks = chunks
        self._target = target
        self._chunk = b""
        self._used = 0
        self._place = 0

    def copy_to(self, place: int) -> None:
        """Copy all bytes before a place."""
        for piece in self._pieces(place):
            self._target.write(piece)

    def take(self, place: int) -> bytes:
        """The bytes before a place, which are not copied."""
        return b"".join(self._pieces(place))

    def copy_rest(self) -> None:
        """Copy all that is left."""
        self._target.write(self._chunk[self._used :])
        for chunk in self._chunks:
            self._target.write(chunk)

    def _pieces(self, place: int) -> Iterator[bytes]:
        while self._place < place:
            if self._used == len(self._chunk):
                self._chunk, self._used = next(self._chunks, b""), 0
                if not self._chunk:
                    raise DataError("The workbook changed while it was read. Run again.")
            piece = self._chunk[self._used : self._used + place - self._place]
            self._used += len(piece)
            self._place += len(piece)
            yield piece


def _wider(spans: str, last: int) -> str:
    """The columns that a row uses with the new ones: ``1:2 5:6`` up to 8 is ``1:8``."""
    ends = [int(end) for end in re.findall("[0-9]{1,9}", spans)]
    return f"{min(ends)}:{max(*ends, last)}" if ends else f"1:{last}"
