"""A workbook of several sheets is scored in one run, like any other table."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

import score.windows
from score.errors import DataError
from score.scorer import ScorerSettings
from score.scoring import FileSettings, score_file
from score.tables import TableOptions
from tests.tables.workbooks import load_workbook

SAMPLES = Path(__file__).parents[2] / "samples" / "awkward"


class StoppedError(Exception):
    """Somebody stopped the run."""


def settings(bundle: Path, folder: Path, **more: Any) -> FileSettings:
    """Settings with a cache of the test's own."""
    return FileSettings(
        model=bundle, scorer=ScorerSettings(cache=folder / "scores.sqlite3"), **more
    )


@pytest.mark.parametrize("suffix", ["xlsx", "ods"])
def test_the_counts_are_those_of_all_sheets(suffix: str, tmp_path: Path, stub_bundle: Path) -> None:
    """The summary counts the records of all sheets, and texts of earlier ones are remembered."""
    source = SAMPLES / f"several_sheets.{suffix}"
    one = settings(stub_bundle, tmp_path)
    summary = score_file(source, tmp_path / "out.xlsx", one)
    counts = summary.as_dict()
    assert (counts["rows"], counts["blank"], sum(counts["labels"].values())) == {
        "xlsx": (7, 1, 6),
        "ods": (4, 1, 3),
    }[suffix]
    again = score_file(source, tmp_path / "again.xlsx", one)
    assert (again.rows, again.remembered) == (summary.rows, summary.rows - summary.blank)


def test_a_run_that_was_stopped_between_sheets(
    tmp_path: Path, stub_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """StoppedError within the second sheet, nothing is there; the next run gives the same bytes."""
    monkeypatch.setattr(score.windows, "WINDOW", 1)
    source = SAMPLES / "several_sheets.xlsx"
    score_file(source, tmp_path / "whole.xlsx", settings(stub_bundle, tmp_path / "one"))

    def stop(done: int, _total: int | None) -> None:
        if done == 3:
            raise StoppedError

    one = settings(stub_bundle, tmp_path / "two")
    with pytest.raises(StoppedError):
        score_file(source, tmp_path / "out.xlsx", one, on_progress=stop)
    assert not (tmp_path / "out.xlsx").exists()
    summary = score_file(source, tmp_path / "out.xlsx", one)
    assert (summary.rows, summary.remembered) == (7, 6)
    assert (tmp_path / "out.xlsx").read_bytes() == (tmp_path / "whole.xlsx").read_bytes()


def test_in_place(tmp_path: Path, stub_bundle: Path) -> None:
    """In place, all sheets have their labels, and the workbook as it was is kept."""
    source = tmp_path / "reviews.xlsx"
    shutil.copy(SAMPLES / "several_sheets.xlsx", source)
    score_file(source, source, settings(stub_bundle, tmp_path, in_place=True))
    backup = tmp_path / "reviews.xlsx.bak"
    assert backup.read_bytes() == (SAMPLES / "several_sheets.xlsx").read_bytes()
    book: Any = load_workbook(source.read_bytes())
    heads = {sheet.title: [cell.value for cell in sheet[1]] for sheet in book.worksheets}
    new = ["label", "confidence", "flags"]
    assert heads == {
        "March": ["id", "text", *new],
        "April": ["day", "id", " Review ", *new],
        "Sums": ["day", "id"],
        "May": ["id", "text", *new],
        "Old": ["id", "text", *new],
        "June": ["id", "text", *new],
        "Empty": [None],
    }


@pytest.mark.parametrize("sheet", ["March", "April"])
def test_labels_on_one_of_the_sheets(sheet: str, tmp_path: Path, stub_bundle: Path) -> None:
    """Where a sheet has labels already, nothing is scored, and --prefix helps."""
    labelled, source = settings(stub_bundle, tmp_path), SAMPLES / "two_sheets.xlsx"
    one = settings(stub_bundle, tmp_path, table=TableOptions(sheet=sheet))
    score_file(source, tmp_path / "one.xlsx", one)
    with pytest.raises(DataError) as refused:
        score_file(tmp_path / "one.xlsx", tmp_path / "out.xlsx", labelled)
    assert str(refused.value) == (
        f"{tmp_path / 'one.xlsx'}, sheet '{sheet}' has a column 'label' already. Put something "
        "before the new names with --prefix, such as --prefix thumbs_."
    )
    assert not (tmp_path / "out.xlsx").exists()
    prefixed = settings(stub_bundle, tmp_path, prefix="new_")
    assert score_file(tmp_path / "one.xlsx", tmp_path / "out.xlsx", prefixed).rows == 3
