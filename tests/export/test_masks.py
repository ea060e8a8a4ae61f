"""Attention without a mask: where nothing is padded, and only there."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper

from export.checkpoint import Checkpoint
from export.classifiers import Classifiers
from export.exits import add_exits
from export.masks import skip_full_masks
from score.engine import Engine
from score.parts import with_branches
from score.stopping import NEVER, Stopping

IDS = [2, 70, 71, 72, 3]
LONGER = [2, *range(70, 90), 3]


def test_padded_or_not_the_answer_is_the_same(graph: Path, tmp_path: Path) -> None:
    """Each of two layers has both ways, and a batch with padding takes the masked one."""
    target = Path(shutil.copy(graph, tmp_path / "choice.onnx"))
    skip_full_masks(target)
    model = onnx.load(target)
    onnx.checker.check_model(model, full_check=True)
    assert [node.op_type for node in model.graph.node].count("If") == 2
    before, after = Engine(graph.read_bytes()), Engine(target.read_bytes())
    for batch in ([IDS], [LONGER], [IDS, IDS], [IDS, LONGER]):
        assert after.run(batch)[0] == pytest.approx(before.run(batch)[0], abs=1e-5)
    assert after.run([IDS, LONGER])[0][0] == pytest.approx(after.logits(IDS), abs=1e-5)


def test_without_a_mask_it_is_onnx_own_attention(tiny_bundle: Path) -> None:
    """In int8, too, each text says to the bit what it says alone."""
    content = (tiny_bundle / "model_quantized.onnx").read_bytes()
    nodes = [
        node
        for part in with_branches(onnx.load_model_from_string(content).graph)
        for node in part.node
    ]
    operators = {(node.op_type, node.domain) for node in nodes}
    ours = {"Attention", "MultiHeadAttention", "QuantizeLinear", "DequantizeLinear"}
    assert {pair for pair in operators if pair[0] in ours} == {
        ("Attention", ""),
        *((name, "com.microsoft") for name in ours - {"Attention"}),
    }
    heads = {one.name: one.i for node in nodes for one in node.attribute if "num_heads" in one.name}
    assert heads["q_num_heads"] == heads["kv_num_heads"] == heads["num_heads"] > 1
    engine = Engine(content)
    other = [2, *range(80, 83), 3]
    assert (engine.run([IDS, other])[0][0] == engine.logits(IDS)).all()


def test_attention_that_adds_a_bias_is_no_attention_of_onnx(tmp_path: Path) -> None:
    """It would be lost; the fusing puts it before."""
    node = helper.make_node(
        "MultiHeadAttention", ["q", "k", "v", "bias", "mask"], ["y"], "it", num_heads=2
    )
    floats = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in "qkvy"]
    onnx.save(
        helper.make_model(helper.make_graph([node], "g", floats[:3], floats[3:])),
        target := tmp_path / "biased.onnx",
    )
    with pytest.raises(ValueError, match="it adds a bias"):
        skip_full_masks(target)


def test_a_hole_in_the_mask_is_left_out(graph: Path, tmp_path: Path) -> None:
    """Whatever token is not there: its word makes no difference."""
    target = Path(shutil.copy(graph, tmp_path / "choice.onnx"))
    skip_full_masks(target)
    session = onnxruntime.InferenceSession(target, providers=["CPUExecutionProvider"])
    mask = np.ones((1, len(LONGER)), np.int64)
    mask[0, 5] = 0
    found = []
    for word in (70, 80):
        row = np.asarray([LONGER], np.int64)
        row[0, 5] = word
        feeds = {"input_ids": row, "attention_mask": mask, "token_type_ids": np.zeros_like(row)}
        found.append(session.run(["logits"], feeds)[0])
    assert found[0] == pytest.approx(found[1], abs=1e-6)


def test_branches_are_looked_into(graph: Path, tiny_checkpoint: Path, tmp_path: Path) -> None:
    """The second layer of a graph that stops early stands in a branch."""
    target = tmp_path / "exits.onnx"
    add_exits(graph, target, Classifiers(Checkpoint.load(tiny_checkpoint).exits))
    stopping = Engine(target.read_bytes(), stopping=Stopping([NEVER]))
    expected = [stopping.logits(ids) for ids in (IDS, LONGER)]
    skip_full_masks(target)
    choosing = Engine(target.read_bytes(), stopping=Stopping([NEVER]))
    assert choosing.run([IDS, LONGER])[0] == pytest.approx(np.stack(expected), abs=1e-5)
    assert choosing.logits(LONGER) == pytest.approx(expected[1], abs=1e-5)


def test_a_graph_without_such_attention_stays(tiny_bundle: Path, tmp_path: Path) -> None:
    """As traced it has none."""
    target = Path(shutil.copy(tiny_bundle / "model.onnx", tmp_path / "traced.onnx"))
    skip_full_masks(target)
    assert target.read_bytes() == (tiny_bundle / "model.onnx").read_bytes()
