"""What is chosen to run a bundle on: the usual, what was measured, what is right."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import onnxruntime
import pytest

from score import graphs, machine, overflow, pace, tuner
from score.bundle import TOKENIZER_FILE, Bundle
from score.crew import Crew
from score.engine import Engine
from score.errors import BundleError, UnavailableError, UsageError
from score.model import Model, Part
from score.pace import measured, sample
from score.parity import changes
from score.providers import Way
from score.scorer import Scorer, ScorerSettings
from score.scoring import FileSettings, score_file
from score.tokens import Encoder
from score.tuner import WORTH, Tuner
from score.widen import SENTENCES
from tests.conftest import sentences
from tests.score.asking import with_all_layers
from tests.score.conftest import told

TEXTS = [text for text, _ in sentences()]
CPU, FLOATS, GPU, INTEL = Way("cpu"), Way("cpu", "fp32"), Way("cuda"), Way("openvino")


@pytest.fixture
def old_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    """One whose products of int8 overflow."""
    for module in (tuner, overflow):
        monkeypatch.setattr(module, "int8_overflows", lambda: True)
    monkeypatch.setattr("score.engine.int8_overflows", lambda: True)


def test_with_a_cpu_alone_nothing_is_measured(
    bundle: Bundle, tmp_path: Path, rates: dict[str, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor is anything remembered, however much there is to do."""
    monkeypatch.setattr(machine, "numbers_of_workers", lambda: (2,))
    one = Tuner(bundle, tmp_path / "machine", size=WORTH)
    assert one.way("auto") == one.way("cpu") == CPU
    assert one.workers(CPU) == 2
    assert rates == {}
    assert not (tmp_path / "machine").exists()


@pytest.mark.usefixtures("gpu")
def test_the_fastest_provider_is_measured_once(
    bundle: Bundle, tmp_path: Path, rates: dict[str, float], caplog: pytest.LogCaptureFixture
) -> None:
    """It is said, and the next run, a small one too, has it from the file."""
    rates["cpu"] = 1.2
    assert Tuner(bundle, tmp_path, size=WORTH).way("auto") == CPU
    assert rates == {"cpu": 1.2, "cuda": 1.0}
    assert caplog.messages == [
        "Measured once on this machine, cuda: 1 texts/s, cpu: 1 texts/s. Used: cpu."
    ]
    rates.clear()
    caplog.clear()
    assert Tuner(bundle, tmp_path, size=WORTH).way("auto") == CPU
    assert Tuner(bundle, tmp_path).way("auto") == CPU
    assert rates == {}
    # Another graph than the usual one labels otherwise, so that is said each time.
    assert caplog.messages == ["Measured earlier on this machine. Used: cpu."] * 2


@pytest.mark.usefixtures("gpu")
@pytest.mark.parametrize(
    "settings", [{"size": WORTH - 1}, {"size": WORTH, "polite": True}, {"findings": None}]
)
def test_where_measuring_does_not_pay_the_usual_is_taken(
    bundle: Bundle, tmp_path: Path, rates: dict[str, float], settings: dict[str, Any]
) -> None:
    """In a small job, on battery, and where nothing can be remembered."""
    assert Tuner(bundle, **{"findings": tmp_path, **settings}).way("auto") == GPU
    assert rates == {}


@pytest.mark.usefixtures("gpu")
def test_as_fast_as_the_usual_is_not_faster(
    bundle: Bundle, tmp_path: Path, rates: dict[str, float]
) -> None:
    """A few per cent are luck."""
    rates["cpu"] = 1.09
    assert Tuner(bundle, tmp_path, size=WORTH).way("auto") == GPU


@pytest.mark.usefixtures("gpu")
def test_a_provider_that_was_asked_for_is_not_measured(
    bundle: Bundle, tmp_path: Path, rates: dict[str, float]
) -> None:
    """One that is not there is refused; an early stop was asked for, which the CPU alone has."""
    rates["cpu"] = 2.0
    assert Tuner(bundle, tmp_path, size=WORTH).way("cuda") == GPU
    assert Tuner(bundle, tmp_path, "low", size=WORTH).way("auto") == CPU
    assert rates == {"cpu": 2.0}
    with pytest.raises(UnavailableError, match=r"This onnxruntime has no OpenVINOExec"):
        Tuner(bundle, tmp_path, size=WORTH).way("openvino")


