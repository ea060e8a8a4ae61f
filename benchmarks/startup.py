"""How long a person waits: for the help, for ten labelled rows, for the installation.

    python -m benchmarks.startup [--install]

``--install`` also makes a virtual environment, installs the scorer from this folder
into it with pip and says how long pip took and what it put there.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

_PROJECT = Path(__file__).parents[1]
_ROWS = "".join(f"{i},The room was clean and the staff of day {i} kind.\n" for i in range(10))


def seconds(command: list[str], repeats: int) -> tuple[float, float]:
    """The least and the median of the wall-clock seconds that a command takes."""
    taken = []
    for _ in range(repeats):
        started = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True, cwd=tempfile.gettempdir())
        taken.append(time.perf_counter() - started)
    return min(taken), sorted(taken)[repeats // 2]


def install() -> float:
    """Seconds that pip takes to install the scorer into a new virtual environment."""
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        pip = Path(folder) / ("Scripts" if sys.platform == "win32" else "bin") / "pip"
        constraints = str(_PROJECT / "constraints.txt")
        command = [str(pip), "install", "-c", constraints, str(_PROJECT)]
        started = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        taken = time.perf_counter() - started
        listed = subprocess.run([str(pip), "list"], check=True, capture_output=True, text=True).stdout
        assert "torch" not in listed.split(), "the scorer alone brought torch"  # noqa: S101 - the point
        return taken


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--install", action="store_true")
    parser.add_argument("--repeats", type=int, default=7)
    options = parser.parse_args()
    thumbs = [sys.executable, "-m", "thumbs"]
    with tempfile.TemporaryDirectory() as folder:
        rows = Path(folder) / "rows.csv"
        rows.write_text("id,review\n" + _ROWS, encoding="utf-8")
        score = [*thumbs, "score", str(rows), "--no-cache", "--overwrite", "--quiet"]
        print(f"{'':28}{'least s':>9}{'median s':>10}")
        for name, command in (("thumbs --help", [*thumbs, "--help"]), ("10 rows, cold", score)):
            least, median = seconds(command, options.repeats)
            print(f"{name:28}{least:9.3f}{median:10.3f}")
    if options.install:
        print(f"{'pip install of the scorer':28}{install():9.1f}")


if __name__ == "__main__":
    main()
