"""A graph's nodes, in the parts that tensors are made of."""

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
