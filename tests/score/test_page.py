"""A bundle as a page: everything in it is the bundle's, escaped, and drawn to scale."""

from __future__ import annotations

import dataclasses
import math
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from score.bundle import Bundle
from score.chart import Axis, Chart
from score.efforts import Effort
from score.errors import BundleError, OutputError
from score.page import page, write_page
from tests.score.small_bundle import make_bundle

CURVES = {
    "ece": 0.0123,
    "reliability": [[0.6, 0.55, 40], [0.95, 0.97, 160]],
    "coverage_risk": [[0.5, 0.01], [1.0, 0.08]],
}


@pytest.fixture
def small(tmp_path: Path) -> Bundle:
    """The smallest bundle that scores."""
    return Bundle.load(make_bundle(tmp_path / "small"))


def with_curves(bundle: Bundle, name: str = "small", **changes: Any) -> Bundle:
    """The bundle with curves of its fp32 graph, a name and parity figures in its manifest."""
    parity = {"flips": 0, "n": 9, "mean_change": 0, "max_change": 0, "data": "<i>nine</i>"}
    (graph,) = bundle.description.graphs
    calibration = {"data": "<b>", "n": 200, "graphs": {"fp32": {**CURVES, **changes}}}
    description = dataclasses.replace(
        bundle.description,
        name=name,
        labels=("<script>alert(1)</script>", 'a"b'),
        graphs=(dataclasses.replace(graph, parity=parity),),
        provenance={"calibration": calibration},
    )
    return dataclasses.replace(bundle, description=description)


class Tags(HTMLParser):
    """Collects the elements of a page, and the text in them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.names: list[str] = []
        self.words = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        """Note an element; none may load or run anything."""
        self.names.append(tag)
        assert not {name for name, _ in attrs} & {"src", "href", "onload", "onclick"}

    def handle_data(self, data: str) -> None:
        """Note a text."""
        self.words += data


def test_the_page_holds_facts_and_charts(small: Bundle) -> None:
    """Labels and data's names are text, whatever is in them; each chart says itself in words."""
    text = page(with_curves(small, name="a <u>name</u>"))
    tags = Tags(text)
    assert tags.names.count("svg") == tags.names.count("figure") == 2
    assert not {"script", "b", "i", "u", "img", "link"} & set(tags.names)
    assert '<script>alert(1)</script>, a"b' in tags.words
    assert "a <u>name</u>" in tags.words
    assert "On 200 held-back reviews (<b>) the calibration error is 1.23%." in tags.words
    assert "160 labels of 95.0% confidence: 97.0% right" in tags.words
    assert "of the surest 100% 8.00% wrong" in tags.words
    assert set(re.findall(r"url\(|https?:|@import", text)) == set()


def test_a_bundle_without_curves_has_no_charts(small: Bundle) -> None:
    """An older bundle has its facts on the page and nothing else."""
    bare = with_curves(small)
    provenance: dict[str, Any] = {}
    description = dataclasses.replace(bare.description, provenance=provenance)
    tags = Tags(page(dataclasses.replace(bare, description=description)))
    assert "svg" not in tags.names
    assert "labels" in tags.words


@pytest.mark.parametrize(
    "wrong",
    [
        {"reliability": "x"},
        {"reliability": []},
        {"reliability": [[0.5, 0.5]]},
        {"reliability": [[0.5, math.nan, 1]]},
        {"reliability": [[0.5, 10**400, 1]]},
        {"coverage_risk": [[0.5, 2.0]]},
        {"coverage_risk": [[0.5, 0.5]] * 9999},
        {"coverage_risk": [None]},
        {"ece": "<script>"},
    ],
)
def test_curves_of_another_hand(small: Bundle, wrong: dict[str, Any]) -> None:
    """What is no curve is refused with 78, in one sentence."""
    with pytest.raises(BundleError) as caught:
        page(with_curves(small, **wrong))
    assert str(caught.value).startswith(f"{small.folder}/bundle.json tells its origin in a way")


def test_each_way_to_stop_early_has_its_charts(small: Bundle) -> None:
    """What users get is not what all layers say."""
    normal = {**CURVES, "ece": 0.034, "accuracy": 0.9, "log_loss": 0.3}
    bundle = with_curves(small, efforts={"normal": normal})
    (graph,) = bundle.description.graphs
    effort = Effort((0.9,), 1.2, 1.4, 0.01, None)
    graph = dataclasses.replace(graph, efforts={"normal": effort, "low": effort})
    description = dataclasses.replace(bundle.description, graphs=(graph,))
    tags = Tags(page(dataclasses.replace(bundle, description=description)))
    assert tags.names.count("svg") == 4
    assert "Confidence of the graph fp32, with all layers" in tags.words
    assert "Confidence of the graph fp32 --effort normal" in tags.words
    assert "the calibration error is 3.40%" in tags.words


def test_a_place_that_cannot_be_written(small: Bundle, tmp_path: Path) -> None:
    """The page is there whole or not at all."""
    with pytest.raises(OutputError, match=r"none/about\.html cannot be created: "):
        write_page(with_curves(small), tmp_path / "none" / "about.html")


def test_points_lie_where_they_belong() -> None:
    """The ends of the axes are the ends of the drawing, and nothing is drawn beyond them."""
    chart = Chart(
        name="c",
        title="T",
        description="D",
        x=Axis("x", 0.0, 1.0),
        y=Axis("y", 0.0, 0.5),
        line=[(0.0, 0.0), (0.5, 0.25), (1.0, 0.9)],
    )
    assert '<path class="line" d="M64.0 278.0L250.0 146.0L436.0 14.0"/>' in chart.svg()
    assert Axis("y", 0.0, 0.5).ticks()[1] == (0.1, "10%")
    assert Axis.up_to("y", 0.08) == Axis("y", 0.0, 0.1)
    assert Axis.up_to("y", 1.0) == Axis("y", 0.0, 1.0)
    ticks = [text for _, text in Axis.up_to("y", 0.0).ticks()]
    assert ticks == ["0.0%", "0.1%", "0.2%", "0.3%", "0.4%", "0.5%"]
