"""Scorer, its model and its engine, on a bundle that was made by the real path."""

from __future__ import annotations

import concurrent.futures
import json
import shutil
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pandas as pd
import pytest

from score.bundle import Bundle
from score.cache import ScoreCache
from score.crew import PATIENCE
from score.engine import Engine
from score.errors import BundleError, DataError, UnavailableError, UsageError
from score.frames import score_frame
from score.model import Model, Part
from score.providers import choose_provider
from score.scorer import Scorer, ScorerSettings
from tests.score.asking import alone, together

PART: Part = (np.asarray([1.0, 2.0], np.float32), np.int64(0))
GOOD, BAD = "A good and wonderful film.", "A bad and awful film."


@pytest.fixture
def scorer(tiny_bundle: Path) -> Iterator[Scorer]:
    """A scorer that remembers nothing."""
    with Scorer(tiny_bundle) as one:
        yield one


def test_scores_have_the_order_of_the_texts(scorer: Scorer) -> None:
    """One score a text: label, its probability, all probabilities, flags."""
    good, empty, bad, same = scorer.score([GOOD, " \n\t", BAD, GOOD])
    assert (good.label, bad.label) == ("positive", "negative")
    assert (empty.label, empty.confidence, empty.probabilities) == (None, None, ())
    assert empty.flags == ("empty",)
    assert same == good
    assert good.confidence == good.probabilities[1] == max(good.probabilities)
    assert sum(good.probabilities) == pytest.approx(1)


def test_line_break_marks_do_not_count(scorer: Scorer) -> None:
    """The cleaning that the bundle names is applied before scoring."""
    plain, marked = scorer.score(["A good film, really.", "A good film,<br />really."])
    assert plain == marked


def test_a_long_text_is_flagged_and_judged(scorer: Scorer) -> None:
    """A text that is cut has a label and says that it was cut."""
    (score,) = scorer.score([GOOD + " the film" * 400])
    assert score.label is not None
    assert score.flags == ("truncated",)


def test_unsure_is_a_matter_of_confidence(tiny_bundle: Path) -> None:
    """Labels below the threshold are flagged, and kept."""
    with Scorer(tiny_bundle, ScorerSettings(unsure_below=1.0)) as scorer:
        (score,) = scorer.score([GOOD])
    assert (score.label, score.flags) == ("positive", ("unsure",))


def promising(tiny_bundle: Path, folder: Path, *steps: tuple[float, float | None]) -> Path:
    """A copy of the tiny bundle whose int8 graph promises other things, with --effort high."""
    bundle = Path(shutil.copytree(tiny_bundle, folder / "promising"))
    manifest = json.loads((bundle / "bundle.json").read_text())
    manifest["graphs"][0]["efforts"]["high"]["guarantee"]["steps"] = [
        {"max_error": rate, "threshold": threshold, "coverage": 0.5} for rate, threshold in steps
    ]
    (bundle / "bundle.json").write_text(json.dumps(manifest))
    return bundle


def test_a_promised_error_rate_is_a_matter_of_confidence(tiny_bundle: Path, tmp_path: Path) -> None:
    """The larger of the promise's threshold and --unsure-below flags, in a frame as well."""
    bundle = promising(tiny_bundle, tmp_path, (0.01, 1.0), (0.02, 0.0))
    flags = [
        score_frame(pd.DataFrame({"text": [GOOD, ""]}), "text", model=bundle, settings=settings)[
            "flags"
        ].tolist()
        for settings in (
            ScorerSettings(max_error=0.01),
            ScorerSettings(max_error=0.02),
            ScorerSettings(max_error=0.02, unsure_below=1.0),
            ScorerSettings(max_error=0.01, unsure_below=0.1),
        )
    ]
    assert flags == [["unsure", "empty"], ["", "empty"], ["unsure", "empty"], ["unsure", "empty"]]


def test_a_promise_that_cannot_be_given(tiny_bundle: Path, tmp_path: Path) -> None:
    """The model of a few sentences promises nothing, says so, and remembers nothing."""
    cache = tmp_path / "cache.sqlite3"
    with pytest.raises(UsageError) as raised:
        Scorer(tiny_bundle, ScorerSettings(max_error=0.02, cache=cache))
    assert str(raised.value) == (
        "The bundle tiny cannot promise an error rate of 0.02: its 15 held-back reviews prove no "
        "threshold for that. It can promise none up to 0.3; say --unsure-below instead."
    )
    assert not cache.exists()


