"""Finds how much surer a model is of short texts than it may be.

The power of the length is the family with one parameter, and one is what some hundred texts
can settle. It is fitted on reviews of another kind beside the held-back ones: texts that are
short by nature, for the few short ones among film reviews are another matter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from score.lengths import LengthScale

if TYPE_CHECKING:
    from numpy.typing import NDArray

_USUAL = 0.1
"""The share of the held-back reviews that are shorter than the usual length."""
_SHORTEST = 0.05
_EXPONENTS = (-2.0, 2.0)


def fit_lengths(
    logits: NDArray[np.float32],
    classes: NDArray[np.int64],
    lengths: NDArray[np.int64],
    temperature: float,
    usual: NDArray[np.int64],
) -> LengthScale:
    """The scale with the least log loss on labelled texts.

    Args:
        logits: shape (n, classes), n > 0.
        classes: the true class of each, shape (n,).
        lengths: their tokens, marks included, shape (n,).
        temperature: of texts of the usual length.
        usual: the tokens of the reviews that it was fitted on, shape (m,).
    """
    from scipy.optimize import minimize_scalar

    most = max(1, int(np.quantile(usual, _USUAL)))
    least = min(most, max(1, int(np.quantile(lengths, _SHORTEST))))
    share = np.clip(lengths, least, most) / most
    rows = np.arange(len(classes))

    def loss(exponent: float) -> float:
        scaled = logits / (temperature * share**exponent)[:, None]
        scaled = scaled - scaled.max(axis=1, keepdims=True)
        return float((np.log(np.exp(scaled).sum(axis=1)) - scaled[rows, classes]).mean())

    found = minimize_scalar(loss, bounds=_EXPONENTS, method="bounded")
    return LengthScale(round(float(found.x), 4), least, most)


def scaled(
    logits: NDArray[np.float32], lengths: NDArray[np.int64], scale: LengthScale | None
) -> NDArray[np.float32]:
    """Logits as the scorer has them before the temperature, by :mod:`score.lengths`."""
    if scale is None:
        return logits
    factors = np.array([scale.factor(int(length)) for length in lengths], np.float32)
    divided: NDArray[np.float32] = logits / factors[:, None]
    return divided
