"""From labelled reviews of any kind to three splits, and what is refused on the way."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from finetune.data import DataSettings, load_data
from finetune.labels import class_order
from finetune.sources import Examples, read_source, read_table
from finetune.splits import place
from score.errors import DataError, NoInputError, UsageError
from tests.conftest import write_table


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Two hundred different reviews, every third of them negative."""
    rows = [(f"Review {i}", "negative" if i % 3 == 0 else "positive") for i in range(200)]
    return write_table(tmp_path / "reviews.csv", rows)


@pytest.fixture
def acl_folder(tmp_path: Path) -> Path:
    """A folder as IMDB's authors publish it: one file a review."""
    folder = tmp_path / "aclImdb"
    for part, size in (("train", 20), ("test", 3)):
        for sub in ("neg", "pos"):
            (folder / part / sub).mkdir(parents=True)
            for i in range(size):
                text = f"{part} {sub} {i}<br />end"
                (folder / part / sub / f"{i}_7.txt").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def parquet_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder as the hub hands IMDB out: Parquet with numbered classes called neg and pos."""
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    folder = tmp_path / "imdb"
    folder.mkdir()
    features = datasets.Features(
        {"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["neg", "pos"])}
    )
    for part, size in (("train", 40), ("test", 6)):
        columns = {"text": [f"{part} {i}" for i in range(size)], "label": [0, 1] * (size // 2)}
        datasets.Dataset.from_dict(columns, features).to_parquet(
            folder / f"{part}-00000-of-00001.parquet"
        )
    return folder


def test_the_folder_of_imdbs_authors(acl_folder: Path) -> None:
    """Their neg is negative and 0, pos is positive and 1; line break marks become blanks."""
    data = load_data(DataSettings(str(acl_folder), validation=0.2))
    assert (data.name, data.test_name) == ("aclImdb/train", "aclImdb/test")
    assert data.labels == ("negative", "positive")
    assert data.test.texts == tuple(
        f"test {sub} {i} end" for sub in ("neg", "pos") for i in range(3)
    )
    assert data.test.classes == (0, 0, 0, 1, 1, 1)
    assert len(data.train) + len(data.validation) == 40
    assert {text.split()[1] for text in data.train.texts} == {"neg", "pos"}


def test_the_parquet_files_of_the_hub(parquet_folder: Path) -> None:
    """Classes numbered in the file have the names that it states, in that order."""
    data = load_data(DataSettings(str(parquet_folder), validation=0.2))
    assert (data.name, data.labels) == ("imdb/train", ("negative", "positive"))
    assert data.test.texts == tuple(f"test {i}" for i in range(6))
    assert data.test.classes == (0, 1, 0, 1, 0, 1)


def test_a_table_is_split_in_three(table: Path) -> None:
    """Without a test part a second share is held back; all rows are somewhere, once."""
    data = load_data(DataSettings(str(table), validation=0.2))
    assert (data.name, data.test_name) == ("reviews.csv", "reviews.csv, held-back part")
    texts = [text for _, split in data.splits() for text in split.texts]
    assert sorted(texts) == sorted(f"Review {i}" for i in range(200))
    assert all(place(text) >= 0.4 for text in data.train.texts)
    assert all(place(text) < 0.2 for text in data.validation.texts)
    for _, split in data.splits():
        truth = tuple(0 if int(text.split()[1]) % 3 == 0 else 1 for text in split.texts)
        assert split.classes == truth


def test_a_tables_columns_can_be_named(tmp_path: Path) -> None:
    """Columns are found as in ``thumbs score``; blank lines are no rows."""
    path = tmp_path / "r.csv"
    rows = "\n".join(f"x,Text {i},{i % 2}" for i in range(50))
    path.write_text(f"id,Words,Stars\n{rows}\n\n")
    found = read_source(str(path), "words", "#3").train
    assert found.texts == tuple(f"Text {i}" for i in range(50))
    assert found.labels == ("0", "1") * 25


def test_duplicates_stay_on_one_side(tmp_path: Path) -> None:
    """Texts that clean alike are in one split, wherever they stand in the file."""
    rows = [(f"Same<br />{i % 60}", "ab"[i % 2]) for i in range(60)]
    rows += [(f"Same {i % 60}", "ab"[i % 2]) for i in range(120)]
    data = load_data(DataSettings(str(write_table(tmp_path / "r.csv", rows)), validation=0.2))
    sides = [set(split.texts) for _, split in data.splits()]
    assert sum(len(side) for side in sides) == len(set.union(*sides)) == 60


def test_a_longer_file_keeps_the_split(table: Path) -> None:
    """New rows never move an old one from training to validation."""
    before = load_data(DataSettings(str(table)))
    with table.open("a") as file:
        file.writelines(f"New {i},positive\n" for i in range(100))
    after = load_data(DataSettings(str(table)))
    for (_, old), (_, new) in zip(before.splits(), after.splits(), strict=True):
        assert set(old.texts) == {text for text in new.texts if text.startswith("Review")}


def test_a_text_has_one_place() -> None:
    """The place of a text, from its SHA-256, is the same on every machine and forever."""
    assert place("A waste of two hours.") == 0.7068183374256032
    assert place("\ud800") == place("\ud800")


def test_samples(acl_folder: Path) -> None:
    """A sample has the wanted size, the same rows each time, and others with another seed."""

    def load(seed: int) -> list[tuple[str, ...]]:
        settings = DataSettings(
            str(acl_folder), validation=0.2, train_size=30, test_size=2, seed=seed
        )
        data = load_data(settings)
        return [split.texts for _, split in data.splits()]

    train, validation, test = load(1)
    assert (len(train) + len(validation), len(test)) == (30, 2)
    assert load(1) == [train, validation, test]
    assert load(2) != [train, validation, test]


@pytest.mark.parametrize(
    ("labels", "names", "wanted", "expected"),
    [
        (("b", "a"), (), (), {"a": "a", "b": "b"}),
        (("10", "9", "1"), (), (), {"1": "1", "9": "9", "10": "10"}),
        (("a", "b"), ("b", "a"), (), {"b": "b", "a": "a"}),
        (("a", "b"), (), ("b", "a"), {"b": "b", "a": "a"}),
        (("1", "0"), (), ("负面评价", "正面评价"), {"0": "负面评价", "1": "正面评价"}),
        (("no", "yes"), ("no", "yes"), ("x", "y"), {"no": "x", "yes": "y"}),
        (("2", "0"), ("0", "1", "2"), (), {"0": "0", "1": "1", "2": "2"}),
    ],
)
def test_the_order_of_the_classes(
    labels: tuple[str, ...],
    names: tuple[str, ...],
    wanted: tuple[str, ...],
    expected: dict[str, str],
) -> None:
    """The source's order, else sorted, numbers by value; --labels reorders or renames."""
    order = class_order(Examples("r.csv", labels, labels, names), wanted)
    assert list(order.items()) == list(expected.items())


