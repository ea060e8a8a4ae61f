"""``build_bundle`` from end to end: what it makes, and that a graph that fails leaves nothing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from click.testing import CliRunner
from onnx import numpy_helper

import export.build
from export.build import build_bundle
from export.checkpoint import Checkpoint
from export.describe import without_places
from export.quantize import quantize
from export.reviews import read_reviews
from export.settings import ExportSettings
from export.smooth import smooth
from export.verify import checkpoint_logits
from score.bundle import Bundle
from score.cleaning import CLEANINGS
from score.engine import Engine
from score.errors import BundleError
from score.tokens import Encoder
from tests.conftest import let_few_decide, sentences

FP32 = ExportSettings(precisions=("fp32",))


def token_ids(bundle: Bundle) -> list[list[int]]:
    """The sentences as the scorer hands them to the engine."""
    encoder = Encoder.from_file(bundle.folder / "tokenizer.json", bundle.description.truncation)
    clean = CLEANINGS[bundle.description.cleaning]
    return [encoder.encode(clean(text)).ids for text, _ in sentences()]


@pytest.mark.parametrize(("precision", "tolerance"), [("fp32", 1e-4), ("int8", 0.25)])
def test_a_graph_answers_as_its_checkpoint(
    tiny_bundle: Path, tiny_checkpoint: Path, precision: str, tolerance: float
) -> None:
    """fp32 logits are PyTorch's to 1e-4; int8 ones are near and choose the same labels."""
    bundle = Bundle.load(tiny_bundle)
    engine = Engine(bundle.read_graph(bundle.graph(precision)))
    ids = token_ids(bundle)
    found = np.stack([engine.logits(one) for one in ids])
    expected = checkpoint_logits(Checkpoint.load(tiny_checkpoint), ids)
    assert np.abs(found - expected).max() < tolerance
    assert found.argmax(axis=1).tolist() == expected.argmax(axis=1).tolist()


def test_tables_of_a_few_rows_are_not_quantised(tiny_bundle: Path) -> None:
    """That of token types stands in the int8 graph as the checkpoint has it; that of words not."""
    tensors = {
        tensor.name: tensor.data_type
        for tensor in onnx.load(tiny_bundle / "model_quantized.onnx").graph.initializer
        if "_embeddings.weight" in tensor.name and not tensor.name.endswith(("_scale", "_point"))
    }
    assert {name.split(".")[2]: kind for name, kind in tensors.items()} == {
        "word_embeddings": onnx.TensorProto.UINT8,
        "position_embeddings": onnx.TensorProto.UINT8,
        "token_type_embeddings": onnx.TensorProto.FLOAT,
    }


