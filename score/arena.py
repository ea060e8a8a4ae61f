"""A limit on the memory of a graph's tensors, which a few bytes of it can ask for terabytes of.

How large a tensor becomes is known only when the graph runs, so onnxruntime has to be
stopped when it asks for the memory. It takes that from an arena of the session, which has
no limit, or from one that was registered for the process, which may have: each session
here gets such an arena of its own, and keeps it.
"""

from __future__ import annotations

import contextlib
import os
import threading
from typing import Any

from score import machine

_MIB = 1024**2

BASE_BYTES = 32 * _MIB
TOKEN_BYTES = 192 * 1024
PAIR_BYTES = 576
"""What a review in work may take: so much, and for each token and each pair of tokens.

The largest of the BERT family that a graph of 2 GiB can hold (DeBERTa xlarge: 1536 wide, 24
heads) has per token three rows of 6144 numbers alive at once and eight of 1536, 121 KiB,
and per pair six numbers in each head, 576 bytes; half as much again for the arena's gaps.
The model in the box needs a tenth of that.
"""

FOLDED_BYTES = 16 * _MIB
"""The most that a constant may have which is worked out while a graph is loaded."""

# Which arena a session takes is decided by the last one that was registered.
_registering = threading.Lock()


def memory_for(tokens: int, workers: int) -> int:
    """The bytes that a classifier may take for the tensors of one review, weights aside.

    Args:
        tokens: of the longest review.
        workers: reviews in work at once.

    Returns:
        What an honest one takes at most, and for all workers together no more than half of
        the memory that there is.
    """
    return min(
        BASE_BYTES + tokens * (TOKEN_BYTES + tokens * PAIR_BYTES), _physical() // 2 // workers
    )


def sessions_for(size: int) -> int:
    """How many sessions of a graph there may be, at least one.

    Args:
        size: bytes of the graph. A session takes up to twice as many for its weights, of which
            some are put into another order.
    """
    return max(1, _physical() // 2 // max(1, 2 * size))


def open_session(model: bytes, options: Any, most: int | None, **more: Any) -> Any:
    """Make a session whose tensors take at most so many bytes together.

    Args:
        model: the ONNX file.
        options: onnxruntime's session options.
        most: the limit; None is none. What goes beyond fails like any computation.
        more: what the session takes beside.
    """
    import onnxruntime

    options.add_session_config_entry(
        "optimization.constant_folding_max_output_size_in_bytes", str(FOLDED_BYTES)
    )
    if most is None:
        return onnxruntime.InferenceSession(model, options, **more)
    options.add_session_config_entry("session.use_env_allocators", "1")
    kind = onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR
    info = onnxruntime.OrtMemoryInfo("Cpu", kind, 0, onnxruntime.OrtMemType.DEFAULT)
    # -1 is onnxruntime's own choice; 0 doubles what is asked of the system, as its own do.
    sizes = {"initial_chunk_size_bytes": -1, "max_dead_bytes_per_chunk": -1}
    arena = onnxruntime.OrtArenaCfg({"max_mem": most, "arena_extend_strategy": 0, **sizes})
    with _registering:
        onnxruntime.create_and_register_allocator(info, arena)
        return onnxruntime.InferenceSession(model, options, **more)


def _physical() -> int:
    """Bytes of memory of this computer, or of the part of it that a container may take.

    Where it does not say, as many as there could be.
    """
    there = 2**62
    with contextlib.suppress(AttributeError, ValueError, OSError):
        there = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return int(min(there, machine.memory_limit()))
