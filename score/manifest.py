"""The plain values of a manifest, which anybody may have written."""

from __future__ import annotations

from typing import Any

from score.tables.columns import shown

_MOST_FILES = 100
_LONGEST_TEXT = 1000


def digests(files: dict[str, Any]) -> dict[str, str]:
    """The digest of each file.

    Raises:
        AttributeError, TypeError, ValueError: they are none.
    """
    if len(files) > _MOST_FILES:
        raise ValueError(f"{len(files)} files")
    return {name: text(sha256) for name, sha256 in files.items()}


def values(found: Any, most: int) -> list[Any]:
    """A list of ``most`` values at most.

    Raises:
        TypeError: it is none.
    """
    if not isinstance(found, list) or len(found) > most:
        raise TypeError(f"no list of {most} at most: {shown(str(found))}")
    return found


def text(value: Any) -> str:
    """A text that can stand in a line.

    Raises:
        TypeError: it is none.
    """
    if not isinstance(value, str) or not value.isprintable() or len(value) > _LONGEST_TEXT:
        raise TypeError(f"no text for a line: {shown(str(value))}")
    return value
