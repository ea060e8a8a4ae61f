"""How much each early classifier counts, and what the n-grams say beside it.

After this one temperature is right for all: a confidence means the same at each stop.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from export.reviews import FEWEST
from score.calibration import fit_temperature, fit_weights

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from export.classifiers import Exit
    from export.ngrams import Ngrams
    from export.reviews import Encoded


@dataclass(frozen=True, slots=True)
class Said:
    """What was said of some reviews, as it is trained: shape (n, classes) at each stop."""

    logits: Sequence[NDArray[np.float32]]
    reviews: Encoded


def told(ngrams: Ngrams, reviews: Encoded) -> NDArray[np.bool_]:
    """Which reviews are long enough for n-grams to say something of."""
    return reviews.lengths >= ngrams.shortest


def mix(exits: Sequence[Exit], held_back: Said, temperature: float) -> list[Exit]:
    """The layers' classifiers, where there are no n-grams.

    Args:
        exits: the classifiers.
        held_back: what they and, at last, the network's head say of reviews.
        temperature: of the head.
    """
    classes = held_back.reviews.classes
    return [
        replace(one, factor=temperature / fit_temperature(said, classes))
        for one, said in zip(exits, held_back.logits[:-1], strict=True)
    ]


def mix_with_ngrams(
    exits: Sequence[Exit], ngrams: Ngrams, held_back: Said, short: Said | None, temperature: float
) -> tuple[list[Exit], Ngrams]:
    """The layers' classifiers and the n-grams.

    How much each counts beside the other is a matter of the reviews that the n-grams say
    something of; of others, of which there have to be some among the ``short`` ones, a layer's
    classifier speaks alone.

    Args:
        exits: the classifiers.
        ngrams: the first stop.
        held_back: what is said of reviews; of :data:`FEWEST` of them the n-grams say something.
        short: what is said of short ones; None are none.
        temperature: of the network's own head.
    """
    long = told(ngrams, held_back.reviews)
    classes = held_back.reviews.classes[long]
    heard = held_back.logits[0][long]
    lonely, rows = held_back, np.ones(len(long), bool)
    if short is not None and sum(unheard := ~told(ngrams, short.reviews)) >= FEWEST:
        lonely, rows = short, unheard
    mixed = []
    for place, one in enumerate(exits, start=1):
        own, theirs = fit_weights(np.stack([held_back.logits[place][long], heard]), classes)
        alone = fit_temperature(lonely.logits[place][rows], lonely.reviews.classes[rows])
        mixed.append(
            replace(
                one,
                factor=temperature * float(own),
                ngrams=temperature * float(theirs),
                alone=temperature / alone,
            )
        )
    return mixed, replace(ngrams, factor=temperature / fit_temperature(heard, classes))
