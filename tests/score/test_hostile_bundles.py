"""Bundles that were made to do harm: refused in 5 s and 100 MiB, and nothing is written."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from score.bundle import Bundle
from score.scorer import Scorer
from tests.score.file_attacks import FILE_ATTACKS
from tests.score.graph_attacks import GRAPH_ATTACKS
from tests.score.small_bundle import make_bundle

ATTACKS = {**GRAPH_ATTACKS, **FILE_ATTACKS}

# Loads the good bundle to know what that takes, then has each other one score a file.
PROGRAM = """
import json, resource, sys, time
from pathlib import Path
from score.errors import ThumbsError
from score.scorer import Scorer
from score.scoring import FileSettings, score_file

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024

home = Path(sys.argv[1])
Scorer(home / "good").close()
for folder in sorted(home.glob("bad*")):
    before, started = peak(), time.process_time()
    try:
        score_file(home / "in.csv", home / "out.csv", FileSettings(model=folder))
        said = [0, ""]
    except ThumbsError as exc:
        said = [exc.exit_code, str(exc)]
    cost = (time.process_time() - started, peak() - before)
    print(json.dumps([folder.name, *said, *cost]), flush=True)
"""


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[int, str, float, int]]:
    """What became of each attack: exit code, message, seconds of a processor, MiB of growth."""
    home = tmp_path_factory.mktemp("bundles")
    (home / "in.csv").write_text("text\nGood.\n")
    make_bundle(home / "good")
    for place, (spoil, _) in enumerate(ATTACKS.values()):
        spoil(make_bundle(home / f"bad{place:03}"))
    before = sorted(home.rglob("*"))
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, home],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=300,
    )
    assert sorted(home.rglob("*")) == before
    names = list(ATTACKS)
    found = {}
    for line in done.stdout.splitlines():
        folder, code, message, seconds, grown = json.loads(line)
        said = message.replace(str(home / folder), "{}")
        found[names[int(folder[3:])]] = (code, said, seconds, grown)
    return found


def test_the_smallest_bundle_scores(tmp_path: Path) -> None:
    """What the attacks are made from is a good bundle itself."""
    with Scorer(make_bundle(tmp_path / "good")) as scorer:
        assert [score.label for score in scorer.score(["a good film."])] == ["negative"]
    assert Bundle.load(tmp_path / "good").description.name == "small"


@pytest.mark.skipif(os.name == "nt", reason="only POSIX tells what a process used")
@pytest.mark.parametrize("name", ATTACKS)
def test_attacks(name: str, outcomes: dict[str, tuple[int, str, float, int]]) -> None:
    """Each is refused with 78 in one sentence, soon, and at a small cost."""
    code, message, seconds, grown = outcomes[name]
    expected, ours, _ = ATTACKS[name][1].partition("…")
    # What comes behind the … is said by another library, or cut.
    assert (code, message[: len(expected)] if ours else message) == (78, expected)
    assert seconds < 5
    assert grown <= 100
