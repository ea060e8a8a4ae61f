"""Attention without a mask: where nothing is padded, and only there."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

from export.checkpoint import Checkpoint
from export.classifiers import Classifiers
from export.exits import add_exits
from export.masks import skip_full_masks
from score.engine import Engine
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
