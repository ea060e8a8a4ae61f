"""The bundle contract: what is loaded is what was made, and nothing outside of its folder."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import pytest
from onnx import TensorProto, helper

from score.bundle import Bundle
from score.bundle_files import sha256_of
from score.errors import BundleError
from score.labels import check_labels

Manifest = dict[str, Any]


@pytest.fixture
def bundle(tiny_bundle: Path, tmp_path: Path) -> Path:
    """A copy of the tiny bundle that a test may spoil."""
    return Path(shutil.copytree(tiny_bundle, tmp_path / "bundle"))


def edit(bundle: Path, change: Callable[[Manifest], object]) -> None:
    """Change the manifest as someone who wants to mislead the scorer would."""
    path = bundle / "bundle.json"
    manifest = json.loads(path.read_text())
    change(manifest)
    path.write_text(json.dumps(manifest))


def load_all(bundle: Path) -> None:
    """Load the bundle and read each graph, as scoring with them would."""
    loaded = Bundle.load(bundle)
    for graph in loaded.description.graphs:
        loaded.read_graph(graph)


def refusal(bundle: Path) -> str:
    """The message with which loading the bundle and all of its graphs fails."""
    with pytest.raises(BundleError) as caught:
        load_all(bundle)
    assert caught.value.exit_code == 78
    return str(caught.value)


def test_a_bundle_says_what_it_is(tiny_bundle: Path) -> None:
    """Loading gives back what the export was told."""
    loaded = Bundle.load(tiny_bundle)
    description = loaded.description
    assert description.name == "tiny"
    assert description.labels == ("negative", "positive")
    assert (description.language, description.cleaning) == (None, "html-line-breaks")
    assert description.truncation.max_tokens == 64
    assert [graph.precision for graph in description.graphs] == ["int8", "fp32"]
    assert loaded.graph("fp16", "fp32").file == "model.onnx"
    assert loaded.digest == sha256_of(tiny_bundle / "bundle.json")


@pytest.mark.parametrize("name", ["tokenizer.json", "config.json", "model_quantized.onnx"])
def test_a_changed_byte(bundle: Path, name: str) -> None:
    """Every file is the one that the manifest was written for."""
    content = bytearray((bundle / name).read_bytes())
    content[len(content) // 2] ^= 1
    (bundle / name).write_bytes(bytes(content))
    assert refusal(bundle) == (
        f"{bundle / name} is not the file that the bundle was made with. "
        "Get the bundle anew, or export it again."
    )


def test_a_missing_file(bundle: Path) -> None:
    """A file that the manifest names has to be there."""
    (bundle / "config.json").unlink()
    assert refusal(bundle) == (
        f"{bundle} is no bundle: it has no config.json. Make one with thumbs export."
    )


def test_no_bundle(tmp_path: Path) -> None:
    """A folder without a manifest is no bundle."""
    assert refusal(tmp_path) == (
        f"{tmp_path} is no bundle: it has no bundle.json. Make one with thumbs export."
    )


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "sub/file"])
def test_a_path_out_of_the_folder(bundle: Path, name: str) -> None:
    """A manifest cannot make the scorer read a file elsewhere."""
    edit(bundle, lambda manifest: manifest["files"].update({name: "0" * 64}))
    assert refusal(bundle) == f"The bundle {bundle} names {name!r}, which is outside of it."


def test_a_link_out_of_the_folder(bundle: Path, tmp_path: Path) -> None:
    """Nor can a link in the folder."""
    (tmp_path / "secret").write_text("s")
    (bundle / "notes").symlink_to(tmp_path / "secret")
    edit(bundle, lambda manifest: manifest["files"].update({"notes": "0" * 64}))
    assert refusal(bundle) == f"The bundle {bundle} names 'notes', which is outside of it."


def test_a_newer_format(bundle: Path) -> None:
    """A format of the future is named and not guessed at."""
    edit(bundle, lambda manifest: manifest.update(format_version=2))
    assert refusal(bundle) == (
        f"The bundle {bundle} has format 2; this version of thumbs reads format 1. "
        "Use the thumbs it was made with, or a newer one."
    )


def test_external_data(bundle: Path) -> None:
    """A graph whose weights are in another file, perhaps not the bundle's, is refused."""
    weights = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[1])
    weights.data_location = TensorProto.EXTERNAL
    weights.external_data.add(key="location", value="../../secret")
    graph = helper.make_graph([], "g", [], [], [weights])
    path = bundle / "model_quantized.onnx"
    path.write_bytes(onnx.ModelProto(graph=graph).SerializeToString())
    edit(bundle, lambda manifest: manifest["graphs"][0].update(sha256=sha256_of(path)))
    assert refusal(bundle) == (
        f"{path} is not to be trusted: it keeps weights in another file, which may be any file of "
        "this computer. Export the bundle again."
    )


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda m: m.pop("labels"), "KeyError: 'labels'"),
        (
            lambda m: m["graphs"][0].update(precision="int4"),
            f"ValueError: no such graph: int4, temperature {1.0}",
        ),
        (
            lambda m: m["graphs"][0].update(temperature=0),
            "ValueError: no such graph: int8, temperature 0.0",
        ),
        (
            lambda m: m["truncation"].update(max_tokens=1),
            "UsageError: A limit of 1 tokens is too small; use 8 or more.",
        ),
    ],
)
def test_a_manifest_that_makes_no_sense(
    bundle: Path, change: Callable[[Manifest], object], found: str
) -> None:
    """A manifest with a value missing or impossible is refused with that value."""
    edit(bundle, lambda manifest: manifest["graphs"][0].update(temperature=1.0))
    edit(bundle, change)
    assert refusal(bundle) == (
        f"{bundle / 'bundle.json'} is no manifest of a bundle ({found}). Export the bundle again."
    )


