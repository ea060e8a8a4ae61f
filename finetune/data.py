"""IMDB or the user's labelled table -> splits and label names.

Where a review goes is decided by a hash of its cleaned text, never by its place in the
file: duplicates stay on one side, and a longer file keeps yesterday's split. See
:mod:`finetune.parting`.
"""

from __future__ import annotations

import hashlib
import logging
from collections import Counter
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from pathlib import Path

from finetune.labels import class_order, label_key
from finetune.parting import check_rows, part
from finetune.sources import Examples, read_source
from score.cleaning import CLEANINGS, DEFAULT_CLEANING
from score.errors import DataError, UsageError

logger = logging.getLogger(__name__)

NEITHER = -1
"""The class of a text that speaks for none of the classes."""
_NEITHER_LABEL = "neither"


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
        seed: decides both samples.

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
    seed: int = 42

    def __post_init__(self) -> None:
        if not 0 < self.validation < 0.5:
            raise UsageError(
                f"--validation {self.validation} is out of range; it lies between 0 and 0.5."
            )
        if len(set(self.labels)) != len(self.labels) or len(self.labels) == 1:
            raise UsageError("--labels needs two or more different names, a comma between them.")


@dataclass(frozen=True, slots=True)
class Split:
    """One part of the data: cleaned texts and their classes, as numbers from 0.

    The class :data:`NEITHER` occurs only among what is trained on beside the source.
    """

    texts: tuple[str, ...]
    classes: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.texts)

    def sample(self, size: int | None, seed: int) -> Split:
        """A shuffled sample of ``size`` rows; all rows, in order, where ``size`` is None."""
        if size is None or size >= len(self):
            return self
        import numpy as np

        chosen = np.random.default_rng(seed).permutation(len(self))[:size]
        return self._take(chosen.tolist())

    def parted(self, share: float, *, with_test: bool) -> tuple[Split, Split, Split]:
        """To train on, to validate on and, unless there is a test part, to test on."""
        parts = part(self.texts, self.classes, share, place, with_test=with_test)
        train, validation, test = map(self._take, parts)
        return train, validation, test

    def without(self, texts: Set[str]) -> Split:
        """The rows whose text is none of ``texts``."""
        return self._take([i for i, text in enumerate(self.texts) if text not in texts])

    def digest(self) -> str:
        """SHA-256 over all texts and classes, in order."""
        digest = hashlib.sha256()
        for text, label in zip(self.texts, self.classes, strict=True):
            data = text.encode("utf-8", "surrogatepass")
            digest.update(b"%d %d\n%s\n" % (label, len(data), data))
        return digest.hexdigest()

    def _take(self, chosen: Sequence[int]) -> Split:
        return Split(tuple(self.texts[i] for i in chosen), tuple(self.classes[i] for i in chosen))


EMPTY = Split((), ())


@dataclass(frozen=True, slots=True)
class LabelledData:
    """The data of one training run.

    Attributes:
        name: what it is called in reports and in the bundle.
        test_name: what the test split is called there.
        labels: the class names, in class order.
        cleaning: the name of the cleaning that all texts went through.
        train, validation, test: the three splits; no cleaned text stands in both of the
            first two, and no text of the test split in another one.
        also: what is trained on beside the train split.
        unlabelled: cleaned texts for a teacher to label, none of them in another split.
    """

    name: str
    test_name: str
    labels: tuple[str, ...]
    cleaning: str
    train: Split
    validation: Split
    test: Split
    also: Split = EMPTY
    unlabelled: tuple[str, ...] = ()

    def splits(self) -> Iterator[tuple[str, Split]]:
        """The splits with their names."""
        yield "train", self.train
        yield "validation", self.validation
        yield "test", self.test

    def parts(self) -> Iterator[tuple[str, Split]]:
        """The splits and, where there is something, what is trained on beside them."""
        yield from self.splits()
        if self.also:
            yield "also", self.also
        if self.unlabelled:
            yield "unlabelled", Split(self.unlabelled, (NEITHER,) * len(self.unlabelled))


def place(text: str) -> float:
    """Where a text falls in [0, 1), the same on every machine and in every run."""
    head = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:8]
    return int.from_bytes(head, "big") / 2**64


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
    if source.test is not None:
        test = _to_split(source.test, classes)
        pool = pool.without(set(test.texts))
    names, parts = tuple(classes.values()), 2 if source.test else 3
    check_rows(source.train.name, pool.texts, pool.classes, names, parts=parts)
    train, validation, rest = pool.parted(settings.validation, with_test=source.test is None)
    if source.test is None:
        test = rest
    held_back = {*validation.texts, *test.texts}
    data = LabelledData(
        name=source.train.name,
        test_name=source.test.name if source.test else f"{source.train.name}, held-back part",
        labels=names,
        cleaning=DEFAULT_CLEANING,
        train=train,
        validation=validation,
        test=test.sample(settings.test_size, settings.seed),
        also=_read_also(settings, classes).without(held_back),
        unlabelled=_read_unlabelled(settings, {*train.texts, *held_back}),
    )
    _check(data)
    return data


def _to_split(examples: Examples, classes: dict[str, str]) -> Split:
    clean = CLEANINGS[DEFAULT_CLEANING]
    number = {label_key(label): i for i, label in enumerate(classes)}
    unknown = [label for label in set(examples.labels) if label_key(label) not in number]
    if unknown:
        raise DataError(
            f"{examples.name} has the label {min(unknown)!r}, which the training part has not."
        )
    return Split(
        tuple(clean(text) for text in examples.texts),
        tuple(number[label_key(label)] for label in examples.labels),
    )


def _read_also(settings: DataSettings, classes: dict[str, str]) -> Split:
    if settings.also is None:
        return EMPTY
    from finetune.sources import read_table

    examples = read_table(settings.also, settings.text_column, settings.label_column or "label")
    # The user knows the classes by what the model will call them.
    number = {label_key(name): i for i, name in enumerate(classes.values())}
    number.setdefault(_NEITHER_LABEL, NEITHER)
    unknown = [label for label in set(examples.labels) if label_key(label) not in number]
    if unknown:
        raise DataError(
            f"{settings.also} has the label {min(unknown)!r}, which {settings.source} has not; "
            f"its labels are {', '.join(classes.values())}, and {_NEITHER_LABEL} for none of them."
        )
    clean = CLEANINGS[DEFAULT_CLEANING]
    return Split(
        tuple(clean(text) for text in examples.texts),
        tuple(number[label_key(label)] for label in examples.labels),
    )


def _read_unlabelled(settings: DataSettings, known: Set[str]) -> tuple[str, ...]:
    """The different texts of the table, less the blank ones and those of ``known``."""
    if settings.unlabelled is None:
        return ()
    from finetune.sources import read_texts

    clean = CLEANINGS[DEFAULT_CLEANING]
    texts = map(clean, read_texts(settings.unlabelled, settings.text_column))
    return tuple(dict.fromkeys(text for text in texts if text.strip() and text not in known))


def _check(data: LabelledData) -> None:
    for name, split in data.splits():
        if not len(split):
            raise DataError(
                f"{data.name} leaves no rows for the {name} split: give more rows, "
                "or a larger --validation."
            )
        counts = Counter(split.classes)
        shares = ", ".join(f"{label} {counts[i]}" for i, label in enumerate(data.labels))
        logger.info("%s: %d rows (%s)", name, len(split), shares)
    missing = [n for i, n in enumerate(data.labels) if i not in set(data.train.classes)]
    if missing:
        raise DataError(f"{data.name} has no training row for the label {missing[0]}.")
