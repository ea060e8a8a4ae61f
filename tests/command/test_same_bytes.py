"""A score is a pure function of bundle and text: the same bytes whatever happens around it."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.command.conftest import Run

WORDS = "good bad film plot wonderful awful the a of and was music long".split()  # noqa: SIM905 - a line


def reviews(count: int) -> list[str]:
    """Different reviews of 3 to 60 words, some of them twice."""
    choose = random.Random(7)
    made = [" ".join(choose.choices(WORDS, k=choose.randint(3, 60))) for _ in range(count)]
    return made + made[: count // 10]


def names(folder: Path) -> list[str]:
    """What lies in a folder."""
    return sorted(path.name for path in folder.iterdir())


def write_csv(path: Path, rows: list[str]) -> None:
    """One column, one review a line."""
    path.write_text("review\n" + "".join(f"{row}\n" for row in rows))


def test_order_workers_and_cache_change_nothing(
    thumbs: Run, folder: Path, tiny_bundle: Path
) -> None:
    """Sorted back, a shuffled file scored in any way gives the identical lines."""
    rows = reviews(600)
    write_csv(folder / "a.csv", rows)
    shuffled = rows[:]
    random.Random(3).shuffle(shuffled)
    write_csv(folder / "b.csv", shuffled)
    model = ("--model", tiny_bundle, "--scores", "--quiet")
    variants = [
        ("a.csv", ("--no-cache", "--workers", "1")),
        ("b.csv", ("--no-cache", "--workers", "1")),
        ("b.csv", ("--no-cache", "--workers", "3")),
        ("a.csv", ()),
        ("b.csv", ()),
    ]
    outputs = []
    for number, (name, words) in enumerate(variants):
        result = thumbs("score", name, "-o", f"{number}.csv", *model, *words)
        assert result.returncode == 0, result.stderr
        outputs.append(sorted((folder / f"{number}.csv").read_text().splitlines()))
    assert all(output == outputs[0] for output in outputs[1:])


def test_the_window_changes_nothing(tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows of any size, down to one review, give equal scores."""
    import score.windows
    from score.scorer import Scorer

    rows = reviews(60)
    with Scorer(tiny_bundle) as scorer:
        expected = scorer.score(rows)
        for window in (1, 7, 1000):
            monkeypatch.setattr(score.windows, "WINDOW", window)
            assert scorer.score(rows) == expected


@pytest.mark.parametrize("share", [0.0, 0.2, 0.5, 0.8])
def test_a_killed_run_goes_on_to_the_same_bytes(
    share: float, thumbs: Run, folder: Path, tiny_bundle: Path, environment: dict[str, str]
) -> None:
    """SIGKILL at any moment leaves no output, and the next run gives the undisturbed bytes."""
    write_csv(folder / "r.csv", reviews(12_000))
    model = ("--model", tiny_bundle, "--quiet")
    command = [sys.executable, "-m", "thumbs", "score", "r.csv", *map(str, model)]
    with subprocess.Popen(command, cwd=folder, env=environment) as process:
        part, wanted = folder / ".r.labelled.csv.part", share * (folder / "r.csv").stat().st_size
        while process.poll() is None and not (part.exists() and part.stat().st_size >= wanted):
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL, "it was done before it could be killed"
    assert names(folder) == [part.name, "r.csv"]
    assert thumbs("score", "r.csv", *model).returncode == 0
    assert thumbs("score", "r.csv", "-o", "whole.csv", "--no-cache", *model).returncode == 0
    assert (folder / "r.labelled.csv").read_bytes() == (folder / "whole.csv").read_bytes()
    assert names(folder) == ["r.csv", "r.labelled.csv", "whole.csv"]


def test_a_run_that_is_killed_at_its_very_end_is_ended_by_the_next(
    thumbs: Run, folder: Path, stub_bundle: Path, environment: dict[str, str]
) -> None:
    """Killed over its summary, a run leaves a whole output; the next one writes the summary too."""
    import json

    (folder / "r.csv").write_text("id,review\n1,A good film.\n2,one,too many\n")
    words = ["score", "r.csv", "--model", str(stub_bundle), "--no-cache", "--summary", "s.json"]
    code = "import os, score.cli, thumbs\n"
    code += "score.cli._write_summary = lambda *_: os.kill(os.getpid(), 9)\n"
    code += f"thumbs.main({words!r})"
    killed = subprocess.run([sys.executable, "-c", code], cwd=folder, env=environment, check=False)
    assert killed.returncode == -signal.SIGKILL
    left = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert left.keys() == {"r.csv", "r.labelled.csv", "r.labelled.rejects.csv"}
    again = thumbs(*words)
    assert again.returncode == 3
    assert again.stderr.decode().splitlines()[-2:] == [
        "Output: r.labelled.csv",
        "Rejects: r.labelled.rejects.csv",
    ]
    assert json.loads((folder / "s.json").read_text())["rows"] == 2
    assert {name: (folder / name).read_bytes() for name in left} == left
    assert names(folder) == [*sorted(left), "s.json"]


def test_a_second_run_pays_for_new_reviews_alone(
    thumbs: Run, folder: Path, tiny_bundle: Path
) -> None:
    """What was scored before is remembered, also for a longer file."""
    import json

    rows = reviews(100)
    write_csv(folder / "monday.csv", rows[:80])
    write_csv(folder / "tuesday.csv", rows)
    for day in ("monday", "tuesday"):
        thumbs("score", f"{day}.csv", "--model", tiny_bundle, "--summary", f"{day}.json")
    known = [
        json.loads((folder / f"{day}.json").read_text())["remembered"]
        for day in ("monday", "tuesday")
    ]
    assert known == [0, 90]
