"""The comparison of a graph with its checkpoint, and the reviews it is made on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnxruntime.quantization import QuantType, quantize_dynamic

from export.reviews import Reviews, read_reviews
from export.verify import Comparison, figures, runs_together
from score.bundle import Bundle
from score.engine import Engine
from score.errors import DataError
from score.stopping import Stopping
from tests.conftest import write_table

LABELS = ("negative", "positive")
LN3 = float(np.log(3))
PROJECT = Path(__file__).parents[2]


def comparison(temperature: float = 1.0) -> Comparison:
    """Four answers, of which the second turns from 3:1 against to 3:1 for."""
    reviews = Reviews("four", ("one", "two\n" + "x" * 70, "three", "four"), (0, 0, 1, 1))
    expected = np.array([[0, 0.1], [LN3, 0], [0, LN3], [0, LN3]], np.float32)
    found = np.array([[0.1, 0], [0, LN3], [0, LN3], [0, LN3]], np.float32)
    return Comparison(reviews, expected, found, temperature)


def test_parity_by_hand() -> None:
    """Two labels flip; probabilities change by 0.05, 0.5, 0 and 0."""
    parity = comparison().parity()
    assert (parity["data"], parity["n"], parity["flips"], parity["flip_share"]) == (
        "four",
        4,
        2,
        0.5,
    )
    assert parity["max_change"] == pytest.approx(0.5)
    assert parity["mean_change"] == pytest.approx((0.5 + 2 / (1 + np.exp(-0.1)) - 1) / 4)
    assert parity["checkpoint"]["accuracy"] == 0.75
    assert parity["graph"]["accuracy"] == 0.75
    assert comparison(2.0).parity()["max_change"] == pytest.approx(2 * 3**0.5 / (1 + 3**0.5) - 1)


def test_figures_by_hand() -> None:
    """Odds of 3 to 1, right twice of three times."""
    logits = np.array([[LN3, 0], [LN3, 0], [LN3, 0]], np.float32)
    found = figures(logits, (0, 0, 1), 1.0)
    assert found["accuracy"] == pytest.approx(2 / 3)
    assert found["log_loss"] == pytest.approx(-(2 * np.log(0.75) + np.log(0.25)) / 3)
    assert found["ece"] == pytest.approx(0.75 - 2 / 3)


def test_without_labels_there_is_no_accuracy() -> None:
    """Flips are counted on any reviews; accuracy only where the truth is known."""
    labelled = comparison()
    bare = Reviews("bare", labelled.reviews.texts, None)
    parity = Comparison(bare, labelled.expected, labelled.found, 1.0).parity()
    assert parity["flips"] == 2
    assert not {"checkpoint", "graph"} & set(parity)


def test_a_table_of_reviews(tmp_path: Path) -> None:
    """Columns are found as in ``thumbs score``; rows without text are left out."""
    table = write_table(tmp_path / "mine.csv", [("Good.", "positive"), (" ", ""), ("Bad.", "bad")])
    plain = read_reviews(table, None, None, ("bad", "positive"))
    assert (plain.name, plain.texts, plain.classes) == ("mine.csv", ("Good.", "Bad."), (1, 0))
    assert read_reviews(table, None, None, LABELS).classes is None
    assert read_reviews(table, "label", "text", LABELS).texts == ("positive", "bad")
    with pytest.raises(DataError, match=r"^.*mine\.csv has no column 'stars'\..*--label-column\.$"):
        read_reviews(table, None, "stars", LABELS)


def test_reviews_on_several_sheets() -> None:
    """The column that is named says which sheets of a workbook are read."""
    workbook = PROJECT / "samples" / "awkward" / "texts_on_one_sheet.xlsx"
    assert read_reviews(workbook, None, None, LABELS).texts == ("Good.", "Bad.")
    assert read_reviews(workbook, "sum", None, LABELS).texts == ("2",)


def test_labels_in_another_spelling(tmp_path: Path) -> None:
    """Case, blanks and a final .0 do not count, in the column's name neither."""
    table = tmp_path / "mine.csv"
    table.write_text("text,Label\nGood.,Positive\nBad., NEGATIVE\n")
    assert read_reviews(table, None, None, LABELS).classes == (1, 0)
    stars = write_table(tmp_path / "stars.csv", [("Good.", "5.0"), ("Bad.", "1")])
    assert read_reviews(stars, None, None, ("1", "5")).classes == (1, 0)


