"""One writer for each output, held by the kernel: it ends with the process, however that ends."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator
from pathlib import Path

from score.errors import BusyError, OutputError
from score.folders import cache_folder


def lock_file(output: Path) -> Path:
    """The file of the lock of ``output``: in the cache folder, named by the output's real path."""
    name = hashlib.sha256(str(output.resolve()).encode("utf-8", "surrogateescape")).hexdigest()
    return cache_folder() / "locks" / f"{name[:32]}.lock"


@contextlib.contextmanager
def only_writer(output: Path) -> Iterator[None]:
    """Hold the lock of ``output``. Its file lies in the cache folder, not beside the output.

    Raises:
        BusyError: another run holds it.
        OutputError: the lock's file cannot be made.
    """
    from filelock import FileLock, Timeout

    file = lock_file(output)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(file, timeout=0)
        lock.acquire()
    except Timeout as exc:
        raise BusyError(
            f"Another run is writing {output}. Wait for it, or name another output with -o."
        ) from exc
    except OSError as exc:
        raise OutputError(
            f"The lock of {output} cannot be made in {file.parent}: {exc.strerror}. "
            "Make that folder writable."
        ) from exc
    try:
        yield
    finally:
        lock.release()
