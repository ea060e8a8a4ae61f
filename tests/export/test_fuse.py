"""Fused for a CPU: one node for each attention, and every bias beside its own product."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from score.engine import Engine

IDS = [2, 70, 71, 72, 3]


def test_each_bias_is_added_to_its_own_product(graph: Path) -> None:
    """So that a product in int8 can add it."""
    model = onnx.load(graph)
    nodes, makers = model.graph.node, {node.output[0]: node for node in model.graph.node}
    tensors = {one.name: numpy_helper.to_array(one) for one in model.graph.initializer}
    attentions = [node for node in nodes if node.op_type == "MultiHeadAttention"]
    assert len(attentions) == 2
    for attention in attentions:
        assert not attention.input[3]
        biases = []
        for name, part in zip(attention.input[:3], ("query", "key", "value"), strict=True):
            adding = makers[name]
            assert adding.op_type == "Add"
            assert part in makers[adding.input[0]].name
            biases.append(tensors[adding.input[1]])
        assert not any(np.array_equal(biases[0], other) for other in biases[1:])


def test_it_says_what_the_traced_graph_says(graph: Path, tiny_bundle: Path) -> None:
    """Of texts alone and padded."""
    fused = Engine(graph.read_bytes())
    traced = Engine((tiny_bundle / "model.onnx").read_bytes())
    batch = [IDS, [2, *range(70, 90), 3]]
    assert fused.run(batch)[0] == pytest.approx(traced.run(batch)[0], abs=1e-5)
