"""Damaged files: whatever the bytes are, a reader gives rows or refuses, and soon.

    THUMBS_FUZZ=100000 python -m pytest tests/tables/test_fuzz.py

makes as many files a reader; without it a few hundred.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from pathlib import Path
from random import Random

from hypothesis import given, note, settings
from hypothesis import strategies as st

from score.errors import ThumbsError
from score.tables import NewColumn, Source, Table, TableOptions
from score.tables.csv.table import CsvTable
from score.tables.jsonl_table import JsonlTable

FILES = int(os.environ.get("THUMBS_FUZZ", "300"))
SLOWEST = 5_000
"""Milliseconds."""

SAMPLES = Path(__file__).parents[2] / "samples" / "awkward"
CSV_FILES = [path.read_bytes() for path in sorted(SAMPLES.glob("*.[ct]sv"))]
JSON_FILES = [path.read_bytes() for path in sorted(SAMPLES.glob("*.*json*"))]

ANYWHERE = (b"\0", b"\r", b"\n", b"\r\n", b"\xff", b"\xef\xbb\xbf", b"\xff\xfe", b"\xe8", b" ")
IN_CSV = (*ANYWHERE, b'"', b'""', b",", b";", b"\t", b"|", b"sep=;\n", b"," * 20_000, b"a" * 70_000)
IN_JSON = (
    *ANYWHERE,
    *(b"{", b"}", b"[", b"]", b'"', b"\\", b":", b",", b"null", b"NaN", b"1e999", b"-Infinity"),
    *(
        b"\\ud800",
        b"[" * 900 + b"]" * 900,
        b'{"a":' * 900 + b"1" + b"}" * 900,
        b"[" * 100_000,
        b"9" * 5_000,
        b'{"text": 1}\n',
    ),
)

FUZZ = settings(max_examples=FILES, deadline=SLOWEST)
SEEDS = st.randoms(use_true_random=True)


def damaged(chance: Random, files: list[bytes], tokens: tuple[bytes, ...]) -> bytes:
    """A sample with some bytes cut out, doubled, turned round or put in.

    All of it comes from one seed, which Hypothesis chooses and names when a test fails:
    drawn one by one, these numbers would take ten times as long as reading the file.
    """
    content = chance.choice(files)
    for _ in range(chance.randint(1, 5)):
        place = chance.randint(0, len(content))
        end = place + chance.randint(0, 8)
        piece = content[place:end]
        new = chance.choice((b"", piece * 2, piece[::-1], chance.randbytes(2), *tokens))
        content = content[:place] + new + content[end:]
    note(repr(content[:1000]))
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


ENCODINGS = (None, None, "utf-8", "utf-16-le", "utf-32-be", "cp932", "gb18030", "cp1252")
DELIMITERS = (None, None, None, ",", ";", " ", "a")


@FUZZ
@given(SEEDS)
def test_damaged_csv(chance: Random) -> None:
    """A damaged CSV file is read or refused, never met with another exception."""
    options = TableOptions(
        encoding=chance.choice(ENCODINGS),
        delimiter=chance.choice(DELIMITERS),
        header=chance.random() < 0.8,
    )
    content = damaged(chance, CSV_FILES, IN_CSV)
    read_and_write(lambda: CsvTable(source(content), options))


@FUZZ
@given(SEEDS)
def test_damaged_json_lines(chance: Random) -> None:
    """A damaged JSON Lines file is read or refused, never met with another exception."""
    content = damaged(chance, JSON_FILES, IN_JSON)
    read_and_write(lambda: JsonlTable(source(content), TableOptions()))
