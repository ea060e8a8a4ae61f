"""The zip package of a workbook: is it one, is it safe, and how are its parts read.

Every part is read as a stream and never further than the package's directory says, and
the directory may not say more than a sheet can honestly hold. So what a file can cost
follows from its size.
"""

from __future__ import annotations

import posixpath
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from score.errors import DataError, ThumbsError
from score.tables.columns import shown
from score.tables.excel.xml import XmlError, elements

if TYPE_CHECKING:
    from score.tables import Source

MAX_WHOLE = 32 * 1024**2
"""Bytes of a part that is held in memory whole; sheets and shared strings are not."""

FREE_UNPACKED = 32 * 1024**2
MAX_RATIO = 200
"""Bytes that a streamed part may unpack to: these, and for each packed byte so many. Sheets
pack to a tenth or twentieth; a bomb packs to a thousandth."""

MAX_DIRECTORY = 4 * 1024**2
"""Bytes of the package's directory: parts by the ten thousand."""

CHUNK = 64 * 1024
SAVE_AGAIN = "Open the workbook in Excel or LibreOffice and save it again."

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_KIND = "an Excel workbook"
_ENCRYPTED = 0x1

# The signature, 22 bytes that the directory repeats, and how long name and extra fields are.
_LOCAL = struct.Struct("<4s22xHH")

# What zipfile raises for damaged and for unusual packages.
_ZIP_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    OSError,
    ValueError,
    NotImplementedError,
    RuntimeError,
)


@dataclass(frozen=True, slots=True)
class Relation:
    """What a part says about another one.

    Attributes:
        id: how the part calls it.
        kind: the last word of its type, such as ``worksheet``.
        target: the other part's name.
    """

    id: str
    kind: str
    target: str


