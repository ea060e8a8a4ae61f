"""A graph in floats, made of an int8 one that has early classifiers, for GPUs and OpenVINO.

A bundle for CPUs, such as the one in the box, then serves them too. What int8 stands for is
written out: weights as floats, activations as they are, every token through all layers. It
takes a second, so nothing is kept.

What int8 needed and floats do not is put back: the factors that made the columns of an
activation alike go into the weights behind it. Attention keeps its mask: told how many tokens each
text has instead, it took five times as long in fp16 on an H200 (onnxruntime-gpu 1.31.1).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from score.errors import BundleError, UnavailableError
from score.parts import cut

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from score.engine import Engine

_OUTPUT, _LAST = "logits", "last_logits"
# What the export calls the texts that a classifier was not sure of: see export.branches.
_KEPT = re.compile(r"exit_\w+_kept_\d+")

OPSET = 18
"""The set of operators of these nodes. The attention that asks for a later one, which not all
providers know, is not among them."""

WIDENING = 4
"""Part of what an answer is remembered under: raised with each change of the graphs made here."""

PARITY = 0.02
"""The most that the probability of a label may change, on average over the sample sentences."""

SENTENCES = (
    "A wonderful film, and the best that I have seen this year.",
    "A waste of two hours.",
    "The room was clean, the staff were friendly, but the street is loud all night.",
    "Not bad at all!",
    "It broke after a week and nobody answers my letters.",
    "I expected little and got less.",
)
"""What is asked before anything is scored; of each kind of answer there are some."""


def widen(model: bytes, name: str, *, half: bool) -> bytes:
    """The float graph of an int8 one. Inputs and the output ``logits`` keep their types.

    Args:
        model: the ONNX file.
        name: what error messages call it.
        half: in fp16 rather than in fp32.

    Raises:
        BundleError: the graph has int8 products of another kind than thumbs export makes.
    """
    import onnx
    from onnxruntime.transformers.float16 import convert_float_to_float16

    found = _Floats(onnx.load_model_from_string(model), name).model()
    if half:
        found = convert_float_to_float16(found, keep_io_types=True, disable_shape_infer=True)
    content: bytes = found.SerializeToString()
    return content


def check_parity(
    exact: Engine, other: Engine, sentences: Sequence[Sequence[int]], temperature: float, name: str
) -> None:
    """Check that two engines say the same of some sentences.

    Args:
        exact: the int8 graph.
        other: what was made of it.
        sentences: token ids.
        temperature: of both.
        name: what error messages call the graph.

    Raises:
        UnavailableError: the probabilities differ by more than :data:`PARITY` on average, where
            another provider than the CPU computed them: it may be at fault.
        BundleError: they do on the CPU.
    """
    from score.calibration import softmax

    expected = np.stack([exact.logits(ids) for ids in sentences])
    found, _ = other.run(sentences)
    difference = softmax(expected, temperature) - softmax(found, temperature)
    change = np.abs(difference).max(axis=1).mean()
    if not change <= PARITY:
        blamed = BundleError if other.provider == "cpu" else UnavailableError
        raise blamed(
            f"{name}, written out for {other.provider}, changes probabilities by {change:.1%}; say "
            "--provider cpu."
        )


class _Floats:
    """The layers of an int8 graph, one after the other, in floats."""

    def __init__(self, model: Any, name: str) -> None:
        self._model = model
        self._name = name
        self._tensors: dict[str, Any] = {}
        self._same: dict[str, str] = {}
        self._nodes = list(self._unfold(model.graph))
        self._maker = {output: node for node in self._nodes for output in node.output}
        self._uses = Counter(name for node in self._nodes for name in node.input)

    def model(self) -> Any:
        from onnx import TensorProto, helper

        last = _LAST if _LAST in self._maker else _OUTPUT
        nodes = [new for node in self._nodes for new in self._floats(node)]
        (nodes,) = cut(nodes, [last])
        if last != _OUTPUT:
            nodes.append(helper.make_node("Identity", [last], [_OUTPUT]))
        used = {name for node in nodes for name in node.input}
        inputs = [one for one in self._model.graph.input if one.name in used]
        graph = helper.make_graph(
            nodes,
            self._model.graph.name,
            [one for one in inputs if one.name not in self._tensors],
            [helper.make_tensor_value_info(_OUTPUT, TensorProto.FLOAT, [None, None])],
            initializer=[one for name, one in self._tensors.items() if name in used],
        )
        sets = [
            helper.make_opsetid(one.domain, min(one.version, OPSET))
            for one in self._model.opset_import
        ]
        return helper.make_model(graph, opset_imports=sets, ir_version=self._model.ir_version)

    def _unfold(self, graph: Any) -> Iterator[Any]:
        """The nodes that run where no classifier is sure, all tokens are kept, a batch padded."""
        self._tensors.update({one.name: one for one in graph.initializer})
        for node in graph.node:
            if node.op_type == "If":
                branches = {one.name: one.g for one in node.attribute}
                taken = branches["else_branch"]
                yield from self._unfold(taken)
                for ours, theirs in zip(node.output, taken.output, strict=True):
                    self._same[ours] = theirs.name
            elif node.op_type == "Gather" and _KEPT.fullmatch(node.output[0]):
                self._same[node.output[0]] = self._same.get(node.input[0], node.input[0])
            else:
                node.input[:] = [self._same.get(name, name) for name in node.input]
                yield node

    def _floats(self, node: Any) -> Iterator[Any]:
        """What stands for a node."""
        from onnx import helper

        if node.op_type == "MatMulIntegerToFloat":
            activation, weight, _, scale = node.input[:4]
            maker = self._maker.get(activation)
            if maker is None or maker.op_type != "QuantizeLinear":
                raise self._unknown(node)
            bias = node.input[6:7]
            product = f"{node.output[0]}_product" if bias else node.output[0]
            self._widen(weight, scale)
            source = self._unsmoothed(maker.input[0], weight)
            yield helper.make_node("MatMul", [source, weight], [product])
            if bias:
                yield helper.make_node("Add", [product, bias[0]], node.output)
        elif node.op_type == "DequantizeLinear":
            table = self._maker.get(node.input[0])
            if table is None or table.op_type != "Gather":
                raise self._unknown(node)
            self._widen(table.input[0], *node.input[1:])
            yield helper.make_node("Gather", table.input, node.output)
        elif node.op_type in ("DynamicQuantizeLinear", "MatMulInteger"):
            raise self._unknown(node)
        else:
            yield node

    def _widen(self, name: str, scale: str, zero_point: str = "") -> None:
        """Put floats in the place of the integers of a tensor."""
        from onnx import TensorProto, numpy_helper

        if self._tensors[name].data_type == TensorProto.FLOAT:
            return
        integers: NDArray[np.float32] = self._array(name).astype(np.float32)
        if zero_point:
            integers -= self._array(zero_point).astype(np.float32)
        floats = integers * self._array(scale)
        self._tensors[name] = numpy_helper.from_array(floats.astype(np.float32), name)

    def _unsmoothed(self, name: str, weight: str) -> str:
        """What a product reads, the factors of its columns put into the rows of the weight."""
        from onnx import numpy_helper

        maker = self._maker.get(name)
        if maker is None or maker.op_type != "Mul" or self._uses[weight] > 1:
            return name
        if maker.input[1] not in self._tensors or len(self._tensors[maker.input[1]].dims) != 1:
            return name
        rows = self._array(weight) * self._array(maker.input[1])[:, None]
        self._tensors[weight] = numpy_helper.from_array(rows, weight)
        source: str = maker.input[0]
        return source

    def _array(self, name: str) -> NDArray[Any]:
        from onnx import numpy_helper

        array: NDArray[Any] = numpy_helper.to_array(self._tensors[name])
        return array

    def _unknown(self, node: Any) -> BundleError:
        return BundleError(
            f"{self._name} cannot be written out in floats: it has {node.op_type} in a place where "
            "thumbs export puts none. Export the bundle again, with --precision fp16 or fp32 "
            "beside int8."
        )
