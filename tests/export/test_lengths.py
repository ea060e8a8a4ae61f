"""How the scale for short texts is found, and what an export makes of a table of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from export.build import ExportSettings, build_bundle
from export.lengths import fit_lengths, scaled
from score.calibration import expected_calibration_error, softmax
from score.errors import DataError
from score.lengths import LengthScale
from tests.conftest import sentences


def test_what_was_too_sure_is_found_again() -> None:
    """Texts whose logits were made too large by a power of their length get that power back."""
    chance = np.random.default_rng(0)
    lengths = chance.integers(4, 64, 20_000)
    true = chance.normal(0, 1, (20_000, 2)).astype(np.float32)
    classes = (chance.random(20_000) < softmax(true)[:, 1]).astype(np.int64)
    shown = true * np.sqrt(64 / lengths)[:, None].astype(np.float32)
    scale = fit_lengths(shown, classes, lengths, 1.0, np.full(100, 64))
    assert scale.exponent == pytest.approx(-0.5, abs=0.05)
    assert (scale.least, scale.most) == (int(np.quantile(lengths, 0.05)), 64)
    before, after = shown, scaled(shown, lengths, scale)
    errors = [expected_calibration_error(softmax(one), classes) for one in (before, after)]
    assert errors[0] > 0.05
    assert errors[1] < 0.02


def test_without_a_scale_nothing_changes() -> None:
    """The logits come back as they are."""
    logits = np.ones((3, 2), np.float32)
    assert scaled(logits, np.array([1, 2, 3]), None) is logits


def test_an_export_fits_short_reviews(tiny_checkpoint: Path, tmp_path: Path) -> None:
    """Graph and efforts each have a scale; the manifest tells the figures before and after."""
    table = tmp_path / "short.csv"
    rows = [f"{text},{label}" for text, label in sentences()]
    table.write_text("\n".join(["text,label", *rows, "It is blue.,neither"]) + "\n")
    settings = ExportSettings(calibrate_on=table, max_flips=1, max_ece=1)
    bundle = build_bundle(tiny_checkpoint, tmp_path / "bundle", settings)
    graph = bundle.graph("int8")
    scales = [graph.lengths, *(effort.lengths for effort in graph.efforts.values())]
    assert len(scales) == 3
    assert all(isinstance(scale, LengthScale) for scale in scales)
    told = bundle.description.provenance["calibration"]["graphs"]["int8"]["short"]
    assert (told["data"], told["n"]) == ("short.csv", len(rows))
    assert told["log_loss"] > 0
    assert 0 <= told["ece"] <= 1
    assert 0 <= told["ece_unscaled"] <= 1


@pytest.mark.parametrize(
    "content", ["text\nfine\n", "text,label\nfine,good\n", "text,label\nfine,neither\n"]
)
def test_a_table_without_labels_says_so(
    tiny_checkpoint: Path, tmp_path: Path, content: str
) -> None:
    """It could not tell how sure to be; nor could a label that the model has not."""
    table = tmp_path / "short.csv"
    table.write_text(content)
    with pytest.raises(DataError, match="needs a column label in which each row has one of"):
        build_bundle(
            tiny_checkpoint, tmp_path / "bundle", ExportSettings(calibrate_on=table, max_ece=1)
        )
