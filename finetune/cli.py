"""The command ``thumbs finetune``: parse, call :func:`finetune.train.train_model`, report."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Any

import click

from finetune.rates import LAYER_DECAY
from finetune.reasons import CLEANABLE

_EXTRA = (
    "torch",
    "transformers",
    "datasets",
    "accelerate",
    "sklearn",
    "matplotlib",
    "cleanlab",
    "jinja2",
)


@click.command()
@click.argument("data")
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path), help="The folder to make."
)
@click.option(
    "--base",
    default="bert-base-uncased",
    show_default=True,
    help="What to start from: thumbs for the model in the box, the folder of a bundle or of a "
    "BERT-family checkpoint, or a name on the hub.",
)
@click.option("--text-column", help="The column of the reviews, by name or as #3.")
@click.option("--label-column", help="The column of the labels.  [default: label]")
@click.option("--labels", help="The names of the classes, in class order, a comma between them.")
@click.option(
    "--validation", default=0.1, show_default=True, help="The share held back from training."
)
@click.option(
    "--train-size", type=click.IntRange(1), help="Train on a shuffled sample of so many reviews."
)
@click.option(
    "--test-size", type=click.IntRange(1), help="Evaluate on a shuffled sample of so many."
)
@click.option(
    "--also",
    type=click.Path(path_type=Path),
    help="A labelled table to train on as well; the label neither speaks for no class.",
)
@click.option(
    "--also-times",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="How often an epoch goes through that table.",
)
@click.option(
    "--unlabelled",
    type=click.Path(path_type=Path),
    help="A table of unlabelled reviews to train on as well; --teacher labels them.",
)
@click.option(
    "--unlabelled-size", type=click.IntRange(1), help="Take a shuffled sample of so many of them."
)
@click.option(
    "--unlabelled-sentences",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="Take so many single sentences of them as well, for a model that judges short texts.",
)
@click.option(
    "--teacher",
    help="The model that labels them, with the baseline: a bundle or checkpoint, or thumbs for "
    "the one in the box.",
)
@click.option("--audit-only", is_flag=True, help="Write audit.html and audit.csv; train nothing.")
@click.option(
    "--clean",
    multiple=True,
    metavar="REASON",
    help="Leave the rows that the audit found for this reason out of training: "
    f"{', '.join(CLEANABLE)}; may be repeated, or hold commas.",
)
@click.option(
    "--class-weights",
    type=click.Choice(["auto", "none", "balanced"]),
    default="auto",
    show_default=True,
    help="Let rows of rare classes count for more: as much as makes all classes the same "
    "(balanced), half way to it where the largest class has three times the rows of the "
    "smallest (auto), or not at all.",
)
@click.option(
    "--max-tokens",
    type=int,
    help="The most tokens read of a review.  [default: as many as a bundle reads that is the "
    "--base, else 256]",
)
@click.option(
    "--truncation",
    type=click.Choice(["head", "tail", "head+tail"]),
    default="head+tail",
    show_default=True,
    help="Which part of a longer review is read.",
)
@click.option(
    "--language", help="The reviews' language as a two-letter code: the scorer then flags others."
)
@click.option(
    "--epochs",
    type=int,
    help="Passes over the training reviews.  [default: 2, of few reviews up to 15]",
)
@click.option(
    "--batch-size", type=int, default=16, show_default=True, help="Reviews a training step."
)
@click.option(
    "--eval-batch-size", type=int, default=64, show_default=True, help="Reviews an evaluation step."
)
@click.option(
    "--learning-rate",
    type=float,
    default=5e-5,
    show_default=True,
    help="The classifiers' peak rate, after the warm-up; each layer learns at "
    f"{LAYER_DECAY} of the rate of the one above it.",
)
@click.option(
    "--warmup",
    type=float,
    default=0.06,
    show_default=True,
    help="The share of steps in which the rate rises.",
)
@click.option(
    "--weight-decay", type=float, default=0.01, show_default=True, help="AdamW's weight decay."
)
@click.option(
    "--seed",
    type=int,
    default=42,
    show_default=True,
    help="Decides samples, batches and the new head.",
)
@click.option("--overwrite", is_flag=True, help="Replace a model that is in the folder already.")
def finetune(output: Path, data: str, labels: str | None, overwrite: bool, **options: Any) -> None:
    """Train BERT on labelled reviews.

    DATA is imdb, a folder with IMDB's reviews, a labelled CSV, TSV, Excel, Parquet or
    JSON Lines file, or the name of a data set on the hub. A run that was stopped goes on
    from its last checkpoint when the same line is typed again.
    """
    from score.extras import require

    require("finetune", _EXTRA)
    from finetune.box import usual_tokens
    from finetune.data import DataSettings
    from finetune.settings import TrainSettings
    from finetune.train import audit_only, train_model
    from score.tokens import Truncation

    seed, tokens = options["seed"], options["max_tokens"]
    tokens = usual_tokens(options["base"]) if tokens is None else tokens
    data_settings = DataSettings(
        source=data,
        text_column=options["text_column"],
        label_column=options["label_column"],
        labels=_names(labels or ""),
        validation=options["validation"],
        train_size=options["train_size"],
        test_size=options["test_size"],
        also=options["also"],
        unlabelled=options["unlabelled"],
        unlabelled_size=options["unlabelled_size"],
        unlabelled_sentences=options["unlabelled_sentences"],
        clean=_names(",".join(options["clean"])),
        seed=seed,
    )
    settings = TrainSettings(
        base=options["base"],
        truncation=Truncation.halves(options["truncation"], tokens),
        language=options["language"],
        epochs=options["epochs"],
        train_batch_size=options["batch_size"],
        eval_batch_size=options["eval_batch_size"],
        learning_rate=options["learning_rate"],
        warmup=options["warmup"],
        weight_decay=options["weight_decay"],
        class_weights=options["class_weights"],
        also_times=options["also_times"],
        teacher=options["teacher"],
        seed=seed,
    )
    if options["audit_only"]:
        audit = audit_only(data_settings, settings, output, overwrite=overwrite)
        click.echo(f"{output}: {audit.sentence()}")
        return
    report = train_model(
        data_settings,
        settings,
        output,
        command=shlex.join(["thumbs", *sys.argv[1:]]),
        overwrite=overwrite,
        progress=sys.stderr.isatty(),
    )
    evaluation = report.metrics["evaluation"]
    click.echo(
        f"{report.folder}: accuracy {evaluation['accuracy']:.1%} on {evaluation['n']:,} reviews, "
        f"F1 {evaluation['f1']:.3f}, log loss {evaluation['log_loss']:.3f}, "
        f"calibration error {evaluation['ece']:.1%}."
    )
    if not report.metrics["helped"]:
        click.echo(
            "No epoch was right on more of the held-back reviews than what this training began "
            "with, which is kept: the base, its head fitted to other labels where yours are "
            "others. Give it more rows, or use it as it is."
        )
    click.echo(_against_baseline(evaluation, report.metrics["baseline"]["test"]))
    click.echo(f"{report.folder}: {report.audited}")


def _names(text: str) -> tuple[str, ...]:
    """The names in a list with commas."""
    return tuple(name.strip() for name in text.split(",")) if text else ()


def _against_baseline(evaluation: dict[str, Any], baseline: dict[str, Any]) -> str:
    """Whether the long training was worth it."""
    words = f"Counting words and phrases alone (NB-SVM) reaches {baseline['accuracy']:.1%}"
    if evaluation["accuracy"] > baseline["accuracy"]:
        return f"{words}."
    return (
        f"{words}: this model does not beat it. Look at the data (labels, duplicates, another "
        "language than the base model's), then try more rows, more --epochs or another --base."
    )
