"""What a summary calls known already: of an earlier run, and of what stood further up in this."""

from __future__ import annotations

from pathlib import Path

import pytest

import score.windows
from score.scorer import ScorerSettings
from score.scoring import FileSettings, score_file


def test_what_is_known_already_is_not_said_to_be_from_before(
    stub_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A first run has nothing from before, and equal texts far apart."""
    monkeypatch.setattr(score.windows, "WINDOW", 1)
    source = tmp_path / "r.csv"
    source.write_text("review\none\ntwo\none\ntwo\n")
    settings = FileSettings(
        model=stub_bundle, scorer=ScorerSettings(cache=tmp_path / "scores.sqlite3")
    )
    lines = [
        score_file(source, tmp_path / f"{number}.csv", settings).lines()[0] for number in range(2)
    ]
    told = [line.partition("rows/s, ")[2].partition(";")[0] for line in lines]
    assert told == ["2 known already", "4 known already"]
