"""The weights of a bundle as floats again, so that training can start from one, offline.

``thumbs export`` changes neither the biases nor their names, so they are the map: a
product by weights is followed by the bias of its layer, and that says which layer it is.
What the export did on the way is undone here: int8 becomes floats (each weight is within
half a step of what it was), and the factors that :mod:`export.smooth` moved from the
activations into the weights go back.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from score.bundle import DEFAULT_BUNDLE, MANIFEST_FILE, Bundle
from score.errors import BundleError

if TYPE_CHECKING:
    from numpy.typing import NDArray

BOX = "thumbs"
"""The name of the model in the box, where a model can be named."""

_PRECISIONS = ("fp32", "int8")
_QUANTIZED = "_quantized"
# What stands between a product of integers and its bias: back to floats, and the scales.
_BETWEEN = ("Cast", "Mul")
_EXIT = re.compile(r"exit_(\d+)_(weight|bias)")


def find_bundle(name: str) -> Path | None:
    """The folder of the bundle that ``name`` means; None where it means something else."""
    if name == BOX:
        return DEFAULT_BUNDLE
    return Path(name) if (Path(name) / MANIFEST_FILE).is_file() else None


def read_weights(bundle: Bundle) -> dict[str, NDArray[np.float32]]:
    """The tensors of a bundle's graph under the names that they had in PyTorch.

    A graph holds more than parameters; what else it holds comes under its own name.

    Raises:
        BundleError: the bundle has a graph in half precision alone, or a damaged one.
    """
    import onnx

    graphs = {graph.precision: graph for graph in bundle.description.graphs}
    chosen = next((graphs[one] for one in _PRECISIONS if one in graphs), None)
    if chosen is None:
        raise BundleError(
            f"The bundle {bundle.folder} has no graph in {' or '.join(_PRECISIONS)} to start "
            "from. Give the checkpoint that it was made from with --base."
        )
    model = onnx.load_model_from_string(bundle.read_graph(chosen))
    graph = _Weights(model.graph)
    return {**dict(graph.by_name()), **dict(graph.by_bias())}


class _Weights:
    """The tensors of a graph, and the nodes around each."""

    def __init__(self, graph: Any) -> None:
        from onnx import numpy_helper

        graphs = list(_with_branches(graph))
        self._nodes = [node for one in graphs for node in one.node]
        self._tensors = {
            tensor.name: numpy_helper.to_array(tensor)
            for one in graphs
            for tensor in one.initializer
        }
        self._maker = {output: node for node in self._nodes for output in node.output}
        self._users: dict[str, list[Any]] = defaultdict(list)
        for node in self._nodes:
            for name in node.input:
                self._users[name].append(node)

    def by_name(self) -> Iterator[tuple[str, NDArray[np.float32]]]:
        """Embeddings, normalisations and biases, which have their parameter's name.

        So have the early classifiers, but for how the export spells it.
        """
        weights = {node.input[1] for node in self._products()}
        for name in self._tensors.keys() - weights:
            yield name.removesuffix(_QUANTIZED), self._floats(name, axis=0)
        for name, tensor in self._tensors.items():
            if found := _EXIT.fullmatch(name):
                layer, part = found.groups()
                yield f"exits.{layer}.{part}", np.array(tensor.T, np.float32, order="C")

    def by_bias(self) -> Iterator[tuple[str, NDArray[np.float32]]]:
        """The weights of linear layers, named after the bias that is added to the product.

        ONNX has them as (inputs, outputs), PyTorch as (outputs, inputs).
        """
        for node in self._products():
            bias = self._bias(node)
            if bias is not None:
                weights = self._floats(node.input[1], axis=1) * self._factors(node)
                yield f"{bias.removesuffix('.bias')}.weight", np.ascontiguousarray(weights.T)

    def _products(self) -> Iterator[Any]:
        for node in self._nodes:
            if node.op_type in ("MatMul", "MatMulInteger") and node.input[1] in self._tensors:
                yield node

    def _floats(self, name: str, axis: int) -> NDArray[np.float32]:
        """A tensor in floats; ``axis`` is that of the scales where there is more than one."""
        tensor, plain = self._tensors[name], name.removesuffix(_QUANTIZED)
        scale = self._tensors.get(f"{plain}_scale")
        if not name.endswith(_QUANTIZED) or scale is None:
            return tensor.astype(np.float32)
        zero = self._tensors[f"{plain}_zero_point"]
        if scale.ndim:
            shape = [-1 if i == axis else 1 for i in range(tensor.ndim)]
            scale, zero = scale.reshape(shape), zero.reshape(shape)
        floats: NDArray[np.float32] = (tensor.astype(np.float32) - zero) * scale
        return floats

    def _factors(self, product: Any) -> NDArray[np.float32]:
        """What the channels of a product's input were multiplied with, shape (inputs, 1)."""
        maker = self._maker.get(product.input[0])
        if maker is not None and maker.op_type == "DynamicQuantizeLinear":
            maker = self._maker.get(maker.input[0])
        if maker is not None and maker.op_type == "Mul":
            for name in maker.input:
                if name in self._tensors and self._tensors[name].ndim == 1:
                    return self._tensors[name].astype(np.float32)[:, None]
        return np.ones((1, 1), np.float32)

    def _bias(self, product: Any) -> str | None:
        """The name of the bias that is added to a product; None where there is none."""
        users = self._users[product.output[0]]
        while len(users) == 1 and users[0].op_type in _BETWEEN:
            users = self._users[users[0].output[0]]
        for node in users:
            for name in node.input:
                if node.op_type == "Add" and name in self._tensors and name.endswith(".bias"):
                    return str(name)
        return None


def _with_branches(graph: Any) -> Iterator[Any]:
    """A graph and the branches in it, where the layers are that it can stop before."""
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from _with_branches(attribute.g)
