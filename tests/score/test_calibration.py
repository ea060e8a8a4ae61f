"""Temperature, probabilities and calibration error against figures worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from score.calibration import expected_calibration_error, fit_temperature, softmax


def test_softmax_divides_by_the_temperature() -> None:
    """Logits of ln 4 and 0 are odds of 4 to 1, and of 2 to 1 at temperature 2."""
    logits = np.array([[math.log(4), 0.0]], np.float32)
    assert softmax(logits) == pytest.approx(np.array([[0.8, 0.2]]))
    assert softmax(logits, 2.0) == pytest.approx(np.array([[2 / 3, 1 / 3]]))


def test_softmax_of_one_row_and_of_large_logits() -> None:
    """A single row has the shape it came with, and no logit is too large."""
    assert softmax(np.array([1000.0, 0.0], np.float32)).tolist() == [1.0, 0.0]
    assert softmax(np.array([-1000.0, -1000.0], np.float32)).tolist() == [0.5, 0.5]


def test_the_temperature_makes_confidence_equal_accuracy() -> None:
    """Of 4,000 answers with odds of e^2 to 1 three quarters are right: e^(2/T) becomes 3."""
    logits = np.tile(np.array([[2, 0], [2, 0], [0, 2], [0, 2]], np.float32), (1000, 1))
    temperature = fit_temperature(logits, np.tile([0, 0, 1, 0], 1000))
    assert temperature == pytest.approx(2 / math.log(3), rel=1e-3)
    assert softmax(logits, temperature).max(axis=1) == pytest.approx(np.full(4000, 0.75), abs=1e-3)


@pytest.mark.parametrize(("rows", "sure"), [(1, 2 / 3), (2, 3 / 4), (30, 31 / 32)])
def test_few_rows_that_are_all_right_prove_little(rows: int, sure: float) -> None:
    """After n of n the next is right with (n + 1) / (n + 2), by the rule of succession."""
    logits = np.tile(np.array([[3, 0]], np.float32), (rows, 1))
    temperature = fit_temperature(logits, np.zeros(rows, np.int64))
    assert softmax(logits, temperature).max(axis=1) == pytest.approx(np.full(rows, sure))


def test_the_temperature_has_the_least_log_loss() -> None:
    """Over three classes no temperature beside the fitted one gives a smaller log loss."""
    random = np.random.default_rng(3)
    logits = random.normal(size=(200, 3)).astype(np.float32) * 4
    classes = np.where(random.random(200) < 0.6, logits.argmax(1), random.integers(0, 3, 200))

    def log_loss(temperature: float) -> float:
        losses = -np.log(softmax(logits, temperature))
        true = losses[np.arange(200), classes]
        return float((200 * true + losses.sum(axis=1)).mean() / 203)

    best = fit_temperature(logits, classes)
    assert log_loss(best) < min(log_loss(best * 0.98), log_loss(best * 1.02))


@pytest.mark.parametrize(("size", "classes", "expected"), [(0.01, [0, 1], 0.05), (3, [1, 0], 20)])
def test_a_temperature_out_of_bounds_is_the_nearer_bound(
    size: float, classes: list[int], expected: float
) -> None:
    """Logits that are next to nothing, or answers that are all wrong, have no best one."""
    logits = np.array([[size, 0], [0, size]], np.float32)
    assert fit_temperature(logits, np.array(classes)) == pytest.approx(expected)


def test_calibration_error_by_hand() -> None:
    """Two bins: |0.5 - 0.6| for two answers, |1 - 0.9| for two others, is 0.1 in all."""
    probabilities = np.array([[0.6, 0.4], [0.4, 0.6], [0.9, 0.1], [0.1, 0.9]])
    classes = np.array([0, 0, 0, 1])
    assert expected_calibration_error(probabilities, classes) == pytest.approx(0.1)


def test_calibration_error_at_the_edges() -> None:
    """A confidence of 1 is in the last bin; one on an edge is in the bin below it."""
    sure = np.array([[1.0, 0.0], [1.0, 0.0]])
    assert expected_calibration_error(sure, np.array([0, 1])) == 0.5
    # 0.5 closes the bin (0, 0.5], 0.75 lies in (0.5, 1]: gaps of 0.5 and 0.25.
    edge = np.array([[0.5, 0.5], [0.75, 0.25]])
    assert expected_calibration_error(edge, np.array([0, 0]), bins=2) == 0.375
