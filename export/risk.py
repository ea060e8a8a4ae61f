"""At which confidence a label can be promised to be right, proved on held-back reviews.

Selective classification with guaranteed risk (Geifman and El-Yaniv 2017) asks for the least
threshold above which, with a probability of 1 - delta, no more than a given share of labels
is wrong. Their binary search pays for each of its log2(n) steps with a part of delta; the
fixed sequence testing of "Learn then Test" (Angelopoulos et al. 2021) pays for its starting
points alone, and so promises more of the same reviews:

From each of four starts, the surest 20, 40, 60 and 80 % of the reviews, the set is made
larger by 1 % at a time, as long as the exact binomial test with delta / 4 says that the error
rate over it is at most the one wanted. Several starts, because one wrong label among the
surest reviews, which any data has, would stop a walk that begins there.

Why that is a proof: given the confidence of the review behind the set, the set is a sample
of all texts above that confidence, so its errors are binomial. A walk promises too much only
by passing the first set that reaches below the true threshold, whose error rate is not less
than the wanted one; that test errs with a probability of delta / 4, and there are four walks.
It is taken for granted that the error rate of all texts above a threshold does not fall when
the threshold does: that confidence means something; and that the model was there before the
reviews were. The same reviews chose the epoch, the temperature and where to stop early: a few
numbers, which of thousands of reviews is next to nothing, and of fifty is to be kept in mind.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from score.guarantee import Guarantee, Step

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_ERRORS = (0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.15, 0.2, 0.3)
"""The error rates that an export looks for thresholds for."""
DELTA = 0.05
"""How often a promise may be wrong."""

_STARTS = (0.2, 0.4, 0.6, 0.8)
_STEP = 0.01
_SCALE = 10**6


def guarantee(
    confidence: NDArray[np.float64], correct: NDArray[np.bool_], data: str, delta: float = DELTA
) -> Guarantee:
    """The thresholds for :data:`MAX_ERRORS`.

    Args:
        confidence: the calibrated probability of each label, shape (n,), n > 0.
        correct: whether it is the true one, shape (n,).
        data: the name of the reviews.
        delta: how often each of the promises may be wrong.
    """
    order = np.argsort(-confidence, kind="stable")
    falling, errors = confidence[order], np.cumsum(~correct[order], dtype=np.int64)
    # Reviews of the same confidence are promised together or not at all.
    sizes = np.searchsorted(-falling, -falling, side="right")
    steps = []
    for max_error in MAX_ERRORS:
        size = _largest_set(sizes, errors, max_error, delta)
        threshold = _threshold(falling, size) if size else None
        coverage = 0.0 if threshold is None else float((confidence >= threshold).mean())
        steps.append(Step(max_error, threshold, coverage))
    return Guarantee(data, len(confidence), delta, tuple(steps))


def _largest_set(
    sizes: NDArray[np.int64], errors: NDArray[np.int64], max_error: float, delta: float
) -> int:
    """How many of the surest reviews can be promised; 0 for none.

    Args:
        sizes: for each review, the surest first, how many have at least its confidence.
        errors: of the surest 1, 2, ... n reviews.
        max_error: the error rate to keep.
        delta: how often the answer may be wrong.
    """
    from scipy.special import bdtr

    n, largest = len(errors), 0
    step = max(1, math.floor(n * _STEP))
    for start in _STARTS:
        size = int(sizes[max(1, math.floor(n * start)) - 1])
        # The chance of so few errors where the error rate is just too large.
        while bdtr(float(errors[size - 1]), size, max_error) <= delta / len(_STARTS):
            largest = max(largest, size)
            if size == n:
                break
            size = int(sizes[min(size + step, n) - 1])
    return largest


def _threshold(falling: NDArray[np.float64], size: int) -> float:
    """The confidence of the last of the ``size`` surest reviews; 0 where that is the last of all.

    Rounded up, which promises less rather than more.
    """
    if size == len(falling):
        return 0.0
    return min(math.ceil(float(falling[size - 1]) * _SCALE) / _SCALE, 1.0)
