"""Class names: which can stand in any table, and what a text of no class is called."""

from __future__ import annotations

from score.errors import BundleError

NEITHER_LABEL = "neither"
"""What a text is labelled that none of a model's classes fits."""

# A cell that starts with one of these is a formula to a spreadsheet program.
_FORMULA_STARTERS = ("=", "+", "-", "@")


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
