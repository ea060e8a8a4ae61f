"""What the training libraries may say on the terminal while thumbs works with them."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator


@contextlib.contextmanager
def only_our_words(*, progress: bool) -> Iterator[None]:
    """Keep transformers' advice to its own developers and, without progress, datasets' bars off.

    Both are settings of the whole process; they are put back at the end.

    Args:
        progress: whether bars are wanted.
    """
    import datasets
    from transformers.utils.logging import get_verbosity, set_verbosity

    verbosity = get_verbosity()
    bars = not datasets.are_progress_bars_disabled()
    set_verbosity(logging.ERROR)
    if not progress:
        datasets.disable_progress_bars()
    try:
        yield
    finally:
        set_verbosity(verbosity)
        if bars:
            datasets.enable_progress_bars()
