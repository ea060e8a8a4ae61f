"""Whether a graph answers as its checkpoint does, asked through the code that will score."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from export.convert import silence
from score.calibration import expected_calibration_error, softmax
from score.engine import Engine
from score.errors import BundleError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from export.checkpoint import Checkpoint
    from export.reviews import Reviews

_SHOWN_TEXT = 60
_SHOWN_FLIPS = 3


@dataclass(frozen=True, slots=True)
class Comparison:
    """The answers of a checkpoint and of a graph to the same reviews.

    Attributes:
        reviews: the reviews.
        expected: the checkpoint's logits, shape (n, classes).
        found: the graph's logits, shape (n, classes).
        temperature: divides both. It is the graph's own, so that a change in probability
            is the graph's doing alone and as large as a user would see it.
    """

    reviews: Reviews
    expected: NDArray[np.float32]
    found: NDArray[np.float32]
    temperature: float

    def flips(self) -> NDArray[np.int64]:
        """The places of the reviews whose label changed, the worst first."""
        changed = np.flatnonzero(self.expected.argmax(axis=1) != self.found.argmax(axis=1))
        order: NDArray[np.int64] = changed[np.argsort(-self.changes()[changed], kind="stable")]
        return order

    def changes(self) -> NDArray[np.float64]:
        """For each review the largest change in the probability of a class, from 0 to 1."""
        difference = softmax(self.expected, self.temperature) - softmax(
            self.found, self.temperature
        )
        largest: NDArray[np.float64] = np.abs(difference).max(axis=1)
        return largest

    def parity(self) -> dict[str, Any]:
        """The comparison in numbers, for the manifest."""
        changes, flips = self.changes(), len(self.flips())
        parity: dict[str, Any] = {
            "data": self.reviews.name,
            "sha256": self.reviews.digest(),
            "n": len(self.reviews),
            "flips": flips,
            "flip_share": flips / len(self.reviews),
            "mean_change": float(changes.mean()),
            "max_change": float(changes.max()),
        }
        if self.reviews.classes is not None:
            parity["checkpoint"] = figures(self.expected, self.reviews.classes, self.temperature)
            parity["graph"] = figures(self.found, self.reviews.classes, self.temperature)
        return parity

    def check(self, precision: str, labels: Sequence[str], max_flips: float) -> None:
        """Refuse a graph that changes too many labels.

        Raises:
            BundleError: more than a share of ``max_flips`` of the labels changed.
        """
        flips = self.flips()
        share = len(flips) / len(self.reviews)
        if share <= max_flips:
            return
        worst = "; ".join(self._show(int(i), labels) for i in flips[:_SHOWN_FLIPS])
        raise BundleError(
            f"The {precision} graph changes the label of {len(flips)} of {len(self.reviews)} "
            f"reviews ({self.reviews.name}): {share:.1%}, while --max-flips allows "
            f"{max_flips:.1%}. The worst: {worst}. No bundle was made: export with --precision "
            "fp32, or allow more."
        )

    def _show(self, place: int, labels: Sequence[str]) -> str:
        text = " ".join(self.reviews.texts[place].split())[:_SHOWN_TEXT]
        old, new = self.expected[place].argmax(), self.found[place].argmax()
        return f'"{text}" {labels[old]} -> {labels[new]}'


def figures(
    logits: NDArray[np.float32], classes: Sequence[int], temperature: float
) -> dict[str, float]:
    """How right the answers are.

    Args:
        logits: shape (n, classes).
        classes: the true class of each row, length n.
        temperature: divides the logits before the softmax.

    Returns:
        accuracy, log_loss (nats) and ece (15 equal-width bins).
    """
    truth = np.asarray(classes, np.int64)
    probabilities = softmax(logits, temperature)
    chosen = probabilities[np.arange(len(truth)), truth]
    return {
        "accuracy": float((logits.argmax(axis=1) == truth).mean()),
        "log_loss": float(-np.log(np.maximum(chosen, np.finfo(np.float64).tiny)).mean()),
        "ece": expected_calibration_error(probabilities, truth),
    }


def graph_logits(engine: Engine, batch: Sequence[Sequence[int]]) -> NDArray[np.float32]:
    """The graph's answers, each review a run of its own as on a user's CPU.

    Args:
        engine: the graph.
        batch: token ids of each review, as :class:`score.tokens.Encoder` makes them.

    Returns:
        Shape (len(batch), classes).
    """
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return np.stack(list(pool.map(engine.logits, batch)))


def checkpoint_logits(
    checkpoint: Checkpoint, batch: Sequence[Sequence[int]]
) -> NDArray[np.float32]:
    """The checkpoint's own answers, in PyTorch and fp32, one review at a time.

    Args:
        checkpoint: the model.
        batch: token ids of each review.

    Returns:
        Shape (len(batch), classes).
    """
    import torch
    from transformers import AutoModelForSequenceClassification

    with silence(), torch.inference_mode():
        model = AutoModelForSequenceClassification.from_pretrained(
            checkpoint.folder, local_files_only=True, dtype=torch.float32
        ).eval()
        rows = [model(torch.tensor([list(ids)])).logits[0].numpy() for ids in batch]
    return np.stack(rows)
