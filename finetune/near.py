"""Which texts are nearly the same: MinHash over runs of three words, and every hit checked.

Two texts are near when of all the different three-word runs in either one, at least 60 %
stand in both (Jaccard similarity). The pairs that are worth checking come from MinHash
signatures cut into bands (Broder 1997; Leskovec et al., "Mining of Massive Datasets",
chapter 3): time and memory grow with the number of texts, not with that of the pairs.

Looked at beside it: datasketch does the same in three times the time, without the check, and is
one package more; rapidfuzz and TF-IDF cosines compare every pair of texts.
"""

from __future__ import annotations

import re
import zlib
from array import array
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

# At 0.6 IMDB's pairs are one review that its author changed; at 0.4 they are two reviews
# with one beginning.
_SIMILAR = 0.6
# Of fewer words a single one can turn the meaning, so only the very same text is a copy.
_FEWEST_WORDS = 20
_BANDS, _ROWS = 32, 4  # of the pairs at 0.6 one in a hundred is missed, at 0.7 one in 5,000
_SEED = 20_210_101
# Scripts without blanks between words: each of their letters counts as a word.
_DENSE = "\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
_WORD = re.compile(rf"[{_DENSE}]|(?:(?![{_DENSE}])[^\W_])+")
_REMEMBERED = 4096


def words(text: str) -> list[str]:
    """The words of a text, in lower case; each letter of Chinese and Japanese is one."""
    return _WORD.findall(text.casefold())


def near_groups(texts: Sequence[str]) -> NDArray[np.int64]:
    """Numbers the groups of texts that are near each other, directly or by way of others.

    A text of fewer than 20 words is near to none.

    Returns:
        The group of each text, shape (n,); whoever is alone has a group of its own.
    """
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    runs = lru_cache(_REMEMBERED)(lambda i: _runs(texts[i]))
    pairs = [pair for pair in _candidates(texts) if _similarity(*map(runs, pair)) >= _SIMILAR]
    first, second = np.array(pairs, np.int64).reshape(-1, 2).T
    graph = coo_matrix((np.ones(len(pairs), bool), (first, second)), (len(texts),) * 2)
    groups: NDArray[np.int64] = connected_components(graph, directed=False)[1]
    return groups


def _runs(text: str) -> NDArray[np.uint64]:
    """The hashes of the different three-word runs of a text, sorted; none of a short text."""
    found = words(text)
    if len(found) < _FEWEST_WORDS:
        return np.zeros(0, np.uint64)
    hashes = np.array([zlib.crc32(w.encode("utf-8", "surrogatepass")) for w in found], np.uint64)
    odd = _odd_numbers(3)
    return np.unique(hashes[:-2] * odd[0] + hashes[1:-1] * odd[1] + hashes[2:] * odd[2])


def _odd_numbers(size: int) -> NDArray[np.uint64]:
    """Random odd numbers of 64 bits: a multiplication by one, modulo 2**64, is a hash."""
    drawn = np.random.default_rng(_SEED).integers(0, 2**63, size, dtype=np.uint64)
    odd: NDArray[np.uint64] = drawn * np.uint64(2) + np.uint64(1)
    return odd


def _candidates(texts: Sequence[str]) -> set[tuple[int, int]]:
    """Pairs with a band in common: each text with the first of its kind and the one before.

    That is enough to connect a group, and keeps a thousand copies from being half a million
    pairs.
    """
    places, keys = _band_keys(texts)
    pairs: set[tuple[int, int]] = set()
    for band in keys.T:
        order = np.argsort(band, kind="stable")
        _, starts, sizes = np.unique(band[order], return_index=True, return_counts=True)
        first = np.repeat(order[starts], sizes)
        before = np.concatenate([order[:1], order[:-1]])
        follows = order != first
        for other in (first, before):
            low, high = places[other[follows]], places[order[follows]]
            pairs.update(zip(low.tolist(), high.tolist(), strict=True))
    return pairs


def _band_keys(texts: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.uint32]]:
    """The places of the texts that have runs, and a number for each band of each: 128 bytes."""
    factors = _odd_numbers(_BANDS * _ROWS)
    mixers = _odd_numbers(_ROWS)
    high = np.uint64(32)
    places, keys = array("q"), bytearray()
    for i, text in enumerate(texts):
        runs = _runs(text)
        if len(runs):
            smallest = ((runs[:, None] * factors) >> high).min(axis=0).reshape(_BANDS, _ROWS)
            places.append(i)
            # Where two bands get one number by chance, the check of the pair sorts it out.
            keys += (((smallest * mixers).sum(axis=1)) >> high).astype(np.uint32).tobytes()
    return np.array(places, np.int64), np.frombuffer(keys, np.uint32).reshape(-1, _BANDS)


def _similarity(first: NDArray[np.uint64], second: NDArray[np.uint64]) -> float:
    shared = len(np.intersect1d(first, second, assume_unique=True))
    return shared / (len(first) + len(second) - shared)
