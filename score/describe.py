"""A bundle in words: what it is, how good it is, and what it was made from."""

from __future__ import annotations

from score.bundle import Bundle


def describe(bundle: Bundle) -> str:
    """Several lines for people, from the bundle's own manifest."""
    facts = bundle.description.provenance
    size = sum(path.stat().st_size for path in bundle.folder.iterdir()) / 1e6
    return str(facts) + str(size)
