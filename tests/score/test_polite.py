"""When the command steps back by itself: on battery, unless it was told."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
from click.testing import CliRunner

from score import cli, machine
from score.scorer import Scorer, ScorerSettings

UNPLUGGED, PLUGGED = (SimpleNamespace(power_plugged=one) for one in (False, True))


@pytest.fixture
def stepped_back(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[int]:
    """By how much the command stepped back, of a laptop."""
    (tmp_path / "supplies" / "BAT0").mkdir(parents=True)
    (tmp_path / "supplies" / "BAT0" / "type").write_text("Battery\n")
    monkeypatch.setattr(machine, "_SUPPLIES", tmp_path / "supplies")
    monkeypatch.setattr(sys, "platform", "linux")
    found: list[int] = []
    monkeypatch.setattr(os, "nice", found.append, raising=False)
    return found


@pytest.mark.parametrize(
    ("words", "battery", "expected"),
    [
        ([], UNPLUGGED, True),
        ([], PLUGGED, False),
        ([], None, False),
        (["--polite"], PLUGGED, True),
        (["--no-polite"], UNPLUGGED, False),
    ],
)
def test_on_battery_the_command_steps_back(
    stepped_back: list[int],
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    battery: object,
    expected: bool,
) -> None:
    """What it was told comes first; a core stays free where it steps back, and only there."""
    monkeypatch.setattr(psutil, "sensors_battery", lambda: battery, raising=False)
    polite: list[bool] = []

    def keep(_texts: object, options: dict[str, bool]) -> int:
        polite.append(cli._scorer_settings(options).polite)
        return 0

    monkeypatch.setattr(cli, "_score_texts", keep)
    result = CliRunner().invoke(cli.score, ["--text", "Good.", "--no-cache", *words])
    assert result.exit_code == 0, result.output
    assert polite == [expected]
    assert stepped_back == ([10] if expected else [])


def test_a_polite_scorer_says_so(stub_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In what it tells of its device, with a worker less."""
    for name in ("_cores", "_threads", "_share"):
        monkeypatch.setattr(machine, name, lambda: 4)
    with Scorer(stub_bundle, ScorerSettings(polite=True)) as scorer:
        assert scorer.device == "cpu, fp32, 3 workers, politely"
