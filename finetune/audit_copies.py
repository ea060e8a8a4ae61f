"""Texts that stand in the data more than once: leaks, conflicts, duplicates."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from finetune.audit_rows import TRAINED, AuditRow, Finding
from finetune.near import near_groups
from finetune.reasons import LEAK
from finetune.splits import NEITHER

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Where a text stands on two sides, the one with the greater number yields.
_SIDES = {"test": 0, "validation": 1, **dict.fromkeys(TRAINED, 2)}


@dataclass(frozen=True, slots=True)
class Copies:
    """Which rows have the same text, or nearly the same.

    Attributes:
        keys: for each row a number that it shares with rows of the same text, but for case
            and blanks.
        groups: for each row a number that it shares with rows of nearly the same text too.
    """

    keys: NDArray[np.int64]
    groups: NDArray[np.int64]

    @classmethod
    def find(cls, rows: Sequence[AuditRow]) -> Copies:
        """Compare all rows with each other."""
        numbers: dict[bytes, int] = {}
        keys = np.empty(len(rows), np.int64)
        different: list[str] = []
        for i, row in enumerate(rows):
            keys[i] = number = numbers.setdefault(_digest(row.text), len(numbers))
            if number == len(different):
                different.append(row.text)
        return cls(keys, near_groups(different)[keys])


def _digest(text: str) -> bytes:
    """What texts that differ in case and blanks alone have in common, in 16 bytes."""
    plain = " ".join(text.casefold().split())
    return hashlib.sha256(plain.encode("utf-8", "surrogatepass")).digest()[:16]


def check_copies(rows: Sequence[AuditRow], copies: Copies) -> Iterator[Finding]:
    """Every row that has a copy, with the reason why that matters and the other row."""
    members: dict[int, list[int]] = defaultdict(list)
    shared = np.bincount(copies.groups)[copies.groups] > 1
    for i in np.flatnonzero(shared).tolist():
        members[int(copies.groups[i])].append(i)
    for group in members.values():
        yield from _check_group([(rows[i], int(copies.keys[i])) for i in group])
    for row, group in zip(rows, copies.groups.tolist(), strict=True):
        # Its copy is among the test rows that a smaller sample left out.
        if row.leaked and all(_side(rows[i]) >= _side(row) for i in members[group]):
            yield Finding(LEAK, row, "the same text stands in the part that is measured on")


def _check_group(group: Sequence[tuple[AuditRow, int]]) -> Iterator[Finding]:
    by_side: dict[int, dict[int, AuditRow]] = defaultdict(dict)
    by_label: dict[int, dict[int, AuditRow]] = defaultdict(dict)
    for row, key in group:
        by_side[_side(row)].setdefault(key, row)
        if row.number != NEITHER:
            by_label[row.number].setdefault(key, row)
    seen: dict[int, dict[int, AuditRow]] = defaultdict(dict)
    for row, key in group:
        side = _side(row)
        yield from _finding(LEAK, row, key, [by_side[other] for other in range(side)])
        if not row.text.strip():
            continue
        if row.number != NEITHER:
            others = [found for label, found in by_label.items() if label != row.number]
            yield from _finding("conflict", row, key, others)
        reason = "duplicate" if key in seen[side] else "near-duplicate"
        yield from _finding(reason, row, key, [seen[side]])
        seen[side].setdefault(key, row)


def _finding(
    reason: str, row: AuditRow, key: int, others: Sequence[dict[int, AuditRow]]
) -> Iterator[Finding]:
    """A finding that names one of the other rows, by preference one of the very same text."""
    same = [found[key] for found in others if key in found]
    near = [next(iter(found.values())) for found in others if found]
    if not near:
        return
    other = (same or near)[0]
    likeness = "the same text" if same else "nearly the same text"
    label = f", labelled {other.label}" if other.number != row.number and other.label else ""
    yield Finding(reason, row, f"{likeness} as {other.name}{label}")


def _side(row: AuditRow) -> int:
    return _SIDES[row.part]
