"""SIGINT and SIGTERM: what is scored is kept, the run leaves within two seconds and says so."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.command.conftest import PROJECT

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows sends no such signals")

GO_ON = "thumbs: Interrupted; what is done is kept: type the same line again to go on.\n"
SECONDS = 2.0

# The stub's model, and a mark where the signal is to come.
_PRELUDE = """
import time
from pathlib import Path
import thumbs
from benchmarks import stub
import score.atomic, score.cli, score.model, score.scoring
stub.install({latency})
"""
_LOG_ANSWERS = """
run = score.model.Model.run
def logged(model, batch):
    found = run(model, batch)
    with open("answered", "ab") as file:
        file.write(b"." * len(batch))
    return found
score.model.Model.run = logged
"""
_MARK = """
original = {owner}.{name}
def marked(*words, **more):
    Path("mark").touch()
    time.sleep({before})
    found = original(*words, **more)
    time.sleep({after})
    return found
{owner}.{name} = marked
"""


@dataclass
class Running:
    """A run of the command with the stub, in a folder with an input of some rows."""

    folder: Path
    bundle: Path
    latency: float = 0.0
    rows: int = 2_000
    prelude: str = ""
    words: tuple[str, ...] = ()
    setup: Callable[[], object] | None = None
    seconds: float = field(default=0.0, init=False)

    def interrupt(self, *numbers: int, when: str = ".out.csv.part", after: float = 0.0) -> int:
        """Start, wait for the file ``when`` and send the signals; give the exit code."""
        lines = "".join(f"{i},Film {i}.\n" for i in range(self.rows))
        (self.folder / "r.csv").write_text(f"id,review\n{lines}")
        words = ["score", "r.csv", "-o", "out.csv", "--model", str(self.bundle), "--workers", "2"]
        code = f"{_PRELUDE.format(latency=self.latency)}{self.prelude}"
        code += f"thumbs.main({[*words, '--quiet', '--cache', 'c.sqlite3', *self.words]!r})"
        home = str(self.folder / "home")
        environment = {**os.environ, "PYTHONPATH": str(PROJECT), "XDG_CACHE_HOME": home}
        with subprocess.Popen(
            [sys.executable, "-c", code],
            cwd=self.folder,
            env=environment,
            stderr=subprocess.PIPE,
            preexec_fn=self.setup,
        ) as process:
            until = time.monotonic() + 60
            while not (self.folder / when).exists() and time.monotonic() < until:
                time.sleep(0.01)
            time.sleep(after)
            started = time.monotonic()
            for number in numbers:
                process.send_signal(number)
                time.sleep(0.1)
            _, stderr = process.communicate(timeout=60)
            self.seconds = time.monotonic() - started
        self.message = stderr.decode()
        return process.returncode

    def remembered(self) -> int:
        """How many answers are in the cache."""
        with contextlib.closing(sqlite3.connect(self.folder / "c.sqlite3")) as cache:
            return int(cache.execute("SELECT count(*) FROM young").fetchone()[0])


@pytest.mark.parametrize("numbers", [(2,), (15,), (2, 2), (2, 15, 15)])
def test_what_is_scored_is_kept(
    numbers: tuple[int, ...], tmp_path: Path, stub_bundle: Path
) -> None:
    """Every answered review is remembered, also when the signal comes twice."""
    run = Running(tmp_path, stub_bundle, latency=0.3, prelude=_LOG_ANSWERS)
    assert (run.interrupt(*numbers, when="answered", after=0.5), run.message) == (
        128 + numbers[0],
        GO_ON,
    )
    assert run.seconds < SECONDS
    answered = len((tmp_path / "answered").read_bytes())
    assert answered >= 2
    assert run.remembered() == answered
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "answered",
        "c.sqlite3",
        "home",
        "r.csv",
    ]


def test_a_review_that_takes_too_long_is_given_up(tmp_path: Path, stub_bundle: Path) -> None:
    """A run leaves within two seconds, also where a review takes half a minute."""
    run = Running(tmp_path, stub_bundle, latency=30)
    assert (run.interrupt(signal.SIGTERM, after=0.2), run.message) == (143, GO_ON)
    assert run.seconds < SECONDS


def test_a_signal_while_the_input_is_counted(tmp_path: Path, stub_bundle: Path) -> None:
    """Nothing is begun yet, and nothing is left."""
    mark = _MARK.format(owner="score.scoring", name="count_records", before=0, after=30)
    run = Running(tmp_path, stub_bundle, prelude=mark, rows=100_000)
    assert (run.interrupt(signal.SIGINT, when="mark"), run.message) == (130, GO_ON)
    assert run.seconds < SECONDS
    assert not (tmp_path / ".out.csv.part").exists()


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        ("score.atomic.AtomicFile", "place"),
        ("score.scorer.Scorer", "close"),
        ("score.cli", "_write_summary"),
    ],
)
def test_a_signal_at_the_end_comes_too_late(
    owner: str, name: str, tmp_path: Path, stub_bundle: Path
) -> None:
    """From the first name that is taken the run goes to its end: output, rejects and summary."""
    mark = _MARK.format(owner=owner, name=name, before=0.3, after=0.3)
    words = ("--summary", "summary.json")
    run = Running(tmp_path, stub_bundle, prelude=mark, rows=20, words=words)
    assert (run.interrupt(signal.SIGINT, when="mark"), run.message) == (0, "")
    assert (tmp_path / "summary.json").exists()
    assert len((tmp_path / "out.csv").read_text().splitlines()) == 21


def test_a_signal_that_is_ignored_stays_ignored(tmp_path: Path, stub_bundle: Path) -> None:
    """Under nohup, or behind a shell's &, a run goes on."""

    def ignore() -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    run = Running(tmp_path, stub_bundle, latency=0.05, rows=20, setup=ignore)
    assert (run.interrupt(signal.SIGINT), run.message) == (0, "")


def test_the_next_run_goes_on(tmp_path: Path, stub_bundle: Path) -> None:
    """Interrupted and typed again, a run gives the bytes of an undisturbed one."""
    run = Running(tmp_path, stub_bundle, latency=0.01, rows=600, prelude=_LOG_ANSWERS)
    assert run.interrupt(signal.SIGTERM, when="answered", after=0.2) == 143
    known = run.remembered()
    assert 0 < known < 600
    run.latency = 0
    assert run.interrupt(when="out.csv") == 0
    output = (tmp_path / "out.csv").read_bytes()
    run.words = ("--overwrite", "--no-cache")
    (tmp_path / "out.csv").write_bytes(b"old")
    assert run.interrupt(when="out.csv") == 0
    assert (tmp_path / "out.csv").read_bytes() == output
