"""A graph's tensors have a limit that no honest graph meets, and each session its own."""

from __future__ import annotations

import os
from array import array
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from score import arena, machine
from score.arena import BASE_BYTES, memory_for, sessions_for
from score.bundle import DEFAULT_BUNDLE, Bundle
from score.engine import Engine
from score.errors import BundleError
from score.scorer import Scorer, ScorerSettings
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


@pytest.mark.parametrize(
    ("told", "files", "expected"),
    [
        ("0::/\n", {"memory.max": "4294967296\n"}, 4096),
        ("0::/\n", {"memory.max": "max\n"}, None),
        ("0::/\n", {"memory.max": "99999999999999999\n"}, None),
        ("0::/\n", {"memory.max": "nonsense"}, None),
        ("0::/a/b\n", {"a/memory.max": f"{2 << 30}", "a/b/memory.max": f"{3 << 30}"}, 2048),
        ("", {"memory/memory.limit_in_bytes": f"{1 << 30}\n"}, 1024),
        ("5:memory:/a\n4:cpu:/b\n", {"memory/a/memory.limit_in_bytes": f"{1 << 30}\n"}, 1024),
        ("5:memory:/a\n4:cpu:/b\n", {"memory/b/memory.limit_in_bytes": f"{1 << 30}\n"}, None),
        ("5:memory:/\n", {"memory/memory.limit_in_bytes": "9223372036854771712\n"}, None),
        ("5:memory:/\n", {"memory/memory.limit_in_bytes": "-1\n"}, None),
    ],
)
def test_a_container_has_less_memory_than_its_computer(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    told: str,
    files: dict[str, str],
    expected: int | None,
) -> None:
    """The least that its groups allow, of either version; without a limit what the computer has."""
    monkeypatch.setattr(machine, "_CONTAINER", tmp_path / "container")
    monkeypatch.setattr(machine, "_GROUPS", tmp_path / "groups")
    monkeypatch.setattr(os, "sysconf", {"SC_PHYS_PAGES": 16 << 20, "SC_PAGE_SIZE": 4096}.get)
    (tmp_path / "groups").write_text(told)
    for name, text in files.items():
        (tmp_path / "container" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "container" / name).write_text(text)
    there = expected or 64 * 1024
    assert memory_for(8192, 64) == there * MIB // 2 // 64
    assert sessions_for(32 * MIB) == there // 128


def test_more_workers_than_sessions_do_not_starve_a_review(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A container of 1 GiB on a computer of 64 cores: ten sessions share half of it."""
    monkeypatch.setattr(arena, "_physical", lambda: 1024 * MIB)
    with Scorer(None, ScorerSettings(workers=64, effort="high")) as scorer:
        assert scorer.score(["Not a dull moment in it. " * 60])[0].label


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
