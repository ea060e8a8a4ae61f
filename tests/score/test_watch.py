"""An input that changes while it is read is never taken for one that was read whole."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

import score.scoring
import score.windows
from score.errors import DataError
from score.scoring import FileSettings, score_file

ROWS = "id,review\n" + "".join(f"{i},Film {i}.\n" for i in range(600))


def append(path: Path) -> None:
    """Another program writes one more row."""
    with path.open("a") as file:
        file.write("600,Film 600.\n")


def overwrite(path: Path) -> None:
    """Another program changes a row in its place: same size, another time."""
    with path.open("r+") as file:
        file.write("ID")


def replace(path: Path) -> None:
    """Another program replaces the file by one of the same size and time."""
    status, other = path.stat(), path.with_name("other.csv")
    other.write_text(path.read_text().replace("Film", "Book"))
    os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))
    other.replace(path)


def remove(path: Path) -> None:
    """Another program removes the file."""
    path.unlink()


CHANGES = (append, overwrite, replace, remove)


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of three windows."""
    monkeypatch.setattr(score.windows, "WINDOW", 256)
    path = tmp_path / "r.csv"
    path.write_text(ROWS)
    return path


def refusal(source: Path, stub_bundle: Path, *, on_progress: Callable[..., None] | None) -> str:
    """The message with which the file is refused; nothing is left of the output."""
    output = source.with_name("out.csv")
    with pytest.raises(DataError) as raised:
        score_file(source, output, FileSettings(model=stub_bundle), on_progress=on_progress)
    assert [path.name for path in source.parent.iterdir() if path.name not in CHANGED] == []
    return str(raised.value)


CHANGED = ("r.csv", "other.csv")
MESSAGE = "{} changed while it was read. Run again when nothing writes it; what is scored is kept."


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("window", [1, 3])
def test_a_change_while_it_is_scored(
    change: Callable[[Path], None], window: int, source: Path, stub_bundle: Path
) -> None:
    """Written, replaced or removed, in the first window or after the last: refused."""
    windows = iter(range(1, 10))

    def on_progress(_done: int, _total: int | None) -> None:
        if next(windows) == window:
            change(source)

    found = refusal(source, stub_bundle, on_progress=on_progress)
    assert found == MESSAGE.format(source)


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_between_counting_and_scoring(
    change: Callable[[Path], None],
    source: Path,
    stub_bundle: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What was counted is not what would be scored: refused before the first window."""
    count = score.scoring.count_records

    def count_and_change(*words: object) -> int | None:
        total = count(*words)  # type: ignore[arg-type] # handed through
        change(source)
        return total

    monkeypatch.setattr(score.scoring, "count_records", count_and_change)
    assert refusal(source, stub_bundle, on_progress=lambda *_: pytest.fail("scored")) == (
        MESSAGE.format(source)
    )


def test_bad_data_of_a_changed_file_is_reported_as_the_change(
    source: Path, stub_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A half-written row is no fault of the data, so nobody is sent to look for it."""

    def spoil(*_: object) -> int:
        source.write_text(ROWS + '601,"never closed\n')
        return 600

    monkeypatch.setattr(score.scoring, "count_records", spoil)
    found = refusal(source, stub_bundle, on_progress=None)
    assert found == MESSAGE.format(source)


def test_a_pipe_has_nothing_to_watch(tmp_path: Path, stub_bundle: Path) -> None:
    """A stream is read once, and taken as it comes."""
    read, write = os.pipe()

    def feed() -> None:
        with os.fdopen(write, "wb") as pipe:
            pipe.write(ROWS.encode())

    threading.Thread(target=feed).start()
    with os.fdopen(read, "rb") as pipe:
        summary = score_file(pipe, tmp_path / "out.csv", FileSettings(model=stub_bundle))
    assert summary.rows == 600
