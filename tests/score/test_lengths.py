"""The scale that takes back what a model is too sure of, of short texts."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from score.bundle import Bundle
from score.calibration import softmax
from score.errors import BundleError
from score.lengths import LengthScale
from score.scorer import Scorer, ScorerSettings
from tests.score.asking import alone

SCALE = {"exponent": -0.5, "least": 4, "most": 64}


def with_scale(bundle: Path, folder: Path, scale: object) -> Path:
    """A copy of a bundle whose graphs have a scale."""
    copy = shutil.copytree(bundle, folder / "bundle")
    manifest = json.loads((copy / "bundle.json").read_text())
    for graph in manifest["graphs"]:
        graph["lengths"] = scale
    (copy / "bundle.json").write_text(json.dumps(manifest))
    return copy


def test_the_factor_grows_towards_short_texts() -> None:
    """A quarter of the usual length doubles it; beyond both ends it stays."""
    scale = LengthScale(-0.5, 4, 64)
    assert [scale.factor(n) for n in (1, 4, 16, 64, 256)] == [4, 4, 2, 1, 1]


def test_a_short_text_is_less_sure(stub_bundle: Path, tmp_path: Path) -> None:
    """Its logits are divided by the factor of its tokens, also where it was scored before."""
    scaled = with_scale(stub_bundle, tmp_path, SCALE)
    settings = ScorerSettings(effort="high", cache=tmp_path / "cache.sqlite3", any_language=True)
    text = "good fine"
    with Scorer(stub_bundle, settings) as scorer:
        (plain,) = scorer.score([text])
        tokens = len(scorer._model.encode([text])[0].inputs[0])
        temperature = scorer._model.temperature
        logits = np.asarray(alone(scorer._model, [text])[0].logits)
    factor = LengthScale(**SCALE).factor(tokens)  # type: ignore[arg-type] # JSON's mixed numbers
    assert factor > 1.5
    with Scorer(scaled, settings) as scorer:
        (first,), (again,) = scorer.score([text]), scorer.score([text])
    expected = softmax(logits / factor, temperature)
    assert first.probabilities == pytest.approx(tuple(expected), abs=1e-6)
    assert (first.remembered, again.remembered) == (False, True)
    assert again.probabilities == first.probabilities
    assert first.label == plain.label


@pytest.mark.parametrize(
    "scale",
    [
        5,
        {},
        {**SCALE, "exponent": "x"},
        {**SCALE, "exponent": float("nan")},
        {**SCALE, "exponent": -6},
        {**SCALE, "exponent": 0.1},
        {**SCALE, "least": 0},
        {**SCALE, "least": 65},
        {**SCALE, "most": 1e9},
        {**SCALE, "most": True},
    ],
)
def test_a_manifest_of_no_such_scale(stub_bundle: Path, tmp_path: Path, scale: object) -> None:
    """Refused in a sentence, whatever stands there."""
    with pytest.raises(BundleError, match="is no manifest of a bundle"):
        Bundle.load(with_scale(stub_bundle, tmp_path, scale))
