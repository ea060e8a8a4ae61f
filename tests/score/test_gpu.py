"""The way to a GPU: buffers that are used again, several batches at once, and the real thing."""

from __future__ import annotations

import sys
import threading
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from score import engine as engine_module
from score import model as model_module
from score import providers, tuner
from score.arena import open_session
from score.bundle import DEFAULT_BUNDLE, Bundle
from score.engine import BATCH_TOKENS, UNTOLD, Engine
from score.errors import UnavailableError
from score.lanes import BoundLane, PlainLane
from score.model import EncodedText, Model, Part
from score.providers import Way
from score.scorer import Scorer, ScorerSettings
from score.windows import TOKEN_CHARACTERS, WINDOW_READ_BATCHED
from tests.score.asking import with_all_layers
from tests.score.small_bundle import make_graph

CUDA = "CUDAExecutionProvider"

needs_cuda = pytest.mark.skipif(
    CUDA not in onnxruntime.get_available_providers(), reason="onnxruntime-gpu is not there"
)

NAMES = ("input_ids", "attention_mask")


@pytest.fixture
def as_if_on_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """CUDA's way through the code, on the CPU."""
    monkeypatch.setattr(model_module, "choose_provider", lambda *_: "cuda")
    monkeypatch.setitem(providers.PROVIDERS, "cuda", "CPUExecutionProvider")
    monkeypatch.setattr(engine_module, "preload", lambda _: None)


@pytest.fixture
def session() -> onnxruntime.InferenceSession:
    """A session of the smallest classifier: the mean of the ids, and its opposite."""
    return onnxruntime.InferenceSession(
        make_graph().SerializeToString(), providers=["CPUExecutionProvider"]
    )


def test_buffers_are_used_again_and_hold_nothing_of_the_batch_before(
    session: onnxruntime.InferenceSession,
) -> None:
    """Of whatever shape the next batch is; what came out before stays as it was."""
    lanes = PlainLane(session), BoundLane(session)
    first, places = None, set()
    for shape in ((4, 8), (2, 3), (3, 3), (1, 32), (1, 1)):
        found = []
        for lane in lanes:
            feeds = lane.arrays(NAMES, shape)
            assert [feeds[name].any() for name in NAMES] == [False, False]
            feeds["input_ids"][...] = np.arange(shape[0] * shape[1]).reshape(shape)
            feeds["attention_mask"][...] = 1
            found += lane.run(["logits"], feeds)
        places.add(feeds["input_ids"].__array_interface__["data"][0])
        assert found[1].shape == (shape[0], 2)
        assert found[1].tolist() == found[0].tolist()
        first = first or (found[1], found[1].copy())
    assert len(places) == 1
    assert first is not None
    assert first[0].tolist() == first[1].tolist()


@pytest.mark.usefixtures("as_if_on_a_gpu")
def test_batches_that_run_at_once_share_a_session_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As many lanes as there may be batches in flight; each batch gets its own answer."""
    opened: list[object] = []

    def count(*args: object, **more: object) -> object:
        opened.append(open_session(*args, **more))  # type: ignore[arg-type] # as they come
        return opened[-1]

    monkeypatch.setattr(engine_module, "open_session", count)
    engine = Engine(make_graph().SerializeToString(), "cuda")
    assert engine.in_flight == 3
    batches = [[[i] * (1 + i % 7)] * (1 + i % 5) for i in range(200)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(engine.run, batches))
    for i, (logits, layers) in enumerate(answers):
        expected = np.float32(i) * np.float32(0.1)
        assert logits == pytest.approx(np.array([[expected, -expected]] * (1 + i % 5)))
        assert layers.tolist() == [UNTOLD] * (1 + i % 5)
    assert len(opened) == 1
    assert len(engine._idle) <= 3


@pytest.mark.usefixtures("as_if_on_a_gpu")
def test_a_gpu_is_given_batches_while_the_next_texts_are_encoded(
    stub_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A window waits for the one before it on the GPU, not in the workers."""
    encoding, runs = threading.Event(), 0

    def encode(_model: Model, texts: Sequence[str]) -> list[EncodedText]:
        if texts[0] == "second":
            encoding.set()
        return [EncodedText([[2, 4, 3]]) for _ in texts]

    def run(_model: Model, batch: Sequence[Sequence[int]]) -> list[Part]:
        nonlocal runs
        runs += 1
        assert encoding.wait(10), "the second window is not encoded while the first one runs"
        return [(np.array([0.0, 1.0], np.float32), np.int64(0)) for _ in batch]

    monkeypatch.setattr(Model, "encode", encode)
    monkeypatch.setattr(Model, "run", run)
    with Scorer(stub_bundle, ScorerSettings(workers=1)) as scorer:
        found = list(scorer.score_windows([["first"], ["second"]]))
    assert [[one.label for one in scores] for scores in found] == [["positive"], ["positive"]]
    assert runs == 2


