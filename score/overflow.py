"""Whether this processor's products of int8 overflow where they are added up.

Processors with VNNI add four products of an unsigned and a signed byte in 32 bits. Others add
two of them in 16 first, and what does not fit is cut off: with AVX2, 2 * 255 * 127 becomes
32767. Then a bundle would score otherwise there. onnxruntime can take unsigned weights
instead, which is exact everywhere, and slower where it is not needed: half as slow again.

No table of processors is asked, but onnxruntime itself, with one product of known value.
"""

from __future__ import annotations

from functools import cache

import numpy as np

# MatMulInteger of x, uint8, and w, int8, to y, int32, of any size.
_PRODUCT = (
    b'\x08\x08\x12\x00:b\n\x18\n\x01x\n\x01w\x12\x01y"\rMatMulInteger\x12\x01gZ\x15\n\x01x\x12\x10'
    b"\n\x0e\x08\x02\x12\n\n\x03\x12\x01m\n\x03\x12\x01kZ\x15\n\x01w\x12\x10\n\x0e\x08\x03\x12\n"
    b"\n\x03\x12\x01k\n\x03\x12\x01nb\x15\n\x01y\x12\x10\n\x0e\x08\x06\x12\n\n\x03\x12\x01m\n\x03"
    b"\x12\x01nB\x04\n\x00\x10\n"
)
_TERMS, _COLUMNS = 32, 16


@cache
def int8_overflows() -> bool:
    """Whether the largest products are added up wrongly; asked once in a process."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(_PRODUCT, options, providers=["CPUExecutionProvider"])
    largest, weight = np.iinfo(np.uint8).max, np.iinfo(np.int8).max
    feeds = {
        "x": np.full((1, _TERMS), largest, np.uint8),
        "w": np.full((_TERMS, _COLUMNS), weight, np.int8),
    }
    (sums,) = session.run(None, feeds)
    return bool((np.asarray(sums) != _TERMS * largest * weight).any())
