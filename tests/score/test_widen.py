"""An int8 graph written out in floats: the same layers, the same answers, one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest

from score import model as model_module
from score import providers
from score.bundle import Bundle
from score.engine import Engine
from score.errors import BundleError, UnavailableError
from score.model import Model
from score.parts import with_branches
from score.scorer import Scorer, ScorerSettings
from score.widen import OPSET, WIDENING, check_parity, widen
from tests.conftest import sentences

TEXTS = [text for text, _ in sentences()]


@pytest.fixture
def int8(tiny_bundle: Path) -> bytes:
    """The graph that stops early."""
    bundle = Bundle.load(tiny_bundle)
    return bundle.read_graph(bundle.graph("int8"))


def test_all_layers_are_there_in_half_precision(int8: bytes) -> None:
    """No branch, no integer product, weights of two bytes; the type of what comes out stays."""
    graph = onnx.load_model_from_string(widen(int8, "it", half=True)).graph
    operators = {node.op_type for node in graph.node}
    assert not operators & {"If", "MatMulIntegerToFloat", "QuantizeLinear", "DequantizeLinear"}
    assert {"MatMul", "MultiHeadAttention"} <= operators
    weights = [one for one in graph.initializer if len(one.dims) == 2]
    assert {one.data_type for one in weights} == {onnx.TensorProto.FLOAT16}
    assert [one.name for one in graph.output] == ["logits"]


def test_providers_need_not_know_the_attention_for_cpus(int8: bytes) -> None:
    """The set of operators is the one that the graph was traced with."""
    sets = {one.domain: one.version for one in onnx.load_model_from_string(int8).opset_import}
    assert sets[""] > OPSET
    model = onnx.load_model_from_string(widen(int8, "it", half=False))
    assert {one.domain: one.version for one in model.opset_import} == {**sets, "": OPSET}
    onnx.checker.check_model(model)


def test_a_batch_of_it_answers_as_the_int8_graph_does(int8: bytes) -> None:
    """Padded, as on a GPU."""
    half, exact = Engine(widen(int8, "it", half=True)), Engine(int8)
    batch = [[2, 70, 71, 72, 3], [2, *range(70, 90), 3]]
    found, _ = half.run(batch)
    expected = np.stack([exact.logits(ids) for ids in batch])
    assert found == pytest.approx(expected, abs=0.1)
    check_parity(exact, half, batch, 1.0, "it")


def test_what_int8_alone_needed_is_taken_back(int8: bytes) -> None:
    """The factors of the columns stand in the weights, so no product waits for them."""
    before = onnx.load_model_from_string(int8)
    assert any(name.endswith("_inverse_factors") for name in _names(before.graph))
    after = onnx.load_model_from_string(widen(int8, "it", half=False))
    assert not any(name.endswith("_inverse_factors") for name in _names(after.graph))


def _names(graph: onnx.GraphProto) -> Iterator[str]:
    """All names that nodes read, those of branches included."""
    for part in with_branches(graph):
        for node in part.node:
            yield from node.input


def test_one_that_says_something_else_is_refused(int8: bytes) -> None:
    """Before anything is scored, with the way out."""
    half = Engine(widen(int8, "it", half=True))
    other = onnx.load_model_from_string(int8)
    for tensor in other.graph.initializer:
        if tensor.name == "bert.embeddings.LayerNorm.bias":
            tensor.CopyFrom(onnx.numpy_helper.from_array(np.ones(32, np.float32), tensor.name))
    with pytest.raises(BundleError, match=r"written out for cpu, changes probabilities by"):
        check_parity(Engine(other.SerializeToString()), half, [[2, 70, 71, 3]], 1.0, "it")


def test_products_of_another_kind_are_refused() -> None:
    """A graph whose scales are found anew for each text is none that can be widened."""
    node = onnx.helper.make_node("DynamicQuantizeLinear", ["x"], ["logits", "scale", "zero"])
    info = onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1, 2])
    out = onnx.helper.make_tensor_value_info("logits", onnx.TensorProto.UINT8, [1, 2])
    graph = onnx.helper.make_model(onnx.helper.make_graph([node], "old", [info], [out]))
    with pytest.raises(BundleError) as raised:
        widen(graph.SerializeToString(), "old.onnx", half=True)
    assert str(raised.value) == (
        "old.onnx cannot be written out in floats: it has DynamicQuantizeLinear in a place where "
        "thumbs export puts none. Export the bundle again, with --precision fp16 or fp32 "
        "beside int8."
    )


@pytest.fixture
def as_if_on_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """CUDA's way through the code, on the CPU: the graph in half precision, in batches."""
    monkeypatch.setattr(model_module, "choose_provider", lambda *_: "cuda")
    monkeypatch.setitem(providers.PROVIDERS, "cuda", "CPUExecutionProvider")
    monkeypatch.setitem(providers.PRECISIONS, "cuda", ("fp16", "int8"))


@pytest.mark.usefixtures("as_if_on_a_gpu")
def test_a_gpu_scores_with_a_bundle_for_cpus(tiny_bundle: Path) -> None:
    """Asked about a window at once, with all layers; the answers are its own in the cache."""
    with Scorer(tiny_bundle) as scorer:
        found = scorer.score(TEXTS)
        assert scorer.device == "cuda, fp16"
        assert scorer.identity.endswith(f"int8 as fp16 {WIDENING}")
    model = Model(Bundle.load(tiny_bundle))
    assert model.batched
    assert len(found) == len(TEXTS)
    assert all(one.label for one in found)


@pytest.mark.usefixtures("as_if_on_a_gpu")
def test_a_library_that_is_missing_is_named(
    tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The extra brings it."""
    monkeypatch.setattr("score.extras.find_spec", lambda _: None)
    with pytest.raises(UnavailableError, match=r"This needs onnx, .* pip install 'thumbs\[gpu\]'"):
        Scorer(tiny_bundle, ScorerSettings())
