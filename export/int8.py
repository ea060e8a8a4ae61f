"""The graph for CPUs: fused, smoothed, quantised, and made to stop where it is sure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from export.checkpoint import Checkpoint
from export.classifiers import Classifiers
from export.efforts import MadeEffort, make_efforts
from export.exits import add_exits, can_exit
from export.fuse import fuse_for_cpu
from export.importance import token_importance
from export.masks import skip_full_masks
from export.quantize import quantize
from export.reviews import FEWEST, Encoded
from export.smooth import smooth

# As many, drawn by lot, show what tokens are looked at: 384 numbers for each layer, from 90,000
# tokens.
_LOOKED_AT = 400


@dataclass(frozen=True, slots=True)
class Examples:
    """The texts that the graph is fitted to, as the bundle will read them.

    Attributes:
        typical: token ids of some, which show the range of each activation.
        held_back: the reviews held back from training.
        others: short ones, which the confidence is to hold for too; None are none.
    """

    typical: Sequence[Sequence[int]]
    held_back: Encoded
    others: Encoded | None


@dataclass(frozen=True, slots=True)
class Efforts:
    """The ways to stop early, by name.

    Attributes:
        made: what was found.
        exact: a graph with the same classifiers in fp32, to tell what int8 changes.
    """

    made: Mapping[str, MadeEffort]
    exact: bytes


def make_int8(
    traced: Path,
    target: Path,
    checkpoint: Checkpoint,
    examples: Examples,
    tell: Callable[[str], None],
) -> Efforts | None:
    """Make the graph.

    It stops early where there are enough reviews to tell what a hundredth of a point is; int8
    alone does, for a batch on a GPU would wait for its last text at each layer.

    Args:
        traced: the fp32 graph, beside which temporary files are put.
        target: the file to make.
        checkpoint: the model it came from.
        examples: what it is fitted to.
        tell: is told what is being done.

    Returns:
        How it stops early; None where it does not.
    """
    fused, smoothed, exact = (
        traced.with_name(f"{name}.onnx") for name in ("fused", "smoothed", "exact")
    )
    fuse_for_cpu(traced, checkpoint, fused)
    smooth(fused, smoothed, examples.typical)
    quantize(smoothed, target, examples.typical)
    efforts, held_back = None, examples.held_back
    if len(held_back.reviews) >= FEWEST and can_exit(target, checkpoint.exits):
        some = held_back.some_beginnings(_LOOKED_AT)
        tell(f"finding which tokens matter on {len(some):,} reviews")
        importance = token_importance(traced, some)
        tell(f"finding where to stop on {len(held_back.reviews):,} reviews")
        if len(importance) != len(checkpoint.exits):
            importance = []
        trained = Classifiers(checkpoint.exits, checkpoint.ngrams, importance)
        mixed, made = make_efforts(target, trained, held_back, examples.others)
        add_exits(fused, exact, mixed)
        skip_full_masks(exact)
        efforts = Efforts(made, exact.read_bytes())
    skip_full_masks(target)
    return efforts
