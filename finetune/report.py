"""How good a model is, in numbers and as a curve."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from finetune.checkpoint import COVERAGE_RISK_FILE, RELIABILITY_FILE
from score.calibration import expected_calibration_error, softmax
from score.curves import curves

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def classification_metrics(
    logits: NDArray[np.float32], classes: NDArray[np.int64], temperature: float
) -> dict[str, float | int]:
    """The usual figures for a classifier's answers.

    Precision, recall and F1 are macro averages: each class counts the same.

    Args:
        logits: shape (n, classes).
        classes: the true class of each row, shape (n,).
        temperature: divides the logits before the softmax.

    Returns:
        n, accuracy, precision, recall, f1, log_loss (nats) and ece (15 equal-width bins).
    """
    from sklearn.metrics import accuracy_score, log_loss, precision_recall_fscore_support

    probabilities = softmax(logits, temperature)
    predicted = logits.argmax(axis=1)
    precision, recall, f1, _ = precision_recall_fscore_support(
        classes, predicted, average="macro", zero_division=0.0
    )
    return {
        "n": len(classes),
        "accuracy": float(accuracy_score(classes, predicted)),
        "precision": float(precision),
        "recall": float(recall),
        "f1": float(f1),
        "log_loss": float(log_loss(classes, probabilities, labels=range(logits.shape[1]))),
        "ece": expected_calibration_error(probabilities, classes),
    }


def draw_loss_curve(history: Sequence[dict[str, Any]], path: Path) -> None:
    """Draw training and validation loss over the epochs into a PNG file.

    Args:
        history: Trainer's log: entries with ``epoch`` and ``loss`` or ``eval_loss``.
        path: where the picture goes.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.2), layout="constrained")
    axes = figure.subplots()
    for key, label, marker in (("loss", "training", ""), ("eval_loss", "validation", "o")):
        points = [(entry["epoch"], entry[key]) for entry in history if key in entry]
        axes.plot([x for x, _ in points], [y for _, y in points], marker=marker, label=label)
    axes.set(xlabel="epoch", ylabel="cross-entropy (nats)", title="Loss while fine-tuning")
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path, dpi=150)


def draw_confidence(
    logits: NDArray[np.float32], classes: NDArray[np.int64], temperature: float, folder: Path
) -> None:
    """Draw the reliability diagram and the coverage-risk curve into two PNG files.

    Args:
        logits: shape (n, classes).
        classes: the true class of each row, shape (n,).
        temperature: divides the logits before the softmax.
        folder: where the pictures go.
    """
    probabilities = softmax(logits, temperature)
    confidence, correct = probabilities.max(axis=1), probabilities.argmax(axis=1) == classes
    found = curves(confidence, correct)
    error = expected_calibration_error(probabilities, classes)
    _draw_reliability(found["reliability"], error, folder / RELIABILITY_FILE)
    _draw_coverage_risk(found["coverage_risk"], folder / COVERAGE_RISK_FILE)


def _draw_reliability(bins: Sequence[Sequence[float]], error: float, path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.4, 5), layout="constrained")
    axes = figure.subplots()
    means, accuracies, sizes = zip(*bins, strict=True)
    low = min(0.5, *means, *accuracies)
    axes.plot([low, 1], [low, 1], "--", color="0.6", label="confidence is accuracy")
    axes.plot(means, accuracies, color="C0")
    # Areas as the bins' sizes: a bin of few reviews says little.
    areas = [20 + 380 * size / max(sizes) for size in sizes]
    axes.scatter(means, accuracies, areas, color="C0", alpha=0.6, label="a bin; area: reviews")
    axes.set(xlabel="confidence", ylabel="accuracy", title=f"Reliability (ECE {error:.2%})")
    axes.grid(alpha=0.3)
    axes.legend(loc="upper left")
    figure.savefig(path, dpi=150)


def _draw_coverage_risk(points: Sequence[Sequence[float]], path: Path) -> None:
    from matplotlib.figure import Figure
    from matplotlib.ticker import PercentFormatter

    figure = Figure(figsize=(7, 4.2), layout="constrained")
    axes = figure.subplots()
    axes.plot([share for share, _ in points], [risk for _, risk in points])
    axes.set(
        xlabel="coverage: share of reviews kept, the surest first",
        ylabel="risk: share of them labelled wrongly",
        title="Coverage and risk",
    )
    axes.set_xlim(0, 1)
    axes.set_ylim(bottom=0)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(1))
    axes.grid(alpha=0.3)
    figure.savefig(path, dpi=150)
