"""The weights of a bundle as floats again, so that training can start from one, offline.

The exporter names each product by weights after the layer that it traced, and each parameter
that is no product's after itself; that is the map. What the export did on the way is undone
here: int8 becomes floats (each weight is within half a step of what it was), and the factors
that :mod:`export.smooth` moved from the activations into the weights go back. Those that it
moved into the values of an attention stay there: the network is the same one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from score.bundle import DEFAULT_BUNDLE, MANIFEST_FILE, Bundle
from score.errors import BundleError
from score.parts import with_branches
from score.tokens import Truncation

if TYPE_CHECKING:
    from numpy.typing import NDArray

BOX = "thumbs"
"""The name of the model in the box, where a model can be named."""

_PRECISIONS = ("fp32", "int8")
_QUANTIZED = "_quantized"
_PRODUCTS = ("MatMul", "MatMulInteger", "MatMulIntegerToFloat")
# Where the last of them has its bias.
_BIAS = 6
# As the exporter writes it, and as a quantiser leaves it.
_PRODUCT = re.compile(r"/?(.*)/(?:Gemm_)?MatMul(?:_quant)?")
_EXIT = re.compile(r"exit_(\d+)_(weight|bias)")


def find_bundle(name: str) -> Path | None:
    """The folder of the bundle that ``name`` means; None where it means something else."""
    if name == BOX:
        return DEFAULT_BUNDLE
    return Path(name) if (Path(name) / MANIFEST_FILE).is_file() else None


def usual_tokens(base: str) -> int:
    """How many tokens of a text to read where nobody says: as many as a bundle that is the base."""
    folder = find_bundle(base)
    truncation = Bundle.load(folder).description.truncation if folder else Truncation()
    return truncation.max_tokens


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
    return dict(_Weights(model.graph).named())


class _Weights:
    """The tensors of a graph, and the nodes around each."""

    def __init__(self, graph: Any) -> None:
        from onnx import numpy_helper

        graphs = list(with_branches(graph))
        self._nodes = [node for one in graphs for node in one.node]
        self._tensors = {
            tensor.name: numpy_helper.to_array(tensor)
            for one in graphs
            for tensor in one.initializer
        }
        self._maker = {output: node for node in self._nodes for output in node.output}

    def named(self) -> Iterator[tuple[str, NDArray[np.float32]]]:
        """The parameters under their names, and what else the graph holds under its own.

        ONNX has weights as (inputs, outputs), PyTorch as (outputs, inputs).
        """
        products = list(self._products())
        for name in self._tensors.keys() - {node.input[1] for node in products}:
            yield name.removesuffix(_QUANTIZED), self._floats(name, axis=0)
        for node in products:
            weights = self._floats(node.input[1], axis=1) * self._factors(node)
            yield f"{_layer(node)}.weight", np.ascontiguousarray(weights.T)
            for bias in node.input[_BIAS : _BIAS + 1]:
                yield f"{_layer(node)}.bias", self._floats(bias, axis=0)
        for name, tensor in self._tensors.items():
            if found := _EXIT.fullmatch(name):
                layer, part = found.groups()
                yield f"exits.{layer}.{part}", np.array(tensor.T, np.float32, order="C")

    def _products(self) -> Iterator[Any]:
        for node in self._nodes:
            if (
                node.op_type in _PRODUCTS
                and node.input[1] in self._tensors
                and _PRODUCT.fullmatch(node.name)
            ):
                yield node

    def _floats(self, name: str, axis: int) -> NDArray[np.float32]:
        """A tensor in floats; ``axis`` is that of the scales where there is more than one."""
        tensor, plain = self._tensors[name], name.removesuffix(_QUANTIZED)
        scale = self._tensors.get(f"{plain}_scale")
        if not name.endswith(_QUANTIZED) or scale is None:
            return tensor.astype(np.float32)
        zero = self._tensors.get(f"{plain}_zero_point", np.zeros_like(scale, np.int8))
        if scale.ndim:
            shape = [-1 if i == axis else 1 for i in range(tensor.ndim)]
            scale, zero = scale.reshape(shape), zero.reshape(shape)
        floats: NDArray[np.float32] = (tensor.astype(np.float32) - zero) * scale
        return floats

    def _factors(self, product: Any) -> NDArray[np.float32]:
        """What the channels of a product's input were multiplied with, shape (inputs, 1)."""
        maker = self._maker.get(product.input[0])
        if maker is not None and maker.op_type in ("DynamicQuantizeLinear", "QuantizeLinear"):
            maker = self._maker.get(maker.input[0])
        if maker is not None and maker.op_type == "Mul":
            for name in maker.input:
                if name in self._tensors and self._tensors[name].ndim == 1:
                    return self._tensors[name].astype(np.float32)[:, None]
        return np.ones((1, 1), np.float32)


def _layer(product: Any) -> str:
    """The name of the module that a product was traced from."""
    found = _PRODUCT.fullmatch(product.name)
    return found[1].replace("/", ".") if found else str(product.name)
