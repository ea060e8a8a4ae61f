"""Where a scored table goes: a file that is complete or absent, or a stream."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from score.atomic import AtomicFile
from score.errors import DataError, OutputError, StorageError, UsageError
from score.tables import Cell, NewColumn, Row, Table, written_suffix
from score.tables.rejects import RejectsWriter


def rejects_path(output: Path) -> Path:
    """Where the rejects of ``output`` go: ``out.rejects.csv`` beside ``out.csv``."""
    return output.with_name(f"{output.stem}.rejects.csv")


def check_output(source: Path | BinaryIO, output: Path, *, overwrite: bool) -> None:
    """Refuse an output that could not be written in the end, before anything is scored.

    Raises:
        OutputError: it is a folder, the input itself or there already, or its folder is
            not there.
        UsageError: it has another format than the input.
    """
    own = source.suffix.lower() if isinstance(source, Path) else ".csv"
    suffix = written_suffix(source).lower() if isinstance(source, Path) else own
    if output.is_dir():
        raise OutputError(f"{output} is a folder. Name a file in it with -o.")
    if output.suffix.lower() != suffix:
        as_what = "like the input: thumbs writes the format it reads"
        if suffix != own:
            as_what = f"as thumbs reads {own} but does not write it"
        raise UsageError(f"{output} should end in {suffix or 'nothing'} {as_what}.")
    if not output.parent.is_dir():
        raise OutputError(f"The folder {output.parent} is not there. Make it, then run again.")
    if isinstance(source, Path) and output.exists() and output.samefile(source):
        raise OutputError(f"{output} is the input itself. Name another file with -o.")
    for path in (output, rejects_path(output)):
        if path.exists() and not overwrite:
            raise OutputError(
                f"{path} is there already. Add --overwrite, or name another file with -o."
            )


class Output:
    """Context manager: takes rows with their new cells, and rejects.

    Args:
        table: the table the rows come from.
        target: the file to make, or an open stream.
        columns: the new columns.

    Raises:
        OutputError: the file cannot be made.
        StorageError: writing failed half-way.
    """

    def __init__(self, table: Table, target: Path | BinaryIO, columns: Sequence[NewColumn]) -> None:
        self._target = target
        self._stack = contextlib.ExitStack()
        self._rejects: RejectsWriter | None = None
        self._table_name = table.name
        if isinstance(target, Path):
            self._stream = self._stack.enter_context(AtomicFile(target)).file
        else:
            self._stream = target
        self._writer = table.writer(self._stream, columns)

    @property
    def rejects(self) -> Path | None:
        """The file of the rejects, where there are any."""
        if self._rejects is None or not isinstance(self._target, Path):
            return None
        return rejects_path(self._target)

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
                f"{self._table_name}, row {row.number}: {row.reject.reason}; a stream has no "
                "place for rejects. Name a file with -o, or mend the row."
            )
        if self._rejects is None:
            file = self._stack.enter_context(AtomicFile(rejects_path(self._target))).file
            self._rejects = RejectsWriter(file)
        self._rejects.write(row.number, row.reject)

    def flush(self) -> None:
        """Hand what is written to whoever reads a stream; a file is handed over whole."""
        if not isinstance(self._target, Path):
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
                self._finish()
        except BaseException as exc:
            self._stack.__exit__(type(exc), exc, exc.__traceback__)
            self._translate(exc)
            raise
        self._stack.__exit__(kind, error, trace)
        if error is not None:
            self._translate(error)

    def _finish(self) -> None:
        self._writer.close()
        self.flush()
        if isinstance(self._target, Path) and self._rejects is None:
            # What lies there is of the output that is being replaced.
            rejects_path(self._target).unlink(missing_ok=True)

    def _translate(self, error: BaseException) -> None:
        if isinstance(error, OSError) and not isinstance(error, BrokenPipeError):
            name = self._target if isinstance(self._target, Path) else "Standard output"
            raise StorageError(
                f"{name} cannot be written: {error.strerror}. What is scored is kept: "
                "make room and run again."
            ) from error
