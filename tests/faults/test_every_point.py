"""Every operation of a run fails or is the last one: nothing is lost, and the next run mends it."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from tests.faults.case import COMPLETE, SCENARIOS, Case, Outcome, problems
from tests.faults.children import Killed, in_child
from tests.faults.layer import KINDS, Layer

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forked children")

FIRST = "a new output"
ALL = os.environ.get("THUMBS_FAULTS") == "all"
# Fewer operations would mean that the layer does not see them.
LEAST = {**dict.fromkeys(SCENARIOS, 20), FIRST: 60, "CORRUPT": 20}


def undisturbed(folder: Path, name: str, stub_bundle: Path) -> tuple[dict[str, bytes], list[str]]:
    """The files that an undisturbed run leaves, and its operations."""
    case, layer = Case(folder, SCENARIOS[name], stub_bundle), Layer(())
    assert case.run(layer).code in COMPLETE
    return case.files(), layer.trace


def disturbed(case: Case, number: int, kind: str) -> Outcome:
    """Run with a fault at an operation."""
    if kind != "SIGKILL":
        return case.run(Layer((), number, kind))
    try:
        return in_child(lambda: case.run(Layer((), number, kind)))
    except Killed:
        return Outcome(-9)


@pytest.mark.parametrize(
    ("name", "kind"), [(FIRST, "CORRUPT"), *((name, kind) for name in SCENARIOS for kind in KINDS)]
)
def test_every_operation_may_fail(name: str, kind: str, tmp_path: Path, stub_bundle: Path) -> None:
    """Each file is absent, old or complete, and the next run gives the undisturbed bytes."""

    def all_points() -> tuple[int, list[str]]:
        complete, trace = undisturbed(tmp_path / "undisturbed", name, stub_bundle)
        wrong: list[str] = []
        points = 0
        for number, operation in enumerate(trace, start=1):
            if not is_wanted(operation, name, kind):
                continue
            points += 1
            case = Case(tmp_path / "case", SCENARIOS[name], stub_bundle)
            outcome = disturbed(case, number, kind)
            found = problems(case, outcome, complete)
            wrong.extend(f"{number}, {operation}: {problem}" for problem in found)
        return points, wrong

    points, wrong = in_child(all_points)
    assert wrong == []
    assert points >= LEAST["CORRUPT" if kind == "CORRUPT" else name]


def is_wanted(operation: str, name: str, kind: str) -> bool:
    """Whether to disturb an operation: reading a bundle and remembering are all the same."""
    if kind == "CORRUPT":
        return operation.startswith("sqlite")
    shared = operation.startswith("sqlite") or operation.endswith((".json", ".onnx", ".lock"))
    return name == FIRST or ALL or not shared


def test_the_end_of_a_run_is_durable_in_this_order(tmp_path: Path, stub_bundle: Path) -> None:
    """Both files are synced, then the record, before either takes its name; the output is last.

    That the record is forgotten is the last of all.
    """
    _, trace = in_child(lambda: undisturbed(tmp_path / "x", "a new output", stub_bundle))
    end = trace[[line.startswith("fsync") for line in trace].index(True) :]
    named = [re.sub(r"[0-9a-f]{32}", "LOCK", line) for line in end]
    assert [line for line in named if not line.startswith(("sqlite", "open "))] == [
        "fsync ",
        "write .out.rejects.csv.part",
        "fsync ",
        "unlink .LOCK.ending.part",
        "create .LOCK.ending.part",
        "write .LOCK.ending.part",
        "fsync ",
        "replace .LOCK.ending.part",
        "fsync ",
        "unlink .LOCK.ending.part",
        "replace .out.csv.part",
        "replace .out.rejects.csv.part",
        "fsync ",
        "replace .out.csv.ready",
        "fsync ",
        "unlink LOCK.ending",
    ]
