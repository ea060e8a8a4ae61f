"""What each training text is to be answered with: probabilities, not only a class.

A labelled review puts all on its class; a text that a teacher labelled carries the teacher's
doubt with it; a row can weigh more than another. One array says all three: a row's numbers
are the wanted probabilities times the row's weight.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from finetune.splits import Split


@dataclass(frozen=True, slots=True)
class Lessons:
    """Texts to learn from.

    Attributes:
        texts: cleaned texts.
        targets: shape (n, classes): probabilities times the row's weight.
    """

    texts: tuple[str, ...]
    targets: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.texts)

    @classmethod
    def of(cls, split: Split, weights: Sequence[float]) -> Lessons:
        """A labelled split, each row with the weight of its class; one weight a class."""
        number = len(weights)
        # NEITHER is -1, which takes the last row.
        rows = np.vstack([np.diag(np.asarray(weights)), np.full(number, 1 / number)])
        return cls(split.texts, rows[np.asarray(split.classes, np.int64)].astype(np.float32))

    @classmethod
    def joined(cls, parts: Sequence[Lessons]) -> Lessons:
        """All parts, one after another."""
        texts = tuple(text for part in parts for text in part.texts)
        return cls(texts, np.concatenate([part.targets for part in parts]).astype(np.float32))


def class_weights(classes: Sequence[int], number: int, *, balance: bool) -> list[float]:
    """The weight of each class: 1, or with ``balance`` such that all classes weigh the same.

    The mean weight of a row is 1 either way.
    """
    if not balance:
        return [1.0] * number
    counts = Counter(classes)
    return [len(classes) / (number * counts[one]) for one in range(number)]
