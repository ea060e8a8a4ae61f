"""What was measured holds for later runs only where it was whole, and where nothing changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from score import machine, pace
from score.bundle import Bundle
from score.crew import Crew
from score.errors import UnavailableError
from score.model import Model
from score.pace import Texts, measured
from score.providers import Way
from score.tuner import WORTH, Tuner

CPU, GPU = Way("cpu"), Way("cuda")


@pytest.mark.usefixtures("gpu")
def test_a_way_that_fails_for_a_while_is_asked_again(
    bundle: Bundle, tmp_path: Path, rates: dict[str, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """While a driver is updated the others serve, in that run alone."""
    rates["cuda"] = 3.0
    whole = Model.__init__

    def start(model: Model, bundle: Bundle, way: Way, **more: object) -> None:
        if way == GPU:
            raise UnavailableError("CUDA is being updated.")
        whole(model, bundle, way, **more)  # type: ignore[arg-type] # as they come

    with monkeypatch.context() as patch:
        patch.setattr(Model, "__init__", start)
        assert Tuner(bundle, tmp_path, size=WORTH).way("auto") == CPU
    assert list(tmp_path.glob("*.json")) == []
    assert Tuner(bundle, tmp_path, size=WORTH).way("auto") == GPU
    assert len(list(tmp_path.glob("*.json"))) == 1


@pytest.mark.usefixtures("gpu")
def test_of_what_did_not_all_run_the_best_is_used_and_asked_again(
    bundle: Bundle,
    tmp_path: Path,
    rates: dict[str, float],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The line that says so tells of this run alone; kept it is for those that ran."""
    rates.update({"2": 2.0})
    monkeypatch.setattr(machine, "numbers_of_workers", lambda: (1, 2, 4))
    whole = Crew.__init__

    def start(crew: Crew, model: Model, workers: int) -> None:
        if workers == 4:
            raise UnavailableError("no memory.")
        whole(crew, model, workers)

    monkeypatch.setattr(Crew, "__init__", start)
    said = [
        "4 cannot be used: no memory.",
        "Measured for this run alone, 1: 1 texts/s, 2: 2 texts/s. Used: 2.",
    ]
    for runs in (1, 2):
        assert Tuner(bundle, tmp_path, size=WORTH).workers(CPU) == 2
        assert caplog.messages == said * runs
    rates["2"] = 0.5
    monkeypatch.setattr(machine, "numbers_of_workers", lambda: (1, 2))
    assert Tuner(bundle, tmp_path, size=WORTH).workers(CPU) == 2, "asked anew"
    assert caplog.messages == said * 2


def test_one_that_fails_between_two_rounds_is_left_out(
    tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A GPU may fill up while it is measured."""
    monkeypatch.setattr(pace, "_SECONDS", 0.0)
    monkeypatch.setattr(pace, "_HOPELESS", 1e9)
    asked: list[Crew] = []

    def ask(crew: Crew, _texts: Texts) -> int:
        asked.append(crew)
        if crew is full and len(asked) > 2:
            raise UnavailableError("out of memory")
        return 1

    monkeypatch.setattr(pace, "ask", ask)
    model = Model(Bundle.load(tiny_bundle), any_language=True)
    full, free = Crew(model, 1), Crew(model, 1)
    rates = measured({"full": full, "free": free}, ([""], [""]))
    for crew in (full, free):
        crew.close()
    assert list(rates) == ["free"]
    assert rates["free"] > 0
    assert caplog.messages == ["full cannot be used: out of memory"]


@pytest.mark.usefixtures("gpu")
def test_the_usual_choice_is_not_said_again(
    bundle: Bundle, tmp_path: Path, rates: dict[str, float], caplog: pytest.LogCaptureFixture
) -> None:
    """Nor is another number of workers, which labels alike."""
    assert Tuner(bundle, tmp_path, size=WORTH).way("auto") == GPU
    rates["2"] = 2.0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(machine, "numbers_of_workers", lambda: (1, 2))
        assert Tuner(bundle, tmp_path, size=WORTH).workers(CPU) == 2
        caplog.clear()
        again = Tuner(bundle, tmp_path)
        assert (again.way("auto"), again.workers(CPU)) == (GPU, 2)
    assert caplog.messages == []
