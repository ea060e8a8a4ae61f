"""How much is scored at a time, and then remembered."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

WINDOW = 2048
"""The most texts that are scored before their answers are remembered."""

WINDOW_READ = 300_000
"""The most characters that the model reads before: about the work of three seconds. A killed run
has to do two windows again, for the next one is in work while one is written."""

WINDOW_READ_BATCHED = 1_200_000
"""The same where a GPU answers: few batches would leave it idle between two windows."""

WINDOW_HELD = 4 * 1024 * 1024
"""The most characters that are held for it, those of the other columns too."""

TOKEN_CHARACTERS = 5
"""How many characters a token has, about."""

T = TypeVar("T")


def windows(
    items: Iterable[T],
    length: Callable[[T], int],
    reach: int,
    held_by: Callable[[T], int] | None = None,
    *,
    most: int = WINDOW_READ,
) -> Iterator[list[T]]:
    """What is scored and remembered together.

    Args:
        items: texts, or what has one.
        length: how many characters the text of an item has.
        reach: how many of a text the model reads at most.
        held_by: how many characters an item holds; None is its text alone.
        most: how many characters of all are read, but for the last text.
    """
    window: list[T] = []
    read = held = 0
    for item in items:
        window.append(item)
        held += held_by(item) if held_by else length(item)
        read += min(length(item), reach)
        if len(window) >= WINDOW or read > most or held > WINDOW_HELD:
            yield window
            window, read, held = [], 0, 0
    if window:
        yield window
