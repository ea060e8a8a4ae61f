"""The figures of ``metrics.json`` against ones worked out by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from finetune.report import classification_metrics, draw_confidence, draw_loss_curve

LN3 = float(np.log(3))


def test_figures_by_hand() -> None:
    """Odds of 3 to 1 each time: of three of class 0 two are found, of one of class 1 one."""
    logits = np.array([[LN3, 0], [LN3, 0], [0, LN3], [0, LN3]], np.float32)
    found = classification_metrics(logits, np.array([0, 0, 0, 1]), 1.0)
    assert found == pytest.approx(
        {
            "n": 4,
            "accuracy": 3 / 4,
            "precision": (1 + 1 / 2) / 2,
            "recall": (2 / 3 + 1) / 2,
            "f1": (4 / 5 + 2 / 3) / 2,
            "log_loss": -(3 * np.log(0.75) + np.log(0.25)) / 4,
            "ece": 0.0,
        },
        abs=1e-6,
    )


def test_the_temperature_moves_confidence_alone() -> None:
    """With T = 0.5 the odds are 9 to 1: accuracy stays, calibration error is 0.9 - 0.75."""
    logits = np.array([[LN3, 0], [LN3, 0], [0, LN3], [0, LN3]], np.float32)
    found = classification_metrics(logits, np.array([0, 0, 0, 1]), 0.5)
    assert found["accuracy"] == 0.75
    assert found["ece"] == pytest.approx(0.15)


def test_a_class_that_is_never_chosen() -> None:
    """Its precision counts as 0, without a warning."""
    logits = np.array([[1, 0], [1, 0]], np.float32)
    assert classification_metrics(logits, np.array([0, 1]), 1.0)["precision"] == 0.25


def test_the_loss_curve_is_a_png(tmp_path: Path) -> None:
    """Training and validation loss become one picture; other entries are left out."""
    history = [
        {"epoch": 0.5, "loss": 0.7},
        {"epoch": 1.0, "loss": 0.5},
        {"epoch": 1.0, "eval_loss": 0.6},
        {"epoch": 1.0, "train_runtime": 3.0},
    ]
    draw_loss_curve(history, tmp_path / "loss.png")
    assert (tmp_path / "loss.png").read_bytes().startswith(b"\x89PNG\r\n\x1a\n")


def test_the_confidence_is_drawn(tmp_path: Path) -> None:
    """Reliability and coverage-risk become a picture each, of one answer as of many."""
    logits = np.random.default_rng(2).normal(0, 2, (300, 2)).astype(np.float32)
    classes = np.random.default_rng(3).integers(0, 2, 300)
    for n in (1, 300):
        draw_confidence(logits[:n], classes[:n], 1.5, tmp_path)
        for name in ("reliability.png", "coverage_risk.png"):
            assert (tmp_path / name).read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
            (tmp_path / name).unlink()
