"""Answers that were given before, in one SQLite file for each user.

A score is a pure function of bundle and text, so an answer may be remembered for ever:
a run that was killed goes on where it was, duplicates cost nothing, and a nightly job
pays for new reviews alone. The key is a digest; no text is stored.
"""

from __future__ import annotations

import hashlib
import logging
import sqlite3
import struct
import zlib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TypeVar

from score.cache_file import CacheFile, NewerCacheError, SetAsideError
from score.model import Answer

logger = logging.getLogger(__name__)

_T = TypeVar("_T")

# 128 bits: among a million million texts no two are expected to share a key.
_KEY_BYTES = 16
_HEAD = struct.Struct("<I?")


class ScoreCache:
    """Remembers the answers of one model. Used from one thread; other runs may share the file.

    A cache that cannot be read or written costs time, never a result: it warns once and
    remembers nothing from then on. A file that is damaged or no cache is set aside, also in
    the middle of a run, and a new one begun. An answer carries a checksum: one that the
    disk has changed is forgotten.

    Args:
        path: the SQLite file; it and its folder are made where they are missing.
        identity: everything that decides an answer beside the text.
    """

    def __init__(self, path: Path, identity: str) -> None:
        self._path = path
        self._identity = hashlib.sha256(identity.encode()).digest()
        self._set_aside_before = False
        self._file: CacheFile | None = None
        self._file = self._open()

    def get(self, texts: Iterable[str]) -> dict[str, Answer]:
        """The answers of those of ``texts`` that are known."""
        by_key = {self._key(text): text for text in texts}
        found = self._attempt(lambda file: file.read(by_key.keys())) or {}
        # A damaged file gives keys that were not asked for, and answers to other keys.
        answers = {text: _unpack(key, found.get(key)) for key, text in by_key.items()}
        return {text: answer for text, answer in answers.items() if answer is not None}

    def put(self, answers: Mapping[str, Answer]) -> None:
        """Remember ``answers``, by text, in one transaction."""
        if not answers or self._file is None:
            return
        keyed = {self._key(text): answer for text, answer in answers.items()}
        packed = {key: _pack(key, answer) for key, answer in keyed.items()}
        self._attempt(lambda file: file.write(packed))

    def close(self) -> None:
        """Release the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _key(self, text: str) -> bytes:
        digest = hashlib.sha256(self._identity)
        digest.update(text.encode("utf-8", "surrogatepass"))
        return digest.digest()[:_KEY_BYTES]

    def _attempt(self, work: Callable[[CacheFile], _T]) -> _T | None:
        """Do ``work`` with the file, or with the one that takes the place of a damaged one."""
        while self._file is not None:
            try:
                return work(self._file)
            except SetAsideError as exc:
                self._file = self._open_after(exc)
            except (sqlite3.Error, OSError) as exc:
                self._give_up(exc)
        return None

    def _open(self) -> CacheFile | None:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            return CacheFile(self._path)
        except SetAsideError as exc:
            return self._open_after(exc)
        except (sqlite3.Error, OSError, NewerCacheError) as exc:
            self._give_up(exc)
        return None

    def _open_after(self, damage: SetAsideError) -> CacheFile | None:
        self._file = None
        done = f"it is set aside as {damage.aside}" if damage.aside else "another run set it aside"
        logger.warning("%s is no score cache (%s); %s", self._path, damage, done)
        if self._set_aside_before:
            self._give_up(damage)
            return None
        self._set_aside_before = True
        return self._open()

    def _give_up(self, exc: Exception) -> None:
        logger.warning("%s: nothing is remembered in this run (%s)", self._path, exc)
        self.close()


def _pack(key: bytes, answer: Answer) -> bytes:
    logits = struct.pack(f"<{len(answer.logits)}f", *answer.logits)
    return _HEAD.pack(_checksum(key, answer.truncated, logits), answer.truncated) + logits


def _unpack(key: bytes, packed: bytes | None) -> Answer | None:
    """The answer; None where there is none, or where it is not what was once packed."""
    if not isinstance(packed, bytes) or len(packed) < _HEAD.size:
        return None
    checksum, truncated = _HEAD.unpack_from(packed)
    logits = packed[_HEAD.size :]
    if checksum != _checksum(key, truncated, logits) or len(logits) % 4:
        return None
    return Answer(struct.unpack(f"<{len(logits) // 4}f", logits), truncated)


def _checksum(key: bytes, truncated: bool, logits: bytes) -> int:
    return zlib.crc32(key + bytes([truncated]) + logits)
