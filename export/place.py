"""Where a bundle is made, and how it takes its place: whole, or not at all."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from score.bundle import MANIFEST_FILE
from score.errors import OutputError


def check_output(output: Path, *, overwrite: bool) -> None:
    """Refuse an output that could not be put in place in the end.

    Raises:
        OutputError: a file, another folder, or a bundle that is not to be replaced.
    """
    if output.is_file():
        raise OutputError(f"{output} is a file. Name a folder with -o.")
    if not output.is_dir() or not any(output.iterdir()):
        return
    if not (output / MANIFEST_FILE).is_file():
        raise OutputError(f"{output} holds something that is no bundle. Name another with -o.")
    if not overwrite:
        raise OutputError(
            f"{output} is there already. Add --overwrite, or name another folder with -o."
        )


@contextlib.contextmanager
def work_folder(output: Path) -> Iterator[Path]:
    """A temporary folder beside ``output``; what a killed export left there is cleared."""
    place = output.resolve()
    folder = place.with_name(f".{place.name}.part")
    try:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    except OSError as exc:
        raise OutputError(
            f"{output} cannot be created: {exc.strerror}. Name another place with -o."
        ) from exc
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def put_in_place(folder: Path, output: Path, work: Path) -> None:
    """Give a finished bundle the name of ``output``; a bundle that had it goes into ``work``."""
    place, replaced = output.resolve(), work / "replaced"
    try:
        if place.exists():
            # That folder goes away; a folder cannot replace a full one.
            place.rename(replaced)
        try:
            folder.rename(place)
        except BaseException:
            if replaced.exists():
                replaced.rename(place)
            raise
    except OSError as exc:
        raise OutputError(f"{output} cannot be put in place: {exc.strerror}.") from exc
