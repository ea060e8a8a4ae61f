"""How sure a graph may be: its temperature, its scale for short texts, and its promises."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from export.gate import error_by_chance
from export.lengths import fit_lengths, scaled
from export.risk import guarantee
from export.verify import figures, graph_logits
from score.calibration import fit_temperature, softmax
from score.curves import curves
from score.lengths import LengthScale

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from export.reviews import Encoded
    from score.engine import Engine
    from score.guarantee import Guarantee


@dataclass(frozen=True, slots=True)
class Calibration:
    """What was fitted to a graph's answers to the held-back reviews.

    Attributes:
        temperature: what its logits are divided by.
        lengths: what the temperature is multiplied by for short texts; None is nothing.
        guarantee: which labels can be promised at which error rate.
        logits: its answers, scaled by length, shape (n, classes).
        figures: for the manifest.
    """

    temperature: float
    lengths: LengthScale | None
    guarantee: Guarantee
    logits: NDArray[np.float32]
    figures: Mapping[str, Any]


def calibrate(engine: Engine, held_back: Encoded, others: Encoded | None) -> Calibration:
    """Fit a graph's confidence.

    Args:
        engine: the graph.
        held_back: the reviews held back from training.
        others: short ones, for which the confidence is to hold too; None are none.
    """
    raw, classes = graph_logits(engine, held_back.batch), held_back.classes
    temperature = fit_temperature(raw, classes)
    lengths, short = None, {}
    if others is not None:
        theirs, truth = graph_logits(engine, others.batch), others.classes.tolist()
        lengths = fit_lengths(theirs, others, temperature, held_back.lengths)
        short["short"] = {
            "data": others.reviews.name,
            "sha256": others.reviews.digest(),
            "n": len(others.batch),
            "ece_unscaled": figures(theirs, truth, temperature)["ece"],
            **figures(scaled(theirs, others, lengths), truth, temperature),
        }
    logits = scaled(raw, held_back, lengths)
    confidence = softmax(logits, temperature).max(axis=1)
    correct = logits.argmax(axis=1) == classes
    described = {
        **figures(logits, classes.tolist(), temperature),
        "ece_by_chance": error_by_chance(confidence),
        **curves(confidence, correct),
        **short,
    }
    promises = guarantee(confidence, correct, held_back.reviews.name)
    return Calibration(temperature, lengths, promises, logits, described)
