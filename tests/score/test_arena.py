"""A graph's tensors have a limit that no honest graph meets, and each session its own."""

from __future__ import annotations

from array import array
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from score import arena
from score.arena import BASE_BYTES, memory_for
from score.bundle import DEFAULT_BUNDLE, Bundle
from score.engine import Engine
from score.errors import BundleError
from tests.score.small_bundle import make_graph

MIB = 1024**2


def test_the_limit_follows_from_length_and_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the longest review may take; for all workers half of the memory is the most."""
    monkeypatch.setattr(arena, "_physical", lambda: 64 * 1024 * MIB)
    assert [memory_for(*one) // MIB for one in ((32, 1), (256, 1), (256, 2), (512, 16))] == [
        38,
        116,
        116,
        272,
    ]
    assert memory_for(8192, 64) == 512 * MIB


def test_each_session_keeps_its_own_limit() -> None:
    """A later session with a smaller or larger limit changes nothing for an earlier one."""
    graph = make_graph().SerializeToString()
    large, small, free = (Engine(graph, memory=one) for one in (256 * MIB, BASE_BYTES, None))
    ids = array("q", [1]) * 4_000_000
    assert large.logits(ids).shape == (2,)
    with pytest.raises(BundleError, match="is smaller than requested bytes"):
        small.logits(ids)
    assert (large.logits(ids).shape, free.logits(ids).shape) == ((2,), (2,))


def test_the_model_in_the_box_needs_a_quarter() -> None:
    """A review of full length runs within a quarter of what it may take, four at once too."""
    bundle = Bundle.load(DEFAULT_BUNDLE)
    tokens = bundle.description.truncation.max_tokens
    graph = bundle.read_graph(bundle.graph("int8"))
    free, tight = Engine(graph), Engine(graph, memory=memory_for(tokens, 1) // 4)
    reviews = [np.random.default_rng(i).integers(5, 9_000, tokens).tolist() for i in range(16)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(tight.logits, reviews))
    assert [one.tolist() for one in found] == [free.logits(one).tolist() for one in reviews]
