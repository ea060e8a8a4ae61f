"""The command ``thumbs export``: parse, call :func:`export.build.build_bundle`, report."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from score.bundle import Bundle

_EXTRA = ("torch", "transformers", "optimum.onnxruntime", "onnx")
_PATH = click.Path(path_type=Path)


@click.command(no_args_is_help=True)
@click.argument("checkpoint", type=_PATH)
@click.option("-o", "--output", required=True, type=_PATH, help="The folder to make.")
@click.option(
    "--precision",
    "precisions",
    multiple=True,
    type=click.Choice(["int8", "fp32", "fp16"]),
    default=("int8",),
    show_default=True,
    help="A graph to put in: int8 for CPUs, fp16 for GPUs, fp32 for all; may be repeated.",
)
@click.option(
    "--verify-on",
    type=_PATH,
    metavar="TABLE",
    help="Compare graph and checkpoint on the reviews of this table.  [default: up to 2,000 of "
    "those held back from training]",
)
@click.option("--text-column", help="The column of the reviews in that table.")
@click.option("--label-column", help="The column of the labels in it.  [default: label]")
@click.option(
    "--calibrate-on",
    type=_PATH,
    metavar="TABLE",
    help="Short labelled reviews, never trained on, for which the confidence is to hold as well: "
    "a column of texts, and one called label.",
)
@click.option(
    "--max-flips",
    type=float,
    default=0.005,
    show_default=True,
    help="The largest share of labels that a graph may change, reading all layers.",
)
@click.option(
    "--max-ece",
    type=float,
    default=0.02,
    show_default=True,
    help="The largest expected calibration error of a graph.",
)
@click.option(
    "--max-tokens",
    type=int,
    help="The most tokens read of a review; more take longer.  [default: as in training]",
)
@click.option(
    "--long",
    "reading",
    type=click.Choice(["cut", "windows"]),
    default="cut",
    show_default=True,
    help="How thumbs score reads what is longer: its two ends, or all of it, window by window, "
    "which takes longer.",
)
@click.option("--name", help="What the bundle is called.  [default: its folder's name]")
@click.option("--overwrite", is_flag=True, help="Replace a bundle that is there already.")
def export(
    checkpoint: Path,
    output: Path,
    precisions: tuple[str, ...],
    overwrite: bool,
    **options: Path | str | float | int | None,
) -> None:
    """Turn a model of thumbs finetune into a verified ONNX bundle.

    CHECKPOINT is the folder that thumbs finetune made. Each graph's confidence is
    calibrated on the reviews held back from training, and its labels, with all layers,
    are compared with the checkpoint's; where more of them differ than --max-flips, or its
    confidence is further off than --max-ece, by more than chance, there is no bundle. What
    each --effort of thumbs score changes beside that is shown; its confidence is held to the
    same, and so are the labels that int8 changes where fp32 stops in the same way.
    """
    from score.extras import require

    require("finetune", _EXTRA)
    from export.build import build_bundle
    from export.settings import ExportSettings

    bundle = build_bundle(
        checkpoint,
        output,
        ExportSettings(precisions=precisions, **options),  # type: ignore[arg-type] # click knows each option's type
        command=shlex.join(["thumbs", *sys.argv[1:]]),
        overwrite=overwrite,
        on_progress=_show if sys.stderr.isatty() else None,
    )
    click.echo("\n".join(_report(bundle)))


def _show(step: str) -> None:
    click.echo(f"{step} ...", err=True)


def _report(bundle: Bundle) -> list[str]:
    """The bundle, a table of checkpoint, fp32 as traced and graphs, and what each promises."""
    from score.describe import efforts, promises

    size = sum(path.stat().st_size for path in bundle.folder.iterdir()) / 1e6
    verification = bundle.description.provenance["verification"]
    return [
        f"{bundle.folder}: {bundle.description.name}, {size:.1f} MB",
        f"on {verification['n']:,} reviews of {verification['data']}:",
        "              accuracy     ECE  log loss  flips  mean |dp|  largest |dp|  temperature",
        *(_line(row) for row in verification["rows"]),
        *(
            ["Each is compared with torch, but int8 at an effort with fp32 at the same."]
            if any(graph.efforts for graph in bundle.description.graphs)
            else []
        ),
        *(
            f"{graph.precision}: {line}"
            for graph in bundle.description.graphs
            for line in (promises(graph), *efforts(graph))
        ),
    ]


def _line(row: Mapping[str, Any]) -> str:
    """A row of the table; without labels there is no accuracy, calibration or log loss."""
    known = "accuracy" in row
    figures = f"{row['accuracy']:.2%} {row['ece']:7.2%} {row['log_loss']:9.4f}" if known else ""
    return (
        f"{row['model']:12} {figures:>27} {row['flips']:6,} {row['mean_change']:10.3%} "
        f"{row['max_change']:13.2%} {row['temperature']:12.3f}"
    )
