"""Where a run writes: beside its output, and into the cache folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.command.conftest import PROJECT

# Python reports each of these before it happens, whoever asks for it.
_WATCH = """
import os, sys
found = set()
def hook(event, words):
    if event == "open" and isinstance(words[0], (str, bytes, os.PathLike)):
        writes = words[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT) if words[2] else 0
        if writes and os.fspath(words[0]) != os.devnull:
            found.add(os.path.realpath(words[0]))
    elif event in ("os.mkdir", "os.rename", "os.remove", "os.link", "sqlite3.connect"):
        found.add(os.path.realpath(words[0]))
sys.dont_write_bytecode = True
sys.addaudithook(hook)
import thumbs
try:
    thumbs.main(sys.argv[1:])
finally:
    import json
    print(json.dumps(sorted(found)))
"""


@pytest.mark.skipif(os.name == "nt", reason="other folders there")
def test_without_a_cache_only_the_lock_lies_elsewhere(tmp_path: Path, stub_bundle: Path) -> None:
    """--no-cache writes nothing outside of the output's folder but the lock."""
    desk, home, temporary = (tmp_path / name for name in ("desk", "home", "tmp"))
    for folder in (desk, home, temporary):
        folder.mkdir()
    (desk / "r.csv").write_text("id,review\n1,A good film.\n2,one,too many\n")
    environment = {
        **os.environ,
        "HOME": str(home),
        "XDG_CACHE_HOME": str(home / "cache"),
        "TMPDIR": str(temporary),
        "PYTHONPATH": str(PROJECT),
    }
    words = ["score", "r.csv", "--model", str(stub_bundle), "--no-cache", "--quiet"]
    result = subprocess.run(
        [sys.executable, "-c", _WATCH, *words],
        cwd=desk,
        env=environment,
        capture_output=True,
        check=False,
    )
    assert (result.returncode, result.stderr) == (3, b"")
    touched = [Path(name) for name in json.loads(result.stdout)]
    locks = home / "cache" / "thumbs" / "locks"
    assert {path for path in touched if path.parent not in (desk, locks)} <= {
        locks,
        *locks.parents,
    }
    assert [path.suffix for path in home.rglob("*") if path.is_file()] == [".lock"]
    assert list(temporary.iterdir()) == []
    assert sorted(path.name for path in desk.iterdir()) == [
        "r.csv",
        "r.labelled.csv",
        "r.labelled.rejects.csv",
    ]
