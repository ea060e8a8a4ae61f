"""Files that are more than one table below one header: refused, since rows would be wrong.

Lines above the header, a header over two lines and a second table further down are told
by how they look at the beginning of a file. A file of one header and its records looks
like none of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from score.errors import DataError
from score.tables.columns import TEXT_NAMES
from score.tables.csv.reading import Reading, option

MAX_COLUMNS = 16_384
"""As many as Excel has. Short records are padded, so a wide header would multiply a file."""

_END = 3


def are_names(cells: Sequence[str]) -> bool:
    """Whether cells look like names of columns: short, different, no numbers, no sentences."""
    return len(set(cells)) == len(cells) and all(
        0 < len(cell) <= 64
        and not cell[0].isspace()
        and not cell[0].isdigit()
        and cell[-1] not in ".!?"
        for cell in cells
    )


def check_layout(reading: Reading, name: str, *, header: bool) -> None:
    """Refuse a file whose beginning is not one header and its records.

    Args:
        reading: the beginning, read with the file's delimiter.
        name: what messages call the file.
        header: whether the first record holds names.

    Raises:
        DataError: the header is somewhere else, has two lines, or there is a second table.
    """
    _check_second_table(reading, name)
    if begins_below(reading):
        raise header_elsewhere(reading, name)
    if header:
        _check_names(reading, name)


def begins_below(reading: Reading) -> bool:
    """Whether the records below the first are a table that is wider than it.

    They are if more than half are wider by the same number of cells, or all at the end are.
    """
    if reading.wider()[1] * 2 > reading.records:
        return True
    records = [width for width in reading.widths if width]
    end = max(_END, len(records) // 5)
    return len(records) > end and len({*records[-end:]}) == 1 and records[-1] > len(reading.header)


def header_elsewhere(reading: Reading, name: str, single: Reading | None = None) -> DataError:
    """Say that the table begins below the first record.

    Args:
        reading: the beginning of the file.
        name: what messages call the file.
        single: the file as a single column of texts, if it could be meant so.
    """
    count = len(reading.header)
    width, many = reading.wider()
    remedy = "Remove the lines above the header."
    if single:
        remedy = f"{remedy[:-1]}, or add {option(single.delimiter)} if all of it is one column."
    return DataError(
        f"{name}, the header: {count} cell{'' if count == 1 else 's'} with "
        f"{option(reading.delimiter)}, but {many} of the {reading.records} records looked at "
        f"have {width}. {remedy}"
    )


def check_repeated(cells: Sequence[str], header: Sequence[str], name: str, row: int) -> None:
    """Refuse a record that is the header again, as where files were joined.

    Raises:
        DataError: it is.
    """
    if cells == header and len({*header}) > 1:
        raise DataError(
            f"{name}, row {row}: the header again. If files were joined, remove this line; "
            "if it is another table, put it into a file of its own."
        )


def _check_names(reading: Reading, name: str) -> None:
    width = len(reading.header)
    first = reading.early[0] if reading.early else ()
    # Titles over groups of columns leave gaps, and the line below fills them with names.
    gaps = [place for place in range(1, width) if not reading.header[place].strip()]
    if gaps and len(first) == width and are_names(first):
        raise DataError(
            f"{name}, the header: it seems to take two lines, and row 1 to be the second of "
            "them. Give each column its name in one line."
        )
    if width < 2 or any(_is_text_name(cell) for cell in reading.header):
        return
    for row, cells in enumerate(reading.early, start=1):
        if len(cells) == width and are_names(cells) and any(map(_is_text_name, cells)):
            raise DataError(
                f"{name}, row {row}: it looks like the header. Remove the lines above it."
            )


def _is_text_name(cell: str) -> bool:
    return cell.strip().casefold() in TEXT_NAMES


def _check_second_table(reading: Reading, name: str) -> None:
    """Look below a blank line for records of another width, after ones that fit the header."""
    width = len(reading.header)
    row, fitted = 1, False
    for blank, group in groupby(reading.widths, key=lambda cells: not cells):
        cells = list(group)
        kinds = {*cells}
        # A single cell below a blank line is a note, and stays a record.
        if not blank and fitted and len(cells) > 1 and len(kinds) == 1 and not kinds & {1, width}:
            raise DataError(
                f"{name}, row {row}: records of {cells[0]} cells follow a blank line, but the "
                f"header has {width}. Put each table into a file of its own."
            )
        fitted = kinds == {width} if not blank else fitted
        row += len(cells)
