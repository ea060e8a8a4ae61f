"""The labels as users write them: what is one class, what is refused, and what is said."""

from __future__ import annotations

import logging
from pathlib import Path

import datasets
import pytest

from finetune.data import DataSettings, load_data
from finetune.labels import class_order
from finetune.lessons import class_weights, describe_weights
from finetune.sources import Examples, _from_dataset
from score.errors import DataError
from tests.conftest import write_table


def test_variants_are_one_class_and_it_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The most frequent spelling stands for all, and one line says which others there were."""
    spellings = ["Good", "Bad", "Good", "Bad", "GOOD", "bad", "Good", "Bad", "good ", "Bad"]
    rows = [(f"Review {i}", spellings[i % 10]) for i in range(60)]
    with caplog.at_level(logging.WARNING):
        data = load_data(DataSettings(str(write_table(tmp_path / "r.csv", rows)), validation=0.2))
    assert data.labels == ("Bad", "Good")
    assert sum(len(split) for _, split in data.splits()) == 60
    assert [record.message for record in caplog.records] == [
        "r.csv: labels that differ only in case, blanks or .0 are one: 'GOOD' (6) as 'Good', "
        "'good' (6) as 'Good', 'bad' (6) as 'Bad'."
    ]


def test_stars_that_a_program_wrote_as_decimals(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """1.0 to 5.0 are 1 to 5, in the order of their values, and can be given names."""
    rows = [(f"Review {i}", f"{i % 5 + 1}.0") for i in range(60)]
    path = str(write_table(tmp_path / "r.csv", rows))
    with caplog.at_level(logging.WARNING):
        assert load_data(DataSettings(path)).labels == ("1", "2", "3", "4", "5")
    assert [record.message for record in caplog.records] == [
        "r.csv: labels that differ only in case, blanks or .0 are one: '1.0' (12) as '1', "
        "'2.0' (12) as '2', '3.0' (12) as '3' and 2 more."
    ]
    names = ("awful", "poor", "fair", "good", "superb")
    assert load_data(DataSettings(path, labels=names)).labels == names


def test_the_user_may_write_labels_in_another_case(tmp_path: Path) -> None:
    """--labels puts the data's labels into order, however it spells them, and names them."""
    rows = [(f"Review {i}", ("GOOD", "BAD")[i % 2]) for i in range(60)]
    path = str(write_table(tmp_path / "r.csv", rows))
    assert load_data(DataSettings(path, labels=("Good", "Bad"))).labels == ("Good", "Bad")


def test_labels_that_a_spreadsheet_would_take_for_formulas() -> None:
    """-1, 0 and 1 are refused before training, not at the export, with the way out."""
    examples = Examples("r.csv", ("a",) * 3, ("-1", "0", "1"))
    with pytest.raises(DataError) as caught:
        class_order(examples, ())
    assert str(caught.value) == (
        "r.csv: The label '-1' cannot stand in a table: it is blank, has a control character, "
        "or would be read as a formula. Rename it with finetune --labels."
    )
    assert class_order(examples, ("bad", "fair", "good")) == {
        "-1": "bad",
        "0": "fair",
        "1": "good",
    }


def test_a_column_that_holds_no_labels() -> None:
    """A different label in every row is another column, and the message shows some."""
    labels = tuple(f"id {i}" for i in range(5000))
    with pytest.raises(DataError) as caught:
        class_order(Examples("r.csv", labels, labels), ())
    assert str(caught.value) == (
        "r.csv has 5,000 different labels in 5,000 rows, such as 'id 0', 'id 1', 'id 10': that "
        "looks like another column than that of the labels. Say which with --label-column."
    )
    few = tuple(str(i % 25) for i in range(75))
    assert len(class_order(Examples("r.csv", few, few), ())) == 25


def test_rows_without_a_label(tmp_path: Path) -> None:
    """The first gap is named by its row, the others are counted."""
    rows = [("Good.", "a"), ("Hm.", " "), ("Bad.", "b"), ("So so.", ""), ("Hm?", "")]
    path = write_table(tmp_path / "r.csv", rows)
    with pytest.raises(DataError) as caught:
        load_data(DataSettings(str(path)))
    assert str(caught.value) == (
        f"{path}, row 2 has no label, and 2 more have none. Fill them in or leave the rows out."
    )


def test_gaps_in_a_data_set() -> None:
    """None, NaN and the -1 of numbered classes are gaps too, never the last class."""
    numbered = datasets.Features(
        {"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["bad", "good"])}
    )
    for labels, features in (([0, -1], numbered), ([1.0, None], None), ([1.0, float("nan")], None)):
        data = datasets.Dataset.from_dict({"text": ["a", "b"], "label": labels}, features)
        with pytest.raises(DataError) as caught:
            _from_dataset("set/train", data, "text", "label")
        assert str(caught.value) == (
            "set/train, row 2 has no label. Fill it in or leave the row out."
        )


def test_texts_that_are_none_in_a_data_set() -> None:
    """A gap is an empty text, as in a table, and a number is its digits."""
    for given, texts in ((["a ", None], ("a ", "")), ([7, None], ("7", "")), ([0.5], ("0.5",))):
        columns = {"text": given, "label": ["x"] * len(given)}
        found = _from_dataset("set/train", datasets.Dataset.from_dict(columns), "text", "label")
        assert found.texts == texts


def test_the_weights_of_uneven_classes() -> None:
    """Up to three to one all rows weigh the same; beyond, auto goes half way to balanced."""
    even, uneven = [0] * 75 + [1] * 25, [0] * 90 + [1] * 10
    assert class_weights(even, 2, "auto") == [1.0, 1.0]
    assert class_weights(uneven, 2, "none") == [1.0, 1.0]
    assert class_weights(uneven, 2, "balanced") == pytest.approx([100 / 180, 5.0])
    light, heavy = class_weights(uneven, 2, "auto")
    assert heavy / light == pytest.approx(3.0)
    assert (90 * light + 10 * heavy) / 100 == pytest.approx(1.0)


def test_the_weights_are_said() -> None:
    """One sentence with the counts, the weight and the option; none where all weigh the same."""
    classes, labels = [0] * 90 + [1] * 10, ("good", "bad")
    assert describe_weights(classes, labels, class_weights(classes, 2, "auto")) == (
        "90 training rows are good and 10 bad: one of bad weighs 3.0 times one of good "
        "(--class-weights none lets all rows weigh the same)."
    )
    assert describe_weights(classes, labels, [1.0, 1.0]) is None
