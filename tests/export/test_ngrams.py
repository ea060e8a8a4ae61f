"""The classifier of token pairs: what it counts, what it learns, and the same in a graph."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from transformers import AutoModelForSequenceClassification

import export.ngrams
from export.build import build_bundle
from export.checkpoint import Checkpoint
from export.classifiers import Classifiers
from export.efforts import make_efforts
from export.exits import add_exits
from export.reviews import Encoded
from export.settings import ExportSettings
from finetune.box import read_weights
from finetune.lessons import Lessons
from finetune.ngrams import MULTIPLIER, PAIRS, Ngrams, count, fit_ngrams
from finetune.objective import add_exits as add_classifiers
from score.bundle import Bundle
from score.describe import describe
from score.engine import UNTOLD, Engine
from score.scorer import Scorer, ScorerSettings
from score.scoring import FileSettings, score_file
from score.stopping import NEVER, Stopping
from score.tokens import Encoder
from score.widen import widen
from tests.conftest import let_few_decide, sentences, write_table

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


@pytest.fixture
def model(
    fitted: tuple[Ngrams, Encoder], graph: Path, tiny_checkpoint: Path, tmp_path: Path
) -> bytes:
    """The tiny model's graph with n-grams, and its one early classifier weighed in some way."""
    ngrams = fitted[0]
    told = export.ngrams.Ngrams(ngrams.weight, ngrams.bias, ngrams.vocabulary, MULTIPLIER, SHORTEST)
    exits = Checkpoint.load(tiny_checkpoint).exits
    mixed = [replace(one, factor=2.0, ngrams=0.5, alone=3.0) for one in exits]
    target = tmp_path / "model.onnx"
    add_exits(graph, target, Classifiers(mixed, told))
    onnx.checker.check_model(onnx.load(target), full_check=True)
    return target.read_bytes()


def test_a_graph_says_the_same(fitted: tuple[Ngrams, Encoder], model: bytes) -> None:
    """Before the first layer, but for what whole numbers lose, and padding changes no bit."""
    ngrams = fitted[0]
    engine = Engine(model, stopping=Stopping([0.0, NEVER]))
    logits, layers = engine.run([IDS, LONGER])
    assert layers.tolist() == [0, 0]
    assert logits == pytest.approx(ngrams.logits([IDS, LONGER]), abs=0.05)
    assert logits[0].tolist() == engine.logits(IDS).tolist()
    # Of three tokens nothing is said, by either.
    (short,) = engine.run([IDS[:3]])[0]
    assert short.tolist() == ngrams.logits([IDS[:3]])[0].tolist() == [0, 0]


def test_texts_part_at_each_stop(
    model: bytes, graph: Path, tiny_checkpoint: Path, tmp_path: Path
) -> None:
    """The layer adds what the n-grams say; without a stop the network says what it always said."""
    exits = Checkpoint.load(tiny_checkpoint).exits
    plain = tmp_path / "plain.onnx"
    add_exits(graph, plain, Classifiers(exits))
    batch = [IDS, LONGER]
    said, _ = Engine(plain.read_bytes(), stopping=Stopping([0.0])).run(batch)
    heard, _ = Engine(model, stopping=Stopping([0.0, NEVER])).run(batch)
    logits, layers = Engine(model, stopping=Stopping([NEVER, 0.0])).run(batch)
    assert layers.tolist() == [1, 1]
    assert logits == pytest.approx(2 * said + 0.5 * heard, abs=1e-5)
    # Of three tokens the n-grams say nothing, and the layer speaks alone.
    short = [IDS[:3]]
    alone, _ = Engine(plain.read_bytes(), stopping=Stopping([0.0])).run(short)
    found, _ = Engine(model, stopping=Stopping([NEVER, 0.0])).run(short)
    assert found == pytest.approx(3 * alone, abs=1e-5)
    whole, told = Engine(graph.read_bytes()).run([LONGER])
    assert told.tolist() == [UNTOLD]
    logits, layers = Engine(model, stopping=Stopping([NEVER, NEVER])).run([LONGER])
    assert (layers.tolist(), logits.tolist()) == ([2], whole.tolist())
    sure = np.exp(heard).max(axis=1) / np.exp(heard).sum(axis=1)
    between = float(sure.mean())
    logits, layers = Engine(model, stopping=Stopping([between, 0.0])).run(batch)
    assert layers.tolist() == [0 if one >= between else 1 for one in sure]


