"""Memory depends on the longest cell and on the window, not on how many long cells there are."""

from __future__ import annotations

from pathlib import Path

import pytest

import score.windows
from benchmarks import stub
from score.model import Model
from score.scorer import Scorer
from score.scoring import FileSettings, score_file
from score.windows import windows


def test_long_texts_come_in_small_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """A window ends where its text is long enough to hold."""
    monkeypatch.setattr(score.windows, "WINDOW_HELD", 1_000)
    texts = ["x" * length for length in [10] * 600 + [900] * 4 + [5_000] * 2 + [10]]
    found = list(windows(texts, len, 10_000))
    assert [len(window) for window in found] == [101, 101, 101, 101, 101, 96, 2, 2, 1, 1]
    assert [text for window in found for text in window] == texts


def test_a_window_is_no_more_than_seconds_of_work() -> None:
    """Two hundred pages are as much as two thousand sentences; of a longer text no more is read."""
    sizes = [len(window) for window in windows(["x" * 1_300] * 1_000, len, 1_300)]
    assert sizes == [231, 231, 231, 231, 76]
    assert [len(window) for window in windows(["x" * 2_600] * 231, len, 1_300)] == [231]
    assert [len(window) for window in windows(["x"] * 5_000, len, 1_300)] == [2048, 2048, 904]
    wide = windows(["x"] * 100, len, 1_300, lambda _: 300_000)
    assert [len(window) for window in wide] == [14] * 7 + [2], "other columns are held as well"


def test_a_huge_cell_is_scored_by_its_ends(tmp_path: Path, stub_bundle: Path) -> None:
    """A cell of millions of characters has the score of its two ends, and is flagged."""
    text = "a good film, " * 300_000
    (tmp_path / "r.csv").write_text(f'review\n"{text}"\n"short"\n')
    summary = score_file(tmp_path / "r.csv", tmp_path / "out.csv", FileSettings(model=stub_bundle))
    assert (summary.rows, summary.truncated) == (2, 1)
    with Scorer(stub_bundle) as scorer:
        ends = scorer._model.clean(text)
        assert len(ends) < 40_000
        assert scorer.score([text]) == scorer.score([ends])
    assert stub.answer_of(ends) != stub.answer_of(text)
    assert Model.clean(scorer._model, ends) == ends
