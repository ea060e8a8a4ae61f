"""A provider that fails is no damaged bundle: with auto the CPU is used, by name it is refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnxruntime
import pytest
from onnxruntime.capi.onnxruntime_pybind11_state import (
    EPFail,
    Fail,
    InvalidGraph,
    RuntimeException,
)

from score import engine as engine_module
from score import providers, widen
from score.arena import open_session
from score.bundle import Bundle
from score.engine import Engine
from score.errors import BundleError, ThumbsError, UnavailableError
from score.lanes import BoundLane, PlainLane
from score.scorer import Scorer, ScorerSettings
from tests.score.small_bundle import make_graph

FULL = "Failed to allocate memory for requested buffer of size 8192"
ADVICE = "look at its driver and its free memory, or say --provider cpu."


def fails(error: Exception) -> Any:
    """Something that fails, whatever it is given."""

    def fail(*_: object, **__: object) -> None:
        raise error

    return fail


@pytest.mark.parametrize(
    ("provider", "error", "expected"),
    [
        ("cuda", RuntimeException(FULL), UnavailableError(f"{{}} failed: {FULL}; {ADVICE}")),
        ("cuda", EPFail("no"), UnavailableError(f"{{}} failed: no; {ADVICE}")),
        ("dml", MemoryError(), UnavailableError(f"{{}} failed: MemoryError; {ADVICE}")),
        ("cuda", InvalidGraph("no"), BundleError("onnxruntime refuses it: no")),
        ("cpu", RuntimeException(FULL), BundleError(f"onnxruntime refuses it: {FULL}")),
        ("cpu", Fail("no"), BundleError("onnxruntime refuses it: no")),
        ("cpu", RuntimeError("no"), BundleError("onnxruntime refuses it: no")),
    ],
)
def test_whose_fault_it_is_that_no_session_opens(
    monkeypatch: pytest.MonkeyPatch, provider: str, error: Exception, expected: ThumbsError
) -> None:
    """The provider's, unless onnxruntime speaks of the graph; on a CPU always the graph's."""
    monkeypatch.setattr(engine_module, "open_session", fails(error))
    monkeypatch.setattr(engine_module, "preload", lambda _: None)
    with pytest.raises(type(expected)) as raised:
        Engine(b"graph", provider, "it")
    assert str(raised.value) == str(expected).format(providers.PROVIDERS[provider])


@pytest.mark.parametrize(
    ("provider", "expected"),
    [
        ("cuda", UnavailableError(f"CPUExecutionProvider failed: {FULL}; {ADVICE}")),
        ("cpu", BundleError(f"onnxruntime failed on a review: {FULL}")),
    ],
)
def test_whose_fault_it_is_that_a_run_fails(
    monkeypatch: pytest.MonkeyPatch, provider: str, expected: ThumbsError
) -> None:
    """On a CPU too much memory is what a bad graph asks for."""
    monkeypatch.setitem(providers.PROVIDERS, "cuda", "CPUExecutionProvider")
    monkeypatch.setattr(engine_module, "preload", lambda _: None)
    one = Engine(make_graph().SerializeToString(), provider)
    for lane in (BoundLane, PlainLane):
        monkeypatch.setattr(lane, "run", fails(RuntimeException(FULL)))
    with pytest.raises(type(expected)) as raised:
        one.logits([1, 2])
    assert str(raised.value) == str(expected)


@pytest.mark.parametrize(
    ("provider", "expected"),
    [
        ("cuda", UnavailableError("it gives no finite numbers on {}: say --provider cpu.")),
        ("cpu", BundleError("it gives no finite numbers. Export the bundle again.")),
    ],
)
def test_half_precision_may_overflow_where_the_graph_does_not(
    monkeypatch: pytest.MonkeyPatch, provider: str, expected: ThumbsError
) -> None:
    """So the bundle is not blamed for what a GPU makes of it."""
    monkeypatch.setitem(providers.PROVIDERS, "cuda", "CPUExecutionProvider")
    monkeypatch.setattr(engine_module, "preload", lambda _: None)
    one = Engine(make_graph().SerializeToString(), provider, "it")

    def run(_lane: object, _outputs: Sequence[str], _feeds: Mapping[str, Any]) -> list[Any]:
        return [np.array([[np.inf, 0.0]], np.float32)]

    for lane in (BoundLane, PlainLane):
        monkeypatch.setattr(lane, "run", run)
    with pytest.raises(type(expected)) as raised:
        one.logits([1, 2])
    assert str(raised.value) == str(expected).format(providers.PROVIDERS[provider])


def test_a_full_gpu_leaves_the_cpu(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Where nobody asked for it by name: when it is loaded there is no room for the weights."""
    cuda = "CUDAExecutionProvider"
    both = [cuda, "CPUExecutionProvider"]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: both)
    monkeypatch.setattr(engine_module, "preload", lambda _: None)

    def open_there(*args: Any, **more: Any) -> Any:
        if more["providers"][0] == cuda:
            raise RuntimeException(FULL)
        return open_session(*args, **more)

    monkeypatch.setattr(engine_module, "open_session", open_there)
    with Scorer(bundle.folder) as scorer:
        assert scorer.device.startswith("cpu, int8, ")
    said = f"CUDAExecutionProvider failed: {FULL}; {ADVICE}"
    assert caplog.messages == [f"The CPU is used in place of cuda: {said}"]
    with pytest.raises(UnavailableError) as raised:
        Scorer(bundle.folder, ScorerSettings(provider="cuda"))
    assert str(raised.value) == said


@pytest.mark.usefixtures("gpu")
def test_a_gpu_that_fails_at_the_first_review_leaves_the_cpu(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """There was room for the weights, and none for a text of the full length."""
    run = BoundLane.run

    def run_short(lane: BoundLane, outputs: Sequence[str], feeds: Mapping[str, Any]) -> Any:
        if feeds["input_ids"].shape[1] >= 64:
            raise Fail("CUBLAS failure 3: CUBLAS_STATUS_ALLOC_FAILED")
        return run(lane, outputs, feeds)

    monkeypatch.setattr(BoundLane, "run", run_short)
    with Scorer(bundle.folder) as scorer:
        assert scorer.device.startswith("cpu, int8, ")
    assert caplog.messages == [
        "The CPU is used in place of cuda: CUDA failed: CUBLAS failure 3: "
        f"CUBLAS_STATUS_ALLOC_FAILED; {ADVICE}"
    ]


@pytest.mark.usefixtures("gpu")
def test_a_gpu_that_computes_something_else_leaves_the_cpu(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Where it was asked for by name it is refused; what was made for a CPU blames the bundle."""
    monkeypatch.setattr(widen, "PARITY", -1.0)
    with Scorer(bundle.folder) as scorer:
        assert scorer.device.startswith("cpu, int8, ")
    (said,) = caplog.messages
    assert said.startswith(
        f"The CPU is used in place of cuda: {bundle.folder / 'model_quantized.onnx'}, written out "
        "for cuda, changes probabilities by "
    )
    assert said.endswith("%; say --provider cpu.")
    with pytest.raises(UnavailableError, match=r"written out for cuda, changes probabilities"):
        Scorer(bundle.folder, ScorerSettings(provider="cuda"))
    graph = Engine(make_graph().SerializeToString())
    with pytest.raises(BundleError, match=r"written out for cpu, changes probabilities"):
        widen.check_parity(graph, graph, [[1, 2]], 1.0, "it")
