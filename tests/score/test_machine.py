"""How many cores a run takes, and when it lets others go first."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from score import machine


@pytest.fixture
def computer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A computer of eight cores with two threads each, n and n + 8, in a folder."""
    for place in ("container", "cpu", "supplies"):
        (tmp_path / place).mkdir()
    for number in range(16):
        topology = tmp_path / f"cpu/cpu{number}/topology"
        topology.mkdir(parents=True)
        (topology / "thread_siblings_list").write_text(f"{number % 8},{number % 8 + 8}\n")
    monkeypatch.setattr(machine, "_CONTAINER", tmp_path / "container")
    monkeypatch.setattr(machine, "_PROCESSORS", tmp_path / "cpu")
    monkeypatch.setattr(machine, "_SUPPLIES", tmp_path / "supplies")
    bind(monkeypatch, *range(16))
    return tmp_path


def bind(monkeypatch: pytest.MonkeyPatch, *threads: int) -> None:
    """Let this process run on these threads of the processor alone."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(threads), raising=False)


def test_a_worker_for_each_physical_core(computer: Path) -> None:
    """And one less where the user wants to go on working."""
    assert computer.exists()
    assert machine.workers() == 8
    assert machine.workers(polite=True) == 7


@pytest.mark.parametrize(
    ("threads", "expected"), [((0, 1, 2), 3), ((0, 8), 1), ((0, 1, 8, 9), 2), ((5,), 1)]
)
def test_a_process_bound_to_some_threads(
    computer: Path, monkeypatch: pytest.MonkeyPatch, threads: tuple[int, ...], expected: int
) -> None:
    """Two of one core count once; of a single core nothing can be left."""
    assert computer.exists()
    bind(monkeypatch, *threads)
    assert machine.workers() == expected
    assert machine.workers(polite=True) == max(1, expected - 1)


def test_threads_that_cannot_be_told_apart(computer: Path) -> None:
    """Where the system does not say which share a core, all of them count."""
    for number in range(16):
        (computer / f"cpu/cpu{number}/topology/thread_siblings_list").unlink()
    assert machine.workers() == 16


def _as_on_windows(name: str | None) -> object:
    """What a library without a name is there."""
    raise TypeError(f"argument of type {type(name).__name__!r} is not iterable")


@pytest.mark.parametrize(("allowed", "expected"), [(None, (6, 12)), (range(3), (3,))])
def test_another_system(
    monkeypatch: pytest.MonkeyPatch,
    computer: Path,
    allowed: Sequence[int] | None,
    expected: tuple[int, ...],
) -> None:
    """Windows and macOS say how many cores there are, Windows which of them may be used."""
    assert computer.exists()
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 12)
    monkeypatch.setattr(psutil, "cpu_count", lambda *, logical: 12 if logical else 6)
    process = SimpleNamespace(cpu_affinity=lambda: allowed) if allowed else SimpleNamespace()
    monkeypatch.setattr(psutil, "Process", lambda: process)
    monkeypatch.setattr(ctypes, "CDLL", _as_on_windows)
    assert machine.workers() == expected[0]
    assert machine.numbers_of_workers() == expected


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
        (computer / "container" / name).parent.mkdir(exist_ok=True)
        (computer / "container" / name).write_text(text)
    assert machine.workers() == expected


@pytest.mark.parametrize(
    ("told", "files", "expected"),
    [
        ("0::/some.slice/my.service\n", {"some.slice/my.service/cpu.max": "200000 100000"}, 2),
        ("0::/some.slice/my.service\n", {"some.slice/cpu.max": "100000 100000"}, 1),
        ("0::/../other\n", {"other/cpu.max": "100000 100000"}, 8),
        (
            "4:memory:/a\n3:cpu,cpuacct:/a\n",
            {"cpu/a/cpu.cfs_quota_us": "300000", "cpu/a/cpu.cfs_period_us": "100000"},
            3,
        ),
        ("nonsense", {}, 8),
    ],
)
def test_a_service_with_a_share_of_time(
    computer: Path,
    monkeypatch: pytest.MonkeyPatch,
    told: str,
    files: dict[str, str],
    expected: int,
) -> None:
    """It is set for the service or for the slice that it is in; the least one counts."""
    (computer / "groups").write_text(told)
    monkeypatch.setattr(machine, "_GROUPS", computer / "groups")
    for name, text in files.items():
        (computer / "container" / name).parent.mkdir(parents=True, exist_ok=True)
        (computer / "container" / name).write_text(text)
    assert machine.workers() == expected


@pytest.mark.parametrize(
    ("threads", "limit", "expected"),
    [
        (range(16), "max 100000", (8, 16)),
        (range(8), "max 100000", (8,)),
        # Intel's: two fast cores with two threads each, and six slow ones.
        ((0, 8, 1, 9, 2, 3, 4, 5, 6, 7), "max 100000", (8, 10, 2)),
        (range(16), "300000 100000", (3,)),
        ((0, 8), "max 100000", (1, 2)),
    ],
)
def test_where_the_number_of_workers_is_in_doubt(
    computer: Path,
    monkeypatch: pytest.MonkeyPatch,
    threads: Sequence[int],
    limit: str,
    expected: tuple[int, ...],
) -> None:
    """Second threads and slower cores: within the container's share, the usual number first."""
    (computer / "container" / "cpu.max").write_text(limit)
    bind(monkeypatch, *threads)
    assert machine.numbers_of_workers() == expected


