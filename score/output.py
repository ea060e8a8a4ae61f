"""Where a scored table goes: a file that is complete or absent, or a stream."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, cast

from score.atomic import AtomicFile
from score.backup import check_backup, keep_backup
from score.commit import abandon, clear_up, put_in_place, rejects_path
from score.ending import Leaving
from score.errors import DataError, OutputError, StorageError, UsageError
from score.tables import Cell, NewColumn, Row, Table, written_suffix
from score.tables.rejects import RejectsWriter


@dataclass(frozen=True, slots=True)
class Replacing:
    """What may be replaced.

    Attributes:
        overwrite: an output that is there already.
        in_place: the input itself, which is kept as ``.bak``.
    """

    overwrite: bool = False
    in_place: bool = False


def check_names(source: Path | BinaryIO, output: Path, replacing: Replacing) -> None:
    """Refuse an output whose name cannot be right; nothing is written yet.

    Raises:
        OutputError: it is a folder or the input itself, or its folder is not there.
        UsageError: it has another format than the input, or is to replace an input that it
            is not.
    """
    if output.is_symlink() and _leads_back(output):
        raise OutputError(f"{output} is a link that leads back to itself. Name another with -o.")
    if output.is_dir():
        raise OutputError(f"{output} is a folder. Name a file in it with -o.")
    _check_suffix(source, output)
    if not output.parent.is_dir():
        raise OutputError(f"The folder {output.parent} is not there. Make it, then run again.")
    if not isinstance(source, Path):
        if replacing.in_place:
            raise UsageError("--in-place needs a file; standard input cannot be replaced.")
        return
    rejects = rejects_path(output)
    if _same(rejects, source):
        raise OutputError(
            f"{source} is where the rejects of {output} would go. Name another file with -o."
        )
    if replacing.in_place and source.exists() and not _same(output, source):
        raise UsageError(f"--in-place replaces {source} itself. Leave out -o, or --in-place.")
    if not replacing.in_place and _same(output, source):
        raise OutputError(
            f"{output} is the input itself. Name another file with -o, or add --in-place, "
            "which keeps the input as .bak."
        )


def _check_suffix(source: Path | BinaryIO, output: Path) -> None:
    own = source.suffix.lower() if isinstance(source, Path) else ".csv"
    suffix = written_suffix(source).lower() if isinstance(source, Path) else own
    if output.suffix.lower() == suffix:
        return
    as_what = "like the input: thumbs writes the format it reads"
    if suffix != own:
        as_what = f"as thumbs reads {own} but does not write it"
    raise UsageError(f"{output} should end in {suffix or 'nothing'} {as_what}.")


def make_room(source: Path | BinaryIO, output: Path, replacing: Replacing) -> None:
    """Remove what a killed run left, and refuse an output that is there; under the lock.

    Raises:
        OutputError: the output, its rejects or another backup is there already.
    """
    clear_up(output)
    if replacing.in_place and isinstance(source, Path) and source.exists():
        check_backup(source)
    taken = [rejects_path(output)] if replacing.in_place else [output, rejects_path(output)]
    for path in taken:
        if os.path.lexists(path) and not replacing.overwrite:
            raise OutputError(
                f"{path} is there already. Add --overwrite, or name another file with -o."
            )


def is_same_name(one: Path, other: Path) -> bool:
    """Whether two paths lead to the same place, which may still be empty."""
    return os.path.realpath(one) == os.path.realpath(other)


def _same(path: Path, source: Path) -> bool:
    return path.exists() and source.exists() and path.samefile(source)


def _leads_back(link: Path) -> bool:
    try:
        link.stat()
    except OSError as exc:
        return exc.errno == errno.ELOOP
    return False


@dataclass(frozen=True, slots=True)
class Finish:
    """What happens between the last row and the first name that is taken.

    Attributes:
        check: called when everything is written; what it raises leaves the output as it was.
        begin: called right before the first name is taken; signals come too late from here.
        keep: a file to keep as ``.bak``, because the output takes its name.
        note: told what is about to take its name; nothing has yet, beside the backup.
    """

    check: Callable[[], None] = lambda: None
    begin: Callable[[], None] = lambda: None
    keep: Path | None = None
    note: Callable[[Leaving], None] = lambda _: None


class Output:
    """Context manager: takes rows with their new cells, and rejects.

    Args:
        table: the table the rows come from; it is closed when all is written.
        target: the file to make, or an open stream.
        columns: the new columns.
        finish: see :class:`Finish`.

    Raises:
        OutputError: the file cannot be made.
        StorageError: writing failed half-way.
    """

    def __init__(
        self,
        table: Table,
        target: Path | BinaryIO,
        columns: Sequence[NewColumn],
        finish: Finish | None = None,
    ) -> None:
        self._table = table
        self._target = target
        self._finish = finish or Finish()
        self._rejects_file: AtomicFile | None = None
        self._file = AtomicFile(target) if isinstance(target, Path) else None
        self._stream: BinaryIO = self._file.file if self._file else cast("BinaryIO", target)
        try:
            self._writer = table.writer(self._stream, columns)
        except BaseException as exc:
            self._abandon()
            self._translate(exc)
            raise

    def write(self, row: Row, cells: Sequence[Cell]) -> None:
        """Write a record and its new cells."""
        self._writer.write(row, cells)

    def reject(self, row: Row) -> None:
        """Put a record among the rejects.

        Raises:
            DataError: the output is a stream, which has no place for rejects.
        """
        assert row.reject  # noqa: S101 - the loop sends no other row here
        if not isinstance(self._target, Path):
            raise DataError(
                f"{self._table.name}, row {row.number}: {row.reject.reason}; a stream has no "
                "place for rejects. Name a file with -o, or mend the row."
            )
        if self._rejects_file is None:
            self._rejects_file = AtomicFile(rejects_path(self._target))
            self._rejects_writer = RejectsWriter(self._rejects_file.file)
        self._rejects_writer.write(row.number, row.reject)

    def flush(self) -> None:
        """Hand what is written to whoever reads a stream; a file is handed over whole."""
        if self._file is None:
            self._stream.flush()

    def __enter__(self) -> Output:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if error is None:
                self._complete()
        except BaseException as exc:
            self._abandon()
            self._translate(exc)
            raise
        if error is not None:
            self._abandon()
            self._translate(error)

    def _complete(self) -> None:
        self._writer.close()
        self.flush()
        for file in (self._file, self._rejects_file):
            if file:
                file.prepare()
        # Windows lets no file be replaced that is open.
        self._table.close()
        self._finish.check()
        if self._file and isinstance(self._target, Path):
            self._finish.begin()
            backup = keep_backup(self._finish.keep) if self._finish.keep else None
            rejects = rejects_path(self._target)
            self._finish.note(self._leaving(self._file, rejects, backup))
            put_in_place(self._file, self._rejects_file, rejects)

    def _leaving(self, output: AtomicFile, rejects: Path, backup: Path | None) -> Leaving:
        files = {one.path: one.temporary for one in (output, self._rejects_file) if one}
        if backup:
            files[backup] = backup
        return Leaving(files, rejects if self._rejects_file else None, backup)

    def _abandon(self) -> None:
        if self._file:
            abandon(self._file, self._rejects_file)

    def _translate(self, error: BaseException) -> None:
        if isinstance(error, OSError) and not isinstance(error, BrokenPipeError):
            name = self._target if isinstance(self._target, Path) else "Standard output"
            raise StorageError(
                f"{name} cannot be written: {error.strerror}. What is scored is kept: "
                "make room and run again."
            ) from error
