"""How much of the processor's own int8 peak the runs of a bundle reach, as a roofline picture.

    python -m benchmarks.roofline [--model BUNDLE] [--picture roofline.png]

The peak is what onnxruntime itself reaches on one thread with one large MatMulInteger, and the
bandwidth what it copies. Each point is a text of some length, read with all layers: the
multiply-adds of its matrix products over the seconds of a run, against those over the bytes of
the weights, which a run reads once. A point under the slope waits for memory, one under the
roof for the rest of the graph.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from score.bundle import DEFAULT_BUNDLE, Bundle
from score.engine import Engine

_LENGTHS = (8, 16, 32, 64, 128, 256, 384)
_LARGE = 2048


def best_of(run: Callable[[], object], seconds: float = 1.0) -> float:
    """The least seconds of a run, over many."""
    best, end = float("inf"), time.perf_counter() + seconds
    while time.perf_counter() < end:
        started = time.perf_counter()
        run()
        best = min(best, time.perf_counter() - started)
    return best


def peak() -> float:
    """Int8 multiply-adds a second of one thread."""
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper

    weights = np.random.default_rng(0).integers(-127, 127, (_LARGE, _LARGE), np.int8)
    graph = helper.make_graph(
        [helper.make_node("MatMulInteger", ["x", "w"], ["y"])],
        "peak",
        [helper.make_tensor_value_info("x", TensorProto.UINT8, [_LARGE, _LARGE])],
        [helper.make_tensor_value_info("y", TensorProto.INT32, [_LARGE, _LARGE])],
        initializer=[numpy_helper.from_array(weights, "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    feed = {"x": np.random.default_rng(1).integers(0, 255, (_LARGE, _LARGE), np.uint8)}
    return _LARGE**3 / best_of(lambda: session.run(None, feed), 3.0)


def bandwidth() -> float:
    """Bytes a second that one thread reads, from a block as large as the weights."""
    block = np.ones(16 * 1024**2, np.int8)
    return block.nbytes / best_of(lambda: block.view(np.int64).max())


def products(bundle: Bundle) -> tuple[int, int, int]:
    """Of all layers: weights, then width and number of the attentions."""
    config = json.loads((bundle.folder / "config.json").read_text())
    width, layers = config["hidden_size"], config["num_hidden_layers"]
    return layers * (4 * width**2 + 2 * width * config["intermediate_size"]), width, layers


def main() -> None:
    """Measure, print the table and draw the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=DEFAULT_BUNDLE)
    parser.add_argument("--picture", type=Path)
    options = parser.parse_args()
    bundle = Bundle.load(options.model)
    weights, width, layers = products(bundle)
    engine = Engine(bundle.read_graph(bundle.graph("int8")))
    roof, slope = peak(), bandwidth()
    print(f"peak {roof / 1e9:.0f} G multiply-adds/s, reading {slope / 1e9:.1f} GB/s, one thread")
    print(f"{'tokens':>7}{'ms':>8}{'G/s':>8}{'of the roof':>13}{'of what memory allows':>23}")
    points = []
    for tokens in _LENGTHS:
        ids = [101, *np.random.default_rng(tokens).integers(2000, 9000, tokens - 2).tolist(), 102]
        seconds = best_of(lambda ids=ids: engine.logits(ids))  # type: ignore[misc] # bound at once
        work = tokens * weights + 2 * layers * tokens**2 * width
        rate, intensity = work / seconds, work / weights
        allowed = min(roof, slope * intensity)
        points.append((intensity, rate, tokens))
        print(
            f"{tokens:7}{seconds * 1e3:8.2f}{rate / 1e9:8.0f}{rate / roof:13.0%}"
            f"{rate / allowed:23.0%}"
        )
    if options.picture:
        draw(options.picture, points, roof, slope)


def draw(path: Path, points: list[tuple[float, float, int]], roof: float, slope: float) -> None:
    """The roof, the slope, and a point for each length."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 4.5), layout="constrained")
    span = np.geomspace(1, 2000, 200)
    axes.loglog(span, np.minimum(roof, slope * span) / 1e9, color="black", label="the machine")
    axes.plot(*zip(*[(x, y / 1e9) for x, y, _ in points], strict=True), "o-", label="a run")
    for x, y, tokens in points:
        axes.annotate(f"{tokens}", (x, y / 1e9), (4, -12), textcoords="offset points")
    axes.set_xlabel("multiply-adds for each byte of weights")
    axes.set_ylabel("G multiply-adds a second")
    axes.set_title("int8 on one thread, by tokens of the text")
    axes.legend()
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    main()
