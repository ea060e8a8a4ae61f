"""Reading on with the tokens that matter: which, how many, and the nodes that choose them.

Behind a layer each token gets a score, linear in what the layer made of it
(:mod:`export.importance`), and a share of the text's tokens is read on, those with the largest.
What a token said is in the others by then: the attention of the layers below has mixed them. (Token
pruning: PoWER-BERT, Goyal et al. 2020; LTP, Kim et al. 2022.) How much may be left out is found on
the held-back reviews (:mod:`export.efforts`); a graph by itself leaves out nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from score.stopping import KEEP_RATIOS

if TYPE_CHECKING:
    from numpy.typing import NDArray

FEWEST_TOKENS = 32
"""A text of so many or fewer keeps all, and of a longer one as many are left."""

# How much of a text's tokens is read on behind the layers of the first third, of the next sixth,
# and of the second half of a network.
_KEPT_BY_DEPTH = (
    (0.66, 0.5, 0.25),
    (0.8, 0.6, 0.3),
    (1.0, 0.5, 0.25),
    (1.0, 0.6, 0.3),
    (1.0, 0.75, 0.3),
    (1.0, 1.0, 0.25),
    (1.0, 1.0, 0.5),
)

_LENGTH, _MANY = "prune_length", "prune_many"
_FIRST, _PADDING = 1e9, -1e9
# Further than any text reaches.
_END = 2**31 - 1


def schedules(layers: int, read: int) -> list[tuple[float, ...]]:
    """The shares of a text's tokens that may be read on behind each layer but the last.

    Args:
        layers: of the network.
        read: behind so many nobody reads on, and nothing can be saved.

    Returns:
        Ways to leave tokens out of what is read, the one that leaves out most first.
    """
    ways = {
        tuple(
            shares[(3 * layer >= layers) + (2 * layer >= layers)]
            for layer in range(1, min(read, layers))
        )
        for shares in _KEPT_BY_DEPTH
    }
    some = sorted((way for way in ways if min(way, default=1) < 1), key=lambda way: (sum(way), way))
    return [(*way, *way[-1:] * (layers - 1 - len(way))) for way in some]


def shared(layers: int) -> tuple[list[Any], dict[str, NDArray[Any]]]:
    """What all choices of tokens use: nodes outside of any branch, and constants."""
    from onnx import TensorProto
    from onnx.helper import make_node as node

    nodes = [
        node("Shape", ["input_ids"], ["prune_shape"]),
        node("Gather", ["prune_shape", "prune_axis"], ["prune_tokens"]),
        node("Cast", ["prune_tokens"], [_LENGTH], to=TensorProto.FLOAT),
        node("Greater", ["prune_tokens", "prune_fewest"], [_MANY]),
    ]
    return nodes, {
        KEEP_RATIOS: np.ones(layers - 1, np.float32),
        "prune_axis": np.array([1], np.int64),
        "prune_last_axis": np.array([-1], np.int64),
        "prune_second": np.array([1], np.int64),
        "prune_end": np.array([_END], np.int64),
        "prune_pads": np.array([0, 1, 0, 0], np.int64),
        "prune_fewest": np.array([FEWEST_TOKENS], np.int64),
        "prune_first": np.array(_FIRST, np.float32),
        "prune_padding": np.array(_PADDING, np.float32),
        "prune_nothing": np.array(0, np.float32),
    }


def prune(
    own: str, layer: int, names: Mapping[str, str], kinds: Mapping[str, int], importance: Any
) -> tuple[list[Any], dict[str, NDArray[Any]], dict[str, str]]:
    """The nodes that choose the tokens which are read on, in the order they stand in the text.

    The first one always is, for the last layer is read there. Padding comes last; who pads and
    leaves tokens out keeps more of the short texts of a batch than each would by itself. Where no
    text has more tokens than are kept anyway, nothing of it runs: a sentence would wait for it.

    Args:
        own: what the names of the nodes' own tensors begin with.
        layer: from 1, the one behind which they stand.
        names: what the tensors are called that go on, by what they are called outside: first the
            layer's output, shape (n, tokens, width), then :data:`export.parts.SHARES` and, shape
            (n, tokens), masks.
        kinds: the types of their elements, likewise.
        importance: the linear score, shape (width,).

    Returns:
        The nodes, their constants, and ``names`` with those of what was chosen.
    """
    from onnx import helper

    fewer = {name: f"{own}fewer_{i}" for i, name in enumerate(names)}
    chosen = {name: f"{own}chosen_{i}" for i, name in enumerate(names)}
    every = {name: f"{own}every_{i}" for i, name in enumerate(names)}
    arrays: dict[str, NDArray[Any]] = {
        f"{own}importance": np.asarray(importance, np.float32)[:, None],
        f"{own}ratio_place": np.array([layer - 1], np.int64),
    }
    whole = [helper.make_node("Identity", [ours], [every[name]]) for name, ours in names.items()]
    ways = {
        branch: helper.make_graph(
            nodes,
            f"{own}{branch}",
            [],
            [helper.make_tensor_value_info(made[name], kinds[name], None) for name in names],
        )
        for branch, nodes, made in (
            ("then_branch", _choosing(own, names, chosen), chosen),
            ("else_branch", whole, every),
        )
    }
    return [helper.make_node("If", [_MANY], [*fewer.values()], **ways)], arrays, fewer


def _choosing(own: str, names: Mapping[str, str], chosen: Mapping[str, str]) -> list[Any]:
    """The nodes that make what is chosen of each tensor."""
    from onnx.helper import make_node as node

    state, shares, *masks = names
    return [
        *_scores(own, names[state], names[shares]),
        *_number(own),
        node(
            "TopK",
            [f"{own}ranks", f"{own}number_kept"],
            [f"{own}best_scores", f"{own}best"],
            axis=1,
            sorted=0,
        ),
        node(
            "TopK",
            [f"{own}best", f"{own}number_kept"],
            [f"{own}places_kept", f"{own}order_kept"],
            axis=1,
            largest=0,
        ),
        node("Unsqueeze", [f"{own}places_kept", "prune_last_axis"], [f"{own}rows_kept"]),
        node("GatherND", [names[state], f"{own}rows_kept"], [chosen[state]], batch_dims=1),
        node("GatherElements", [f"{own}counted", f"{own}places_kept"], [f"{own}left"], axis=1),
        node("ReduceSum", [f"{own}left", "prune_axis"], [f"{own}number_left"]),
        node("Div", [f"{own}left", f"{own}number_left"], [f"{own}flat_shares"]),
        node("Unsqueeze", [f"{own}flat_shares", "prune_axis"], [chosen[shares]]),
        *(
            node("GatherElements", [names[mask], f"{own}places_kept"], [chosen[mask]], axis=1)
            for mask in masks
        ),
    ]


def _scores(own: str, state: str, shares: str) -> list[Any]:
    """The nodes that rank the tokens: shape (n, tokens)."""
    from onnx import TensorProto
    from onnx.helper import make_node as node

    return [
        node("MatMul", [state, f"{own}importance"], [f"{own}score_column"]),
        node("Squeeze", [f"{own}score_column", "prune_last_axis"], [f"{own}scores"]),
        node("Squeeze", [shares, "prune_axis"], [f"{own}share_row"]),
        node("Greater", [f"{own}share_row", "prune_nothing"], [f"{own}there"]),
        node("Cast", [f"{own}there"], [f"{own}counted"], to=TensorProto.FLOAT),
        node("Where", [f"{own}there", f"{own}scores", "prune_padding"], [f"{own}real_scores"]),
        node(
            "Slice",
            [f"{own}real_scores", "prune_second", "prune_end", "prune_axis"],
            [f"{own}other_scores"],
        ),
        node("Pad", [f"{own}other_scores", "prune_pads", "prune_first"], [f"{own}ranks"]),
    ]


def _number(own: str) -> list[Any]:
    """The nodes that say how many tokens are kept: shape (1,)."""
    from onnx import TensorProto
    from onnx.helper import make_node as node

    return [
        node("Gather", [KEEP_RATIOS, f"{own}ratio_place"], [f"{own}ratio"]),
        node("Mul", [_LENGTH, f"{own}ratio"], [f"{own}share_kept"]),
        node("Ceil", [f"{own}share_kept"], [f"{own}whole_kept"]),
        node("Cast", [f"{own}whole_kept"], [f"{own}wanted"], to=TensorProto.INT64),
        node("Max", [f"{own}wanted", "prune_fewest"], [f"{own}enough"]),
        node("Shape", [f"{own}ranks"], [f"{own}ranks_shape"]),
        node("Gather", [f"{own}ranks_shape", "prune_axis"], [f"{own}present"]),
        node("Min", [f"{own}enough", f"{own}present"], [f"{own}number_kept"]),
    ]
