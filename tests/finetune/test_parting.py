"""Which rows are held back, above all from tables so small that luck would decide."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest

from finetune.data import DataSettings, load_data
from finetune.parting import borders, part
from finetune.splits import place
from score.errors import DataError
from tests.conftest import write_table


def test_fifty_rows_are_enough() -> None:
    """Whatever the texts, each class of fifty rows is in each split, and mostly in training."""
    for trial in range(200):
        texts = [f"{trial} {i}" for i in range(50)]
        classes = [0] * 40 + [1] * 7 + [2] * 3
        parts = part(texts, classes, 0.1, place, with_test=True)
        assert sorted(i for rows in parts for i in rows) == list(range(50))
        found = [Counter(classes[i] for i in rows) for rows in parts]
        assert all(set(one) == {0, 1, 2} for one in found)
        assert 2 <= found[1][0] <= 8
        assert 2 <= found[2][0] <= 8


def test_large_tables_are_parted_by_the_hash_alone() -> None:
    """In thousands of rows no border moves, so that a longer file keeps each row's side."""
    texts = [f"Review {i}" for i in range(5000)]
    classes = [i % 3 for i in range(5000)]
    train, validation, test = part(texts, classes, 0.1, place, with_test=True)
    assert validation == [i for i, text in enumerate(texts) if place(text) < 0.1]
    assert test == [i for i, text in enumerate(texts) if 0.1 <= place(text) < 0.2]
    assert len(train) + len(validation) + len(test) == 5000


@pytest.mark.parametrize(
    ("places", "with_test", "expected"),
    [
        ([0.5, 0.6, 0.7], True, (1, 2)),
        ([0.01, 0.02, 0.03], True, (1, 2)),
        ([0.15, 0.16, 0.9], True, (1, 2)),
        ([0.5, 0.6], False, (1, 1)),
        ([0.01, 0.02], False, (1, 1)),
        ([0.05, 0.15, *(0.2 + i / 100 for i in range(18))], True, (1, 2)),
        ([0.5 + i / 100 for i in range(40)], True, (2, 4)),
        ([i / 1000 for i in range(40)], True, (8, 16)),
    ],
)
def test_where_the_borders_are(
    places: list[float], with_test: bool, expected: tuple[int, int]
) -> None:
    """Each split has from half to twice its tenth of a class, and training a row at least."""
    assert borders(places, 0.1, with_test=with_test) == expected


def test_borders_of_any_class_leave_something_to_each_split() -> None:
    """Every class of three texts or more is in all splits, for any share and any places."""
    generator = random.Random(3)
    for _ in range(2000):
        number = generator.randrange(3, 60)
        places = sorted(generator.random() for _ in range(number))
        one, two = borders(places, generator.uniform(0.01, 0.49), with_test=True)
        assert 0 < one < two < number


def test_one_text_under_two_labels_is_on_one_side() -> None:
    """Rows of one text go together even where people disagree about it."""
    texts = [f"Review {i % 30}" for i in range(60)]
    classes = [0] * 30 + [1] * 30
    train, validation, test = part(texts, classes, 0.1, place, with_test=True)
    sides = [{texts[i] for i in rows} for rows in (train, validation, test)]
    assert sum(map(len, sides)) == 30


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (
            [("New.", "rare")],
            "r.csv has 1 row of the label 'rare', and 3 are needed to train and to measure. "
            "Give more rows of it, or leave the label out.",
        ),
        (
            [("New.", "b rare"), ("Newer.", "b rare"), ("Newer.", "b rare"), ("One.", "a rare")],
            "r.csv has 1 row of the label 'a rare', and 3 are needed to train and to measure "
            "(1 other label has too few). Give more rows of it, or leave the label out.",
        ),
        (
            [("New.", "rare"), ("Newer.", "rare"), ("Newer.", "rare")],
            "r.csv has 2 different rows of the label 'rare', and 3 are needed to train and to "
            "measure. Give more rows of it, or leave the label out.",
        ),
    ],
)
def test_a_label_with_too_few_rows(
    tmp_path: Path, more: list[tuple[str, str]], message: str
) -> None:
    """A label that cannot be in every split is named, with its rows."""
    rows = [(f"Review {i}", ("good", "bad")[i % 2]) for i in range(50)]
    with pytest.raises(DataError) as caught:
        load_data(DataSettings(str(write_table(tmp_path / "r.csv", rows + more))))
    assert str(caught.value) == message
