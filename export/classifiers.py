"""What a graph is given so that it can stop early."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from export.ngrams import Ngrams


@dataclass(frozen=True, slots=True)
class Exit:
    """A classifier behind a layer, on the mean over the tokens.

    Attributes:
        weight: shape (classes, width).
        bias: shape (classes,).
        factor: what its logits are multiplied with.
        ngrams: what those of the n-grams are, which are added.
        alone: in place of ``factor`` where the n-grams say nothing.
    """

    weight: NDArray[np.float32]
    bias: NDArray[np.float32]
    factor: float = 1.0
    ngrams: float = 0.0
    alone: float = 1.0


@dataclass(frozen=True, slots=True)
class Classifiers:
    """The early classifiers of a network, and what chooses the tokens that are read on.

    Attributes:
        exits: the classifier behind each layer but the last.
        ngrams: the one before the first layer; None is none. It is then the first to have a
            threshold, and texts that it answers are read with 0 layers.
        importance: for each layer but the last, what makes a score of each token, shape
            (width,): tokens can be left out behind it then. None is none.
        temperature: what all logits are divided by to become confidences.
    """

    exits: Sequence[Exit]
    ngrams: Ngrams | None = None
    importance: Sequence[NDArray[np.float32]] = ()
    temperature: float = 1.0
