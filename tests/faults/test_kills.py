"""SIGKILL at random moments: nothing is lost, doubled or moved."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from benchmarks.kills import Tally, kill_often
from tests.faults.children import in_child

KILLS = int(os.environ.get("THUMBS_KILLS", "20"))
ROWS = 10_000 if KILLS >= 1_000 else 2_000


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forked children")
def test_random_kills_lose_nothing(tmp_path: Path) -> None:
    """Killed again and again, a run comes to the undisturbed bytes; THUMBS_KILLS says how often."""
    tally = in_child(lambda: kill_often(tmp_path, KILLS, ROWS, Tally()))
    assert tally == Tally(kills=KILLS, complete=tally.complete)
    assert tally.complete >= 1
