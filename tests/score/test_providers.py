"""Providers beside the CPU: what they are given to run, and whether they do."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import onnxruntime
import pytest

from score import engine
from score.bundle import DEFAULT_BUNDLE
from score.engine import Engine
from score.errors import BundleError, UnavailableError
from score.scorer import Scorer, ScorerSettings
from tests.score.asking import with_all_layers

OPENVINO = "OpenVINOExecutionProvider"


class Session:
    """As much of a session as tells who runs what."""

    def __init__(self, nodes: dict[str, int]) -> None:
        self._nodes = nodes

    def get_providers(self) -> list[str]:
        """Both are there."""
        return [OPENVINO, "CPUExecutionProvider"]

    def get_provider_graph_assignment_info(self) -> list[SimpleNamespace]:
        """One part of the graph for each provider."""
        return [
            SimpleNamespace(ep_name=name, get_nodes=lambda number=number: range(number))
            for name, number in self._nodes.items()
        ]


def test_a_provider_that_leaves_the_work_to_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """Named and started, it does not stand for work that it does not do."""
    session = Session({OPENVINO: 3, "CPUExecutionProvider": 4})
    monkeypatch.setattr(engine, "open_session", lambda *_, **__: session)
    with pytest.raises(UnavailableError) as raised:
        Engine(b"graph", "openvino", "model.onnx")
    assert str(raised.value) == (
        "OpenVINOExecutionProvider runs only 3 of the 7 nodes of model.onnx, the CPU would do "
        "the rest: say --provider cpu."
    )


@pytest.mark.parametrize(("name", "needed"), [("openvino", "fp32"), ("cuda", "fp16")])
def test_of_an_int8_graph_whose_scales_move_no_other_can_be_made(
    tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, needed: str
) -> None:
    """Where there is no other graph the refusal names the export's option."""
    folder = int8_alone(tiny_bundle, tmp_path, batches=False)
    both = [OPENVINO, "CUDAExecutionProvider"]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: both)
    with pytest.raises(BundleError) as raised:
        Scorer(folder, ScorerSettings(provider=name))
    assert str(raised.value) == (
        f"The bundle {folder} has no graph in {needed}, which this provider needs. Export it again "
        f"with --precision {needed}."
    )


def int8_alone(bundle: Path, folder: Path, *, batches: bool = True) -> Path:
    """A copy of a bundle with its int8 graph alone."""
    copy = shutil.copytree(bundle, folder / "bundle")
    manifest = json.loads((copy / "bundle.json").read_text())
    (graph,) = (one for one in manifest["graphs"] if one["precision"] == "int8")
    manifest["graphs"] = [graph | {"batches": batches}]
    (copy / "bundle.json").write_text(json.dumps(manifest))
    return copy


@pytest.mark.skipif(
    OPENVINO not in onnxruntime.get_available_providers(),
    reason="onnxruntime-openvino is not there",
)
def test_openvino_scores_as_the_cpu_does(tiny_bundle: Path, tmp_path: Path) -> None:
    """Through the same code, in batches; its graph is the fp32 one, the CPU's int8."""
    texts = ["A waste of two hours.", "Clean rooms and friendly staff.", "It is " + "very " * 300]
    found, bundle = [], with_all_layers(tiny_bundle, tmp_path)
    for provider in ("cpu", "openvino"):
        settings = ScorerSettings(provider=provider, effort="high", any_language=True)
        with Scorer(bundle, settings) as scorer:
            found.append([one.confidence for one in scorer.score(texts)])
    assert found[1] == pytest.approx(found[0], abs=0.05)


@pytest.mark.skipif(
    OPENVINO not in onnxruntime.get_available_providers(),
    reason="onnxruntime-openvino is not there",
)
def test_openvino_scores_with_the_box(tmp_path: Path) -> None:
    """What it cannot read of the int8 graph is written out for it."""
    texts = ["A waste of two hours.", "Clean rooms and friendly staff.", "It is " + "very " * 300]
    found, box = [], with_all_layers(DEFAULT_BUNDLE, tmp_path)
    for provider in ("cpu", "openvino"):
        settings = ScorerSettings(provider=provider, effort="high", any_language=True)
        with Scorer(box, settings) as scorer:
            found.append([one.confidence for one in scorer.score(texts)])
    assert scorer.device == "openvino, fp32"
    assert found[1] == pytest.approx(found[0], abs=0.02)
