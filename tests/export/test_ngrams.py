"""The classifier of token pairs: what it counts, what it learns, and the same in a graph."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest

import export.ngrams
from export.branches import NEVER
from export.checkpoint import Checkpoint
from export.exits import Exit, add_exits
from finetune.lessons import Lessons
from finetune.ngrams import MULTIPLIER, PAIRS, Ngrams, count, fit_ngrams
from score.engine import UNTOLD, Engine
from score.tokens import Encoder
from tests.conftest import sentences

SHORTEST = 4
IDS = [2, 70, 71, 72, 3]
LONGER = [2, *range(70, 90), 3]


def _lessons(classes: int) -> Lessons:
    """The sentences, often enough that something is learned of them."""
    rows = [row for _ in range(2000 // len(sentences()) + 1) for row in sentences()]
    targets = np.zeros((len(rows), classes), np.float32)
    targets[np.arange(len(rows)), [int(label == "positive") for _, label in rows]] = 1
    return Lessons(tuple(text for text, _ in rows), targets)


@pytest.fixture(scope="module", autouse=True)
def _few_words_are_enough() -> Iterator[None]:
    """The sentences of the tests have no more than seven tokens."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("finetune.ngrams.SHORTEST", SHORTEST)
        yield


@pytest.fixture(scope="module")
def fitted(tiny_checkpoint: Path) -> tuple[Ngrams, Encoder]:
    """Fitted to the sentences, with the tiny model's tokens."""
    checkpoint = Checkpoint.load(tiny_checkpoint)
    encoder = Encoder.from_file(tiny_checkpoint / "tokenizer.json", checkpoint.truncation)
    ngrams = fit_ngrams(_lessons(2), encoder, checkpoint.config["vocab_size"])
    assert ngrams is not None
    return ngrams, encoder


def test_tokens_and_pairs_are_counted_over_the_root_of_the_length() -> None:
    """Four tokens, one of them twice: each counts a half, or one."""
    (counts,) = count([[5, 7, 7, 6]], 10).toarray()
    pairs = [10 + (one * MULTIPLIER + other) % PAIRS for one, other in [(5, 7), (7, 7), (7, 6)]]
    expected = {5: 0.5, 6: 0.5, 7: 1.0, **dict.fromkeys(pairs, 0.5)}
    assert {int(i): float(counts[i]) for i in counts.nonzero()[0]} == expected
    assert counts.shape == (10 + PAIRS,)


def test_it_tells_the_sentences_apart(fitted: tuple[Ngrams, Encoder]) -> None:
    """And is less sure of one that is mixed."""
    ngrams, encoder = fitted
    clear, mixed = ["A good and great film.", "A dull and weak plot."], ["A good and bad film."]
    logits = ngrams.logits([one.ids for one in encoder.encode_batch(clear + mixed)])
    assert logits.shape == (3, 2)
    assert logits.argmax(axis=1)[:2].tolist() == [1, 0]
    gaps = np.abs(logits[:, 1] - logits[:, 0])
    assert gaps[2] < gaps[:2].min()


def test_a_teachers_doubt_is_learned(fitted: tuple[Ngrams, Encoder]) -> None:
    """Of a text that is positive in 70 of 100 cases it is not surer than that."""
    _, encoder = fitted
    lessons = Lessons(
        ("A fine story.",) * 2000, np.tile(np.asarray([0.3, 0.7], np.float32), (2000, 1))
    )
    ngrams = fit_ngrams(lessons, encoder, 200)
    assert ngrams is not None
    (logits,) = ngrams.logits([encoder.encode_batch(["A fine story."])[0].ids])
    assert 1 / (1 + np.exp(logits[0] - logits[1])) == pytest.approx(0.7, abs=0.01)


def test_three_classes_have_a_column_each(fitted: tuple[Ngrams, Encoder]) -> None:
    """And one that never occurs is never the answer."""
    _, encoder = fitted
    ngrams = fit_ngrams(_lessons(3), encoder, 200)
    assert ngrams is not None
    assert ngrams.weight.shape == (200 + PAIRS, 3)
    ids = [one.ids for one in encoder.encode_batch(["A good and great film.", "A dull plot."])]
    assert ngrams.logits(ids).argmax(axis=1).tolist() == [1, 0]