def test_a_provider_that_does_not_start_is_passed_over(
    bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rates: dict[str, float]
) -> None:
    """It is there, and its driver is not; nobody asked for it by name."""
    there = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: there)
    assert Tuner(bundle, tmp_path, size=WORTH).way("auto") == CPU
    assert rates == {}, "the CPU alone was measured, with nothing to compare it with"


@pytest.mark.usefixtures("gpu")
def test_the_choice_is_part_of_what_scores_are_remembered_by(
    bundle: Bundle, tmp_path: Path, rates: dict[str, float]
) -> None:
    """Two ways never share an answer."""
    settings = ScorerSettings(findings=tmp_path / "machine")
    with Scorer(bundle.folder, settings) as usual:
        assert usual.device == "cuda, fp16"
    rates["cpu"] = 2.0
    with Scorer(bundle.folder, settings, size=WORTH) as other:
        assert other.device.startswith("cpu, int8, ")
    assert usual.identity != other.identity


@pytest.mark.parametrize(("faster", "expected"), [("8", 8), ("4", 4), ("2", 2)])
def test_the_number_of_workers_where_it_is_in_doubt(
    bundle: Bundle,
    tmp_path: Path,
    rates: dict[str, float],
    monkeypatch: pytest.MonkeyPatch,
    faster: str,
    expected: int,
) -> None:
    """Two threads a core, and slower cores, pay or do not; a polite run leaves one in any case."""
    monkeypatch.setattr(machine, "numbers_of_workers", lambda: (4, 8, 2))
    monkeypatch.setattr(machine, "workers", lambda *, polite=False: 4 - polite)
    rates[faster] = 2.0
    assert Tuner(bundle, tmp_path, size=WORTH).workers(CPU) == expected
    assert rates == {"4": 1.0, "8": 1.0, "2": 1.0, faster: 2.0}
    assert Tuner(bundle, tmp_path).workers(CPU) == expected
    assert Tuner(bundle, tmp_path, polite=True).workers(CPU) == min(expected, 3)
    assert Tuner(bundle, tmp_path).workers(GPU) == 4


@pytest.mark.usefixtures("old_processor")
def test_an_old_processor_that_computes_rightly(
    bundle: Bundle, tmp_path: Path, rates: dict[str, float]
) -> None:
    """It is asked once; int8 stays unless floats are faster, and an early stop is int8's alone."""
    assert Tuner(bundle, tmp_path).way("auto") == CPU
    (file,) = tmp_path.glob("*.json")
    assert json.loads(file.read_text())["answers"] == {
        "int8 says what it said where it was exported": "yes"
    }
    assert Tuner(bundle, tmp_path, "low", size=WORTH).way("auto") == CPU
    rates["cpu, fp32"] = 2.0
    assert Tuner(bundle, tmp_path, size=WORTH).way("cpu") == FLOATS


