"""Killed in its last moments, when the output stands there: the next run ends what was begun."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from score.errors import OutputError
from score.scorer import ScorerSettings
from score.scoring import FileSettings, score_file
from score.summary import Summary
from score.tables import TableOptions

ROWS = "id,review\n1,A good film.\n2,one,too many\n"


class Killed(BaseException):
    """Stands for SIGKILL: nothing of thumbs catches it."""


@pytest.fixture(autouse=True)
def locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of locks and records, of this test alone."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    return tmp_path / "home" / "thumbs" / "locks"


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """A folder with an input."""
    folder = tmp_path / "desk"
    folder.mkdir()
    (folder / "r.csv").write_text(ROWS)
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    """What lies in a folder."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def killed_at_the_end(source: Path, output: Path, settings: FileSettings) -> Summary:
    """Score, be killed when the output has its name, and give the counts so far."""
    told = []

    def die(summary: Summary) -> None:
        told.append(replace(summary))
        raise Killed

    with pytest.raises(Killed):
        score_file(source, output, settings, on_complete=die)
    return told[0]


@pytest.mark.parametrize("in_place", [False, True])
def test_the_next_run_ends_it(in_place: bool, desk: Path, locks: Path, stub_bundle: Path) -> None:
    """The same line scores nothing, tells the same counts, and is over: the record is gone."""
    source = desk / "r.csv"
    output = source if in_place else desk / "out.csv"
    settings = FileSettings(model=stub_bundle, in_place=in_place)
    counts = killed_at_the_end(source, output, settings)
    left = contents(desk)
    assert [path.suffix for path in sorted(locks.iterdir())] == [".ending", ".lock"]
    told: list[Summary] = []
    found = score_file(source, output, settings, on_complete=told.append)
    assert told == [found]
    assert found == replace(counts, seconds=found.seconds)
    assert (found.rows, found.rejected) == (2, 1)
    assert contents(desk) == left
    assert [path.suffix for path in locks.iterdir()] == [".lock"]
    with pytest.raises(OutputError, match="is there already"):
        score_file(source, output, settings)


def test_it_may_be_killed_again(desk: Path, stub_bundle: Path) -> None:
    """However often the end is cut off, the next run still finds it."""
    settings = FileSettings(model=stub_bundle)
    for _ in range(3):
        killed_at_the_end(desk / "r.csv", desk / "out.csv", settings)
    assert score_file(desk / "r.csv", desk / "out.csv", settings).rows == 2


CHANGES: dict[str, Callable[[Path], object]] = {
    "the output": lambda desk: (desk / "out.csv").write_bytes(b"mine"),
    "one byte of it": lambda desk: (desk / "out.csv").write_bytes(
        (desk / "out.csv").read_bytes().replace(b"good", b"bad!")
    ),
    "a copy in its place": lambda desk: (desk / "copy").replace(desk / "out.csv"),
    "the rejects": lambda desk: (desk / "out.rejects.csv").write_bytes(b"mine"),
    "no rejects": lambda desk: (desk / "out.rejects.csv").unlink(),
    "the input": lambda desk: (desk / "r.csv").write_text(f"{ROWS}3,Bad.\n"),
    "no input": lambda desk: (desk / "r.csv").unlink(),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_was_changed_since_is_left_alone(change: str, desk: Path, stub_bundle: Path) -> None:
    """A file that is not as the run left it is the user's: the output is there already."""
    settings = FileSettings(model=stub_bundle)
    killed_at_the_end(desk / "r.csv", desk / "out.csv", settings)
    (desk / "copy").write_bytes((desk / "out.csv").read_bytes())
    CHANGES[change](desk)
    before = contents(desk)
    with pytest.raises(OutputError) as refused:
        score_file(desk / "r.csv", desk / "out.csv", settings)
    assert str(refused.value) == (
        f"{desk / 'out.csv'} is there already. Add --overwrite, or name another file with -o."
    )
    assert contents(desk) == before


OTHERS = {
    "more columns": FileSettings(class_scores=True),
    "a prefix": FileSettings(prefix="p_"),
    "a column": FileSettings(text_column="id"),
    "a delimiter": FileSettings(table=TableOptions(delimiter=",")),
    "a flag": FileSettings(scorer=ScorerSettings(unsure_below=0.9)),
}


@pytest.mark.parametrize("other", OTHERS)
def test_another_line_does_not_end_it(other: str, desk: Path, stub_bundle: Path) -> None:
    """What would make another output finds one that is there already; the first line ends it."""
    settings = FileSettings(model=stub_bundle)
    killed_at_the_end(desk / "r.csv", desk / "out.csv", settings)
    with pytest.raises(OutputError, match="is there already"):
        score_file(desk / "r.csv", desk / "out.csv", replace(OTHERS[other], model=stub_bundle))
    assert score_file(desk / "r.csv", desk / "out.csv", settings).rows == 2


def test_an_edited_backup_is_left_alone(desk: Path, stub_bundle: Path) -> None:
    """In place, a backup that is not the input as it was is another backup."""
    settings = FileSettings(model=stub_bundle, in_place=True)
    killed_at_the_end(desk / "r.csv", desk / "r.csv", settings)
    (desk / "r.csv.bak").write_text("mine")
    before = contents(desk)
    with pytest.raises(OutputError, match="--in-place never replaces a backup"):
        score_file(desk / "r.csv", desk / "r.csv", settings)
    assert contents(desk) == before


@pytest.mark.parametrize("record", [b"", b"[]", b"{}", b"\xff", b"[" * 100_000, b" " * 2**21])
def test_a_damaged_record_says_nothing(
    record: bytes, desk: Path, locks: Path, stub_bundle: Path
) -> None:
    """Without a record that can be read, the output is one that is there already."""
    settings = FileSettings(model=stub_bundle)
    killed_at_the_end(desk / "r.csv", desk / "out.csv", settings)
    next(locks.glob("*.ending")).write_bytes(record)
    with pytest.raises(OutputError, match="is there already"):
        score_file(desk / "r.csv", desk / "out.csv", settings)


def test_a_record_that_cannot_be_written_costs_no_output(
    desk: Path, stub_bundle: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Where there is no room for the record the run goes on, with a warning."""
    import score.ending

    def full(path: Path) -> None:
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(score.ending, "AtomicFile", full)
    output = desk / "out.csv"
    assert score_file(desk / "r.csv", output, FileSettings(model=stub_bundle)).rows == 2
    assert output.exists()
    said = caplog.messages[0].partition(": '")[0]
    assert said == (
        f"{output}: the end of the run cannot be noted: [Errno 28] No space left on device"
    )


def test_streams_have_no_record(desk: Path, locks: Path, stub_bundle: Path) -> None:
    """What came from a stream cannot be known again before it is read: no record is kept."""
    with (desk / "r.csv").open("rb") as stream, pytest.raises(Killed):
        score_file(stream, desk / "out.csv", FileSettings(model=stub_bundle), on_complete=die)
    assert [path.suffix for path in locks.iterdir()] == [".lock"]


def die(_: Summary) -> None:
    """Be killed."""
    raise Killed
