"""The numbers behind the two pictures of a confidence, worked out by hand."""

from __future__ import annotations

import numpy as np

from score.curves import curves


def test_curves_by_hand() -> None:
    """Bins hold mean confidence, accuracy and size; risk grows with the share that is kept."""
    confidence = np.array([0.99, 0.97, 0.62, 0.64])
    correct = np.array([True, True, False, True])
    assert curves(confidence, correct) == {
        "reliability": [[0.63, 0.5, 2], [0.98, 1.0, 2]],
        "coverage_risk": [[0.25, 0.0], [0.5, 0.0], [0.75, 0.0], [1.0, 0.25]],
    }


def test_many_answers_make_fifty_points() -> None:
    """However many answers there are, the curve is small enough for a manifest."""
    confidence = np.linspace(0.5, 1, 9999)
    points = curves(confidence, confidence > 0.6)["coverage_risk"]
    assert len(points) == 50
    assert points[0] == [0.02, 0.0]
    assert points[-1] == [1.0, 0.20002]
