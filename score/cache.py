"""Answers that were given before, in one SQLite file for each user.

A score is a pure function of bundle and text, so an answer may be remembered for ever:
a run that was killed goes on where it was, duplicates cost nothing, and a nightly job
pays for new reviews alone. The key is a digest; no text is stored.
"""

from __future__ import annotations

import hashlib
import logging
import sqlite3
from array import array
from collections.abc import Iterable, Mapping
from pathlib import Path

from score.model import Answer

logger = logging.getLogger(__name__)

_SCHEMA = """
CREATE TABLE IF NOT EXISTS answers (
    key BLOB PRIMARY KEY,
    truncated INTEGER NOT NULL,
    logits BLOB NOT NULL
) WITHOUT ROWID
"""
# SQLite before 3.32 takes at most 999 parameters in a statement.
_KEYS_A_QUERY = 900


class ScoreCache:
    """Remembers the answers of one model. Used from one thread; other runs may share the file.

    A cache that cannot be read or written costs time, never a result: it warns once and
    remembers nothing from then on. A file that is no cache is set aside.

    Args:
        path: the SQLite file; it and its folder are made where they are missing.
        identity: everything that decides an answer beside the text.
    """

    def __init__(self, path: Path, identity: str) -> None:
        self._path = path
        self._identity = hashlib.sha256(identity.encode()).digest()
        self._connection = self._open()

    def get(self, texts: Iterable[str]) -> dict[str, Answer]:
        """The answers of those of ``texts`` that are known."""
        if self._connection is None:
            return {}
        by_key = {self._key(text): text for text in texts}
        keys = list(by_key)
        known: dict[str, Answer] = {}
        try:
            for start in range(0, len(keys), _KEYS_A_QUERY):
                part = keys[start : start + _KEYS_A_QUERY]
                marks = ",".join("?" * len(part))
                query = f"SELECT key, truncated, logits FROM answers WHERE key IN ({marks})"  # noqa: S608 - question marks alone
                for key, truncated, logits in self._connection.execute(query, part):
                    known[by_key[key]] = Answer(tuple(array("f", logits)), bool(truncated))
        except sqlite3.Error as exc:
            self._give_up(exc)
        return known

    def put(self, answers: Mapping[str, Answer]) -> None:
        """Remember ``answers``, by text, in one transaction."""
        if self._connection is None or not answers:
            return
        rows = [
            (self._key(text), answer.truncated, array("f", answer.logits).tobytes())
            for text, answer in answers.items()
        ]
        try:
            with self._connection:
                self._connection.executemany("INSERT OR REPLACE INTO answers VALUES (?,?,?)", rows)
        except sqlite3.Error as exc:
            self._give_up(exc)

    def close(self) -> None:
        """Release the file."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _key(self, text: str) -> bytes:
        digest = hashlib.sha256(self._identity)
        digest.update(text.encode("utf-8", "surrogatepass"))
        return digest.digest()

    def _open(self) -> sqlite3.Connection | None:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            return _connect(self._path)
        except sqlite3.OperationalError as exc:
            self._give_up(exc)
        except sqlite3.DatabaseError as exc:
            aside = self._path.with_name(f"{self._path.name}.damaged")
            logger.warning(
                "%s is no score cache (%s); it is set aside as %s", self._path, exc, aside
            )
            try:
                self._path.replace(aside)
                return _connect(self._path)
            except (OSError, sqlite3.Error) as again:
                self._give_up(again)
        except OSError as exc:
            self._give_up(exc)
        return None

    def _give_up(self, exc: Exception) -> None:
        logger.warning("%s: nothing is remembered in this run (%s)", self._path, exc)
        self.close()


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=30, isolation_level="IMMEDIATE")
    try:
        # With WAL readers do not wait for writers; NORMAL cannot corrupt it, and a
        # transaction lost with the power is scored again.
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute(_SCHEMA)
    except sqlite3.Error:
        connection.close()
        raise
    return connection
