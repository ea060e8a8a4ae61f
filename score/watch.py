"""Whether the input is still the file that was opened, all the while it is read."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from score.errors import DataError
from score.tables.columns import shown


class InputWatch:
    """Context manager: remembers size, time of change and identity of a file.

    Enter it before the file is opened. Where the reader finds bad data in a file that has
    changed meanwhile, it is the change that is reported.

    Args:
        source: the file; it need not be there, which its reader says better. A stream has
            nothing to watch.
    """

    def __init__(self, source: Path | BinaryIO) -> None:
        self._path = source if isinstance(source, Path) else None
        self._seen = self._look()

    def check(self, *, whole: bool = True) -> None:
        """Refuse a file that is not what it was.

        Args:
            whole: whether as many records as before were read, where that is known.

        Raises:
            DataError: it was written, replaced or removed.
        """
        if not whole or self._look() != self._seen:
            raise self._changed()

    def __enter__(self) -> InputWatch:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if isinstance(error, DataError) and self._look() != self._seen:
            raise self._changed() from error

    def _changed(self) -> DataError:
        return DataError(
            f"{shown(str(self._path), 1000)} changed while it was read. Run again when nothing "
            "writes it; what is scored is kept."
        )

    def _look(self) -> tuple[int, int, int, int] | None:
        try:
            status = self._path.stat() if self._path else None
        except OSError:
            return None
        return status and (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
