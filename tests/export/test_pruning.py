"""Tokens that are left out: which, how many, and what a graph without them answers."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from transformers import AutoModelForSequenceClassification

from export.checkpoint import Checkpoint
from export.classifiers import Classifiers, Exit
from export.efforts import make_efforts
from export.exits import add_exits
from export.importance import token_importance
from export.pruning import FEWEST_TOKENS, schedules
from export.reviews import FEWEST, Encoded, Reviews
from export.watch import each_run
from score.bundle import Bundle, write_manifest
from score.describe import describe
from score.efforts import EffortName
from score.engine import Engine
from score.errors import BundleError
from score.scorer import Scorer, ScorerSettings
from score.stopping import NEVER, Stopping
from score.widen import widen

RNG = np.random.default_rng(3)
WIDTH = 32
LONG = [[2, *RNG.integers(60, 90, 58).tolist(), 3] for _ in range(6)]
SHORT = LONG[0][:FEWEST_TOKENS]
# Some score of tokens.
IMPORTANCE = [RNG.normal(size=WIDTH).astype(np.float32)]


@pytest.fixture(scope="module")
def exits(tiny_checkpoint: Path) -> tuple[Exit, ...]:
    """The early classifier of the tiny model, behind the first of two layers."""
    return Checkpoint.load(tiny_checkpoint).exits


@pytest.fixture(scope="module")
def pruning(
    graph: Path,
    exits: tuple[Exit, ...],
    tmp_path_factory: pytest.TempPathFactory,
) -> bytes:
    """The tiny model's graph, made so that tokens can be left out behind the first layer."""
    target = tmp_path_factory.mktemp("pruning") / "model.onnx"
    add_exits(graph, target, Classifiers(exits, importance=IMPORTANCE))
    onnx.checker.check_model(onnx.load(target), full_check=True)
    return target.read_bytes()


@pytest.fixture
def prunable(graph: Path, exits: tuple[Exit, ...], tmp_path: Path) -> tuple[Path, Classifiers]:
    """The tiny model's graph, and what it needs to stop early and to leave tokens out."""
    target = tmp_path / "model.onnx"
    target.write_bytes(graph.read_bytes())
    return target, Classifiers(exits, importance=IMPORTANCE)


def test_by_itself_a_graph_leaves_out_nothing(
    graph: Path, exits: tuple[Exit, ...], pruning: bytes, tmp_path: Path
) -> None:
    """To the bit, at each stop, alone and padded."""
    plain = tmp_path / "plain.onnx"
    add_exits(graph, plain, Classifiers(exits))
    for threshold in (0.0, NEVER):
        before = Engine(plain.read_bytes(), stopping=Stopping([threshold]))
        for stopping in (Stopping([threshold]), Stopping([threshold], [1.0])):
            after = Engine(pruning, stopping=stopping)
            for batch in ([LONG[0]], [LONG[0], SHORT, LONG[1][:40]]):
                assert after.run(batch)[0].tolist() == before.run(batch)[0].tolist()


@pytest.mark.parametrize("ratio", [0.9, 0.61, 0.01])
def test_the_tokens_with_the_largest_scores_are_read_on(
    pruning: bytes,
    tiny_checkpoint: Path,
    ratio: float,
) -> None:
    """And the first one: the same as PyTorch's second layer says of these rows alone."""
    model = AutoModelForSequenceClassification.from_pretrained(tiny_checkpoint).eval()
    engine = Engine(pruning, stopping=Stopping([NEVER], [ratio]))
    for ids in LONG:
        with torch.inference_mode():
            state = model(torch.tensor([ids]), output_hidden_states=True).hidden_states[1]
            scores = state[0] @ torch.tensor(IMPORTANCE[0])
            scores[0] = np.inf
            number = max(FEWEST_TOKENS, int(np.ceil(np.float32(len(ids)) * np.float32(ratio))))
            kept = scores.topk(number).indices.sort().values
            last = model.bert.encoder.layer[1](state[:, kept])
            last = last[0] if isinstance(last, tuple) else last
            expected = model.classifier(model.bert.pooler(last))[0]
        assert engine.logits(ids) == pytest.approx(expected.numpy(), abs=1e-4)
        assert len(kept) < len(ids)


