"""Samples, and a stand-in for scoring that gives every record the same new cells."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest

from score.tables import NewColumn, Table

Relabel = Callable[[Table], bytes]


@pytest.fixture(scope="session")
def samples() -> Path:
    """The folder of the awkward files."""
    return Path(__file__).parents[2] / "samples" / "awkward"


@pytest.fixture(scope="session")
def relabel() -> Relabel:
    """Write a table again with the cells ``NEW`` and 0.5 behind every record."""

    def write(table: Table) -> bytes:
        target = io.BytesIO()
        columns = (NewColumn("label", "text"), NewColumn("confidence", "number"))
        writer = table.writer(target, columns)
        for row in table.rows([0]):
            if row.reject is None:
                writer.write(row, () if row.blank else ("NEW", 0.5))
        writer.close()
        table.close()
        return target.getvalue()

    return write