def many() -> list[str]:
    """Texts of a few lengths, several of each, and two in another script between them."""
    words = ["good", "bad", "awful", "fine"]
    texts = [f"{a} {b} film " * n for n in (1, 2, 5) for a in words for b in words]
    return [*texts[:20], "Это хороший фильм, мне понравилось.", *texts[20:], "Плохой фильм, нет."]


def test_texts_of_one_length_run_together_and_have_the_same_bits(tiny_bundle: Path) -> None:
    """As many as have no more tokens together than one long review; in the texts' order."""
    bundle = Bundle.load(tiny_bundle)
    assert bundle.graph("int8").batches
    model = Model(bundle)
    one_by_one = alone(model, many())
    assert together(model, many()) == one_by_one
    lengths = [len(one.inputs[0]) for one in model.encode(many()) if one.inputs]
    batches = model.batches(lengths)
    assert sorted(place for batch in batches for place in batch) == list(range(len(lengths)))
    assert max(map(len, batches)) > 4
    for batch in batches:
        assert len({lengths[place] for place in batch}) == 1
        assert len(batch) * lengths[batch[0]] <= bundle.description.truncation.max_tokens


def test_a_graph_that_is_not_known_to_keep_texts_apart_runs_each_alone(
    tiny_bundle: Path, tmp_path: Path
) -> None:
    """So it is with bundles that were made before, and with graphs in fp32."""
    folder = Path(shutil.copytree(tiny_bundle, tmp_path / "old"))
    manifest = json.loads((folder / "bundle.json").read_text())
    assert [graph.pop("batches") for graph in manifest["graphs"]] == [True, False]
    (folder / "bundle.json").write_text(json.dumps(manifest))
    model = Model(Bundle.load(folder))
    assert model.batches([3, 3, 3]) == [[0], [1], [2]]
    with Scorer(folder) as old, Scorer(tiny_bundle) as new:
        assert old.score(many()) == new.score(many())


