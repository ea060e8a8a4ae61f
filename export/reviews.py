"""The reviews that a graph is compared with its checkpoint on."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from score.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LABEL_COLUMN = "label"

NEITHER = "neither"
"""What a text is labelled that none of the model's classes fits."""


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

    def first(self, size: int) -> Reviews:
        """The first ``size`` reviews."""
        classes = None if self.classes is None else self.classes[:size]
        return Reviews(self.name, self.texts[:size], classes)

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
    """Labelled reviews as the model reads them.

    Attributes:
        name: what manifest and messages call them.
        batch: the token ids of each, marks included.
        classes: the true class of each, shape (n,).
    """

    name: str
    batch: Sequence[Sequence[int]]
    classes: NDArray[np.int64]

    @property
    def lengths(self) -> NDArray[np.int64]:
        """How many tokens each has, shape (n,)."""
        return np.array([len(ids) for ids in self.batch], np.int64)


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
    cells = _read_cells(path, text_column, label_column)
    if not cells:
        raise DataError(f"{path} holds no review. Name another table with --verify-on.")
    return Reviews(path.name, tuple(one[0] for one in cells), _classes(cells, labels))


def read_labelled(path: Path, labels: Sequence[str]) -> Reviews:
    """Read reviews that all have a label, in a column called ``label``.

    Those that are labelled ``neither`` are left out: no answer to them is right.

    Raises:
        NoInputError: no such file.
        DataError: as :func:`read_reviews`, or a row has no label of the model's.
    """
    cells = [one for one in _read_cells(path, None, None) if one[1:] != (NEITHER,)]
    classes = _classes(cells, labels)
    if not cells or classes is None:
        raise DataError(
            f"{path} cannot say how sure to be: it needs a column label in which each row has one "
            f"of {', '.join(labels)}, or {NEITHER}."
        )
    return Reviews(path.name, tuple(one[0] for one in cells), classes)


def _read_cells(
    path: Path, text_column: str | None, label_column: str | None
) -> list[tuple[str, ...]]:
    """Text and, where there is such a column, label of each row that has a text."""
    from score.tables import TableOptions, open_table
    from score.tables.columns import find_column

    table = open_table(path, TableOptions(text_column=text_column))
    try:
        wanted = [find_column(table.columns, text_column, table.name)]
        if label_column is not None or _LABEL_COLUMN in table.columns:
            name = label_column or _LABEL_COLUMN
            wanted.append(find_column(table.columns, name, table.name, option="--label-column"))
        rows = list(table.rows(wanted))
    finally:
        table.close()
    for row in rows:
        if row.reject:
            raise DataError(f"{path}, row {row.number}: {row.reject.reason}. Mend the row.")
    return [row.cells for row in rows if row.cells and row.cells[0].strip()]


def _classes(cells: Sequence[Sequence[str]], labels: Sequence[str]) -> tuple[int, ...] | None:
    """The class of each row: its label by name, or by number as the hub's data sets have it."""
    for names in (labels, [str(i) for i in range(len(labels))]):
        number = {label: i for i, label in enumerate(names)}
        found = [number.get(one[1].strip()) if len(one) > 1 else None for one in cells]
        known = tuple(one for one in found if one is not None)
        if len(known) == len(found):
            return known
    return None
