"""Providers beside the CPU: what they are given to run, and whether they do."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import onnxruntime
import pytest

from score import engine
from score.engine import Engine
from score.errors import BundleError, UnavailableError
from score.scorer import Scorer, ScorerSettings

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


def test_only_cpus_are_given_a_graph_that_stops_early(
    tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there is no other the refusal names the export's option."""
    folder = shutil.copytree(tiny_bundle, tmp_path / "bundle")
    manifest = json.loads((folder / "bundle.json").read_text())
    manifest["graphs"] = [one for one in manifest["graphs"] if one["precision"] == "int8"]
    (folder / "bundle.json").write_text(json.dumps(manifest))
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [OPENVINO])
    with pytest.raises(BundleError) as raised:
        Scorer(folder, ScorerSettings(provider="openvino"))
    assert str(raised.value) == (
        f"The bundle {folder} has no graph in fp32, which this provider needs. Export it again "
        "with --precision fp32."
    )


@pytest.mark.skipif(
    OPENVINO not in onnxruntime.get_available_providers(),
    reason="onnxruntime-openvino is not there",
)
def test_openvino_scores_as_the_cpu_does(tiny_bundle: Path) -> None:
    """Through the same code, in batches; its graph is the fp32 one, the CPU's int8."""
    texts = ["A waste of two hours.", "Clean rooms and friendly staff.", "It is " + "very " * 300]
    found = []
    for provider in ("cpu", "openvino"):
        settings = ScorerSettings(provider=provider, effort="high", any_language=True)
        with Scorer(tiny_bundle, settings) as scorer:
            found.append([one.confidence for one in scorer.score(texts)])
    assert found[1] == pytest.approx(found[0], abs=0.05)
