"""thumbs: label a spreadsheet of reviews, offline, with a confidence that can be believed.

The front door. From Python, ``from thumbs import Scorer, score_file, score_frame``; from a
shell, the command ``thumbs``. Nothing heavy is imported until it is used: the Python names
are resolved when they are asked for, and the command line is built when it is run.
"""

from __future__ import annotations

import importlib
import logging
import os
import signal
import sys
import time
import traceback
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

    import click

    from score.frames import score_frame
    from score.scorer import Score, Scorer, ScorerSettings
    from score.scoring import FileSettings, score_file

_NAMES = {
    "FileSettings": "score.scoring",
    "Score": "score.scorer",
    "Scorer": "score.scorer",
    "ScorerSettings": "score.scorer",
    "score_file": "score.scoring",
    "score_frame": "score.frames",
}

__all__ = ["FileSettings", "Score", "Scorer", "ScorerSettings", "main", "score_file", "score_frame"]

_GO_ON = "Interrupted; what is done is kept: type the same line again to go on."
_LEAVING = 2.0
"""Seconds that a run which was told to stop may take to leave; being told again changes nothing."""
_STOPPED = (128 + signal.SIGINT, 128 + signal.SIGTERM)


def __getattr__(name: str) -> Any:
    """Resolve a public name on its first use (PEP 562)."""
    if name not in _NAMES:
        raise AttributeError(f"module 'thumbs' has no attribute {name!r}")
    return getattr(importlib.import_module(_NAMES[name]), name)


def command_line() -> click.Group:
    """The group of all commands."""
    import click

    from export.cli import export
    from finetune.cli import finetune
    from score.cli import info, score

    @click.group(context_settings={"auto_envvar_prefix": "THUMBS", "max_content_width": 100})
    @click.version_option(package_name="thumbs", message="%(prog)s %(version)s")
    def thumbs() -> None:
        """Label a spreadsheet of reviews on this computer, offline."""

    for command in (score, info, finetune, export):
        thumbs.add_command(command)
    return thumbs


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and leave with its exit code; see :mod:`score.errors`.

    Args:
        arguments: the words behind ``thumbs``; None takes them from the command line.
    """
    logging.basicConfig(level=logging.WARNING, format="thumbs: %(message)s", stream=sys.stderr)
    for number in (signal.SIGINT, signal.SIGTERM):
        # Whoever started us may want a signal ignored, as nohup and a shell's & do.
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _Stop())
    code = _run(arguments)
    # What is left in stdout's buffer may meet a closed pipe, and a traceback at exit.
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if code in _STOPPED:
        # Nothing is open any more, and Python would wait for a review that was given up.
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def _run(arguments: Sequence[str] | None) -> int:
    try:
        code = command_line().main(arguments, prog_name="thumbs", standalone_mode=False)
    except (Exception, KeyboardInterrupt, _Stopped) as exc:  # noqa: BLE001 - the last border
        if os.environ.get("THUMBS_DEBUG"):
            traceback.print_exception(exc)
        message, code = _verdict(exc)
        if message:
            print("thumbs:", _plain(message, exc), file=sys.stderr)  # noqa: T201 - the one border
    return code if isinstance(code, int) else 0


def _plain(message: str, exc: BaseException) -> str:
    """Put a message on one line, but for the readings of data that has several."""
    from score.errors import AmbiguousError

    lines = message.splitlines() if isinstance(exc, AmbiguousError) else [message]
    return "\n  ".join(" ".join(line.split()) for line in lines)


def _verdict(exc: BaseException) -> tuple[str, int]:
    """The one line that an exception becomes, and the exit code."""
    import click

    from score.errors import (
        EXIT_BUG,
        SIGNAL_CODES,
        ReaderLeftError,
        StorageError,
        ThumbsError,
        UsageError,
    )

    match exc:
        case click.UsageError():
            hint = f" See {exc.ctx.command_path} --help." if exc.ctx else ""
            verdict = exc.format_message() + hint, UsageError.exit_code
        case ReaderLeftError() | BrokenPipeError():
            # As if SIGPIPE had ended us, without a word.
            verdict = "", ReaderLeftError.exit_code
        case ThumbsError():
            verdict = str(exc), exc.exit_code
        case _Stopped():
            verdict = _GO_ON, SIGNAL_CODES + exc.number
        case KeyboardInterrupt() | click.Abort():
            verdict = _GO_ON, SIGNAL_CODES + signal.SIGINT
        case OSError():
            place = exc.filename or "Reading or writing"
            verdict = f"{place} failed: {exc.strerror}.", StorageError.exit_code
        case _:
            verdict = (
                f"This is a bug in thumbs: {type(exc).__name__}: {exc}. "
                "Run again with THUMBS_DEBUG=1 and report what it shows.",
                EXIT_BUG,
            )
    return verdict


class _Stopped(BaseException):
    """SIGINT or SIGTERM. No KeyboardInterrupt: click would print an empty line for one."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class _Stop:
    """The handler of a signal: ends the run in an orderly way, and lets it leave in peace.

    A second Ctrl-C would cut off what the first one has begun to put away. Only where the
    run is still there after the time to leave, as when a library swallowed the exception,
    it is told again.
    """

    _last = -_LEAVING

    def __call__(self, number: int, _frame: FrameType | None) -> None:
        now = time.monotonic()
        if now - _Stop._last >= _LEAVING:
            _Stop._last = now
            raise _Stopped(number)


if __name__ == "__main__":
    main()
