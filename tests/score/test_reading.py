"""Long texts: their ends, or all of them in windows."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer

from score.bundle import Bundle
from score.describe import describe
from score.errors import BundleError, UsageError
from score.model import Model
from score.scorer import Scorer, ScorerSettings
from score.tokens import MAX_WINDOWS, Encoder, Truncation
from tests.score.asking import alone, together

GOOD, BAD = "A good and wonderful film.", "A bad and awful film."
FILLER = " the film" * 100


@pytest.mark.parametrize(
    ("length", "windows"),
    [
        (0, [[]]),
        (4, [[0, 1, 2, 3]]),
        (5, [[0, 1, 2, 3], [1, 2, 3, 4]]),
        (8, [[0, 1, 2, 3], [4, 5, 6, 7]]),
        (9, [[0, 1, 2, 3], [2, 3, 4, 5], [5, 6, 7, 8]]),
    ],
)
def test_windows_cover_all_tokens(length: int, windows: list[list[int]]) -> None:
    """As few as possible, all full, from the first token to the last."""
    assert Truncation("head", 8).windows(list(range(length)), 4) == windows


def test_a_text_without_end_is_left_out_in_the_middle(tiny_bundle: Path) -> None:
    """So many windows at most, of both ends; a text that just fits is whole."""
    tokenizer = Tokenizer.from_file(str(tiny_bundle / "tokenizer.json"))
    encoder = Encoder(tokenizer, Truncation("head", 10))
    whole, cut = encoder.encode_windows("film " * 8 * MAX_WINDOWS)
    assert (len(whole), cut) == (MAX_WINDOWS, False)
    assert {len(window) for window in whole} == {10}
    first, last = "good " * 8 * MAX_WINDOWS, "bad " * 8 * MAX_WINDOWS
    parts, cut = encoder.encode_windows(first + last)
    assert (len(parts), cut) == (MAX_WINDOWS, True)
    good, bad = (tokenizer.token_to_id(word) for word in ("good", "bad"))
    half = MAX_WINDOWS // 2
    assert {id_ for window in parts[:half] for id_ in window[1:-1]} == {good}
    assert {id_ for window in parts[half:] for id_ in window[1:-1]} == {bad}


def test_what_stands_in_the_middle_counts(tiny_bundle: Path) -> None:
    """An opinion that a cut leaves out decides the label where all is read."""
    text = FILLER + f" {BAD}" * 120 + FILLER
    labels = {}
    for reading in ("cut", "windows"):
        with Scorer(tiny_bundle, ScorerSettings(reading=reading, effort="high")) as scorer:
            (score,) = scorer.score([text])
            labels[reading] = (score.label, score.flags)
    assert labels["windows"] == ("negative", ())
    assert labels["cut"][1] == ("truncated",)


def test_the_answer_is_the_mean_over_the_windows(tiny_bundle: Path) -> None:
    """One by one and as a batch; a text of one window has its usual answer."""
    bundle = Bundle.load(tiny_bundle)
    model, usual = Model(bundle, reading="windows"), Model(bundle)
    texts = [GOOD, f"{GOOD}{FILLER}{BAD}", "", f"{FILLER}{BAD}"]
    answers = alone(model, texts)
    assert answers[0] == alone(usual, [GOOD])[0]
    windows, _ = model._encoder.encode_windows(texts[1])
    assert len(windows) > 2
    mean = np.mean([model._engine.logits(ids) for ids in windows], axis=0)
    assert answers[1].logits == pytest.approx(mean.tolist())
    for one, other in zip(answers, together(model, texts), strict=True):
        assert other == one
    assert model.identity != usual.identity


def test_a_bundle_says_how_it_wants_to_be_read(tiny_bundle: Path, tmp_path: Path) -> None:
    """Without a word of the user's; what makes no sense is refused."""
    bundle = Path(shutil.copytree(tiny_bundle, tmp_path / "bundle"))
    manifest = json.loads((bundle / "bundle.json").read_text())
    assert manifest["reading"] == "cut"
    manifest["reading"] = "windows"
    (bundle / "bundle.json").write_text(json.dumps(manifest))
    assert Model(Bundle.load(bundle)).reading == "windows"
    assert "all of a text, 64 tokens at a time" in describe(Bundle.load(bundle))
    manifest["reading"] = "twice"
    (bundle / "bundle.json").write_text(json.dumps(manifest))
    with pytest.raises(BundleError, match="no such reading: twice"):
        Bundle.load(bundle)
    del manifest["reading"]
    (bundle / "bundle.json").write_text(json.dumps(manifest))
    assert Model(Bundle.load(bundle)).reading == "cut"


def test_a_promise_holds_for_the_reading_that_it_was_proved_with(tiny_bundle: Path) -> None:
    """With another one --max-error is refused."""
    with pytest.raises(UsageError) as caught:
        Scorer(tiny_bundle, ScorerSettings(max_error=0.1, reading="windows"))
    assert str(caught.value) == (
        "What tiny promises holds where long texts are read with --long cut, not windows. "
        "Leave out --long or --max-error."
    )
