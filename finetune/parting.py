"""Which texts are held back: a matter of each text's hash, and of luck only in large tables.

A text's place, a number that its hash gives, decides whether it is held back, so that
duplicates stay together and a longer file keeps yesterday's splits. In a table of fifty rows
that alone could leave a class out of a split. So each class is parted by itself, and where a
split would get less than half of its share of a class, or more than twice as much, the
border moves to the next places of that class.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from score.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

Parts = tuple[list[int], list[int], list[int]]
"""Row numbers, in order: to train on, to validate on, to test on."""


def part(
    texts: Sequence[str],
    classes: Sequence[int],
    share: float,
    place: Callable[[str], float],
    *,
    with_test: bool,
) -> Parts:
    """Part rows in three; rows of one text go together, as the first of them says.

    Args:
        texts: of all rows.
        classes: the class of each row.
        share: how much is validated on, and where ``with_test`` as much again tested on.
        place: where a text falls in [0, 1), which no other text does; the lowest are validated
            on, the next tested on.
        with_test: hold back a test split too.
    """
    # A number in place of each text: millions of texts in a dictionary take half a gigabyte.
    places = np.fromiter(map(place, texts), np.float64, len(texts))
    ordered, first, text_of = np.unique(places, return_index=True, return_inverse=True)
    owners = np.asarray(classes, np.int64)[first]
    side = np.zeros(len(ordered), np.int8)
    for number in np.unique(owners):
        members = np.flatnonzero(owners == number)
        one, two = borders(ordered[members], share, with_test=with_test)
        side[members[:one]] = 1
        side[members[one:two]] = 2
    sides = side[text_of]
    train, validation, test = (np.flatnonzero(sides == one).tolist() for one in range(3))
    return train, validation, test


def borders(
    places: Sequence[float] | NDArray[np.float64], share: float, *, with_test: bool
) -> tuple[int, int]:
    """How many of a class's sorted places are validated on, and how many held back in all."""
    ordered = np.asarray(places)
    number = len(ordered)
    fewest = max(1, round(number * share / 2))
    most = max(fewest, round(number * share * 2))
    spare = 2 if with_test else 1
    one = int((ordered < share).sum())
    one = max(0, min(max(one, fewest), most, number - spare))
    if not with_test:
        return one, one
    two = int((ordered < 2 * share).sum())
    return one, max(one, min(max(two, one + fewest), one + most, number - 1))


def check_rows(
    name: str, texts: Sequence[str], classes: Sequence[int], labels: Sequence[str], *, parts: int
) -> None:
    """Refuse a class that has not one text for each of ``parts`` splits.

    Raises:
        DataError: as said, naming the class with the fewest texts.
    """
    different: Mapping[int, set[str]] = defaultdict(set)
    for text, number in zip(texts, classes, strict=True):
        if len(different[number]) < parts:
            different[number].add(text)
    counts = [(len(different[i]), label) for i, label in enumerate(labels)]
    few = [one for one in counts if one[0] < parts]
    if not few:
        return
    count, label = min(few)
    others = len(few) - 1
    also = f" ({others} other label{'s have' if others > 1 else ' has'} too few)" if others else ""
    rows = f"{count} row" if count == 1 else f"{count} different rows"
    raise DataError(
        f"{name} has {rows} of the label {label!r}, and {parts} are needed to train and to "
        f"measure{also}. Give more rows of it, or leave the label out."
    )
