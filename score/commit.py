"""An output and its rejects, put in place so that a kill at any moment can be mended.

Two files cannot take their names in one step. This is the order, for ``out.csv``:

1. Both are complete and synced, as ``.out.csv.part`` and ``.out.rejects.csv.part``.
2. ``.out.csv.part`` becomes ``.out.csv.ready``: the mark that the rejects are next.
3. The rejects take their name.
4. The output takes its name. From here on the run is complete.

So an output never stands without its rejects. A run that ends between 3 and 4 leaves
rejects that belong to no output; the mark without ``.out.rejects.csv.part`` says that they
are such, and the next run removes them before it begins. Without rejects there is no mark:
the output takes its name, and then those of the output that it replaced are removed.
"""

from __future__ import annotations

from pathlib import Path

from score.atomic import AtomicFile, ready_mark_of, temporary_of
from score.errors import OutputError, StorageError


def rejects_path(output: Path) -> Path:
    """Where the rejects of ``output`` go: ``out.rejects.csv`` beside ``out.csv``."""
    return output.with_name(f"{output.stem}.rejects.csv")


def clear_up(output: Path) -> None:
    """Remove what a run that was killed left of ``output``; call it under the output's lock.

    Raises:
        OutputError: it cannot be removed.
    """
    real, rejects = output.resolve(), rejects_path(output).resolve()
    mark, waiting = ready_mark_of(real), temporary_of(rejects)
    try:
        if mark.exists():
            if not waiting.exists():
                rejects.unlink(missing_ok=True)
            mark.unlink()
        waiting.unlink(missing_ok=True)
        temporary_of(real).unlink(missing_ok=True)
    except OSError as exc:
        raise OutputError(
            f"What an earlier run left of {output} cannot be removed ({exc.filename}): "
            f"{exc.strerror}. Remove it, or name another place with -o."
        ) from exc


def put_in_place(output: AtomicFile, rejects: AtomicFile | None, old_rejects: Path) -> None:
    """Give an output and its rejects their names; both are prepared.

    Args:
        output: the output.
        rejects: its rejects, where there are any.
        old_rejects: removed where there are none: they are of the output that is replaced.

    Raises:
        StorageError: a file cannot be renamed or removed.
    """
    if rejects is not None:
        output.mark()
        rejects.place()
        output.place()
        return
    output.place()
    remove_old_rejects(output.path, old_rejects)


def remove_old_rejects(output: Path, old_rejects: Path) -> None:
    """Remove the rejects of an output that was replaced by one without.

    Raises:
        StorageError: they cannot be removed.
    """
    try:
        old_rejects.unlink(missing_ok=True)
    except OSError as exc:
        raise StorageError(
            f"{output} is complete, but {old_rejects}, which belongs to the output that "
            f"was replaced, cannot be removed: {exc.strerror}. Remove it."
        ) from exc


def abandon(output: AtomicFile, rejects: AtomicFile | None) -> None:
    """Throw away what is written, except the mark where it is needed; the opposite of placing."""
    if rejects is not None and rejects.placed:
        return
    output.discard()
    if rejects is not None:
        rejects.discard()