def test_batches_of_a_gpu_are_padded(tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Texts of like length run together there, whatever the graph."""
    model = Model(Bundle.load(tiny_bundle))
    one_by_one = alone(model, many())
    monkeypatch.setattr(Model, "batched", True)
    assert model.batches([3, 5, 4]) == [[1, 2, 0]]
    for one, other in zip(one_by_one, together(model, many()), strict=True):
        assert other.logits == pytest.approx(one.logits, abs=1e-3)
        assert other.truncated == one.truncated


def test_an_interruption_keeps_what_is_done(
    tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C in a window: the reviews in hand are finished and remembered, no others."""
    cache = tmp_path / "cache.sqlite3"
    started, told = threading.Event(), threading.Event()
    # The longest come first, each of another length: so many runs.
    texts = ["good film " * n for n in range(28, 2, -1)]
    settings = ScorerSettings(workers=1, cache=cache)
    with Scorer(tiny_bundle, settings) as scorer:
        (encoded,) = scorer._model.encode([texts[1]])
        (second,) = encoded.inputs

        def run(_model: Model, batch: Sequence[Sequence[int]]) -> list[Part]:
            if list(batch[0]) == second:
                started.set()
                assert told.wait(10)
            return [PART for _ in batch]

        def waiting(futures: Any, seconds: float) -> Any:
            if seconds == PATIENCE:
                told.set()
                return concurrent.futures.wait(futures, seconds)
            # Where the signal arrives.
            assert started.wait(10)
            raise KeyboardInterrupt

        monkeypatch.setattr(Model, "run", run)
        monkeypatch.setattr("score.crew.wait", waiting)
        with pytest.raises(KeyboardInterrupt):
            scorer.score(texts)
        identity = scorer._model.identity
    assert set(ScoreCache(cache, identity).get(texts)) == set(texts[:2])


def test_what_hangs_does_not_take_the_rest_with_it(
    tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A review that takes longer than anybody waits is given up; the finished ones are there."""
    over = threading.Event()
    texts = ["good film " * n for n in range(28, 2, -1)]
    with Scorer(tiny_bundle, ScorerSettings(workers=2)) as scorer:
        (late,) = scorer._model.encode(texts)[20].inputs

        def run(_model: Model, batch: Sequence[Sequence[int]]) -> list[Part]:
            if list(batch[0]) == late:
                assert over.wait(20)
            return [PART for _ in batch]

        monkeypatch.setattr(Model, "run", run)
        monkeypatch.setattr("score.crew.PATIENCE", 0.1)
        work = scorer._crew.start(texts)
        deadline = time.monotonic() + 10
        while not set(texts[:18]) <= set(work.answers) and time.monotonic() < deadline:
            time.sleep(0.01)
        work.drop()
        assert set(texts[:18]) <= set(work.answers) <= set(texts) - {texts[20]}
        over.set()


def test_a_failure_keeps_what_is_done(
    tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was answered before is remembered, also of the sentences given out with it."""
    cache = tmp_path / "cache.sqlite3"
    texts = ["good film " * n for n in (4, 3, 2, 1)]
    with Scorer(tiny_bundle, ScorerSettings(workers=1, cache=cache)) as scorer:
        third = scorer._model.encode(texts)[2].inputs[0]

        def run(_model: Model, batch: Sequence[Sequence[int]]) -> list[Part]:
            if list(batch[0]) == third:
                raise BundleError("no finite numbers")
            return [PART for _ in batch]

        monkeypatch.setattr(Model, "run", run)
        with pytest.raises(BundleError):
            scorer.score(texts)
        identity = scorer.identity
    known = ScoreCache(cache, identity).get(texts).keys()
    assert set(texts[:2]) <= known <= set(texts) - {texts[2]}


def test_a_frame_comes_back_wider(tiny_bundle: Path) -> None:
    """score_frame keeps index and columns, and counts missing values as empty."""
    frame = pd.DataFrame({"Review": [GOOD, None, BAD]}, index=["a", "b", "c"])
    labelled = score_frame(frame, "review", model=tiny_bundle)
    assert list(labelled.columns) == ["Review", "label", "confidence", "flags"]
    assert list(labelled.index) == ["a", "b", "c"]
    assert [labelled["label"].iloc[i] for i in (0, 2)] == ["positive", "negative"]
    assert labelled["flags"].tolist() == ["", "empty", ""]
    assert list(frame.columns) == ["Review"]


def test_a_frame_without_the_column(tiny_bundle: Path) -> None:
    """A column that is not there is refused with the list of those that are."""
    with pytest.raises(DataError, match=r"^The frame has no column 'text'\. Its columns: Review\."):
        score_frame(pd.DataFrame({"Review": []}), "text", model=tiny_bundle)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"workers": 0}, "0 workers cannot work; use 1 or more."),
        ({"unsure_below": 1.5}, "A confidence of 1.5 is out of range; use 0 to 1."),
        (
            {"max_error": 0.0},
            "An error rate of 0 is out of range; use one above 0 and below 1, such as 0.02.",
        ),
        (
            {"max_error": float("nan")},
            "An error rate of nan is out of range; use one above 0 and below 1, such as 0.02.",
        ),
    ],
)
def test_impossible_settings(settings: dict[str, float], message: str) -> None:
    """Settings refuse at birth what cannot be."""
    with pytest.raises(UsageError) as raised:
        ScorerSettings(**settings)  # type: ignore[arg-type] # wrong on purpose
    assert str(raised.value) == message


def test_the_provider_that_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    """With auto, CUDA is taken only with a graph for it; a name is taken or refused."""
    both = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: both)
    assert choose_provider("auto", []) == "cpu"
    assert choose_provider("auto", ["int8"]) == "cuda"
    assert choose_provider("auto", ["int8", "fp16"]) == "cuda"
    assert choose_provider("cuda", ["fp32"]) == "cuda"
    with pytest.raises(UnavailableError):
        choose_provider("openvino", ["fp32"])


def test_a_graph_that_is_none() -> None:
    """What onnxruntime refuses is a bundle error, not a traceback."""
    with pytest.raises(BundleError, match=r"^onnxruntime refuses model\.onnx: "):
        Engine(b"no graph", name="model.onnx")


def test_a_bundle_without_a_graph_for_the_provider(tiny_bundle: Path) -> None:
    """The refusal names the export's option."""
    bundle = Bundle.load(tiny_bundle)
    with pytest.raises(BundleError) as raised:
        bundle.graph("fp16")
    assert str(raised.value) == (
        f"The bundle {tiny_bundle} has no graph in fp16, which this provider needs. "
        "Export it again with --precision fp16."
    )


def test_logits_have_the_shape_they_promise(tiny_bundle: Path) -> None:
    """One review gives (classes,), a batch gives (n, classes), as float32."""
    bundle = Bundle.load(tiny_bundle)
    engine = Engine(bundle.read_graph(bundle.graph("int8")))
    assert engine.logits([1, 5, 2]).shape == (2,)
    batch = engine.run([[1, 5, 2], [1, 2]])[0]
    assert (batch.shape, batch.dtype) == ((2, 2), np.dtype(np.float32))
