"""What is wrong with a text by itself: empty, short, foreign, cut, too long, marked up."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import islice

from finetune.audit_rows import AuditRow, Finding
from finetune.near import words
from score.language import LanguageScreen
from score.tokens import MAX_MARKS, Encoder

_SHORT = 2  # words
_MARKUP = re.compile(
    r"</?[a-z][a-z0-9]*(?:\s[^<>]{0,200})?/?>|&(?:[a-z]{2,8}|#\d{2,6});", re.IGNORECASE
)
# Fewer than these, or shorter ones, are as long as each other by chance.
_CUT_TEXTS, _CUT_LENGTH = 5, 100
_END = re.compile(r"[.!?…。！？)\]\"'”’]\s*$")  # noqa: RUF001 - so sentences end
_BATCH = 1000
_ADDED = MAX_MARKS + 1


def check_texts(
    rows: Sequence[AuditRow], language: str | None, encoder: Encoder | None, tokens: int
) -> Iterator[Finding]:
    """Look at each text by itself.

    Args:
        rows: the rows.
        language: ISO 639-1 code; None looks for no other language.
        encoder: tells which texts the model does not read whole; None asks for none.
        tokens: the most that the model reads of a text.
    """
    screen = LanguageScreen(language) if language else None
    for row in rows:
        yield from _check_text(row, screen)
    yield from _cut_off(rows)
    if encoder:
        # A token is a letter at least; the tokenizer adds two marks and perhaps a blank.
        long = (row for row in rows if len(row.text) > tokens - _ADDED or not row.text.isascii())
        yield from _too_long(long, encoder)


def _check_text(row: AuditRow, screen: LanguageScreen | None) -> Iterator[Finding]:
    if not row.text.strip():
        yield Finding("empty", row)
        return
    # Of a longer text the beginning is enough to find three words in.
    found = words(row.text[:1000])
    if len(found) <= _SHORT:
        yield Finding("short", row, "1 word" if len(found) == 1 else f"{len(found)} words")
    if screen and screen.is_foreign(row.text):
        yield Finding("language", row)
    if mark := _MARKUP.search(row.text):
        yield Finding("markup", row, f"{mark[0][:40]} stays")
    elif row.changed:
        yield Finding("markup", row, "line break marks, read as blanks")


def _cut_off(rows: Sequence[AuditRow]) -> Iterator[Finding]:
    """The texts of the greatest length in a part, if there are several and most lack an end."""
    longest: dict[str, int] = defaultdict(int)
    for row in rows:
        longest[row.part] = max(longest[row.part], len(row.text))
    parts: dict[str, list[AuditRow]] = defaultdict(list)
    for row in rows:
        if len(row.text) == longest[row.part]:
            parts[row.part].append(row)
    for part, same in parts.items():
        different = {row.text for row in same}
        endless = sum(not _END.search(text) for text in different)
        if (
            longest[part] >= _CUT_LENGTH
            and len(different) >= _CUT_TEXTS
            and 2 * endless > len(different)
        ):
            for row in same:
                yield Finding(
                    "cut-off", row, f"{longest[part]:,} characters, as {len(same)} rows have"
                )


def _too_long(rows: Iterator[AuditRow], encoder: Encoder) -> Iterator[Finding]:
    while batch := list(islice(rows, _BATCH)):
        encoded = encoder.encode_batch([row.text for row in batch])
        for row, one in zip(batch, encoded, strict=True):
            if one.truncated:
                yield Finding("truncated", row, f"of it {len(one.ids)} tokens are read")
