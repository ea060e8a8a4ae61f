"""Forks in place of the processes that read spreadsheets: the same, many times as fast.

A process takes 25 ms to start and to import calamine; a fork of one that has imported it
takes one. It runs the same function under the same limits, and may crash in the same way.
"""

from __future__ import annotations

import io
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO
from unittest import mock

from score.tables.calamine import child, process

PANICS = {"RUST_BACKTRACE": "0", "RUST_LIB_BACKTRACE": "0"}


class Fork:
    """As much of ``subprocess.Popen`` as a reader of spreadsheets uses.

    Args:
        path: the file to read.

    Attributes:
        peak: the most memory that a fork had so far, in MiB.
        seconds: how long a processor worked for all of them.
    """

    peak = 0
    seconds = 0.0

    def __init__(self, path: str) -> None:
        requests, self_requests = os.pipe()
        self_answers, answers = os.pipe()
        sys.stdout.flush()
        self._pid = os.fork()
        if not self._pid:
            _serve(path, requests, answers)
        os.close(requests)
        os.close(answers)
        self.stdin: IO[bytes] = os.fdopen(self_requests, "wb")
        self.stdout: IO[bytes] = os.fdopen(self_answers, "rb")

    def kill(self) -> None:
        """End it."""
        if self._pid:
            os.kill(self._pid, signal.SIGKILL)

    def wait(self) -> None:
        """Wait for its end, and note what it used."""
        if self._pid:
            _, _, used = os.wait4(self._pid, 0)
            self._pid = 0
            Fork.peak = max(Fork.peak, used.ru_maxrss // 1024)
            Fork.seconds += used.ru_utime + used.ru_stime


def _serve(path: str, requests: int, answers: int) -> None:
    """Be the other process, and end."""
    code = 1
    try:
        os.setsid()
        os.dup2(requests, 0)
        os.dup2(answers, 1)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        os.closerange(3, 256)
        sys.stdin = io.TextIOWrapper(open(0, "rb", closefd=False))  # noqa: SIM115
        sys.stdout = io.TextIOWrapper(open(1, "wb", closefd=False))  # noqa: SIM115
        child.main(path)
        sys.stdout.buffer.flush()
        code = 0
    finally:
        # Nothing of the other program may happen here, neither its end nor its tests.
        os._exit(code)


@contextmanager
def forks() -> Iterator[type[Fork]]:
    """Read spreadsheets in forks of this process."""
    import python_calamine  # noqa: F401 - so that no fork has to

    with (
        mock.patch.dict(os.environ, PANICS),
        mock.patch.object(process, "start", Fork),
        # A thread takes as long as the rest, and whoever forks should have none.
        mock.patch.object(threading, "Timer", mock.Mock()),
    ):
        yield Fork