@pytest.mark.usefixtures("old_processor")
def test_an_old_processor_that_strays(
    tiny_bundle: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The same weights in fp32 say what int8 said elsewhere; that is said, in each run."""
    bundle = told(tiny_bundle, tmp_path / "told", lambda logit: logit)
    folder, device = tmp_path / "machine", []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tuner, "changes", lambda *_: [0.0, 0.03])
        with Scorer(bundle.folder, ScorerSettings(findings=folder)) as scorer:
            device.append(scorer.device)
            found = scorer.score(TEXTS)
    with Scorer(bundle.folder, ScorerSettings(findings=folder)) as scorer:
        assert [one.confidence for one in scorer.score(TEXTS)] == [one.confidence for one in found]
        device.append(scorer.device)
        assert "int8 as fp32" in scorer.identity
    assert [one.rpartition(",")[0] for one in device] == ["cpu, fp32", "cpu, fp32"]
    said = (
        "This processor computes something else in int8 than that which exported tiny: it is run "
        "in fp32, which is slower and right."
    )
    assert caplog.messages == [said, said]
    with Scorer(with_all_layers(bundle.folder, tmp_path)) as scorer:
        exact = scorer.score(TEXTS)
    assert [one.confidence for one in found] == pytest.approx(
        [one.confidence for one in exact], abs=0.03
    )
    with pytest.raises(UsageError) as raised:
        Scorer(bundle.folder, ScorerSettings(findings=folder, effort="low"))
    assert str(raised.value) == (
        "--effort low stops early, which only int8 on a CPU does. Leave it out."
    )


@pytest.mark.usefixtures("old_processor")
def test_one_that_strays_and_has_no_floats(
    tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wrong score is none: the run is refused, with the way out."""
    bundle = told(tiny_bundle, tmp_path / "told", lambda logit: -logit)
    with pytest.raises(BundleError, match=r"written out in floats, changes probabilities by"):
        Scorer(bundle.folder)
    for module in (tuner, graphs):
        monkeypatch.setattr(module, "is_there", lambda _: False)
    with pytest.raises(UnavailableError) as raised:
        Tuner(bundle, None).way("auto")
    assert str(raised.value) == (
        "This processor computes something else in int8 than that which exported tiny, and to run "
        "it in fp32 takes onnx: pip install onnx"
    )
    older = told(tiny_bundle, tmp_path / "older", lambda logit: -logit, batches=False)
    with pytest.raises(BundleError) as refused:
        Tuner(older, None).way("auto")
    assert str(refused.value) == (
        "This processor computes something else in int8 than that which exported tiny. Export it "
        "again, with --precision fp32 beside int8."
    )


@pytest.mark.usefixtures("old_processor")
def test_a_bundle_that_does_not_tell(tiny_bundle: Path, tmp_path: Path) -> None:
    """One of an earlier export is run in int8, as before."""
    bundle = told(tiny_bundle, tmp_path / "told", lambda logit: -logit, answers={})
    assert Tuner(bundle, tmp_path / "machine").way("auto") == CPU
    assert not (tmp_path / "machine").exists()


def test_here_a_graph_says_what_it_said(bundle: Bundle) -> None:
    """To the last digit that is stored."""
    encoder = Encoder.from_file(bundle.folder / TOKENIZER_FILE, bundle.description.truncation)
    graph = bundle.graph("int8")
    assert len(graph.answers) == len(SENTENCES) + 1
    found = changes(Engine(bundle.read_graph(graph)), encoder, graph.answers, graph.temperature)
    assert max(found) < 1e-5


@pytest.mark.parametrize(
    "wrong", [[], {"a": "b"}, {"a": [1.0]}, {" ": [1.0, 2.0]}, {"a": [1, "b"]}]
)
def test_answers_that_make_no_sense_are_refused(bundle: Bundle, wrong: object) -> None:
    """A manifest may have been written by anybody."""
    file = bundle.folder / "bundle.json"
    manifest = json.loads(file.read_text())
    manifest["graphs"][0]["answers"] = wrong
    file.write_text(json.dumps(manifest))
    with pytest.raises(BundleError, match=r"is no manifest of a bundle"):
        Bundle.load(bundle.folder)


def test_measuring_finds_out_which_is_faster(
    tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of real crews, on texts of which each is there once."""
    monkeypatch.setattr(pace, "_SECONDS", 0.05)
    texts = sample(64)
    assert [len(set(group)) for group in texts] == [len(group) for group in texts] == [36, 12]
    assert {len(text) for text in texts[1]} == {64 * 5}
    model = Model(Bundle.load(tiny_bundle), any_language=True)
    slow = Model(Bundle.load(tiny_bundle), any_language=True)
    run = slow.run

    def wait_and_run(batch: Sequence[Sequence[int]]) -> list[Part]:
        # So much slower that no other load of the computer hides it.
        time.sleep(0.05)
        return run(batch)

    monkeypatch.setattr(slow, "run", wait_and_run)
    crews = {"slow": Crew(slow, 1), "fast": Crew(model, 1)}
    rates = measured(crews, texts)
    for crew in crews.values():
        crew.close()
    assert 0 < rates["slow"] < rates["fast"]


@pytest.mark.usefixtures("gpu")
def test_a_large_file_is_measured_for(
    bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rates: dict[str, float]
) -> None:
    """Its size is that of the file; of a stream nobody knows it."""
    monkeypatch.setattr(tuner, "WORTH", 100)
    rates["cpu"] = 2.0
    source = tmp_path / "r.csv"
    source.write_text("review\n" + "A good film.\n" * 6)
    scorer = ScorerSettings(findings=tmp_path / "machine")
    settings = FileSettings(model=bundle.folder, scorer=scorer, overwrite=True)
    output = tmp_path / "out.csv"
    assert score_file(source, output, settings).device == "cuda, fp16"
    source.write_text("review\n" + "A good film.\n" * 9)
    with source.open("rb") as stream:
        assert score_file(stream, output, settings).device == "cuda, fp16"
    assert score_file(source, output, settings).device.startswith("cpu, int8, ")
