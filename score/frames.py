"""The scorer for pandas frames."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from score.scorer import Scorer, ScorerSettings
from score.scoring import new_columns
from score.tables.columns import check_new_names, find_column

if TYPE_CHECKING:
    import pandas as pd


def score_frame(
    frame: pd.DataFrame,
    text_column: str,
    *,
    model: str | Path | None = None,
    settings: ScorerSettings | None = None,
) -> pd.DataFrame:
    """A copy of ``frame`` with the columns ``label``, ``confidence`` and ``flags``.

    Args:
        frame: any pandas frame; its index is kept.
        text_column: the column of the reviews; missing values count as empty.
        model: the folder of a bundle; None is the bundle in the box.
        settings: provider, workers, cache and flags.

    Raises:
        DataError: no such column, or a new column is there already.
        BundleError: the bundle is damaged.
        UsageError: it cannot promise the error rate that ``settings`` asks for.
    """
    names = tuple(str(name) for name in frame.columns)
    column = find_column(names, text_column, "The frame")
    texts = frame.iloc[:, column]
    with Scorer(model, settings) as scorer:
        columns = new_columns(scorer.labels)
        check_new_names(names, [one.name for one in columns], "The frame")
        scores = scorer.score(
            "" if missing else str(text) for text, missing in zip(texts, texts.isna(), strict=True)
        )
    labelled = frame.copy()
    labelled["label"] = [score.label for score in scores]
    labelled["confidence"] = [score.confidence for score in scores]
    labelled["flags"] = [";".join(score.flags) for score in scores]
    return labelled
