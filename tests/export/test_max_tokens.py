"""A bundle may read more of a long text than its model was trained on, or less."""

from __future__ import annotations

from pathlib import Path

import pytest

from export.build import build_bundle
from export.checkpoint import Checkpoint
from export.settings import ExportSettings
from score.errors import UsageError
from score.scorer import Scorer


def test_a_bundle_reads_as_much_as_it_was_told_to(tiny_checkpoint: Path, tmp_path: Path) -> None:
    """Both ends as before, calibrated and verified so: what lies between is not read."""
    settings = ExportSettings(precisions=("fp32",), max_tokens=8)
    bundle = build_bundle(tiny_checkpoint, tmp_path / "bundle", settings)
    truncation = bundle.description.truncation
    assert (truncation.strategy, truncation.max_tokens, truncation.head_tokens) == (
        "head+tail",
        8,
        4,
    )
    with Scorer(tmp_path / "bundle") as scorer:
        first, second, short = scorer.score(
            [f"a good film and {word} and a lovely plot" for word in ("fine", "the dull cast")]
            + ["a good film"]
        )
    assert first.probabilities == second.probabilities
    assert (first.flags, short.flags) == (("truncated",), ())


@pytest.mark.parametrize(
    ("tokens", "message"),
    [
        (65, "{} reads at most 64 tokens, not 65; use --max-tokens 64 or less."),
        (7, "A limit of 7 tokens is too small; use 8 or more."),
    ],
)
def test_no_more_than_the_model_has_positions_for(
    tiny_checkpoint: Path, tokens: int, message: str
) -> None:
    """Nor so little that nothing would be left."""
    with pytest.raises(UsageError) as raised:
        Checkpoint.load(tiny_checkpoint).reading(tokens)
    assert str(raised.value) == message.format(tiny_checkpoint)
