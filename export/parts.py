"""What a graph that branches is put together from: weights shared out, branches, a few nodes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

MASK = "attention_mask"

SHARES = "token_shares"
"""What each token counts in the mean over a text: shape (n, 1, tokens)."""


def share_out(weights: Sequence[Any], parts: Sequence[Sequence[Any]]) -> list[list[Any]]:
    """The weights of each part; what several need is the first one's, whom all can see."""
    users: dict[str, set[int]] = {}
    for number, part in enumerate(parts):
        for node in part:
            for name in node.input:
                users.setdefault(name, set()).add(number)
    shares: list[list[Any]] = [[] for _ in parts]
    for weight in weights:
        if using := users.get(weight.name):
            shares[min(using) if len(using) == 1 else 0].append(weight)
    return shares


def cast_masks(nodes: Sequence[Any]) -> dict[str, int]:
    """What is made of the attention mask by changing its type alone, and that type."""
    return {
        node.output[0]: node.attribute[0].i
        for node in nodes
        if node.op_type == "Cast" and list(node.input) == [MASK]
    }


def stopping(own: str) -> Any:
    """The branch in which a classifier answers all texts."""
    from onnx.helper import make_node as node

    nodes = [
        node("Identity", [f"{own}logits"], [f"{own}stopped"]),
        node("GreaterOrEqual", [f"{own}top", f"{own}threshold"], [f"{own}each_sure"]),
        told(f"{own}each_sure", own, "depth"),
    ]
    return branch(f"{own}stop", nodes, (f"{own}stopped", f"{own}depth"), [])


def told(sure: str, own: str, output: str) -> Any:
    """The number of a layer for each text: both ways it is the same, ``sure`` has the shape."""
    from onnx import helper

    return helper.make_node("Where", [sure, f"{own}number", f"{own}number"], [f"{own}{output}"])


def branch(
    name: str, nodes: Sequence[Any], outputs: tuple[str, str], weights: Sequence[Any]
) -> Any:
    """A branch that makes logits and layer numbers."""
    from onnx import TensorProto, helper

    kinds = (TensorProto.FLOAT, TensorProto.INT64)
    infos = [
        helper.make_tensor_value_info(output, kind, None)
        for output, kind in zip(outputs, kinds, strict=True)
    ]
    return helper.make_graph(nodes, name, [], infos, initializer=weights)


def tensors(arrays: Mapping[str, NDArray[Any]]) -> list[Any]:
    """Arrays as a graph holds them."""
    from onnx import numpy_helper

    return [numpy_helper.from_array(array, name) for name, array in arrays.items()]


def token_shares() -> list[Any]:
    """The nodes that make :data:`SHARES`."""
    from onnx import TensorProto, helper

    return [
        helper.make_node("Cast", [MASK], ["tokens_there"], to=TensorProto.FLOAT),
        helper.make_node("ReduceSum", ["tokens_there", "exit_axis"], ["token_count"]),
        helper.make_node("Div", ["tokens_there", "token_count"], ["flat_shares"]),
        helper.make_node("Unsqueeze", ["flat_shares", "exit_axis"], [SHARES]),
    ]
