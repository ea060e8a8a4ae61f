"""``thumbs score --in-place``, as it is typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.command.conftest import Run

ROWS = "id,review\n1,A good film.\n"


def test_the_file_is_labelled_and_kept(thumbs: Run, folder: Path, stub_bundle: Path) -> None:
    """The input gets the new columns, and what it was is beside it; the summary says where."""
    (folder / "r.csv").write_text(ROWS)
    words = ("--in-place", "--no-cache", "--model", stub_bundle, "--summary", "s.json")
    result = thumbs("score", "r.csv", *words)
    assert (result.returncode, result.stdout) == (0, b"")
    assert (folder / "r.csv").read_text().startswith("id,review,label,confidence,flags\n1,A good")
    assert (folder / "r.csv.bak").read_text() == ROWS
    assert json.loads((folder / "s.json").read_text())["backup"] == str(folder / "r.csv.bak")
    assert result.stderr.decode().splitlines()[-2:] == [
        "Output: r.csv",
        f"The input as it was: {folder / 'r.csv.bak'}",
    ]


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (
            ("-", "--in-place"),
            64,
            "--in-place needs a file, and no -o -: a stream has no place to put it.",
        ),
        (
            ("r.csv", "--in-place", "-o", "-"),
            64,
            "--in-place needs a file, and no -o -: a stream has no place to put it.",
        ),
        (
            ("r.csv", "--in-place", "-o", "other.csv"),
            64,
            "--in-place replaces r.csv itself. Leave out -o, or --in-place.",
        ),
        (
            ("r.csv", "--summary", "r.csv"),
            64,
            "r.csv cannot be the summary too. Name another file with --summary.",
        ),
        (
            ("r.csv", "-o", "new.csv", "--cache", "new.csv"),
            64,
            "new.csv cannot be the score cache too. Name another with --cache.",
        ),
        (
            ("r.csv", "-o", "loop.csv"),
            73,
            "loop.csv is a link that leads back to itself. Name another with -o.",
        ),
        (
            ("loop.csv", "-o", "out.csv"),
            66,
            "loop.csv cannot be opened: Too many levels of symbolic links.",
        ),
        (("none.csv", "--in-place"), 66, "No such file: none.csv. Check the name and the folder."),
    ],
)
def test_what_means_two_things_is_refused(
    words: tuple[str, ...], code: int, message: str, thumbs: Run, folder: Path, stub_bundle: Path
) -> None:
    """A line that would lose a file, or cannot be meant, is refused before anything is written."""
    (folder / "r.csv").write_text(ROWS)
    (folder / "loop.csv").symlink_to("loop.csv")
    result = thumbs("score", *words, "--model", stub_bundle)
    assert (result.returncode, result.stderr.decode()) == (code, f"thumbs: {message}\n")
    assert sorted(path.name for path in folder.iterdir()) == ["loop.csv", "r.csv"]
    assert (folder / "r.csv").read_text() == ROWS
