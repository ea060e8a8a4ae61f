"""``thumbs score`` from end to end, in every format that it reads."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import openpyxl
import pandas as pd

from tests.command.conftest import Run

GOOD, BAD = "A good and wonderful film.", "A bad and awful film."


def test_a_csv_file_comes_back_with_three_columns(
    thumbs: Run, folder: Path, tiny_bundle: Path
) -> None:
    """The input's own bytes stay; label, confidence and flags stand behind them."""
    source = f'id,"review"\r\n007,"{GOOD}"\r\nNA,"  {BAD}\nReally, ""bad""."\r\n3,\r\n'.encode()
    (folder / "r.csv").write_bytes(source)
    result = thumbs("score", "r.csv", "--model", tiny_bundle)
    assert result.returncode == 0, result.stderr
    output = (folder / "r.labelled.csv").read_bytes()
    rows = list(csv.reader(io.StringIO(output.decode(), newline="")))
    assert [row[2] for row in rows] == ["label", "positive", "negative", ""]
    assert [row[4] for row in rows] == ["flags", "", "", "empty"]
    assert all(0.5 < float(row[3]) <= 1 and len(row[3]) == 6 for row in rows[1:3])
    cut = b"\r\n".join(line.rsplit(b",", 3)[0] for line in output.split(b"\r\n"))
    assert cut == source
    assert b"3 rows" in result.stderr
    assert b"Output: r.labelled.csv" in result.stderr


def test_standard_input_goes_to_standard_output(thumbs: Run, tiny_bundle: Path) -> None:
    """A pipe works: CSV in, CSV out, the summary on stderr."""
    result = thumbs("score", "-", "--model", tiny_bundle, stdin=f"review\n{GOOD}\n".encode())
    lines = result.stdout.decode().splitlines()
    assert lines[0] == "review,label,confidence,flags"
    assert lines[1].startswith(f"{GOOD},positive,0.")
    assert b"Output: standard output" in result.stderr


def test_texts_on_the_command_line(thumbs: Run, tiny_bundle: Path) -> None:
    """--text prints one line a text: label, confidence and text, with tabs between."""
    result = thumbs(
        "score", "--model", tiny_bundle, "--text", GOOD, "--text", "\tA bad\nfilm.", "--text", " "
    )
    lines = [line.split("\t") for line in result.stdout.decode().splitlines()]
    assert [(label, text) for label, _, text in lines] == [
        ("positive", GOOD),
        ("negative", " A bad film."),
        ("", " "),
    ]
    assert lines[2][1] == ""


