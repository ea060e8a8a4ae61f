"""Whether a graph may become a bundle: label flips and calibration error, beyond chance.

Both are measured on a sample, and a sample errs: of 100 reviews a single flip is 1 %, and
the calibration error of 100 answers is several per cent where the confidences are perfect.
So a limit counts as broken where the sample shows it with 95 % certainty: one-sided tests,
which on 2,000 reviews let pass what is a little over the limit, and on 50 what is far over.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from score.calibration import bin_of, expected_calibration_error, softmax
from score.errors import BundleError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from export.reviews import Reviews
    from export.verify import Comparison

CHANCE = 0.05
"""How often a graph that is exactly at a limit is refused by mistake."""

_SHOWN_TEXT = 60
_SHOWN_FLIPS = 3
_DRAWS = 2000
_BINS = 15


def check_flips(
    comparison: Comparison,
    precision: str,
    labels: Sequence[str],
    max_flips: float,
    beside: str = "the checkpoint",
) -> None:
    """Refuse a graph that changes too many labels.

    Args:
        comparison: the answers of checkpoint and graph, or of fp32 and int8 that stop alike.
        precision: the graph's.
        labels: the class names, in class order.
        max_flips: the largest share that may change, 0 to 1.
        beside: what it is compared with.

    Raises:
        BundleError: by the exact binomial test more than ``max_flips`` of all labels change.
    """
    from scipy.special import bdtrc

    flips, reviews = comparison.flips(), comparison.reviews
    # The chance of so many flips or more where the share is just at the limit.
    if not len(flips) or bdtrc(len(flips) - 1, len(reviews), max_flips) >= CHANCE:
        return
    worst = "; ".join(_show(comparison, int(i), labels) for i in flips[:_SHOWN_FLIPS])
    raise BundleError(
        f"Beside {beside}, the {precision} graph changes the label of {len(flips)} of "
        f"{len(reviews):,} reviews ({reviews.name}): {len(flips) / len(reviews):.1%}, more than "
        f"chance makes of the {max_flips:.1%} of --max-flips. The worst: {worst}. No bundle was "
        "made: export with --precision fp32, or allow more."
    )


def check_calibration(
    logits: NDArray[np.float32],
    reviews: Reviews,
    temperature: float,
    precision: str,
    max_ece: float,
) -> None:
    """Refuse a graph whose confidence does not say how often it is right.

    Args:
        logits: the graph's, shape (n, classes).
        reviews: n labelled reviews.
        temperature: divides the logits.
        precision: the graph's.
        max_ece: the largest expected calibration error, 0 to 1.

    Raises:
        BundleError: less what chance explains, the error is larger than ``max_ece``.
    """
    probabilities = softmax(logits, temperature)
    error = expected_calibration_error(probabilities, np.asarray(reviews.classes, np.int64))
    chance = error_by_chance(probabilities.max(axis=1))
    if error - chance <= max_ece:
        return
    raise BundleError(
        f"The {precision} graph's confidence is {error:.1%} off on {len(reviews):,} reviews "
        f"({reviews.name}): chance makes {chance:.1%} of that, and --max-ece allows {max_ece:.1%}. "
        "No bundle was made: train for fewer epochs, hold back more with finetune --validation, "
        "or allow more."
    )


def error_by_chance(confidence: NDArray[np.float64]) -> float:
    """What expected calibration error confidences have by chance where they are perfect.

    The labels are drawn again and again as the confidences say (consistency resampling:
    Bröcker and Smith 2007, "Increasing the Reliability of Reliability Diagrams"). By the
    triangle inequality an error less this one is, with 95 % certainty, not above the true one.

    Args:
        confidence: probability of each answer, shape (n,).

    Returns:
        The error that one draw in twenty exceeds, from 0 to 1.
    """
    place = bin_of(confidence, _BINS)
    sizes = np.bincount(place, minlength=_BINS)
    means = np.bincount(place, weights=confidence, minlength=_BINS) / np.maximum(sizes, 1)
    # The draws are always the same ones, so that the same checkpoint gives the same verdict.
    right = np.random.default_rng(0).binomial(sizes, np.minimum(means, 1), (_DRAWS, _BINS))
    errors = np.abs(right - sizes * means).sum(axis=1) / len(confidence)
    return float(np.quantile(errors, 1 - CHANCE))


def _show(comparison: Comparison, place: int, labels: Sequence[str]) -> str:
    text = " ".join(comparison.reviews.texts[place].split())[:_SHOWN_TEXT]
    old, new = comparison.expected[place].argmax(), comparison.found[place].argmax()
    return f'"{text}" {labels[old]} -> {labels[new]}'