@pytest.mark.usefixtures("as_if_on_a_gpu")
def test_a_batch_that_fails_on_a_gpu_stops_the_run(
    stub_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its error is the run's, and so is that of a text which cannot be encoded."""
    for name in ("run", "encode"):
        with monkeypatch.context() as patch:

            def fail(_model: Model, _given: object, name: str = name) -> None:
                raise RuntimeError(name)

            with Scorer(stub_bundle) as scorer:
                patch.setattr(Model, name, fail)
                with pytest.raises(RuntimeError, match=name):
                    scorer.score(["one", "two"])


@pytest.mark.usefixtures("as_if_on_a_gpu")
def test_a_gpu_gets_windows_of_many_batches(stub_bundle: Path) -> None:
    """A CPU gets about 300,000 characters at a time, which are a moment's work there."""
    texts = ["x" * 1_300] * 5_000
    with Scorer(stub_bundle) as scorer:
        reach = scorer._model.reach
        sizes = [len(window) for window in scorer.windows(texts, len, len)]
    assert sum(sizes) == len(texts)
    assert set(sizes[:-1]) == {WINDOW_READ_BATCHED // min(1_300, reach) + 1}
    assert sizes[0] * min(1_300, reach) / TOKEN_CHARACTERS > 10 * BATCH_TOKENS


def test_a_provider_that_fails_to_start_is_no_damaged_bundle(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As CUDA without a driver; nothing is said on standard output, where a table may go."""

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("CUDA failure 35: CUDA driver version is insufficient")

    monkeypatch.setattr(onnxruntime.InferenceSession, "_create_inference_session", fail)
    monkeypatch.setattr(engine_module, "preload", lambda _: None)
    with pytest.raises(UnavailableError) as raised:
        Engine(make_graph().SerializeToString(), "cuda")
    assert str(raised.value) == (
        "CUDAExecutionProvider is installed but did not start; look at its driver, or say "
        "--provider cpu."
    )
    assert capsys.readouterr().out == ""


def test_a_gpu_that_does_not_start_leaves_the_cpu_where_nobody_asked_for_it(
    stub_bundle: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The GPU's onnxruntime on a laptop without its driver: said once, refused if asked for."""
    monkeypatch.setattr(
        tuner, "choose_provider", lambda wanted, _: "cuda" if wanted == "auto" else wanted
    )
    whole = Model.__init__

    def start(model: Model, bundle: Bundle, way: Way, **more: object) -> None:
        if way.provider == "cuda":
            raise UnavailableError("CUDA did not start.")
        whole(model, bundle, way, **more)  # type: ignore[arg-type] # as they come

    monkeypatch.setattr(Model, "__init__", start)
    with Scorer(stub_bundle) as scorer:
        assert scorer.device.startswith("cpu, ")
    assert caplog.messages == ["The CPU is used in place of cuda: CUDA did not start."]
    with pytest.raises(UnavailableError):
        Scorer(stub_bundle, ScorerSettings(provider="cuda"))


def test_what_cuda_lacks_is_not_said_on_standard_output(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The libraries that pip installed are loaded from where they are."""
    loaded: list[str] = []

    def preload_dlls() -> None:
        loaded.append("cuda")
        print("Failed to load libcudart.so.13", file=sys.stdout)  # noqa: T201 - as theirs does

    monkeypatch.setattr(onnxruntime, "preload_dlls", preload_dlls, raising=False)
    providers.preload("cpu")
    assert loaded == []
    providers.preload("cuda")
    assert loaded == ["cuda"]
    assert capsys.readouterr() == ("", "")


def _reviews() -> list[str]:
    """Texts of all lengths, more than one batch takes."""
    some = ("A waste of two hours.", "Not bad at all!", "Dull, but the cast is fine.")
    return [f"{text} {'Really. ' * (n % 120)}{n}" for n in range(600) for text in some]


@needs_cuda
def test_cuda_says_what_the_cpu_says(tmp_path: Path) -> None:
    """The box in half precision: hardly a label differs, and where one does it was a toss-up."""
    found, box = [], with_all_layers(DEFAULT_BUNDLE, tmp_path)
    for provider in ("cpu", "cuda"):
        settings = ScorerSettings(provider=provider, effort="high", any_language=True)
        with Scorer(box, settings) as scorer:
            found.append(scorer.score(_reviews()))
    assert scorer.device == "cuda, fp16"
    ours, theirs = ([one.probabilities[1] for one in scores] for scores in found)
    differences = np.abs(np.subtract(ours, theirs))
    assert differences.mean() < 0.01
    flips = [i for i, pair in enumerate(zip(*found, strict=True)) if pair[0].label != pair[1].label]
    assert len(flips) <= len(ours) // 200
    assert all(abs(ours[i] - 0.5) < 0.1 for i in flips)


@needs_cuda
def test_on_cuda_neighbours_change_no_more_than_the_rounding() -> None:
    """Alone, in a batch, in another order: within half precision's last digits."""
    texts = _reviews()
    with Scorer(None, ScorerSettings(provider="cuda", any_language=True)) as scorer:
        together = {t: one.probabilities for t, one in zip(texts, scorer.score(texts), strict=True)}
        backwards = scorer.score(texts[::-1])
        alone = [scorer.score([text])[0] for text in texts[::60]]
    for text, one in zip(texts[::-1], backwards, strict=True):
        assert one.probabilities == pytest.approx(together[text], abs=0.005)
    for text, one in zip(texts[::60], alone, strict=True):
        assert one.probabilities == pytest.approx(together[text], abs=0.005)


@needs_cuda
def test_cuda_runs_the_graph_itself() -> None:
    """All but a few nodes on shapes, in however many parts."""
    session = Model(Bundle.load(DEFAULT_BUNDLE), "cuda")._engine._session
    placed: Counter[str] = Counter()
    for part in session.get_provider_graph_assignment_info():
        placed[part.ep_name] += len(part.get_nodes())
    assert placed[CUDA] > 9 * sum(placed.values()) // 10
