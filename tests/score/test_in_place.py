"""The only copy of a file: never its own output by accident, and kept when it is on purpose."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from score.errors import OutputError, ThumbsError, UsageError
from score.scorer import ScorerSettings
from score.scoring import FileSettings, score_file

ROWS = "id,review\n1,A good film.\n"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """The input, in a folder of its own."""
    path = tmp_path / "desk" / "r.csv"
    path.parent.mkdir()
    path.write_text(ROWS)
    return path


def names(folder: Path) -> list[str]:
    """What lies in a folder."""
    return sorted(path.name for path in folder.iterdir())


def cut(path: Path) -> str:
    """A scored file without its three new cells."""
    return "".join(f"{line.rsplit(',', 3)[0]}\n" for line in path.read_text().splitlines())


@pytest.mark.parametrize("links", [True, False])
def test_the_input_is_kept(
    links: bool, source: Path, stub_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In place, the labels are in the file and the file as it was is beside it, by link or copy."""

    def refuse(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    if not links:
        monkeypatch.setattr(os, "link", refuse)
    source.chmod(0o640)
    settings = FileSettings(model=stub_bundle, in_place=True)
    summary = score_file(source, source, settings)
    backup = source.with_name("r.csv.bak")
    assert (backup.read_text(), cut(source)) == (ROWS, ROWS)
    assert summary.backup == str(backup)
    assert [path.stat().st_mode & 0o777 for path in (source, backup)] == [0o640, 0o640]
    assert names(source.parent) == ["r.csv", "r.csv.bak"]


def test_a_link_is_followed(source: Path, tmp_path: Path, stub_bundle: Path) -> None:
    """In place through a link: the link stays one, and the backup lies beside the file itself."""
    link = tmp_path / "link.csv"
    link.symlink_to(source)
    score_file(link, link, FileSettings(model=stub_bundle, in_place=True))
    assert link.is_symlink()
    assert names(source.parent) == ["r.csv", "r.csv.bak"]
    assert cut(link) == ROWS


def test_a_backup_is_never_replaced(source: Path, stub_bundle: Path) -> None:
    """Another backup may be the only copy of something: refused, also with overwrite."""
    backup = source.with_name("r.csv.bak")
    backup.write_text("the file of last month")
    settings = FileSettings(model=stub_bundle, in_place=True, overwrite=True)
    with pytest.raises(OutputError) as raised:
        score_file(source, source, settings)
    assert str(raised.value) == (
        f"{backup} is there already, and --in-place never replaces a backup. "
        "Move it away, then run again."
    )
    assert (source.read_text(), backup.read_text()) == (ROWS, "the file of last month")


def test_a_backup_of_the_very_same_content_is_one(source: Path, stub_bundle: Path) -> None:
    """What a run left that was killed right after the backup is no hindrance."""
    source.with_name("r.csv.bak").write_text(ROWS)
    score_file(source, source, FileSettings(model=stub_bundle, in_place=True))
    assert source.with_name("r.csv.bak").read_text() == ROWS
    assert cut(source) == ROWS


@pytest.mark.parametrize("kind", ["itself", "link", "hard link"])
def test_without_the_option_the_input_is_no_output(
    kind: str, source: Path, stub_bundle: Path
) -> None:
    """The input under any of its names is refused, also with overwrite."""
    output = source if kind == "itself" else source.with_name("other.csv")
    if kind == "link":
        output.symlink_to(source)
    elif kind == "hard link":
        output.hardlink_to(source)
    with pytest.raises(OutputError) as raised:
        score_file(source, output, FileSettings(model=stub_bundle, overwrite=True))
    assert str(raised.value) == (
        f"{output} is the input itself. Name another file with -o, or add --in-place, "
        "which keeps the input as .bak."
    )
    assert source.read_text() == ROWS


def test_the_rejects_never_replace_the_input(source: Path, stub_bundle: Path) -> None:
    """An input that is called like the output's rejects is refused, also with overwrite."""
    rejects = source.rename(source.with_name("out.rejects.csv"))
    output = source.with_name("out.csv")
    with pytest.raises(OutputError) as raised:
        score_file(rejects, output, FileSettings(model=stub_bundle, overwrite=True))
    assert str(raised.value) == (
        f"{rejects} is where the rejects of {output} would go. Name another file with -o."
    )
    assert rejects.read_text() == ROWS


def test_the_cache_never_replaces_the_input(source: Path, stub_bundle: Path) -> None:
    """The input is not set aside as a damaged cache."""
    settings = FileSettings(model=stub_bundle, scorer=ScorerSettings(cache=source))
    with pytest.raises(UsageError) as raised:
        score_file(source, source.with_name("out.csv"), settings)
    assert str(raised.value) == (
        f"{source} cannot be the score cache too. Name another with --cache."
    )
    assert names(source.parent) == ["r.csv"]


def test_another_output_contradicts_in_place(source: Path, stub_bundle: Path) -> None:
    """--in-place with -o elsewhere means two things at once."""
    settings = FileSettings(model=stub_bundle, in_place=True)
    with pytest.raises(ThumbsError) as raised:
        score_file(source, source.with_name("out.csv"), settings)
    assert (raised.value.exit_code, str(raised.value)) == (
        64,
        f"--in-place replaces {source} itself. Leave out -o, or --in-place.",
    )


def test_a_run_that_is_refused_leaves_no_temporary_file(source: Path, stub_bundle: Path) -> None:
    """Where the new cells cannot be written in the file's encoding, nothing is left behind."""
    from score.tables import TableOptions

    table = TableOptions(encoding="cp1252")
    settings = FileSettings(model=stub_bundle, table=table, prefix="标签_")
    with pytest.raises(ThumbsError):
        score_file(source, source.with_name("out.csv"), settings)
    assert names(source.parent) == ["r.csv"]
