"""The commands ``thumbs score`` and ``thumbs info``: parse, call the library, report."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import click

if TYPE_CHECKING:
    from score.scorer import ScorerSettings
    from score.scoring import Progress
    from score.summary import Summary

_PROVIDERS = ("auto", "cpu", "cuda", "openvino", "dml", "coreml")
_PATH = click.Path(path_type=Path)


@click.command(no_args_is_help=True)
@click.argument("input", required=False)
@click.option(
    "-o",
    "--output",
    help="The file to make, - for standard output.  [default: INPUT.labelled.* beside the input]",
)
@click.option("--text", multiple=True, help="Score this text instead of a file; may be repeated.")
@click.option(
    "--text-column",
    help="The column of the reviews, by name or as #3.  [default: the only one called text, "
    "review, comment, content, sentence or body]",
)
@click.option("--model", type=_PATH, help="The folder of a bundle.  [default: the one in the box]")
@click.option(
    "--provider",
    type=click.Choice(_PROVIDERS),
    default="auto",
    show_default=True,
    help="What to compute on; auto measures for a large file what is fastest, once.",
)
@click.option(
    "--workers",
    type=int,
    help="Reviews in work at once.  [default: one a core, or what was measured to be fastest]",
)
@click.option(
    "--polite/--no-polite",
    default=None,
    help="Leave a core free, and let other programs go first.  [default: on battery]",
)
@click.option("--scores", is_flag=True, help="Add a column score_CLASS for each class.")
@click.option("--prefix", default="", help="Put this before the name of each new column.")
@click.option(
    "--unsure-below",
    type=float,
    default=0.0,
    metavar="P",
    help="Flag labels of a confidence below P as unsure.",
)
@click.option(
    "--max-error",
    type=float,
    metavar="E",
    help="Flag as unsure what the model cannot promise: of the other labels at most the share E, "
    "such as 0.02, is wrong.",
)
@click.option(
    "--long",
    "reading",
    type=click.Choice(["cut", "windows"]),
    help="How to read what is longer than the model's input: its two ends alone, or all of it, "
    "window by window.  [default: the bundle's own, see thumbs info]",
)
@click.option(
    "--effort",
    type=click.Choice(["low", "normal", "high"]),
    help="How sure the model has to be to answer before it has read with all its layers: low is "
    "fastest, high loses next to nothing.  [default: high with --max-error, else normal, where "
    "the bundle can stop early]",
)
@click.option(
    "--any-language", is_flag=True, help="Label also texts that are not in the model's language."
)
@click.option(
    "--encoding",
    help="The encoding of a CSV file, such as cp1252.  [default: by its mark, else utf-8]",
)
@click.option(
    "--delimiter",
    help="What stands between the cells of a CSV file, \\t for a tab.  [default: the one of , ; | "
    "and tab that reads it as a table]",
)
@click.option(
    "--no-header", is_flag=True, help="The first record is data; columns are called #1, #2 ..."
)
@click.option(
    "--sheet",
    help="The sheet of a spreadsheet.  [default: all that have the column of the reviews]",
)
@click.option(
    "--cache",
    type=_PATH,
    help="Remember scores in this file.  [default: in the user's cache folder]",
)
@click.option("--no-cache", is_flag=True, help="Remember no scores.")
@click.option("--overwrite", is_flag=True, help="Replace an output that is there already.")
@click.option(
    "--in-place",
    is_flag=True,
    help="Put the output in the place of INPUT, which is kept as INPUT.bak.",
)
@click.option("--summary", type=_PATH, help="Write the counts to this JSON file.")
@click.option("--quiet", is_flag=True, help="No progress and no summary on the terminal.")
def score(input: str | None, text: tuple[str, ...], **options: Any) -> int:  # noqa: A002 - click names the argument in the help by it
    """Label the reviews in a CSV, TSV, Excel, OpenDocument, Parquet or JSON Lines file.

    The same rows come back with the columns label, confidence and flags behind them.
    INPUT - is CSV from standard input. A run that was stopped goes on where it was when
    the same line is typed again.
    """
    from score.errors import EXIT_COMPLETE, EXIT_REJECTS, ReaderLeftError

    if text and input:
        raise click.UsageError("Give a file or --text, not both.")
    if input is None and not text:
        raise click.UsageError("Give a file to score, - for standard input, or --text.")
    options["polite"] = _be_polite(options["polite"])
    try:
        if input is None:
            return _score_texts(text, options)
        summary = _score_file(input, options)
    except BrokenPipeError as exc:
        raise ReaderLeftError("The reader of the output left.") from exc
    return EXIT_REJECTS if summary.rejected else EXIT_COMPLETE


@click.command()
@click.argument("bundle", required=False, type=_PATH)
@click.option(
    "--html",
    type=_PATH,
    metavar="FILE",
    help="Write it to this page too, with the charts of its confidence.",
)
def info(bundle: Path | None, html: Path | None) -> None:
    """Say what a bundle is, how good, and on what data.

    Without BUNDLE: the one in the box.
    """
    from score.bundle import DEFAULT_BUNDLE, Bundle
    from score.describe import describe

    loaded = Bundle.load(bundle or DEFAULT_BUNDLE)
    text = describe(loaded)
    if html:
        from score.page import write_page

        write_page(loaded, html)
    click.echo(text)


def _be_polite(wanted: bool | None) -> bool:
    """Step back where that is asked for, or where the battery has to last."""
    from score import machine

    polite = machine.on_battery() if wanted is None else wanted
    if polite:
        machine.step_back()
    return polite


def _score_texts(texts: tuple[str, ...], options: dict[str, Any]) -> int:
    """One line a text: label, confidence, text."""
    from score.scorer import Scorer

    with Scorer(options["model"], _scorer_settings(options)) as scorer:
        for text, one in zip(texts, scorer.score(texts), strict=True):
            confidence = "" if one.confidence is None else f"{one.confidence:.4f}"
            # In one line with tabs between, a text's own tabs and line breaks are blanks.
            line = text.translate({ord(c): " " for c in "\t\r\n\v\f\x85\u2028\u2029"})
            click.echo(f"{one.label or ''}\t{confidence}\t{line}")
    return 0


def _score_file(name: str, options: dict[str, Any]) -> Summary:
    from score.scoring import FileSettings, score_file
    from score.tables import TableOptions

    quiet = options["quiet"]
    source: Path | BinaryIO = sys.stdin.buffer if name == "-" else Path(name)
    settings = FileSettings(
        model=options["model"],
        scorer=_scorer_settings(options),
        table=TableOptions(
            encoding=options["encoding"],
            delimiter=options["delimiter"],
            header=not options["no_header"],
            sheet=options["sheet"],
        ),
        text_column=options["text_column"],
        class_scores=options["scores"],
        prefix=options["prefix"],
        overwrite=options["overwrite"],
        in_place=options["in_place"],
    )
    target = _target(source, options["output"], in_place=options["in_place"])
    _check_summary(options["summary"], source, target)
    with contextlib.ExitStack() as stack:
        on_progress = stack.enter_context(_progress(quiet=quiet))

        def report(summary: Summary) -> None:
            stack.close()  # the bar's line is needed
            if options["summary"]:
                _write_summary(options["summary"], summary)
            if not quiet:
                click.echo("\n".join(summary.lines()), err=True)

        return score_file(source, target, settings, on_progress=on_progress, on_complete=report)


def _scorer_settings(options: dict[str, Any]) -> ScorerSettings:
    from score.folders import findings_folder, score_cache_file
    from score.scorer import ScorerSettings

    return ScorerSettings(
        provider=options["provider"],
        workers=options["workers"],
        cache=None if options["no_cache"] else options["cache"] or score_cache_file(),
        any_language=options["any_language"],
        unsure_below=options["unsure_below"],
        max_error=options["max_error"],
        reading=options["reading"],
        effort=options["effort"],
        polite=options["polite"],
        findings=findings_folder(),
    )


def _target(source: Path | BinaryIO, output: str | None, *, in_place: bool) -> Path | BinaryIO:
    from score.errors import UsageError

    streamed = output == "-" or (output is None and not isinstance(source, Path))
    if streamed and in_place:
        raise UsageError("--in-place needs a file, and no -o -: a stream has no place to put it.")
    if streamed:
        return sys.stdout.buffer
    if output is not None:
        return Path(output)
    assert isinstance(source, Path)  # noqa: S101 - a stream without -o went to stdout above
    if in_place:
        return source
    from score.tables import written_suffix

    return source.with_name(f"{source.stem}.labelled{written_suffix(source)}")


@contextlib.contextmanager
def _progress(*, quiet: bool) -> Iterator[Progress | None]:
    """A bar on stderr with rows, rate and time left; none where stderr is no terminal."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from tqdm import tqdm

    with tqdm(unit=" rows", dynamic_ncols=True, leave=False) as bar:

        def advance(done: int, total: int | None) -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield advance


def _check_summary(path: Path | None, *others: Path | BinaryIO) -> None:
    """Refuse a summary that would replace the input or the output."""
    from score.errors import UsageError
    from score.output import is_same_name

    if path and any(isinstance(one, Path) and is_same_name(path, one) for one in others):
        raise UsageError(f"{path} cannot be the summary too. Name another file with --summary.")


def _write_summary(path: Path, summary: Summary) -> None:
    from score.atomic import AtomicFile

    text = json.dumps(summary.as_dict(), indent=2, ensure_ascii=False) + "\n"
    with AtomicFile(path) as output:
        output.file.write(text.encode())
