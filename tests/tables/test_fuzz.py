"""Damaged files: whatever the bytes are, a reader gives rows or refuses, and soon.

    THUMBS_FUZZ=100000 python -m pytest tests/tables/test_fuzz.py

makes as many files a reader; without it a few hundred.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from score.errors import ThumbsError
from score.tables import NewColumn, Source, Table, TableOptions
from score.tables.csv_table import CsvTable
from score.tables.jsonl_table import JsonlTable

FILES = int(os.environ.get("THUMBS_FUZZ", "300"))
SLOWEST = 5_000
"""Milliseconds."""

SAMPLES = Path(__file__).parents[2] / "samples" / "awkward"
CSV_FILES = sorted(path for path in SAMPLES.iterdir() if path.suffix in {".csv", ".tsv"})
JSON_FILES = sorted(path for path in SAMPLES.iterdir() if path.suffix in {".jsonl", ".ndjson"})

ANYWHERE = (b"\0", b"\r", b"\n", b"\r\n", b"\xff", b"\xef\xbb\xbf", b"\xff\xfe", b"\xe8", b" ")
IN_CSV = (*ANYWHERE, b'"', b'""', b",", b";", b"\t", b"|", b"sep=;\n", b"," * 20_000, b"a" * 70_000)
IN_JSON = (
    *ANYWHERE,
    *(b"{", b"}", b"[", b"]", b'"', b"\\", b":", b",", b"null", b"NaN", b"1e999", b"-Infinity"),
    *(b"\\ud800", b"[" * 900, b'{"a":' * 900, b"[" * 100_000, b"9" * 5_000, b'{"text": 1}\n'),
)

settings.register_profile("fuzz", max_examples=FILES, deadline=SLOWEST)
FUZZ = settings(
    settings.get_profile("fuzz"),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@st.composite
def damaged(draw: st.DrawFn, files: list[Path], tokens: tuple[bytes, ...]) -> bytes:
    """A sample with some bytes cut out, doubled, or put in."""
    content = draw(st.sampled_from(files)).read_bytes()
    for _ in range(draw(st.integers(1, 5))):
        place = draw(st.integers(0, len(content)))
        size = draw(st.integers(0, 8))
        piece = content[place : place + size]
        new = draw(st.sampled_from((b"", piece * 2, piece[::-1], *tokens)) | st.binary(max_size=3))
        content = content[:place] + new + content[place + size :]
    return content


def source(content: bytes) -> Source:
    """A file that holds these bytes."""
    return Source("fuzz", io.BytesIO(content), owned=False)


def read_and_write(open_it: Callable[[], Table]) -> None:
    """Do all that a run does; what the file is refused for must be one of our errors."""
    try:
        table = open_it()
        writer = table.writer(io.BytesIO(), [NewColumn("label", "text")])
        for number, row in enumerate(table.rows(range(len(table.columns))), start=1):
            assert row.number == number
            if row.reject is None:
                writer.write(row, () if row.blank else ("new",))
        writer.close()
    except ThumbsError as exc:
        assert str(exc).startswith(("fuzz", "There is no", "Files in"))  # noqa: PT017 - most files are read


@FUZZ
@given(
    damaged(CSV_FILES, IN_CSV),
    st.sampled_from((None, None, "utf-8", "utf-16-le", "utf-32-be", "cp932", "gb18030", "cp1252")),
    st.sampled_from((None, None, ",", ";", " ", "a")),
    st.booleans(),
)
def test_damaged_csv(
    content: bytes, encoding: str | None, delimiter: str | None, header: bool
) -> None:
    """A damaged CSV file is read or refused, never met with another exception."""
    options = TableOptions(encoding=encoding, delimiter=delimiter, header=header)
    read_and_write(lambda: CsvTable(source(content), options))


@FUZZ
@given(damaged(JSON_FILES, IN_JSON))
def test_damaged_json_lines(content: bytes) -> None:
    """A damaged JSON Lines file is read or refused, never met with another exception."""
    read_and_write(lambda: JsonlTable(source(content), TableOptions()))
