"""The files of a bundle, read by name, digest and size: no link or pipe leads elsewhere."""

from __future__ import annotations

import hashlib
import mmap
from pathlib import Path

from score.errors import BundleError
from score.onnx_file import UnsafeGraphError, check_graph
from score.tables.columns import shown

MIB = 1024**2
MAX_MANIFEST = 1 * MIB
MAX_FILE = 64 * MIB
"""Bytes of a file other than a graph: the largest is the tokenizer's."""
MAX_GRAPH = 2048 * MIB - 1
"""Bytes of a graph: protobuf has no longer messages."""


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        digest = hashlib.sha256()
        while chunk := file.read(MIB):
            digest.update(chunk)
        return digest.hexdigest()


def read(folder: Path, name: str, limit: int) -> bytes:
    """The content of a file of a bundle.

    Args:
        folder: the bundle's.
        name: of the file.
        limit: the most bytes it may have.

    Raises:
        BundleError: it is not there, too large, no file, or outside of the folder.
    """
    path = _inside(folder, name, limit)
    try:
        return path.read_bytes()
    except OSError as exc:
        raise BundleError(f"{path} cannot be read: {exc.strerror}.") from exc


def check(folder: Path, name: str, sha256: str) -> None:
    """Check a file of a bundle that is no graph.

    Raises:
        BundleError: it cannot be read, or has another digest.
    """
    path = _inside(folder, name, MAX_FILE)
    try:
        found = sha256_of(path)
    except OSError as exc:
        raise BundleError(f"{path} cannot be read: {exc.strerror}.") from exc
    _compare(path, found, sha256)


def read_graph(folder: Path, name: str, sha256: str) -> bytes:
    """The content of a graph, checked.

    Raises:
        BundleError: it cannot be read, has another digest, or does what no classifier does.
    """
    path = _inside(folder, name, MAX_GRAPH)
    try:
        # A large file comes into memory when it is known to be worth it.
        _compare(path, sha256_of(path), sha256)
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view:
            if harm := _harm(view):
                raise BundleError(f"{path} is not to be trusted: {harm}. Export the bundle again.")
            return view[:]
    except ValueError as exc:
        raise BundleError(f"{path} is empty. Export the bundle again.") from exc
    except OSError as exc:
        raise BundleError(f"{path} cannot be read: {exc.strerror}.") from exc


def _harm(view: mmap.mmap) -> str:
    """What is wrong with a graph; an exception would keep parts of the file open."""
    try:
        with memoryview(view) as content:
            check_graph(content)
    except UnsafeGraphError as exc:
        return str(exc)
    return ""


def _inside(folder: Path, name: str, limit: int) -> Path:
    path = folder / name
    try:
        # Not every text can be a path.
        if Path(name).name != name or path.resolve().parent != folder.resolve():
            raise BundleError(f"The bundle {folder} names '{shown(name)}', which is outside of it.")
        size = path.stat().st_size
    except FileNotFoundError as exc:
        raise BundleError(
            f"{folder} is no bundle: it has no {name}. Make one with thumbs export."
        ) from exc
    except (OSError, ValueError, RuntimeError) as exc:
        raise BundleError(
            f"The bundle {folder} names '{shown(name)}', which cannot be read."
        ) from exc
    if not path.is_file():
        raise BundleError(f"{path} is no file. Export the bundle again.")
    if size > limit:
        raise BundleError(
            f"{path} has {size} bytes; {limit} are the most that are read. Export the bundle again."
        )
    return path


def _compare(path: Path, found: str, sha256: str) -> None:
    if found != sha256:
        raise BundleError(
            f"{path} is not the file that the bundle was made with. "
            "Get the bundle anew, or export it again."
        )
