"""The reviews that a graph is compared with its checkpoint on."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from score.errors import DataError
from score.labels import NEITHER_LABEL, label_key
from score.tables.columns import shown

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from score.tables import Row

logger = logging.getLogger(__name__)

_LABEL_COLUMN = "label"

FEWEST = 100
"""The fewest reviews that say how sure to be of such, or how good a classifier is."""


@dataclass(frozen=True, slots=True)
class Reviews:
    """Named texts and, where they are known, their classes.

    Attributes:
        name: what manifest and messages call them.
        texts: the texts.
        classes: the true class of each text, as a number from 0; None where not all texts
            have a label that the model has.
    """

    name: str
    texts: tuple[str, ...]
    classes: tuple[int, ...] | None

    def __len__(self) -> int:
        return len(self.texts)

    def sample(self, size: int) -> Reviews:
        """``size`` of them by lot, in their order: a table may be sorted by label or by date.

        The lot is the same each time; all are taken where there are no more.
        """
        return self if size >= len(self) else self.take(_by_lot(len(self), size))

    def take(self, places: Sequence[int]) -> Reviews:
        """Those at some places, in that order."""
        classes = None if self.classes is None else tuple(self.classes[i] for i in places)
        return Reviews(self.name, tuple(self.texts[i] for i in places), classes)

    def digest(self) -> str:
        """SHA-256 over all texts and classes, in order."""
        digest = hashlib.sha256()
        for i, text in enumerate(self.texts):
            data = text.encode("utf-8", "surrogatepass")
            label = -1 if self.classes is None else self.classes[i]
            digest.update(b"%d %d\n%s\n" % (label, len(data), data))
        return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class Encoded:
    """Reviews as the model reads them.

    Attributes:
        reviews: the texts.
        inputs: of each the token ids, marks included: one list, or one for each window.
    """

    reviews: Reviews
    inputs: Sequence[Sequence[Sequence[int]]]

    @property
    def classes(self) -> NDArray[np.int64]:
        """The true class of each review, shape (n,); none where not all have a label."""
        return np.asarray(self.reviews.classes or (), np.int64)

    @property
    def batch(self) -> list[Sequence[int]]:
        """The inputs of all reviews, one after the other."""
        return [ids for some in self.inputs for ids in some]

    @property
    def beginnings(self) -> list[Sequence[int]]:
        """The first input of each review; of a short one it is the only one."""
        return [some[0] for some in self.inputs]

    def some_beginnings(self, size: int) -> list[Sequence[int]]:
        """``size`` of them by lot, as :meth:`Reviews.sample` draws; all where there are no more."""
        first = self.beginnings
        return first if size >= len(first) else [first[i] for i in _by_lot(len(first), size)]

    @property
    def lengths(self) -> NDArray[np.int64]:
        """How many tokens the first input of each has, shape (n,)."""
        return np.array([len(ids) for ids in self.beginnings], np.int64)

    def apart(self) -> Encoded:
        """Each input as a review of its own, with the label of the whole one."""
        owners = [i for i, some in enumerate(self.inputs) for _ in some]
        return Encoded(self.reviews.take(owners), [[ids] for ids in self.batch])

    def together(self, logits: NDArray[np.float32]) -> NDArray[np.float32]:
        """What is said of each review: the mean of what is said of its inputs.

        Args:
            logits: of the inputs, in the order of ``batch``, shape (m, classes).

        Returns:
            Shape (n, classes), of one input its very numbers, as the scorer has it.
        """
        if len(logits) == len(self.inputs):
            return logits
        sums = np.add.reduceat(logits.astype(np.float64), self._starts)
        return (sums / self._numbers[:, None]).astype(np.float32)

    def deepest(self, layers: NDArray[np.int64]) -> NDArray[np.int64]:
        """The most of the numbers of each review's inputs; shapes (m,) and (n,)."""
        most: NDArray[np.int64] = np.maximum.reduceat(layers, self._starts)
        return most

    @property
    def _numbers(self) -> NDArray[np.int64]:
        return np.array([len(some) for some in self.inputs], np.int64)

    @property
    def _starts(self) -> NDArray[np.int64]:
        return np.cumsum(self._numbers) - self._numbers


