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

from score.errors import DataError

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
        place: where a text falls in [0, 1); the lowest are validated on, the next tested on.
        with_test: hold back a test split too.
    """
    members: dict[int, dict[str, float]] = defaultdict(dict)
    first: dict[str, int] = {}
    for text, number in zip(texts, classes, strict=True):
        if text not in first:
            first[text] = number
            members[number][text] = place(text)
    side: dict[str, int] = {}
    for places in members.values():
        ordered = sorted(places, key=places.__getitem__)
        one, two = borders([places[text] for text in ordered], share, with_test=with_test)
        for i, text in enumerate(ordered):
            side[text] = 1 if i < one else 2 if i < two else 0
    parts: Parts = ([], [], [])
    for i, text in enumerate(texts):
        parts[side[text]].append(i)
    return parts


def borders(places: Sequence[float], share: float, *, with_test: bool) -> tuple[int, int]:
    """How many of a class's sorted places are validated on, and how many held back in all."""
    number = len(places)
    fewest = max(1, round(number * share / 2))
    most = max(fewest, round(number * share * 2))
    spare = 2 if with_test else 1
    one = sum(place < share for place in places)
    one = max(0, min(max(one, fewest), most, number - spare))
    if not with_test:
        return one, one
    two = sum(place < 2 * share for place in places)
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
