"""The gate of the export: what the reviews prove is refused, what chance explains is not."""

from __future__ import annotations

import numpy as np
import pytest

from export.gate import check_calibration, check_flips, error_by_chance
from export.reviews import Reviews
from export.verify import Comparison
from score.calibration import expected_calibration_error
from score.errors import BundleError

LABELS = ("negative", "positive")
LN3 = float(np.log(3))


def flipped(flips: int, n: int) -> Comparison:
    """``n`` answers, of which the first ``flips`` turn from negative to positive."""
    texts = ("one\n" + "x" * 70, *(f"text {i}" for i in range(1, n)))
    expected = np.tile(np.array([LN3, 0], np.float32), (n, 1))
    found = expected.copy()
    found[:flips] = found[:flips, ::-1]
    return Comparison(Reviews("mine", texts, None), expected, found, 1.0)


@pytest.mark.parametrize(
    ("flips", "n", "limit"),
    [
        (0, 1, 0.0),
        (2, 100, 0.005),  # 1 - (0.995^100 + 100 * 0.005 * 0.995^99) is 9 %
        (15, 2000, 0.005),  # P(X >= 15) is 8 % where 10 are expected
        (100, 100, 1.0),
    ],
)
def test_flips_that_chance_explains(flips: int, n: int, limit: float) -> None:
    """A share above the limit passes where one sample in twenty has it by chance."""
    check_flips(flipped(flips, n), "int8", LABELS, limit)


@pytest.mark.parametrize(
    ("flips", "n", "limit"), [(1, 1000, 0.0), (3, 100, 0.005), (16, 2000, 0.005), (1, 10, 0.005)]
)
def test_flips_beyond_chance(flips: int, n: int, limit: float) -> None:
    """With one more flip it is refused; where no flip is allowed, one is enough."""
    with pytest.raises(BundleError):
        check_flips(flipped(flips, n), "int8", LABELS, limit)


def test_the_refusal_names_the_worst_first() -> None:
    """It is one line with figure, reviews, limit, examples and remedy."""
    with pytest.raises(BundleError) as caught:
        check_flips(flipped(4, 1000), "int8", LABELS, 0.0005)
    assert str(caught.value) == (
        "Beside the checkpoint, the int8 graph changes the label of 4 of 1,000 reviews (mine): "
        "0.4%, more than chance "
        f'makes of the 0.1% of --max-flips. The worst: "one {"x" * 56}" negative -> positive; '
        '"text 1" negative -> positive; "text 2" negative -> positive. No bundle was made: '
        "export with --precision fp32, or allow more."
    )
    assert caught.value.exit_code == 78


def answers(n: int, right: float) -> tuple[np.ndarray, Reviews]:
    """``n`` answers with odds of 3 to 1, of which a share is right."""
    classes = tuple(int(i >= n * right) for i in range(n))
    logits = np.tile(np.array([LN3, 0], np.float32), (n, 1))
    return logits, Reviews("mine", tuple("x" for _ in range(n)), classes)


def test_a_confidence_that_is_off() -> None:
    """Odds of 3 to 1 that are right in 70 % of 10,000 cases are 5 % off, surely more than 2."""
    logits, reviews = answers(10_000, 0.70)
    with pytest.raises(BundleError) as caught:
        check_calibration(logits, reviews, 1.0, "int8", 0.02)
    # Chance: 1.96 * sqrt(0.75 * 0.25 / 10000) is 0.85 %.
    assert str(caught.value) == (
        "The int8 graph's confidence is 5.0% off on 10,000 reviews (mine): chance makes 0.8% of "
        "that, and --max-ece allows 2.0%. No bundle was made: train for fewer epochs, hold back "
        "more with finetune --validation, or allow more."
    )
    check_calibration(logits, reviews, 1.0, "int8", 0.05)
    # Of 100 reviews the same error proves nothing.
    check_calibration(*answers(100, 0.70), 1.0, "int8", 0.02)


def test_perfect_confidences_are_seldom_refused() -> None:
    """Of samples whose labels are drawn as the confidences say, one in twenty is beyond chance."""
    random = np.random.default_rng(1)
    confidence = 0.5 + random.random(500) / 2
    limit = error_by_chance(confidence)
    probabilities = np.stack([confidence, 1 - confidence], axis=1)
    errors = [
        expected_calibration_error(probabilities, (random.random(500) > confidence).astype(int))
        for _ in range(1000)
    ]
    assert np.mean(np.array(errors) > limit) == pytest.approx(0.05, abs=0.025)
    assert limit == error_by_chance(confidence)
