"""Class names: which mean the same, which can stand in any table, and that of no class."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from score.errors import BundleError

NEITHER_LABEL = "neither"
"""What a text is labelled that none of a model's classes fits."""

# A cell that starts with one of these is a formula to a spreadsheet program.
_FORMULA_STARTERS = ("=", "+", "-", "@")
_WHOLE_NUMBER = re.compile(r"([+-]?\d+)\.0*")


@lru_cache(maxsize=10_000)
def label_key(label: str) -> str:
    """What labels that mean the same have in common: case, blanks and a final .0 do not count."""
    text = " ".join(unicodedata.normalize("NFKC", label).split()).casefold()
    whole = _WHOLE_NUMBER.fullmatch(text)
    return whole[1] if whole else text


def check_labels(labels: tuple[str, ...]) -> None:
    """Check that the class names can stand in any table.

    Raises:
        BundleError: fewer than two, doubled, blank, with a control character, or read as
            a formula by spreadsheet programs.
    """
    if len(labels) < 2 or len(set(labels)) < len(labels):
        raise BundleError(f"A bundle needs two or more different labels, not {list(labels)}.")
    for label in labels:
        if not label.strip() or not label.isprintable() or label.startswith(_FORMULA_STARTERS):
            raise BundleError(
                f"The label {label!r} cannot stand in a table: it is blank, has a control "
                "character, or would be read as a formula. Rename it with finetune --labels."
            )
