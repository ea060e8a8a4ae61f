"""Which products of a BERT lose what int8 loses: each left out of the quantisation, or alone in it.

    python -m benchmarks.sensitivity --checkpoint trained_model [--only] [--reviews N]

A table, a line for each group of nodes: how many labels differ from the fp32 graph's, the
mean and largest change in probability, and the size of the file. Labels flip only where
the model is unsure, so the reviews are the least sure ones of those held back: as many of
them tell as much as three times as many at random.
"""

from __future__ import annotations

import argparse
import re
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from export.checkpoint import Checkpoint
from export.convert import convert
from export.fuse import fuse_for_cpu
from export.quantize import quantize
from export.smooth import smooth
from export.verify import Comparison, graph_logits
from score.bundle import TOKENIZER_FILE
from score.calibration import fit_temperature, softmax
from score.engine import Engine
from score.tokens import Encoder

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from export.reviews import Reviews

_TYPICAL = 48


def groups(graph: Path) -> dict[str, list[str]]:
    """The nodes that int8 quantises, by what they are called in the model."""
    import onnx

    model = onnx.load(graph)
    weights = {tensor.name for tensor in model.graph.initializer}
    found: dict[str, list[str]] = defaultdict(list)
    for node in model.graph.node:
        if node.op_type in ("MatMul", "Gemm", "Gather") and weights & set(node.input):
            match = re.search(r"layer\.(\d+)/(.*)/[^/]*$", node.name)
            if match:
                found[f"layer {match[1]} {match[2].replace('/', ' ')}"].append(node.name)
            elif node.op_type != "Gather" or "embeddings" in node.name:
                found[node.name.rsplit("/", 1)[0].strip("/").replace("/", " ")].append(node.name)
    return dict(found)


class Bench:
    """A traced and smoothed graph, the reviews, and what fp32 says of them."""

    def __init__(self, checkpoint: Checkpoint, work: Path, size: int) -> None:
        self._work = work
        traced = convert(checkpoint, work / "traced")
        encoder = Encoder.from_file(checkpoint.folder / TOKENIZER_FILE, checkpoint.truncation)
        reviews = checkpoint.validation
        ids = [one.ids for one in encoder.encode_batch(list(reviews.texts))]
        logits = graph_logits(Engine(traced.read_bytes()), ids)
        self._temperature = fit_temperature(logits, np.asarray(reviews.classes, np.int64))
        confidence = softmax(logits, self._temperature).max(axis=1)
        chosen = np.argsort(confidence, kind="stable")[:size]
        self._ids = [ids[i] for i in chosen]
        self._expected: NDArray[np.float32] = logits[chosen]
        self._reviews: Reviews = type(reviews)(
            reviews.name, tuple(reviews.texts[i] for i in chosen), None
        )
        self.graph = work / "smoothed.onnx"
        fused = work / "fused.onnx"
        fuse_for_cpu(traced, checkpoint, fused)
        self._typical = ids[:_TYPICAL]
        smooth(fused, self.graph, self._typical)

    def measure(self, name: str, finer: Sequence[str]) -> None:
        """Quantise all but ``finer`` and print the line of the table."""
        target = self._work / "quantized.onnx"
        quantize(self.graph, target, self._typical, finer=finer)
        found = graph_logits(Engine(target.read_bytes()), self._ids)
        comparison = Comparison(self._reviews, self._expected, found, self._temperature)
        changes, size = comparison.changes(), target.stat().st_size / 1e6
        print(
            f"{name:40} {len(comparison.flips()):5} {changes.mean():8.3%} {changes.max():8.2%} "
            f"{size:6.1f} MB",
            flush=True,
        )


def settings(found: Mapping[str, Sequence[str]], *, only: bool) -> dict[str, list[str]]:
    """For each line of the table, the nodes that stay in fp32."""
    everything = [node for nodes in found.values() for node in nodes]
    lines: dict[str, list[str]] = {"all in int8": []}
    for name, nodes in found.items():
        finer = [node for node in everything if node not in nodes] if only else list(nodes)
        lines[f"{'only' if only else 'all but'} {name}"] = finer
    return lines


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--only", action="store_true", help="quantise one group at a time")
    parser.add_argument("--reviews", type=int, default=400)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Checkpoint.load(options.checkpoint), Path(folder), options.reviews)
        print(f"{'':40} flips  mean dp  most dp   size")
        for name, finer in settings(groups(bench.graph), only=options.only).items():
            bench.measure(name, finer)


if __name__ == "__main__":
    main()
