"""What a graph that stops early says at each stop, asked through the code that will score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from export.calibrate import Answers
from export.verify import graph_logits
from score.calibration import softmax
from score.engine import Engine
from score.stopping import NEVER, Stopping

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from export.reviews import Encoded

# Probabilities below are as good as none; what is divided by them stays a number.
LEAST = 1e-9


class StoppingGraph:
    """A graph that can be told where to stop.

    Args:
        graph: the ONNX file, which is read at once.
        stops: how many early classifiers it has.
    """

    def __init__(self, graph: Path, stops: int) -> None:
        self._model = graph.read_bytes()
        self._stops = stops

    def stopping_at(self, stop: int, keep_ratios: Sequence[float] = ()) -> Engine:
        """It answers everything at one stop.

        Args:
            stop: which, from 0; behind the last early classifier is the whole network.
            keep_ratios: the share of the tokens read on behind each layer but the last; none
                is all.
        """
        thresholds = [NEVER] * stop + [0.0] * (self._stops - stop)
        stopping = Stopping(thresholds, keep_ratios)
        return Engine(self._model, name="the int8 graph", stopping=stopping)

    def logits_at(
        self, reviews: Encoded, stop: int, keep_ratios: Sequence[float] = ()
    ) -> NDArray[np.float32]:
        """What is said of each input at one stop, shape (inputs, classes)."""
        return graph_logits(self.stopping_at(stop, keep_ratios), reviews.batch)

    def logits(self, reviews: Encoded, keep_ratios: Sequence[float] = ()) -> NDArray[np.float32]:
        """What is said of each input at each stop, shape (stops, inputs, classes)."""
        stops = range(self._stops + 1)
        return np.stack([self.logits_at(reviews, stop, keep_ratios) for stop in stops])


@dataclass(frozen=True, slots=True)
class StopLogits:
    """What is said at all stops of the inputs of some reviews.

    Attributes:
        logits: shape (stops, inputs, classes), at one temperature.
        reviews: what was asked about.
        begin: how many layers are read by the first stop.
    """

    logits: NDArray[np.float32]
    reviews: Encoded
    begin: int

    def of_fewer(
        self,
        graph: StoppingGraph,
        keep_ratios: Sequence[float],
        last: NDArray[np.float32],
        end: int,
    ) -> StopLogits:
        """The same with tokens left out, up to a stop behind which nobody reads on.

        Args:
            graph: is asked about the stops before.
            keep_ratios: behind some layer, less than 1.
            last: what is said at ``end``.
            end: that stop.
        """
        pruned = next(layer for layer, share in enumerate(keep_ratios, start=1) if share < 1)
        logits = self.logits.copy()
        for stop in range(pruned + 1 - self.begin, end):
            logits[stop] = graph.logits_at(self.reviews, stop, keep_ratios)
        logits[end] = last
        return replace(self, logits=logits)

    @property
    def by_stop(self) -> NDArray[np.float32]:
        """What is said of whole reviews, shape (stops, n, classes)."""
        return np.stack([self.reviews.together(said) for said in self.logits])

    def answers(
        self, temperature: float, thresholds: Sequence[float]
    ) -> tuple[Answers, NDArray[np.int64]]:
        """Those of the stops that are sure, and with how many layers at most."""
        stops = stop_at(self.logits, temperature, thresholds)
        found = self.reviews.together(chosen(self.logits, stops))
        return Answers(found, self.reviews), self.reviews.deepest(stops + self.begin)


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


def chosen(logits: NDArray[np.float32], stops: NDArray[np.int64]) -> NDArray[np.float32]:
    """What is said where each input stops: of shape (stops, n, classes) that of (n, classes)."""
    answers: NDArray[np.float32] = logits[stops, np.arange(len(stops))]
    return answers


def losses(
    logits: NDArray[np.float32], temperature: float, classes: NDArray[np.int64]
) -> NDArray[np.float64]:
    """The log loss of each review, in nats.

    Args:
        logits: shape (..., n, classes), to be divided by ``temperature``.
        temperature: above 0.
        classes: the true class of each, shape (n,).

    Returns:
        Shape (..., n).
    """
    shares = softmax(logits, temperature)[..., np.arange(len(classes)), classes]
    found: NDArray[np.float64] = -np.log(np.maximum(shares, LEAST))
    return found


def surely_more(differences: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean of the last axis and two standard errors: less than that it surely is."""
    errors = differences.std(axis=-1, ddof=1) / np.sqrt(differences.shape[-1])
    most: NDArray[np.float64] = differences.mean(axis=-1) + 2 * errors
    return most