def test_an_excel_workbook_keeps_its_values_and_sheets(
    thumbs: Run, folder: Path, tiny_bundle: Path
) -> None:
    """Xlsx comes back as xlsx, the labels right of the data, other sheets as they were."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["id", "Review"])
    sheet.append(["007", GOOD])
    sheet.append([12.5, BAD])
    book.create_sheet("Notes")["B2"] = "=1+1"
    book.save(folder / "r.xlsx")
    result = thumbs("score", "r.xlsx", "--sheet", sheet.title, "--model", tiny_bundle)
    assert result.returncode == 0, result.stderr
    out = openpyxl.load_workbook(folder / "r.labelled.xlsx")
    rows = [[cell.value for cell in row] for row in out.worksheets[0].iter_rows()]
    assert rows[0] == ["id", "Review", "label", "confidence", "flags"]
    assert [row[:3] for row in rows[1:]] == [["007", GOOD, "positive"], [12.5, BAD, "negative"]]
    assert all(isinstance(row[3], float) and 0.5 < row[3] <= 1 for row in rows[1:])
    assert out["Notes"]["B2"].value == "=1+1"


def test_all_sheets_with_the_column_are_labelled(
    thumbs: Run, folder: Path, tiny_bundle: Path
) -> None:
    """One run labels each sheet that has the column, and says which these are."""
    book = openpyxl.Workbook()
    sheets: dict[str, list[tuple[object, ...]]] = {
        "March": [("id", "Words"), (1, GOOD)],
        "Sums": [("month", "reviews"), ("March", 1)],
        "April": [("words", "id"), (BAD, 2), (None, 3)],
    }
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    book.save(folder / "r.xlsx")
    words = ("--text-column", "words", "--model", tiny_bundle, "--summary", "s.json")
    result = thumbs("score", "r.xlsx", *words)
    assert result.returncode == 0, result.stderr
    assert result.stderr.decode().splitlines()[0] == (
        "thumbs: r.xlsx: 2 of 3 sheets with cells have the column of texts and get labels: "
        "March, April."
    )
    out = openpyxl.load_workbook(folder / "r.labelled.xlsx")
    found = {one.title: [row[2:5:2] for row in one.iter_rows(values_only=True)] for one in out}
    assert {title: [row[:1] for row in rows] for title, rows in found.items()} == {
        "Sheet": [],
        "March": [("label",), ("positive",)],
        "Sums": [(), ()],
        "April": [("label",), ("negative",), (None,)],
    }
    counts = json.loads((folder / "s.json").read_text())
    assert (counts["rows"], counts["empty"], counts["labels"]) == (
        3,
        1,
        {"negative": 1, "positive": 1},
    )


def test_parquet_and_json_lines_keep_their_values(
    thumbs: Run, folder: Path, tiny_bundle: Path
) -> None:
    """The columnar and the nested format come back with three more fields."""
    record = '{"id": 1.50, "review": "' + GOOD + '", "tags": {"a": [1]}'
    frame = pd.DataFrame({"id": [1, 2], "review": [GOOD, None], "tags": [["a"], []]})
    frame.to_parquet(folder / "r.parquet")
    (folder / "r.jsonl").write_text(record + "}\n")
    for name in ("r.parquet", "r.jsonl"):
        assert thumbs("score", name, "--model", tiny_bundle, "--quiet").returncode == 0
    out = pd.read_parquet(folder / "r.labelled.parquet")
    assert list(out.columns) == ["id", "review", "tags", "label", "confidence", "flags"]
    assert out["label"].tolist()[0] == "positive"
    assert out["flags"].tolist() == ["", "empty"]
    line = (folder / "r.labelled.jsonl").read_text()
    assert line.startswith(record)
    assert json.loads(line)["label"] == "positive"


def test_all_scores_and_a_prefix(thumbs: Run, folder: Path, tiny_bundle: Path) -> None:
    """--scores adds one column a class, --prefix names all new columns."""
    (folder / "r.csv").write_text(f"label,review\nmine,{GOOD}\n")
    result = thumbs("score", "r.csv", "--model", tiny_bundle, "--scores", "--prefix", "ai_")
    assert result.returncode == 0, result.stderr
    with (folder / "r.labelled.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert list(row) == [
        "label",
        "review",
        "ai_label",
        "ai_confidence",
        "ai_score_negative",
        "ai_score_positive",
        "ai_flags",
    ]
    assert row["ai_score_positive"] == row["ai_confidence"]
    total = float(row["ai_score_negative"]) + float(row["ai_score_positive"])
    assert abs(total - 1) <= 0.0001


def test_a_new_column_that_is_there_already_is_refused(
    thumbs: Run, folder: Path, tiny_bundle: Path
) -> None:
    """A column of the user's is never written twice."""
    (folder / "r.csv").write_text(f"label,review\nmine,{GOOD}\n")
    result = thumbs("score", "r.csv", "--model", tiny_bundle)
    assert result.returncode == 65
    assert b"'label'" in result.stderr
    assert b"--prefix" in result.stderr


def test_a_header_without_rows_is_complete(thumbs: Run, folder: Path, tiny_bundle: Path) -> None:
    """No rows are no error: the output has the header with the new columns."""
    (folder / "r.csv").write_text("id,review\n")
    assert thumbs("score", "r.csv", "--model", tiny_bundle).returncode == 0
    assert (folder / "r.labelled.csv").read_text() == "id,review,label,confidence,flags\n"


