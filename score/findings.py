"""What was found out about a bundle on this machine, so that it is asked only once.

A file of a few hundred bytes for each bundle, onnxruntime and machine, as far as its drivers can be
told.
What is lost of it, or cannot be written, is found out again.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Collection
from functools import cached_property
from pathlib import Path

from score import machine
from score.atomic import AtomicFile
from score.errors import ThumbsError
from score.extras import version_of
from score.providers import DISTRIBUTIONS

logger = logging.getLogger(__name__)

_FORMAT = 1
_MOST_BYTES = 65_536


class Findings:
    """Questions about a bundle on this machine, and their answers.

    Args:
        folder: where the files lie; None remembers nothing.
        digest: the bundle's.
    """

    def __init__(self, folder: Path | None, digest: str) -> None:
        self._folder = folder
        self._digest = digest

    def recall(self, question: str, among: Collection[str]) -> str | None:
        """The answer to a question; None where it is not known, or not one of ``among``."""
        answer = self._read().get(question) if self._folder else None
        return answer if answer in among else None

    def remember(self, question: str, answer: str) -> None:
        """Keep an answer. Of two runs that do so at once, one may have to ask again."""
        if self._folder is None:
            return
        file = self._file()
        answers = {**self._read(), question: answer}
        text = json.dumps({"of": self._key, "answers": answers}, indent=2, ensure_ascii=False)
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            with AtomicFile(file) as target:
                target.file.write(f"{text}\n".encode())
        except (ThumbsError, OSError) as exc:
            logger.info("%s: what was measured is not remembered (%s)", file, exc)

    def _read(self) -> dict[str, str]:
        """The answers that are kept; none of a file that is damaged or another's."""
        try:
            with self._file().open("rb") as file:
                found = json.loads(file.read(_MOST_BYTES))
            if found["of"] != self._key:
                return {}
            return {str(question): str(answer) for question, answer in found["answers"].items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return {}

    def _file(self) -> Path:
        assert self._folder is not None  # noqa: S101 - asked before
        key = json.dumps(self._key, sort_keys=True)
        return self._folder / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.json"

    @cached_property
    def _key(self) -> dict[str, object]:
        """What may change an answer: another of any of these asks anew."""
        import onnxruntime

        return {
            "format": _FORMAT,
            "bundle": self._digest,
            "onnxruntime": onnxruntime.__version__,
            "providers": onnxruntime.get_available_providers(),
            "packages": {name: version_of(name) for name in (*DISTRIBUTIONS.values(), "openvino")},
            "machine": machine.described(),
            "accelerators": machine.accelerators(),
        }