def test_a_short_text_keeps_all_tokens(pruning: bytes) -> None:
    """In a sentence each word may be the one that matters."""
    whole = Engine(pruning, stopping=Stopping([NEVER]))
    fewer = Engine(pruning, stopping=Stopping([NEVER], [0.1]))
    assert fewer.logits(SHORT).tolist() == whole.logits(SHORT).tolist()
    assert fewer.logits(LONG[0]).tolist() != whole.logits(LONG[0]).tolist()


def test_texts_of_one_length_keep_their_own(pruning: bytes) -> None:
    """Together each has the bits that it has alone, also where only some read on."""
    first = Engine(pruning, stopping=Stopping([0.0], [0.6]))
    early = first.run(LONG)[0]
    confidence = (np.exp(early) / np.exp(early).sum(axis=1, keepdims=True)).max(axis=1)
    engine = Engine(pruning, stopping=Stopping([float(np.median(confidence))], [0.6]))
    together, layers = engine.run(LONG)
    assert set(layers.tolist()) == {1, 2}
    for ids, row in zip(LONG, together, strict=True):
        assert engine.logits(ids).tolist() == row.tolist()


def test_padding_is_what_is_left_out_first(pruning: bytes) -> None:
    """A short text among longer ones is never read on with padding in place of a token."""
    engine = Engine(pruning, stopping=Stopping([NEVER], [0.75]))
    # Of 60 places 45 are kept, and it has 40 tokens.
    short = LONG[1][:40]
    whole = Engine(pruning, stopping=Stopping([NEVER]))
    assert engine.run([LONG[0], short])[0][1] == pytest.approx(whole.logits(short), abs=1e-5)


def test_a_score_follows_the_attention_of_the_next_layer(
    tiny_bundle: Path, tiny_checkpoint: Path
) -> None:
    """On texts that it was not fitted to, against what PyTorch's attention is."""
    (found,) = token_importance(tiny_bundle / "model.onnx", LONG[1:])
    assert found.shape == (WIDTH,)
    model = AutoModelForSequenceClassification.from_pretrained(
        tiny_checkpoint, attn_implementation="eager"
    ).eval()
    with torch.inference_mode():
        told = model(torch.tensor(LONG[:1]), output_hidden_states=True, output_attentions=True)
    received = told.attentions[1][0].sum(dim=(0, 1)).log().numpy()[1:]
    scores = (told.hidden_states[1][0] @ torch.tensor(found)).numpy()[1:]
    assert np.corrcoef(received, scores)[0, 1] > 0.5


def test_fused_attention_has_no_score(graph: Path, tiny_bundle: Path) -> None:
    """Nothing is guessed where the attention cannot be seen."""
    assert token_importance(graph, LONG) == []
    names = [f"/bert/encoder/layer.{layer}/attention/self/Softmax_output_0" for layer in (0, 1)]
    for tensors in each_run(tiny_bundle / "model.onnx", names, LONG[:2]):
        assert {one.shape for one in tensors} == {(1, 2, 60, 60)}


def test_the_shares_by_depth() -> None:
    """Whatever the number of layers, no more tokens deeper down, the cheapest first."""
    assert schedules(6, 6)[0] == (0.66, 0.5, 0.25, 0.25, 0.25)
    assert schedules(12, 12)[0] == (0.66,) * 3 + (0.5,) * 2 + (0.25,) * 6
    assert schedules(2, 2) == [(0.25,), (0.3,), (0.5,)]
    # What nobody reads saves nothing: of four layers, behind the first three.
    saved = [sum(one[:3]) for one in schedules(6, 4)]
    assert saved == sorted(saved)
    assert len({one[:3] for one in schedules(6, 4)}) == len(saved) == 7
    assert schedules(6, 2) == [(0.66,) * 5, (0.8,) * 5]
    assert schedules(6, 1) == schedules(6, 0) == schedules(0, 0) == []
    for layers in (2, 3, 4, 6, 12, 24):
        for shares in schedules(layers, layers):
            assert len(shares) == layers - 1
            assert list(shares) == sorted(shares, reverse=True)
            assert shares[-1] < 1


