"""What is done to a text before it is tokenised, the same in training and in scoring.

A bundle records the name of its cleaning, so a score never rests on another one than the
model was trained with. A name, once released, keeps its meaning: a change gets a new name.
"""

from __future__ import annotations

import re
from collections.abc import Callable

_LINE_BREAK_MARK = re.compile(r"<br\s*/?>", re.IGNORECASE)


def _replace_line_break_marks(text: str) -> str:
    return _LINE_BREAK_MARK.sub(" ", text)


CLEANINGS: dict[str, Callable[[str], str]] = {
    "none": str,
    "html-line-breaks": _replace_line_break_marks,
}
"""Every cleaning by name: ``html-line-breaks`` turns the marks ``<br />``, ``<br/>`` and
``<br>``, which IMDB and many web exports carry, into blanks; ``none`` keeps the text."""

DEFAULT_CLEANING = "html-line-breaks"
