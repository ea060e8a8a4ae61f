"""The bundle in the box: small, whole, and right about what anybody can tell."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from score.bundle import DEFAULT_BUNDLE, Bundle
from score.scorer import Scorer

IMDB = Path(os.environ.get("THUMBS_IMDB", Path(__file__).parents[2] / "shared/data/imdb"))

POSITIVE = [
    "I loved every minute of it.",
    "The best film I have seen this year, with a wonderful cast.",
    "Clean rooms, kind staff, and the best breakfast in town.",
    "A brilliant, moving book that I could not put down.",
    "It is not bad at all; in fact I enjoyed it a lot.",
    "Works perfectly, great battery, highly recommended!",
    "Slow at first, but the ending is superb and made it all worthwhile.",
]
NEGATIVE = [
    "A waste of two hours.",
    "The worst film I have ever seen; the acting is dreadful.",
    "Dirty rooms, rude staff, and a terrible smell in the corridor.",
    "A dull and pointless book; I gave up after fifty pages.",
    "I wanted to like it, but it is not good.",
    "It broke after two days and customer service was useless. Avoid!",
    "Great cast, lovely music, and yet the result is a boring mess.",
]


@pytest.fixture(scope="module")
def scorer() -> Iterator[Scorer]:
    """A scorer with the bundle in the box."""
    with Scorer() as one:
        yield one


def test_known_sentences(scorer: Scorer) -> None:
    """Reviews that anybody would judge alike are judged so."""
    labels = [score.label for score in scorer.score(POSITIVE + NEGATIVE)]
    assert labels == ["positive"] * len(POSITIVE) + ["negative"] * len(NEGATIVE)


def test_chinese_is_flagged_instead_of_judged(scorer: Scorer) -> None:
    """A language that the model never learned gets no label and no false confidence."""
    for score in scorer.score(["我觉得这部电影很棒，演员都很出色。", "这部电影太差了，浪费时间。"]):
        assert (score.label, score.confidence, score.flags) == (None, None, ("language",))


def test_its_size_and_its_word() -> None:
    """It is at most 25 MB, carries its licence, and its figures are on named data."""
    bundle = Bundle.load(DEFAULT_BUNDLE)
    assert sum(path.stat().st_size for path in DEFAULT_BUNDLE.iterdir()) <= 25_000_000
    assert bundle.description.labels == ("negative", "positive")
    assert bundle.description.language == "en"
    assert bundle.description.provenance["base"]["licence"] == "apache-2.0"
    assert bundle.graph("int8").parity["n"] >= 40


@pytest.mark.skipif(not (IMDB / "test.parquet").is_file(), reason="IMDB is not here")
def test_real_reviews(scorer: Scorer) -> None:
    """On 400 test reviews it is about as good as its manifest says."""
    import pandas as pd

    sample = pd.read_parquet(IMDB / "test.parquet").sample(400, random_state=5)
    scores = scorer.score(sample["text"])
    right = sum(
        score.label == ("negative", "positive")[label]
        for score, label in zip(scores, sample["label"], strict=True)
    )
    # 94 % less three standard errors of a sample of 400.
    assert right >= 400 * (0.94 - 3 * 0.0119)
