"""What ``--in-place`` replaces is kept: ``reviews.csv`` as ``reviews.csv.bak``.

The backup is made in the last moment, as a second name of the same file where the file
system can do that and as a copy elsewhere, and then the output takes the name. A run that
is killed in between leaves the input twice, which the next run recognises. A backup that
holds anything else is never touched, whatever the options: it may be the only copy.
"""

from __future__ import annotations

import filecmp
import os
import shutil
from pathlib import Path

from score.atomic import AtomicFile
from score.errors import OutputError, StorageError


def backup_path(source: Path) -> Path:
    """Where ``source`` is kept when it is replaced; beside the file itself, where it is a link."""
    real = source.resolve()
    return real.with_name(f"{real.name}.bak")


def check_backup(source: Path) -> None:
    """Refuse a backup that is there already, unless it is this very input.

    Raises:
        OutputError: it holds something else.
    """
    backup = backup_path(source)
    if not os.path.lexists(backup) or (backup.is_file() and _same_content(source, backup)):
        return
    raise OutputError(
        f"{backup} is there already, and --in-place never replaces a backup. "
        "Move it away, then run again."
    )


def keep_backup(source: Path) -> Path:
    """Keep ``source`` under the name :func:`backup_path` too.

    Returns:
        The backup.

    Raises:
        OutputError: a backup with another content is there.
        StorageError: it cannot be made.
    """
    backup = backup_path(source)
    check_backup(source)
    if not backup.exists():
        try:
            os.link(source.resolve(), backup)
        except OSError:
            _copy(source, backup)
    return backup


def _copy(source: Path, backup: Path) -> None:
    try:
        with source.open("rb") as original, AtomicFile(backup) as copy:
            shutil.copyfileobj(original, copy.file)
        shutil.copystat(source, backup)
    except OSError as exc:
        raise StorageError(f"{backup} cannot be written: {exc.strerror}.") from exc


def _same_content(one: Path, other: Path) -> bool:
    return one.samefile(other) or filecmp.cmp(one, other, shallow=False)
