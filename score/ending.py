"""A record of the last moments of a run, so that a kill in them leaves no riddle.

When the output takes its name a run is not over yet: rejects of an older output may have to
go, a summary is to be written, and whoever started it has not been told. A run that is
killed there would find its own output in its way when the same line is typed again, or, in
place, a file that is labelled already. So it writes down before the first name is taken
what line it obeys, which files it leaves and what it counted, and forgets that at its end.
The next run that finds the record, from the same line and with these very files in their
places, has nothing to score: it does what is left to do, and says the same.

The record lies beside the lock and is read and written under it. A file is known by its
number, size and time of change, which a new name does not change and anything written does.
Nothing is ever overwritten on the word of a record.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from score.atomic import AtomicFile
from score.commit import rejects_path, remove_old_rejects
from score.errors import ThumbsError
from score.lock import lock_file
from score.summary import Summary

logger = logging.getLogger(__name__)

_MOST_BYTES = 1024 * 1024

_NO_RECORD = (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError)


@dataclass(frozen=True, slots=True)
class Leaving:
    """What a run is about to leave.

    Attributes:
        files: each file, by its name to be, and where it is now.
        rejects: the file of the rejects, where there are any.
        backup: what was kept of the input, where it is replaced.
    """

    files: Mapping[Path, Path]
    rejects: Path | None
    backup: Path | None


class EndingRecord:
    """The record of one output; use it under the output's lock.

    Args:
        output: the output.
    """

    def __init__(self, output: Path) -> None:
        self._output = output
        self._file = lock_file(output).with_suffix(".ending")

    def exists(self) -> bool:
        """Whether an earlier run left one, of whatever line."""
        return self._file.exists()

    def write(self, line: str, leaving: Leaving, summary: Summary) -> None:
        """Write down what is about to take its name.

        Where that cannot be written the run goes on: no output is at stake, but a kill in
        the next moments would be told as an output that is there already.

        Args:
            line: everything that decides the output; see :func:`line_of`.
            leaving: the files.
            summary: the counts, complete.
        """
        record = {
            "line": line,
            "files": {str(name): identity(now) for name, now in leaving.files.items()},
            "old_rejects": None if leaving.rejects else identity(rejects_path(self._output)),
            "summary": asdict(summary),
        }
        try:
            with AtomicFile(self._file) as file:
                file.file.write(json.dumps(record).encode())
        except (ThumbsError, OSError) as exc:
            logger.warning("%s: the end of the run cannot be noted: %s", self._output, exc)

    def finish(self, line: str) -> Summary | None:
        """Do what a run of this very line left to do.

        Returns:
            Its counts; None where it was another line, or a file is not what it left.

        Raises:
            StorageError: the rejects of the output that it replaced cannot be removed.
        """
        try:
            if self._file.stat().st_size > _MOST_BYTES:
                return None
            record = json.loads(self._file.read_bytes())
            summary = Summary(**record["summary"])
            same = record["line"] == line and all(
                identity(Path(name)) == file for name, file in record["files"].items()
            )
            old = rejects_path(self._output)
            rejects = identity(old)
            if not same or (
                summary.rejects is None and rejects not in (None, record["old_rejects"])
            ):
                return None
        except _NO_RECORD:
            return None
        if summary.rejects is None and rejects:
            remove_old_rejects(self._output, old)
        return summary

    def forget(self) -> None:
        """Remove the record; one that stays says no more than what is true."""
        with contextlib.suppress(OSError):
            self._file.unlink(missing_ok=True)


def line_of(*decisive: object) -> str:
    """A digest of everything that decides what a run leaves."""
    return hashlib.sha256(repr(decisive).encode(errors="replace")).hexdigest()


def identity(path: Path) -> list[int] | None:
    """What a file is known by, under whatever name; None where there is none."""
    try:
        status = path.lstat()
    except OSError:
        return None
    return [status.st_ino, status.st_size, status.st_mtime_ns]
