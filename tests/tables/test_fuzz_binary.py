"""Damaged files of binary formats: refused or read, and nothing else.

``THUMBS_FUZZ=100000`` reads so many of each format instead of a few. Spreadsheets are read in
forks in place of processes: the last tests here say that this is the same.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from score.tables import TableOptions
from tests.tables import fuzzing
from tests.tables.compound import compound, workbook_of
from tests.tables.forked import forks
from tests.tables.pieces import BIFF, ODS, XLSB, with_sheet_offsets
from tests.tables.workbooks import parts_of

FEW = {".parquet": 300, ".xls": 100, ".xlsb": 100, ".ods": 100}

posix = pytest.mark.skipif(os.name == "nt", reason="only POSIX forks and tells what was used")


@posix
@pytest.mark.parametrize("suffix", FEW)
def test_damaged_files(suffix: str, tmp_path: Path) -> None:
    """Whatever the damage is, there is no crash, no bug, no long wait and no great cost."""
    files = int(os.environ.get("THUMBS_FUZZ", FEW[suffix]))
    done = subprocess.run(
        [sys.executable, "-m", "tests.tables.fuzzing", suffix, "0", str(files), str(tmp_path)],
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    *found, outcome = map(json.loads, done.stdout.splitlines())
    assert found == []
    assert outcome["files"] == files
    # Damage that lets nothing be read, or refuses all for the same reason, would test little.
    assert 0.03 * files < outcome["read"] < 0.9 * files
    assert len(outcome["refusals"]) >= 10


def said(path: Path, suffix: str, number: int) -> str:
    """What becomes of a damaged file."""
    path.write_bytes(fuzzing.damaged(suffix, number))
    return fuzzing.read(path, TableOptions(sheet="Reviews"))


@posix
@pytest.mark.parametrize("suffix", [".xls", ".xlsb", ".ods"])
def test_a_fork_is_a_process(suffix: str, tmp_path: Path) -> None:
    """A spreadsheet is read or refused in a fork as it is in the process that users have."""
    path = tmp_path / f"damaged{suffix}"
    numbers = range(5)
    in_processes = [said(path, suffix, number) for number in numbers]
    with forks():
        assert [said(path, suffix, number) for number in numbers] == in_processes


def test_pieces_make_the_whole(samples: Path) -> None:
    """Taken apart and put together again, a file is what it was: only damage changes it."""
    workbook = workbook_of((samples / "kinds_of_cells.xls").read_bytes())
    records = BIFF.split(workbook)
    assert [*map(BIFF.whole, records)] == with_sheet_offsets(records) == records
    assert workbook_of(compound(workbook)) == workbook
    assert b"".join(records).ljust(len(workbook), b"\0") == workbook
    for name, grammar in (("kinds_of_cells.xlsb", XLSB), ("kinds_of_cells.ods", ODS)):
        part = list(parts_of((samples / name).read_bytes()).values())[-1]
        pieces = grammar.split(part)
        assert b"".join(pieces) == part
        assert [*map(grammar.whole, pieces)] == pieces