@pytest.mark.parametrize(
    ("labels", "wanted", "message"),
    [
        ((), (), "r.csv has no rows."),
        (("a", "a"), (), "r.csv has only the label 'a'; a classifier needs two."),
        (
            ("a", "b", "c"),
            ("x", "y"),
            "r.csv has 3 labels (a, b, c), --labels names 2.",
        ),
        (
            ("bad", "good"),
            ("x", "y"),
            "r.csv calls its classes bad, good; --labels can put these into another order, and "
            "give new names only to classes that are numbers.",
        ),
    ],
)
def test_labels_that_do_not_fit(
    labels: tuple[str, ...], wanted: tuple[str, ...], message: str
) -> None:
    """Where the meaning of a class would have to be guessed, the data is refused."""
    with pytest.raises(DataError) as caught:
        class_order(Examples("r.csv", labels, labels), wanted)
    assert str(caught.value) == message


def test_a_workbook_of_several_sheets(tmp_path: Path) -> None:
    """Of a workbook all sheets with the texts are read, wherever text and label stand on them."""
    book = openpyxl.Workbook()
    march = [("text", "label"), ("Good.", "a"), ("Bad.", "b")]
    april = [("id", "Label", "Text"), ("1", "b", "Worse.")]
    for rows in (march, [("note",), ("Ask Ann.",)], april):
        sheet = book.create_sheet()
        for row in rows:
            sheet.append(row)
    book.save(tmp_path / "r.xlsx")
    examples = read_table(tmp_path / "r.xlsx", None, "label")
    assert (examples.texts, examples.labels) == (("Good.", "Bad.", "Worse."), ("a", "b", "b"))


