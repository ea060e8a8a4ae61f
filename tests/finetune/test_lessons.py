"""What is learned from beside the train split, and who labels it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from finetune import baseline
from finetune.answers import log_probabilities
from finetune.baseline import fit_baseline, log_softmax
from finetune.curriculum import plan_lessons
from finetune.data import DataSettings, load_data
from finetune.lessons import Lessons
from finetune.settings import TrainSettings
from finetune.splits import NEITHER, Origin, Split
from finetune.teacher import Teacher
from finetune.train import train_model
from score.calibration import fit_weights
from score.errors import DataError, NoInputError, UsageError
from tests.conftest import sentences, tiny_settings, write_table


def _split() -> Split:
    rows = sentences()
    return Split(
        tuple(text for text, _ in rows), tuple(int(label == "positive") for _, label in rows)
    )


def test_targets_are_probabilities_times_the_weight_of_the_class() -> None:
    """One class takes all, none takes equal parts."""
    split = Split(("good", "bad", "a table"), (1, 0, NEITHER))
    lessons = Lessons.of(split, [1.0, 3.0])
    assert lessons.texts == split.texts
    assert lessons.targets.tolist() == [[0.0, 3.0], [1.0, 0.0], [0.5, 0.5]]


def test_the_baseline_learns_the_sentences() -> None:
    """Two classes and three, log probabilities that add up to one."""
    split = _split()
    logs = fit_baseline(split, 2).log_probabilities(split.texts)
    assert np.allclose(np.exp(logs).sum(axis=1), 1)
    assert (logs.argmax(axis=1) == split.classes).mean() > 0.9
    three = Split(
        split.texts,
        tuple(c if "film" not in t else 2 for t, c in zip(split.texts, split.classes, strict=True)),
    )
    logs = fit_baseline(three, 3).log_probabilities(three.texts)
    assert logs.shape == (64, 3)
    assert (logs.argmax(axis=1) == three.classes).mean() > 0.9


def test_of_many_texts_the_baseline_learns_a_sample(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As much text as there is memory for, always the same rows, some of each class; it is said."""
    texts = tuple(f"Review {i} was {'good' if i % 50 else 'bad'}." for i in range(2000))
    split = Split(texts, tuple(int(i % 50 > 0) for i in range(2000)))
    assert baseline.sampled(split) is split
    monkeypatch.setattr(baseline, "MOST_CHARACTERS", 4000)
    monkeypatch.setattr(baseline, "_LEAST_ROWS", 30)
    found = baseline.sampled(split)
    assert caplog.messages == [
        f"The baseline of words and phrases learns from {len(found)} of the 2,000 rows."
    ]
    assert sum(len(text) for text in found.texts) <= 4000 + 30 * max(map(len, texts))
    assert found.classes.count(0) == 30
    assert [texts.index(text) for text in found.texts] == sorted(map(texts.index, found.texts))
    turned = Split(texts[::-1], split.classes[::-1])
    assert set(baseline.sampled(turned).texts) == set(found.texts)
    fitted = fit_baseline(split, 2)
    assert fitted.rows == len(found)
    monkeypatch.setattr(baseline, "_BATCH", 7)
    batched = fitted.log_probabilities(texts[:20])
    monkeypatch.setattr(baseline, "_BATCH", 1000)
    assert batched.tolist() == fitted.log_probabilities(texts[:20]).tolist()


def test_the_teacher_believes_the_one_who_knows() -> None:
    """One opinion is right four times in five, the other is noise: the noise gets no weight."""
    rng = np.random.default_rng(0)
    classes = rng.integers(0, 2, 4000)
    right = np.where(rng.random(4000) < 0.8, classes, 1 - classes)
    first = np.log(np.where(np.eye(2)[right] == 1, 0.8, 0.2))
    second = log_softmax(rng.normal(size=(4000, 2)))
    weights = fit_weights(np.stack([first, second]), classes)
    assert weights == pytest.approx((1, 0), abs=0.1)


