"""A graph's weights in the parts that run one after another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def share_out(weights: Sequence[Any], parts: Sequence[Sequence[Any]]) -> list[list[Any]]:
    """The weights of each part; what several need is the first one's, whom all can see."""
    users: dict[str, set[int]] = {}
    for number, part in enumerate(parts):
        for node in part:
            for name in node.input:
                users.setdefault(name, set()).add(number)
    shares: list[list[Any]] = [[] for _ in parts]
    for weight in weights:
        if using := users.get(weight.name):
            shares[min(using) if len(using) == 1 else 0].append(weight)
    return shares
