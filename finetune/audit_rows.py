"""What an audit speaks of: rows of the training set, reasons, and findings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from finetune.reasons import REASONS
from finetune.splits import NEITHER, LabelledData, Split
from score.labels import NEITHER_LABEL

TRAINED = ("train", "also", "unlabelled", "sentences")
"""The parts that are trained on; the others are measured on."""
_EXCERPT = 160


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


def rows_of(data: LabelledData) -> list[AuditRow]:
    """All rows of the data, those that leaked among the rest of their part."""
    parts = [(name, split, False) for name, split in data.parts()]
    parts += [(name, split, True) for name, split in data.leaked.items()]
    return [row for part in parts for row in _rows(data.labels, *part)]


def _rows(labels: tuple[str, ...], part: str, split: Split, leaked: bool) -> list[AuditRow]:
    names = {**dict(enumerate(labels)), NEITHER: NEITHER_LABEL if part == "also" else ""}
    return [
        AuditRow(part, origin.row, names[number], number, text, origin.changed, leaked)
        for origin, number, text in zip(split.origins, split.classes, split.texts, strict=True)
    ]
