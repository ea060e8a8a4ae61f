"""A model that answers at once, from a digest of the text: for what is not about models.

What it says of a text is as good as random and always the same, so that a score in the
wrong row shows. Kill tests and memory benchmarks use it.
"""

from __future__ import annotations

import hashlib
import struct
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from score.bundle import Description, Graph, write_manifest
from score.bundle_files import sha256_of
from score.calibration import softmax
from score.model import Answer, EncodedText, Model, Part
from score.tokens import Truncation

LABELS = ("negative", "positive")


def answer_of(text: str) -> Answer:
    """What the stub says of a text."""
    low, high = struct.unpack("<2H", hashlib.sha256(text.encode()).digest()[:4])
    return Answer((low / 16384, high / 16384), truncated=False)


def cells_of(text: str) -> tuple[str, str]:
    """The cells label and confidence that the stub's answer becomes, at temperature 1."""
    probabilities = softmax(np.asarray(answer_of(text).logits, np.float32), 1.0)
    best = int(probabilities.argmax())
    return LABELS[best], f"{probabilities[best]:.4f}"


def install(latency: float = 0.0, *, batched: bool = False) -> None:
    """Let every model of this process answer like the stub.

    Args:
        latency: seconds that it takes for each review.
        batched: answer a window at once, as on a GPU: the workers cost more than the stub.
    """

    def encode(self: Model, texts: Sequence[str]) -> list[EncodedText]:  # noqa: ARG001 - a method takes it
        return [EncodedText([list(text.encode())]) for text in texts]

    def run(self: Model, batch: Sequence[Sequence[int]]) -> list[Part]:  # noqa: ARG001 - likewise
        if latency:
            time.sleep(latency * len(batch))
        answers = [answer_of(bytes(ids).decode()) for ids in batch]
        return [(np.asarray(one.logits), np.int64(0)) for one in answers]

    Model.encode = encode  # type: ignore[method-assign] # what it is for
    Model.run = run  # type: ignore[method-assign] # likewise
    if batched:
        Model.batched = True  # type: ignore[method-assign, assignment] # likewise


def make_bundle(folder: Path) -> Path:
    """Make a bundle that is right in every way, with a graph of four nodes.

    Args:
        folder: where to make it.

    Returns:
        The folder.
    """
    import onnx
    from onnx import TensorProto, helper
    from tokenizers import Tokenizer, models, pre_tokenizers

    folder.mkdir(parents=True, exist_ok=True)
    words = {word: i for i, word in enumerate(("[UNK]", "a", "good", "bad", "film"))}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="[UNK]"))  # noqa: S106 - no password
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "config.json").write_text("{}\n")
    shape = ("batch", "tokens")
    graph = helper.make_graph(
        [
            helper.make_node("Cast", ["input_ids"], ["numbers"], to=TensorProto.FLOAT),
            helper.make_node("ReduceSum", ["numbers", "axis"], ["sum"], keepdims=1),
            helper.make_node("Sin", ["sum"], ["high"]),
            helper.make_node("Concat", ["sum", "high"], ["logits"], axis=1),
        ],
        "stub",
        [
            helper.make_tensor_value_info(name, TensorProto.INT64, shape)
            for name in ("input_ids", "attention_mask")
        ],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ("batch", 2))],
        [helper.make_tensor("axis", TensorProto.INT64, (1,), (1,))],
    )
    opset = helper.make_opsetid("", 17)
    model = helper.make_model(graph, opset_imports=[opset], ir_version=8)
    onnx.save(model, str(folder / "model.onnx"))
    graphs = (Graph("fp32", sha256_of(folder / "model.onnx"), 1.0, {}),)
    description = Description(
        name="stub",
        labels=LABELS,
        language=None,
        cleaning="html-line-breaks",
        truncation=Truncation(),
        graphs=graphs,
        provenance={},
    )
    write_manifest(folder, description)
    return folder
