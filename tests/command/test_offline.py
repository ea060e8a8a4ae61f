"""The scorer needs no network and none of the training stack."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

_ALONE = """
import socket, sys

def no_network(*_, **__):
    raise AssertionError("the scorer opened a socket")

socket.socket.connect = socket.socket.connect_ex = no_network
socket.getaddrinfo = socket.create_connection = no_network

class Hide:
    def find_spec(self, name, *_):
        if name.split(".")[0] in ("torch", "transformers", "optimum", "datasets"):
            raise ModuleNotFoundError(f"{name} is hidden", name=name)

sys.meta_path.insert(0, Hide())
import thumbs
thumbs.main(sys.argv[1:])
"""


def test_the_scorer_runs_alone(folder: Path, environment: dict[str, str]) -> None:
    """With sockets blocked and the training stack hidden, the bundle in the box scores."""
    (folder / "r.csv").write_text("review\nA waste of two hours.\nI loved every minute of it.\n")
    result = subprocess.run(
        [sys.executable, "-c", _ALONE, "score", "r.csv", "--quiet"],
        cwd=folder,
        env=environment,
        capture_output=True,
        check=False,
    )
    assert (result.returncode, result.stderr) == (0, b"")
    lines = (folder / "r.labelled.csv").read_text().splitlines()
    assert [line.split(",")[1] for line in lines] == ["label", "negative", "positive"]


def test_importing_the_front_door_is_cheap(environment: dict[str, str]) -> None:
    """``import thumbs`` loads neither click nor numpy; a name loads only what it needs."""
    probe = (
        "import sys, thumbs\n"
        "heavy = {'click', 'numpy', 'pandas', 'onnxruntime', 'tokenizers', 'torch'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
        "from thumbs import Scorer, score_file, score_frame\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", probe], env=environment, capture_output=True, text=True, check=True
    )
    assert result.stdout.splitlines() == ["[]", "['numpy']"]
