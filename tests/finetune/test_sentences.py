"""Sentences out of longer texts, and how a teacher labels them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from finetune.answers import log_probabilities
from finetune.baseline import fit_baseline
from finetune.data import DataSettings, load_data
from finetune.sentences import sentences
from finetune.splits import Origin, Split
from finetune.teacher import Teacher
from finetune.train import train_model
from score.errors import UsageError
from tests.conftest import sentences as labelled_sentences
from tests.conftest import tiny_settings


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It is good. It is very bad!", ["It is good.", "It is very bad!"]),
        ("Was it good? (No, it was not.) I left.", ["Was it good?", "(No, it was not.)"]),
        ("Written by John F. Kennedy himself.", ["Written by John F. Kennedy himself."]),
        ("One two three… and so on it went.", ["One two three…", "and so on it went."]),
        ('He said "it is good." Then he left us.', ['He said "it is good."', "Then he left us."]),
        ("Too short. " + "long " * 41, []),
        ("", []),
    ],
)
def test_where_sentences_end(text: str, expected: list[str]) -> None:
    """Of 3 to 40 words each; what closes with a sentence belongs to it."""
    assert list(sentences(text)) == expected


def test_sentences_of_no_texts(tiny_data: Path, tiny_base: Path, tmp_path: Path) -> None:
    """Refused before anything is read."""
    data = DataSettings(str(tiny_data), unlabelled_sentences=9)
    with pytest.raises(UsageError, match="--unlabelled-sentences needs --unlabelled"):
        train_model(data, tiny_settings(tiny_base), tmp_path / "model")


def test_a_sample_of_sentences_stands_beside_the_texts(tiny_data: Path, tmp_path: Path) -> None:
    """Each once, none that is a text of another part, with the row of its text."""
    known = load_data(DataSettings(str(tiny_data), validation=0.2)).validation.texts[0]
    table = tmp_path / "texts.csv"
    texts = [f"A new film it is.<br />{known} It is new to me.", "It is new to me. So are we two."]
    pd.DataFrame({"text": texts}).to_csv(table, index=False)

    def load(number: int) -> Split:
        settings = DataSettings(
            str(tiny_data),
            validation=0.2,
            unlabelled=table,
            unlabelled_size=1,
            unlabelled_sentences=number,
        )
        data = load_data(settings)
        assert len(data.unlabelled) == 1
        return data.sentences

    assert len(load(0)) == 0
    several = load(100)
    assert set(several.texts) == {"A new film it is.", "It is new to me.", "So are we two."}
    # A line break mark between two sentences is in neither.
    assert set(several.origins) == {Origin("1"), Origin("2")}
    assert len(load(2)) == 2
    assert set(load(2).texts) < set(several.texts)


def test_of_a_sentence_the_model_alone_speaks(tiny_checkpoint: Path) -> None:
    """The baseline counts the words of whole reviews."""
    texts, names = zip(*labelled_sentences(), strict=True)
    labels = ("negative", "positive")
    split = Split(tuple(texts), tuple(labels.index(name) for name in names))
    teacher = Teacher.fit(str(tiny_checkpoint), labels, fit_baseline(split, 2), split)
    short, long = "A superb and lovely cast.", "A superb and lovely cast. " * 20
    taught = [*teacher.teach_sentences([short]).targets, *teacher.teach([long]).targets]
    alone = np.exp(log_probabilities(str(tiny_checkpoint), labels, [short, long]))
    assert taught[0] == pytest.approx(alone[0], abs=1e-5)
    assert taught[1] != pytest.approx(alone[1], abs=1e-5)