def test_smoothing_changes_no_answer(
    tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The graph that is quantised computes what the traced one does, with smaller outliers."""
    monkeypatch.setattr("export.smooth._STRENGTH", 1.0)
    bundle = Bundle.load(tiny_bundle)
    ids = token_ids(bundle)
    target = tmp_path / "smoothed.onnx"
    smooth(tiny_bundle / "model.onnx", target, ids[:8])
    before, after = (Engine(path.read_bytes()) for path in (tiny_bundle / "model.onnx", target))
    for one in ids:
        assert after.logits(one) == pytest.approx(before.logits(one), abs=1e-4)
    nodes = [node.name for node in onnx.load(target).graph.node if node.name.endswith("_smooth")]
    # In each of two layers: into attention, out of it, and into and out of the wide part.
    assert len(nodes) == 2 * 4


def test_every_mask_is_honoured(tiny_bundle: Path) -> None:
    """A review that is padded in a batch has the fp32 answer that it has alone."""
    bundle = Bundle.load(tiny_bundle)
    engine = Engine(bundle.read_graph(bundle.graph("fp32")))
    short, long = [2, 70, 71, 3], [2, *range(70, 90), 3]
    batch = engine.run([short, long])[0]
    assert batch[0] == pytest.approx(engine.logits(short), abs=1e-5)
    assert batch[1] == pytest.approx(engine.logits(long), abs=1e-5)


@pytest.mark.parametrize("file", ["model_quantized.onnx", "model.onnx"])
def test_optimum_loads_the_bundle(tiny_bundle: Path, file: str) -> None:
    """The folder is Hugging Face's: model, labels and tokenizer load without thumbs."""
    from optimum.onnxruntime import ORTModelForSequenceClassification
    from transformers import AutoTokenizer, pipeline

    model: Any = ORTModelForSequenceClassification.from_pretrained(tiny_bundle, file_name=file)
    tokenizer = AutoTokenizer.from_pretrained(tiny_bundle)  # type: ignore[no-untyped-call] # theirs
    classify: Any = pipeline("text-classification", model=model, tokenizer=tokenizer)
    found = classify(["A good and wonderful film.", "A bad and awful film."])
    assert [one["label"] for one in found] == ["positive", "negative"]


def test_the_same_checkpoint_gives_the_same_bytes(
    tiny_checkpoint: Path,
    tiny_bundle: Path,
    tiny_data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A second export makes the same graphs, and the same manifest but for its command."""
    let_few_decide(monkeypatch)  # as for tiny_bundle
    settings = ExportSettings(
        precisions=("int8", "fp32"), verify_on=tiny_data, max_flips=0.05, name="tiny"
    )
    build_bundle(tiny_checkpoint, tmp_path / "again", settings)
    names = sorted(path.name for path in tiny_bundle.iterdir())
    assert sorted(path.name for path in (tmp_path / "again").iterdir()) == names
    for name in set(names) - {"bundle.json"}:
        assert (tmp_path / "again" / name).read_bytes() == (tiny_bundle / name).read_bytes()
    first, second = (
        json.loads((folder / "bundle.json").read_text())
        for folder in (tiny_bundle, tmp_path / "again")
    )
    assert first.pop("commands")[:1] == second.pop("commands")
    assert first == second


def test_the_manifest_names_origin_and_quality(tiny_bundle: Path, tiny_checkpoint: Path) -> None:
    """Base, data, metrics, calibration, versions and commands, and no place on this machine."""
    text = (tiny_bundle / "bundle.json").read_text()
    manifest = json.loads(text)
    metrics = json.loads((tiny_checkpoint / "metrics.json").read_text())
    assert manifest["base"] == {"name": "tiny-bert", "licence": "apache-2.0"}
    assert manifest["data"] == metrics["data"]
    assert manifest["metrics"] == {
        "data": "sentences.csv, held-back part",
        **metrics["evaluation"],
    }
    assert manifest["calibration"]["data"] == "sentences.csv, validation split"
    assert manifest["calibration"]["n"] == metrics["validation"]["n"] == 15
    assert set(manifest["calibration"]["graphs"]) == {"int8", "fp32"}
    int8 = manifest["calibration"]["graphs"]["int8"]
    efforts = int8.pop("efforts")
    assert set(efforts) == {"high", "normal", "low"}
    for figures in (int8, *efforts.values()):
        assert set(figures) == {
            *("accuracy", "log_loss", "ece", "ece_by_chance", "reliability", "coverage_risk")
        }
    assert manifest["commands"] == [
        "thumbs finetune sentences.csv -o trained_model --base tiny-bert",
        "thumbs export trained_model -o tiny",
    ]
    assert set(manifest["versions"]) == {
        "python",
        "torch",
        "transformers",
        "optimum-onnx",
        "onnx",
        "onnxruntime",
    }
    assert str(tiny_bundle.parent) not in text
    assert str(tiny_checkpoint.parent) not in text
    assert set(manifest["files"]) == {
        "config.json",
        "special_tokens_map.json",
        "tokenizer.json",
        "tokenizer_config.json",
    }


def test_parity_is_measured_on_the_named_table(tiny_bundle: Path) -> None:
    """Each graph carries its distance from the checkpoint and the figures of both."""
    for graph in Bundle.load(tiny_bundle).description.graphs:
        parity = graph.parity
        assert (parity["data"], parity["n"], parity["flips"]) == ("sentences.csv", 64, 0)
        assert 0 <= parity["mean_change"] <= parity["max_change"] < 0.1
        assert parity["graph"]["accuracy"] == parity["checkpoint"]["accuracy"] > 0.9
        assert set(parity["graph"]) == {"accuracy", "log_loss", "ece"}


def test_checkpoint_and_graphs_are_measured_alike(tiny_bundle: Path, tiny_data: Path) -> None:
    """The manifest has the same figures of the same reviews for torch and for each graph."""
    verification = Bundle.load(tiny_bundle).description.provenance["verification"]
    reviews = read_reviews(tiny_data, None, None, ("negative", "positive"))
    rows = verification.pop("rows")
    assert verification == {"data": "sentences.csv", "sha256": reviews.digest(), "n": 64}
    assert [row["model"] for row in rows] == [
        "torch",
        "int8",
        *(f"{one}, {effort}" for effort in ("high", "normal", "low") for one in ("fp32", "int8")),
        "fp32",
    ]
    figures = {"accuracy", "log_loss", "ece", "flips", "mean_change", "max_change"}
    assert all(set(row) == {"model", "temperature"} | figures for row in rows)
    assert (rows[0]["flips"], rows[0]["max_change"]) == (0, 0.0)
    assert rows[-1]["accuracy"] == rows[0]["accuracy"]


def test_unlabelled_reviews_leave_the_table_without_accuracy(
    tiny_checkpoint: Path, tmp_path: Path
) -> None:
    """Flips are counted on any reviews; what needs their labels stays blank."""
    from export.cli import export as command

    (tmp_path / "mine.csv").write_text("text\nA good film.\nA bad film.\n")
    words = [str(tiny_checkpoint), "-o", str(tmp_path / "b"), "--precision", "fp32"]
    words += ["--verify-on", str(tmp_path / "mine.csv")]
    result = CliRunner().invoke(command, words, catch_exceptions=False)
    lines = result.stdout.splitlines()
    assert lines[1] == "on 2 reviews of mine.csv:"
    assert [line.split()[:2] for line in lines[3:5]] == [["torch", "0"], ["fp32", "0"]]


def test_the_temperature_is_that_of_the_graph(tiny_bundle: Path, tiny_checkpoint: Path) -> None:
    """fp32 has the checkpoint's, fitted in bf16 where the CPU has it, and int8 one near it."""
    expected = json.loads((tiny_checkpoint / "metrics.json").read_text())["temperature"]
    int8, fp32 = Bundle.load(tiny_bundle).description.graphs
    assert fp32.temperature == pytest.approx(expected, rel=0.01)
    assert int8.temperature == pytest.approx(expected, rel=0.2)
    assert int8.temperature != fp32.temperature


def test_a_graph_that_flips_labels_leaves_nothing_behind(
    tiny_checkpoint: Path, tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A graph whose classifier was turned round is refused with its worst reviews."""

    def turn_round(graph: Path, target: Path, batch: Sequence[Sequence[int]]) -> None:
        model = onnx.load(graph)
        for tensor in model.graph.initializer:
            if "classifier" in tensor.name:
                turned = numpy_helper.to_array(tensor)[::-1].copy()
                tensor.CopyFrom(numpy_helper.from_array(turned, tensor.name))
        onnx.save(model, graph)
        quantize(graph, target, batch)

    monkeypatch.setattr("export.int8.quantize", turn_round)
    with pytest.raises(BundleError) as caught:
        build_bundle(tiny_checkpoint, tmp_path / "bundle", ExportSettings(verify_on=tiny_data))
    message = str(caught.value)
    assert message.startswith(
        "Beside the checkpoint, the int8 graph changes the label of 64 of 64 reviews "
        "(sentences.csv): 100.0%, "
        'more than chance makes of the 0.5% of --max-flips. The worst: "A '
    )
    assert message.endswith("No bundle was made: export with --precision fp32, or allow more.")
    assert message.count(" -> ") == 3
    assert caught.value.exit_code == 78
    assert list(tmp_path.iterdir()) == []


def test_an_old_bundle_survives_a_failed_export(
    tiny_checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With --overwrite the old bundle goes only when the new one is there."""
    output = tmp_path / "bundle"
    build_bundle(tiny_checkpoint, output, FP32)
    before = {path.name: path.read_bytes() for path in output.iterdir()}

    def fail(*_: object) -> None:
        raise OSError

    with monkeypatch.context() as patched:
        patched.setattr(export.build, "write_manifest", fail)
        with pytest.raises(OSError, match=r"^$"):
            build_bundle(tiny_checkpoint, output, FP32, overwrite=True)
    assert {path.name: path.read_bytes() for path in output.iterdir()} == before
    assert list(tmp_path.iterdir()) == [output]
    build_bundle(tiny_checkpoint, output, ExportSettings(("fp32",), name="new"), overwrite=True)
    assert Bundle.load(output).description.name == "new"
    assert list(tmp_path.iterdir()) == [output]


def test_commands_lose_their_places() -> None:
    """Absolute paths, of any system, keep their last name; all else stays."""
    line = r"thumbs finetune /data/my reviews.csv --base=/m/bert 'C:\m\x' imdb a/b --labels a,b"
    quoted = line.replace("/data/my reviews.csv", "'/data/my reviews.csv'")
    assert without_places(quoted) == (
        "thumbs finetune 'my reviews.csv' --base=bert x imdb a/b --labels a,b"
    )


def test_the_command(tiny_checkpoint: Path, tmp_path: Path) -> None:
    """``thumbs export`` makes a half-precision graph and reports on stdout."""
    from export.cli import export as command

    output = tmp_path / "bundle"
    words = [str(tiny_checkpoint), "-o", str(output), "--precision", "fp16", "--name", "mine"]
    words += ["--long", "windows"]
    result = CliRunner().invoke(command, words, catch_exceptions=False)
    lines = result.stdout.splitlines()
    assert lines[0].startswith(f"{output}: mine, 0.")
    assert lines[1:3] == [
        "on 15 reviews of sentences.csv, validation split:",
        "              accuracy     ECE  log loss  flips  mean |dp|  largest |dp|  temperature",
    ]
    assert [line.split()[0] for line in lines[3:6]] == ["torch", "fp32", "fp16"]
    assert all(len(line) == len(lines[2]) for line in lines[3:6])
    assert lines[6:] == [
        "fp16: --max-error can be nothing (95% sure, by 15 reviews of sentences.csv, "
        "validation split)"
    ]
    assert lines[3].split()[4:7] == ["0", "0.000%", "0.00%"]
    description = Bundle.load(output).description
    assert [graph.precision for graph in description.graphs] == ["fp16"]
    assert description.reading == "windows"
