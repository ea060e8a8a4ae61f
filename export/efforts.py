"""How sure a layer has to be to answer, and how many tokens it may leave out, by what it costs.

When :mod:`export.mixing` has made a confidence mean the same at each stop, a single threshold is
chosen on the held-back reviews, which are too few to choose one for each layer. It is the least
at which stopping early costs no more than stated, of the labels and of how much the confidences
tell. Behind the stop that is as good as the last layer nobody goes on, and up to there as few
tokens are read on with as make it no worse.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from export.calibrate import Answers, Calibration, calibrate
from export.classifiers import Classifiers
from export.exits import add_exits
from export.mixing import Said, mix, mix_with_ngrams, told
from export.pruning import FEWEST_TOKENS, schedules
from export.reviews import FEWEST, Encoded
from export.stops import LEAST, StopLogits, StoppingGraph, chosen, losses, stop_at, surely_more
from score.calibration import fit_temperature, softmax
from score.efforts import Effort
from score.stopping import NEVER

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Not down to a half, which of two classes is nothing.
_GRID = np.arange(999, 509, -1) / 1000
# By how much the log loss of an earlier stop, or of fewer tokens, may be larger to be as good.
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
"""What stopping may cost each effort, against the stop behind which nothing is gained. Leaving
tokens out on the way there comes on top: of the log loss nothing that shows."""


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
    graph: Path, trained: Classifiers, held_back: Encoded, others: Encoded | None = None
) -> tuple[Classifiers, dict[str, MadeEffort]]:
    """Turn a graph, in its place, into one that stops early, and measure how.

    Args:
        graph: one that :func:`export.exits.can_exit` the classifiers.
        trained: the classifiers, as they were trained.
        held_back: the reviews held back from training, :data:`export.reviews.FEWEST` or more.
        others: short ones, which the confidence is to hold for too; None are none.

    Returns:
        The classifiers as the graph has them, weighed against each other, and the efforts by
        name, those of :data:`COSTS`.
    """
    if trained.ngrams and sum(told(trained.ngrams, held_back)) < FEWEST:
        trained = replace(trained, ngrams=None)
    whole = graph.with_name(f"{graph.name}.whole")
    graph.rename(whole)
    add_exits(whole, graph, replace(trained, importance=()))
    stops, begin = len(trained.exits) + (trained.ngrams is not None), 0 if trained.ngrams else 1
    mixed = _mixed(StoppingGraph(graph, stops), trained, held_back, others)
    add_exits(whole, graph, mixed)
    whole.unlink()
    ways = _Ways(StoppingGraph(graph, stops), held_back, others, begin, mixed.temperature)
    return mixed, ways.efforts(len(mixed.exits) + 1 if mixed.importance else 0)


def _mixed(
    graph: StoppingGraph, trained: Classifiers, held_back: Encoded, others: Encoded | None
) -> Classifiers:
    """The classifiers with what each counts, by what they say as they were trained."""
    said = _as_trained(graph, held_back)
    last = fit_temperature(said.logits[-1], said.reviews.classes)
    if trained.ngrams is None:
        return replace(trained, exits=mix(trained.exits, said, last), temperature=last)
    short = _as_trained(graph, others) if others else None
    exits, ngrams = mix_with_ngrams(trained.exits, trained.ngrams, said, short, last)
    return replace(trained, exits=exits, ngrams=ngrams, temperature=last)


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
    found = losses(logits, temperature, classes)
    return begin + int((surely_more(found[begin:] - found[-1]) <= _NO_WORSE).argmax())


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
        The threshold; :data:`score.stopping.NEVER` where none is that cheap.
    """
    last = np.maximum(softmax(together(logits[-1]), temperature), LEAST)
    best = NEVER
    for threshold in _GRID:
        stopped = chosen(logits, stop_at(logits, temperature, threshold))
        answers = softmax(together(stopped), temperature)
        labels = answers.argmax(axis=-1)
        lost = last.max(axis=-1) - last[np.arange(len(labels)), labels]
        blurred = (last * np.log(last / np.maximum(answers, LEAST))).sum(axis=-1)
        if lost.mean() > cost.labels or blurred.mean() > cost.sharpness:
            break
        best = float(threshold)
    return best


