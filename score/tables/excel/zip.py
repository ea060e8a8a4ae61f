"""Writing a zip package from the parts of another one, most of them packed as they are.

The standard library can write a package but not copy a packed part, and a writer of its
that is given up, as on an error, still writes a directory when it is thrown away.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from dataclasses import dataclass
from typing import BinaryIO

from score.tables.excel.package import Package

# APPNOTE.TXT, sections 4.3.7 to 4.3.16.
_LOCAL = struct.Struct("<4sHHHHHLLLHH")
_CENTRAL = struct.Struct("<4sBBHHHHHLLLHHHHHLL")
_DESCRIPTOR = struct.Struct("<4sLLL")
_DESCRIPTOR_64 = struct.Struct("<4sLQQ")
_END = struct.Struct("<4sHHHHLLH")
_END_64 = struct.Struct("<4sQHHLLQQQQ")
_LOCATOR_64 = struct.Struct("<4sLQL")
_EXTRA = struct.Struct("<HH")

_SIZES_FOLLOW = 0x8
_UTF8 = 0x800
_EXTRA_64 = 1
_VERSION_64 = 45
_FULL_16 = 0xFFFF
_FULL_32 = 0xFFFFFFFF

LARGE = 2 * 1024**3
"""Bytes of an old part from which on its new version may pass 4 GiB."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """A part in the new package; ``info`` says what it takes over from the old one."""

    info: zipfile.ZipInfo
    offset: int
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    large: bool

    def local(self) -> bytes:
        """The header before its bytes."""
        # Sizes that are not known yet, or not in so few bytes, stand elsewhere.
        later = bool(self.flags & _SIZES_FOLLOW)
        crc = 0 if later else self.crc
        sizes = (0, 0) if later else (self.packed, self.size)
        extra = _extra_without_64(self.info.extra)
        if self.large:
            extra = struct.pack("<HHQQ", _EXTRA_64, 16, sizes[1], sizes[0]) + extra
            sizes = (_FULL_32, _FULL_32)
        name = _name(self.info)
        start = _LOCAL.pack(
            b"PK\3\4",
            self._version(),
            self.flags,
            self.method,
            *_moment(self.info),
            crc,
            *sizes,
            len(name),
            len(extra),
        )
        return start + name + extra

    def central(self) -> bytes:
        """Its line in the directory."""
        info, name = self.info, _name(self.info)
        values = [self.size, self.packed, self.offset]
        far = [value for value in values if self.large or value >= _FULL_32]
        size, packed, offset = (_FULL_32 if value in far else value for value in values)
        extra = _extra_without_64(info.extra)
        if far:
            extra = struct.pack(f"<HH{len(far)}Q", _EXTRA_64, 8 * len(far), *far) + extra
        start = _CENTRAL.pack(
            b"PK\1\2",
            info.create_version,
            info.create_system,
            _VERSION_64 if far else self._version(),
            self.flags,
            self.method,
            *_moment(info),
            self.crc,
            packed,
            size,
            len(name),
            len(extra),
            len(info.comment),
            0,
            info.internal_attr,
            info.external_attr,
            offset,
        )
        return start + name + extra + info.comment

    def descriptor(self) -> bytes:
        """What stands behind its bytes when the header had to be written before them."""
        layout = _DESCRIPTOR_64 if self.large else _DESCRIPTOR
        return layout.pack(b"PK\7\x08", self.crc, self.packed, self.size)

    def _version(self) -> int:
        return max(self.info.extract_version, _VERSION_64 if self.large else 0)


class PackageWriter:
    """Writes a package, part after part.

    Args:
        target: where it goes; it stays open, and is only ever written to.
        package: the one that parts are taken from.
    """

    def __init__(self, target: BinaryIO, package: Package) -> None:
        self.offset = 0
        self._target = target
        self._package = package
        self._entries: list[_Entry] = []

    def write(self, data: bytes) -> None:
        """Write bytes of a part."""
        self._target.write(data)
        self.offset += len(data)

    def copy(self, info: zipfile.ZipInfo) -> None:
        """Copy a part as it is packed.

        Raises:
            DataError: it is not where the directory says.
            StorageError: reading failed.
        """
        entry = _Entry(
            info=info,
            offset=self.offset,
            flags=info.flag_bits & ~_SIZES_FOLLOW,
            method=info.compress_type,
            crc=info.CRC,
            packed=info.compress_size,
            size=info.file_size,
            large=max(info.compress_size, info.file_size) >= _FULL_32,
        )
        self.write(entry.local())
        for chunk in self._package.packed(info):
            self.write(chunk)
        self._entries.append(entry)

    def replace(self, info: zipfile.ZipInfo) -> PartWriter:
        """Start a new version of a part; nothing else may be written until it is closed."""
        return PartWriter(self, info)

    def finished(self, entry: _Entry) -> None:
        """Take a part into the directory."""
        self._entries.append(entry)

    def close(self) -> None:
        """Write the directory, in the old one's order whatever the order of the parts."""
        start = self.offset
        order = {info.filename: place for place, info in enumerate(self._package.infos)}
        for entry in sorted(self._entries, key=lambda entry: order[entry.info.filename]):
            self.write(entry.central())
        size, count, comment = self.offset - start, len(self._entries), self._package.comment
        if count >= _FULL_16 or max(size, start) >= _FULL_32:
            end = self.offset
            version = (_VERSION_64, _VERSION_64)
            counts = (count, count)
            self.write(_END_64.pack(b"PK\6\6", 44, *version, 0, 0, *counts, size, start))
            self.write(_LOCATOR_64.pack(b"PK\6\7", 0, end, 1))
        counts = (min(count, _FULL_16),) * 2
        places = (min(size, _FULL_32), min(start, _FULL_32))
        self.write(_END.pack(b"PK\5\6", 0, 0, *counts, *places, len(comment)) + comment)


