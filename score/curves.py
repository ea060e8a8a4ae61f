"""Two pictures of a confidence, in numbers: is it right, and what is it worth?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from score.calibration import bin_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

_POINTS = 50
_DIGITS = 5


def curves(confidence: NDArray[np.float64], correct: NDArray[np.bool_]) -> dict[str, Any]:
    """The reliability diagram and the coverage-risk curve of some answers.

    Args:
        confidence: the calibrated probability of each label, shape (n,), n > 0.
        correct: whether it is the true one, shape (n,).

    Returns:
        ``reliability``: for each bin of confidences that is not empty (15 of equal width)
        its mean confidence, its accuracy and its size, as in Guo et al. 2017, figure 4.
        ``coverage_risk``: for up to 50 shares of the answers, the surest first, the share
        and the error rate over it, as in Geifman and El-Yaniv 2017, figure 1.
    """
    place = bin_of(confidence)
    sizes = np.bincount(place)
    full = np.flatnonzero(sizes)
    means = np.bincount(place, weights=confidence)[full] / sizes[full]
    accuracies = np.bincount(place, weights=correct)[full] / sizes[full]
    wrong = np.cumsum(~correct[np.argsort(-confidence, kind="stable")])
    n = len(confidence)
    ends = np.unique(np.ceil(np.linspace(0, n, _POINTS + 1)[1:]).astype(int))
    return {
        "reliability": [
            [round(float(mean), _DIGITS), round(float(accuracy), _DIGITS), int(size)]
            for mean, accuracy, size in zip(means, accuracies, sizes[full], strict=True)
        ],
        "coverage_risk": [
            [round(float(end / n), _DIGITS), round(float(wrong[end - 1] / end), _DIGITS)]
            for end in ends
        ],
    }
