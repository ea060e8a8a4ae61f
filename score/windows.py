"""How much is scored at a time, and then remembered."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

WINDOW = 2048
"""The most texts that are scored before their answers are remembered."""

WINDOW_READ = 300_000
"""The most characters that the model reads before: about the work of three seconds, which a
killed run has to do again."""

WINDOW_CHARACTERS = 4 * 1024 * 1024
"""The most characters that are held for it."""

# Of one text, however long: 256 tokens are 1,300 characters.
_READ = 1300

T = TypeVar("T")


def windows(items: Iterable[T], length: Callable[[T], int]) -> Iterator[list[T]]:
    """What is scored and remembered together.

    Args:
        items: texts, or what has one.
        length: how many characters an item has.
    """
    window: list[T] = []
    read = held = 0
    for item in items:
        window.append(item)
        held += length(item)
        read += min(length(item), _READ)
        if len(window) >= WINDOW or read > WINDOW_READ or held > WINDOW_CHARACTERS:
            yield window
            window, read, held = [], 0, 0
    if window:
        yield window
