"""Looking up a promised error rate, and what is no promise."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

import pytest

from score.errors import UsageError
from score.guarantee import Guarantee, Step, promised_threshold

STEPS = (Step(0.01, None, 0.0), Step(0.02, 0.95, 0.7), Step(0.05, 0.8, 0.9), Step(0.1, 0.0, 1.0))
MINE = Guarantee("mine, validation split", 1194, 0.05, STEPS)


def entry(**changes: Any) -> dict[str, Any]:
    """The guarantee as it stands in a manifest, with changes."""
    return {**asdict(MINE), "steps": [asdict(step) for step in STEPS], **changes}


@pytest.mark.parametrize(
    ("max_error", "threshold"), [(0.02, 0.95), (0.03, 0.95), (0.05, 0.8), (0.1, 0.0), (0.9, 0.0)]
)
def test_the_next_stricter_rate_counts(max_error: float, threshold: float) -> None:
    """Between two stored error rates the smaller one is promised."""
    assert promised_threshold("m", MINE, max_error) == threshold


@pytest.mark.parametrize("max_error", [0.001, 0.01, 0.019])
def test_what_cannot_be_promised(max_error: float) -> None:
    """The refusal says what can be."""
    with pytest.raises(UsageError) as caught:
        promised_threshold("m", MINE, max_error)
    assert str(caught.value) == (
        f"The bundle m cannot promise an error rate of {max_error:g}: its 1,194 held-back reviews "
        "prove no threshold for that. The least it can promise is --max-error 0.02."
    )
    assert caught.value.exit_code == 64


def test_a_bundle_that_promises_nothing() -> None:
    """Nor is there a threshold in an old bundle, or in one of too few reviews."""
    with pytest.raises(UsageError) as caught:
        promised_threshold("m", None, 0.02)
    assert str(caught.value) == (
        "The bundle m has no thresholds for --max-error 0.02. Export it again with this thumbs, "
        "or say --unsure-below."
    )
    with pytest.raises(UsageError) as caught:
        promised_threshold("m", Guarantee("few", 12, 0.05, STEPS[:1]), 0.02)
    assert str(caught.value) == (
        "The bundle m cannot promise an error rate of 0.02: its 12 held-back reviews prove no "
        "threshold for that. It can promise none up to 0.01; say --unsure-below instead."
    )


def test_what_was_written_is_read() -> None:
    """A manifest gives back what the export found; one without thresholds gives None."""
    assert Guarantee.parse(entry()) == MINE
    assert Guarantee.parse(None) is None


@pytest.mark.parametrize(
    "wrong",
    [
        [],
        "steps",
        {},
        entry(steps={}),
        entry(steps=[1]),
        entry(steps=[{"max_error": 0.1}]),
        entry(steps=[asdict(STEPS[1])] * 2),
        entry(steps=[asdict(Step(i / 1000, None, 0)) for i in range(1, 999)]),
        entry(steps=[{"max_error": 0.1, "threshold": math.nan, "coverage": 0.5}]),
        entry(steps=[{"max_error": 0.1, "threshold": 1.5, "coverage": 0.5}]),
        entry(steps=[{"max_error": 0.1, "threshold": "0.9", "coverage": 0.5}]),
        entry(steps=[{"max_error": 0.1, "threshold": True, "coverage": 0.5}]),
        entry(steps=[{"max_error": 0, "threshold": 0.9, "coverage": 0.5}]),
        entry(n=0),
        entry(n=10**400),
        entry(n=math.inf),
        entry(n="many"),
        entry(delta=1),
        entry(delta=None),
        entry(data=["x"]),
        entry(data="\x1b[2J"),
    ],
)
def test_what_makes_no_sense(wrong: object) -> None:
    """A manifest of another hand is refused with an exception that Bundle.load expects."""
    with pytest.raises((KeyError, TypeError, ValueError)):
        Guarantee.parse(wrong)
