"""The real command, in a process and a cache folder of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Protocol

import pytest

PROJECT = Path(__file__).parents[2]


class Run(Protocol):
    """Runs ``thumbs`` with these words and waits for it."""

    def __call__(
        self, *words: object, stdin: bytes = b"", **environment: str
    ) -> subprocess.CompletedProcess[bytes]:
        """Run with ``stdin`` and more environment variables."""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """An environment whose caches lie in the test's own folder."""
    home = tmp_path / "home"
    home.mkdir()
    return {
        **{k: v for k, v in os.environ.items() if not k.startswith("THUMBS_")},
        "HOME": str(home),
        "XDG_CACHE_HOME": str(home / "cache"),
        "PYTHONPATH": str(PROJECT),
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder, in which the command runs."""
    path = tmp_path / "desk"
    path.mkdir()
    return path


@pytest.fixture
def thumbs(folder: Path, environment: dict[str, str]) -> Run:
    """The command, run in ``folder``."""

    def run(*words: object, stdin: bytes = b"", **more: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [sys.executable, "-m", "thumbs", *map(str, words)],
            cwd=folder,
            env={**environment, **more},
            input=stdin,
            capture_output=True,
            timeout=120,
            check=False,
        )

    return run
