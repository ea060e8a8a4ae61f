"""One run at a time of a session: where the numbers lie that go in, and how they get there.

On a CPU that is an array for each review. A GPU is given batches, from several threads, so
that it computes one while another is padded and a third comes back; each thread has buffers
of its own, which are taken again for the next batch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Lane(Protocol):
    """What a batch is run on; no two threads may use it at once."""

    def arrays(self, names: Sequence[str], shape: tuple[int, int]) -> dict[str, NDArray[np.int64]]:
        """Zeros to fill, one array for each name; they hold until the next call."""

    def run(self, outputs: Sequence[str], feeds: Mapping[str, NDArray[Any]]) -> list[NDArray[Any]]:
        """The named outputs for what is fed."""


class PlainLane:
    """A session of onnxruntime that is fed as it comes.

    Args:
        session: the session.
    """

    def __init__(self, session: Any) -> None:
        self._session = session

    def arrays(self, names: Sequence[str], shape: tuple[int, int]) -> dict[str, NDArray[np.int64]]:
        """Zeros to fill, one array for each name."""
        return {name: np.zeros(shape, np.int64) for name in names}

    def run(self, outputs: Sequence[str], feeds: Mapping[str, NDArray[Any]]) -> list[NDArray[Any]]:
        """The named outputs for what is fed."""
        found: list[NDArray[Any]] = self._session.run(list(outputs), dict(feeds))
        return found


class BoundLane:
    """A session that others run too, fed from buffers that stay where they are.

    onnxruntime copies them to the GPU in the moment that they are bound, and the outputs back
    before the run ends. They are no pinned memory: its Python interface has none for CUDA, and
    the tokens of a batch are 128 KiB, a few microseconds.

    Args:
        session: the session.
    """

    def __init__(self, session: Any) -> None:
        self._session = session
        self._binding = session.io_binding()
        self._buffers: dict[str, NDArray[np.int64]] = {}

    def arrays(self, names: Sequence[str], shape: tuple[int, int]) -> dict[str, NDArray[np.int64]]:
        """Zeros to fill, the first places of a buffer for each name."""
        size = shape[0] * shape[1]
        found = {}
        for name in names:
            if name not in self._buffers or self._buffers[name].size < size:
                self._buffers[name] = np.empty(size, np.int64)
            found[name] = self._buffers[name][:size].reshape(shape)
            found[name].fill(0)
        return found

    def run(self, outputs: Sequence[str], feeds: Mapping[str, NDArray[Any]]) -> list[NDArray[Any]]:
        """The named outputs for what is fed."""
        for name, array in feeds.items():
            self._binding.bind_cpu_input(name, array)
        # Anew each time: of what is bound already the shape would have to stay.
        self._binding.clear_binding_outputs()
        for name in outputs:
            self._binding.bind_output(name)
        self._session.run_with_iobinding(self._binding)
        found: list[NDArray[Any]] = self._binding.copy_outputs_to_cpu()
        return found
