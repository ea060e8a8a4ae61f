"""Tokens left out behind one layer after another, with n-grams before the first."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import BertConfig, BertForSequenceClassification

from export.checkpoint import Checkpoint
from export.classifiers import Classifiers, Exit
from export.convert import convert
from export.exits import add_exits
from export.fuse import fuse_for_cpu
from export.importance import token_importance
from export.ngrams import Ngrams
from export.pruning import FEWEST_TOKENS
from export.reviews import Encoded, Reviews
from export.stops import StopLogits, StoppingGraph
from score.engine import Engine
from score.stopping import NEVER, Stopping
from score.widen import widen

LAYERS = 4
RATIOS = (0.9, 0.75, 0.6)
RNG = np.random.default_rng(5)
TEXTS = [[2, *RNG.integers(60, 90, n).tolist(), 3] for n in (58, 58, 50, 41, 12)]


@dataclass(frozen=True, slots=True)
class Deep:
    """A network of four layers, not trained, and its graph with all that stops early."""

    model: Any
    traced: Path
    graph: Path
    classifiers: Classifiers


@pytest.fixture(scope="module")
def deep(tiny_checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Deep:
    """As the export puts it together, but for int8."""
    work = tmp_path_factory.mktemp("deep")
    folder = shutil.copytree(tiny_checkpoint, work / "checkpoint")
    config = BertConfig.from_pretrained(folder)
    config.num_hidden_layers, config.initializer_range = LAYERS, 0.2
    torch.manual_seed(5)
    model = BertForSequenceClassification(config).eval()  # type: ignore[no-untyped-call] # theirs
    model.save_pretrained(folder)
    checkpoint = Checkpoint.load(folder)
    traced, fused, target = convert(checkpoint, work / "traced"), work / "f.onnx", work / "g.onnx"
    fuse_for_cpu(traced, checkpoint, fused)
    width, tokens = config.hidden_size, config.vocab_size

    def some(*shape: int) -> np.ndarray[Any, np.dtype[np.float32]]:
        return RNG.normal(size=shape).astype(np.float32)

    exits = [Exit(some(2, width), some(2), 0.7, 0.4, 1.3) for _ in range(LAYERS - 1)]
    ngrams = Ngrams(some(tokens + 64, 1), some(1), tokens, 31, shortest=20)
    importance = [some(width) for _ in range(LAYERS - 1)]
    classifiers = Classifiers(exits, ngrams, importance)
    add_exits(fused, target, classifiers)
    return Deep(model, traced, target, classifiers)


def test_each_layer_reads_what_the_one_before_left(deep: Deep) -> None:
    """The same as PyTorch's layers say of the chosen rows, one choice after the other."""
    engine = Engine(deep.graph.read_bytes(), stopping=Stopping([NEVER] * LAYERS, RATIOS))
    bert = deep.model.bert
    for ids in TEXTS:
        with torch.inference_mode():
            state = bert.embeddings(torch.tensor([ids]))
            for depth, layer in enumerate(bert.encoder.layer):
                out = layer(state)
                state = out[0] if isinstance(out, tuple) else out
                if depth < LAYERS - 1:
                    scores = state[0] @ torch.tensor(deep.classifiers.importance[depth])
                    scores[0] = np.inf
                    wanted = int(np.ceil(np.float32(len(ids)) * np.float32(RATIOS[depth])))
                    number = min(max(FEWEST_TOKENS, wanted), len(scores))
                    state = state[:, scores.topk(number).indices.sort().values]
            expected = deep.model.classifier(bert.pooler(state))[0]
        assert state.shape[1] < len(ids) or len(ids) <= FEWEST_TOKENS
        assert engine.logits(ids) == pytest.approx(expected.numpy(), abs=1e-3)


def test_floats_and_a_graph_by_itself_leave_out_nothing(deep: Deep) -> None:
    """Whatever stands between the layers: PyTorch's own answer comes out."""
    whole = Engine(deep.graph.read_bytes())
    floats = Engine(widen(deep.graph.read_bytes(), "it", half=False))
    for ids in TEXTS:
        with torch.inference_mode():
            expected = deep.model(torch.tensor([ids])).logits[0].numpy()
        assert whole.logits(ids) == pytest.approx(expected, abs=1e-3)
        assert floats.logits(ids) == pytest.approx(expected, abs=1e-3)


def test_what_is_said_of_fewer_tokens_up_to_an_end(deep: Deep) -> None:
    """Where they are fewer it is asked anew; the rest is as it was."""
    reviews = Encoded(Reviews("r", ("",) * len(TEXTS), None), [[one] for one in TEXTS])
    graph = StoppingGraph(deep.graph, LAYERS)
    whole = StopLogits(graph.logits(reviews), reviews, 0)
    kept, end = (1.0, 0.6, 0.6), 3
    fewer = whole.of_fewer(graph, kept, graph.logits_at(reviews, end, kept), end)
    for stop in range(end + 1):
        assert fewer.logits[stop].tolist() == graph.logits_at(reviews, stop, kept).tolist()
    assert fewer.logits[:3].tolist() == whole.logits[:3].tolist()
    assert fewer.logits[end].tolist() != whole.logits[end].tolist()
    assert fewer.logits[end + 1].tolist() == whole.logits[end + 1].tolist()


def test_there_is_a_score_behind_each_layer_but_the_last(deep: Deep) -> None:
    """Of the network's width."""
    scores = token_importance(deep.traced, TEXTS)
    assert [one.shape for one in scores] == [(deep.model.config.hidden_size,)] * (LAYERS - 1)
