"""A file that is absent, old or complete, whatever happens while it is written.

The content goes to a temporary neighbour, is synced, and takes the file's name in one
step; the folder is synced behind it. The neighbour's name follows from the file's, so
what a killed run left is taken over by the next one. (Of the libraries for this,
atomicwrites is no longer kept and safer does not sync; the whole of it is this module.)
"""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from score.errors import OutputError, StorageError


class AtomicFile:
    """Context manager: write to :attr:`file`; leaving it without an error puts it in place.

    Args:
        path: the file to make; where it is a link, its target.

    Attributes:
        file: the open temporary neighbour.

    Raises:
        OutputError: the file cannot be made there.
        StorageError: it cannot be finished: an I/O error, or the disk is full.
    """

    def __init__(self, path: Path) -> None:
        self._name = path
        self._path = path.resolve()
        self._temporary = self._path.with_name(f".{self._path.name}.part")
        try:
            self.file: BinaryIO = self._temporary.open("wb")
        except OSError as exc:
            raise OutputError(
                f"{path} cannot be created: {exc.strerror}. Name another place with -o."
            ) from exc

    def __enter__(self) -> AtomicFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:
            self._discard()
            return
        try:
            self._commit()
        except OSError as exc:
            self._discard()
            raise StorageError(f"{self._name} cannot be finished: {exc.strerror}.") from exc

    def _commit(self) -> None:
        self.file.flush()
        os.fsync(self.file.fileno())
        self.file.close()
        if self._path.exists():
            shutil.copymode(self._path, self._temporary)
        self._temporary.replace(self._path)
        _sync_folder(self._path.parent)

    def _discard(self) -> None:
        # Closing flushes, which fails again where the disk is full.
        with contextlib.suppress(OSError):
            self.file.close()
        with contextlib.suppress(OSError):
            self._temporary.unlink()


def _sync_folder(folder: Path) -> None:
    """Make the new name itself durable; Windows has no such call and needs none."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
