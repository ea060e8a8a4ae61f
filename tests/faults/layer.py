"""A layer between thumbs and the disk that fails or kills at a chosen operation.

It stands where Python meets the operating system: opening, reading, writing, syncing,
renaming, linking and removing files, and every SQLite statement. Below Python's buffers, a
write that fails or is killed has half of its bytes on the disk, as a real one may.
"""

from __future__ import annotations

import builtins
import contextlib
import errno
import io
import os
import signal
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

KINDS = ("ENOSPC", "EIO", "EINTR", "SIGKILL")

_SQLITE_SAYS = {
    "ENOSPC": sqlite3.OperationalError("database or disk is full"),
    "EIO": sqlite3.OperationalError("disk I/O error"),
    "EINTR": sqlite3.OperationalError("interrupted"),
    "CORRUPT": sqlite3.DatabaseError("database disk image is malformed"),
}
# These need room, so on a full disk all that come later fail too.
_NEEDS_ROOM = ("create", "write", "fsync", "mkdir", "link", "sqlite")


@dataclass
class Layer:
    """Counts the operations under some folders, and disturbs one of them.

    Attributes:
        roots: operations on other files are neither counted nor disturbed.
        at: the number of the operation to disturb, from 1; 0 disturbs none.
        kind: one of KINDS, or CORRUPT, which is for SQLite alone.
        trace: what happened, one word and a name each.
    """

    roots: tuple[Path, ...]
    at: int = 0
    kind: str = "EIO"
    trace: list[str] = field(default_factory=list)

    def step(self, what: str, name: str, before_death: Callable[[], object] = int) -> None:
        """Count one operation, and fail or die where it is the chosen one."""
        self.trace.append(f"{what} {name}")
        number = len(self.trace)
        full = self.kind == "ENOSPC" and self.at and number > self.at
        if number != self.at and not (full and what in _NEEDS_ROOM):
            return
        if self.kind != "EINTR":  # which says that nothing was done
            before_death()
        if self.kind == "SIGKILL":
            os.kill(os.getpid(), signal.SIGKILL)
        if what == "sqlite":
            raise _SQLITE_SAYS[self.kind]
        if self.kind != "CORRUPT":
            code = getattr(errno, self.kind)
            raise OSError(code, os.strerror(code), name)

    def watches(self, path: object) -> bool:
        """Whether a file is under one of the roots."""
        if not isinstance(path, (str, os.PathLike)):
            return False
        return any(Path(os.fspath(path)).is_relative_to(root) for root in self.roots)

    @contextlib.contextmanager
    def installed(self) -> Iterator[Layer]:
        """Stand between this process and the disk."""
        with contextlib.ExitStack() as stack:
            opener = self._opener(io.open)
            stack.enter_context(patch.object(io, "open", opener))
            stack.enter_context(patch.object(builtins, "open", opener))
            stack.enter_context(patch.object(os, "fsync", self._sync))
            for name in ("open", "replace", "unlink", "mkdir", "link"):
                stack.enter_context(patch.object(os, name, self._named(name, getattr(os, name))))
            stack.enter_context(patch.object(sqlite3, "connect", self._connector()))
            yield self

    def _opener(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def opened(file: Any, mode: str = "r", *rest: Any, **more: Any) -> Any:
            if mode not in ("rb", "wb", "xb") or not self.watches(file):
                return original(file, mode, *rest, **more)
            self.step("open" if mode == "rb" else "create", Path(file).name)
            raw = _Raw(file, mode)
            raw.layer = self
            return io.BufferedReader(raw) if mode == "rb" else io.BufferedWriter(raw)

        return opened

    def _named(self, name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        def call(path: Any, *rest: Any, **more: Any) -> Any:
            if self.watches(path):
                self.step(name, Path(path).name)
            return original(path, *rest, **more)

        return call

    def _sync(self, _descriptor: int) -> None:
        # Processes die here, not machines: really to sync would only take time.
        self.step("fsync", "")

    def _connector(self) -> Callable[..., sqlite3.Connection]:
        original, layer = sqlite3.connect, self

        class Connection(sqlite3.Connection):
            def execute(self, sql: str, *parameters: Any) -> sqlite3.Cursor:
                layer.step("sqlite", " ".join(sql.split()[:2]))
                return super().execute(sql, *parameters)

            def executemany(self, sql: str, *parameters: Any) -> sqlite3.Cursor:
                layer.step("sqlite", " ".join(sql.split()[:2]))
                return super().executemany(sql, *parameters)

        def connect(path: Any, **options: Any) -> sqlite3.Connection:
            self.step("sqlite", "connect")
            return original(path, factory=Connection, **options)

        return connect


class _Raw(io.FileIO):
    """A file below Python's buffer."""

    layer: Layer

    def readinto(self, buffer: Any) -> int | None:
        self.layer.step("read", Path(str(self.name)).name)
        return super().readinto(buffer)

    def readall(self) -> bytes:
        self.layer.step("read", Path(str(self.name)).name)
        return super().readall()

    def write(self, content: Any) -> int:
        half = memoryview(content)[: len(content) // 2]
        write = super().write
        self.layer.step("write", Path(str(self.name)).name, lambda: write(half))
        return write(content)
