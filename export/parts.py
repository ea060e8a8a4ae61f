"""A graph's nodes and weights in the parts that run one after another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def cut(nodes: Sequence[Any], ends: Sequence[str]) -> list[list[Any]]:
    """The nodes that each of the named tensors needs beside those of the ones before it."""
    makers = {output: place for place, node in enumerate(nodes) for output in node.output}
    taken: set[int] = set()
    parts = []
    for end in ends:
        part: set[int] = set()
        waiting = [end]
        while waiting:
            place = makers.get(waiting.pop())
            if place is not None and place not in taken and place not in part:
                part.add(place)
                waiting.extend(nodes[place].input)
        taken |= part
        parts.append([nodes[place] for place in sorted(part)])
    return parts


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
