"""What a graph that stops early can be told, beside the text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

THRESHOLDS = "thresholds"
"""The input that need not be fed: the confidence at which each early classifier answers."""

KEEP_RATIOS = "keep_ratios"
"""Another: behind each layer but the last, the share of a text's tokens that is read on."""

NEVER = 2.0
"""A threshold that no confidence reaches, which is what a graph holds by itself."""


@dataclass(frozen=True, slots=True)
class Stopping:
    """When a text is answered, and how much of it is read until then.

    Attributes:
        thresholds: for each early classifier the confidence at which it answers.
        keep_ratios: behind each layer but the last, the share of a text's tokens that is read
            on; none is all of them everywhere.
    """

    thresholds: Sequence[float]
    keep_ratios: Sequence[float] = ()

    @property
    def inputs(self) -> dict[str, Sequence[float]]:
        """What the graph is fed, by the name of the input."""
        kept = {KEEP_RATIOS: self.keep_ratios} if self.keep_ratios else {}
        return {THRESHOLDS: self.thresholds, **kept}
