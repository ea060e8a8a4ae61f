"""Take the outliers out of what int8 has to carry, without changing what a graph computes.

In BERT a few channels of each activation are ten times as large as the rest, and int8 has
one scale for all of them. Each channel is divided by a factor, and the weights it meets
are multiplied by the same factor: the product stays, while the range that int8 has to
cover shrinks (after Xiao et al. 2023, "SmoothQuant"). For a MiniLM fine-tuned on IMDB the
mean change in probability fell from 0.73 % to 0.50 % and the largest from 14 % to 8 %, on
800 test reviews; the divisions cost 4 % of the speed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from export.convert import silence

if TYPE_CHECKING:
    from numpy.typing import NDArray

_STRENGTH = 0.5
"""0 leaves the outliers where they are, 1 moves all of them into the weights, which have to
be quantised as well."""


def smooth(graph: Path, target: Path, batch: Sequence[Sequence[int]]) -> None:
    """Write a graph that computes the same and is easier to quantise.

    Args:
        graph: the fp32 graph.
        target: the file to make.
        batch: token ids of typical reviews, which show the size of each channel.
    """
    import onnx

    model = onnx.load(graph)
    products = _products(model)
    for name, sizes in _channel_sizes(graph, list(products), batch).items():
        typical = max(float(np.median(sizes)), float(np.finfo(np.float32).tiny))
        factors = np.maximum(sizes / typical, 1) ** _STRENGTH
        _move(model, name, products[name], factors.astype(np.float32))
    onnx.save(model, target)


def _products(model: Any) -> Mapping[str, list[Any]]:
    """The products by weights, which are what is quantised, by the activation they take."""
    weights = {tensor.name for tensor in model.graph.initializer}
    products = defaultdict(list)
    for node in model.graph.node:
        if node.op_type == "MatMul" and node.input[1] in weights:
            products[node.input[0]].append(node)
    return products


def _channel_sizes(
    graph: Path, names: Sequence[str], batch: Sequence[Sequence[int]]
) -> dict[str, NDArray[np.float32]]:
    """The largest absolute value of each channel of the named tensors over all reviews."""
    import onnx
    import onnxruntime

    model = onnx.load(graph)
    model.graph.output.extend(onnx.helper.make_empty_tensor_value_info(name) for name in names)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    with silence():
        session = onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
    inputs = {one.name for one in session.get_inputs()}
    sizes: dict[str, NDArray[np.float32]] = {}
    for ids in batch:
        row = np.asarray([ids], np.int64)
        feeds = {
            "input_ids": row,
            "attention_mask": np.ones_like(row),
            "token_type_ids": np.zeros_like(row),
        }
        tensors = session.run(list(names), {k: v for k, v in feeds.items() if k in inputs})
        for name, tensor in zip(names, tensors, strict=True):
            largest = np.abs(tensor).max(axis=(0, 1))
            sizes[name] = np.maximum(sizes.get(name, largest), largest)
    return sizes


def _move(model: Any, name: str, products: Sequence[Any], factors: NDArray[np.float32]) -> None:
    """Divide a tensor's channels by ``factors`` and multiply the weights behind it."""
    from onnx import helper, numpy_helper

    divided, inverse = f"{name}_smooth", f"{name}_inverse_factors"
    weights = {tensor.name: tensor for tensor in model.graph.initializer}
    for node in products:
        weight = weights[node.input[1]]
        scaled = numpy_helper.to_array(weight) * factors[:, None]
        weight.CopyFrom(numpy_helper.from_array(scaled, weight.name))
        node.input[0] = divided
    model.graph.initializer.append(numpy_helper.from_array(1 / factors, inverse))
    place = min(list(model.graph.node).index(node) for node in products)
    model.graph.node.insert(place, helper.make_node("Mul", [name, inverse], [divided], divided))
