"""The process that reads a spreadsheet, as it is started on users' computers."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from score.tables import TableOptions, open_table
from score.tables.calamine import process

FIRST = ["7", "Good."]


def first_record(path: Path) -> list[str]:
    """The first two cells of the first record that hold anything."""
    table = open_table(path, TableOptions(sheet="Reviews"))
    try:
        cells = next(iter(table.rows(range(len(table.columns))))).cells
        return [cell for cell in cells if cell][:2]
    finally:
        table.close()


@pytest.mark.parametrize("suffix", [".xls", ".xlsb", ".ods"])
def test_answers_come_at_once(suffix: str, samples: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer is sent when it is whole, also where Python holds back what it writes."""
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)
    started = time.monotonic()
    assert first_record(samples / f"kinds_of_cells{suffix}") == FIRST
    # It would wait for two minutes.
    assert time.monotonic() - started < 60


def test_no_code_from_the_folder(
    samples: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A module in the folder that thumbs is run in is not imported, whatever it is called."""
    for name in (*sys.stdlib_module_names, "python_calamine", "child", "score", "sitecustomize"):
        (tmp_path / f"{name}.py").write_text(f"raise SystemExit({name!r})")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [place for place in sys.path if place])
    assert first_record(samples / "kinds_of_cells.ods") == FIRST


def test_little_is_imported(samples: Path) -> None:
    """The process imports calamine and what writes JSON, so that it starts fast."""
    started = process.start(str(samples / "kinds_of_cells.ods"))
    command = started.args
    started.kill()
    started.communicate()
    assert isinstance(command, list)
    program = f"{command[3]}; print(*sys.modules)"
    done = subprocess.run(
        [*command[:3], program, *command[4:]], input=b"", capture_output=True, check=True
    )
    modules = set(done.stdout.decode().splitlines()[-1].split())
    assert {"child", "python_calamine", "json"} <= modules
    assert not modules & {"score", "site", "pathlib", "dataclasses", "subprocess", "inspect"}
