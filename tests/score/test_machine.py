"""How many cores a run takes, and when it lets others go first."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from score import machine


@pytest.fixture
def computer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A computer of eight cores with two threads each; the folder tells of its container."""
    monkeypatch.setattr(machine, "_allowed", lambda: 16)
    monkeypatch.setattr(psutil, "cpu_count", lambda *, logical: 16 if logical else 8)
    monkeypatch.setattr(machine, "_CONTAINER", tmp_path)
    return tmp_path


def test_a_worker_for_each_physical_core(computer: Path) -> None:
    """And one less where the user wants to go on working."""
    assert computer.exists()
    assert machine.workers() == 8
    assert machine.workers(polite=True) == 7


def test_a_process_bound_to_some_cores(computer: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes no more than it has; of a single core nothing can be left."""
    assert computer.exists()
    monkeypatch.setattr(machine, "_allowed", lambda: 3)
    assert machine.workers() == 3
    monkeypatch.setattr(machine, "_allowed", lambda: 1)
    assert machine.workers(polite=True) == 1


def test_cores_that_cannot_be_told_apart(computer: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system does not say which threads share a core, all of them count."""
    assert computer.exists()
    monkeypatch.setattr(psutil, "cpu_count", lambda *, logical: 16 if logical else None)
    assert machine.workers() == 16


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"cpu.max": "250000 100000\n"}, 3),
        ({"cpu.max": "50000 100000\n"}, 1),
        ({"cpu.max": "max 100000\n"}, 8),
        ({"cpu.max": "nonsense"}, 8),
        ({"cpu/cpu.cfs_quota_us": "200000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 2),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, 8),
    ],
)
def test_a_container_with_a_share_of_time(
    computer: Path, files: dict[str, str], expected: int
) -> None:
    """More threads than its share would only be put to sleep."""
    for name, text in files.items():
        (computer / name).parent.mkdir(exist_ok=True)
        (computer / name).write_text(text)
    assert machine.workers() == expected


@pytest.mark.parametrize(
    ("battery", "expected"),
    [
        (None, False),
        (SimpleNamespace(power_plugged=True), False),
        (SimpleNamespace(power_plugged=None), False),
        (SimpleNamespace(power_plugged=False), True),
    ],
)
def test_on_battery(monkeypatch: pytest.MonkeyPatch, battery: object, expected: bool) -> None:
    """Only where there surely is one and nothing charges it."""
    monkeypatch.setattr(psutil, "sensors_battery", lambda: battery, raising=False)
    assert machine.on_battery() is expected


def test_a_system_that_cannot_tell_of_batteries(monkeypatch: pytest.MonkeyPatch) -> None:
    """There psutil lacks the function, or fails."""
    monkeypatch.delattr(psutil, "sensors_battery", raising=False)
    assert machine.on_battery() is False


@pytest.mark.skipif(os.name == "nt", reason="Windows has classes, no niceness")
def test_others_go_first() -> None:
    """The whole process steps back, threads that are yet to come included."""
    code = (
        "import os, threading; from score import machine; before = os.nice(0); "
        "machine.step_back(); "
        "thread = threading.Thread(target=lambda: print(os.nice(0) - before)); "
        "thread.start(); thread.join()"
    )
    told = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert int(told.stdout) in range(1, 11)
