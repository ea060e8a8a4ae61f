"""The physical lines of a text file: decoded strictly, with their own bytes kept beside."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from score.errors import AmbiguousError, DataError, StorageError, UsageError
from score.tables.columns import shown

if TYPE_CHECKING:
    from score.tables import Source

MAX_RECORD_BYTES = 16 * 1024 * 1024
"""A longer record is refused, so that memory does not depend on what a file holds."""

_BOMS = (
    # utf-32 first: its little-endian mark begins with that of utf-16.
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_PROBE = '0123456789abcXYZ\r\n",;\t| .'
_STATEFUL = ("utf-7", "hz", "iso2022")
_EVIDENCE = 256 * 1024


@dataclass(frozen=True, slots=True)
class Spoilt:
    """Bytes that cannot be decoded.

    Attributes:
        content: the line with the first of them, and what follows it.
        place: where in ``content`` that byte stands.
        decoded: whether other characters than ASCII were decoded before.
    """

    content: bytes
    place: int
    decoded: bool


Remedy = Callable[[Spoilt], tuple[str, tuple[str, ...]]]
"""What to do about bytes that cannot be decoded: a sentence, and a line for each encoding
that they could be in."""


class Lines:
    """An iterator over the physical lines of a source, as text with their line endings.

    Lines end at a line feed only. The bytes of the lines read stay here until they are
    taken, so that several lines can make up one record.

    Args:
        source: where the bytes come from.
        encoding: a Python codec name, or None for the byte order mark's, else utf-8.
        remedy: what to do about bytes that cannot be decoded: a sentence, or what finds one.

    Attributes:
        codec: the codec in use; it neither expects nor writes a byte order mark.
        row: the record being read, for messages; 0 is the header. The owner counts.

    Raises:
        UsageError: there is no such encoding, or lines cannot be cut in it.
        DataError: the byte order mark and the encoding contradict each other.
        StorageError: reading failed.
    """

    def __init__(self, source: Source, encoding: str | None, remedy: str | Remedy) -> None:
        self.row = 0
        self._source = source
        self._remedy = remedy
        self._kept: list[bytes] = []
        self._kept_size = 0
        self._last = ""
        self._ascii = True
        self._offset = 0
        self._pushed_back = self._read_line(MAX_RECORD_BYTES + 1)
        self.codec = choose_codec(self._pushed_back[:4], encoding, source.name)
        self._newline = "\n".encode(self.codec)

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        """Read one line.

        Raises:
            DataError: a byte cannot be decoded, or the record has become too long.
            StorageError: reading failed.
        """
        raw = self._next_raw()
        if not raw:
            raise StopIteration
        self._kept.append(raw)
        self._kept_size += len(raw)
        if self._kept_size > MAX_RECORD_BYTES:
            raise self.error(
                f"the record is longer than {MAX_RECORD_BYTES} bytes. "
                "Look for a quote that is not closed, or for lines that end without a line feed."
            )
        try:
            text = raw.decode(self.codec)
        except UnicodeDecodeError as exc:
            raise self._undecodable(raw, exc) from exc
        self._last = text
        self._ascii = self._ascii and text.isascii()
        if self._offset == 0:
            text = text.removeprefix("\ufeff")
        self._offset += len(raw)
        return text

    def take(self) -> tuple[bytes, bytes]:
        """Hand over the bytes read since the last call: the record's, and its line ending's."""
        raw = b"".join(self._kept)
        ending = len(self._last) - len(self._last.rstrip("\r\n"))
        cut = len(raw) - ending * len(self._newline)
        self._kept.clear()
        self._kept_size = 0
        return raw[:cut], raw[cut:]

    def error(self, found: str, readings: tuple[str, ...] = ()) -> DataError:
        """Say what was found, with the file and the record it was found in."""
        place = f"row {self.row}" if self.row else "the header"
        message = f"{self._source.name}, {place}: {found}"
        return AmbiguousError(message, readings) if readings else DataError(message)

    def _undecodable(self, raw: bytes, exc: UnicodeDecodeError) -> DataError:
        said: tuple[str, ...] = ()
        if isinstance(self._remedy, str):
            remedy = self._remedy
        else:
            decoded = not (self._ascii and raw[: exc.start].isascii())
            evidence = Spoilt(raw + self._read(_EVIDENCE), exc.start, decoded)
            remedy, said = self._remedy(evidence)
        return self.error(
            f"byte 0x{raw[exc.start]:02x} at offset {self._offset + exc.start} "
            f"is not {self.codec}. {remedy}",
            said,
        )

    def _next_raw(self) -> bytes:
        raw, self._pushed_back = self._pushed_back, b""
        raw = raw or self._read_line(MAX_RECORD_BYTES + 1)
        if self._newline == b"\n" or not raw:
            return raw
        # The 0x0a may be one half of another character, and its other half may follow.
        line = bytearray(raw)
        while len(line) <= MAX_RECORD_BYTES:
            line += self._read(-len(line) % len(self._newline))
            if line.endswith(self._newline):
                break
            more = self._read_line(MAX_RECORD_BYTES + 1)
            if not more:
                break
            line += more
        return bytes(line)

    def _read_line(self, size: int) -> bytes:
        return self._attempt(self._source.stream.readline, size)

    def _read(self, size: int) -> bytes:
        return self._attempt(self._source.stream.read, size)

    def _attempt(self, read: Callable[[int], bytes], size: int) -> bytes:
        try:
            return read(size)
        except OSError as exc:
            reason = exc.strerror or str(exc)
            raise StorageError(f"{self._source.name} could not be read: {reason}.") from exc


def choose_codec(head: bytes, encoding: str | None, name: str) -> str:
    """Choose the codec for a file's text.

    Args:
        head: the first four bytes of the file.
        encoding: what the user said, if anything.
        name: what messages call the file.

    Raises:
        UsageError: there is no such encoding, or lines cannot be cut in it.
        DataError: the byte order mark and the encoding contradict each other.
    """
    marked = next((codec for bom, codec in _BOMS if head.startswith(bom)), None)
    if encoding is None:
        return marked or "utf-8"
    said = _known_codec(encoding)
    if said in {"utf-16", "utf-32"} and marked is None:
        raise DataError(
            f"{name} has no byte order mark, so {said} can be read in two ways. "
            f"Say --encoding {said}-le or --encoding {said}-be."
        )
    if marked is None:
        return said
    if not marked.startswith(said):
        raise DataError(
            f"{name} starts with the byte order mark of {marked}, but --encoding says {said}. "
            "Leave --encoding out."
        )
    return marked


def _known_codec(encoding: str) -> str:
    """Look up a codec in which a line feed is a line feed and each character stands alone."""
    try:
        codec = codecs.lookup(encoding).name.removesuffix("-sig")
        whole = _PROBE.encode(codec)
        single = [char.encode(codec) for char in _PROBE]
    except (LookupError, ValueError) as exc:
        raise UsageError(
            f"There is no text encoding '{shown(encoding)}'. Usual ones for --encoding are "
            "utf-8, utf-16, cp1252, shift_jis and gb18030."
        ) from exc
    if codec in {"utf-16", "utf-32"}:
        return codec
    if whole != b"".join(single) or b"\n" not in whole or codec.startswith(_STATEFUL):
        raise UsageError(
            f"Files in {codec} cannot be read line by line. Convert the file to utf-8 first."
        )
    return codec
