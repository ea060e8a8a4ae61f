"""Each way to stop early is measured as it is, and held to the same limits as all layers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from export.build import build_bundle
from export.classifiers import Classifiers
from export.efforts import MadeEffort, make_efforts
from export.exits import add_exits
from export.settings import ExportSettings
from score.bundle import Bundle
from score.errors import BundleError, UsageError
from score.scorer import Scorer, ScorerSettings
from tests.conftest import let_few_decide

Build = Callable[..., Bundle]


@pytest.fixture
def build(tiny_checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Build:
    """Exports the tiny model with something else for --effort low."""

    def run(change: Callable[[MadeEffort], MadeEffort], max_flips: float = 1) -> Bundle:
        def changed(*arguments: Any) -> tuple[Classifiers, dict[str, MadeEffort]]:
            classifiers, made = make_efforts(*arguments)
            return classifiers, {**made, "low": change(made["low"])}

        monkeypatch.setattr("export.int8.make_efforts", changed)
        let_few_decide(monkeypatch)
        return build_bundle(
            tiny_checkpoint, tmp_path / "bundle", ExportSettings(max_flips=max_flips)
        )

    return run


def test_the_table_has_what_an_effort_answers(build: Build) -> None:
    """That of one that always stops at the first layer, not that of all layers."""

    def at_once(made: MadeEffort) -> MadeEffort:
        return replace(made, effort=replace(made.effort, thresholds=(0.0,)))

    provenance = build(at_once).description.provenance
    rows = {row["model"]: row for row in provenance["verification"]["rows"]}
    assert rows["fp32, low"]["max_change"] > rows["int8"]["max_change"]
    assert rows["int8, low"]["log_loss"] != rows["int8"]["log_loss"]
    # Beside the same stops in fp32, what is left is int8's doing.
    assert rows["int8, low"]["max_change"] < rows["fp32, low"]["max_change"]
    assert rows["int8, low"]["log_loss"] == pytest.approx(rows["fp32, low"]["log_loss"], abs=0.05)


def test_an_effort_whose_confidence_is_wrong_is_refused(build: Build, tmp_path: Path) -> None:
    """It says the contrary of what is right, and is sure of it."""

    def turned(made: MadeEffort) -> MadeEffort:
        calibration = replace(made.calibration, logits=made.calibration.logits * -100)
        return replace(made, calibration=calibration)

    with pytest.raises(BundleError, match=r"^The int8 --effort low graph's confidence is \d"):
        build(turned)
    assert not (tmp_path / "bundle").exists()


def test_int8_may_change_no_more_labels_where_it_stops_early(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside the same stops in fp32, which here are told the contrary."""

    def contrary(graph: Path, target: Path, classifiers: Classifiers) -> None:
        turned = [replace(one, factor=-one.factor) for one in classifiers.exits]
        add_exits(graph, target, replace(classifiers, exits=turned))

    def at_once(made: MadeEffort) -> MadeEffort:
        return replace(made, effort=replace(made.effort, thresholds=(0.0,)))

    monkeypatch.setattr("export.int8.add_exits", contrary)
    with pytest.raises(
        BundleError, match=r"^Beside fp32 that stops .*, the int8 --effort \w+ graph changes"
    ):
        build(at_once, max_flips=0.05)


def test_of_too_few_held_back_rows_there_are_no_efforts(
    tiny_checkpoint: Path, tmp_path: Path
) -> None:
    """All layers are read: fifteen rows do not tell what a hundredth of a point is."""
    bundle = build_bundle(tiny_checkpoint, tmp_path / "bundle", ExportSettings(max_flips=1))
    assert not bundle.graph("int8").efforts
    with Scorer(bundle.folder) as scorer:
        assert scorer.score(["a good film"])[0].layers is None
    with pytest.raises(UsageError, match="always reads all its layers"):
        Scorer(bundle.folder, ScorerSettings(effort="low"))
