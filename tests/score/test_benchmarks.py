"""The benchmarks measure what they say: contestants, workers, intervals, sentences."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

import thumbs
from benchmarks import accuracy, adapt, biases, contestants, growth
from benchmarks import reviews as benchmark_reviews
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


@pytest.mark.parametrize(("model", "workers"), [("box", [4] * 6 + [1, 2, 3, 4]), ("stub", [])])
def test_each_number_of_workers_is_measured(
    monkeypatch: pytest.MonkeyPatch, model: str, workers: list[int]
) -> None:
    """From one to as many as this computer has use for; all of them where that is not asked."""
    asked: list[int] = []

    def cost(_texts: object, bundle: Path | None, workers: int) -> tuple[int, float]:
        if bundle is None:
            asked.append(workers)
        return 1, 1.0

    monkeypatch.setattr(growth, "cost", cost)
    monkeypatch.setattr(growth, "reviews", lambda *_: ["a"])
    monkeypatch.setattr(machine, "workers", lambda: 4)
    monkeypatch.setattr(sys, "argv", ["growth", "--rows", "1", "--model", model])
    growth.main()
    assert asked == workers


def test_an_interval_of_rows_is_that_of_their_binomial() -> None:
    """Of a share of 0.8 among 400 rows a standard error is 0.02."""
    right = np.arange(400) % 5 > 0
    found = accuracy.with_interval(lambda rows: float(right[rows].mean()), len(right))
    share, low, high = (float(one.strip("[],%")) for one in found.split())
    assert share == 80
    assert [low, high] == pytest.approx([76.08, 83.92], abs=0.5)


def test_an_interval_of_draws_has_both_their_rows_and_their_differences() -> None:
    """One draw has the binomial's alone; draws that differ by as much again make it wider."""
    assert adapt.with_interval([0.8], 400) == "80.0% [76.1%, 83.9%]"
    assert adapt.with_interval([0.78, 0.82], 400) == "80.0% [74.5%, 85.5%]"
    assert adapt.with_interval([1.0, 1.0], 50) == "100.0% [100.0%, 100.0%]"


def test_a_plain_sentence_is_rated_and_about_the_film(monkeypatch: pytest.MonkeyPatch) -> None:
    """On its review's side, and no more than one of a review; what happens in it is left out."""
    rows = {
        "The cast is wonderful and I loved it. The plot is superb and a great delight.": "positive",
        "He murders his cruel wife and dies in agony. I watched this on a Sunday.": "negative",
        "A terrible, awful script. The acting is a great joy, of course.": "negative",
    }
    frame = pd.DataFrame({"text": list(rows), "label": list(rows.values())})
    monkeypatch.setattr(benchmark_reviews, "imdb_held_back", lambda: frame)
    found = benchmark_reviews.clear_sentences(10)
    assert dict(zip(found["text"], found["label"], strict=True)) == {
        "The cast is wonderful and I loved it.": "positive",
        "A terrible, awful script.": "negative",
    }


def test_a_word_that_changes_a_label_is_counted() -> None:
    """Of three words in two sentences one is not labelled as the others are."""
    chances = {"A x film.": 0.6, "A y film.": 0.7, "A z film.": 0.4}

    def score(texts: list[str]) -> list[Any]:
        return [SimpleNamespace(probabilities=(1 - p, p)) for p in map(chance, texts)]

    def chance(text: str) -> float:
        return chances.get(text, 0.9)

    scorer: Any = SimpleNamespace(labels=("negative", "positive"), score=score)
    changed, means = biases.pulls(scorer, "xyz", ("A {} film.", "A fine {} film."))
    assert changed == pytest.approx(1 / 6)
    assert means == pytest.approx([0.75, 0.8, 0.65])