class Package:
    """The parts of a workbook.

    Args:
        source: the opened file.

    Attributes:
        name: what messages call the file.
        infos: what the directory says about each part, in its order.
        comment: the package's own.

    Raises:
        DataError: the file is no package, is encrypted, or lies about its parts.
        StorageError: reading failed.
    """

    def __init__(self, source: Source) -> None:
        self.name = source.name
        self._source = source
        try:
            self._check_start()
            self._zip = zipfile.ZipFile(_Directory(source.stream))
            self.infos = tuple(self._zip.infolist())
            size = source.stream.seek(0, 2)
        except _ZIP_ERRORS as exc:
            raise source.broken(_KIND, exc) from exc
        self.comment = self._zip.comment
        self._parts = {info.filename.casefold(): info for info in self.infos}
        self._check_directory(size)

    def __contains__(self, part: str) -> bool:
        return part.casefold() in self._parts

    def info(self, part: str) -> zipfile.ZipInfo:
        """What the directory says about a part; names are the same in any case.

        Raises:
            DataError: there is no such part.
        """
        try:
            return self._parts[part.casefold()]
        except KeyError:
            raise DataError(
                f"{self.name} is damaged or not {_KIND}: it has no part {shown(part)}. {SAVE_AGAIN}"
            ) from None

    def chunks(self, part: str) -> Iterator[bytes]:
        """Read a part as a stream.

        Raises:
            DataError: it is damaged, or unpacks to far more than it should.
            StorageError: reading failed.
        """
        info = self.info(part)
        if info.file_size > FREE_UNPACKED + MAX_RATIO * info.compress_size:
            raise DataError(
                f"{self.name}: its part {shown(part)} unpacks from {info.compress_size} to "
                f"{info.file_size} bytes, as no honest workbook does. Save the sheet as CSV."
            )
        try:
            with self._zip.open(info) as stream:
                while chunk := stream.read(CHUNK):
                    yield chunk
        except ThumbsError:
            raise
        except _ZIP_ERRORS as exc:
            raise self._source.broken(_KIND, exc) from exc

    def read(self, part: str) -> bytes:
        """Read a small part whole.

        Raises:
            DataError: it is damaged, or not small.
            StorageError: reading failed.
        """
        size = self.info(part).file_size
        if size > MAX_WHOLE:
            raise self.damaged(part, f"it is {size} bytes long, over {MAX_WHOLE}")
        return b"".join(self.chunks(part))

    def relations(self, part: str) -> tuple[Relation, ...]:
        """The parts that a part speaks of; an empty name stands for the whole package.

        Raises:
            DataError: the relations are damaged.
            StorageError: reading failed.
        """
        folder, name = posixpath.split(part)
        listed_in = posixpath.join(folder, "_rels", f"{name}.rels")
        if listed_in not in self:
            return ()
        try:
            found = elements(self.read(listed_in), ("Relationship",))
        except XmlError as exc:
            raise self.damaged(listed_in, str(exc)) from exc
        relations = []
        for attributes in (element.attributes for element in found):
            if attributes.get("TargetMode") == "External":
                continue
            # A target that starts with / is already a whole name; none leads out of the root.
            joined = posixpath.join("/", folder, attributes.get("Target", ""))
            target = posixpath.normpath(joined).lstrip("/")
            kind = attributes.get("Type", "").rpartition("/")[2]
            relations.append(Relation(attributes.get("Id", ""), kind, target))
        return tuple(relations)

    def packed(self, info: zipfile.ZipInfo) -> Iterator[bytes]:
        """Read a part as it is packed.

        Raises:
            DataError: it is not where the directory says.
            StorageError: reading failed.
        """
        place, left = info.header_offset + _LOCAL.size, info.compress_size
        header = _LOCAL.unpack(self._at(info.header_offset, _LOCAL.size).ljust(_LOCAL.size, b"\0"))
        if header[0] != b"PK\3\4":
            raise self.damaged(info.filename, "it is not where the directory says")
        place += header[1] + header[2]
        while left:
            chunk = self._at(place, min(left, CHUNK))
            if not chunk:
                raise self.damaged(info.filename, "it is not where the directory says")
            yield chunk
            place += len(chunk)
            left -= len(chunk)

    def damaged(self, part: str, found: str) -> DataError:
        """Say what is wrong with a part."""
        found = shown(found, 200).rstrip(".")
        return DataError(f"{self.name} is damaged: {shown(part, 80)}: {found}. {SAVE_AGAIN}")

    def close(self) -> None:
        """Release the directory; the file stays open."""
        self._zip.close()

    def _at(self, place: int, size: int) -> bytes:
        try:
            self._source.stream.seek(place)
            return self._source.stream.read(size)
        except (OSError, ValueError) as exc:
            # A directory can name a place before the start.
            raise self._source.broken(_KIND, exc) from exc

    def _check_start(self) -> None:
        start = self._source.stream.read(len(_OLE))
        self._source.stream.seek(0)
        if start == _OLE:
            raise DataError(
                f"{self.name} is protected by a password, or an old .xls workbook. "
                "Open it and save it as .xlsx without a password."
            )

    def _check_directory(self, size: int) -> None:
        """Refuse a directory that no program writes which means well."""
        if sum(info.compress_size for info in self.infos) > size:
            raise self.damaged("its directory", "the parts overlap or are longer than the file")
        if len(self._parts) < len(self.infos):
            raise self.damaged("its directory", "it names a part twice")
        for info in self.infos:
            name = info.orig_filename
            if name.startswith("/") or "\\" in name or "\0" in name or ".." in name.split("/"):
                raise self.damaged("its directory", f"a part is called {shown(name)}")
            if info.flag_bits & _ENCRYPTED:
                raise DataError(
                    f"{self.name} is protected by a password. Save it without a password."
                )


class _Directory:
    """A file for zipfile, which reads the directory at once, however long it says it is."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.seek = stream.seek
        self.tell = stream.tell
        self.seekable = stream.seekable

    def read(self, size: int = -1) -> bytes:
        """Read, but not much at once."""
        data = self._stream.read(size if 0 <= size <= MAX_DIRECTORY else MAX_DIRECTORY + 1)
        if len(data) > MAX_DIRECTORY:
            raise zipfile.BadZipFile(f"its directory is longer than {MAX_DIRECTORY} bytes")
        return data
