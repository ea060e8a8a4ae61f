"""The whole test command: ``python -m tests``. Each step is a line that works by itself."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

STEPS = (
    "ruff check",
    "ruff format --check",
    "mypy",
    "lint-imports",
    "interrogate -q thumbs.py score finetune export benchmarks tests",
    "cog --check README.md",
    "pytest --cov --cov-report=term:skip-covered -q --durations=10",
)


def main() -> int:
    """Run the steps in order; the first that fails ends it."""
    programs = Path(sys.executable).parent
    for step in STEPS:
        program, *arguments = step.split()
        print(f"$ {step}", flush=True)  # noqa: T201 - this is a command
        started = time.monotonic()
        code = subprocess.run(
            [programs / program, *arguments], cwd=Path(__file__).parents[1], check=False
        ).returncode
        if code:
            return code
        print(f"  {time.monotonic() - started:.0f} s", flush=True)  # noqa: T201 - likewise
    return 0


if __name__ == "__main__":
    sys.exit(main())