@pytest.mark.parametrize("kind", ["tiny_checkpoint", "tiny_bundle"])
def test_a_teacher_is_a_checkpoint_or_a_bundle(
    kind: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Both tell the sentences apart, in the order of labels that is asked for, in any case."""
    monkeypatch.setattr("score.folders.score_cache_file", lambda: tmp_path / "cache.sqlite3")
    model = str(request.getfixturevalue(kind))
    texts = ["A good and great film.", "A dull and weak plot."]
    logs = log_probabilities(model, ["negative", "positive"], texts)
    assert logs.argmax(axis=1).tolist() == [1, 0]
    other = log_probabilities(model, ["positive", "negative"], texts)
    assert other.tolist() == logs[:, ::-1].tolist()
    spelt = log_probabilities(model, ["Positive", " NEGATIVE"], texts)
    assert spelt.tolist() == other.tolist()
    with pytest.raises(DataError, match="tells negative, positive apart, the labelled data a, b"):
        log_probabilities(model, ["a", "b"], texts)


def test_a_teacher_that_is_no_model_is_refused(tmp_path: Path) -> None:
    """A folder with nothing in it."""
    with pytest.raises(NoInputError, match="neither a bundle of thumbs export nor a checkpoint"):
        log_probabilities(str(tmp_path), ["a", "b"], ["x"])


def test_unlabelled_texts_come_with_the_teachers_doubt(tiny_checkpoint: Path) -> None:
    """Clear texts get a clear target, mixed ones do not."""
    split = _split()
    labels = ("negative", "positive")
    teacher = Teacher.fit(str(tiny_checkpoint), labels, fit_baseline(split, 2), split)
    lessons = teacher.teach(["A superb and lovely cast.", "A wonderful and poor story."])
    clear, mixed = lessons.targets.max(axis=1)
    assert lessons.targets.argmax(axis=1)[0] == 1
    assert clear > mixed
    assert np.allclose(lessons.targets.sum(axis=1), 1)


def test_what_stands_beside_the_source_never_repeats_what_is_measured_on(
    tiny_data: Path, tmp_path: Path
) -> None:
    """Texts of the validation and the test split are left out, blank and doubled ones too."""
    plain = load_data(DataSettings(str(tiny_data), validation=0.2))
    held_back = [plain.validation.texts[0], plain.test.texts[0]]
    also = write_table(
        tmp_path / "also.csv",
        [
            *((text, "positive") for text in held_back),
            ("It is new.", "neither"),
            ("Yes!", "positive"),
        ],
    )
    unlabelled = tmp_path / "unlabelled.csv"
    pd.DataFrame({"text": [*held_back, plain.train.texts[0], "A new one.", "A new one."]}).to_csv(
        unlabelled, index=False
    )
    data = load_data(DataSettings(str(tiny_data), validation=0.2, also=also, unlabelled=unlabelled))
    origins = (Origin("3"), Origin("4"))
    assert data.also == Split(("It is new.", "Yes!"), (NEITHER, 1), origins)
    assert data.unlabelled.texts == ("A new one.",)
    assert [name for name, _ in data.parts()] == [
        "train",
        "validation",
        "test",
        "also",
        "unlabelled",
    ]


def test_a_label_that_the_source_has_not_is_refused(tiny_data: Path, tmp_path: Path) -> None:
    """The message names the label and what there is."""
    also = write_table(tmp_path / "also.csv", [("Hm.", "mixed")])
    with pytest.raises(DataError) as caught:
        load_data(DataSettings(str(tiny_data), also=also))
    assert str(caught.value) == (
        f"{also} has the label 'mixed', which {tiny_data} has not; "
        "its labels are negative, positive, and neither for none of them."
    )


def test_unlabelled_texts_need_a_teacher_and_a_teacher_needs_them(
    tiny_data: Path, tiny_base: Path, tmp_path: Path
) -> None:
    """Said before anything is read or made."""
    data = DataSettings(str(tiny_data), unlabelled=tmp_path / "texts.csv")
    with pytest.raises(UsageError, match="go together"):
        train_model(data, tiny_settings(tiny_base), tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_lessons_are_counted_by_where_they_come_from(
    tiny_data: Path, tiny_checkpoint: Path, tmp_path: Path
) -> None:
    """The train split, the further table and the taught texts."""
    also = write_table(tmp_path / "also.csv", [("It is new.", "neither")])
    unlabelled = tmp_path / "unlabelled.csv"
    pd.DataFrame({"text": ["A new film.", "A new book."]}).to_csv(unlabelled, index=False)
    data = load_data(DataSettings(str(tiny_data), validation=0.2, also=also, unlabelled=unlabelled))
    settings = TrainSettings(teacher=str(tiny_checkpoint))
    plan = plan_lessons(data, settings, fit_baseline(data.train, 2))
    assert plan.described["n"] == {"labelled": 30, "also": 1, "taught": 2}
    assert plan.described["class_weights"] == {"negative": 1.0, "positive": 1.0}
    assert len(plan.everything) == 33
