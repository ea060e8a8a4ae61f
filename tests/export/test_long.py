"""A bundle that reads all of a long text, unless it is told otherwise."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from export.build import build_bundle
from export.reviews import Encoded, Reviews
from export.settings import ExportSettings
from finetune.checkpoint import VALIDATION_FILE
from score.bundle import Bundle
from score.calibration import expected_calibration_error
from score.describe import describe
from score.errors import UsageError
from score.scorer import Score, Scorer, ScorerSettings
from tests.conftest import let_few_decide, sentences


@pytest.fixture(scope="module")
def long_checkpoint(tmp_path_factory: pytest.TempPathFactory, tiny_checkpoint: Path) -> Path:
    """The tiny model, of whose held-back reviews many do not fit into its input."""
    folder = tmp_path_factory.mktemp("long") / "trained_model"
    shutil.copytree(tiny_checkpoint, folder)
    some = sentences()
    rows = [
        (" ".join(text for text, one in some[i : i + 2 * (i % 6) + 1] if one == label), label)
        for i, (_, label) in enumerate(some)
    ]
    frame = pd.DataFrame(rows, columns=["text", "label"])
    frame.to_parquet(folder / VALIDATION_FILE, index=False)
    return folder


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory, long_checkpoint: Path) -> Bundle:
    """Its bundle, which reads them in windows."""
    with pytest.MonkeyPatch.context() as patch:
        let_few_decide(patch)
        output = tmp_path_factory.mktemp("windows") / "bundle"
        return build_bundle(
            long_checkpoint, output, ExportSettings(reading="windows", max_flips=1, max_ece=1)
        )


def _figures(scores: Sequence[Score], classes: Sequence[int]) -> dict[str, float]:
    shares = np.array([one.probabilities for one in scores])
    truth = np.asarray(classes)
    own = shares[np.arange(len(truth)), truth]
    return {
        "accuracy": (shares.argmax(axis=1) == truth).mean(),
        "log_loss": -np.log(own).mean(),
        "ece": expected_calibration_error(shares, truth),
    }


def test_figures_are_those_of_the_scorer(bundle: Bundle, long_checkpoint: Path) -> None:
    """Of an effort, what thumbs score says of the same texts without --long."""
    frame = pd.read_parquet(long_checkpoint / VALIDATION_FILE)
    truth = [bundle.description.labels.index(label) for label in frame["label"]]
    rows = {row["model"]: row for row in bundle.description.provenance["verification"]["rows"]}
    settings = ScorerSettings(effort="low", any_language=True)
    with Scorer(bundle.folder, settings) as scorer:
        scores = scorer.score(frame["text"])
    assert not any("truncated" in one.flags for one in scores)
    told = {name: rows["int8, low"][name] for name in ("accuracy", "log_loss", "ece")}
    assert told == pytest.approx(_figures(scores, truth), abs=1e-5)
    with Scorer(bundle.folder, ScorerSettings(reading="cut", any_language=True)) as scorer:
        assert any("truncated" in one.flags for one in scorer.score(frame["text"]))


def test_what_it_is_says_so(bundle: Bundle) -> None:
    """And that the checkpoint's own figures are of texts that were cut."""
    told = {words[0]: words for words in map(str.split, describe(bundle).splitlines())}
    assert " ".join(told["reads"]).startswith("reads all of a text, ")
    assert " ".join(told["checkpoint"]).endswith(", read as in training")


def test_promises_are_of_windows(bundle: Bundle) -> None:
    """Nothing is promised where a long text is cut."""
    assert bundle.description.reading == "windows"
    cut = ScorerSettings(reading="cut", max_error=0.3)
    with pytest.raises(UsageError, match="read with --long windows, not cut"):
        Scorer(bundle.folder, cut)


def test_a_review_is_the_mean_of_its_inputs() -> None:
    """In the order of the reviews; of one input the very numbers, and the deepest layer of all."""
    reviews = Encoded(Reviews("made", ("a", "b", "c"), (0, 1, 0)), [[[1]], [[2], [3, 3]], [[4]]])
    logits = np.array([[1, 2], [3, 4], [5, 8], [7, 0]], np.float32)
    assert reviews.together(logits).tolist() == [[1, 2], [4, 6], [7, 0]]
    assert reviews.deepest(np.array([3, 1, 2, 0])).tolist() == [3, 2, 0]
    apart = reviews.apart()
    assert apart.reviews == Reviews("made", ("a", "b", "b", "c"), (0, 1, 1, 0))
    assert apart.inputs == [[[1]], [[2]], [[3, 3]], [[4]]]
    assert apart.together(logits) is logits
