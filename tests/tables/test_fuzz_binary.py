"""Mutated files of binary formats: refused or read, and nothing else.

``THUMBS_FUZZ=50000`` makes so many for each sample instead of a few.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

# A spreadsheet takes two processes each time, a Parquet file a few milliseconds.
FEW = {
    "nested.parquet": 300,
    "kinds_of_cells.xls": 3,
    "kinds_of_cells.xlsb": 3,
    "kinds_of_cells.ods": 3,
}


@pytest.mark.skipif(os.name == "nt", reason="only POSIX tells what a process used")
@pytest.mark.parametrize("name", FEW)
def test_mutated_files(name: str, samples: Path, tmp_path: Path) -> None:
    """Whatever bytes are changed, there is no crash, no bug, no long wait and no great cost."""
    files = int(os.environ.get("THUMBS_FUZZ", FEW[name]))
    command = [sys.executable, "-m", "tests.tables.fuzzing", str(samples / name), "0", str(files)]
    done = subprocess.run(
        [*command, str(tmp_path)],
        cwd=samples.parents[1],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    outcomes = [json.loads(line) for line in done.stdout.splitlines()]
    assert (done.returncode, len(outcomes)) == (0, files)
    assert [seed for seed, said, _, _ in outcomes if said.startswith("a bug: ")] == []
    assert max(seconds for _, _, seconds, _ in outcomes) < 5
    peaks = [peak for _, _, _, peak in outcomes]
    assert max(peaks) - peaks[0] <= 100
