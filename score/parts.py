"""The parts of a graph: its branches, and the nodes that a tensor is made of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any


def with_branches(graph: Any) -> Iterator[Any]:
    """A graph, and each that is a branch in it."""
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from with_branches(attribute.g)


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
