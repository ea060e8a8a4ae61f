"""The one loop: a table in, the same table with labels out."""

from __future__ import annotations

import contextlib
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO

from score.ending import EndingRecord, Leaving, identity, line_of
from score.errors import UsageError
from score.interrupts import LastMoments
from score.lock import only_writer
from score.output import Finish, Output, Replacing, check_names, is_same_name, make_room
from score.scorer import Score, Scorer, ScorerSettings
from score.summary import Summary
from score.tables import Cell, NewColumn, Row, TableOptions, open_table
from score.tables.columns import check_new_names, find_column
from score.watch import InputWatch

Progress = Callable[[int, "int | None"], None]
"""Told after each window: the records done, and all records where that is known."""


@dataclass(frozen=True, slots=True)
class FileSettings:
    """How a file is scored.

    Attributes:
        model: the folder of a bundle; None is the bundle in the box.
        scorer: provider, workers, cache and flags.
        table: how to read the file where it does not say itself.
        text_column: the column of the reviews; None finds it.
        class_scores: add a column ``score_CLASS`` for each class.
        prefix: stands before the name of each new column.
        overwrite: replace an output that is there already.
        in_place: the output is the input itself, which is kept as ``.bak``.
    """

    model: Path | None = None
    scorer: ScorerSettings = field(default_factory=ScorerSettings)
    table: TableOptions = field(default_factory=TableOptions)
    text_column: str | None = None
    class_scores: bool = False
    prefix: str = ""
    overwrite: bool = False
    in_place: bool = False


def score_file(
    source: Path | BinaryIO,
    output: Path | BinaryIO,
    settings: FileSettings | None = None,
    *,
    on_progress: Progress | None = None,
    on_complete: Callable[[Summary], None] | None = None,
) -> Summary:
    """Score every record of a table and write the same table with the new columns.

    Where an earlier run of the very same call was killed when its output was complete
    already, there is nothing to score: what it left undone is done, and its counts are given.

    Args:
        source: a CSV, TSV, Excel, Parquet or JSON Lines file, or an open CSV stream.
        output: the file to make, complete or not at all, or an open stream.
        settings: see :class:`FileSettings`.
        on_progress: called after each window.
        on_complete: called when the output is in its place, as a part of the run: signals
            come too late for it, and what is killed in it is called again by the next run.

    Returns:
        The counts, which add up to the number of records.

    Raises:
        ThumbsError: see :mod:`score.errors`; what was scored until then is remembered.
    """
    settings = settings or FileSettings()
    with contextlib.ExitStack() as stack:
        moments = stack.enter_context(LastMoments())
        record = _claim(source, output, settings, stack) if isinstance(output, Path) else None
        summary = _finish_earlier(source, output, settings, record)
        if summary is None:
            if record and isinstance(output, Path):
                make_room(source, output, _replacing(settings))
                record.forget()
            summary = _score_all(source, output, settings, record, moments, on_progress)
        moments.begin()
        if on_complete:
            on_complete(summary)
        if record:
            record.forget()
        return summary


def new_columns(
    labels: Sequence[str], prefix: str = "", *, class_scores: bool = False
) -> list[NewColumn]:
    """The columns that scoring adds, in order."""
    columns = [NewColumn(f"{prefix}label", "text"), NewColumn(f"{prefix}confidence", "number")]
    if class_scores:
        columns += [NewColumn(f"{prefix}score_{label}", "number") for label in labels]
    return [*columns, NewColumn(f"{prefix}flags", "text")]


def count_records(source: Path | BinaryIO, options: TableOptions, column: int) -> int | None:
    """Read a file through once, which also finds what is wrong with it before hours are spent.

    Returns:
        The number of records; None for a stream, which can be read only once.

    Raises:
        DataError: a record cannot be read.
    """
    if not isinstance(source, Path):
        return None
    table = open_table(source, options)
    try:
        return sum(1 for _ in table.rows([column]))
    finally:
        table.close()


def _claim(
    source: Path | BinaryIO, output: Path, settings: FileSettings, stack: contextlib.ExitStack
) -> EndingRecord:
    """Make sure that the output may be made, and that nobody else makes it, until ``stack`` ends.

    The lock comes before the look at what is there: another run may be about to finish.
    """
    check_names(source, output, _replacing(settings))
    cache = settings.scorer.cache
    for path in (source, output):
        if cache and isinstance(path, Path) and is_same_name(cache, path):
            raise UsageError(f"{cache} cannot be the score cache too. Name another with --cache.")
    stack.enter_context(only_writer(output))
    return EndingRecord(output)


def _replacing(settings: FileSettings) -> Replacing:
    return Replacing(settings.overwrite, settings.in_place)