def encoded(texts: list[list[int]]) -> Encoded:
    """Held-back reviews of two classes."""
    classes = tuple(i % 2 for i in range(len(texts)))
    return Encoded(Reviews("r", tuple(map(str, texts)), classes), [[one] for one in texts])


@pytest.mark.parametrize(
    ("allowed", "tokens", "kept"), [(9.0, 60, (0.25,)), (-9.0, 60, ()), (9.0, FEWEST_TOKENS, ())]
)
def test_tokens_are_left_out_where_that_is_no_worse(
    prunable: tuple[Path, Classifiers],
    monkeypatch: pytest.MonkeyPatch,
    allowed: float,
    tokens: int,
    kept: tuple[float, ...],
) -> None:
    """The cheapest way that surely is; and each effort is calibrated on what it answers so.

    Short texts, which keep all, prove nothing of long ones.
    """
    monkeypatch.setattr("export.efforts._NO_WORSE", allowed)
    monkeypatch.setattr("export.efforts.deepest_stop", lambda *_: 1)
    monkeypatch.setattr("export.efforts.choose_threshold", lambda *_: NEVER)
    target, trained = prunable
    texts = [[2, *RNG.integers(60, 90, tokens - 2).tolist(), 3] for _ in range(FEWEST + 20)]
    _, made = make_efforts(target, trained, encoded(texts), encoded(texts[:30]))
    whole = Engine(target.read_bytes())
    for one in made.values():
        assert one.effort.keep_ratios == kept
        assert one.others is not None
        engine = Engine(target.read_bytes(), stopping=one.effort.stopping)
        found = np.stack([engine.logits(ids) for ids in texts])
        assert found == pytest.approx(one.held_back.logits, abs=1e-5)
        assert found[:30] == pytest.approx(one.others.logits, abs=1e-5)
        every = np.stack([whole.logits(ids) for ids in texts])
        assert bool(kept) == (np.abs(found - every).max() > 1e-3)


def test_what_is_left_out_is_part_of_an_answers_name(tiny_bundle: Path, tmp_path: Path) -> None:
    """An answer that was read otherwise is not the one remembered; ``thumbs info`` tells of it."""
    bundle = Bundle.load(tiny_bundle)
    for file in tiny_bundle.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    graphs = [
        replace(
            one,
            efforts={
                name: replace(one.efforts["high"], keep_ratios=(0.5,) if name == "low" else ())
                for name in one.efforts
            },
        )
        for one in bundle.description.graphs
    ]
    write_manifest(tmp_path, replace(bundle.description, graphs=tuple(graphs)))
    identities: dict[EffortName, str] = {}
    for effort in ("high", "normal", "low"):
        with Scorer(tmp_path, ScorerSettings(effort=effort)) as scorer:
            identities[effort] = scorer.identity
            assert scorer.score(["a good film"])[0].label
    assert identities["high"] == identities["normal"] != identities["low"]
    lines = [one for one in describe(Bundle.load(tmp_path)).splitlines() if "--effort" in one]
    assert ["tokens kept 50% behind layer 1, " in one for one in lines] == [
        "--effort low" in one for one in lines
    ]


def test_shares_of_another_graph(tiny_bundle: Path, tmp_path: Path) -> None:
    """More of them than the graph has layers to leave tokens out behind."""
    for file in tiny_bundle.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    path = tmp_path / "bundle.json"
    manifest = json.loads(path.read_text())
    for one in manifest["graphs"]:
        for effort in one["efforts"].values():
            effort["keep_ratios"] = [0.5, 0.5]
    path.write_text(json.dumps(manifest))
    with pytest.raises(BundleError, match="has no 2 layers to leave tokens out behind"):
        Scorer(tmp_path)


def test_floats_leave_out_nothing(pruning: bytes) -> None:
    """A graph written out for a GPU reads all tokens through all layers."""
    floats = Engine(widen(pruning, "it", half=False))
    whole = Engine(pruning)
    for ids in LONG:
        assert floats.logits(ids) == pytest.approx(whole.logits(ids), abs=1e-4)
