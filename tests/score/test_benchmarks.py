"""In the race everyone runs as their users have it, and growth is asked of each number."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import thumbs
from benchmarks import contestants, growth
from score import machine

VARIABLE = "TOKENIZERS_PARALLELISM"


class LeftError(Exception):
    """Whoever had the other end of a pipe left."""


def variable_in_lane(make: Callable[[], contestants.Contestant]) -> str | None:
    """What the variable is in a contestant's process by the time that it can answer."""

    def leave() -> None:
        raise LeftError

    end: Any = SimpleNamespace(recv=leave)
    with pytest.raises(LeftError):
        contestants._serve(end, make)
    return os.environ.get(VARIABLE)


@pytest.fixture(autouse=True)
def _unset(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has set the variable; what a test sets is taken back."""
    monkeypatch.setenv(VARIABLE, "")
    monkeypatch.delenv(VARIABLE)


def test_thumbs_runs_as_its_users_have_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """With its check of the language, and nothing done for its tokenizer."""
    made: list[thumbs.ScorerSettings] = []
    monkeypatch.setattr(thumbs, "Scorer", lambda _model, settings: made.append(settings))
    assert variable_in_lane(lambda: contestants.thumbs(None)) is None
    assert [one.any_language for one in made] == [False]


def test_a_pipeline_has_the_threads_of_its_tokenizer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else it would warn, and switch them off."""
    seen: list[str | None] = []

    def pipeline(*_: object, **__: object) -> Callable[[object], object]:
        seen.append(os.environ.get(VARIABLE))
        return lambda texts: texts

    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(float16=2, float32=4))
    monkeypatch.setitem(sys.modules, "transformers", SimpleNamespace(pipeline=pipeline))
    make = contestants.transformers_pipeline
    assert variable_in_lane(lambda: make(Path("none"), 1, 512)) == "true"
    assert seen == ["true"]


def test_each_number_of_workers_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """From one to as many as this computer has use for."""
    asked: list[int] = []

    def cost(_texts: object, bundle: Path | None, workers: int) -> tuple[int, float]:
        if bundle is None:
            asked.append(workers)
        return 1, 1.0

    monkeypatch.setattr(growth, "cost", cost)
    monkeypatch.setattr(growth, "reviews", lambda *_: ["a"])
    monkeypatch.setattr(machine, "workers", lambda: 4)
    monkeypatch.setattr(sys, "argv", ["growth", "--rows", "1"])
    growth.main()
    assert asked == [4, 4, 4, 1, 2, 3, 4]
