"""Whether a graph answers as its checkpoint does, asked through the code that will score."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import cycle, islice
from typing import TYPE_CHECKING, Any

import numpy as np

from export.convert import silence
from score import machine
from score.calibration import expected_calibration_error, softmax
from score.engine import Engine
from score.lengths import LengthScale

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from export.checkpoint import Checkpoint
    from export.reviews import Encoded, Reviews


_LENGTHS = (3, 5, 8, 13, 21, 34, 55, 89, 144, 233)
_SIZES = (2, 5, 16)
_TOGETHER = 16


@dataclass(frozen=True, slots=True)
class Comparison:
    """The answers of a checkpoint, or of its classifiers, and of a graph to the same reviews.

    Attributes:
        reviews: the reviews.
        expected: the checkpoint's logits, shape (n, classes).
        found: the graph's logits, shape (n, classes).
        temperature: divides both. It is the graph's own, so that a change in probability
            is the graph's doing alone and as large as a user would see it.
    """

    reviews: Reviews
    expected: NDArray[np.float32]
    found: NDArray[np.float32]
    temperature: float

    def flips(self) -> NDArray[np.int64]:
        """The places of the reviews whose label changed, the worst first."""
        changed = np.flatnonzero(self.expected.argmax(axis=1) != self.found.argmax(axis=1))
        order: NDArray[np.int64] = changed[np.argsort(-self.changes()[changed], kind="stable")]
        return order

    def changes(self) -> NDArray[np.float64]:
        """For each review the largest change in the probability of a class, from 0 to 1."""
        difference = softmax(self.expected, self.temperature) - softmax(
            self.found, self.temperature
        )
        largest: NDArray[np.float64] = np.abs(difference).max(axis=1)
        return largest

    def parity(self) -> dict[str, Any]:
        """The comparison in numbers, for the manifest."""
        changes, flips = self.changes(), len(self.flips())
        parity: dict[str, Any] = {
            "data": self.reviews.name,
            "sha256": self.reviews.digest(),
            "n": len(self.reviews),
            "flips": flips,
            "flip_share": flips / len(self.reviews),
            "mean_change": float(changes.mean()),
            "max_change": float(changes.max()),
        }
        if self.reviews.classes is not None:
            parity["checkpoint"] = figures(self.expected, self.reviews.classes, self.temperature)
            parity["graph"] = figures(self.found, self.reviews.classes, self.temperature)
        return parity


class Verification:
    """A checkpoint's answers to some reviews, which those of each graph are compared with.

    Args:
        checkpoint: the model, which is asked at once.
        reviews: the reviews, as the bundle will read them.
        temperature: the checkpoint's, for texts that are read so.

    Attributes:
        rows: the comparisons so far, with the checkpoint but for int8 at an effort, which is
            compared with fp32 at the same; the checkpoint's with itself first. For each the
            ``model`` (``torch``, a precision, or precision and effort), its ``temperature``,
            ``flips``, ``mean_change``, ``max_change`` and, where the reviews have labels,
            ``accuracy``, ``log_loss`` and ``ece``.
    """

    def __init__(self, checkpoint: Checkpoint, reviews: Encoded, temperature: float) -> None:
        self.rows: list[dict[str, Any]] = []
        self._reviews = reviews
        self._expected = reviews.together(checkpoint_logits(checkpoint, reviews.batch))
        self._compare("torch", self._expected, self._expected, temperature)

    def compare(
        self,
        model: str,
        engine: Engine,
        temperature: float,
        lengths: LengthScale | None = None,
    ) -> Comparison:
        """Ask a graph about the reviews and add its row."""
        return self._compare(model, self._expected, self._ask(engine), temperature, lengths)

    def compare_effort(
        self,
        effort: str,
        exact: Engine,
        engine: Engine,
        temperature: float,
        lengths: LengthScale | None,
    ) -> Comparison:
        """Ask about one way to stop early, and add a row for fp32 and one for int8.

        What stopping early changes is in the first row, which is compared with the checkpoint.
        The second is compared with the first, which stops in the same way: what it changes is
        the doing of int8 alone.

        Args:
            effort: the name of the way.
            exact: the checkpoint's own classifiers, in fp32.
            engine: the int8 graph.
            temperature: the effort's own.
            lengths: likewise.

        Returns:
            The second comparison.
        """
        asked = self._ask(exact)
        self._compare(f"fp32, {effort}", self._expected, asked, temperature, lengths)
        return self._compare(f"int8, {effort}", asked, self._ask(engine), temperature, lengths)

    def _ask(self, engine: Engine) -> NDArray[np.float32]:
        return self._reviews.together(graph_logits(engine, self._reviews.batch))

    def described(self) -> dict[str, Any]:
        """The reviews and all rows, for the manifest."""
        return {
            "data": self._reviews.reviews.name,
            "sha256": self._reviews.reviews.digest(),
            "n": len(self._reviews.reviews),
            "rows": self.rows,
        }

    def _compare(
        self,
        model: str,
        expected: NDArray[np.float32],
        found: NDArray[np.float32],
        temperature: float,
        lengths: LengthScale | None = None,
    ) -> Comparison:
        if lengths:
            first = self._reviews.beginnings
            expected, found = (lengths.divide(one, first) for one in (expected, found))
        comparison = Comparison(self._reviews.reviews, expected, found, temperature)
        parity = comparison.parity()
        kept = {name: parity[name] for name in ("flips", "mean_change", "max_change")}
        row = {"model": model, "temperature": temperature, **parity.get("graph", {}), **kept}
        self.rows.append(row)
        return comparison


def figures(
    logits: NDArray[np.float32], classes: Sequence[int] | NDArray[np.int64], temperature: float
) -> dict[str, float]:
    """How right the answers are.

    Args:
        logits: shape (n, classes).
        classes: the true class of each row, length n.
        temperature: divides the logits before the softmax.

    Returns:
        accuracy, log_loss (nats) and ece (15 equal-width bins).
    """
    truth = np.asarray(classes, np.int64)
    probabilities = softmax(logits, temperature)
    chosen = probabilities[np.arange(len(truth)), truth]
    return {
        "accuracy": float((logits.argmax(axis=1) == truth).mean()),
        "log_loss": float(-np.log(np.maximum(chosen, np.finfo(np.float64).tiny)).mean()),
        "ece": expected_calibration_error(probabilities, truth),
    }


def graph_logits(engine: Engine, batch: Sequence[Sequence[int]]) -> NDArray[np.float32]:
    """The graph's answers, each input a run of its own, as a long one is on a user's CPU.

    Args:
        engine: the graph.
        batch: token ids of each input, as :class:`score.tokens.Encoder` makes them.

    Returns:
        Shape (len(batch), classes).
    """
    with ThreadPoolExecutor(machine.workers()) as pool:
        return np.stack(list(pool.map(engine.logits, batch)))


def runs_together(engine: Engine, batch: Sequence[Sequence[int]], most: int) -> bool:
    """Whether inputs of one length get the same bits together as each alone.

    Longer inputs than half of the most have nobody beside them.

    Args:
        engine: the graph.
        batch: token ids of reviews, of which as many are cut to each of some lengths.
        most: the most tokens that are run together.
    """
    compared = False
    for tokens in (*(one for one in _LENGTHS if one < most // 2), most // 2):
        alike = [[*ids[: tokens - 1], ids[-1]] for ids in batch if len(ids) >= tokens]
        numbers = {min(size, most // tokens) for size in (*_SIZES, most)} - {0, 1}
        if len(alike) < min(_SIZES):
            continue
        compared = True
        for number in numbers:
            together = list(islice(cycle(alike), number))
            logits, layers = engine.run(together)
            for ids, row, layer in zip(together, logits, layers, strict=True):
                alone, depth = engine.run([ids])
                if alone[0].tobytes() != row.tobytes() or depth[0] != layer:
                    return False
    return compared


def checkpoint_logits(
    checkpoint: Checkpoint, batch: Sequence[Sequence[int]]
) -> NDArray[np.float32]:
    """The checkpoint's own answers, in PyTorch and fp32; inputs of one length go together.

    Args:
        checkpoint: the model.
        batch: token ids of each input.

    Returns:
        Shape (len(batch), classes).
    """
    import torch
    from transformers import AutoModelForSequenceClassification

    with silence(), torch.inference_mode():
        model = AutoModelForSequenceClassification.from_pretrained(
            checkpoint.folder, local_files_only=True, dtype=torch.float32
        ).eval()
        rows: dict[int, NDArray[np.float32]] = {}
        for places in _alike([len(ids) for ids in batch]):
            logits = model(torch.tensor([list(batch[place]) for place in places])).logits
            rows |= dict(zip(places, logits.numpy(), strict=True))
    return np.stack([rows[place] for place in range(len(batch))])


def _alike(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Places of inputs of one length, some at a time."""
    groups: dict[int, list[int]] = {}
    for place, length in enumerate(lengths):
        groups.setdefault(length, []).append(place)
    for group in groups.values():
        for start in range(0, len(group), _TOGETHER):
            yield group[start : start + _TOGETHER]
