"""Labelled texts in their parts: training, validation, test, and what is trained on beside.

Where a review goes is decided by a hash of its cleaned text, never by its place in the
file: duplicates stay on one side, and a longer file keeps yesterday's split. See
:mod:`finetune.parting`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import NamedTuple

from finetune.parting import part

NEITHER = -1
"""The class of a text that speaks for none of the classes."""


class Origin(NamedTuple):
    """Where a text stands in its source.

    Attributes:
        row: the number of the record, from 1, or the name of the file.
        changed: whether the cleaning changed the text.
    """

    row: str
    changed: bool = False


@dataclass(frozen=True, slots=True)
class Split:
    """One part of the data: cleaned texts and their classes, as numbers from 0.

    The class :data:`NEITHER` occurs only among what is trained on beside the source. Texts
    that come from nowhere in particular have no ``origins``.
    """

    texts: tuple[str, ...]
    classes: tuple[int, ...]
    origins: tuple[Origin, ...] = ()

    def __len__(self) -> int:
        return len(self.texts)

    def sample(self, size: int | None, seed: int) -> Split:
        """A shuffled sample of ``size`` rows; all rows, in order, where ``size`` is None."""
        if size is None or size >= len(self):
            return self
        import numpy as np

        chosen = np.random.default_rng(seed).permutation(len(self))[:size]
        return self.take(chosen.tolist())

    def parted(self, share: float, *, with_test: bool) -> tuple[Split, Split, Split]:
        """To train on, to validate on and, unless there is a test part, to test on."""
        parts = part(self.texts, self.classes, share, place, with_test=with_test)
        train, validation, test = map(self.take, parts)
        return train, validation, test

    def without(self, texts: Set[str]) -> Split:
        """The rows whose text is none of ``texts``."""
        return self.take([i for i, text in enumerate(self.texts) if text not in texts])

    def among(self, texts: Set[str]) -> Split:
        """The rows whose text is one of ``texts``."""
        return self.take([i for i, text in enumerate(self.texts) if text in texts])

    def digest(self) -> str:
        """SHA-256 over all texts and classes, in order."""
        digest = hashlib.sha256()
        for text, label in zip(self.texts, self.classes, strict=True):
            data = text.encode("utf-8", "surrogatepass")
            digest.update(b"%d %d\n%s\n" % (label, len(data), data))
        return digest.hexdigest()

    def take(self, chosen: Sequence[int]) -> Split:
        """The rows at these places, counted from 0."""
        return Split(
            tuple(self.texts[i] for i in chosen),
            tuple(self.classes[i] for i in chosen),
            tuple(self.origins[i] for i in chosen) if self.origins else (),
        )


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
        unlabelled: texts for a teacher to label, none of them in another split.
        sentences: single ones of such texts, likewise.
        leaked: for a part that is trained on, the rows that were left out of it because
            their very text is measured on.
    """

    name: str
    test_name: str
    labels: tuple[str, ...]
    cleaning: str
    train: Split
    validation: Split
    test: Split
    also: Split = EMPTY
    unlabelled: Split = EMPTY
    sentences: Split = EMPTY
    leaked: Mapping[str, Split] = field(default_factory=dict)

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
            yield "unlabelled", self.unlabelled
        if self.sentences:
            yield "sentences", self.sentences


def place(text: str) -> float:
    """Where a text falls in [0, 1), the same on every machine and in every run."""
    head = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:8]
    return int.from_bytes(head, "big") / 2**64
