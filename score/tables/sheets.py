"""Which sheets of a workbook are meant, and how they are read as one table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from score.errors import DataError
from score.tables.columns import (
    called,
    check_new_names,
    find_column,
    listed,
    matching,
    plain,
    shown,
)

if TYPE_CHECKING:
    from score.tables import TableOptions

_LONGEST_LIST = 12


class Titled(Protocol):
    """A sheet, whatever its format."""

    @property
    def title(self) -> str:
        """What its tab says."""

    @property
    def hidden(self) -> bool:
        """Whether its tab is hidden."""


S = TypeVar("S", bound=Titled)


@dataclass(frozen=True, slots=True)
class Choice(Generic[S]):
    """The sheets that are meant, in the order of their tabs, and what there is to say of that."""

    sheets: tuple[S, ...]
    notice: str | None = None


@dataclass(frozen=True, slots=True)
class _Seen(Generic[S]):
    """What is kept of a sheet with cells; a workbook can have thousands.

    Attributes:
        sheet: which it is.
        columns: what they are called, for a message.
        texts: what the first two are called that may be the column of texts.
    """

    sheet: S
    columns: str
    texts: tuple[str, ...]

    @classmethod
    def of(cls, sheet: S, columns: Sequence[str], wanted: str | None) -> _Seen[S]:
        """Look at the columns of a sheet."""
        places = matching(columns, wanted)[:2]
        return cls(sheet, listed(columns), tuple(shown(columns[place], 100) for place in places))


@dataclass(frozen=True, slots=True)
class SheetColumns:
    """The columns of a sheet.

    Attributes:
        label: what messages call the sheet.
        names: what the columns are called, in order.
    """

    label: str
    names: tuple[str, ...]


def choose_sheets(
    name: str,
    sheets: Sequence[S],
    columns_of: Callable[[S], tuple[str, ...] | None],
    options: TableOptions,
) -> Choice[S]:
    """Find the sheet that was asked for, else all that have the column of texts.

    Where only one holds anything it is that one, whatever its columns.

    Args:
        name: what messages call the workbook.
        sheets: all sheets, hidden ones too, in the order of their tabs.
        columns_of: reads what a sheet calls its columns; None where it is empty.
        options: sheet, text_column and header are used.

    Raises:
        DataError: there is none, or it is not clear which column of a sheet is meant.
    """
    if options.sheet is not None:
        sheet = _named(name, sheets, options.sheet)
        if columns_of(sheet) is None:
            title = shown(sheet.title)
            raise DataError(f"{name}: the sheet '{title}' is empty. Say another --sheet.")
        return Choice((sheet,))
    wanted = options.text_column
    filled = [
        _Seen.of(sheet, columns, wanted)
        for sheet in sheets
        if (columns := columns_of(sheet)) is not None
    ]
    if not filled:
        raise DataError(f"{name} is empty. It needs a row with the column names.")
    if len(filled) == 1:
        return Choice((filled[0].sheet,))
    found = _with_texts(name, filled, wanted)
    if wanted is not None:
        _check_place(name, wanted, found, header=options.header)
    return Choice(tuple(one.sheet for one in found), _notice(name, len(filled), found))


def label_of(name: str, sheet: Titled) -> str:
    """What messages call one of several sheets."""
    return f"{name}, sheet '{shown(sheet.title)}'"


def check_names(sheets: Sequence[SheetColumns], new_names: Sequence[str]) -> None:
    """Refuse new columns whose name is taken on any of the sheets.

    Raises:
        DataError: a column of that name is already there.
    """
    for sheet in sheets:
        check_new_names(sheet.names, new_names, sheet.label)


def places_on(
    sheet: SheetColumns, first: SheetColumns, wanted: Sequence[int], text_column: str | None
) -> tuple[int, ...]:
    """Where columns of the first sheet stand on another one.

    The column of texts is found anew, as it may be called otherwise there; all others have
    the same name.

    Args:
        sheet: the other sheet, or the first one.
        first: the first of several sheets.
        wanted: places on the first sheet, counted from 0.
        text_column: as :func:`find_column` takes it.

    Raises:
        DataError: the sheet does not have such a column, or has two.
    """
    if sheet is first or not wanted:
        return tuple(wanted)
    texts = find_column(first.names, text_column, first.label)
    places = []
    for place in wanted:
        name = first.names[place]
        if place == texts:
            places.append(find_column(sheet.names, text_column, sheet.label))
            continue
        found = matching(sheet.names, name)
        if len(found) != 1:
            number = f"{len(found)} columns" if found else "no column"
            raise DataError(
                f"{sheet.label} has {number} '{shown(name)}', and other sheets have one. Give all "
                "of them the same columns, or put the sheet into a file of its own."
            )
        places += found
    return tuple(places)


def _with_texts(name: str, filled: Sequence[_Seen[S]], wanted: str | None) -> list[_Seen[S]]:
    """Those that have the column of texts: at least one."""
    found = [one for one in filled if one.texts]
    for one in found:
        if len(one.texts) > 1:
            raise DataError(
                f"{label_of(name, one.sheet)} has more than one column {called(wanted)}: "
                f"{', '.join(one.texts)}. Say which with --text-column, or one sheet with --sheet."
            )
    if not found:
        raise DataError(
            f"{name} has {len(filled)} sheets with cells, none with a column {called(wanted)}: "
            f"{_list_of([f'{_title(one.sheet)} ({one.columns})' for one in filled], '; ')}. "
            "Say which with --text-column."
        )
    return found


def _named(name: str, sheets: Sequence[S], wanted: str) -> S:
    found = [sheet for sheet in sheets if sheet.title == wanted]
    found = found or [sheet for sheet in sheets if plain(sheet.title) == plain(wanted)]
    if len(found) == 1:
        return found[0]
    raise DataError(
        f"{name} has {'no sheet' if not found else f'{len(found)} sheets'} '{shown(wanted)}': "
        f"{_list_of([shown(sheet.title) for sheet in found or sheets])}. Say which with --sheet."
    )


def _check_place(name: str, wanted: str, found: Sequence[_Seen[S]], *, header: bool) -> None:
    """Refuse a column like #3 of several sheets, unless all have the same name there.

    The third columns of a list of reviews and of a table of sums have nothing in common.
    """
    names = {plain(one.texts[0]) for one in found}
    same = len(names) == 1 and names != {""} and header
    if len(found) > 1 and wanted.strip().startswith("#") and not same:
        titles = [f"{_title(one.sheet)} ({shown(one.texts[0]) or 'no name'})" for one in found]
        raise DataError(
            f"{name}: nothing says that column {shown(wanted)} is the same one on the "
            f"{len(found)} sheets that have it: {_list_of(titles)}. Say which with --sheet."
        )


def _notice(name: str, filled: int, found: Sequence[_Seen[S]]) -> str:
    have, get = ("has", "gets") if len(found) == 1 else ("have", "get")
    return (
        f"{name}: {len(found)} of {filled} sheets with cells {have} the column of texts and {get} "
        f"labels: {_list_of([_title(one.sheet) for one in found])}."
    )


def _title(sheet: Titled) -> str:
    return f"{shown(sheet.title)}{' [hidden]' if sheet.hidden else ''}"


def _list_of(items: Sequence[str], between: str = ", ") -> str:
    more = len(items) - _LONGEST_LIST
    return between.join(items[:_LONGEST_LIST]) + (f" and {more} more" if more > 0 else "")
