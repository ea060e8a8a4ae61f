"""A look at the beginning of a stream that can be read only once."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import TYPE_CHECKING, BinaryIO, cast

if TYPE_CHECKING:
    from score.tables import Source


class Ahead:
    """A stream whose first bytes can be looked at before they are read.

    Args:
        source: the opened file; it is read from where it stands, and not closed.
        size: how many bytes to look at, at most.

    Attributes:
        head: the first bytes.
        whole: whether there are no others.

    Raises:
        StorageError: reading failed.
    """

    def __init__(self, source: Source, size: int) -> None:
        self._stream = source.stream
        try:
            self.head = self._look(size)
        except OSError as exc:
            raise source.broken("a text file", exc) from exc
        self.whole = len(self.head) < size
        self._head = io.BytesIO(self.head)
        self._source = source

    def source(self) -> Source:
        """The same source, to be read from its first byte."""
        return replace(self._source, stream=cast("BinaryIO", self))

    def readline(self, size: int) -> bytes:
        """Read up to and with the next line feed, at most ``size`` bytes."""
        line = self._head.readline(size)
        if line.endswith(b"\n") or len(line) == size:
            return line
        return line + self._stream.readline(size - len(line))

    def read(self, size: int) -> bytes:
        """Read ``size`` bytes, fewer at the end of the file."""
        found = self._head.read(size)
        return found if len(found) == size else found + self._stream.read(size - len(found))

    def _look(self, size: int) -> bytes:
        # A stream without a buffer, such as a pipe, gives what is there, not what was asked for.
        head = b""
        while len(head) < size and (more := self._stream.read(size - len(head))):
            head += more
        return head
