"""A small run in a folder of its own, and what must hold of it whatever happens to it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

from benchmarks import stub
from score.errors import ThumbsError
from score.scorer import ScorerSettings
from score.scoring import FileSettings, score_file
from tests.faults.layer import Layer

OLD = {"out.csv": b"id,review,label,confidence,flags\n", "out.rejects.csv": b"row,reason,record\n"}
COMPLETE = (0, 3)
_WINDOW = 8
_ROWS = "".join(f'{i:03},"A film, of day {i}."\n' for i in range(20)) + "020,\n\n"
INPUT = f"id,review\n{_ROWS}".encode()
INPUT_WITH_REJECT = INPUT + b"022,one,too many\n"
Files = Mapping[str, bytes]


@dataclass(frozen=True)
class Scenario:
    """What lies there before the run, and what the run is told.

    Attributes:
        before: files by name; ``r.csv`` is the input.
        output: the name of the output.
        overwrite, in_place: as in FileSettings.
    """

    before: Files
    output: str = "out.csv"
    overwrite: bool = False
    in_place: bool = False


SCENARIOS = {
    "a new output": Scenario({"r.csv": INPUT_WITH_REJECT}),
    "an old output is replaced": Scenario({"r.csv": INPUT_WITH_REJECT, **OLD}, overwrite=True),
    "the new output has no rejects": Scenario({"r.csv": INPUT, **OLD}, overwrite=True),
    "in place": Scenario({"r.csv": INPUT_WITH_REJECT}, output="r.csv", in_place=True),
}


@dataclass(frozen=True)
class Outcome:
    """How a run ended: complete with 0 or 3, refused with another code, or killed with -9."""

    code: int
    message: str = ""


class Case:
    """One scenario in one folder.

    Args:
        folder: the case's own; it is made anew.
        scenario: what to do.
        bundle: the stub's bundle.
    """

    def __init__(self, folder: Path, scenario: Scenario, bundle: Path) -> None:
        self.desk, self.home = folder / "desk", folder / "home"
        self.scenario = scenario
        self._bundle = bundle
        shutil.rmtree(folder, ignore_errors=True)
        self.desk.mkdir(parents=True)
        self.home.mkdir()
        for name, content in scenario.before.items():
            (self.desk / name).write_bytes(content)

    def run(self, layer: Layer | None = None) -> Outcome:
        """Do the run in this process, with the stub's answers and windows of a few rows."""
        layer = layer or Layer(())
        layer.roots = (self.desk, self.home, self._bundle)
        stub.install()
        settings = FileSettings(
            model=self._bundle,
            scorer=ScorerSettings(workers=1, cache=self.home / "thumbs" / "scores.sqlite3"),
            overwrite=self.scenario.overwrite,
            in_place=self.scenario.in_place,
        )
        with (
            patch.dict(os.environ, XDG_CACHE_HOME=str(self.home)),
            patch("score.windows.WINDOW", _WINDOW),
            layer.installed(),
        ):
            try:
                summary = score_file(
                    self.desk / "r.csv", self.desk / self.scenario.output, settings
                )
            except ThumbsError as exc:
                return Outcome(exc.exit_code, str(exc))
        return Outcome(3 if summary.rejected else 0)

    def unfinished(self) -> bool:
        """Whether a run ended before it could say so, or could not forget that it did."""
        return any((self.home / "thumbs" / "locks").glob("*.ending"))

    def files(self) -> dict[str, bytes]:
        """Everything on the desk."""
        return {path.name: path.read_bytes() for path in self.desk.iterdir()}


def problems(case: Case, outcome: Outcome, complete: Files) -> list[str]:
    """What is wrong after a disturbed run and after the run that follows it.

    Args:
        case: the case, after the disturbed run.
        outcome: how that ended.
        complete: what lies on the desk after an undisturbed run.
    """
    before, scenario, found = case.scenario.before, case.scenario, case.files()
    rejects = Path(scenario.output).with_suffix(".rejects.csv").name
    wrong = [
        f"{name} is neither absent, old nor complete: {found.get(name)!r}"
        for name in before.keys() | complete.keys()
        if found.get(name) not in (before.get(name), complete.get(name))
    ]
    done = found.get(scenario.output) == complete[scenario.output]
    if done and found.get(rejects, b"") < complete.get(rejects, b""):
        wrong.append("the output stands there without its rejects")
    if outcome.code in COMPLETE and found != complete:
        wrong.append(f"called complete, but there is {sorted(found)}")
    if outcome.code not in (*COMPLETE, -9, 66, 73, 74, 78) or "\n" in outcome.message:
        wrong.append(f"ended with {outcome}")
    hidden = [name for name in found if name.startswith(".")]
    # Only the mark may stay, and only beside rejects whose output did not follow.
    if outcome.code > 3 and hidden and rejects not in found:
        wrong.append(f"refused, and left {hidden}")
    ended = outcome.code in COMPLETE and not case.unfinished()
    again = case.run()
    if ended and not scenario.overwrite:
        # There is nothing left to do, and the user is told so.
        wrong += [] if again.code == 73 else [f"then {again}"]
    elif again != Outcome(3 if rejects in complete else 0):
        wrong.append(f"then {again}")
    if case.files() != complete:
        wrong.append(f"the next run leaves {case.files()}")
    return wrong
