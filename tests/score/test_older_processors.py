"""int8 on processors without the instructions for it, played by QEMU where that is installed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

from score import overflow
from score.bundle import DEFAULT_BUNDLE, TOKENIZER_FILE, Bundle
from score.engine import Engine
from score.tokens import Encoder
from tests.score.small_bundle import make_graph

QEMU = shutil.which("qemu-x86_64")
TEXTS = (
    "A waste of two hours.",
    "Clean rooms, friendly staff, and the breakfast was worth getting up for.",
    "The battery died after a week and nobody answers the phone.",
    "Better than I had feared, though the second half drags.",
)
PROGRAM = """
import json, sys
from pathlib import Path
from score.bundle import Bundle
from score.engine import Engine
bundle = Bundle.load(Path(sys.argv[1]))
engine = Engine(bundle.read_graph(bundle.graph("int8")))
print(json.dumps([engine.logits(ids).tolist() for ids in json.loads(sys.argv[2])]))
"""


def test_the_product_is_what_it_is_said_to_be() -> None:
    """The bytes are those of a graph that onnx makes and finds right."""
    kinds = {"x": (TensorProto.UINT8, "mk"), "w": (TensorProto.INT8, "kn")}
    kinds["y"] = (TensorProto.INT32, "mn")
    x, w, y = (
        helper.make_tensor_value_info(name, kind, list(shape))
        for name, (kind, shape) in kinds.items()
    )
    node = helper.make_node("MatMulInteger", ["x", "w"], ["y"])
    graph = helper.make_graph([node], "g", [x, w], [y])
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 10)], ir_version=8, producer_name=""
    )
    onnx.checker.check_model(model)
    assert model.SerializeToString() == overflow._PRODUCT


def test_what_decides_the_scores_is_part_of_their_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where int8 overflows the graph runs otherwise, and says so; other graphs do not care."""
    graph = make_graph().SerializeToString()
    monkeypatch.setattr("score.engine.int8_overflows", lambda: False)
    plain = Engine(graph)
    monkeypatch.setattr("score.engine.int8_overflows", lambda: True)
    exact = Engine(graph)
    assert exact.identity == f"{plain.identity} x64quantprecision"
    assert exact.logits([1, 2]).tolist() == plain.logits([1, 2]).tolist()


@pytest.mark.parametrize("processor", ["Haswell", "IvyBridge"])
@pytest.mark.skipif(not QEMU or os.uname().machine != "x86_64", reason="qemu-user is not there")
def test_int8_is_the_same_without_vnni(processor: str, tmp_path: Path) -> None:
    """They add pairs of products in 16 bits: there too nothing may overflow unnoticed."""
    bundle = Bundle.load(DEFAULT_BUNDLE)
    encoder = Encoder.from_file(bundle.folder / TOKENIZER_FILE, bundle.description.truncation)
    ids = [encoder.encode(text).ids for text in TEXTS]
    engine = Engine(bundle.read_graph(bundle.graph("int8")))
    script = tmp_path / "logits.py"
    script.write_text(PROGRAM)
    assert QEMU
    done = subprocess.run(
        [QEMU, "-cpu", processor, sys.executable, script, DEFAULT_BUNDLE, json.dumps(ids)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"},
        check=True,
        capture_output=True,
    )
    for found, one in zip(json.loads(done.stdout), ids, strict=True):
        assert found == pytest.approx(engine.logits(one), abs=0.005)
