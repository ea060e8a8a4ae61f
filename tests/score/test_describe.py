"""A bundle in words, from its manifest alone."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from score.bundle import Bundle
from score.describe import describe, promises
from score.errors import BundleError
from score.guarantee import Guarantee, Step


def with_provenance(folder: Path, provenance: dict[str, object]) -> Bundle:
    """The bundle, with another origin in its manifest."""
    bundle = Bundle.load(folder)
    description = dataclasses.replace(bundle.description, provenance=provenance)
    return dataclasses.replace(bundle, description=description)


def test_all_that_is_known(tiny_bundle: Path) -> None:
    """Labels, length, origin, figures, parity of each graph and commands have their lines."""
    bundle = Bundle.load(tiny_bundle)
    size = sum(path.stat().st_size for path in tiny_bundle.iterdir())
    lines = describe(bundle).splitlines()
    assert lines[:6] == [
        f"bundle     tiny, {size / 1e6:.1f} MB",
        "labels     negative, positive",
        "language   any; none was named when it was trained",
        "reads      64 tokens of a text: the first 32 and the last 30",
        "base       tiny-bert, licence apache-2.0",
        "trained on 30 reviews of sentences.csv; "
        "15 more were held back to choose the epoch and the temperature",
    ]
    starts = [line[:10].strip() for line in lines[6:]]
    assert starts == [
        "checkpoint",
        *("int8", "", "", "", "", *[""] * 9),
        *("fp32", "", "", "", ""),
        "made by",
        "",
        "with",
    ]
    assert lines[6].endswith(" on 19 reviews of sentences.csv, held-back part, read as in training")
    int8 = bundle.graph("int8")
    assert lines[8].startswith(
        f"           with all layers {int8.parity['flips']} of 64 labels differ from the "
        "checkpoint's"
    )
    assert lines[10] == f"           temperature {int8.temperature:.3f}"
    assert lines[11] == (
        "           --max-error can be nothing (95% sure, by 15 reviews of sentences.csv, "
        "validation split)"
    )
    for place, (name, effort) in enumerate(int8.efforts.items()):
        told, figures, confidence = lines[12 + 3 * place : 15 + 3 * place]
        assert told.startswith(f"           --effort {name}: {effort.layers:.1f} of 2 ")
        assert figures.endswith(" on 15 reviews of sentences.csv, validation split")
        assert confidence == f"           temperature {effort.temperature:.3f}"
    assert lines[26].startswith("made by    thumbs finetune sentences.csv")


def test_a_bundle_of_another_tool(tiny_bundle: Path) -> None:
    """What a manifest does not tell is left out."""
    text = describe(with_provenance(tiny_bundle, {}))
    assert "int8" in text
    assert "base" not in text
    assert "made by" not in text


def test_an_origin_that_no_export_writes(tiny_bundle: Path) -> None:
    """A manifest that was written by hand is refused by name, not with a traceback."""
    with pytest.raises(BundleError) as caught:
        describe(with_provenance(tiny_bundle, {"base": "bert"}))
    assert str(caught.value) == (
        f"{tiny_bundle}/bundle.json tells its origin in a way that no export does "
        "(TypeError: string indices must be integers, not 'str'). Export the bundle again."
    )
    assert caught.value.exit_code == 78


def test_what_can_be_promised(tiny_bundle: Path) -> None:
    """Each error rate stands with the share of labels that it keeps, up to the first with all."""
    graph = Bundle.load(tiny_bundle).graph("fp32")
    found = [(0.01, None, 0.0), (0.02, 0.91, 0.708), (0.05, 0.0, 1.0), (0.1, 0.0, 1.0)]
    steps = tuple(Step(*one) for one in found)
    guarantee = Guarantee("mine", 1194, 0.05, steps)
    assert promises(dataclasses.replace(graph, guarantee=guarantee)) == (
        "--max-error can be 0.02 on 71% of the labels, 0.05 on 100% of the labels (95% sure, by "
        "1,194 reviews of mine)"
    )
    assert promises(dataclasses.replace(graph, guarantee=None)) == (
        "--max-error is not to be had: it was exported without thresholds"
    )
    # Of a graph that can stop early it is what --effort high promises, which is used with it.
    int8 = Bundle.load(tiny_bundle).graph("int8")
    high = dataclasses.replace(int8.efforts["high"], guarantee=guarantee)
    assert promises(dataclasses.replace(int8, efforts={"high": high})).startswith(
        "--max-error can be 0.02 on 71%"
    )
