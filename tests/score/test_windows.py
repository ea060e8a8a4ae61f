"""Memory depends on the longest cell and on the window, not on how many long cells there are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import score.scoring
from benchmarks import stub
from score.model import Model
from score.scorer import Scorer
from score.scoring import FileSettings, score_file
from score.tables import Row


def test_long_texts_come_in_small_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """A window ends at 256 rows, or where its text is long enough."""
    monkeypatch.setattr(score.scoring, "WINDOW_CHARACTERS", 1_000)
    lengths = [10] * 600 + [900] * 4 + [5_000] * 2 + [10]

    def rows() -> Iterator[Row]:
        for number, length in enumerate(lengths, start=1):
            yield Row(number, None, ("x" * length,))

    windows = list(score.scoring._windows(rows()))
    assert [len(window) for window in windows] == [101, 101, 101, 101, 101, 96, 2, 2, 1, 1]
    assert [row.number for window in windows for row in window] == list(range(1, len(lengths) + 1))


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