def test_the_summary_adds_up(thumbs: Run, folder: Path, tiny_bundle: Path) -> None:
    """The counts for machines cover every record once."""
    (folder / "r.csv").write_text(f"id,review\n1,{GOOD}\n2,{BAD}\n3\n\n4,a,b\n5,{GOOD}\n")
    result = thumbs(
        "score", "r.csv", "--model", tiny_bundle, "--summary", "s.json", "--unsure-below", "1"
    )
    assert result.returncode == 3, result.stderr
    summary = json.loads((folder / "s.json").read_text())
    assert summary["labels"] == {"negative": 1, "positive": 2}
    counts = {k: summary[k] for k in ("rows", "empty", "blank", "rejected", "padded", "unsure")}
    assert counts == {
        "rows": 6,
        "empty": 1,
        "blank": 1,
        "rejected": 1,
        "padded": 1,
        "unsure": 3,
    }
    assert summary["rejects"] == "r.labelled.rejects.csv"
    assert (summary["layers"].keys() <= {"1", "2"}, sum(summary["layers"].values())) == (True, 3)


def test_the_summary_tells_how_deep_was_read(thumbs: Run, folder: Path, tiny_bundle: Path) -> None:
    """By layer, what was read in this run; what was known before was read by none."""
    (folder / "r.csv").write_text(f"review\n{GOOD}\n{BAD}\n")
    words = ["score", "r.csv", "--model", tiny_bundle, "--effort", "high", "--summary", "s.json"]
    for found in ({"2": 2}, {}):
        assert thumbs(*words, "--overwrite").returncode == 0
        assert json.loads((folder / "s.json").read_text())["layers"] == found


def test_options_come_from_the_environment(thumbs: Run, folder: Path, tiny_bundle: Path) -> None:
    """A scheduler sets options as THUMBS_SCORE_<OPTION>."""
    (folder / "r.csv").write_text(f"review\n{GOOD}\n")
    result = thumbs("score", "r.csv", THUMBS_SCORE_MODEL=str(tiny_bundle), THUMBS_SCORE_QUIET="1")
    assert (result.returncode, result.stderr) == (0, b"")


def test_nothing_is_left_beside_the_output(thumbs: Run, folder: Path, tiny_bundle: Path) -> None:
    """After a run the folder holds the input and the output, nothing else."""
    (folder / "r.csv").write_text(f"review\n{GOOD}\n")
    thumbs("score", "r.csv", "--model", tiny_bundle)
    assert sorted(path.name for path in folder.iterdir()) == ["r.csv", "r.labelled.csv"]


def test_info_says_what_a_bundle_is(thumbs: Run, tiny_bundle: Path) -> None:
    """``thumbs info`` prints the bundle in words, with a line for each graph."""
    result = thumbs("info", tiny_bundle)
    assert (result.returncode, result.stderr) == (0, b"")
    lines = result.stdout.decode().splitlines()
    assert lines[0].startswith("bundle     tiny, ")
    assert lines[1] == "labels     negative, positive"
    assert [line[:4] for line in lines].count("int8") == 1


def test_a_page_about_a_bundle(thumbs: Run, folder: Path, tiny_bundle: Path) -> None:
    """``thumbs info --html`` writes what it prints, with two charts a graph and three efforts."""
    result = thumbs("info", tiny_bundle, "--html", "about.html")
    assert (result.returncode, result.stderr) == (0, b"")
    assert result.stdout.startswith(b"bundle     tiny, ")
    text = (folder / "about.html").read_text(encoding="utf-8")
    assert text.startswith("<!DOCTYPE html>")
    assert text.count("<svg ") == 2 * (2 + 3)
    refused = thumbs("info", tiny_bundle, "--html", "about.txt")
    assert (refused.returncode, refused.stderr, refused.stdout) == (
        64,
        b"thumbs: about.txt is no name for a page. Let it end in .html.\n",
        b"",
    )


def test_a_promise_the_bundle_cannot_give(thumbs: Run, folder: Path, tiny_bundle: Path) -> None:
    """--max-error without a threshold is one sentence, and nothing is written."""
    (folder / "r.csv").write_text(f"review\n{GOOD}\n")
    result = thumbs("score", "r.csv", "--model", tiny_bundle, "--max-error", "0.02")
    assert (result.returncode, result.stdout) == (64, b"")
    assert result.stderr.startswith(b"thumbs: The bundle tiny cannot promise an error rate of 0.02")
    assert result.stderr.count(b"\n") == 1
    assert [path.name for path in folder.iterdir()] == ["r.csv"]
