"""How sure a layer has to be to answer: thresholds for what they may cost.

When :mod:`export.mixing` has made a confidence mean the same at each stop, a single threshold is
chosen on the held-back reviews, which are too few to choose one for each layer. It is the least
at which stopping early costs no more than stated, of the labels and of how much the confidences
tell. Behind the stop that is as good as the last layer nobody goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from export.calibrate import Answers, Calibration, calibrate
from export.exits import NEVER, Exit, add_exits
from export.mixing import Said, mix, mix_with_ngrams, told
from export.ngrams import Ngrams
from export.reviews import FEWEST, Encoded
from export.verify import graph_logits
from score.calibration import fit_temperature, softmax
from score.efforts import Effort
from score.engine import Engine

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Probabilities below are as good as none; what is divided by them stays a number.
_LEAST = 1e-9
# Not down to a half, which of two classes is nothing.
_GRID = np.arange(999, 509, -1) / 1000
# By how much the loss of an earlier stop may be larger to be as good as the last layer.
_NO_WORSE = 0.001


@dataclass(frozen=True, slots=True)
class Cost:
    """What stopping early may cost.

    Attributes:
        labels: of the accuracy, as a share.
        sharpness: of what the confidence tells: the divergence of the probabilities, in nats
            (Kullback and Leibler 1951).
    """

    labels: float
    sharpness: float


COSTS = {"high": Cost(0.0001, 0.002), "normal": Cost(0.001, 0.01), "low": Cost(0.003, 0.02)}
"""What each effort may cost, against the stop behind which nothing is gained."""


@dataclass(frozen=True, slots=True)
class MadeEffort:
    """A way to stop early, and how it was calibrated.

    Attributes:
        effort: for the manifest.
        held_back: its answers to the held-back reviews.
        others: those to short ones; None where there are none.
        calibration: what was fitted to them.
    """

    effort: Effort
    held_back: Answers
    others: Answers | None
    calibration: Calibration


def make_efforts(
    graph: Path,
    exits: Sequence[Exit],
    held_back: Encoded,
    others: Encoded | None = None,
    ngrams: Ngrams | None = None,
) -> dict[str, MadeEffort]:
    """Turn a graph, in its place, into one that stops early, and measure how.

    Args:
        graph: one that :func:`export.exits.can_exit` these classifiers.
        exits: the classifier behind each layer but the last.
        held_back: the reviews held back from training, :data:`export.reviews.FEWEST` or more.
        others: short ones, which the confidence is to hold for too; None are none.
        ngrams: the classifier before the first layer; None is none.

    Returns:
        The efforts by name, those of :data:`COSTS`.
    """
    ngrams = ngrams if ngrams and sum(told(ngrams, held_back)) >= FEWEST else None
    whole = graph.with_name(f"{graph.name}.whole")
    graph.rename(whole)
    add_exits(whole, graph, exits, 1.0, ngrams)
    stops = len(exits) + (ngrams is not None)
    said = _said(graph, stops, held_back)
    last = fit_temperature(said.logits[-1], said.reviews.classes)
    if ngrams is None:
        mixed = mix(exits, said, last)
    else:
        short = _said(graph, stops, others) if others else None
        mixed, ngrams = mix_with_ngrams(exits, ngrams, said, short, last)
    add_exits(whole, graph, mixed, last, ngrams)
    whole.unlink()
    begin = 0 if ngrams else 1
    found = _Found(np.stack(_logits_by_stop(graph, stops, held_back)), held_back, begin)
    theirs = None
    if others:
        theirs = _Found(np.stack(_logits_by_stop(graph, stops, others)), others, begin)
    return {name: _effort(found, theirs, last, cost) for name, cost in COSTS.items()}


def stop_at(
    logits: NDArray[np.float32], temperature: float, thresholds: float | Sequence[float]
) -> NDArray[np.int64]:
    """The stop that answers each review, from 0.

    Args:
        logits: shape (stops, n, classes), all to be divided by ``temperature``.
        temperature: above 0.
        thresholds: a stop whose confidence is not below its own answers; the last always does.
            One number holds for all.
    """
    wanted = np.broadcast_to(np.asarray(thresholds), len(logits) - 1)
    sure = softmax(logits, temperature).max(axis=-1)
    sure = np.vstack([sure[:-1] >= wanted[:, None], np.ones((1, sure.shape[1]), bool)])
    first: NDArray[np.int64] = sure.argmax(axis=0)
    return first


def deepest_stop(
    logits: NDArray[np.float32], temperature: float, classes: NDArray[np.int64], begin: int = 0
) -> int:
    """The first stop, from 0, that is surely no worse than the last layer on labelled reviews.

    Its log loss may be larger by :data:`_NO_WORSE`, two standard errors included; so of few
    reviews it is the last. With the n-grams beside them the layers before the last can be as
    good as it is, or better.

    Args:
        logits: shape (stops, n, classes), all to be divided by ``temperature``.
        temperature: above 0.
        classes: the true class of each review, shape (n,).
        begin: the first that may be it; the n-grams by themselves may not, for of short texts
            they say nothing.
    """
    if len(classes) < FEWEST:
        return len(logits) - 1
    rows = np.arange(len(classes))
    losses = -np.log(np.maximum(softmax(logits, temperature)[:, rows, classes], _LEAST))
    more = losses[begin:] - losses[-1]
    surely = more.mean(axis=1) + 2 * more.std(axis=1, ddof=1) / np.sqrt(len(classes))
    return begin + int((surely <= _NO_WORSE).argmax())


def choose_threshold(
    logits: NDArray[np.float32],
    temperature: float,
    cost: Cost,
    together: Callable[[NDArray[np.float32]], NDArray[np.float32]] = lambda logits: logits,
) -> float:
    """The least threshold that costs no more, as no larger one does either.

    What a label costs that the last stop would have given otherwise is what that says itself:
    its probability of its own label less that of the other. The true labels would tell only
    of the few reviews that change, by luck as much as by merit.

    Args:
        logits: shape (stops, inputs, classes), all to be divided by ``temperature``.
        temperature: above 0.
        cost: what may be lost.
        together: makes the answers to reviews of those to their inputs.

    Returns:
        The threshold; :data:`export.exits.NEVER` where none is that cheap.
    """
    last = np.maximum(softmax(together(logits[-1]), temperature), _LEAST)
    best = NEVER
    for threshold in _GRID:
        stopped = _answers(logits, stop_at(logits, temperature, threshold))
        answers = softmax(together(stopped), temperature)
        labels = answers.argmax(axis=-1)
        lost = last.max(axis=-1) - last[np.arange(len(labels)), labels]
        blurred = (last * np.log(last / np.maximum(answers, _LEAST))).sum(axis=-1)
        if lost.mean() > cost.labels or blurred.mean() > cost.sharpness:
            break
        best = float(threshold)
    return best


@dataclass(frozen=True, slots=True)
class _Found:
    """What is said at all stops of the inputs of some reviews.

    Attributes:
        logits: shape (stops, inputs, classes), at one temperature.
        reviews: what was asked about.
        begin: how many layers are read by the first stop.
    """

    logits: NDArray[np.float32]
    reviews: Encoded
    begin: int

    def answers(
        self, temperature: float, thresholds: Sequence[float]
    ) -> tuple[Answers, NDArray[np.int64]]:
        """Those of the stops that are sure, and with how many layers at most."""
        stops = stop_at(self.logits, temperature, thresholds)
        found = self.reviews.together(_answers(self.logits, stops))
        return Answers(found, self.reviews), self.reviews.deepest(stops + self.begin)


def _effort(found: _Found, short: _Found | None, temperature: float, cost: Cost) -> MadeEffort:
    by_stop = np.stack([found.reviews.together(said) for said in found.logits])
    end = deepest_stop(by_stop, temperature, found.reviews.classes, 1 - found.begin)
    together = found.reviews.together
    threshold = choose_threshold(found.logits[: end + 1], temperature, cost, together)
    thresholds = (threshold,) * end + (0.0,) * (len(found.logits) - 1 - end)
    answers, layers = found.answers(temperature, thresholds)
    theirs = short.answers(temperature, thresholds)[0] if short else None
    # Answers of many layers together are not as sure as those of each.
    own = calibrate(answers, theirs)
    changed = answers.logits.argmax(axis=-1) != by_stop[-1].argmax(axis=-1)
    effort = Effort(
        thresholds=thresholds,
        temperature=own.temperature,
        layers=float(layers.mean()),
        changed=float(changed.mean()),
        guarantee=own.guarantee,
        lengths=own.lengths,
        all_layers=len(found.logits) - 1 + found.begin,
    )
    return MadeEffort(effort, answers, theirs, own)


def _answers(logits: NDArray[np.float32], stops: NDArray[np.int64]) -> NDArray[np.float32]:
    chosen: NDArray[np.float32] = logits[stops, np.arange(len(stops))]
    return chosen


def _said(graph: Path, stops: int, reviews: Encoded) -> Said:
    """What is said of each input: where a text is read in windows, each stops for itself."""
    return Said(_logits_by_stop(graph, stops, reviews), reviews.apart())


def _logits_by_stop(graph: Path, stops: int, reviews: Encoded) -> list[NDArray[np.float32]]:
    """What is said at each stop, at last by the whole network, through the code that will score."""
    model, found = graph.read_bytes(), []
    for stop in range(stops + 1):
        thresholds = [NEVER] * stop + [0.0] * (stops - stop)
        engine = Engine(model, name="the int8 graph", thresholds=thresholds)
        found.append(graph_logits(engine, reviews.batch))
    return found
