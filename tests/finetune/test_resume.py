"""Which checkpoint a killed run goes on from, and which it does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from finetune.plan import RECIPE, _prepare_checkpoints
from finetune.resume import last_checkpoint
from finetune.settings import TrainSettings
from finetune.splits import LabelledData, Split
from score.errors import OutputError


def test_torn_checkpoints(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Of several the newest whole one is taken; those after it go, each with a word."""
    states = {90: "{}", 500: "{}", 999: None, 1000: '{"global_step": 10', 1500: ""}
    for step, state in states.items():
        folder = tmp_path / f"checkpoint-{step}"
        folder.mkdir()
        if state is not None:
            (folder / "trainer_state.json").write_text(state)
    (tmp_path / "run.json").write_text("{}")
    assert last_checkpoint(tmp_path) == tmp_path / "checkpoint-500"
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "checkpoint-500",
        "checkpoint-90",
        "run.json",
    ]
    assert caplog.messages == [
        f"Removing {tmp_path / f'checkpoint-{step}'}: the run was killed while writing it"
        for step in (1500, 1000, 999)
    ]
    (tmp_path / "checkpoint-90" / "trainer_state.json").unlink()
    (tmp_path / "checkpoint-500" / "trainer_state.json").unlink()
    assert last_checkpoint(tmp_path) is None


def test_checkpoints_of_another_recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What an older thumbs began is refused at once, with the way out; its own run is not."""
    split = Split(("Good.", "Bad."), (1, 0))
    data = LabelledData("r.csv", "t.csv", ("bad", "good"), "none", split, split, split)
    folder = _prepare_checkpoints(tmp_path, TrainSettings(), data, overwrite=False)
    assert _prepare_checkpoints(tmp_path, TrainSettings(), data, overwrite=False) == folder
    monkeypatch.setattr("finetune.plan.RECIPE", RECIPE + 1)
    with pytest.raises(OutputError, match="other settings, data or thumbs version"):
        _prepare_checkpoints(tmp_path, TrainSettings(), data, overwrite=False)