class _Ways:
    """The ways to stop early that a graph has."""

    def __init__(
        self,
        graph: StoppingGraph,
        held_back: Encoded,
        others: Encoded | None,
        begin: int,
        temperature: float,
    ) -> None:
        self._graph = graph
        self._temperature = temperature
        self._begin = begin
        self._found = StopLogits(graph.logits(held_back), held_back, begin)
        self._short = StopLogits(graph.logits(others), others, begin) if others else None
        self._by_stop = self._found.by_stop
        self._end = deepest_stop(self._by_stop, temperature, held_back.classes, 1 - begin)

    def efforts(self, layers: int) -> dict[str, MadeEffort]:
        """One for each of :data:`COSTS`.

        Args:
            layers: of a network that can leave tokens out behind each but the last; 0 cannot.
        """
        found, short, end = self._found, self._short, self._end
        kept, last = self._enough(schedules(layers, end + self._begin))
        if kept:
            found = found.of_fewer(self._graph, kept, last, end)
        if kept and short:
            theirs = self._graph.logits_at(short.reviews, end, kept)
            short = short.of_fewer(self._graph, kept, theirs, end)
        return {name: self._effort(found, short, cost, kept) for name, cost in COSTS.items()}

    def _enough(
        self, schedules: Sequence[tuple[float, ...]]
    ) -> tuple[tuple[float, ...], NDArray[np.float32]]:
        """The cheapest whose log loss at the end is surely no worse, and what is said there then.

        That is a matter of the reviews that lose tokens; too few of them prove nothing, and all
        tokens are kept.
        """
        reviews, end = self._found.reviews, self._end
        losing = reviews.lengths > FEWEST_TOKENS
        whole = losses(self._by_stop[end], self._temperature, reviews.classes)
        for keep_ratios in schedules if losing.sum() >= FEWEST else []:
            said = self._graph.logits_at(reviews, end, keep_ratios)
            fewer = losses(reviews.together(said), self._temperature, reviews.classes)
            if surely_more((fewer - whole)[losing]) <= _NO_WORSE:
                return keep_ratios, said
        return (), self._found.logits[end]

    def _effort(
        self,
        found: StopLogits,
        short: StopLogits | None,
        cost: Cost,
        keep_ratios: tuple[float, ...],
    ) -> MadeEffort:
        end, temperature, together = self._end, self._temperature, found.reviews.together
        # Stopping is weighed against the end that all tokens reach. Who does not stop costs
        # nothing: that fewer tokens are no worse is known, though each answer differs a little.
        stops = np.concatenate([found.logits[:end], self._found.logits[end : end + 1]])
        threshold = choose_threshold(stops, temperature, cost, together)
        thresholds = (threshold,) * end + (0.0,) * (len(found.logits) - 1 - end)
        answers, layers = found.answers(temperature, thresholds)
        theirs = short.answers(temperature, thresholds)[0] if short else None
        # Answers of many layers together are not as sure as those of each.
        own = calibrate(answers, theirs)
        changed = answers.logits.argmax(axis=-1) != self._by_stop[-1].argmax(axis=-1)
        effort = Effort(
            thresholds=thresholds,
            temperature=own.temperature,
            layers=float(layers.mean()),
            changed=float(changed.mean()),
            guarantee=own.guarantee,
            lengths=own.lengths,
            all_layers=len(found.logits) - 1 + found.begin,
            keep_ratios=keep_ratios,
        )
        return MadeEffort(effort, answers, theirs, own)


def _as_trained(graph: StoppingGraph, reviews: Encoded) -> Said:
    """What is said of each input: where a text is read in windows, each stops for itself."""
    return Said(list(graph.logits(reviews)), reviews.apart())
