"""The promised error rates: against a brute-force search, and over many draws of reviews."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from export.risk import MAX_ERRORS, guarantee
from score.guarantee import Step

RANDOM = np.random.default_rng(7)


def binomial_tail(errors: int, n: int, rate: float) -> float:
    """The chance of ``errors`` or fewer in ``n`` trials, term by term."""
    return sum(math.comb(n, k) * rate**k * (1 - rate) ** (n - k) for k in range(errors + 1))


def falling(n: int) -> NDArray[np.float64]:
    """``n`` different confidences, the surest first, by 0.0001."""
    return np.array([0.9999 - i / 10_000 for i in range(n)])


def test_thresholds_by_hand() -> None:
    """1,000 answers, of which every tenth behind the surest 700 is wrong."""
    confidence = falling(1000)
    correct = np.array([i < 700 or i % 10 > 0 for i in range(1000)])
    found = guarantee(confidence, correct, "mine")
    assert (found.data, found.n, found.delta) == ("mine", 1000, 0.05)
    assert tuple(step.max_error for step in found.steps) == MAX_ERRORS
    for step in found.steps:
        # From 200, 400, 600 and 800 on in steps of 10, each while the test says yes.
        sizes = []
        for start in (200, 400, 600, 800):
            size = start
            while size <= 1000:
                errors = int((~correct[:size]).sum())
                if binomial_tail(errors, size, step.max_error) > 0.05 / 4:
                    break
                sizes.append(size)
                size += 10
        if not sizes:
            assert step == Step(step.max_error, None, 0.0)
        elif max(sizes) == 1000:
            assert step == Step(step.max_error, 0.0, 1.0)
        else:
            threshold = confidence[max(sizes) - 1]
            assert step.threshold == pytest.approx(threshold, abs=1e-6)
            assert step.coverage == pytest.approx(max(sizes) / 1000, abs=0.001)
    thresholds = [step.threshold for step in found.steps]
    assert thresholds[0] is None  # 878 right ones without an error would be needed
    assert thresholds[-1] == 0.0  # 3 % of all are wrong
    assert 0.9 < (thresholds[2] or 0) < 0.9999


def test_an_error_among_the_surest_stops_one_walk_alone() -> None:
    """One wrong label at the very top does not undo the promise of 2 %."""
    correct = np.array([i != 3 for i in range(1000)])
    step = guarantee(falling(1000), correct, "mine").steps[2]
    assert (step.max_error, step.threshold, step.coverage) == (0.02, 0.0, 1.0)


def test_too_few_reviews_promise_nothing() -> None:
    """Of 16 right answers the last walk starts with 12, and 0.7^12 is 1.38 %; of 17 with 13."""
    assert all(s.threshold is None for s in guarantee(falling(16), np.full(16, True), "x").steps)
    assert guarantee(falling(17), np.full(17, True), "x").steps[-1].threshold == 0.0


def test_equal_confidences_are_promised_together() -> None:
    """A threshold cannot part what has the same confidence."""
    confidence = np.array([0.9] * 600 + [0.8] * 400)
    correct = np.array([True] * 600 + [False] * 400)
    steps = guarantee(confidence, correct, "mine").steps
    assert [step.threshold for step in steps] == [None] + [0.9] * 8
    assert [step.coverage for step in steps[1:]] == [0.6] * 8


@pytest.mark.parametrize("n", [300, 1000])
@pytest.mark.parametrize("shape", ["smooth", "cliff", "all alike"])
def test_the_promise_holds(n: int, shape: str) -> None:
    """Of 300 draws of held-back reviews at most one in twenty leads to a larger true error rate.

    The true error rate over each threshold is known: the answer at confidence c is wrong
    with a probability that the shape says.
    """
    grid = np.linspace(0, 1, 20_001)
    error = {
        "smooth": 0.4 * (1 - grid) ** 2,
        # Where a test that errs costs most: a hair below the true threshold all goes wrong.
        "cliff": np.where(grid > 0.4, 0.0499, 0.5),
        "all alike": np.full_like(grid, 0.0501),
    }[shape]
    risk = np.cumsum(error[::-1])[::-1] / np.arange(len(grid), 0, -1)
    broken = np.zeros(len(MAX_ERRORS))
    for _ in range(300):
        confidence = RANDOM.random(n)
        correct = RANDOM.random(n) >= np.interp(confidence, grid, error)
        for i, step in enumerate(guarantee(confidence, correct, "drawn").steps):
            if step.threshold is not None:
                broken[i] += np.interp(step.threshold, grid, risk) > step.max_error
    # 5 % of 300 draws, and three standard errors of their number.
    assert broken.max() <= 300 * 0.05 + 3 * math.sqrt(300 * 0.05 * 0.95)
