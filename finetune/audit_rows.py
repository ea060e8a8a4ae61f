"""What an audit speaks of: rows of the training set, reasons, and findings."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import NamedTuple, overload

from finetune.reasons import REASONS
from finetune.splits import NEITHER, LabelledData
from score.labels import NEITHER_LABEL

TRAINED = ("train", "also", "unlabelled", "sentences")
"""The parts that are trained on; the others are measured on."""
_EXCERPT = 160


class RowKey(NamedTuple):
    """What tells a row from all others: several sentences stand in the row of one review."""

    part: str
    row: str
    text: str


class AuditRow(NamedTuple):
    """One text of the data.

    Attributes:
        part: ``train``, ``validation``, ``test``, ``also``, ``unlabelled`` or ``sentences``.
        row: what its row is called there: in train and validation as in the source.
        label: the name of its class; empty where it has none.
        number: that class as a number.
        text: the cleaned text.
        changed: whether the cleaning changed it.
        leaked: whether it is out already, because its very text is measured on.
    """

    part: str
    row: str
    label: str
    number: int
    text: str
    changed: bool
    leaked: bool

    @property
    def key(self) -> RowKey:
        """What tells it from all other rows."""
        return RowKey(self.part, self.row, self.text)

    @property
    def name(self) -> str:
        """The row as a message names it."""
        return f"row {self.row} of {self.part}"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, or may be wrong, with one row.

    Attributes:
        reason: one of :data:`finetune.reasons.REASONS`.
        row: the row.
        detail: what exactly: the other row, the share, the mark.
    """

    reason: str
    row: AuditRow
    detail: str = ""

    def __post_init__(self) -> None:
        assert self.reason in REASONS  # noqa: S101 - reasons are this package's own

    @property
    def excerpt(self) -> str:
        """The beginning of the text, on one line."""
        return excerpt(self.row.text)


def excerpt(text: str, length: int = _EXCERPT) -> str:
    """The beginning of a text, on one line."""
    line = " ".join(text[: 4 * length].split())
    return line if len(line) <= length else line[: length - 1] + "…"


class AuditRows(Sequence[AuditRow]):
    """All rows of the data, those that leaked among the rest of their part.

    A row is made when it is asked for: millions of them take more memory than short texts do.

    Args:
        data: the data.
    """

    def __init__(self, data: LabelledData) -> None:
        self._parts = [(name, split, False) for name, split in data.parts()]
        self._parts += [(name, split, True) for name, split in data.leaked.items()]
        self._ends = list(accumulate(len(split) for _, split, _ in self._parts))
        self._names = {**dict(enumerate(data.labels)), NEITHER: ""}

    def __len__(self) -> int:
        return self._ends[-1]

    @overload
    def __getitem__(self, place: int) -> AuditRow: ...

    @overload
    def __getitem__(self, place: slice) -> list[AuditRow]: ...

    def __getitem__(self, place: int | slice) -> AuditRow | list[AuditRow]:
        if isinstance(place, slice):
            return [self[i] for i in range(*place.indices(len(self)))]
        place = range(len(self))[place]
        number = bisect_right(self._ends, place)
        return self._row(number, place - self._ends[number] + len(self._parts[number][1]))

    def __iter__(self) -> Iterator[AuditRow]:
        for number, (_, split, _) in enumerate(self._parts):
            for place in range(len(split)):
                yield self._row(number, place)

    def _row(self, number: int, place: int) -> AuditRow:
        part, split, leaked = self._parts[number]
        origin, label = split.origins[place], split.classes[place]
        name = NEITHER_LABEL if label == NEITHER and part == "also" else self._names[label]
        return AuditRow(part, origin.row, name, label, split.texts[place], origin.changed, leaked)
