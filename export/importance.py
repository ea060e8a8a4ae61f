"""How much a token matters: a linear score, learnt from what the next layer looks at.

A token that gets little attention in the next layer changes little of what follows. How much it
gets is known only once that layer has run on all of them; but most of it can be told from what
the layer before made of the token, by ridge regression on some reviews. The network is not trained
anew for it: an epoch with tokens left out made MiniLM no better (docs/model.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from export.layers import attention_weights, hidden_states
from export.watch import each_run

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Keeps what is solved solvable; of many tokens it changes nothing.
_RIDGE = 1.0
# Attention below is as good as none; its logarithm stays a number.
_LEAST = 1e-12
_DIMENSIONS = 4


def token_importance(graph: Path, batch: Sequence[Sequence[int]]) -> list[NDArray[np.float32]]:
    """Fit a score of tokens behind each layer but the last.

    The logarithm of the attention that a token gets from all tokens and heads of the next layer is
    regressed on the token's state; both are centred in each text, since tokens are chosen within
    one. The first token, which is always kept, is left out.

    Args:
        graph: the fp32 graph as traced, where attention is a softmax of its own.
        batch: token ids of reviews.

    Returns:
        Each of shape (width,); none where a layer's attention cannot be told apart.
    """
    import onnx

    model = onnx.load(graph)
    states, attention = hidden_states(model)[:-1], attention_weights(model)
    if not states or len(attention) != len(states) + 1:
        return []
    fits = [_Fit() for _ in states]
    for tensors in each_run(graph, [*states, *attention[1:]], batch):
        if any(one.ndim != _DIMENSIONS for one in tensors[len(states) :]):
            return []
        for fit, state, weights in zip(fits, tensors, tensors[len(states) :], strict=False):
            received = weights[0].sum(axis=(0, 1), dtype=np.float64)
            fit.add(state[0][1:], np.log(np.maximum(received[1:], _LEAST)))
    return [fit.solved() for fit in fits]


class _Fit:
    """The sums of a ridge regression."""

    def __init__(self) -> None:
        self._squares: NDArray[np.float64] | float = 0.0
        self._products: NDArray[np.float64] | float = 0.0

    def add(self, rows: NDArray[np.float32], wanted: NDArray[np.float64]) -> None:
        """One text: shapes (tokens, width) and (tokens,)."""
        centred = rows.astype(np.float64) - rows.mean(axis=0, dtype=np.float64)
        self._squares = self._squares + centred.T @ centred
        self._products = self._products + centred.T @ (wanted - wanted.mean())

    def solved(self) -> NDArray[np.float32]:
        squares = np.asarray(self._squares)
        found = np.linalg.solve(squares + _RIDGE * np.eye(len(squares)), self._products)
        return found.astype(np.float32)
