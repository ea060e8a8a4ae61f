"""IMDB or the user's labelled table -> splits and label names."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping, Set
from dataclasses import dataclass
from pathlib import Path

from finetune.labels import class_order
from finetune.parting import check_rows
from finetune.reasons import CLEANABLE, LEAK
from finetune.sentences import sentences
from finetune.sources import Examples, read_source
from finetune.splits import EMPTY, NEITHER, LabelledData, Origin, Split
from score.cleaning import CLEANINGS, DEFAULT_CLEANING
from score.errors import DataError, UsageError
from score.labels import NEITHER_LABEL, label_key

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class DataSettings:
    """Where the labelled reviews come from and how they are split.

    Attributes:
        source: ``imdb``, a folder, a table, or the name of a data set on the hub.
        text_column: the column of the reviews; None finds it as ``thumbs score`` does.
        label_column: the column of the labels; None is the one called ``label``.
        labels: the names of the classes, in class order; empty takes the data's own.
        validation: the share held back from training, over 0 and under 0.5.
        train_size: train on a shuffled sample of so many reviews, the validation split
            included; None takes all.
        test_size: evaluate on a shuffled sample of so many; None takes all.
        also: a labelled table that is trained on beside the source, and never measured on;
            the label ``neither`` in it asks for equal probabilities.
        unlabelled: a table of texts that a teacher labels, to be trained on as well.
        unlabelled_size: take a shuffled sample of so many of them; None takes all.
        unlabelled_sentences: take a shuffled sample of so many of their sentences as well, out
            of all of them.
        clean: the reasons of the audit for which rows are left out of training.
        seed: decides the samples.

    Raises:
        UsageError: a value is out of its range.
    """

    source: str
    text_column: str | None = None
    label_column: str | None = None
    labels: tuple[str, ...] = ()
    validation: float = 0.1
    train_size: int | None = None
    test_size: int | None = None
    also: Path | None = None
    unlabelled: Path | None = None
    unlabelled_size: int | None = None
    unlabelled_sentences: int = 0
    clean: tuple[str, ...] = ()
    seed: int = 42

    def __post_init__(self) -> None:
        if not 0 < self.validation < 0.5:
            raise UsageError(
                f"--validation {self.validation} is out of range; it lies between 0 and 0.5."
            )
        if len(set(self.labels)) != len(self.labels) or len(self.labels) == 1:
            raise UsageError("--labels needs two or more different names, a comma between them.")
        for reason in self.clean:
            if reason == LEAK:
                raise UsageError(
                    f"--clean {LEAK} is not needed: leaks are always left out of training. "
                    "Leave the word out."
                )
            if reason not in CLEANABLE:
                raise UsageError(
                    f"--clean {reason!r} is no reason of the audit; "
                    f"it is one of {', '.join(CLEANABLE)}."
                )


def load_data(settings: DataSettings) -> LabelledData:
    """Read, clean and split the labelled reviews.

    A source with a test part of its own is evaluated on that; from any other, a second
    share as large as the validation split is held back for it.

    Raises:
        NoInputError: the source is not there.
        DataError: no such column, a row without a label, fewer than two classes, or a
            split that came out empty.
    """
    source = read_source(settings.source, settings.text_column, settings.label_column)
    classes = class_order(source.train, settings.labels)
    pool = _to_split(source.train, classes).sample(settings.train_size, settings.seed)
    leaked: dict[str, Split] = {}
    if source.test is not None:
        test = _to_split(source.test, classes)
        leaked["train"] = pool.among(set(test.texts))
        pool = pool.without(set(test.texts))
    names, parts = tuple(classes.values()), 2 if source.test else 3
    check_rows(source.train.name, pool.texts, pool.classes, names, parts=parts)
    train, validation, rest = pool.parted(settings.validation, with_test=source.test is None)
    if source.test is None:
        test = rest
    held_back = {*validation.texts, *test.texts}
    also = _read_also(settings, classes)
    leaked["also"] = also.among(held_back)
    unlabelled, cut = _read_unlabelled(settings, {*train.texts, *held_back})
    data = LabelledData(
        name=source.train.name,
        test_name=source.test.name if source.test else f"{source.train.name}, held-back part",
        labels=names,
        cleaning=DEFAULT_CLEANING,
        train=train,
        validation=validation,
        test=test.sample(settings.test_size, settings.seed),
        also=also.without(held_back),
        unlabelled=unlabelled,
        sentences=cut,
        leaked=leaked,
    )
    check_parts(data)
    return data


def _to_split(examples: Examples, classes: dict[str, str]) -> Split:
    number = {label_key(label): i for i, label in enumerate(classes)}
    unknown = [label for label in set(examples.labels) if label_key(label) not in number]
    if unknown:
        raise DataError(
            f"{examples.name} has the label {min(unknown)!r}, which the training part has not."
        )
    return _cleaned(examples, number)


def _cleaned(examples: Examples, number: Mapping[str, int]) -> Split:
    clean = CLEANINGS[DEFAULT_CLEANING]
    texts = tuple(clean(text) for text in examples.texts)
    return Split(
        texts,
        tuple(number[label_key(label)] for label in examples.labels),
        tuple(
            Origin(row, text != raw)
            for row, text, raw in zip(examples.row_names(), texts, examples.texts, strict=True)
        ),
    )


def _read_also(settings: DataSettings, classes: dict[str, str]) -> Split:
    if settings.also is None:
        return EMPTY
    from finetune.sources import read_table

    examples = read_table(settings.also, settings.text_column, settings.label_column or "label")
    # The user knows the classes by what the model will call them.
    number = {label_key(name): i for i, name in enumerate(classes.values())}
    number.setdefault(NEITHER_LABEL, NEITHER)
    unknown = [label for label in set(examples.labels) if label_key(label) not in number]
    if unknown:
        raise DataError(
            f"{settings.also} has the label {min(unknown)!r}, which {settings.source} has not; "
            f"its labels are {', '.join(classes.values())}, and {NEITHER_LABEL} for none of them."
        )
    return _cleaned(examples, number)


def _read_unlabelled(settings: DataSettings, known: Set[str]) -> tuple[Split, Split]:
    """A sample of the table's texts, and one of the sentences of all of them.

    Each text is there once; there are no blank ones, and none of ``known``. A sentence has the
    row of its review.
    """
    if settings.unlabelled is None:
        return EMPTY, EMPTY
    from finetune.sources import read_texts

    clean = CLEANINGS[DEFAULT_CLEANING]
    found: dict[str, Origin] = {}
    for row, raw in read_texts(settings.unlabelled, settings.text_column):
        text = clean(raw)
        if text.strip() and text not in known:
            found.setdefault(text, Origin(row, text != raw))
    whole = _unlabelled(found).sample(settings.unlabelled_size, settings.seed)
    if not settings.unlabelled_sentences:
        return whole, EMPTY
    known = {*known, *whole.texts}
    # That a line break mark of the review stood in this sentence is unlikely: it stays unsaid.
    cut = {
        sentence: Origin(origin.row)
        for text, origin in found.items()
        for sentence in sentences(text)
        if sentence not in known
    }
    return whole, _unlabelled(cut).sample(settings.unlabelled_sentences, settings.seed)


def _unlabelled(found: Mapping[str, Origin]) -> Split:
    return Split(tuple(found), (NEITHER,) * len(found), tuple(found.values()))


def check_parts(data: LabelledData) -> None:
    """Check that no split is empty and that each class is trained on.

    Raises:
        DataError: a split or a class has no row.
    """
    for name, split in data.splits():
        if not len(split):
            raise DataError(
                f"{data.name} leaves no rows for the {name} split: give more rows, "
                "or a larger --validation."
            )
        counts = Counter(split.classes)
        shares = ", ".join(f"{label} {counts[i]}" for i, label in enumerate(data.labels))
        logger.info("%s: %d rows (%s)", name, len(split), shares)
    trained = set(data.train.classes)
    missing = [name for i, name in enumerate(data.labels) if i not in trained]
    if missing:
        raise DataError(f"{data.name} has no training row for the label {missing[0]}.")
