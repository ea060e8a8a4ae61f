"""Which labels in a table mean the same, and which cannot be the classes of a model.

People write ``Good``, ``good`` and ``GOOD`` into one column, and programs write 5 as
``5.0``. Nobody means different classes by that, so they are one, and it is said aloud.
"""

from __future__ import annotations

import logging
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from finetune.sources import Examples
from score.errors import BundleError, DataError
from score.labels import check_labels, label_key

logger = logging.getLogger(__name__)

_NUMBER = re.compile(r"[+-]?\d+(\.\d*)?")
_SHOWN = 3
# So many different labels may be: more is another column than that of the labels, where it is
# more than a third of the rows, and for any number of rows more than a bundle can hold.
_FEW_LABELS = 20
_MOST_LABELS = 1000


def class_order(examples: Examples, wanted: tuple[str, ...]) -> dict[str, str]:
    """What the data calls each class -> what the model will call it, in class order.

    Without ``wanted`` both are the data's own labels: in the order the source states, else
    sorted, numbers by value. ``wanted`` holds the same labels in another order, or new
    names for classes whose order is known: stated by the source, or numbers. Labels that
    differ only in case or blanks are one, which is logged as a warning.

    Raises:
        DataError: fewer than two classes or far too many, one that cannot stand in a table,
            or ``wanted`` does not fit them.
    """
    found = spellings(examples.labels)
    if len(found) < 2:
        raise DataError(
            f"{examples.name} has only the label {next(iter(found))!r}; a classifier needs two."
            if found
            else f"{examples.name} has no rows."
        )
    merges = describe_merges(found)
    if merges and not examples.names:
        logger.warning("%s: %s.", examples.name, merges)
    own = examples.names or tuple(sorted(found, key=by_value))
    check_number(examples.name, own, len(examples.labels))
    classes = _named(examples, own, wanted)
    try:
        check_labels(tuple(classes.values()))
    except BundleError as exc:
        raise DataError(f"{examples.name}: {exc}") from exc
    return classes


def _named(examples: Examples, own: tuple[str, ...], wanted: tuple[str, ...]) -> dict[str, str]:
    if not wanted:
        return {label: label for label in own}
    by_key = {label_key(label): label for label in own}
    if {label_key(label) for label in wanted} == set(by_key):
        return {by_key[label_key(label)]: label for label in wanted}
    if len(wanted) != len(own):
        raise DataError(
            f"{examples.name} has {len(own)} labels ({', '.join(own)}), "
            f"--labels names {len(wanted)}."
        )
    if examples.names or all(is_number(label) for label in own):
        return dict(zip(own, wanted, strict=True))
    raise DataError(
        f"{examples.name} calls its classes {', '.join(own)}; --labels can put these into "
        "another order, and give new names only to classes that are numbers."
    )


def by_value(label: str) -> tuple[float, str]:
    """To sort labels by: numbers by their value, before all others."""
    return float(label) if is_number(label) else float("inf"), label


def is_number(label: str) -> bool:
    """Whether a label is a number, and so has a place among others."""
    return _NUMBER.fullmatch(label) is not None


def spellings(labels: Iterable[str]) -> dict[str, Counter[str]]:
    """For each label as it shall be written, how often each of its spellings occurs.

    That is the most frequent spelling, the first one where there are several; a whole number
    is written without a final ``.0``.
    """
    groups: dict[str, Counter[str]] = defaultdict(Counter)
    for spelling, count in Counter(labels).items():
        groups[label_key(spelling)][spelling] = count
    return {
        key if is_number(key) else found.most_common(1)[0][0]: found
        for key, found in groups.items()
    }


def describe_merges(found: Mapping[str, Counter[str]]) -> str | None:
    """What to say of labels that are read as another spelling of theirs; None where all are not."""
    others = [
        f"{spelling!r} ({count:,}) as {label!r}"
        for label, counts in found.items()
        for spelling, count in counts.items()
        if spelling != label
    ]
    if not others:
        return None
    more = f" and {len(others) - _SHOWN} more" if len(others) > _SHOWN else ""
    return (
        f"labels that differ only in case, blanks or .0 are one: {', '.join(others[:_SHOWN])}{more}"
    )


def check_number(name: str, labels: Sequence[str], rows: int) -> None:
    """Refuse a column with so many different labels that it must be another one.

    Raises:
        DataError: as said.
    """
    number = len(labels)
    if number <= _FEW_LABELS or (number <= rows / 3 and number <= _MOST_LABELS):
        return
    shown = ", ".join(repr(label[:30]) for label in labels[:_SHOWN])
    raise DataError(
        f"{name} has {number:,} different labels in {rows:,} rows, such as {shown}: that looks "
        "like another column than that of the labels. Say which with --label-column."
    )
