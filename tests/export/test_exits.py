"""Graphs that stop early: what they answer, and when they stop."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from transformers import AutoModelForSequenceClassification

import finetune.objective
from export.checkpoint import Checkpoint
from export.classifiers import Classifiers, Exit
from export.efforts import Cost, choose_threshold, deepest_stop
from export.exits import add_exits, can_exit
from export.stops import stop_at
from score.bundle import Bundle
from score.engine import Engine
from score.errors import BundleError, DataError, UsageError
from score.onnx_file import check_graph
from score.scorer import Scorer, ScorerSettings
from score.stopping import NEVER, Stopping
from tests.conftest import sentences
from tests.score.small_bundle import make_graph

IDS = [2, 70, 71, 72, 3]
LONGER = [2, *range(70, 90), 3]


@pytest.fixture(scope="module")
def exits(tiny_checkpoint: Path) -> tuple[Exit, ...]:
    """The early classifiers of the tiny model: one, behind the first of two layers."""
    return Checkpoint.load(tiny_checkpoint).exits


def stopping(graph: Path, exits: tuple[Exit, ...], folder: Path, threshold: float) -> Engine:
    """A graph made to stop early at one threshold."""
    target = folder / "stopping.onnx"
    add_exits(graph, target, Classifiers(exits))
    return Engine(target.read_bytes(), stopping=Stopping([threshold]))


def test_without_a_stop_the_logits_are_the_same(
    graph: Path, exits: tuple[Exit, ...], tmp_path: Path
) -> None:
    """To the bit, with the thresholds that the graph has by itself."""
    target = tmp_path / "stopping.onnx"
    add_exits(graph, target, Classifiers(exits))
    onnx.checker.check_model(onnx.load(target), full_check=True)
    whole, branched = (Engine(path.read_bytes()) for path in (graph, target))
    for ids in (IDS, LONGER):
        assert branched.logits(ids).tolist() == whole.logits(ids).tolist()


def test_a_stop_answers_as_the_checkpoints_early_classifier(
    graph: Path, tiny_checkpoint: Path, exits: tuple[Exit, ...], tmp_path: Path
) -> None:
    """What training taught is what the graph says, here after the first layer."""
    model = AutoModelForSequenceClassification.from_pretrained(tiny_checkpoint).eval()
    finetune.objective.add_exits(model, str(tiny_checkpoint))
    ids = torch.tensor([LONGER])
    mask = torch.ones_like(ids)
    with torch.inference_mode():
        hidden = model(ids, attention_mask=mask, output_hidden_states=True).hidden_states
        (expected,) = finetune.objective.exit_logits(model, hidden, mask)
    engine = stopping(graph, exits, tmp_path, 0.0)
    assert engine.logits(LONGER) == pytest.approx(expected[0].numpy(), abs=1e-4)


def test_a_batch_changes_no_depth(graph: Path, exits: tuple[Exit, ...], tmp_path: Path) -> None:
    """Where one text stops and another does not, each has the answer it has alone."""
    first = stopping(graph, exits, tmp_path, 0.0)
    last = stopping(graph, exits, tmp_path, NEVER)
    early = np.stack([first.logits(ids) for ids in (IDS, LONGER)])
    whole = np.stack([last.logits(ids) for ids in (IDS, LONGER)])
    confidence = (np.exp(early) / np.exp(early).sum(axis=1, keepdims=True)).max(axis=1)
    assert confidence[0] != pytest.approx(confidence[1], abs=1e-3)
    between = stopping(graph, exits, tmp_path, float(confidence.mean()))
    stops = confidence >= confidence.mean()
    for engine, layers in ((first, [1, 1]), (last, [2, 2]), (between, np.where(stops, 1, 2))):
        assert engine.run([IDS, LONGER])[1].tolist() == list(layers)
        assert [int(engine.run([ids])[1][0]) for ids in (IDS, LONGER)] == list(layers)
    expected = np.where(stops[:, None], early, whole)
    assert between.run([IDS, LONGER])[0] == pytest.approx(expected, abs=1e-4)
    assert np.stack([between.logits(ids) for ids in (IDS, LONGER)]) == pytest.approx(
        expected, abs=1e-4
    )


def test_other_graphs_are_left_alone(
    graph: Path, tiny_bundle: Path, exits: tuple[Exit, ...]
) -> None:
    """Without early classifiers, with those of another depth, or as traced.

    As traced, each layer is told the shape of the whole batch.
    """
    assert can_exit(graph, exits)
    assert not can_exit(graph, ())
    assert not can_exit(graph, exits * 2)
    assert not can_exit(tiny_bundle / "model.onnx", exits)


def test_a_bundle_has_its_efforts(tiny_bundle: Path) -> None:
    """int8 alone; they decide the answer, and so the key of the cache."""
    bundle = Bundle.load(tiny_bundle)
    assert set(bundle.graph("int8").efforts) == {"high", "normal", "low"}
    assert not bundle.graph("fp32").efforts
    identities = {}
    for effort in (None, "low", "normal", "high"):
        with Scorer(tiny_bundle, ScorerSettings(effort=effort)) as scorer:
            identities[effort] = scorer.identity
            scores = scorer.score([text for text, _ in sentences()])
            right = [
                one.label == label for one, (_, label) in zip(scores, sentences(), strict=True)
            ]
            assert np.mean(right) > 0.8
    assert identities[None] == identities["normal"] != identities["high"]


def test_a_bundle_that_cannot_stop_says_so(stub_bundle: Path) -> None:
    """All layers are what it has; less is refused, and the usual way works."""
    with Scorer(stub_bundle, ScorerSettings(effort="high")) as scorer:
        assert scorer.score(["fine"])
    with pytest.raises(UsageError, match="--effort low cannot be had"):
        Scorer(stub_bundle, ScorerSettings(effort="low"))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("thresholds", []),
        ("thresholds", "0.9"),
        ("thresholds", [float("nan")]),
        ("thresholds", [0.9] * 5000),
        ("temperature", 0),
        ("temperature", "1"),
        ("changed", 2),
        ("layers", None),
        ("guarantee", []),
        ("keep_ratios", "0.5"),
        ("keep_ratios", [0.5, 0]),
        ("keep_ratios", [1.5]),
        ("keep_ratios", [float("nan")]),
        ("keep_ratios", [0.5] * 5000),
    ],
)
def test_a_manifest_of_no_such_effort(
    tiny_bundle: Path, tmp_path: Path, name: str, value: object
) -> None:
    """Refused in a sentence, whatever stands there."""
    folder = _changed(tiny_bundle, tmp_path, {name: value})
    with pytest.raises(BundleError, match="is no manifest of a bundle"):
        Bundle.load(folder)


def test_thresholds_of_another_graph(tiny_bundle: Path, tmp_path: Path) -> None:
    """More of them than the graph has early classifiers."""
    folder = _changed(tiny_bundle, tmp_path, {"thresholds": [0.9, 0.9]})
    with pytest.raises(BundleError, match="has no 2 early classifiers"):
        Scorer(folder)


def test_damaged_weights_are_a_sentence(tiny_checkpoint: Path, tmp_path: Path) -> None:
    """Early classifiers are read from the checkpoint's weights."""
    folder = shutil.copytree(tiny_checkpoint, tmp_path / "model")
    (folder / "model.safetensors").write_bytes(b"none")
    with pytest.raises(DataError, match="cannot be read"):
        Checkpoint.load(folder)