def _by_lot(number: int, size: int) -> list[int]:
    """Places, in order; the lot is the same each time."""
    places: list[int] = np.sort(
        np.random.default_rng(0).choice(number, size, replace=False)
    ).tolist()
    return places


def read_reviews(
    path: Path, text_column: str | None, label_column: str | None, labels: Sequence[str]
) -> Reviews:
    """Read reviews from any table that ``thumbs score`` reads.

    Args:
        path: the table.
        text_column: the column of the reviews; None finds it as ``thumbs score`` does.
        label_column: the column of the labels; None is the one called ``label``, if there
            is one.
        labels: the model's class names, in class order.

    Raises:
        NoInputError: no such file.
        DataError: a column is missing, a row is broken, or there is no review in it.
    """
    rows = _read_rows(path, text_column, label_column)
    if not rows:
        raise DataError(f"{path} holds no review. Name another table with --verify-on.")
    classes = _classes(rows, labels)
    if classes is None and any(row.cells[1:] for row in rows):
        logger.warning(
            "%s: some labels are none of %s, so all of them are left aside; flips need none.",
            path,
            ", ".join(labels),
        )
    return Reviews(path.name, tuple(row.cells[0] for row in rows), classes)


def read_labelled(path: Path, labels: Sequence[str]) -> Reviews:
    """Read reviews that all have a label, in a column called ``label``.

    Those that are labelled ``neither`` are left out where the model has no such class: no
    answer to them is right.

    Raises:
        NoInputError: no such file.
        DataError: as :func:`read_reviews`, a row has no label of the model's, or there are too
            few to learn from.
    """
    rows = _read_rows(path, None, None)
    if NEITHER_LABEL not in labels:
        rows = [row for row in rows if [label_key(one) for one in row.cells[1:]] != [NEITHER_LABEL]]
    if len(rows) < FEWEST:
        raise DataError(
            f"{path} has {len(rows)} labelled reviews, too few to say how sure to be. Give "
            f"{FEWEST} or more, or leave out --calibrate-on."
        )
    classes = _classes(rows, labels)
    if classes is None:
        known = {label_key(label) for label in labels}
        wrong = next(row for row in rows if not {label_key(one) for one in row.cells[1:]} & known)
        found = f"the label '{shown(wrong.cells[1])}'" if wrong.cells[1:] else "no label"
        raise DataError(
            f"{path}, row {wrong.number} has {found}. In a column called label each needs one of "
            f"{', '.join(labels)}, or {NEITHER_LABEL}."
        )
    return Reviews(path.name, tuple(row.cells[0] for row in rows), classes)


def _read_rows(path: Path, text_column: str | None, label_column: str | None) -> list[Row]:
    """The rows that have a text, their first cell; the second is the label, if there is one."""
    from score.tables import TableOptions, open_table
    from score.tables.columns import find_column, matching

    table = open_table(path, TableOptions(text_column=text_column))
    try:
        wanted = [find_column(table.columns, text_column, table.label)]
        if label_column is not None or matching(table.columns, _LABEL_COLUMN):
            name = label_column or _LABEL_COLUMN
            wanted.append(find_column(table.columns, name, table.label, option="--label-column"))
        rows = list(table.rows(wanted))
    finally:
        table.close()
    for row in rows:
        if row.reject:
            raise DataError(f"{path}, row {row.number}: {row.reject.reason}. Mend the row.")
    return [
        replace(row, cells=(row.cells[0], *(cell.strip() for cell in row.cells[1:])))
        for row in rows
        if row.cells and row.cells[0].strip()
    ]


def _classes(rows: Sequence[Row], labels: Sequence[str]) -> tuple[int, ...] | None:
    """The class of each row: its label by name, or by number as the hub's data sets have it."""
    found = [label_key(row.cells[1]) if len(row.cells) > 1 else "" for row in rows]
    ways = [[label_key(label) for label in labels]]
    # Without a 0 they may be stars, which begin with 1.
    if "0" in found:
        ways.append([str(i) for i in range(len(labels))])
    for names in ways:
        if set(found) <= set(names):
            number = {name: i for i, name in enumerate(names)}
            return tuple(number[one] for one in found)
    return None
