"""Class names: which mean the same."""

from __future__ import annotations

import pytest

from score.labels import label_key


@pytest.mark.parametrize(
    ("label", "key"),
    [
        ("Good", "good"),
        (" very  GOOD ", "very good"),
        ("ＧＯＯＤ", "good"),
        ("5.0", "5"),
        ("5.", "5"),
        ("-1.00", "-1"),
        ("4.5", "4.5"),
        ("v1.0", "v1.0"),
        ("Straße", "strasse"),
    ],
)
def test_labels_that_mean_the_same(label: str, key: str) -> None:
    """Case, blanks, width and a final .0 do not make another label."""
    assert label_key(label) == key
