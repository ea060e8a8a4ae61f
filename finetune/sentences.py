"""Single sentences out of longer texts, so that a model also learns from short ones."""

from __future__ import annotations

import re
from collections.abc import Iterator

# Behind a mark that ends a sentence, and a quote or bracket that closes with it. Not behind one
# capital ("John F. Kennedy"); other abbreviations only make a short piece, which is dropped.
_END = re.compile(r"(?:(?<=[.!?…])(?<!\b[A-Z]\.)|(?<=[.!?…][\"')\]]))\s+")
_FEWEST, _MOST = 3, 40


def sentences(text: str) -> Iterator[str]:
    """The sentences of a text that have 3 to 40 words.

    Args:
        text: a cleaned text. Where its sentences end is told from punctuation, so this is for
            languages that put a blank behind it.
    """
    for piece in _END.split(text):
        sentence = piece.strip()
        if _FEWEST <= len(sentence.split()) <= _MOST:
            yield sentence