def test_large_and_small_cores(computer: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Linux on ARM tells how much each can do; one that does all but as much is a large one."""
    bind(monkeypatch, *range(8))
    for number in range(8):
        capacity = 1024 if number == 7 else 800 if number > 4 else 300
        (computer / f"cpu/cpu{number}/cpu_capacity").write_text(f"{capacity}\n")
    assert machine.numbers_of_workers() == (8, 3)


def test_a_computer_is_known_by_what_makes_it_fast(
    computer: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its processor, and as much of it as this process has."""
    (computer / "cpuinfo").write_text("processor\t: 0\nmodel name\t: Some CPU @ 2 GHz\n")
    monkeypatch.setattr(machine, "_MODEL", computer / "cpuinfo")
    assert machine.described() == "Some CPU @ 2 GHz, 8 cores, 16 threads"
    (computer / "container" / "cpu.max").write_text("250000 100000")
    assert machine.described() == "Some CPU @ 2 GHz, 8 cores, 16 threads, 2.5 cores' time"
    monkeypatch.setattr(machine, "_MODEL", computer / "none")
    assert machine.described().endswith(", 8 cores, 16 threads, 2.5 cores' time")


@pytest.fixture
def laptop(computer: Path) -> Path:
    """One with a battery."""
    supply(computer, "BAT0", type="Battery")
    return computer


def supply(computer: Path, name: str, **told: str) -> None:
    """A power supply, as Linux tells of it."""
    (computer / "supplies" / name).mkdir()
    for file, text in told.items():
        (computer / "supplies" / name / file).write_text(f"{text}\n")


@pytest.mark.parametrize(
    ("battery", "expected"),
    [
        (None, False),
        (SimpleNamespace(power_plugged=True), False),
        (SimpleNamespace(power_plugged=None), False),
        (SimpleNamespace(power_plugged=False), True),
    ],
)
def test_on_battery(
    monkeypatch: pytest.MonkeyPatch, laptop: Path, battery: object, expected: bool
) -> None:
    """Only where there surely is one and nothing charges it."""
    assert laptop.exists()
    monkeypatch.setattr(psutil, "sensors_battery", lambda: battery, raising=False)
    assert machine.on_battery() is expected


@pytest.mark.skipif(sys.platform != "linux", reason="other systems tell of the computer's alone")
def test_a_mouse_has_a_battery_of_its_own(monkeypatch: pytest.MonkeyPatch, computer: Path) -> None:
    """The computer does not run on it."""
    unplugged = SimpleNamespace(power_plugged=False)
    monkeypatch.setattr(psutil, "sensors_battery", lambda: unplugged, raising=False)
    supply(computer, "hidpp_battery_0", type="Battery", scope="Device")
    supply(computer, "AC", type="Mains")
    assert machine.on_battery() is False
    supply(computer, "macsmc-battery", type="Battery", scope="System")
    assert machine.on_battery() is True


def test_a_system_that_cannot_tell_of_batteries(
    monkeypatch: pytest.MonkeyPatch, laptop: Path
) -> None:
    """There psutil lacks the function, or fails."""
    assert laptop.exists()
    monkeypatch.delattr(psutil, "sensors_battery", raising=False)
    assert machine.on_battery() is False


@pytest.mark.skipif(os.name == "nt", reason="Windows has classes, no niceness")
def test_others_go_first() -> None:
    """Threads that are yet to come step back too, as far as they can."""
    code = (
        "import os, threading; from score import machine; before = os.nice(0); "
        "machine.step_back(); told = []; "
        "thread = threading.Thread(target=lambda: told.append(os.nice(0))); "
        "thread.start(); thread.join(); print(before, *told)"
    )
    told = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    before, after = map(int, told.stdout.split())
    assert after == min(before + 10, 19)
