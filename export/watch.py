"""What flows through a graph while it reads typical reviews."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from export.convert import silence

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Seen:
    """The values of one tensor over all reviews, by channel: its last dimension.

    Attributes:
        least, most: the extremes, shape (channels,).
    """

    least: NDArray[np.float32]
    most: NDArray[np.float32]

    @property
    def largest(self) -> NDArray[np.float32]:
        """The largest absolute value of each channel, shape (channels,)."""
        return np.maximum(np.abs(self.least), np.abs(self.most))

    @property
    def range(self) -> tuple[float, float]:
        """The extremes over all channels."""
        return float(self.least.min()), float(self.most.max())


def watch(graph: Path, names: Sequence[str], batch: Sequence[Sequence[int]]) -> dict[str, Seen]:
    """Run a graph on reviews and look at some of its tensors.

    Args:
        graph: a fp32 graph.
        names: the tensors, of shape (1, tokens, channels) each.
        batch: the reviews' token ids.
    """
    seen: dict[str, Seen] = {}
    for tensors in each_run(graph, names, batch):
        for name, tensor in zip(names, tensors, strict=True):
            now = Seen(tensor.min(axis=(0, 1)), tensor.max(axis=(0, 1)))
            before = seen.get(name, now)
            seen[name] = Seen(
                np.minimum(before.least, now.least), np.maximum(before.most, now.most)
            )
    return seen


def each_run(
    graph: Path, names: Sequence[str], batch: Sequence[Sequence[int]]
) -> Iterator[list[NDArray[np.float32]]]:
    """Some tensors of a graph, review by review.

    Args:
        graph: a fp32 graph.
        names: the tensors.
        batch: the reviews' token ids.
    """
    import onnx
    import onnxruntime

    model = onnx.load(graph)
    model.graph.output.extend(onnx.helper.make_empty_tensor_value_info(name) for name in names)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    with silence():
        session = onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
    inputs = {one.name for one in session.get_inputs()}
    for ids in batch:
        row = np.asarray([ids], np.int64)
        feeds = {
            "input_ids": row,
            "attention_mask": np.ones_like(row),
            "token_type_ids": np.zeros_like(row),
        }
        yield session.run(list(names), {k: v for k, v in feeds.items() if k in inputs})
