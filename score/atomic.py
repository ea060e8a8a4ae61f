"""A file that is absent, old or complete, whatever happens while it is written.

The content goes to a temporary neighbour, is synced, and takes the file's name in one
step; the folder is synced behind it. The neighbour's name follows from the file's, so
what a killed run left is taken over by the next one. (Of the libraries for this,
atomicwrites is no longer kept and safer does not sync; the whole of it is this module.)
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from score.errors import OutputError, StorageError, ThumbsError

logger = logging.getLogger(__name__)

# That the disk is full or broken says nothing about the place that was chosen.
_STORAGE_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EIO}


class AtomicFile:
    """Context manager: write to :attr:`file`; leaving it without an error puts it in place.

    Where several files belong together, :meth:`prepare` and :meth:`place` do the two halves
    of that: all that can fail for want of room is in the first.

    Args:
        path: the file to make; where it is a link, its target.

    Attributes:
        file: the open temporary neighbour.
        path: the file to make, links resolved.
        temporary: the temporary neighbour's path.
        placed: whether it has its name.

    Raises:
        OutputError: the file cannot be made there.
        StorageError: it cannot be finished: an I/O error, or the disk is full.
    """

    def __init__(self, path: Path) -> None:
        self.placed = False
        self._name = path
        try:
            self.path = path.resolve()
            self.temporary = temporary_of(self.path)
            # Not merely opened: a link that lies there would be followed.
            self.temporary.unlink(missing_ok=True)
            self.file: BinaryIO = self.temporary.open("xb")
        except OSError as exc:
            raise _cannot_be_created(path, exc) from exc

    def prepare(self) -> None:
        """Make the content durable under its temporary name.

        Raises:
            StorageError: an I/O error, or the disk is full.
        """
        with self._translated():
            self.file.flush()
            os.fsync(self.file.fileno())
            self.file.close()
            if self.path.exists():
                shutil.copymode(self.path, self.temporary)

    def mark(self) -> None:
        """Give the prepared content the name :func:`ready_mark_of` instead: see score.commit.

        Raises:
            StorageError: it cannot be renamed.
        """
        with self._translated():
            self.temporary = self.temporary.replace(ready_mark_of(self.path))

    def place(self) -> None:
        """Give the prepared content its name.

        Raises:
            StorageError: it cannot be renamed.
        """
        with self._translated():
            self.temporary.replace(self.path)
        self.placed = True
        sync_folder(self.path)

    def discard(self) -> None:
        """Throw the temporary neighbour away; what cannot be removed, the next run takes over."""
        # Closing flushes, which fails again where the disk is full.
        with contextlib.suppress(OSError):
            self.file.close()
        with contextlib.suppress(OSError):
            self.temporary.unlink(missing_ok=True)

    def __enter__(self) -> AtomicFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if error is None:
                self.prepare()
                self.place()
        finally:
            self.discard()

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except OSError as exc:
            raise StorageError(f"{self._name} cannot be finished: {exc.strerror}.") from exc


def temporary_of(path: Path) -> Path:
    """The temporary neighbour of a resolved path, while it is written."""
    return path.with_name(f".{path.name}.part")


def ready_mark_of(path: Path) -> Path:
    """The temporary neighbour of a resolved path, from when all is written until it is placed."""
    return path.with_name(f".{path.name}.ready")


def sync_folder(path: Path) -> None:
    """Make the new name of a file itself durable; Windows has no such call and needs none.

    By now the file is complete, and some network drives sync no folders: a failure is worth
    a warning, not the run.
    """
    if os.name == "nt":
        return
    try:
        descriptor = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as exc:
        logger.warning(
            "%s is complete, but its folder could not be synced (%s): "
            "a power cut in the next seconds may undo it",
            path,
            exc.strerror,
        )


def _cannot_be_created(path: Path, cause: OSError) -> ThumbsError:
    if cause.errno in _STORAGE_ERRORS:
        return StorageError(f"{path} cannot be created: {cause.strerror}.")
    return OutputError(f"{path} cannot be created: {cause.strerror}. Name another place with -o.")
