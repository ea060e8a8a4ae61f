"""How sure a layer has to be to answer: thresholds for what they may cost.

Each early classifier gets a temperature of its own, and adds what the n-grams say to what it
says itself, weighed on the held-back reviews, so that one threshold means the same behind all
of them: a single number is chosen on those reviews, which are too few to choose one for each
layer. It is the least at which stopping early costs no more than stated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from export.calibrate import Answers, calibrate
from export.exits import NEVER, Exit, add_exits
from export.ngrams import Ngrams
from export.reviews import Encoded
from export.verify import graph_logits
from score.calibration import fit_temperature, fit_weights, softmax
from score.efforts import Effort
from score.engine import Engine

if TYPE_CHECKING:
    from numpy.typing import NDArray

COSTS = {"normal": 0.001, "low": 0.003}
"""What stopping early may cost of the accuracy, as a share; ``high`` reads all layers."""

_GRID = np.arange(999, 499, -1) / 1000


def make_efforts(
    graph: Path,
    exits: Sequence[Exit],
    held_back: Encoded,
    others: Encoded | None = None,
    ngrams: Ngrams | None = None,
) -> dict[str, Effort]:
    """Turn a graph, in its place, into one that stops early, and measure how.

    Args:
        graph: one that :func:`export.exits.can_exit` these classifiers.
        exits: the classifier behind each layer but the last.
        held_back: the reviews held back from training.
        others: short ones, which the confidence is to hold for too; None are none.
        ngrams: the classifier before the first layer; None is none.

    Returns:
        The efforts by name, those of :data:`COSTS`.
    """
    whole = graph.with_name(f"{graph.name}.whole")
    graph.rename(whole)
    add_exits(whole, graph, exits, 1.0, ngrams)
    stops = len(exits) + (ngrams is not None)
    logits = _logits_by_stop(graph, stops, held_back)
    last = fit_temperature(logits[-1], held_back.classes)
    heard = logits[0] if ngrams else np.zeros_like(logits[0])
    mixed = []
    for one, said in zip(exits, logits[-1 - len(exits) : -1], strict=True):
        own, theirs = _weigh(said, heard, held_back.classes)
        mixed.append(one.mixed(last * own, last * theirs))
    if ngrams:
        factor = last / fit_temperature(heard, held_back.classes)
        ngrams = replace(ngrams, factor=factor)
    add_exits(whole, graph, mixed, last, ngrams)
    whole.unlink()
    begin = 0 if ngrams else 1
    found, short = (
        _Found(np.stack(_logits_by_stop(graph, stops, held_back)), held_back, begin),
        None,
    )
    if others is not None:
        short = _Found(np.stack(_logits_by_stop(graph, stops, others)), others, begin)
    return {name: _effort(found, short, last, cost) for name, cost in COSTS.items()}


def _weigh(
    said: NDArray[np.float32], heard: NDArray[np.float32], classes: NDArray[np.int64]
) -> tuple[float, float]:
    """What a layer's logits and those of the n-grams are multiplied with before they are added."""
    if not heard.any():
        return 1 / fit_temperature(said, classes), 0.0
    own, theirs = fit_weights(np.stack([said, heard]), classes)
    return float(own), float(theirs)


def stop_at(logits: NDArray[np.float32], temperature: float, threshold: float) -> NDArray[np.int64]:
    """The stop that answers each review, from 0, where one threshold holds for all.

    Args:
        logits: shape (stops, n, classes), all to be divided by ``temperature``.
        temperature: above 0.
        threshold: a stop whose confidence is not below it answers; the last always does.
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
        logits: shape (stops, n, classes), all to be divided by ``temperature``.
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
    """What is said at all stops of some reviews.

    Attributes:
        logits: shape (stops, n, classes), at one temperature.
        reviews: what was asked about.
        begin: how many layers are read by the first stop.
    """

    logits: NDArray[np.float32]
    reviews: Encoded
    begin: int

    def answers(self, temperature: float, threshold: float) -> tuple[Answers, NDArray[np.int64]]:
        """Those of the stops that are sure, and with how many layers."""
        stops = stop_at(self.logits, temperature, threshold)
        return Answers(_answers(self.logits, stops), self.reviews), stops + self.begin


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
        layers=float(layers.mean()),
        changed=float(changed.mean()),
        guarantee=own.guarantee,
        lengths=own.lengths,
        all_layers=len(found.logits) - 1 + found.begin,
    )


def _answers(logits: NDArray[np.float32], stops: NDArray[np.int64]) -> NDArray[np.float32]:
    chosen: NDArray[np.float32] = logits[stops, np.arange(len(stops))]
    return chosen


def _logits_by_stop(graph: Path, stops: int, reviews: Encoded) -> list[NDArray[np.float32]]:
    """What is said at each stop, at last by the whole network, through the code that will score."""
    model, found = graph.read_bytes(), []
    for stop in range(stops + 1):
        thresholds = [NEVER] * stop + [0.0] * (stops - stop)
        engine = Engine(model, name="the int8 graph", thresholds=thresholds)
        found.append(graph_logits(engine, reviews.batch))
    return found
