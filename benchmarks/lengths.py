"""Accuracy over cost: how much of a review is read, with how many layers and how many tokens.

    python -m benchmarks.lengths --checkpoint trained_model [--model bundle] [--picture curve.png]

The int8 graph reads the checkpoint's held-back reviews cut to each length, with all tokens or
with as many behind its layers as the bundle's efforts keep, and one threshold for all its early
classifiers, the n-grams among them, decides where it stops; behind the stop that is as good as the
last it always does. The cost is what it takes on one thread to get to a stop with so many tokens.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.roofline import best_of
from export.checkpoint import Checkpoint
from export.efforts import deepest_stop
from export.reviews import Encoded, Reviews
from export.stops import StoppingGraph, chosen, losses, stop_at
from score.bundle import DEFAULT_BUNDLE, TOKENIZER_FILE, Bundle
from score.calibration import fit_temperature
from score.cleaning import CLEANINGS
from score.tokens import Encoder, Truncation

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LENGTHS = (64, 128, 192, 256, 384, 512)
_THRESHOLDS = (0.85, 0.9, 0.95, 0.98, 0.995)
_TIMED = (8, 32, 64, 128, 192, 256, 384, 512)


@dataclass(frozen=True, slots=True)
class Point:
    """What reading in one way costs, and what it brings.

    Attributes:
        threshold: how sure a stop has to be.
        layers: how many are read with, on average.
        milliseconds: what a review takes on one thread, on average.
        right: the share of right labels.
        loss: the log loss, in nats.
    """

    threshold: float
    layers: float
    milliseconds: float
    right: float
    loss: float


class Reading:
    """A graph that reads reviews of one length, with some share of their tokens.

    Args:
        graph: is asked.
        stops: how many places it can stop at before its end.
        begin: how many layers are read by the first.
        keep_ratios: the share of the tokens read on behind each layer; none is all.
    """

    def __init__(
        self, graph: StoppingGraph, stops: int, begin: int, keep_ratios: Sequence[float]
    ) -> None:
        self._graph = graph
        self._begin = begin
        self._keep_ratios = keep_ratios
        self._seconds = [self._time(stop) for stop in range(stops + 1)]

    def _time(self, stop: int) -> list[float]:
        """What a run up to a stop takes, for each of some lengths."""
        engine = self._graph.stopping_at(stop, self._keep_ratios)
        return [best_of(lambda n=n: engine.logits([2000] * n)) for n in _TIMED]  # type: ignore[misc] # bound at once

    def curve(self, reviews: Encoded) -> list[Point]:
        """One point for each threshold."""
        logits = self._graph.logits(reviews, self._keep_ratios)
        temperature = fit_temperature(logits[-1], reviews.classes)
        end = deepest_stop(logits, temperature, reviews.classes, 1 - self._begin)
        temperature = fit_temperature(logits[end], reviews.classes)
        cost = np.stack([np.interp(reviews.lengths, _TIMED, one) for one in self._seconds])
        return [
            self._point(logits[: end + 1], temperature, threshold, reviews.classes, cost)
            for threshold in _THRESHOLDS
        ]

    def _point(
        self,
        logits: NDArray[np.float32],
        temperature: float,
        threshold: float,
        classes: NDArray[np.int64],
        cost: NDArray[np.float64],
    ) -> Point:
        stops = stop_at(logits, temperature, threshold)
        said = chosen(logits, stops)
        return Point(
            threshold,
            float((stops + self._begin).mean()),
            float(cost[stops, np.arange(len(stops))].mean()) * 1e3,
            float((said.argmax(axis=1) == classes).mean()),
            float(losses(said, temperature, classes).mean()),
        )


def main() -> None:
    """Measure, print the table and draw the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--model", type=Path, default=DEFAULT_BUNDLE)
    parser.add_argument("--reviews", type=int, default=2000)
    parser.add_argument("--picture", type=Path)
    options = parser.parse_args()
    checkpoint, bundle = Checkpoint.load(options.checkpoint), Bundle.load(options.model)
    graph = bundle.graph("int8")
    effort = graph.efforts["normal"]
    stops = len(effort.thresholds)
    asked = StoppingGraph(bundle.folder / graph.file, stops)
    begin = (effort.all_layers or stops + 1) - stops
    readings = {"all tokens": Reading(asked, stops, begin, ())}
    if effort.keep_ratios:
        readings["fewer behind layers"] = Reading(asked, stops, begin, effort.keep_ratios)
    reviews = checkpoint.validation.sample(options.reviews)
    curves: dict[tuple[int, str], list[Point]] = {}
    print(
        f"{'tokens':>7}{'':20}{'threshold':>11}{'layers':>8}{'ms':>7}{'right':>9}{'log loss':>10}"
    )
    for tokens in _LENGTHS:
        encoded = _cut(checkpoint, reviews, tokens)
        for name, reading in readings.items():
            curves[tokens, name] = reading.curve(encoded)
            for point in curves[tokens, name]:
                print(
                    f"{tokens:7} {name:19}{point.threshold:11}{point.layers:8.1f}"
                    f"{point.milliseconds:7.1f}{point.right:9.2%}{point.loss:10.4f}",
                    flush=True,
                )
    if options.picture:
        draw(options.picture, curves)


def _cut(checkpoint: Checkpoint, reviews: Reviews, tokens: int) -> Encoded:
    """The reviews, so many tokens of each, half from each end."""
    truncation = Truncation.halves("head+tail", tokens)
    encoder = Encoder.from_file(checkpoint.folder / TOKENIZER_FILE, truncation)
    texts = [CLEANINGS[checkpoint.cleaning](text) for text in reviews.texts]
    return Encoded(reviews, [[one.ids] for one in encoder.encode_batch(texts)])


def draw(path: Path, curves: dict[tuple[int, str], list[Point]]) -> None:
    """Accuracy and log loss over milliseconds: a line for each length, solid with all tokens."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.5), layout="constrained")
    styles = dict(zip(dict.fromkeys(name for _, name in curves), ("o-", "s--"), strict=False))
    colours = {tokens: f"C{i}" for i, tokens in enumerate(dict.fromkeys(t for t, _ in curves))}
    for (tokens, name), points in curves.items():
        cost = [one.milliseconds for one in points]
        for axes, shown in (
            (left, [100 * one.right for one in points]),
            (right, [one.loss for one in points]),
        ):
            axes.plot(
                cost,
                shown,
                styles[name],
                color=colours[tokens],
                label=f"{tokens} tokens, {name}",
                markersize=4,
            )
    for axes, what in ((left, "accuracy, %"), (right, "log loss, nats")):
        axes.set_xlabel("ms for a review on one thread")
        axes.set_ylabel(f"{what}, of the held-back reviews")
    right.legend(fontsize="small")
    figure.suptitle("What reading more costs, and what it brings")
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    main()