def test_a_checkpoint_keeps_it(
    fitted: tuple[Ngrams, Encoder], tiny_checkpoint: Path, tmp_path: Path
) -> None:
    """It is saved with the model, found by the export, and in no other loader's way."""
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


@pytest.fixture(scope="module")
def bundle(
    fitted: tuple[Ngrams, Encoder], tiny_checkpoint: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Exported from a checkpoint with n-grams, which a few reviews are enough for here."""
    folder = tmp_path_factory.mktemp("ngrams")
    shutil.copytree(tiny_checkpoint, folder / "model")
    model = AutoModelForSequenceClassification.from_pretrained(tiny_checkpoint)
    add_classifiers(model, str(tiny_checkpoint))
    fitted[0].join(model)
    model.save_pretrained(folder / "model")
    settings = ExportSettings(max_flips=1, max_ece=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("export.efforts.FEWEST", 5)
        let_few_decide(patch)
        build_bundle(folder / "model", folder / "bundle", settings)
    return folder / "bundle"


def test_a_bundle_stops_at_its_ngrams(bundle: Path) -> None:
    """Clear sentences take no layer, and never all the n-grams alone; two words are read on."""
    graph = Bundle.load(bundle).graph("int8")
    assert set(graph.efforts) == {"high", "normal", "low"}
    for effort in graph.efforts.values():
        assert (len(effort.thresholds), effort.all_layers) == (2, 2)
        assert effort.thresholds[0] > 0.5
        assert 0 <= effort.layers <= 2
    with Scorer(bundle, ScorerSettings(effort="low")) as scorer:
        scores = scorer.score([text for text, _ in sentences()])
        (short,) = scorer.score(["good"])
    layers = [one.layers for one in scores]
    right = [one.label == label for one, (_, label) in zip(scores, sentences(), strict=True)]
    assert layers.count(0) > len(layers) // 2
    assert np.mean(right) > 0.8
    # With its marks it has three tokens.
    assert short.layers in (1, 2)


def test_the_summary_counts_what_the_ngrams_answered(bundle: Path, tmp_path: Path) -> None:
    """As read with 0 layers; and what the bundle is says how many layers there are."""
    table = write_table(tmp_path / "t.csv", sentences())
    summary = score_file(table, tmp_path / "out.csv", FileSettings(model=bundle, prefix="our_"))
    assert summary.layers["0"] > 0
    assert sum(summary.layers.values()) == summary.rows
    line = next(one for one in describe(Bundle.load(bundle)).splitlines() if "normal" in one)
    assert f"{Bundle.load(bundle).graph('int8').efforts['normal'].layers:.1f} of 2 layers" in line


def test_what_is_made_of_such_a_bundle(bundle: Path) -> None:
    """Floats for a GPU, which read all layers; and the weights that training starts from."""
    loaded = Bundle.load(bundle)
    model = loaded.read_graph(loaded.graph("int8"))
    floats = Engine(widen(model, "the graph", half=False))
    exact = Engine(model)
    for ids in (IDS, LONGER):
        assert floats.logits(ids) == pytest.approx(exact.logits(ids), abs=0.1)
    weights = read_weights(loaded)
    assert weights["exits.0.weight"].shape == (2, 32)
    assert weights["classifier.weight"].shape == (2, 32)


def test_too_few_long_reviews_prove_nothing_of_them(
    fitted: tuple[Ngrams, Encoder], graph: Path, tiny_checkpoint: Path, tmp_path: Path
) -> None:
    """Of fifteen held-back sentences the n-grams are left out, and nothing stops before a layer."""
    checkpoint = Checkpoint.load(tiny_checkpoint)
    target = Path(shutil.copyfile(graph, tmp_path / "model.onnx"))
    told = export.ngrams.Ngrams(
        fitted[0].weight, fitted[0].bias, fitted[0].vocabulary, MULTIPLIER, SHORTEST
    )
    reviews = checkpoint.validation
    encoded = Encoded(reviews, [[one.ids] for one in fitted[1].encode_batch(reviews.texts)])
    _, made = make_efforts(target, Classifiers(checkpoint.exits, told), encoded)
    efforts = {name: one.effort for name, one in made.items()}
    assert {len(one.thresholds) for one in efforts.values()} == {1}
    assert {one.all_layers for one in efforts.values()} == {2}