def test_a_manifest_that_is_no_json(bundle: Path) -> None:
    """Nor is anything read from a manifest that is not JSON."""
    (bundle / "bundle.json").write_text("negative, positive")
    assert refusal(bundle) == (
        f"{bundle / 'bundle.json'} is no manifest of a bundle (JSONDecodeError: Expecting value: "
        "line 1 column 1 (char 0)). Export the bundle again."
    )


def test_an_unknown_cleaning(bundle: Path) -> None:
    """A cleaning that this version does not have cannot be left out."""
    edit(bundle, lambda manifest: manifest.update(cleaning="emoji-names"))
    assert refusal(bundle) == (
        "The bundle tiny wants the cleaning 'emoji-names', which this version of thumbs does "
        "not know. Use a newer thumbs."
    )


def test_no_graph_for_the_provider(tiny_bundle: Path) -> None:
    """A precision that the bundle lacks is named with the way to get it."""
    with pytest.raises(BundleError) as caught:
        Bundle.load(tiny_bundle).graph("fp16")
    assert str(caught.value) == (
        f"The bundle {tiny_bundle} has no graph in fp16, which this provider needs. "
        "Export it again with --precision fp16."
    )


@pytest.mark.parametrize("label", ["", " ", "=1+1", "-", "+", "@me", "a\nb", "a\tb", "a\x00"])
def test_labels_that_cannot_stand_in_a_table(label: str) -> None:
    """A label that a spreadsheet would run, hide or break a line at is refused."""
    with pytest.raises(BundleError) as caught:
        check_labels(("fine", label))
    assert str(caught.value) == (
        f"The label {label!r} cannot stand in a table: it is blank, has a control character, "
        "or would be read as a formula. Rename it with finetune --labels."
    )


def test_labels_of_any_script() -> None:
    """Two or more different names in any script are labels; one name, or one twice, is none."""
    check_labels(("负面评价", "正面评价", "5 stars"))
    for labels in (("one",), ("one", "one")):
        with pytest.raises(BundleError) as caught:
            check_labels(labels)
        expected = f"A bundle needs two or more different labels, not {list(labels)}."
        assert str(caught.value) == expected
