"""Finding a column by what a person typed, and keeping new columns from clashing."""

from __future__ import annotations

import re
from collections.abc import Sequence

from score.errors import DataError

TEXT_NAMES = ("text", "review", "comment", "content", "sentence", "body")
"""Names that a column of reviews goes by, in any case."""

_LONGEST_LIST = 12
_DELIMITERS = (",", ";", "\t", "|")


def find_column(
    columns: Sequence[str],
    wanted: str | None,
    table_name: str,
    option: str = "--text-column",
) -> int:
    """Find the column that a person means.

    Args:
        columns: the column names, in order.
        wanted: a name, matched exactly, else without regard to case and outer blanks;
            else ``#3`` for the third. None: the only column called as in TEXT_NAMES.
        table_name: what messages call the table.
        option: the option that messages name as the remedy.

    Returns:
        The column's place, counted from 0.

    Raises:
        DataError: no column matches, or more than one.
    """
    places, missing = matching(columns, wanted), called(wanted)
    if len(places) == 1:
        return places[0]
    if places:
        found = ", ".join(f"#{place + 1} {shown(columns[place])}" for place in places[:5])
        raise DataError(
            f"{table_name} has {len(places)} columns {missing}: {found}. "
            f"Say which with {option} '#{places[0] + 1}'."
        )
    raise DataError(
        f"{table_name} has no column {missing}. Its columns: {listed(columns)}. "
        f"{_delimiter_hint(columns)}Say which with {option}."
    )


def matching(columns: Sequence[str], wanted: str | None) -> list[int]:
    """The places of all columns that could be meant, as :func:`find_column` has it."""
    if wanted is None:
        return _places(columns, *TEXT_NAMES)
    exact = [place for place, name in enumerate(columns) if name == wanted]
    return exact or _places(columns, wanted) or _numbered(columns, wanted)


def called(wanted: str | None) -> str:
    """What a message says behind the word ``column``: its name, or those it may have."""
    if wanted is None:
        return f"called {', '.join(TEXT_NAMES[:-1])} or {TEXT_NAMES[-1]}"
    return f"'{shown(wanted)}'"


def check_new_names(columns: Sequence[str], new_names: Sequence[str], table_name: str) -> None:
    """Refuse a new column whose name is taken, in any case: some readers see no difference.

    Raises:
        DataError: a column of that name is already there.
    """
    for new_name in new_names:
        places = _places(columns, new_name)
        if places:
            raise DataError(
                f"{table_name} has a column '{shown(columns[places[0]])}' already. "
                "Put something before the new names with --prefix, such as --prefix thumbs_."
            )


def shown(text: str, longest: int = 40) -> str:
    """Put a text of unknown origin into a message: on one line, and not too long."""
    line = "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


def listed(columns: Sequence[str]) -> str:
    """Column names for a message, the first few of them."""
    names = [shown(name) or "(no name)" for name in columns[:_LONGEST_LIST]]
    more = len(columns) - len(names)
    return f"{', '.join(names)}{f' and {more} more' if more else ''}"


def plain(name: str) -> str:
    """A name of a column or sheet without regard to case and outer blanks."""
    return name.strip().casefold()


def _places(columns: Sequence[str], *names: str) -> list[int]:
    wanted = {plain(name) for name in names}
    return [place for place, name in enumerate(columns) if plain(name) in wanted]


def _numbered(columns: Sequence[str], wanted: str) -> list[int]:
    number = re.fullmatch(r"#([0-9]{1,9})", wanted.strip())
    place = int(number[1]) if number else 0
    return [place - 1] if 1 <= place <= len(columns) else []


def _delimiter_hint(columns: Sequence[str]) -> str:
    """Name the delimiter that would give at least as many columns again, if there is one."""
    for delimiter in _DELIMITERS:
        if sum(name.count(delimiter) for name in columns) >= max(1, len(columns)):
            typed = r"\t" if delimiter == "\t" else delimiter
            return f"If '{typed}' stands between its columns, add --delimiter '{typed}'. "
    return ""