class PartWriter:
    """Packs the new version of a part while it is written.

    Args:
        package: where it goes.
        info: the old version.
    """

    def __init__(self, package: PackageWriter, info: zipfile.ZipInfo) -> None:
        self._package = package
        self._info = info
        self._start = package.offset
        self._large = info.file_size >= LARGE
        self._packer = zlib.compressobj(zlib.Z_DEFAULT_COMPRESSION, zlib.DEFLATED, -zlib.MAX_WBITS)
        self._crc = 0
        self._size = 0
        package.write(self._entry(0).local())
        self._first = package.offset

    def write(self, data: bytes) -> None:
        """Take the next bytes of the part."""
        self._crc = zlib.crc32(data, self._crc)
        self._size += len(data)
        self._package.write(self._packer.compress(data))

    def close(self) -> None:
        """Write what is still held back."""
        self._package.write(self._packer.flush())
        entry = self._entry(self._package.offset - self._first)
        self._package.write(entry.descriptor())
        self._package.finished(entry)

    def _entry(self, packed: int) -> _Entry:
        return _Entry(
            info=self._info,
            offset=self._start,
            flags=(self._info.flag_bits & _UTF8) | _SIZES_FOLLOW,
            method=zipfile.ZIP_DEFLATED,
            crc=self._crc,
            packed=packed,
            size=self._size,
            large=self._large,
        )


def _name(info: zipfile.ZipInfo) -> bytes:
    return info.orig_filename.encode("utf-8" if info.flag_bits & _UTF8 else "cp437")


def _moment(info: zipfile.ZipInfo) -> tuple[int, int]:
    """Time and date as MS-DOS counts them."""
    year, month, day, hour, minute, second = info.date_time
    return hour << 11 | minute << 5 | second // 2, year - 1980 << 9 | month << 5 | day


def _extra_without_64(extra: bytes) -> bytes:
    """Extra fields of a part, without the one that repeats its sizes."""
    kept = b""
    while len(extra) >= _EXTRA.size:
        kind, length = _EXTRA.unpack_from(extra)
        one, extra = extra[: _EXTRA.size + length], extra[_EXTRA.size + length :]
        if kind != _EXTRA_64:
            kept += one
    return kept
