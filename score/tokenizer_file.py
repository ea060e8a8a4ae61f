"""A look into a tokenizer.json before the tokenizers library builds what it says.

The file may ask for any regular expression, run for hours on a text of forty letters, for
replacements that double a text again and again, or for words of any length, whose pieces
are found in quadratic time. BERT's tokenizers and those of SentencePiece need none of that.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

MAX_BYTES = 20 * 1024**2
"""Bytes of a tokenizer.json; that of bge-m3, with 250,000 pieces, has 17 million."""

_STAGES = ("normalizer", "pre_tokenizer", "post_processor", "decoder")
_HARMLESS_EXPRESSIONS = frozenset({" {2,}"})
"""Regular expressions that run in linear time: that of SentencePiece's normalizers."""

_MOST_PIECES = 300_000
_LONGEST_WORD = 200
_MOST_GROWTH = 16
_MOST_ADDED_TOKENS = 10_000
_LONGEST_ADDED_TOKEN = 1000


class UnsafeTokenizerError(ValueError):
    """The file is no tokenizer, or a hostile one; the text says what was found."""


def check_tokenizer(content: bytes) -> None:
    """Look into a tokenizer.json.

    Args:
        content: the whole file.

    Raises:
        UnsafeTokenizerError: it is no JSON object, has a regular expression, or could
            make a text grow or take without bounds.
    """
    try:
        tokenizer = json.loads(content)
    except (ValueError, RecursionError) as exc:
        raise UnsafeTokenizerError("it is not JSON") from exc
    if not isinstance(tokenizer, dict):
        raise UnsafeTokenizerError("it is no JSON object")
    growth = 1.0
    for stage in _STAGES:
        for part in _parts(tokenizer.get(stage)):
            growth *= _growth(part)
    if growth > _MOST_GROWTH:
        raise UnsafeTokenizerError("its replacements make a text too much longer")
    _check_model(tokenizer.get("model"))
    _check_added_tokens(tokenizer.get("added_tokens"))


def _parts(stage: Any) -> Iterator[Mapping[str, Any]]:
    """All objects in a stage, however deep."""
    waiting = [stage]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            yield part
            waiting += part.values()
        elif isinstance(part, list):
            waiting += part


def _growth(part: Mapping[str, Any]) -> float:
    """How many times as long a part of the tokenizer can make a text."""
    expression = part.get("Regex", " {2,}")
    if expression not in _HARMLESS_EXPRESSIONS:
        raise UnsafeTokenizerError(f"it has the regular expression {str(expression)[:40]!r}")
    if part.get("type") == "Prepend":
        return max(1, len(str(part.get("prepend"))))
    if part.get("type") != "Replace":
        return 1
    pattern = part.get("pattern")
    shortest = len(str(pattern.get("String", "  "))) if isinstance(pattern, dict) else 1
    return max(1, len(str(part.get("content"))) / max(1, shortest))


def _check_model(model: Any) -> None:
    if not isinstance(model, dict):
        raise UnsafeTokenizerError("it has no model")
    word = model.get("max_input_chars_per_word", 100)
    if not isinstance(word, int) or word > _LONGEST_WORD:
        raise UnsafeTokenizerError(f"it reads words of more than {_LONGEST_WORD} letters")
    pieces = model.get("vocab")
    if not isinstance(pieces, (dict, list)) or len(pieces) > _MOST_PIECES:
        raise UnsafeTokenizerError(f"it has no vocabulary of {_MOST_PIECES} pieces or less")


def _check_added_tokens(tokens: Any) -> None:
    tokens = tokens or []
    if not isinstance(tokens, list) or len(tokens) > _MOST_ADDED_TOKENS:
        raise UnsafeTokenizerError(f"it adds more than {_MOST_ADDED_TOKENS} tokens")
    if any(len(json.dumps(token)) > _LONGEST_ADDED_TOKEN for token in tokens):
        raise UnsafeTokenizerError("it adds a token that is too long")
