"""How the scale for short texts is found, and what an export makes of a table of them."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from export.build import build_bundle
from export.lengths import fit_lengths, scaled
from export.reviews import FEWEST, Encoded, Reviews
from export.settings import ExportSettings
from export.verify import graph_logits
from score.bundle import Bundle
from score.calibration import expected_calibration_error, softmax
from score.errors import DataError
from score.lengths import LengthScale
from score.model import Model
from score.tokens import Reading
from tests.conftest import let_few_decide, sentences
from tests.score.asking import alone, together

if TYPE_CHECKING:
    from numpy.typing import NDArray


def encoded(lengths: NDArray[np.int64], classes: NDArray[np.int64]) -> Encoded:
    """Reviews of which nothing matters but length and class."""
    reviews = Reviews("made", tuple(map(str, lengths)), tuple(classes.tolist()))
    return Encoded(reviews, [[[1] * length] for length in lengths])


def made(power: float) -> tuple[NDArray[np.float32], Encoded]:
    """Answers to 20,000 texts of 4 to 63 tokens, too large by a power of 64 over the length."""
    chance = np.random.default_rng(0)
    lengths = chance.integers(4, 64, 20_000)
    true = chance.normal(0, 1, (20_000, 2)).astype(np.float32)
    classes = (chance.random(20_000) < softmax(true)[:, 1]).astype(np.int64)
    shown = true * ((64 / lengths) ** power)[:, None].astype(np.float32)
    return shown, encoded(lengths, classes)


def test_what_was_too_sure_is_found_again() -> None:
    """Texts whose logits were made too large by a power of their length get that power back."""
    shown, reviews = made(0.5)
    scale = fit_lengths(shown, reviews, 1.0, np.full(100, 64))
    assert scale is not None
    assert scale.exponent == pytest.approx(-0.5, abs=0.05)
    assert (scale.least, scale.most) == (int(np.quantile(reviews.lengths, 0.05)), 64)
    errors = [
        expected_calibration_error(softmax(one), reviews.classes)
        for one in (shown, scaled(shown, reviews, scale))
    ]
    assert errors[0] > 0.05
    assert errors[1] < 0.02


@pytest.mark.parametrize(("power", "usual"), [(0.0, 64), (-0.5, 64), (0.5, 2)])
def test_a_scale_never_adds_to_a_confidence(power: float, usual: int) -> None:
    """There is none where they are sure enough, not sure enough, or no shorter than usual."""
    shown, reviews = made(power)
    assert fit_lengths(shown, reviews, 1.0, np.full(100, usual)) is None


def test_without_a_scale_nothing_changes() -> None:
    """The logits come back as they are."""
    shown, reviews = made(0.0)
    assert scaled(shown, reviews, None) is shown


def test_export_and_scorer_scale_alike(tiny_bundle: Path, tmp_path: Path) -> None:
    """One text and a batch, whole and in windows, with a scale of the effort's own."""
    folder = shutil.copytree(tiny_bundle, tmp_path / "bundle")
    manifest = json.loads((folder / "bundle.json").read_text())
    (graph,) = (one for one in manifest["graphs"] if one["precision"] == "int8")
    own = {"exponent": -0.5, "least": 4, "most": 64}
    graph["lengths"] = own | {"exponent": -0.25}
    graph["efforts"]["normal"]["lengths"] = own
    (folder / "bundle.json").write_text(json.dumps(manifest))
    texts = [*[text for text, _ in sentences()][:3], "good film " * 60]
    readings: tuple[Reading, ...] = ("cut", "windows")
    for reading in readings:
        model = Model(Bundle.load(folder), any_language=True, reading=reading)
        batch = [one.inputs for one in model.encode(texts)]
        answers = zip(alone(model, texts), together(model, texts), strict=True)
        for text, inputs, (one, other) in zip(texts, batch, answers, strict=True):
            raw = graph_logits(model._engine, inputs)
            parts = Encoded(Reviews("made", (text,), None), [inputs]).apart()
            expected = scaled(raw, parts, LengthScale(**own)).mean(axis=0)  # type: ignore[arg-type] # JSON's mixed numbers
            assert one.logits == pytest.approx(expected, rel=1e-5)
            assert other.logits == pytest.approx(expected, rel=0.05, abs=0.05)


def test_an_export_fits_short_reviews(
    tiny_checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Graph and efforts each have a scale; the manifest tells the figures before and after."""
    table = tmp_path / "short.csv"
    rows = [f"{text} {i},{label}" for i in range(9) for text, label in sentences()]
    table.write_text("\n".join(["text,label", *rows, "It is blue.,neither "]) + "\n")
    settings = ExportSettings(calibrate_on=table, max_flips=1, max_ece=1)
    let_few_decide(monkeypatch)
    bundle = build_bundle(tiny_checkpoint, tmp_path / "bundle", settings)
    graph = bundle.graph("int8")
    scales = [graph.lengths, *(effort.lengths for effort in graph.efforts.values())]
    assert len(scales) == 4
    told = bundle.description.provenance["calibration"]["graphs"]["int8"]["short"]
    assert (told["data"], told["n"]) == ("short.csv", len(rows))
    assert told["log_loss"] > 0
    assert 0 <= told["ece"] <= 1
    assert 0 <= told["ece_unscaled"] <= 1


@pytest.mark.parametrize(
    ("head", "row", "message"),
    [
        ("text", "fine", "row 1 has no label. In a column called label each needs one of"),
        ("text,label", "fine,good", "row 1 has the label 'good'. In a column called label each"),
        ("text,label", "fine,neither", "has 0 labelled reviews, too few to say how sure to be"),
    ],
)
def test_a_table_without_labels_says_so(
    tiny_checkpoint: Path, tmp_path: Path, head: str, row: str, message: str
) -> None:
    """It could not tell how sure to be; nor could a label that the model has not."""
    table = tmp_path / "short.csv"
    table.write_text("\n".join([head, *[row] * FEWEST]) + "\n")
    with pytest.raises(DataError, match=re.escape(message)):
        build_bundle(
            tiny_checkpoint, tmp_path / "bundle", ExportSettings(calibrate_on=table, max_ece=1)
        )
