"""Providers beside the CPU: what they are given to run, and whether they do."""

from __future__ import annotations

import json
import shutil
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import onnxruntime
import pytest

from score import engine, extras
from score.bundle import DEFAULT_BUNDLE
from score.engine import Engine
from score.errors import BundleError, UnavailableError
from score.providers import PROVIDERS, check_placement, choose_provider
from score.scorer import Scorer, ScorerSettings
from tests.score.asking import with_all_layers

OPENVINO = "OpenVINOExecutionProvider"


CPU = "CPUExecutionProvider"


class Session:
    """As much of a session as tells who runs what: the kinds of nodes, by provider."""

    def __init__(self, nodes: dict[str, str]) -> None:
        self._nodes = nodes

    def get_providers(self) -> list[str]:
        """Both are there."""
        return [OPENVINO, CPU]

    def get_provider_graph_assignment_info(self) -> list[SimpleNamespace]:
        """One part of the graph for each provider."""
        return [
            SimpleNamespace(
                ep_name=name,
                get_nodes=lambda kinds=kinds: [
                    SimpleNamespace(op_type=kind) for kind in kinds.split()
                ],
            )
            for name, kinds in self._nodes.items()
        ]


RUNS = "OpenVINOExecutionProvider runs"


@pytest.mark.parametrize(
    ("nodes", "said"),
    [
        ({}, f"{RUNS} nothing of model.onnx: say --provider cpu."),
        ({OPENVINO: ""}, f"{RUNS} nothing of model.onnx: say --provider cpu."),
        *(
            (
                {OPENVINO: "MatMul" + " Add" * 9, CPU: f"{kind} {kind}"},
                f"{RUNS} only 1 of the 3 nodes of model.onnx that do the work, the CPU would do "
                "the rest: say --provider cpu.",
            )
            for kind in (
                "MatMul",
                "FusedMatMul",
                "MatMulIntegerToFloat",
                "DynamicQuantizeMatMul",
                "QLinearMatMul",
                "Gemm",
                "QGemm",
                "Attention",
                "QAttention",
                "MultiHeadAttention",
            )
        ),
        (
            {OPENVINO: "Add", CPU: "Concat Add Mul"},
            f"{RUNS} only 1 of the 4 nodes of model.onnx that do the work, the CPU would do the "
            "rest: say --provider cpu.",
        ),
    ],
)
def test_a_provider_that_leaves_the_work_to_the_cpu(
    monkeypatch: pytest.MonkeyPatch, nodes: dict[str, str], said: str
) -> None:
    """Named and started, it does not stand for work that it does not do."""
    monkeypatch.setattr(engine, "open_session", lambda *_, **__: Session(nodes))
    with pytest.raises(UnavailableError) as raised:
        Engine(b"graph", "openvino", "model.onnx")
    assert str(raised.value) == said


def test_light_nodes_may_be_on_the_cpu() -> None:
    """However many they are."""
    placed = Session({OPENVINO: "MatMul Attention", CPU: "Shape Gather Concat " * 9})
    check_placement(placed, OPENVINO, "model.onnx")


@pytest.mark.parametrize(
    ("installed", "wanted", "remedy"),
    [
        (["onnxruntime"], "cuda", "pip install 'thumbs[gpu]'"),
        (["onnxruntime-gpu"], "cuda", "pip install 'thumbs[gpu]'"),
        (
            ["onnxruntime", "onnxruntime-gpu"],
            "cuda",
            "onnxruntime and onnxruntime-gpu are both installed and one overwrote the other; pip "
            "install --force-reinstall --no-deps onnxruntime-gpu",
        ),
        (["onnxruntime", "onnxruntime-gpu"], "coreml", "use onnxruntime for macOS"),
        (
            ["onnxruntime", "onnxruntime-directml"],
            "dml",
            "onnxruntime and onnxruntime-directml are both installed and one overwrote the other; "
            "pip install --force-reinstall --no-deps onnxruntime-directml",
        ),
    ],
)
def test_what_helps_where_a_provider_is_not_there(
    monkeypatch: pytest.MonkeyPatch, installed: list[str], wanted: str, remedy: str
) -> None:
    """All onnxruntimes install the same files: of two, the last one is there."""
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [CPU])

    def version(name: str) -> str:
        if name in installed:
            return "1.32.0"
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", version)
    with pytest.raises(UnavailableError) as raised:
        choose_provider(wanted, ["int8"])
    assert str(raised.value) == (
        f"This onnxruntime has no {PROVIDERS[wanted]}: {remedy}, or leave out --provider."
    )


@pytest.mark.parametrize("wanted", ["dml", "coreml"])
def test_what_has_no_extra_asks_for_the_library_alone(
    tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wanted: str
) -> None:
    """The extra [gpu] would put another onnxruntime over that of DirectML."""
    folder = int8_alone(tiny_bundle, tmp_path)
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [PROVIDERS[wanted], CPU])
    monkeypatch.setattr(extras, "find_spec", lambda _: None)
    with pytest.raises(UnavailableError) as raised:
        Scorer(folder, ScorerSettings(provider=wanted))
    assert str(raised.value) == "This needs onnx: pip install onnx"


def test_coreml_is_given_floats(
    tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Written out of a bundle that has int8 alone; the CPU stands in for it."""
    folder = int8_alone(tiny_bundle, tmp_path)
    monkeypatch.setitem(PROVIDERS, "coreml", CPU)
    with Scorer(folder, ScorerSettings(provider="coreml")) as scorer:
        assert scorer.device == "coreml, fp32"
        assert [one.label for one in scorer.score(["A good film.", "A bad film."])] == [
            "positive",
            "negative",
        ]


@pytest.mark.parametrize(
    ("name", "needed"), [("openvino", "fp32"), ("cuda", "fp16"), ("coreml", "fp32")]
)
def test_of_an_int8_graph_whose_scales_move_no_other_can_be_made(
    tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, needed: str
) -> None:
    """Where there is no other graph the refusal names the export's option."""
    folder = int8_alone(tiny_bundle, tmp_path, batches=False)
    there = list(PROVIDERS.values())
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: there)
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
