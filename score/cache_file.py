"""The SQLite file behind the score cache: recognised, kept within bounds, set aside.

Answers lie in two tables of one shape, ``young`` and ``old``. New ones go to the young
table; when it is full, the old one is dropped whole and the young one becomes the old one.
So the oldest leave first, at a cost that does not grow with every write, and the pages of
the dropped table are used again. What is still asked for moves from old to young.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Collection, Iterator, Mapping, Set
from pathlib import Path

GENERATION = 2_500_000
"""The answers of a full table. Two full tables take about 200 MiB."""

_APPLICATION = int.from_bytes(b"thum", "big")
_FORMAT = 2

_TABLE = "CREATE TABLE {} (key BLOB PRIMARY KEY, answer BLOB NOT NULL) WITHOUT ROWID"
# SQLite before 3.32 takes at most 999 parameters in a statement.
_KEYS_A_QUERY = 900
# Seconds to wait for another run's transaction, which takes milliseconds.
_BUSY = 10.0
_SIDE_FILES = ("-wal", "-shm", "-journal")

# What goes wrong around a sound file: no rights, no room, no memory, a lock, a broken disk.
_CIRCUMSTANCES = frozenset(
    (
        3,  # SQLITE_PERM
        5,  # SQLITE_BUSY
        6,  # SQLITE_LOCKED
        7,  # SQLITE_NOMEM
        8,  # SQLITE_READONLY
        9,  # SQLITE_INTERRUPT
        10,  # SQLITE_IOERR
        13,  # SQLITE_FULL
        14,  # SQLITE_CANTOPEN
        15,  # SQLITE_PROTOCOL
        22,  # SQLITE_NOLFS
        23,  # SQLITE_AUTH
    )
)


class SetAsideError(Exception):
    """The file was damaged or no cache, and no longer has this name.

    Attributes:
        aside: what it is called now; None where another run was faster.
    """

    def __init__(self, reason: str, aside: Path | None) -> None:
        super().__init__(reason)
        self.aside = aside


class NewerCacheError(Exception):
    """The file was made by a newer version."""


class CacheFile:
    """An open cache file. Used from one thread; other processes may use it at the same time.

    Args:
        path: the file; it is made where it is missing, its folder is not.

    Raises:
        SetAsideError: something else was there; opening again makes a new file.
        NewerCacheError: the file is left as it is.
        sqlite3.Error, OSError: it cannot be opened or made.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection = sqlite3.connect(path, timeout=_BUSY, isolation_level=None)
        self._connection.text_factory = bytes
        self._inode = _inode(path)
        try:
            with self._set_aside_when_damaged():
                self._prepare()
        except BaseException:
            self.close()
            raise

    def read(self, keys: Set[bytes]) -> dict[bytes, bytes]:
        """The answers of those of ``keys`` that are there.

        Raises:
            SetAsideError: the file was damaged.
            sqlite3.Error, OSError: it cannot be read, or what was found in the old table
                cannot be moved.
        """
        with self._set_aside_when_damaged():
            found = self._select("young", keys)
            old = self._select("old", keys - found.keys())
            if old:
                self._insert(old)
            return found | old

    def write(self, answers: Mapping[bytes, bytes]) -> None:
        """Remember ``answers`` in one transaction.

        Raises:
            SetAsideError: the file was damaged.
            sqlite3.Error, OSError: it cannot be written.
        """
        with self._set_aside_when_damaged():
            self._insert(answers)

    def close(self) -> None:
        """Release the file."""
        # Closing tidies up, for which a full disk has no room; the next run does it.
        with contextlib.suppress(sqlite3.Error):
            self._connection.close()

    def _prepare(self) -> None:
        if self._is_new():
            # With WAL readers do not wait for writers; NORMAL cannot corrupt it, and a
            # transaction lost with the power is scored again.
            self._switch_to_wal()
            with self._transaction():
                if self._is_new():
                    self._make_tables()
        self._connection.execute("PRAGMA synchronous=NORMAL")

    def _is_new(self) -> bool:
        """Whether nothing is in the file yet; anything but a cache of this version is refused."""
        application, version, tables = (
            self._connection.execute(query).fetchone()[0]
            for query in (
                "PRAGMA application_id",
                "PRAGMA user_version",
                "SELECT count(*) FROM sqlite_master",
            )
        )
        if application == _APPLICATION and version > _FORMAT:
            raise NewerCacheError("it was made by a newer version of thumbs")
        if (application, version) == (_APPLICATION, _FORMAT):
            return False
        if (application, version, tables) == (0, 0, 0):
            return True
        raise sqlite3.DatabaseError("it holds something else")

    def _switch_to_wal(self) -> None:
        # Of two runs that do this at once, SQLite tells one that the file is locked, without
        # waiting.
        until = time.monotonic() + _BUSY
        while True:
            try:
                self._connection.execute("PRAGMA journal_mode=WAL")
            except sqlite3.OperationalError as exc:
                if "locked" not in str(exc) or time.monotonic() > until:
                    raise
                time.sleep(0.01)
            else:
                return

    def _make_tables(self) -> None:
        for name in ("young", "old"):
            self._connection.execute(_TABLE.format(name))
        self._connection.execute("CREATE TABLE size (young INTEGER NOT NULL)")
        self._connection.execute("INSERT INTO size VALUES (0)")
        self._connection.execute(f"PRAGMA application_id={_APPLICATION}")
        self._connection.execute(f"PRAGMA user_version={_FORMAT}")

    def _select(self, table: str, keys: Collection[bytes]) -> dict[bytes, bytes]:
        found: dict[bytes, bytes] = {}
        wanted = list(keys)
        for start in range(0, len(wanted), _KEYS_A_QUERY):
            part = wanted[start : start + _KEYS_A_QUERY]
            marks = ",".join("?" * len(part))
            query = f"SELECT key, answer FROM {table} WHERE key IN ({marks})"  # noqa: S608 - a constant and question marks
            found.update(self._connection.execute(query, part))
        return found

    def _insert(self, answers: Mapping[bytes, bytes]) -> None:
        with self._transaction():
            insert = "INSERT OR REPLACE INTO young VALUES (?,?)"
            self._connection.executemany(insert, answers.items())
            self._connection.execute("UPDATE size SET young = young + ?", (len(answers),))
            (size,) = self._connection.execute("SELECT young FROM size").fetchone()
            if size >= GENERATION:
                self._age()

    def _age(self) -> None:
        self._connection.execute("DROP TABLE old")
        self._connection.execute("ALTER TABLE young RENAME TO old")
        self._connection.execute(_TABLE.format("young"))
        self._connection.execute("UPDATE size SET young = 0")

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            # A full disk may have rolled it back already.
            with contextlib.suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")
            raise

    @contextlib.contextmanager
    def _set_aside_when_damaged(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as exc:
            if not _is_damage(exc):
                raise
            self.close()
            raise SetAsideError(str(exc), _set_aside(self._path, self._inode)) from exc


def _is_damage(error: sqlite3.Error) -> bool:
    """Whether it is the file's content that is wrong."""
    code = getattr(error, "sqlite_errorcode", None)  # new in Python 3.11
    if code is None:
        return not isinstance(error, sqlite3.OperationalError)
    return code & 0xFF not in _CIRCUMSTANCES


def _set_aside(path: Path, inode: tuple[int, int] | None) -> Path | None:
    """Rename a file, unless another run has put a new one in its place, and give the new name."""
    if _inode(path) != inode:
        return None
    aside = path.with_name(f"{path.name}.damaged")
    number = 1
    while aside.exists():
        number += 1
        aside = path.with_name(f"{path.name}.damaged-{number}")
    # These first: SQLite would read a log that is left into the next file of that name.
    for suffix in _SIDE_FILES:
        with contextlib.suppress(FileNotFoundError):
            path.with_name(path.name + suffix).replace(aside.with_name(aside.name + suffix))
    path.replace(aside)
    return aside


def _inode(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
