"""What each training text is to be answered with: probabilities, not only a class.

A labelled review puts all on its class; a text that a teacher labelled carries the teacher's
doubt with it; a row can weigh more than another. One array says all three: a row's numbers
are the wanted probabilities times the row's weight.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from finetune.splits import Split

# So many times the rows of the smallest class may the largest have and still be as even.
_EVEN = 3


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
        if len(parts) == 1:
            return parts[0]
        texts = tuple(text for part in parts for text in part.texts)
        return cls(texts, np.concatenate([part.targets for part in parts]).astype(np.float32))


def class_weights(classes: Sequence[int], number: int, how: str) -> list[float]:
    """The weight of each class in training; the mean weight of a row is 1.

    Args:
        classes: of all rows; each of ``number`` classes occurs.
        number: of classes.
        how: ``none``: all rows weigh the same. ``balanced``: all classes do. ``auto``: half
            way between the two, with the square roots of the balanced weights, where the
            largest class has more than three times the rows of the smallest, else none.
    """
    counts = np.bincount(np.asarray(classes, np.int64), minlength=number)
    if how == "none" or (how == "auto" and counts.max() <= _EVEN * counts.min()):
        return [1.0] * number
    weights = counts ** (-1.0 if how == "balanced" else -0.5)
    return [float(one) for one in weights * len(classes) / (weights * counts).sum()]


def describe_weights(
    classes: Sequence[int], labels: Sequence[str], weights: Sequence[float]
) -> str | None:
    """What to say of the weights of the classes; None where all are the same."""
    counts = np.bincount(np.asarray(classes, np.int64), minlength=len(labels))
    most, least = int(counts.argmax()), int(counts.argmin())
    if len(set(weights)) == 1:
        return None
    return (
        f"{counts[most]:,} training rows are {labels[most]} and {counts[least]:,} "
        f"{labels[least]}: one of {labels[least]} weighs {weights[least] / weights[most]:.1f} "
        f"times one of {labels[most]} (--class-weights none lets all rows weigh the same)."
    )
