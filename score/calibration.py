"""From logits to a label and a probability that can be believed.

Temperature scaling divides the logits by one number, fitted on held-back reviews, before
the softmax: labels stay as they are, confidences come to mean what they say
(Guo et al. 2017, "On Calibration of Modern Neural Networks").
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Beyond these a temperature says that the model or the data is broken, not miscalibrated.
_MIN_TEMPERATURE, _MAX_TEMPERATURE = 0.05, 20.0


def softmax(
    logits: NDArray[np.float32] | NDArray[np.float64], temperature: float = 1.0
) -> NDArray[np.float64]:
    """Probabilities of the classes.

    Args:
        logits: shape (n, classes) or (classes,).
        temperature: above 0; larger is less confident.

    Returns:
        Probabilities of the same shape; each row adds up to 1.
    """
    scaled = logits.astype(np.float64) / temperature
    scaled -= scaled.max(axis=-1, keepdims=True)
    exponentials = np.exp(scaled)
    probabilities: NDArray[np.float64] = exponentials / exponentials.sum(axis=-1, keepdims=True)
    return probabilities


def fit_temperature(logits: NDArray[np.float32], classes: NDArray[np.int64]) -> float:
    """The temperature with the least log loss on labelled data.

    The true class counts (n + 1) / (n + classes), each other 1 / (n + classes), as the rule of
    succession has it (Platt 1999, "Probabilistic Outputs for Support Vector Machines"): of few
    rows that are all right one cannot learn to be surer than that. For thousands it is nothing.

    The loss is convex in 1/T, so its slope has one zero, found by bisection. Where the best
    temperature lies outside [0.05, 20] the nearer end is returned.

    Args:
        logits: shape (n, classes), n > 0.
        classes: the true class of each row, shape (n,).
    """
    scores = logits.astype(np.float64)
    targets = _targets(scores.shape, classes)

    def slope(inverse: float) -> float:
        excess = softmax(logits, 1 / inverse) - targets
        return float((excess * scores).sum(axis=1).mean())

    low, high = 1 / _MAX_TEMPERATURE, 1 / _MIN_TEMPERATURE
    for _ in range(60):
        middle = (low + high) / 2
        if slope(middle) > 0:
            high = middle
        else:
            low = middle
    return 2 / (low + high)


def fit_weights(
    logits: NDArray[np.float32] | NDArray[np.float64], classes: NDArray[np.int64]
) -> NDArray[np.float64]:
    """How much several classifiers are to be believed together: none less than nothing.

    The weights with the least log loss of the softmax of their weighted sum, against the
    targets of :func:`fit_temperature`; of one classifier it is 1 / temperature. The loss is
    convex; its least is found by Newton's method.

    Args:
        logits: shape (classifiers, n, classes), n > 0.
        classes: the true class of each row, shape (n,).

    Returns:
        Shape (classifiers,), each from 0 to 20.
    """
    scores = logits.astype(np.float64)
    targets = _targets(scores.shape[1:], classes)
    weights = np.zeros(len(scores))
    believed = np.ones(len(scores), bool)
    while believed.any():
        weights[:] = 0
        weights[believed] = _newton(scores[believed], targets)
        if (weights >= 0).all():
            break
        believed &= weights > weights.min()
    return np.clip(weights, 0, 1 / _MIN_TEMPERATURE)


def _newton(scores: NDArray[np.float64], targets: NDArray[np.float64]) -> NDArray[np.float64]:
    """The weights of least loss, of either sign, shape (classifiers,)."""

    def loss(weights: NDArray[np.float64]) -> float:
        mixed = np.tensordot(weights, scores, 1)
        top = mixed.max(axis=1, keepdims=True)
        logs = mixed - top - np.log(np.exp(mixed - top).sum(axis=1, keepdims=True))
        return float(-(targets * logs).sum(axis=1).mean())

    weights = np.zeros(len(scores))
    for _ in range(100):
        shares = softmax(np.tensordot(weights, scores, 1))
        gradient = ((shares - targets) * scores).sum(axis=2).mean(axis=1)
        means = (shares * scores).sum(axis=2)
        curvature = np.einsum("nk,ink,jnk->ij", shares, scores, scores) - means @ means.T
        curvature = curvature / shares.shape[0] + 1e-9 * np.eye(len(scores))
        step = np.linalg.solve(curvature, gradient)
        before = loss(weights)
        # Far from the least the curvature promises too much.
        while loss(weights - step) > before and np.abs(step).max() > 1e-9:
            step /= 2
        weights = weights - step
        if np.abs(step).max() < 1e-7:
            break
    return weights


def _targets(shape: tuple[int, ...], classes: NDArray[np.int64]) -> NDArray[np.float64]:
    """What is wanted of each row: see :func:`fit_temperature`."""
    targets = np.ones(shape)
    targets[np.arange(len(classes)), classes] += len(classes)
    wanted: NDArray[np.float64] = targets / targets.sum(axis=1, keepdims=True)
    return wanted


def expected_calibration_error(
    probabilities: NDArray[np.float64], classes: NDArray[np.int64], bins: int = 15
) -> float:
    """How far confidence and accuracy lie apart, from 0 to 1.

    The confidences are put into ``bins`` bins of equal width over [0, 1]; the error is the
    mean of |accuracy - mean confidence| over the bins, weighted by their sizes
    (Guo et al. 2017, equation 3).

    Args:
        probabilities: shape (n, classes).
        classes: the true class of each row, shape (n,).
        bins: the number of bins.
    """
    confidence = probabilities.max(axis=1)
    correct = probabilities.argmax(axis=1) == classes
    gaps = np.bincount(bin_of(confidence, bins), weights=correct - confidence, minlength=bins)
    return float(np.abs(gaps).sum() / len(classes))


def bin_of(confidence: NDArray[np.float64], bins: int = 15) -> NDArray[np.int64]:
    """The bin of each confidence, from 0, of ``bins`` bins of equal width over [0, 1].

    Bins are open on the left, as in the paper, so a confidence of 1 is in the last one.
    """
    return np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)
