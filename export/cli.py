"""The command ``thumbs export``: parse, call :func:`export.build.build_bundle`, report."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

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
    help="Compare graph and checkpoint on the reviews of this table.  [default: a hundred "
    "English reviews that thumbs brings, or reviews held back from training where the model "
    "has other labels or another language]",
)
@click.option("--text-column", help="The column of the reviews in that table.")
@click.option("--label-column", help="The column of the labels in it.  [default: label]")
@click.option(
    "--max-flips",
    type=float,
    default=0.01,
    show_default=True,
    help="The largest share of labels that a graph may change.",
)
@click.option("--name", help="What the bundle is called.  [default: its folder's name]")
@click.option("--overwrite", is_flag=True, help="Replace a bundle that is there already.")
def export(
    checkpoint: Path,
    output: Path,
    precisions: tuple[str, ...],
    verify_on: Path | None,
    overwrite: bool,
    **options: str | float | None,
) -> None:
    """Turn a model of thumbs finetune into a verified ONNX bundle.

    CHECKPOINT is the folder that thumbs finetune made. Each graph's confidence is
    calibrated on the reviews held back from training, and its labels are compared with
    the checkpoint's; where they differ too much there is no bundle.
    """
    from score.extras import require

    require("finetune", _EXTRA)
    from export.build import ExportSettings, build_bundle

    bundle = build_bundle(
        checkpoint,
        output,
        ExportSettings(precisions=precisions, verify_on=verify_on, **options),  # type: ignore[arg-type] # click knows each option's type
        command=shlex.join(["thumbs", *sys.argv[1:]]),
        overwrite=overwrite,
        on_progress=_show if sys.stderr.isatty() else None,
    )
    click.echo("\n".join(_report(bundle)))


def _show(step: str) -> None:
    click.echo(f"{step} ...", err=True)


def _report(bundle: Bundle) -> list[str]:
    """A line for the bundle and one for each of its graphs."""
    size = sum(path.stat().st_size for path in bundle.folder.iterdir()) / 1e6
    lines = [f"{bundle.folder}: {bundle.description.name}, {size:.1f} MB"]
    for graph in bundle.description.graphs:
        parity = graph.parity
        lines.append(
            f"{graph.precision}: {parity['flips']} of {parity['n']} labels differ from the "
            f"checkpoint's ({parity['data']}), probabilities by {parity['mean_change']:.2%} on "
            f"average and {parity['max_change']:.1%} at most; temperature {graph.temperature:.2f}"
        )
    return lines