# Three layers, four reviews; the last layer says 0, 0, 1, 1.
LOGITS = np.array(
    [
        [[3, 0], [0, 1], [0, 1], [1, 0]],
        [[1, 0], [2, 0], [0, 1], [1, 0]],
        [[2, 0], [2, 0], [0, 2], [0, 2]],
    ],
    np.float32,
)


def test_the_first_layer_that_is_sure_answers() -> None:
    """And the last one where none is."""
    assert stop_at(LOGITS, 1.0, 0.85).tolist() == [0, 1, 2, 2]
    assert stop_at(LOGITS, 1.0, 0.0).tolist() == [0, 0, 0, 0]
    assert stop_at(LOGITS, 1.0, NEVER).tolist() == [2, 2, 2, 2]


def test_the_threshold_is_the_least_that_costs_no_more() -> None:
    """At 0.731 the two wrong answers of the first layer count; each costs 0.76 of a review."""
    costly = 1 / (1 + np.exp(-1))
    cheap = Cost(labels=0.1, sharpness=9)
    assert choose_threshold(LOGITS, 1.0, cheap) == pytest.approx(np.ceil(costly * 1000) / 1000)
    assert choose_threshold(LOGITS, 1.0, Cost(labels=0.5, sharpness=9)) == 0.51
    wrong = LOGITS[[0, 0, 2]]
    wrong[:2, :, :] = -20 * LOGITS[2]
    assert choose_threshold(wrong, 1.0, Cost(labels=0.0, sharpness=9)) == NEVER


def test_the_threshold_keeps_what_confidences_tell() -> None:
    """Where no label changes, but 0.95 would become 0.73, there is a limit as well."""
    logits = np.array([[[1, 0], [0, 1]], [[3, 0], [0, 3]]], np.float32)
    last, first = 1 / (1 + np.exp(-3)), 1 / (1 + np.exp(-1))
    blurred = last * np.log(last / first) + (1 - last) * np.log((1 - last) / (1 - first))
    assert choose_threshold(logits, 1.0, Cost(0.0, blurred + 1e-3)) == 0.51
    dear = choose_threshold(logits, 1.0, Cost(0.0, blurred - 1e-3))
    assert dear == pytest.approx(np.ceil(first * 1000) / 1000)


def test_nobody_goes_on_behind_the_stop_that_is_as_good_as_the_last() -> None:
    """A thousand reviews show it, of two nothing is sure."""
    classes = np.array([0, 1] * 500)
    rng = np.random.default_rng(0)
    right = np.eye(2)[classes] * 2 + rng.normal(scale=0.5, size=(1000, 2))
    logits = np.stack([right * 0.1, right, right + rng.normal(scale=0.3, size=(1000, 2))])
    logits = logits.astype(np.float32)
    assert deepest_stop(logits, 1.0, classes) == 1
    assert deepest_stop(logits[:, :2], 1.0, classes[:2]) == 2
    assert stop_at(logits, 1.0, [NEVER, 0.0]).tolist() == [1] * 1000


def _changed(bundle: Path, folder: Path, change: dict[str, object]) -> Path:
    """A copy of a bundle whose manifest tells something else of one effort."""
    copy = shutil.copytree(bundle, folder / "bundle")
    path = copy / "bundle.json"
    manifest = json.loads(path.read_text())
    (graph,) = (one for one in manifest["graphs"] if one["precision"] == "int8")
    graph["efforts"]["normal"].update(change)
    path.write_text(json.dumps(manifest))
    return copy


def test_a_branch_for_each_of_24_layers_is_no_attack() -> None:
    """As deep as the largest BERT makes it, and what an answer needs at most."""
    model = make_graph()
    for layer in range(23):
        branch = onnx.helper.make_graph(list(model.graph.node), f"layer_{layer}", [], [])
        del model.graph.node[:]
        model.graph.node.append(onnx.helper.make_node("If", ["c"], ["x"], else_branch=branch))
    check_graph(model.SerializeToString())