def test_a_row_without_a_label(tmp_path: Path) -> None:
    """A gap in the labels is named by its row."""
    path = write_table(tmp_path / "r.csv", [("Good.", "a"), ("Hm.", " ")])
    with pytest.raises(DataError) as caught:
        load_data(DataSettings(str(path)))
    assert str(caught.value) == (f"{path}, row 2 has no label. Fill it in or leave the row out.")


def test_a_row_with_too_many_cells(tmp_path: Path) -> None:
    """A broken record is not trained on."""
    path = tmp_path / "r.csv"
    path.write_text("text,label\nGood.,a\nBad,really,b\n")
    with pytest.raises(DataError, match=r"r\.csv, row 2: .*\. Mend the row\.$"):
        load_data(DataSettings(str(path)))


def test_two_rows_are_too_few(tmp_path: Path) -> None:
    """Too few rows for three splits are refused with the way out."""
    path = write_table(tmp_path / "r.csv", [("Good.", "a"), ("Bad.", "b")])
    with pytest.raises(DataError) as caught:
        load_data(DataSettings(str(path)))
    assert str(caught.value) == (
        "r.csv has 1 row of the label 'a', and 3 are needed to train and to measure (1 other "
        "label has too few). Give more rows of it, or leave the label out."
    )


def test_a_test_label_that_training_lacks(tmp_path: Path) -> None:
    """The test part of a folder cannot bring a class of its own."""
    folder = tmp_path / "two"
    folder.mkdir()
    for part, labels in (("train", ["a", "b"] * 20), ("test", ["a", "z"])):
        texts = [f"{part} {i}" for i in range(len(labels))]
        frame = pd.DataFrame({"text": texts, "label": labels})
        frame.to_parquet(folder / f"{part}.parquet")
    with pytest.raises(DataError) as caught:
        load_data(DataSettings(str(folder), validation=0.2))
    assert str(caught.value) == "two/test has the label 'z', which the training part has not."


@pytest.mark.parametrize(
    ("source", "error", "message"),
    [
        ("missing.csv", NoInputError, "No such file: missing.csv. Check the name."),
        (
            ".",
            DataError,
            "{0} holds neither train/pos, train/neg, test/pos and test/neg with .txt files, nor "
            "train and test parquet files.",
        ),
    ],
)
def test_sources_that_are_none(
    source: str, error: type[Exception], message: str, tmp_path: Path
) -> None:
    """What is not there, or not labelled reviews, is named."""
    wanted = str(tmp_path) if source == "." else source
    with pytest.raises(error) as caught:
        load_data(DataSettings(wanted))
    assert str(caught.value) == message.format(tmp_path)


def test_a_data_set_that_cannot_be_had() -> None:
    """A name that is neither here nor on the hub says where it was looked for."""
    with pytest.raises(NoInputError) as caught:
        load_data(DataSettings("no-such-owner/no-such-set"))
    assert str(caught.value).startswith(
        "no-such-owner/no-such-set is no file or folder here, and the data set "
        "no-such-owner/no-such-set could not be had from the hub: "
    )


def test_settings_out_of_range() -> None:
    """An impossible setting is refused at birth."""
    with pytest.raises(UsageError) as caught:
        DataSettings("r.csv", validation=0.5)
    assert str(caught.value) == "--validation 0.5 is out of range; it lies between 0 and 0.5."
    for labels in (("one",), ("one", "one")):
        with pytest.raises(UsageError) as caught:
            DataSettings("r.csv", labels=labels)
        assert str(caught.value) == (
            "--labels needs two or more different names, a comma between them."
        )
