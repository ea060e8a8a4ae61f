"""SIGINT and SIGTERM, kept out of the few moments that must not be cut in two.

Whoever runs the scorer decides what a signal does: Python raises KeyboardInterrupt on
SIGINT, the command line raises on SIGTERM too. Such an exception may come up between any
two steps, also between the two renames that belong together; here it waits for a moment.
Signals reach the main thread alone, so in any other there is nothing to hold back.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType, TracebackType
from typing import Any

_NUMBERS = (signal.SIGINT, signal.SIGTERM)


class LastMoments:
    """Context manager: from :meth:`begin` until it is left, signals come too late.

    For the end of a run: from the first rename on it is about to be complete, and a signal
    that would have stopped it has nothing left to stop.
    """

    def __init__(self) -> None:
        self._before: dict[signal.Signals, Any] = {}
        self.late: list[int] = []

    def begin(self) -> None:
        """Note signals in ``late``, and do nothing about them."""
        if threading.current_thread() is not threading.main_thread():
            return
        for number in _NUMBERS:
            # A handler that was not set from Python is None and could not be put back.
            if number not in self._before and signal.getsignal(number) is not None:
                self._before[number] = signal.signal(number, self._note)

    def _note(self, number: int, _frame: FrameType | None) -> None:
        self.late.append(number)

    def __enter__(self) -> LastMoments:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        while self._before:
            signal.signal(*self._before.popitem())


@contextlib.contextmanager
def postponed() -> Iterator[None]:
    """SIGINT and SIGTERM wait until the block is left, then take their usual way."""
    with LastMoments() as moments:
        moments.begin()
        yield
    for number in moments.late[:1]:
        signal.raise_signal(number)
