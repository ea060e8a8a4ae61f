"""Finds how much surer a model is of short texts than it may be.

The power of the length is the family with one parameter, and one is what some hundred texts
can settle. It is fitted on reviews of another kind beside the held-back ones: texts that are
short by nature, for the few short ones among film reviews are another matter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from export.verify import figures
from score.lengths import LengthScale

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from export.reviews import Encoded

_USUAL = 0.1
"""The share of the held-back reviews that are shorter than the usual length."""
_SHORTEST = 0.05
_STEEPEST = -2.0
_FLAT = -0.01
"""An exponent that changes nothing to speak of."""


def fit_lengths(
    logits: NDArray[np.float32], reviews: Encoded, temperature: float, usual: NDArray[np.int64]
) -> LengthScale | None:
    """The scale with the least log loss on labelled texts.

    Args:
        logits: the answers to them, shape (n, classes).
        reviews: the texts.
        temperature: of texts of the usual length.
        usual: the tokens of the reviews that it was fitted on, shape (m,).

    Returns:
        None where the texts are no shorter than usual, or the model is no surer of them than it
        may be: a scale never adds to a confidence.
    """
    from scipy.optimize import minimize_scalar

    most = max(1, int(np.quantile(usual, _USUAL)))
    least = min(most, max(1, int(np.quantile(reviews.lengths, _SHORTEST))))
    if least == most:
        return None

    def loss(exponent: float) -> float:
        shown = scaled(logits, reviews, LengthScale(exponent, least, most))
        return figures(shown, reviews.classes, temperature)["log_loss"]

    found = minimize_scalar(loss, bounds=(_STEEPEST, 0.0), method="bounded")
    exponent = round(float(found.x), 4)
    return LengthScale(exponent, least, most) if exponent < _FLAT else None


def scaled(
    logits: NDArray[np.float32], reviews: Encoded, scale: LengthScale | None
) -> NDArray[np.float32]:
    """Logits as the scorer has them before the temperature."""
    return scale.divide(logits, reviews.beginnings) if scale else logits
