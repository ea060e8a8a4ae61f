"""The shared strings of a workbook, kept on disk: they may be as long as all its texts.

A cell names a string by its number, in any order, so all have to be at hand; but a list
in memory would grow with the file. In a temporary file they cost nothing, and the
system's page cache makes reading one as quick as a lookup.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from tempfile import SpooledTemporaryFile

from score.errors import StorageError
from score.tables.excel.package import Package
from score.tables.excel.xml import MAX_DEPTH, Names, XmlError, new_parser, parse

MAX_TEXT = 262_144
"""Characters of one text as it is spelled. Excel allows 32,767, each of which may be
spelled with seven: _x000D_."""

_IN_MEMORY = 4 * 1024**2
_PLACE = struct.Struct("<Q")


class SharedStrings:
    """The texts that cells refer to by number.

    Args:
        package: the workbook.
        part: where the strings are; None is a workbook without.

    Raises:
        DataError: the part is damaged, or a text is longer than Excel allows.
        StorageError: reading failed, or the temporary folder is full.
    """

    def __init__(self, package: Package, part: str | None) -> None:
        self._texts = SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - see close()
        self._places = SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115
        self._count = 0
        self._size = 0
        if part is None:
            return
        try:
            self._read(package, part)
        except XmlError as exc:
            self.close()
            raise package.damaged(part, str(exc)) from exc
        except OSError as exc:
            # Reading the package says so in words of its own.
            self.close()
            raise StorageError(
                f"{package.name}: the temporary folder cannot take its texts: {exc.strerror}. Make "
                "room there, or name another one in the environment variable TMPDIR."
            ) from exc
        except BaseException:
            self.close()
            raise

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, number: int) -> str:
        """The text of a number; rich text without its formats.

        Raises:
            IndexError: there is none.
        """
        if not 0 <= number < self._count:
            raise IndexError(number)
        self._places.seek(number * _PLACE.size)
        places = self._places.read(2 * _PLACE.size)
        (start,), (end,) = _PLACE.iter_unpack(places)
        self._texts.seek(start)
        return self._texts.read(end - start).decode("utf-8", "surrogatepass")

    def close(self) -> None:
        """Remove the temporary files."""
        self._texts.close()
        self._places.close()

    def _read(self, package: Package, part: str) -> None:
        reader = _Reader(self._add)
        self._places.write(_PLACE.pack(0))
        for _ in parse(new_parser(reader.start, reader.end, reader.text), package.chunks(part)):
            pass

    def _add(self, text: str) -> None:
        encoded = text.encode("utf-8", "surrogatepass")
        self._texts.write(encoded)
        self._size += len(encoded)
        self._places.write(_PLACE.pack(self._size))
        self._count += 1


class TextCollector:
    """Puts the runs of a text together, and leaves out how it is pronounced."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._size = 0

    def add(self, piece: str) -> None:
        """Take one more piece.

        Raises:
            XmlError: the text has become too long.
        """
        self._size += len(piece)
        if self._size > MAX_TEXT:
            raise XmlError(f"a text is longer than {MAX_TEXT} characters; Excel allows 32767")
        self._pieces.append(piece)

    def take(self) -> str:
        """The text; the next one begins."""
        text = "".join(self._pieces)
        self._pieces.clear()
        self._size = 0
        return text


class _Reader:
    """Finds the texts in a part of shared strings: sst/si/t, or sst/si/r/t."""

    def __init__(self, found: Callable[[str], None]) -> None:
        self._found = found
        self._names = Names()
        self._depth = 0
        self._spoken_at = 0
        self._inside_text = False
        self._collector = TextCollector()

    def start(self, name: str, _attributes: dict[str, str]) -> None:
        """A tag opens."""
        self._depth += 1
        short = self._names[name]
        if self._depth == 1 and short != "sst":
            raise XmlError("it holds no shared strings")
        if self._depth > MAX_DEPTH:
            raise XmlError(f"more than {MAX_DEPTH} elements stand within each other")
        if short == "rPh" and not self._spoken_at:
            self._spoken_at = self._depth
        self._inside_text = short == "t" and not self._spoken_at

    def end(self, _name: str) -> None:
        """A tag closes."""
        self._inside_text = False
        if self._depth == 2:
            self._found(self._collector.take())
        if self._depth == self._spoken_at:
            self._spoken_at = 0
        self._depth -= 1

    def text(self, data: str) -> None:
        """Characters."""
        if self._inside_text:
            self._collector.add(data)
