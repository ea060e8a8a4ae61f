"""The smallest bundle that scores, made by code, and ways to spoil it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
from onnx import TensorProto, helper
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer
from tokenizers.processors import TemplateProcessing

from score.bundle import Description, Graph, write_manifest
from score.bundle_files import sha256_of
from score.tokens import Truncation

Spoil = Callable[[Path], object]

MIB = 1024**2
GRAPH = "model.onnx"


def make_graph() -> onnx.ModelProto:
    """A classifier whose logits are the mean token id and its opposite."""

    def ids(name: str) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "tokens"])

    nodes = [
        helper.make_node("Mul", ["input_ids", "attention_mask"], ["masked"]),
        helper.make_node("Cast", ["masked"], ["numbers"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["numbers", "scale"], ["scaled"]),
        helper.make_node("ReduceMean", ["scaled"], ["mean"], axes=[1], keepdims=1),
        helper.make_node("Neg", ["mean"], ["opposite"]),
        helper.make_node("Concat", ["mean", "opposite"], ["logits"], axis=1),
    ]
    logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 2])
    scale = helper.make_tensor("scale", TensorProto.FLOAT, [1], [0.1])
    graph = helper.make_graph(
        nodes, "classifier", [ids("input_ids"), ids("attention_mask")], [logits], [scale]
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def make_tokenizer() -> Tokenizer:
    """A tokenizer like BERT's, of a few words."""
    words = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "good", "bad", "film", ".")
    model = WordPiece({word: i for i, word in enumerate(words)})  # its unk_token is [UNK]
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = BertNormalizer()
    tokenizer.pre_tokenizer = BertPreTokenizer()
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return tokenizer


def make_bundle(folder: Path) -> Path:
    """The smallest bundle that scores."""
    folder.mkdir()
    make_tokenizer().save(str(folder / "tokenizer.json"))
    (folder / GRAPH).write_bytes(make_graph().SerializeToString())
    write_manifest(
        folder,
        Description(
            name="small",
            labels=("negative", "positive"),
            language=None,
            cleaning="html-line-breaks",
            truncation=Truncation("head+tail", 32, 16),
            graphs=(Graph("fp32", sha256_of(folder / GRAPH), 1.0, {}),),
            provenance={},
        ),
    )
    return folder


def edit(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change the manifest, with the right digests for what the folder holds by now."""
    path = folder / "bundle.json"
    manifest = json.loads(path.read_text())
    for name in manifest["files"]:
        manifest["files"][name] = sha256_of(folder / name)
    manifest["graphs"][0]["sha256"] = sha256_of(folder / GRAPH)
    change(manifest)
    path.write_text(json.dumps(manifest))


def manifest(change: Callable[[dict[str, Any]], object]) -> Spoil:
    """A bundle with another manifest."""
    return lambda folder: edit(folder, change)


def content(name: str, data: bytes | str) -> Spoil:
    """A bundle with other bytes in one of its files, which its manifest vouches for."""

    def spoil(folder: Path) -> None:
        (folder / name).write_bytes(data.encode() if isinstance(data, str) else data)
        edit(folder, lambda _: None)

    return spoil


def graph(change: Callable[[onnx.ModelProto], object]) -> Spoil:
    """A bundle with another graph."""

    def spoil(folder: Path) -> None:
        model = make_graph()
        change(model)
        content(GRAPH, model.SerializeToString())(folder)

    return spoil


def node(*args: Any, **attributes: Any) -> Spoil:
    """A bundle whose graph has one more node."""
    return graph(lambda model: model.graph.node.append(helper.make_node(*args, **attributes)))


def tokenizer(change: Callable[[dict[str, Any]], object]) -> Spoil:
    """A bundle with another tokenizer."""

    def spoil(folder: Path) -> None:
        settings = json.loads(make_tokenizer().to_str())
        change(settings)
        content("tokenizer.json", json.dumps(settings))(folder)

    return spoil


def sparse_file(name: str, size: int) -> Spoil:
    """A bundle with a file that is huge and takes no room on the disk."""

    def spoil(folder: Path) -> None:
        os.truncate(folder / name, size)

    return spoil


def too_large(name: str, size: int, limit: int) -> str:
    """What is said of a file that is not even opened."""
    said = f"{{}}/{name} has {size} bytes; {limit} are the most that are read."
    return f"{said} Export the bundle again."
