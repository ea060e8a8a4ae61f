"""The score cache: it saves time, and never costs a result."""

from __future__ import annotations

import contextlib
import logging
import os
import random
import sqlite3
import subprocess
import sys
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


def test_a_cache_that_is_damaged_later_is_begun_anew(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """What another program does to the file in the middle of a run costs what was remembered."""
    path = tmp_path / "c.sqlite3"
    cache = ScoreCache(path, "model")
    with contextlib.closing(sqlite3.connect(path)) as other:
        other.execute("DROP TABLE young")
    assert cache.get(["good"]) == {}
    cache.put({"good": GOOD})
    assert cache.get(["good"]) == {"good": GOOD}
    assert [record.message for record in caplog.records] == [
        f"{path} is no score cache (no such table: young); it is set aside as {path}.damaged"
    ]


def test_a_cache_that_is_damaged_twice_is_done_without(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Where the damage comes back in one run, nothing is remembered any more."""
    path = tmp_path / "c.sqlite3"
    cache = ScoreCache(path, "model")
    for _ in range(2):
        with contextlib.closing(sqlite3.connect(path)) as other:
            other.execute("DROP TABLE young")
        cache.put({"good": GOOD})
    assert cache.get(["good"]) == {}
    assert [record.message for record in caplog.records][1:] == [
        f"{path} is no score cache (no such table: young); it is set aside as {path}.damaged-2",
        f"{path}: nothing is remembered in this run (no such table: young)",
    ]


def test_a_log_without_its_file_is_not_read_into_the_next(tmp_path: Path) -> None:
    """SQLite's own files are set aside too, or a new cache would begin with old pages."""
    path = tmp_path / "c.sqlite3"
    path.write_bytes(b"no database " * 1000)
    for suffix in ("-wal", "-shm", "-journal"):
        path.with_name(path.name + suffix).write_bytes(b"of another time")
    cache = ScoreCache(path, "model")
    cache.put({"good": GOOD})
    assert cache.get(["good"]) == {"good": GOOD}
    cache.close()
    assert [path.name for path in tmp_path.glob("c.sqlite3-*")] == []


def test_a_flipped_bit_never_becomes_a_score(tmp_path: Path) -> None:
    """Whatever byte of the file the disk changes, an answer is the right one or none."""
    answers = {f"text {i}": Answer((i / 8, -i / 4), truncated=i % 2 == 0) for i in range(120)}
    original = tmp_path / "original.sqlite3"
    cache = ScoreCache(original, "model")
    cache.put(answers)
    cache.close()
    content = original.read_bytes()
    choose = random.Random(5)
    found = 0
    for number in range(100):
        path = tmp_path / f"{number}" / "c.sqlite3"
        path.parent.mkdir()
        changed = bytearray(content)
        changed[choose.randrange(len(content))] ^= 1 << choose.randrange(8)
        path.write_bytes(changed)
        cache = ScoreCache(path, "model")
        known = cache.get(answers)
        assert known.items() <= answers.items()
        cache.put(answers)
        cache.close()
        found += len(known)
    assert found > 50 * len(answers)


def test_the_oldest_leave_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file stops growing; what is asked for again and again stays, what is not leaves."""
    monkeypatch.setattr("score.cache_file.GENERATION", 1_000)
    path = tmp_path / "c.sqlite3"
    cache = ScoreCache(path, "model")
    cache.put({"asked for": GOOD, "forgotten": LONG})
    sizes = []
    for day in range(12):
        cache.put({f"{day} {i}": GOOD for i in range(500)})
        assert cache.get(["asked for"]) == {"asked for": GOOD}
        cache.close()
        sizes.append(path.stat().st_size)
        cache = ScoreCache(path, "model")
    assert cache.get(["forgotten", "0 1"]) == {}
    latest = {f"11 {i}" for i in range(500)} | {f"10 {i}" for i in range(500)}
    assert cache.get(latest).keys() == latest
    assert max(sizes[6:]) == sizes[6]


def test_a_newer_cache_is_left_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A file of a later version is neither used nor moved."""
    path = tmp_path / "c.sqlite3"
    ScoreCache(path, "model").close()
    with contextlib.closing(sqlite3.connect(path)) as newer:
        newer.execute("PRAGMA user_version=3")
    content = path.read_bytes()
    cache = ScoreCache(path, "model")
    cache.put({"good": GOOD})
    assert cache.get(["good"]) == {}
    assert path.read_bytes() == content
    assert [record.message for record in caplog.records] == [
        f"{path}: nothing is remembered in this run (it was made by a newer version of thumbs)"
    ]


def test_another_programs_database_is_set_aside(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing is written into a database that is no score cache, the first format included."""
    path = tmp_path / "c.sqlite3"
    with contextlib.closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE answers (key BLOB PRIMARY KEY)")
    content = path.read_bytes()
    ScoreCache(path, "model").close()
    assert path.with_name("c.sqlite3.damaged").read_bytes() == content
    assert [record.message for record in caplog.records] == [
        f"{path} is no score cache (it holds something else); it is set aside as {path}.damaged"
    ]


def test_a_full_disk_is_done_without(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Where no more fits, what is known is still read, and one warning says so."""
    path = tmp_path / "c.sqlite3"
    cache = ScoreCache(path, "model")
    cache.put({"good": GOOD})
    assert cache._file
    cache._file._connection.execute("PRAGMA max_page_count=8")
    cache.put({f"text {i}": GOOD for i in range(5_000)})
    cache.put({"later": GOOD})
    assert [record.message for record in caplog.records] == [
        f"{path}: nothing is remembered in this run (database or disk is full)"
    ]
    assert ScoreCache(path, "model").get(["good", "text 1"]) == {"good": GOOD}


def test_two_runs_share_the_file(tmp_path: Path) -> None:
    """Begun at the same moment, they lose nothing, wait for each other and set nothing aside."""
    path = tmp_path / "c.sqlite3"
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", _RUN, str(path), str(number)],
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
            stderr=subprocess.PIPE,
        )
        for number in range(3)
    ]
    said = [process.communicate(timeout=60)[1].decode() for process in processes]
    assert said == ["", "", ""]
    cache = ScoreCache(path, "model")
    wanted = [f"{number} {i}" for number in range(3) for i in range(2_000)]
    assert len(cache.get(wanted)) == len(wanted)
    cache.close()
    assert [one.name for one in tmp_path.iterdir()] == ["c.sqlite3"]


_RUN = """
import sys
from pathlib import Path
from score.cache import ScoreCache
from score.model import Answer
import score.cache_file
score.cache_file.GENERATION = 5_000
cache = ScoreCache(Path(sys.argv[1]), "model")
for start in range(0, 2_000, 50):
    cache.put({f"{sys.argv[2]} {i}": Answer((1.0, 2.0), False) for i in range(start, start + 50)})
    cache.get([f"0 {i}" for i in range(100)])
cache.close()
"""
