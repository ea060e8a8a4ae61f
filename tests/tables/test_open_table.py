"""Opening a table by its suffix."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest

from score.errors import NoInputError, StorageError, ThumbsError, UsageError
from score.tables import TableOptions, open_table


def test_a_stream_is_csv(samples: Path) -> None:
    """A stream is read as CSV, called standard input, and left open."""
    stream = io.BytesIO((samples / "crlf.csv").read_bytes())
    table = open_table(stream)
    assert (table.name, table.columns) == ("standard input", ("id", "text"))
    assert [row.cells for row in table.rows([1])] == [("Good.",), ("Bad.",)]
    table.close()
    assert not stream.closed


def test_suffixes_in_capitals_work(tmp_path: Path) -> None:
    """REVIEWS.CSV is a CSV file."""
    (tmp_path / "REVIEWS.CSV").write_text("id,text\n")
    table = open_table(tmp_path / "REVIEWS.CSV")
    assert table.columns == ("id", "text")
    table.close()


def test_a_missing_file(tmp_path: Path) -> None:
    """No such file is 66, and says so before anything about its suffix."""
    with pytest.raises(NoInputError) as refused:
        open_table(tmp_path / "reviews.doc")
    assert str(refused.value) == (
        f"No such file: {tmp_path / 'reviews.doc'}. Check the name and the folder."
    )


def test_a_folder(tmp_path: Path) -> None:
    """A folder is 66, whatever its name ends with."""
    (tmp_path / "reviews.csv").mkdir()
    with pytest.raises(NoInputError) as refused:
        open_table(tmp_path / "reviews.csv")
    assert str(refused.value) == f"{tmp_path / 'reviews.csv'} is a folder. Name a file in it."


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file without permission is 66, with the system's reason."""

    def refuse(path: Path, _mode: str) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    path = tmp_path / "reviews.csv"
    path.write_text("text\n")
    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(NoInputError) as refused:
        open_table(path)
    assert str(refused.value) == f"{path} cannot be opened: Permission denied."


def test_an_unknown_suffix(tmp_path: Path) -> None:
    """Another suffix is 64: the command line names a file that no reader is for."""
    path = tmp_path / "reviews.doc"
    path.touch()
    with pytest.raises(UsageError) as refused:
        open_table(path)
    assert str(refused.value) == (
        f"{path} has none of the suffixes that can be read: .csv, .tsv, .xlsx, .xlsm, .xls, "
        ".xlsb, .ods, .parquet, .jsonl, .ndjson. Save it as one of these, or pipe it as CSV into "
        "standard input (-)."
    )


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("crlf.csv", TableOptions(sheet="March"), "--sheet says nothing about a CSV file."),
        (
            "two_sheets.xlsx",
            TableOptions(delimiter=";"),
            "--delimiter says nothing about an Excel workbook.",
        ),
        (
            "two_sheets.xlsx",
            TableOptions(encoding="cp1252"),
            "--encoding says nothing about an Excel workbook.",
        ),
        (
            "nested.parquet",
            TableOptions(header=False),
            "--no-header says nothing about a Parquet file.",
        ),
        (
            "utf8_bom.ndjson",
            TableOptions(encoding="utf-8"),
            "--encoding says nothing about a JSON Lines file.",
        ),
    ],
)
def test_options_of_other_formats(
    name: str, options: TableOptions, message: str, samples: Path
) -> None:
    """An option that the format has no use for is refused, not overlooked."""
    with pytest.raises(UsageError) as refused:
        open_table(samples / name, options)
    assert str(refused.value) == f"{message} Leave it out to read {samples / name}."


class FailingStream(io.BytesIO):
    """A disk that fails after the first line."""

    def readline(self, size: int | None = -1, /) -> bytes:
        """Read one line, then fail."""
        if self.tell():
            raise OSError(5, "Input/output error")
        return super().readline(size)


def test_reading_that_fails_half_way() -> None:
    """An I/O error while reading is 74."""
    table = open_table(FailingStream(b"text\nGood.\n"))
    with pytest.raises(StorageError) as refused:
        list(table.rows([0]))
    assert str(refused.value) == "standard input could not be read: Input/output error."


@pytest.mark.parametrize("name", ["empty.csv", "broken.xlsx", "broken.parquet", "empty.jsonl"])
def test_a_refused_file_is_closed(
    name: str, samples: Path, recwarn: pytest.WarningsRecorder
) -> None:
    """A table that is refused while it is opened leaves no open file behind."""
    with pytest.raises(ThumbsError):
        open_table(samples / name)
    assert [warning for warning in recwarn if warning.category is ResourceWarning] == []


def test_a_format_is_imported_when_it_is_asked_for(samples: Path) -> None:
    """Reading CSV imports neither openpyxl nor pyarrow nor pandas."""
    program = (
        "import sys; from pathlib import Path; from score.tables import open_table; "
        f"open_table(Path({str(samples / 'crlf.csv')!r})).close(); "
        "print({'openpyxl', 'pyarrow', 'pandas', 'numpy'} & sys.modules.keys())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        check=True,
        text=True,
        cwd=samples.parents[1],
    )
    assert done.stdout == "set()\n"
