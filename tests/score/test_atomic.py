"""The atomic file: absent, old or complete."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from score.atomic import AtomicFile
from score.errors import OutputError, StorageError


def names(folder: Path) -> list[str]:
    """What lies in a folder."""
    return sorted(path.name for path in folder.iterdir())


def test_nothing_is_seen_before_the_end(tmp_path: Path) -> None:
    """The old content stays until the new one is complete; then nothing else is left."""
    path = tmp_path / "out.csv"
    path.write_bytes(b"old")
    path.chmod(0o640)
    with AtomicFile(path) as output:
        output.file.write(b"new")
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o640
    assert names(tmp_path) == ["out.csv"]


def test_an_error_leaves_the_old_content(tmp_path: Path) -> None:
    """What is left half-way is thrown away."""
    path = tmp_path / "out.csv"
    path.write_bytes(b"old")

    def interrupted() -> None:
        with AtomicFile(path) as output:
            output.file.write(b"new")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["out.csv"]


def test_what_a_killed_run_left_is_taken_over(tmp_path: Path) -> None:
    """The temporary neighbour of a killed run does not pile up."""
    (tmp_path / ".out.csv.part").write_bytes(b"half of")
    with AtomicFile(tmp_path / "out.csv") as output:
        output.file.write(b"whole")
    assert names(tmp_path) == ["out.csv"]
    assert (tmp_path / "out.csv").read_bytes() == b"whole"


def test_a_link_keeps_pointing(tmp_path: Path) -> None:
    """An output that is a link has its target written."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out.csv").symlink_to(tmp_path / "elsewhere" / "real.csv")
    with AtomicFile(tmp_path / "out.csv") as output:
        output.file.write(b"x")
    assert (tmp_path / "out.csv").is_symlink()
    assert (tmp_path / "elsewhere" / "real.csv").read_bytes() == b"x"


@pytest.mark.parametrize(("owner", "call"), [(os, "fsync"), (Path, "replace")])
def test_a_failing_end_cleans_up(
    owner: object, call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the sync or the renaming itself fails, the neighbour goes too."""
    path = tmp_path / "out.csv"
    path.write_bytes(b"old")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(owner, call, fail)
    with pytest.raises(StorageError) as raised, AtomicFile(path) as output:
        output.file.write(b"new")
    assert str(raised.value) == f"{path} cannot be finished: No space left on device."
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["out.csv"]


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    """A file that cannot be made is refused at the start."""
    path = tmp_path / "none" / "out.csv"
    with pytest.raises(OutputError) as raised:
        AtomicFile(path)
    assert str(raised.value) == (
        f"{path} cannot be created: No such file or directory. Name another place with -o."
    )
