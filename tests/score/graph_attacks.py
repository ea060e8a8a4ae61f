"""Graphs that were made to do harm, and what is said of each."""

from __future__ import annotations

from pathlib import Path

import onnx
from onnx import TensorProto, helper

from tests.score.small_bundle import (
    GRAPH,
    MIB,
    Spoil,
    content,
    edit,
    graph,
    make_graph,
    manifest,
    node,
    sparse_file,
    too_large,
)


def external(location: str = "/etc/passwd") -> TensorProto:
    """A tensor whose values are in another file."""
    tensor = TensorProto(name="weights", data_type=TensorProto.FLOAT, dims=[1])
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=location)
    return tensor


def subgraph(tensor: TensorProto) -> onnx.GraphProto:
    """A graph for the branch of an If."""
    inner = helper.make_tensor_value_info("inner", TensorProto.FLOAT, [1])
    nodes = [helper.make_node("Identity", ["weights"], ["inner"])]
    return helper.make_graph(nodes, "branch", [], [inner], [tensor])


def deep_graph() -> onnx.GraphProto:
    """Branches in branches."""
    inner = subgraph(helper.make_tensor("weights", TensorProto.FLOAT, [1], [1.0]))
    for _ in range(30):
        outer = helper.make_graph([], "branch", [], [])
        outer.node.append(helper.make_node("If", ["c"], ["x"], then_branch=inner))
        inner = outer
    return inner


def claim(*dimensions: int) -> Spoil:
    """A bundle with a tensor that says it is larger than it is."""

    def change(model: onnx.ModelProto) -> None:
        model.graph.initializer[0].dims[:] = dimensions

    return graph(change)


def add_function(model: onnx.ModelProto) -> None:
    """A function that calls itself."""
    call = helper.make_node("F", ["x"], ["y"], domain="own")
    opset = [helper.make_opsetid("", 17)]
    model.functions.append(helper.make_function("own", "F", ["x"], ["y"], [call], opset))


def rename(kind: str, old: str, new: str) -> Spoil:
    """A bundle whose graph calls an input or output by another name."""

    def change(model: onnx.ModelProto) -> None:
        for value in getattr(model.graph, kind):
            value.name = new if value.name == old else value.name
        for one in model.graph.node:
            for names in (one.input, one.output):
                names[:] = [new if name == old else name for name in names]

    return graph(change)


def few_positions(model: onnx.ModelProto) -> None:
    """Like a BERT that has fewer positions than the manifest has tokens."""
    model.graph.initializer[0].CopyFrom(
        helper.make_tensor("scale", TensorProto.FLOAT, [16], [0.1] * 16)
    )


def huge(*nodes: onnx.NodeProto, **constants: float | list[int]) -> Spoil:
    """A bundle whose logits wait for ``big``, which ``nodes`` make; ``constants`` are theirs.

    The token ids are there as ``input_ids`` and, as floats, as ``numbers``.
    """

    def change(model: onnx.ModelProto) -> None:
        for name, value in {"nothing": 0.0, **constants}.items():
            kind = TensorProto.FLOAT if isinstance(value, float) else TensorProto.INT64
            values = value if isinstance(value, list) else [value]
            shape = [len(values)] if isinstance(value, list) else []
            model.graph.initializer.append(helper.make_tensor(name, kind, shape, values))
        last = model.graph.node[-1]
        last.output[0] = "small"
        model.graph.node.extend(
            [
                *nodes,
                helper.make_node("ReduceMax", ["big"], ["most"], keepdims=0),
                helper.make_node("Mul", ["most", "nothing"], ["none"]),
                helper.make_node("Add", ["small", "none"], ["logits"]),
            ]
        )

    return graph(change)


