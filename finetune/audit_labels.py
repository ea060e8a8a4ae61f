"""Labels that are probably wrong, by confident learning (Northcutt et al. 2021).

The baseline of :mod:`finetune.baseline` judges each row after learning from the others:
five folds, copies of a text in the same one. cleanlab then compares its answers with the
labels, in the light of how sure it usually is of each class.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from heapq import nsmallest
from typing import TYPE_CHECKING

import numpy as np

from finetune.audit_rows import AuditRow, Finding
from finetune.baseline import out_of_fold
from finetune.splits import NEITHER, place

if TYPE_CHECKING:
    from numpy.typing import NDArray

_FOLDS = 5
FEWEST_ROWS = 10
"""The fewest different texts of each class that the check works with."""
MOST_ROWS = 40_000
"""The most rows that are looked at, for the memory's sake: IMDB's 37,500 take 2.5 GB."""
_CHECKED = ("train", "validation", "test")


def labels_to_check(rows: Sequence[AuditRow]) -> NDArray[np.int64]:
    """The places of the rows whose labels are looked at: labelled, with a text, not left out.

    Of more than :data:`MOST_ROWS` those are taken whose texts' hashes are lowest.
    """
    places = [
        i
        for i, row in enumerate(rows)
        if row.part in _CHECKED and row.number != NEITHER and row.text.strip() and not row.leaked
    ]
    if len(places) > MOST_ROWS:
        places = sorted(nsmallest(MOST_ROWS, places, key=lambda i: place(rows[i].text)))
    return np.array(places, np.int64)


def not_to_check(
    rows: Sequence[AuditRow], folds: NDArray[np.int64], labels: Sequence[str]
) -> str | None:
    """Why these rows cannot be checked; None where they can.

    A class has too few texts, or all of them in one fold: without it nothing is left to
    learn the class from.
    """
    numbers = [row.number for row in rows]
    texts = Counter(number for number, _ in {(row.number, row.text) for row in rows})
    least, label = min((texts[i], label) for i, label in enumerate(labels))
    if least < FEWEST_ROWS:
        return (
            "Suspect labels were not looked for: that takes at least "
            f"{FEWEST_ROWS} different texts of each class, and {label} has {least}."
        )
    spread = Counter(number for number, _ in set(zip(numbers, folds.tolist(), strict=True)))
    for i, label in enumerate(labels):
        if spread[i] < 2:
            return (
                "Suspect labels were not looked for: the texts of "
                f"{label} are nearly all copies of each other, so none can judge the others."
            )
    return None


def check_labels(
    rows: Sequence[AuditRow], folds: NDArray[np.int64], labels: Sequence[str]
) -> Iterator[Finding]:
    """The rows whose label is probably wrong, the least believable first.

    Args:
        rows: rows with a label and a text; of each class enough, see :func:`not_to_check`.
        folds: the fold of each row, shape (n,), as :func:`deal` deals them.
        labels: the class names, in class order.

    Raises:
        DataError: the texts hold no words.
    """
    from cleanlab.filter import find_label_issues

    classes = np.array([row.number for row in rows], np.int64)
    logs = out_of_fold([row.text for row in rows], classes, folds, len(labels))
    probabilities = np.exp(logs)
    # One process: the work is done in a moment, and starting others takes longer.
    issues = find_label_issues(
        classes, probabilities, return_indices_ranked_by="self_confidence", n_jobs=1
    )
    for i in issues.tolist():
        likely = int(probabilities[i].argmax())
        yield Finding(
            "suspect",
            rows[i],
            f"the baseline says {labels[likely]} ({probabilities[i, likely]:.1%}), "
            f"not {labels[classes[i]]} ({probabilities[i, classes[i]]:.1%})",
        )


def deal(rows: Sequence[AuditRow], groups: NDArray[np.int64]) -> NDArray[np.int64]:
    """The fold of each row: copies together, each class spread evenly, always the same.

    Args:
        rows: the rows.
        groups: shape (n,); rows with the same number are copies of each other.
    """
    firsts: dict[int, AuditRow] = {}
    for row, group in zip(rows, groups.tolist(), strict=True):
        firsts.setdefault(group, row)
    dealt = sorted(firsts, key=lambda group: (firsts[group].number, place(firsts[group].text)))
    fold = {group: i % _FOLDS for i, group in enumerate(dealt)}
    return np.array([fold[group] for group in groups.tolist()], np.int64)
