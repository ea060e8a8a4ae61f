"""Kill a run at random moments, again and again, and compare what comes out in the end.

    python -m benchmarks.kills [--kills 1000] [--rows 10000]

A child scores a file with a stub engine and is killed (SIGKILL) at a random moment; the
next one goes on where it was. Each file that a child completes is compared with that of an
undisturbed run, row by row and by SHA-256, and the next one begins from nothing.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import os
import random
import shutil
import signal
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks import stub
from score.scorer import ScorerSettings
from score.scoring import FileSettings, score_file

# Every so many rows one has too many cells, so that there are rejects to lose.
_REJECT_EVERY = 500


@dataclass
class Tally:
    """What was done, and what came of it.

    Attributes:
        kills: children killed while they ran.
        complete: files completed and compared.
        half: kills after which an output was there that was not complete.
        lost, doubled, misaligned: rows of complete files.
        different: complete files, rejects included, with another SHA-256.
    """

    kills: int = 0
    complete: int = 0
    half: int = 0
    lost: int = 0
    doubled: int = 0
    misaligned: int = 0
    different: int = 0


@dataclass(frozen=True)
class Desk:
    """Where the runs take place."""

    folder: Path
    bundle: Path
    latency: float

    @property
    def output(self) -> Path:
        """The output; its rejects stand beside it."""
        return self.folder / "out.csv"

    def score(self) -> None:
        """Score the file, or go on with it."""
        stub.install(self.latency)
        cache = self.folder / "scores.sqlite3"
        settings = FileSettings(model=self.bundle, scorer=ScorerSettings(workers=2, cache=cache))
        score_file(self.folder / "r.csv", self.output, settings)

    def unfinished(self) -> bool:
        """Whether a run was killed in its last moments, which the next one ends."""
        return any(self.folder.parent.glob("home/thumbs/locks/*.ending"))

    def clear(self) -> None:
        """Remove all but the input."""
        for path in self.folder.iterdir():
            if path.name != "r.csv":
                path.unlink()

    def digest(self) -> str:
        """SHA-256 of the output and its rejects together."""
        rejects = self.output.with_suffix(".rejects.csv")
        return hashlib.sha256(self.output.read_bytes() + rejects.read_bytes()).hexdigest()


def write_reviews(path: Path, rows: int) -> None:
    """Write ``rows`` different reviews; some records have a cell too many."""
    with path.open("w", encoding="utf-8") as file:
        file.write("id,review\n")
        for i in range(rows):
            more = ",too,many" if i % _REJECT_EVERY == _REJECT_EVERY - 1 else ""
            file.write(f"{i},{_review(i)}{more}\n")


def kill_often(folder: Path, kills: int, rows: int, tally: Tally, latency: float = 0.0002) -> Tally:
    """Kill as often as asked for, and compare all that is completed.

    Args:
        folder: an empty folder.
        kills: how many children to kill.
        rows: the length of the file.
        tally: where it is counted, also when this is interrupted.
        latency: seconds that the stub takes for a review.
    """
    choose = random.Random(kills)  # noqa: S311 - moments, no secrets
    os.environ["XDG_CACHE_HOME"] = str(folder / "home")
    (folder / "desk").mkdir()
    desk = Desk(folder / "desk", stub.make_bundle(folder / "bundle"), latency)
    write_reviews(desk.folder / "r.csv", rows)
    started = time.monotonic()
    _child(desk, None)
    longest = time.monotonic() - started
    undisturbed = desk.digest()
    desk.clear()
    while tally.kills < kills or not tally.complete:
        # In the end the killing stops, or a last file would never be completed.
        moment = _moment(choose, longest) if tally.kills < kills else None
        if _child(desk, moment):
            _compare(desk, rows, undisturbed, tally)
            desk.clear()
        else:
            tally.kills += 1
            tally.half += desk.output.exists() and desk.digest() != undisturbed
            if desk.output.exists() and not desk.unfinished():  # killed when it had ended
                desk.clear()
    return tally


def _moment(choose: random.Random, longest: float) -> float:
    """A moment to kill at: mostly early, so that a file is begun and gone on with many times."""
    return choose.uniform(0, longest * choose.choice((0.1, 0.1, 0.3, 0.7)))


def _child(desk: Desk, moment: float | None) -> bool:
    """Run a child, kill it after so many seconds, and say whether it was done before."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            desk.score()
            code = 0
        finally:
            os._exit(code)
    if moment is not None:
        time.sleep(moment)
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return False
    if os.WEXITSTATUS(status):
        raise RuntimeError("a run failed; see above")
    return True


def _compare(desk: Desk, rows: int, undisturbed: str, tally: Tally) -> None:
    with desk.output.open(encoding="utf-8", newline="") as file:
        found = [(int(row["id"]), row["label"], row["confidence"]) for row in csv.DictReader(file)]
    wanted = [i for i in range(rows) if i % _REJECT_EVERY != _REJECT_EVERY - 1]
    numbers = [number for number, _, _ in found]
    tally.complete += 1
    tally.lost += len(set(wanted) - set(numbers))
    tally.doubled += len(numbers) - len(set(numbers))
    tally.misaligned += numbers != sorted(numbers)
    tally.misaligned += sum(
        (label, confidence) != stub.cells_of(_review(number)) for number, label, confidence in found
    )
    tally.different += desk.digest() != undisturbed


def _review(number: int) -> str:
    return f"Seen on evening {number}; a film with much to say."


def main() -> None:
    """Kill and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=1_000)
    parser.add_argument("--rows", type=int, default=10_000)
    options = parser.parse_args()
    folder, tally = Path(tempfile.mkdtemp()), Tally()
    try:
        kill_often(folder, options.kills, options.rows, tally)
    except KeyboardInterrupt:
        print("Stopped; until then:")
    finally:
        shutil.rmtree(folder)
    for name, value in vars(tally).items():
        print(f"{name:>12}{value:8,}")


if __name__ == "__main__":
    main()