def test_few_lessons_are_none(fitted: tuple[Ngrams, Encoder]) -> None:
    """Half a million weights cannot be told from 64 sentences."""
    rows = _lessons(2)
    assert fit_ngrams(Lessons(rows.texts[:64], rows.targets[:64]), fitted[1], 200) is None


def _in_graph(fitted: Ngrams, graph: Path, exits: tuple[Exit, ...], target: Path) -> Path:
    told = export.ngrams.Ngrams(fitted.weight, fitted.bias, fitted.vocabulary, MULTIPLIER, SHORTEST)
    mixed = [one.mixed(1.0, 0.5) for one in exits]
    add_exits(graph, target, mixed, 1.0, told)
    onnx.checker.check_model(onnx.load(target), full_check=True)
    return target


def test_a_graph_says_the_same(
    fitted: tuple[Ngrams, Encoder],
    graph: Path,
    tiny_checkpoint: Path,
    tmp_path: Path,
) -> None:
    """Before the first layer, but for what whole numbers lose, and padding changes no bit."""
    ngrams = fitted[0]
    exits = Checkpoint.load(tiny_checkpoint).exits
    model = _in_graph(ngrams, graph, exits, tmp_path / "model.onnx").read_bytes()
    engine = Engine(model, thresholds=[0.0, NEVER])
    logits, layers = engine.run([IDS, LONGER])
    assert layers.tolist() == [0, 0]
    assert logits == pytest.approx(ngrams.logits([IDS, LONGER]), abs=0.05)
    assert logits[0].tolist() == engine.logits(IDS).tolist()
    # Of three tokens nothing is said, by either.
    (short,) = engine.run([IDS[:3]])[0]
    assert short.tolist() == ngrams.logits([IDS[:3]])[0].tolist() == [0, 0]


def test_texts_part_at_each_stop(
    fitted: tuple[Ngrams, Encoder],
    graph: Path,
    tiny_checkpoint: Path,
    tmp_path: Path,
) -> None:
    """The layer adds what the n-grams say; without a stop the network says what it always said."""
    ngrams = fitted[0]
    exits = Checkpoint.load(tiny_checkpoint).exits
    model = _in_graph(ngrams, graph, exits, tmp_path / "model.onnx").read_bytes()
    plain = tmp_path / "plain.onnx"
    add_exits(graph, plain, exits, 1.0)
    batch = [IDS, LONGER]
    said, _ = Engine(plain.read_bytes(), thresholds=[0.0]).run(batch)
    heard, _ = Engine(model, thresholds=[0.0, NEVER]).run(batch)
    logits, layers = Engine(model, thresholds=[NEVER, 0.0]).run(batch)
    assert layers.tolist() == [1, 1]
    assert logits == pytest.approx(said + 0.5 * heard, abs=1e-5)
    whole, told = Engine(graph.read_bytes()).run([LONGER])
    assert told.tolist() == [UNTOLD]
    logits, layers = Engine(model, thresholds=[NEVER, NEVER]).run([LONGER])
    assert (layers.tolist(), logits.tolist()) == ([2], whole.tolist())
    sure = np.exp(heard).max(axis=1) / np.exp(heard).sum(axis=1)
    between = float(sure.mean())
    logits, layers = Engine(model, thresholds=[between, 0.0]).run(batch)
    assert layers.tolist() == [0 if one >= between else 1 for one in sure]


def test_a_checkpoint_keeps_it(
    fitted: tuple[Ngrams, Encoder], tiny_checkpoint: Path, tmp_path: Path
) -> None:
    """It is saved with the model, found by the export, and in no other loader's way."""
    import shutil

    from transformers import AutoModelForSequenceClassification

    folder = tmp_path / "model"
    shutil.copytree(tiny_checkpoint, folder)
    assert Checkpoint.load(folder).ngrams is None
    model = AutoModelForSequenceClassification.from_pretrained(folder)
    fitted[0].join(model)
    model.save_pretrained(folder)
    found = Checkpoint.load(folder).ngrams
    assert found is not None
    assert (found.vocabulary, found.multiplier) == (fitted[0].vocabulary, MULTIPLIER)
    assert found.shortest == SHORTEST
    assert found.weight.tolist() == fitted[0].weight.tolist()
    AutoModelForSequenceClassification.from_pretrained(folder)