# The number of tokens, times k.
LENGTH = (
    helper.make_node("Shape", ["input_ids"], ["shape"]),
    helper.make_node("Gather", ["shape", "second"], ["tokens"]),
    helper.make_node("Mul", ["tokens", "k"], ["length"]),
)
ONES = helper.make_node(
    "ConstantOfShape",
    ["length"],
    ["big"],
    value=helper.make_tensor("one", TensorProto.FLOAT, [1], [1.0]),
)


def hollow(folder: Path) -> None:
    """A graph of 128 MiB of zeros, which its manifest vouches for."""
    sparse_file(GRAPH, 300 * MIB)(folder)
    edit(folder, lambda _: None)


def graph_said(harm: str) -> str:
    """What is said of a graph that is not even loaded."""
    return f"{{}}/{GRAPH} is not to be trusted: {harm}. Export the bundle again."


EXTERNAL = graph_said("it keeps weights in another file, which may be any file of this computer")

TOO_MUCH = "onnxruntime failed on a review: …"

GRAPH_ATTACKS: dict[str, tuple[Spoil, str]] = {
    "external data, absolute": (graph(lambda m: m.graph.initializer.append(external())), EXTERNAL),
    "external data, relative": (
        graph(lambda m: m.graph.initializer.append(external("../x"))),
        EXTERNAL,
    ),
    "external data in an attribute": (node("Constant", [], ["c"], value=external()), EXTERNAL),
    "external data in a list": (node("Constant", [], ["c"], values=[external()]), EXTERNAL),
    "external data in a branch": (
        node("If", ["c"], ["x"], then_branch=subgraph(external())),
        EXTERNAL,
    ),
    "external data in training": (
        graph(lambda m: m.training_info.add().algorithm.initializer.append(external())),
        graph_said("it has training information"),
    ),
    "external data in a sparse tensor": (
        graph(lambda m: m.graph.sparse_initializer.add().values.CopyFrom(external())),
        graph_said("it has sparse tensors"),
    ),
    "external data by its place alone": (
        graph(lambda m: setattr(m.graph.initializer[0], "data_location", 1)),
        EXTERNAL,
    ),
    "functions": (graph(add_function), graph_said("it has functions")),
    "branches in branches": (
        graph(lambda m: m.graph.CopyFrom(deep_graph())),
        graph_said("it is nested too deeply"),
    ),
    "custom operator": (
        node("Shell", ["input_ids"], ["x"], domain="evil"),
        graph_said("it uses the operator 'Shell' of 'evil'"),
    ),
    "unknown operator": (
        node("Shell", ["input_ids"], ["x"]),
        "onnxruntime refuses {}/model.onnx: …",
    ),
    "loop": (
        node("Loop", ["", ""], [], body=helper.make_graph([], "b", [], [])),
        graph_said("it uses Loop, which need never end"),
    ),
    "operator that loads a file": (
        node("EPContext", [], ["x"], domain="com.microsoft", ep_cache_context="/etc/passwd"),
        graph_said("it uses EPContext, which loads another file"),
    ),
    "random numbers": (
        node("RandomNormal", [], ["x"], shape=[1]),
        graph_said("it uses RandomNormal, which gives other scores each time"),
    ),
    "texts that double": (
        node("StringConcat", ["x", "x"], ["y"]),
        graph_said("it uses StringConcat, which makes texts, of any length"),
    ),
    "tile to 3 GB": (
        huge(helper.make_node("Tile", ["numbers", "k"], ["big"]), k=[1, 25_000_000]),
        TOO_MUCH,
    ),
    "expand to 50 GB": (
        huge(helper.make_node("Expand", ["nothing", "k"], ["big"]), k=[12_500_000_000]),
        TOO_MUCH,
    ),
    "expand a constant to 500 MB, while it is loaded": (
        huge(helper.make_node("Expand", ["nothing", "k"], ["big"]), k=[125_000_000]),
        TOO_MUCH,
    ),
    "ones, 4 GB for each token": (huge(*LENGTH, ONES, second=[1], k=[1_000_000_000]), TOO_MUCH),
    "range, by the length": (
        huge(
            *LENGTH,
            helper.make_node("Range", ["zero", "length", "step"], ["many"]),
            helper.make_node("Cast", ["many"], ["big"], to=1),
            second=1,
            k=1_000_000_000,
            zero=0,
            step=1,
        ),
        TOO_MUCH,
    ),
    "ones, by a word of the review": (
        huge(
            # Of the ids in the review "Good." the largest is 8, and 4 in that of the bundle's test.
            helper.make_node("ReduceMax", ["input_ids"], ["word"], keepdims=0),
            helper.make_node("Sub", ["word", "k"], ["beyond"]),
            helper.make_node("Max", ["beyond", "zero"], ["over"]),
            helper.make_node("Mul", ["over", "each"], ["more"]),
            helper.make_node("Add", ["more", "one"], ["length"]),
            ONES,
            k=4,
            zero=0,
            each=12_500_000_000,
            one=[1],
        ),
        TOO_MUCH,
    ),
    "outer product": (
        huge(
            helper.make_node("Tile", ["numbers", "k"], ["wide"]),
            helper.make_node("Transpose", ["wide"], ["high"], perm=[1, 0]),
            helper.make_node("MatMul", ["high", "wide"], ["big"]),
            k=[1, 10_000],
        ),
        TOO_MUCH,
    ),
    "size that overflows": (
        claim(2**32, 2**32),
        graph_said("a tensor claims more elements than it holds"),
    ),
    "negative size": (claim(-4, -4), graph_said("a tensor claims more elements than it holds")),
    "size of 16 GB": (claim(2**32), graph_said("a tensor claims more elements than it holds")),
    "dimensions without end": (claim(*[1] * 1000), graph_said("a tensor has too many dimensions")),
    "another format of onnxruntime": (
        content(GRAPH, b"\x18\0\0\0ORTM" + bytes(100)),
        graph_said("it is no ONNX file"),
    ),
    "empty graph": (content(GRAPH, b""), "{}/model.onnx is empty. Export the bundle again."),
    "cut graph": (
        content(GRAPH, make_graph().SerializeToString()[:-9]),
        graph_said("it is no ONNX file"),
    ),
    "text": (content(GRAPH, "graph"), graph_said("it is no ONNX file")),
    "fields without end": (
        content(GRAPH, b"\x3a\x80\x80\x80\x01" + b"\x0a\x00" * MIB),
        graph_said("it has more than 250000 fields"),
    ),
    "graph of 3 GiB": (
        sparse_file(GRAPH, 3 * 1024 * MIB),
        too_large(GRAPH, 3 * 1024 * MIB, 2048 * MIB - 1),
    ),
    "graph of nothing": (
        hollow,
        graph_said("it is no ONNX file"),
    ),
    "other inputs": (
        rename("input", "attention_mask", "mask"),
        "{}/model.onnx has the inputs input_ids, mask; a classifier of texts has input_ids and "
        "attention_mask as int64, and perhaps token_type_ids.",
    ),
    "inputs of another type": (
        graph(lambda m: setattr(m.graph.input[0].type.tensor_type, "elem_type", TensorProto.INT32)),
        "onnxruntime refuses {}/model.onnx: …",
    ),
    "other outputs": (
        rename("output", "logits", "probabilities"),
        "{}/model.onnx has the outputs probabilities; a classifier of texts has logits as float.",
    ),
    "fewer logits than labels": (
        manifest(lambda m: m["labels"].append("neutral")),
        "{}/model.onnx gives numbers of the shape (1, 2) for 1 reviews and 3 labels. "
        "Export the bundle again.",
    ),
    "no numbers": (
        graph(lambda m: setattr(m.graph.initializer[0], "raw_data", b"\0\0\xc0\x7f")),
        "{}/model.onnx gives no finite numbers. Export the bundle again.",
    ),
    "fewer positions than tokens": (
        graph(few_positions),
        "onnxruntime failed on a review: …",
    ),
}
