"""Labelled workbooks open in a real spreadsheet program: LibreOffice, where it is installed."""

from __future__ import annotations

import csv
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from score.tables import Table, open_table
from tests.tables.outcomes import GOOD, Good
from tests.tables.workbooks import load_workbook

Relabel = Callable[[Table], bytes]

OFFICE = shutil.which("soffice") or shutil.which("libreoffice")
WORKBOOKS = [name for name in GOOD if name.endswith((".xlsx", ".xlsm"))]

# Dates and errors as LibreOffice shows them.
OTHER_TEXTS = {
    "dates_from_1900.xlsx",
    "dates_from_1904.xlsx",
    "dates_in_words.xlsx",
    "formulas.xlsx",
    "kinds_of_cells.xlsx",
}

pytestmark = pytest.mark.skipif(OFFICE is None, reason="LibreOffice is not installed")


@pytest.fixture(scope="module")
def folder(samples: Path, relabel: Relabel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all labelled workbooks, and what LibreOffice made of them."""
    folder = tmp_path_factory.mktemp("office")
    files = []
    for name in WORKBOOKS:
        file = folder / name
        file.write_bytes(relabel(open_table(samples / name, GOOD[name].options)))
        files.append(file)
    profile = f"-env:UserInstallation={(folder / 'profile').as_uri()}"
    # Every sheet goes to a file of its own, with its values and not as they look.
    every_sheet = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false,false,false,-1"
    for kind in (every_sheet, "pdf"):
        subprocess.run(
            [OFFICE or "", profile, "--headless", "--convert-to", kind, "--outdir", folder, *files],
            check=True,
            capture_output=True,
            timeout=300,
        )
    return folder


@pytest.mark.parametrize("name", WORKBOOKS)
def test_it_opens_with_its_labels(name: str, folder: Path) -> None:
    """The program finds each text and the label beside it, and can print the workbook."""
    good, stem = GOOD[name], Path(name).stem
    assert (folder / f"{stem}.pdf").read_bytes().startswith(b"%PDF-")
    cells = [pair for sheet in sheets_of(folder / name) for pair in labelled(read(sheet), good)]
    assert [new for _, new in cells] == [
        ["", ""] if seen is None else ["NEW", "0.5"] for seen in good.rows
    ]
    if name not in OTHER_TEXTS:
        texts = [seen.replace("\r", "") for seen in good.rows if isinstance(seen, str)]
        found = [text for (text, _), seen in zip(cells, good.rows, strict=True) if seen is not None]
        assert found == texts


def sheets_of(file: Path) -> list[Path]:
    """What became of the sheets, in the order of their tabs."""
    titles = load_workbook(file.read_bytes()).sheetnames
    return [
        made for title in titles if (made := file.with_name(f"{file.stem}-{title}.csv")).exists()
    ]


def labelled(rows: list[list[str]], good: Good) -> list[tuple[str, list[str]]]:
    """Text and new cells of each record; none of a sheet without labels."""
    top = next((place for place, row in enumerate(rows) if "label" in row), None)
    if top is None:
        return []
    column = rows[top].index("label")
    assert rows[top][column:] == ["label", "confidence"]
    texts = column - 1 if " Review " in rows[top] else good.column
    return [(row[texts], row[column:]) for row in rows[top + 1 : top + 1 + len(good.rows)]]


def read(file: Path) -> list[list[str]]:
    """The rows of a CSV file."""
    with file.open(encoding="utf-8", newline="") as lines:
        return list(csv.reader(lines))
