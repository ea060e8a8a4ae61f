"""How a bundle is made of a checkpoint, and how closely it has to follow it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from score.bundle import GRAPH_FILES
from score.errors import UsageError
from score.tokens import Reading


@dataclass(frozen=True, slots=True)
class ExportSettings:
    """What a bundle shall hold and how closely it has to follow its checkpoint.

    Attributes:
        precisions: of ``int8``, ``fp32`` and ``fp16``, the preferred one first.
        verify_on: a table to compare graph and checkpoint on; None is the validation split.
        text_column, label_column: columns of that table.
        max_flips: the largest share of labels that a graph may change, 0 to 1.
        calibrate_on: a table of short labelled reviews that the confidence is to hold for too,
            in columns called text (or as ``thumbs score`` finds it) and label; None is none.
        max_ece: the largest expected calibration error of a graph on the validation split,
            0 to 1. Both are tests of what the reviews prove: see :mod:`export.gate`.
        name: what the bundle is called; None is the name of its folder.
        max_tokens: the most tokens read of a text; None is as many as in training.
        reading: how a text is read that is longer, unless the scorer is told otherwise: it is
            calibrated and proved in that way.

    Raises:
        UsageError: a value is out of its range.
    """

    precisions: tuple[str, ...] = ("int8",)
    verify_on: Path | None = None
    text_column: str | None = None
    label_column: str | None = None
    calibrate_on: Path | None = None
    max_flips: float = 0.005
    max_ece: float = 0.02
    name: str | None = None
    max_tokens: int | None = None
    reading: Reading = "cut"

    def __post_init__(self) -> None:
        if not self.precisions or not set(self.precisions) <= set(GRAPH_FILES):
            raise UsageError(
                f"No such precision: {', '.join(self.precisions) or 'none'}; "
                f"use {', '.join(GRAPH_FILES)}."
            )
        if len(set(self.precisions)) < len(self.precisions):
            raise UsageError("A precision is named twice; name each once.")
        if self.reading not in get_args(Reading):
            raise UsageError(f"No such --long: {self.reading}; use {', '.join(get_args(Reading))}.")
        for option, limit in (("--max-flips", self.max_flips), ("--max-ece", self.max_ece)):
            if not 0 <= limit <= 1:
                raise UsageError(f"{option} {limit} is out of range; it is a share, 0 to 1.")
        if self.verify_on is None and (self.text_column or self.label_column):
            raise UsageError("--text-column and --label-column say nothing without --verify-on.")