def test_labels_that_are_left_aside(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """One that the model does not have is said aloud, for then there is no accuracy."""
    table = write_table(tmp_path / "mine.csv", [("Good.", "positive"), ("So so.", "mixed")])
    assert read_reviews(table, None, None, LABELS).classes is None
    assert "some labels are none of negative, positive" in caplog.text


def test_a_sample_of_a_sorted_table() -> None:
    """Both ends are in it, in their order, and the same ones each time."""
    texts = tuple(f"text {i}" for i in range(1000))
    sorted_ones = Reviews("sorted", texts, tuple(int(i >= 500) for i in range(1000)))
    some = sorted_ones.sample(100)
    assert some == sorted_ones.sample(100)
    assert some.classes == tuple(int(texts.index(text) >= 500) for text in some.texts)
    assert 35 <= sum(some.classes) <= 65
    assert list(some.classes) == sorted(some.classes)
    assert sorted_ones.sample(1000) is sorted_ones


def test_labels_by_number(tmp_path: Path) -> None:
    """Classes numbered from 0, as in the hub's data sets, are the model's own in their order."""
    table = write_table(tmp_path / "numbers.csv", [("Good.", "1"), ("Bad.", "0")])
    assert read_reviews(table, None, None, LABELS).classes == (1, 0)
    strange = write_table(tmp_path / "stars.csv", [("Good.", "2"), ("Bad.", "0")])
    assert read_reviews(strange, None, None, LABELS).classes is None
    stars = write_table(tmp_path / "stars.csv", [("Good.", "2"), ("Bad.", "1")])
    assert read_reviews(stars, None, None, ("bad", "fair", "good")).classes is None


def test_a_table_without_reviews(tmp_path: Path) -> None:
    """Nothing to compare on is no comparison."""
    table = write_table(tmp_path / "none.csv", [])
    with pytest.raises(DataError) as caught:
        read_reviews(table, None, None, LABELS)
    assert str(caught.value) == f"{table} holds no review. Name another table with --verify-on."


def test_the_digest_covers_texts_and_classes() -> None:
    """Other texts, another order or other classes are other data."""
    first = Reviews("a", ("x", "y"), (0, 1))
    others = [
        Reviews("a", ("y", "x"), (0, 1)),
        Reviews("a", ("x", "y"), (1, 0)),
        Reviews("a", ("x", "y"), None),
        Reviews("a", ("x\n0 1\ny",), (0,)),
    ]
    assert Reviews("b", ("x", "y"), (0, 1)).digest() == first.digest()
    assert len({first.digest(), *(one.digest() for one in others)}) == 5


def test_texts_of_one_length_run_together(tiny_bundle: Path, tmp_path: Path) -> None:
    """With scales that stay they have the same bits; with those of a batch they do not."""
    batch = [[2, *range(60 + i, 72 + i), 3] for i in range(16)]
    bundle = Bundle.load(tiny_bundle)
    graph = bundle.graph("int8")
    assert graph.batches
    content = bundle.read_graph(graph)
    for stopping in (None, graph.efforts["normal"].stopping, Stopping([0.6], [0.5])):
        assert runs_together(Engine(content, stopping=stopping), batch, 64)
    target = tmp_path / "dynamic.onnx"
    quantize_dynamic(tiny_bundle / "model.onnx", target, weight_type=QuantType.QInt8)
    assert not runs_together(Engine(target.read_bytes()), batch, 64)
    assert not runs_together(Engine(content), batch[:1], 64), "nothing to compare it with"
