"""The classifier before the first layer, in a graph: weights of tokens and of pairs, added up.

It reads what the network would read, a hundred times as fast, and is right about most reviews
that nobody would argue over. Training fits it (finetune.ngrams says how it counts). The sum is
one of integers, so no batch and no padding can change a bit of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

LOGITS = "ngram_logits"
"""What the nodes make: shape (n, classes)."""

_MOST = 127
# Further than any text reaches.
_END = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Ngrams:
    """Weights of tokens and of pairs of neighbours, which share buckets.

    A token's bucket is its id. A pair's is ``vocabulary + (first * multiplier + second) %
    pairs``. A text's logits are the sum of its buckets' weights over the square root of the
    number of its tokens, and ``bias``; all 0 where these are fewer than ``shortest``.

    Attributes:
        weight: shape (vocabulary + pairs, columns); the one column of two classes is the log
            odds of the second.
        bias: shape (columns,).
        vocabulary: the number of tokens.
        multiplier: of the first token's id.
        shortest: the fewest tokens of a text that it says anything of.
        factor: what the logits are multiplied with to answer by themselves.
    """

    weight: NDArray[np.float32]
    bias: NDArray[np.float32]
    vocabulary: int
    multiplier: int
    shortest: int
    factor: float = 1.0

    def quantised(self) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
        """The weights as whole numbers, and the step between them, shape (columns,).

        A few very large weights are cut off: what they say is clear all the same.
        """
        size = np.abs(self.weight)
        present = [column[column > 0] for column in size.T]
        tops = [np.quantile(one, 0.9999) if one.size else 1.0 for one in present]
        step = (np.asarray(tops) / _MOST).astype(np.float32)
        whole = np.clip(np.rint(self.weight / step), -_MOST, _MOST)
        return whole.astype(np.int8), step

    def spread(self) -> NDArray[np.float32]:
        """What makes logits of the classes out of the columns: shape (columns, classes)."""
        columns = self.weight.shape[1]
        if columns == 1:
            return np.array([[-0.5, 0.5]], np.float32)
        return np.eye(columns, dtype=np.float32)


def ngram_nodes(ngrams: Ngrams) -> tuple[list[Any], dict[str, NDArray[Any]]]:
    """The nodes that make :data:`LOGITS` of ``input_ids`` and ``attention_mask``, and weights."""
    return [*_buckets(), *_sum(), *_logits()], _arrays(ngrams)


def _arrays(ngrams: Ngrams) -> dict[str, NDArray[Any]]:
    """All constants, by name."""
    table, step = ngrams.quantised()
    pairs = len(table) - ngrams.vocabulary
    whole = {"multiplier": ngrams.multiplier, "pairs": pairs, "vocabulary": ngrams.vocabulary}
    places = {"begin": 0, "second": 1, "before_last": -1, "end": _END, "axis": 1, "last_axis": -1}
    return {
        "ngram_table": table,
        "ngram_step": step,
        "ngram_bias": ngrams.bias.astype(np.float32),
        "ngram_spread": ngrams.spread(),
        "ngram_nothing": np.array(0, np.float32),
        "ngram_shortest": np.array(ngrams.shortest, np.float32),
        **{f"ngram_{name}": np.array(number, np.int64) for name, number in whole.items()},
        **{f"ngram_{name}": np.array([number], np.int64) for name, number in places.items()},
    }


def _buckets() -> list[Any]:
    """The bucket of each token and pair, and whether it belongs to the text or is padding.

    Padding stands behind a text, so a pair belongs to it where its second token does.
    """
    from onnx import TensorProto
    from onnx.helper import make_node as node

    ids, mask, axis = "input_ids", "attention_mask", "ngram_axis"
    behind = ["ngram_second", "ngram_end", axis]
    return [
        node("Slice", [ids, "ngram_begin", "ngram_before_last", axis], ["ngram_firsts"]),
        node("Slice", [ids, *behind], ["ngram_seconds"]),
        node("Mul", ["ngram_firsts", "ngram_multiplier"], ["ngram_product"]),
        node("Add", ["ngram_product", "ngram_seconds"], ["ngram_hash"]),
        node("Mod", ["ngram_hash", "ngram_pairs"], ["ngram_place"]),
        node("Add", ["ngram_place", "ngram_vocabulary"], ["ngram_pair"]),
        node("Concat", [ids, "ngram_pair"], ["ngram_buckets"], axis=1),
        node("Slice", [mask, *behind], ["ngram_pair_mask"]),
        node("Concat", [mask, "ngram_pair_mask"], ["ngram_there"], axis=1),
        node("Unsqueeze", ["ngram_there", "ngram_last_axis"], ["ngram_column"]),
        node("Cast", ["ngram_column"], ["ngram_counted"], to=TensorProto.INT32),
    ]


def _sum() -> list[Any]:
    """The weights of a text's buckets, added up as whole numbers, and its tokens."""
    from onnx import TensorProto
    from onnx.helper import make_node as node

    return [
        node("Gather", ["ngram_table", "ngram_buckets"], ["ngram_found"]),
        node("Cast", ["ngram_found"], ["ngram_whole"], to=TensorProto.INT32),
        node("Mul", ["ngram_whole", "ngram_counted"], ["ngram_own"]),
        node("ReduceSum", ["ngram_own", "ngram_axis"], ["ngram_sum"], keepdims=0),
        node("Cast", ["ngram_sum"], ["ngram_total"], to=TensorProto.FLOAT),
        node("ReduceSum", ["attention_mask", "ngram_axis"], ["ngram_tokens"], keepdims=1),
        node("Cast", ["ngram_tokens"], ["ngram_length"], to=TensorProto.FLOAT),
    ]


def _logits() -> list[Any]:
    """The sum over the root of the length, as logits of the classes; 0 of short texts."""
    from onnx.helper import make_node as node

    return [
        node("Sqrt", ["ngram_length"], ["ngram_root"]),
        node("Mul", ["ngram_total", "ngram_step"], ["ngram_weighed"]),
        node("Div", ["ngram_weighed", "ngram_root"], ["ngram_score"]),
        node("Add", ["ngram_score", "ngram_bias"], ["ngram_odds"]),
        node("MatMul", ["ngram_odds", "ngram_spread"], ["ngram_said"]),
        node("GreaterOrEqual", ["ngram_length", "ngram_shortest"], ["ngram_enough"]),
        node("Where", ["ngram_enough", "ngram_said", "ngram_nothing"], [LOGITS]),
    ]