def _finish_earlier(
    source: Path | BinaryIO,
    output: Path | BinaryIO,
    settings: FileSettings,
    record: EndingRecord | None,
) -> Summary | None:
    """The counts of an earlier run that left nothing to score; None where there is none."""
    if record is None or not record.exists():
        return None
    with Scorer(settings.model, settings.scorer, size=_size(source)) as scorer:
        line = _line(source, output, settings, scorer)
        return record.finish(line) if line else None


def _line(
    source: Path | BinaryIO, output: Path | BinaryIO, settings: FileSettings, scorer: Scorer
) -> str | None:
    """What decides the bytes of the output; nobody knows that of a stream before its end.

    In place, the input is what the record tells of.
    """
    if not isinstance(source, Path):
        return None
    return line_of(
        str(source),
        str(output),
        source.resolve(),
        None if settings.in_place else identity(source.resolve()),
        scorer.identity,
        settings.scorer.unsure_below,
        settings.table,
        settings.text_column,
        settings.class_scores,
        settings.prefix,
        settings.in_place,
    )


def _score_all(
    source: Path | BinaryIO,
    output: Path | BinaryIO,
    settings: FileSettings,
    record: EndingRecord | None,
    moments: LastMoments,
    on_progress: Progress | None,
) -> Summary:
    started = time.monotonic()
    with contextlib.ExitStack() as stack:
        watch = stack.enter_context(InputWatch(source))
        options = replace(settings.table, text_column=settings.text_column)
        table = open_table(source, options)
        stack.callback(table.close)
        column = find_column(table.columns, settings.text_column, table.label)
        scorer = stack.enter_context(Scorer(settings.model, settings.scorer, size=_size(source)))
        columns = new_columns(scorer.labels, settings.prefix, class_scores=settings.class_scores)
        class_scores = len(scorer.labels) if settings.class_scores else 0
        check_new_names(table.columns, [one.name for one in columns], table.label)
        # The watch vouches for it that this is the file that is read.
        line = _line(source, output, settings, scorer)
        total = count_records(source, options, column)
        summary = _start_summary(table.name, output, scorer)
        finish = Finish(
            check=lambda: watch.check(whole=total in (None, summary.rows)),
            begin=moments.begin,
            keep=source if settings.in_place and isinstance(source, Path) else None,
            note=lambda leaving: _note(leaving, summary, started, record, line),
        )
        with Output(table, output, columns, finish) as target:
            in_work: deque[list[Row]] = deque()

            def texts() -> Iterator[list[str]]:
                for window in scorer.windows(table.rows([column]), _text, _held):
                    watch.check()
                    in_work.append(window)
                    yield [row.cells[0] for row in window if row.cells]

            for scores in scorer.score_windows(texts()):
                _write(in_work.popleft(), scores, target, summary, class_scores)
                if on_progress:
                    on_progress(summary.rows, total)
        summary.seconds = time.monotonic() - started
        return summary


def _note(
    leaving: Leaving,
    summary: Summary,
    started: float,
    record: EndingRecord | None,
    line: str | None,
) -> None:
    summary.rejects = str(leaving.rejects) if leaving.rejects else None
    summary.backup = str(leaving.backup) if leaving.backup else None
    summary.seconds = time.monotonic() - started
    if record and line:
        record.write(line, leaving, summary)


def _size(source: Path | BinaryIO) -> int:
    """The bytes of a file, to tell a large job by; of a stream nobody knows them."""
    with contextlib.suppress(OSError):
        return source.stat().st_size if isinstance(source, Path) else 0
    return 0


def _start_summary(table_name: str, output: Path | BinaryIO, scorer: Scorer) -> Summary:
    return Summary(
        input=table_name,
        output=str(output) if isinstance(output, Path) else "standard output",
        model=scorer.bundle.description.name,
        device=scorer.device,
        labels=dict.fromkeys(scorer.labels, 0),
    )


def _text(row: Row) -> int:
    return sum(map(len, row.cells))


def _held(row: Row) -> int:
    return _text(row) + row.size


def _write(
    window: list[Row],
    found: Sequence[Score],
    target: Output,
    summary: Summary,
    class_scores: int,
) -> None:
    scores = iter(found)
    for row in window:
        summary.rows += 1
        if row.reject:
            summary.rejected += 1
            target.reject(row)
        elif row.blank:
            summary.blank += 1
            target.write(row, ())
        else:
            score = next(scores)
            summary.count(score)
            summary.padded += row.padded
            target.write(row, _cells(score, class_scores))
    target.flush()


def _cells(score: Score, class_scores: int) -> list[Cell]:
    probabilities: list[Cell] = list(score.probabilities) or [None] * class_scores
    return [score.label, score.confidence, *probabilities[:class_scores], ";".join(score.flags)]
