"""The score cache: it saves time, and never costs a result."""

from __future__ import annotations

import logging
import sqlite3
from pathlib import Path

import pytest

from score.cache import ScoreCache
from score.model import Answer

GOOD = Answer((-1.5, 2.25), truncated=False)
LONG = Answer((0.5, -0.125), truncated=True)
FOREIGN = Answer((), truncated=False)


def test_answers_come_back_equal(tmp_path: Path) -> None:
    """What was put is got by another run, to the last bit; unknown texts are left out."""
    answers = {"good": GOOD, "long \ud800": LONG, "外国語": FOREIGN}
    ScoreCache(tmp_path / "new" / "c.sqlite3", "model").put(answers)
    again = ScoreCache(tmp_path / "new" / "c.sqlite3", "model")
    assert again.get([*answers, "never seen"]) == answers


def test_another_model_knows_nothing(tmp_path: Path) -> None:
    """Answers belong to one identity alone."""
    ScoreCache(tmp_path / "c.sqlite3", "model A").put({"good": GOOD})
    assert ScoreCache(tmp_path / "c.sqlite3", "model B").get(["good"]) == {}


def test_no_text_is_stored(tmp_path: Path) -> None:
    """The file holds digests, never a customer's words."""
    cache = ScoreCache(tmp_path / "c.sqlite3", "model")
    cache.put({"confidential words": GOOD})
    cache.close()
    assert all(b"confidential" not in path.read_bytes() for path in tmp_path.iterdir())


def test_more_texts_than_a_query_takes(tmp_path: Path) -> None:
    """A window may be larger than SQLite's limit of parameters."""
    cache = ScoreCache(tmp_path / "c.sqlite3", "model")
    answers = {f"text {i}": GOOD for i in range(2_000)}
    cache.put(answers)
    assert cache.get(answers) == answers


def test_a_foreign_file_is_set_aside(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A file that is no cache is kept under another name, said, and a new cache begun."""
    path = tmp_path / "c.sqlite3"
    path.write_bytes(b"my diary, not a database " * 100)
    with caplog.at_level(logging.WARNING):
        cache = ScoreCache(path, "model")
    cache.put({"good": GOOD})
    assert cache.get(["good"]) == {"good": GOOD}
    assert (tmp_path / "c.sqlite3.damaged").read_bytes() == b"my diary, not a database " * 100
    assert [record.message for record in caplog.records] == [
        f"{path} is no score cache (file is not a database); it is set aside as {path}.damaged"
    ]


def test_a_cache_that_cannot_be_made_is_done_without(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Where no file can be, nothing is remembered, and one warning says so."""
    (tmp_path / "file").write_text("")
    cache = ScoreCache(tmp_path / "file" / "c.sqlite3", "model")
    cache.put({"good": GOOD})
    assert cache.get(["good"]) == {}
    assert len(caplog.records) == 1
    assert "nothing is remembered in this run" in caplog.records[0].message


def test_a_cache_that_fails_later_is_done_without(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A table that disappears under the run costs its memory, not the run."""
    cache = ScoreCache(tmp_path / "c.sqlite3", "model")
    with sqlite3.connect(tmp_path / "c.sqlite3") as other:
        other.execute("DROP TABLE answers")
    cache.put({"good": GOOD})
    assert cache.get(["good"]) == {}
    assert len(caplog.records) == 1
