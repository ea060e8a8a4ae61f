"""Which character stands between the cells of a CSV file: told by reading its beginning.

Each candidate is tried with the strict reader that will read the whole file. One that
stands in the header and cuts the records below into as many cells is the delimiter. Where
two do so, or none for sure, nobody can tell, and the file is refused with both readings:
a guess, however clever, would be a column of wrong texts now and then.
"""

from __future__ import annotations

from collections.abc import Sequence

from score.errors import AmbiguousError, DataError
from score.tables.csv.layout import are_names, begins_below, header_elsewhere
from score.tables.csv.reading import Reading

CANDIDATES = (",", ";", "\t", "|")

_SURE_RECORDS = 5
# A tab hardly ever stands in a text, so it sets new cells off where commas cannot.
_ONE_COLUMN = (",", "\t", ";", "|")


def choose(readings: Sequence[Reading], usual: str, name: str, *, header: bool = True) -> Reading:
    """Choose the one reading that is a table.

    Args:
        readings: one for each candidate.
        usual: the delimiter that the file's name stands for. In a .tsv the tab wins over
            others; else it decides only where nothing stands between cells.
        name: what messages call the file.
        header: whether the first record holds names.

    Raises:
        AmbiguousError: two readings are tables, or one may be a table or a single column.
        DataError: the table does not begin with the first line, or no reading is whole.
    """
    default = next(reading for reading in readings if reading.delimiter == usual)
    tables = [reading for reading in readings if _is_table(reading, header)]
    if len(tables) == 1 or (usual == "\t" and default in tables):
        return tables[0] if len(tables) == 1 else default
    if tables:
        raise _ambiguous(tables, name)
    if any(len(reading.header) > 1 for reading in readings):
        return _ragged(readings, name, header=header)
    return _single(readings, default, name) if any(r.header for r in readings) else default


def _is_table(reading: Reading, header: bool) -> bool:
    if len(reading.header) < 2:
        return False
    if reading.spaced:
        # Prose has a comma here and there, but not as many in line after line.
        return reading.agreement == 1 and reading.records >= _SURE_RECORDS
    return reading.agreement >= (0.5 if header and are_names(reading.header) else 0.9)


def _ragged(readings: Sequence[Reading], name: str, *, header: bool) -> Reading:
    """Choose where a delimiter stands in the header, but few records have as many cells."""
    headed = [reading for reading in readings if len(reading.header) > 1]
    only = headed[0]
    if len(headed) == 1 and (only.broken or (header and are_names(only.header))):
        return only
    raise _ambiguous([*headed, *_one_columns(readings)[:1]], name)


def _single(readings: Sequence[Reading], default: Reading, name: str) -> Reading:
    """Choose where no delimiter stands in the header: it is a column, or above the table."""
    single = default if default.one_column else next(iter(_one_columns(readings)), None)
    for reading in readings:
        if begins_below(reading):
            raise header_elsewhere(reading, name, single)
    if single:
        return single
    if all(reading.broken for reading in readings):
        return default
    raise DataError(
        f"{name}: the header is one cell, but with none of , ; | and the tab is each record "
        "below it one cell too. Put the texts in quotes, or say the delimiter with --delimiter."
    )


def _one_columns(readings: Sequence[Reading]) -> list[Reading]:
    """The readings as a single column, the best delimiter for one first."""
    single = [reading for reading in readings if reading.one_column]
    return sorted(single, key=lambda reading: _ONE_COLUMN.index(reading.delimiter))


def _ambiguous(readings: Sequence[Reading], name: str) -> AmbiguousError:
    return AmbiguousError(
        f"{name}: what stands between its cells cannot be told for sure. Add the option that "
        "reads its first record right:",
        tuple(map(str, readings)),
    )
