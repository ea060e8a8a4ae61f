"""Whether a graph says here what it said where it was exported.

A bundle may hold, for a graph, some sentences with the logits that all of its layers gave. A
processor that adds int8 products up in another way is found out by them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from score.calibration import softmax
from score.errors import BundleError
from score.guarantee import is_number
from score.widen import PARITY

if TYPE_CHECKING:
    from score.engine import Engine
    from score.tokens import Encoder

Answers = Mapping[str, tuple[float, ...]]
"""Sentences, and the logits of each."""

STRAYS = 0.02
"""The most that a probability may change in any of the sentences.

On QEMU's Haswell the model in the box changes by 4 points in one of :data:`score.widen.SENTENCES`
where its int8 products overflow, and by nothing where they do not. Between processors that are
right the order in which floats are added may change the last digits.
"""

_MOST_SENTENCES = 100
_LONGEST = 10_000


def parse(entry: Any, classes: int) -> Answers:
    """The answers that a manifest tells; none where it tells of none.

    Raises:
        TypeError, ValueError: they make no sense.
    """
    if entry is None:
        return {}
    if not isinstance(entry, Mapping) or len(entry) > _MOST_SENTENCES:
        raise TypeError("no answers to sentences")
    for text, logits in entry.items():
        fits = isinstance(logits, list) and len(logits) == classes and all(map(is_number, logits))
        if not text.strip() or len(text) > _LONGEST or not fits:
            raise ValueError("no answers of this bundle's classes to sentences")
    return {text: tuple(map(float, logits)) for text, logits in entry.items()}


def check_answers(
    engine: Engine, encoder: Encoder, answers: Answers, temperature: float, name: str
) -> None:
    """Check that what was made of a graph says on average what the graph said.

    Raises:
        BundleError: the probabilities differ by more than :data:`score.widen.PARITY`.
    """
    change = float(np.mean(changes(engine, encoder, answers, temperature)))
    if not change <= PARITY:
        raise BundleError(
            f"{name}, written out in floats, changes probabilities by {change:.1%}. Export the "
            "bundle again."
        )


def changes(engine: Engine, encoder: Encoder, answers: Answers, temperature: float) -> list[float]:
    """By how much the probabilities of each sentence differ from the stored ones, at most.

    Args:
        engine: the graph, reading with all its layers.
        encoder: the bundle's.
        answers: what the graph said where it was exported.
        temperature: the graph's.
    """
    found = np.stack([engine.logits(encoder.encode(text).ids) for text in answers])
    expected = np.asarray(list(answers.values()), np.float32)
    difference = softmax(found, temperature) - softmax(expected, temperature)
    return [float(one) for one in np.abs(difference).max(axis=1)]
