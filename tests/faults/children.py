"""Work done in a forked child, which may be killed in the middle of it."""

from __future__ import annotations

import os
import pickle
import signal
import sys
import traceback
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class Killed(Exception):  # noqa: N818 - no error, but what was to happen
    """The child ended by SIGKILL."""


def in_child(work: Callable[[], T]) -> T:
    """Do ``work`` in a forked child and give back what it returns.

    Raises:
        Killed: the child was killed.
        RuntimeError: it failed; the message is its traceback.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        _work_and_leave(work, write)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        answer = pipe.read()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
        raise Killed
    result, failure = pickle.loads(answer)  # noqa: S301 - our own child wrote it
    if failure:
        raise RuntimeError(failure)
    return result  # type: ignore[no-any-return]


def _work_and_leave(work: Callable[[], object], pipe: int) -> None:
    try:
        answer: tuple[object, str] = (work(), "")
    except BaseException:  # noqa: BLE001 - the parent is told
        answer = (None, traceback.format_exc())
    with os.fdopen(pipe, "wb") as file:
        file.write(pickle.dumps(answer))
    os._exit(0)
