"""How much of a text is read, with how many layers: each only until one is sure of its answer.

Behind every layer but the last the graph has a small classifier, and often one of n-grams before
the first; it stops at the first whose confidence reaches its threshold, and reads on with the
tokens that matter. What is run beside it changes nothing of that, so how deep a review is read
depends on its text alone. Which thresholds cost how much is found in :mod:`export.efforts`; here
they are read from a manifest, which anybody may have written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from score.engine import MOST_LAYERS
from score.errors import UsageError
from score.guarantee import Guarantee, is_number
from score.lengths import LengthScale
from score.stopping import Stopping

EffortName = Literal["low", "normal", "high"]

TEMPERATURES = (1e-3, 1e3)
"""The least and the largest that a manifest may tell."""


@dataclass(frozen=True, slots=True)
class Effort:
    """One way to stop early, and what it was measured to be worth on held-back reviews.

    Attributes:
        thresholds: for each early classifier the confidence at which it answers; one above 1
            is never reached.
        temperature: what the logits are divided by before the softmax.
        layers: how many layers a review is read with, on the average.
        changed: the share of labels that all layers would have given otherwise, 0 to 1.
        guarantee: which labels can be promised at which error rate.
        lengths: what the temperature is multiplied by for short texts; None is nothing.
        all_layers: how many the graph has; 0 is one more than there are thresholds, as where
            no classifier stands before the first layer.
        keep_ratios: behind each layer but the last, the share of a text's tokens that is read
            on; none is all of them everywhere.
    """

    thresholds: tuple[float, ...]
    temperature: float
    layers: float
    changed: float
    guarantee: Guarantee | None
    lengths: LengthScale | None = None
    all_layers: int = 0
    keep_ratios: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        lowest, highest = TEMPERATURES
        numbers = (*self.thresholds, self.temperature, self.layers, self.all_layers, self.changed)
        if not all(is_number(one) and one >= 0 for one in numbers):
            raise TypeError("no numbers of an effort")
        if not 1 <= len(self.thresholds) <= MOST_LAYERS:
            raise ValueError(f"no thresholds of layers: {len(self.thresholds)}")
        if len(self.keep_ratios) > MOST_LAYERS or not all(
            is_number(one) and 0 < one <= 1 for one in self.keep_ratios
        ):
            raise ValueError("no shares of tokens")
        if list(self.keep_ratios) != sorted(self.keep_ratios, reverse=True):
            raise ValueError("tokens that were left out do not come back")
        if not lowest <= self.temperature <= highest or self.changed > 1:
            raise ValueError(f"no such effort: {numbers[-3:]}")

    @property
    def stopping(self) -> Stopping:
        """What the graph is told."""
        return Stopping(self.thresholds, self.keep_ratios)

    @classmethod
    def parse(cls, entry: Any) -> Effort:
        """The effort that a manifest tells.

        Raises:
            KeyError, TypeError, ValueError: it makes no sense.
        """
        if not isinstance(entry, Mapping) or not isinstance(entry["thresholds"], list):
            raise TypeError("no effort")
        keep_ratios = entry.get("keep_ratios", [])
        if not isinstance(keep_ratios, list):
            raise TypeError("no shares of tokens")
        return cls(
            tuple(entry["thresholds"][: MOST_LAYERS + 1]),
            entry["temperature"],
            entry["layers"],
            entry["changed"],
            Guarantee.parse(entry["guarantee"]),
            LengthScale.parse(entry.get("lengths")),
            entry.get("all_layers", 0),
            tuple(keep_ratios[: MOST_LAYERS + 1]),
        )


def choose_effort(
    name: str, efforts: Mapping[str, Effort], wanted: EffortName | None
) -> Effort | None:
    """The effort to score with; None reads all layers, as ``high`` does of an older bundle.

    Args:
        name: the bundle's.
        efforts: those of its graph, by name; none where it has no early classifiers.
        wanted: None is ``normal`` where the graph has it.

    Raises:
        UsageError: the graph always reads all layers, and less was asked for.
    """
    effort = efforts.get(wanted or "normal")
    if effort is None and wanted in ("low", "normal"):
        raise UsageError(
            f"The bundle {name} always reads all its layers, so --effort {wanted} cannot be had. "
            "Leave it out, or train and export the model again with this thumbs."
        )
    return effort
