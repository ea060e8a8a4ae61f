"""How far the confidence in a short text is to be taken back.

One temperature is fitted on texts of the length that the model learned most from. Of fewer
words it has less to go by, and says so less than it should. So below a length the
temperature grows, by a power of it; how fast is found in :mod:`export.lengths`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from score.guarantee import is_number

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MOST_TOKENS = 8192
_STEEPEST = -5.0


@dataclass(frozen=True, slots=True)
class LengthScale:
    """What the temperature is multiplied by, for a text of some length.

    Attributes:
        exponent: how fast it grows towards short texts, 0 or less.
        least: the tokens, marks included, below which it grows no more, for nothing shorter
            was seen.
        most: the tokens from which on it is the temperature alone.
    """

    exponent: float
    least: int
    most: int

    def __post_init__(self) -> None:
        # Above 0 short texts would be surer than the model says.
        if not is_number(self.exponent) or not _STEEPEST <= self.exponent <= 0:
            raise ValueError(f"no such exponent: {self.exponent!r}"[:100])
        lengths = (self.least, self.most)
        if not all(type(one) is int for one in lengths):
            raise TypeError("no numbers of tokens")
        if not 1 <= self.least <= self.most <= _MOST_TOKENS:
            raise ValueError(f"no such lengths: {lengths}"[:100])

    @classmethod
    def parse(cls, entry: Any) -> LengthScale | None:
        """The scale that a manifest tells; None where it tells none.

        Raises:
            KeyError, TypeError, ValueError: it makes no sense.
        """
        if entry is None:
            return None
        if not isinstance(entry, Mapping):
            raise TypeError("no scale by length")
        return cls(entry["exponent"], entry["least"], entry["most"])

    def factor(self, tokens: int) -> float:
        """What the temperature is multiplied by for a text of so many tokens."""
        return float((min(max(tokens, self.least), self.most) / self.most) ** self.exponent)

    def divide(
        self, logits: NDArray[np.float32], batch: Sequence[Sequence[int]]
    ) -> NDArray[np.float32]:
        """Logits that only the temperature is to divide any more.

        Args:
            logits: shape (n, classes).
            batch: the token ids of the n texts, marks included.
        """
        factors = np.asarray([self.factor(len(ids)) for ids in batch], np.float32)
        divided: NDArray[np.float32] = logits / factors[:, None]
        return divided
