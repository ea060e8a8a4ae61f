"""How sure a graph may be: its temperature, its scale for short texts, and its promises."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from export.gate import error_by_chance
from export.lengths import fit_lengths, scaled
from export.risk import guarantee
from export.verify import figures
from score.calibration import fit_temperature, softmax
from score.curves import curves
from score.lengths import LengthScale

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from export.reviews import Encoded
    from score.guarantee import Guarantee


@dataclass(frozen=True, slots=True)
class Answers:
    """What was answered to some reviews: shape (n, classes), before any temperature."""

    logits: NDArray[np.float32]
    reviews: Encoded

    def scaled(self, lengths: LengthScale | None) -> NDArray[np.float32]:
        """The logits as the scorer has them before the temperature."""
        return scaled(self.logits, self.reviews, lengths)


@dataclass(frozen=True, slots=True)
class Calibration:
    """What was fitted to the answers to the held-back reviews.

    Attributes:
        temperature: what the logits are divided by.
        lengths: what the temperature is multiplied by for short texts; None is nothing.
        guarantee: which labels can be promised at which error rate.
        logits: the answers, scaled by length, shape (n, classes).
    """

    temperature: float
    lengths: LengthScale | None
    guarantee: Guarantee
    logits: NDArray[np.float32]


def calibrate(held_back: Answers, others: Answers | None) -> Calibration:
    """Fit the confidence of a graph, or of one way to stop in it.

    Args:
        held_back: its answers to the reviews held back from training.
        others: those to short ones, for which the confidence is to hold too; None are none.
    """
    reviews, lengths = held_back.reviews, None
    temperature = fit_temperature(held_back.logits, reviews.classes)
    if others is not None:
        lengths = fit_lengths(others.logits, others.reviews, temperature, reviews.lengths)
    logits = held_back.scaled(lengths)
    confidence, correct = _confidence(logits, temperature, reviews)
    promises = guarantee(confidence, correct, reviews.reviews.name)
    return Calibration(temperature, lengths, promises, logits)


def described(found: Calibration, held_back: Answers, others: Answers | None) -> dict[str, Any]:
    """The figures of a calibration, for the manifest; arguments as :func:`calibrate` had them."""
    reviews, temperature = held_back.reviews, found.temperature
    confidence, correct = _confidence(found.logits, temperature, reviews)
    told = {
        **figures(found.logits, reviews.classes, temperature),
        "ece_by_chance": error_by_chance(confidence),
        **curves(confidence, correct),
    }
    if others is not None:
        truth = others.reviews.classes
        told["short"] = {
            "data": others.reviews.reviews.name,
            "sha256": others.reviews.reviews.digest(),
            "n": len(truth),
            "ece_unscaled": figures(others.logits, truth, temperature)["ece"],
            **figures(others.scaled(found.lengths), truth, temperature),
        }
    return told


def _confidence(
    logits: NDArray[np.float32], temperature: float, reviews: Encoded
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """The confidence of each label, and whether it is the true one."""
    correct: NDArray[np.bool_] = logits.argmax(axis=1) == reviews.classes
    return softmax(logits, temperature).max(axis=1), correct
