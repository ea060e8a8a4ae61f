"""How sure a layer has to be to answer: thresholds for what they may cost.

Each early classifier gets a temperature of its own, so that one threshold means the same
behind all of them: a single number is chosen on the held-back reviews, which are too few to
choose one for each layer. It is the least at which stopping early costs no more than stated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from export.calibrate import Answers, calibrate
from export.exits import NEVER, Exit, add_exits
from export.reviews import Encoded
from export.verify import graph_logits
from score.calibration import fit_temperature, softmax
from score.efforts import Effort
from score.engine import Engine

if TYPE_CHECKING:
    from numpy.typing import NDArray

COSTS = {"normal": 0.001, "low": 0.003}
"""What stopping early may cost of the accuracy, as a share; ``high`` reads all layers."""

_GRID = np.arange(999, 499, -1) / 1000


def make_efforts(
    graph: Path, exits: Sequence[Exit], held_back: Encoded, others: Encoded | None = None
) -> dict[str, Effort]:
    """Turn a graph, in its place, into one that stops early, and measure how.

    Args:
        graph: one that :func:`export.exits.can_exit` these classifiers.
        exits: the classifier behind each layer but the last.
        held_back: the reviews held back from training.
        others: short ones, which the confidence is to hold for too; None are none.

    Returns:
        The efforts by name, those of :data:`COSTS`.
    """
    whole = graph.with_name(f"{graph.name}.whole")
    graph.rename(whole)
    add_exits(whole, graph, exits, 1.0)
    logits = _logits_by_layer(graph, len(exits), held_back)
    temperatures = [fit_temperature(one, held_back.classes) for one in logits]
    last = temperatures[-1]
    factors = [last / one for one in temperatures]
    scaled_exits = [e.scaled(f) for e, f in zip(exits, factors[:-1], strict=True)]
    add_exits(whole, graph, scaled_exits, last)
    whole.unlink()
    found, short = _Found(_alike(logits, factors), held_back), None
    if others is not None:
        short = _Found(np.stack(_logits_by_layer(graph, len(exits), others)), others)
    return {name: _effort(found, short, last, cost) for name, cost in COSTS.items()}


def stop_at(logits: NDArray[np.float32], temperature: float, threshold: float) -> NDArray[np.int64]:
    """The layer that answers each review, from 0, where one threshold holds for all.

    Args:
        logits: shape (layers, n, classes), all to be divided by ``temperature``.
        temperature: above 0.
        threshold: a layer whose confidence is not below it answers; the last always does.
    """
    sure = softmax(logits, temperature).max(axis=-1) >= threshold
    sure[-1] = True
    first: NDArray[np.int64] = sure.argmax(axis=0)
    return first


def choose_threshold(logits: NDArray[np.float32], temperature: float, cost: float) -> float:
    """The least threshold that costs no more, as no larger one does either.

    What a label costs that the last layer would have given otherwise is what it says itself:
    its probability of its own label less that of the other. The true labels would tell only
    of the few reviews that change, by luck as much as by merit.

    Args:
        logits: shape (layers, n, classes), all to be divided by ``temperature``.
        temperature: above 0.
        cost: what may be lost of the accuracy, as a share.

    Returns:
        The threshold; :data:`export.exits.NEVER` where none is that cheap.
    """
    last = softmax(logits[-1], temperature)
    best = NEVER
    for threshold in _GRID:
        answers = _answers(logits, stop_at(logits, temperature, threshold)).argmax(axis=-1)
        lost = last.max(axis=-1) - last[np.arange(len(answers)), answers]
        if lost.mean() > cost:
            break
        best = float(threshold)
    return best


@dataclass(frozen=True, slots=True)
class _Found:
    """What all layers say of some reviews: shape (layers, n, classes), at one temperature."""

    logits: NDArray[np.float32]
    reviews: Encoded

    def answers(self, temperature: float, threshold: float) -> tuple[Answers, NDArray[np.int64]]:
        """Those of the layers that are sure, and which layers these are, from 0."""
        layers = stop_at(self.logits, temperature, threshold)
        return Answers(_answers(self.logits, layers), self.reviews), layers


def _effort(found: _Found, short: _Found | None, temperature: float, cost: float) -> Effort:
    threshold = choose_threshold(found.logits, temperature, cost)
    answers, layers = found.answers(temperature, threshold)
    theirs = short.answers(temperature, threshold)[0] if short else None
    # Answers of many layers together are not as sure as those of each.
    own = calibrate(answers, theirs)
    changed = answers.logits.argmax(axis=-1) != found.logits[-1].argmax(axis=-1)
    return Effort(
        thresholds=(threshold,) * (len(found.logits) - 1),
        temperature=own.temperature,
        layers=float(layers.mean() + 1),
        changed=float(changed.mean()),
        guarantee=own.guarantee,
        lengths=own.lengths,
    )


def _alike(logits: Sequence[NDArray[np.float32]], factors: Sequence[float]) -> NDArray[np.float32]:
    """Logits by layer, made to mean the same at one temperature."""
    return np.stack([one * np.float32(f) for one, f in zip(logits, factors, strict=True)])


def _answers(logits: NDArray[np.float32], layers: NDArray[np.int64]) -> NDArray[np.float32]:
    chosen: NDArray[np.float32] = logits[layers, np.arange(len(layers))]
    return chosen


def _logits_by_layer(graph: Path, exits: int, reviews: Encoded) -> list[NDArray[np.float32]]:
    """What each layer says, the last one at the end, through the code that will score."""
    model, found = graph.read_bytes(), []
    for layer in range(exits + 1):
        thresholds = [NEVER] * layer + [0.0] * (exits - layer)
        engine = Engine(model, name="the int8 graph", thresholds=thresholds)
        found.append(graph_logits(engine, reviews.batch))
    return found
