"""Which labels can be promised: a confidence for each error rate, as the export proved it.

How the thresholds are found is in :mod:`export.risk`; here they are read from a manifest,
which anybody may have written, and looked up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from score.errors import UsageError

_MOST_STEPS = 100
_MOST_REVIEWS = 10**9


@dataclass(frozen=True, slots=True)
class Step:
    """What can be promised at one error rate.

    Attributes:
        max_error: the share of wrong labels that is not exceeded, above 0 and below 1.
        threshold: the least confidence of a label that is promised, 0 to 1; None where no
            threshold keeps the error rate.
        coverage: the share of held-back reviews with such a confidence, 0 to 1.
    """

    max_error: float
    threshold: float | None
    coverage: float

    def __post_init__(self) -> None:
        shares = (self.max_error, self.threshold or 0.0, self.coverage)
        if not all(is_number(share) and 0 <= share <= 1 for share in shares):
            raise ValueError(f"no such error rate: {shares}")
        if not 0 < self.max_error < 1:
            raise ValueError(f"no such error rate: {self.max_error}")


@dataclass(frozen=True, slots=True)
class Guarantee:
    """The promises of one graph.

    Each holds by itself with a probability of 1 - ``delta`` over the choice of the held-back
    reviews, for texts of their kind, on the average over all labels that it covers.

    Attributes:
        data: the name of the held-back reviews.
        n: how many they are.
        delta: how often a promise may be wrong, above 0 and below 1.
        steps: by growing error rate.
    """

    data: str
    n: int
    delta: float
    steps: tuple[Step, ...]

    def __post_init__(self) -> None:
        if not isinstance(self.data, str) or not self.data.isprintable() or len(self.data) > 1000:
            raise TypeError("no name of the held-back reviews")
        if not is_number(self.n) or self.n != int(self.n) or not 1 <= self.n <= _MOST_REVIEWS:
            raise ValueError(f"no number of held-back reviews: {self.n!r}"[:100])
        if not is_number(self.delta) or not 0 < self.delta < 1:
            raise ValueError(f"no such probability: {self.delta!r}"[:100])
        rates = [step.max_error for step in self.steps]
        if rates != sorted(set(rates)) or len(rates) > _MOST_STEPS:
            raise ValueError("the error rates do not grow")

    @classmethod
    def parse(cls, entry: Any) -> Guarantee | None:
        """The guarantee that a manifest tells; None where it tells none.

        Raises:
            KeyError, TypeError, ValueError: it makes no sense.
        """
        if entry is None:
            return None
        if not isinstance(entry, Mapping) or not isinstance(entry["steps"], list):
            raise TypeError("no thresholds")
        # Not all of them are looked into where they are too many.
        steps = [Step(**step) for step in entry["steps"][: _MOST_STEPS + 1]]
        return cls(entry["data"], entry["n"], entry["delta"], tuple(steps))


def check_reading(name: str, proved: str, wanted: str) -> None:
    """Refuse to promise anything of long texts that are read otherwise than when it was proved.

    Args:
        name: the bundle's.
        proved: the bundle's own reading.
        wanted: the user's.

    Raises:
        UsageError: they differ.
    """
    if wanted != proved:
        raise UsageError(
            f"What {name} promises holds where long texts are read with --long {proved}, not "
            f"{wanted}. Leave out --long or --max-error."
        )


def promised_threshold(name: str, guarantee: Guarantee | None, max_error: float) -> float:
    """The least confidence of a label that may be promised at an error rate.

    Between two stored rates the smaller one counts.

    Args:
        name: the bundle's.
        guarantee: of its graph; None where it stores none.
        max_error: the error rate, above 0 and below 1.

    Raises:
        UsageError: nothing can be promised; the text says what can be.
    """
    if guarantee is None:
        raise UsageError(
            f"The bundle {name} has no thresholds for --max-error {max_error:g}. Export it again "
            "with this thumbs, or say --unsure-below."
        )
    stored = [step for step in guarantee.steps if step.max_error <= max_error]
    if stored and (threshold := stored[-1].threshold) is not None:
        return threshold
    possible = [step.max_error for step in guarantee.steps if step.threshold is not None]
    highest = max((step.max_error for step in guarantee.steps), default=0)
    raise UsageError(
        f"The bundle {name} cannot promise an error rate of {max_error:g}: its {guarantee.n:,} "
        "held-back reviews prove no threshold for that. "
        + (
            f"The least it can promise is --max-error {possible[0]:g}."
            if possible
            else f"It can promise none up to {highest:g}; say --unsure-below instead."
        )
    )


def is_number(value: object) -> bool:
    """JSON has numbers beyond all bounds and none; a comparison with NaN is always false."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e12
