"""The execution providers of onnxruntime: which there are, and whether they do the work."""

from __future__ import annotations

import contextlib
import io
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from score.errors import UnavailableError

logger = logging.getLogger(__name__)

PROVIDERS = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
    "dml": "DmlExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
}
"""The provider names of the command line and onnxruntime's own."""

PRECISIONS = {
    "cpu": ("int8", "fp32"),
    "cuda": ("fp16", "fp32", "int8"),
    "openvino": ("fp32", "int8"),
    "dml": ("fp16", "fp32", "int8"),
    "coreml": ("fp32", "fp16"),
}
"""The precisions that make sense on each provider, the best one first."""

WIDENED: Mapping[str, str] = {"cuda": "fp16", "dml": "fp16", "openvino": "fp32"}
"""Those that an int8 graph is written out for, and in which precision: see :mod:`score.widen`."""

EXTRAS = {"cuda": "gpu", "dml": "gpu", "openvino": "openvino"}
"""The extra that brings what a provider needs."""

IN_FLIGHT = {"cuda": 3}
"""How many batches are in work at once; one where it is not named. DirectML's sessions allow no
more."""

_INSTALL = {
    "cuda": "pip install 'thumbs[gpu]'",
    "openvino": "pip install 'thumbs[openvino]'",
    "dml": "pip install onnxruntime-directml (Windows)",
    "coreml": "use onnxruntime for macOS",
}


@dataclass(frozen=True, slots=True)
class Way:
    """One way to run a bundle.

    Attributes:
        provider: a key of :data:`PROVIDERS`, or ``auto``.
        precision: the precision to compute in; None is the best that there is for the provider.
    """

    provider: str
    precision: str | None = None

    def __str__(self) -> str:
        return ", ".join(filter(None, (self.provider, self.precision)))


def available_providers() -> list[str]:
    """The keys of :data:`PROVIDERS` that this onnxruntime has."""
    import onnxruntime

    there = onnxruntime.get_available_providers()
    return [name for name, own in PROVIDERS.items() if own in there]


def choose_provider(wanted: str, precisions: Sequence[str]) -> str:
    """The provider to run on.

    Args:
        wanted: a key of :data:`PROVIDERS`, or ``auto``: CUDA where it is there and the
            bundle has a graph for it, else the CPU. Whether others are faster differs from
            machine to machine: see :mod:`score.tuner`.
        precisions: what the bundle has.

    Raises:
        UnavailableError: a provider asked for by name is not there.
    """
    available = available_providers()
    if wanted == "auto":
        usable = "cuda" in available and set(PRECISIONS["cuda"]) & set(precisions)
        return "cuda" if usable else "cpu"
    if wanted not in available:
        raise UnavailableError(
            f"This onnxruntime has no {PROVIDERS[wanted]}: {_INSTALL[wanted]}, "
            "or leave out --provider."
        )
    return wanted


def preload(provider: str) -> None:
    """Load what a provider needs and the system may not find: CUDA, where pip installed it."""
    import onnxruntime

    if provider == "cuda" and hasattr(onnxruntime, "preload_dlls"):  # since 1.21
        # What is missing it says on standard output, where a table may go.
        with contextlib.redirect_stdout(io.StringIO()) as said:
            onnxruntime.preload_dlls()
        logger.debug("preload_dlls: %s", said.getvalue())


def check_placement(session: Any, wanted: str, name: str) -> None:
    """Check that a provider does the work itself: what it cannot run is given to the CPU.

    A few nodes that work on shapes are better there; the others are half of the graph at least.

    Args:
        session: a session of onnxruntime.
        wanted: onnxruntime's name of the provider.
        name: what error messages call the graph.

    Raises:
        UnavailableError: the CPU would do more than half.
    """
    if not hasattr(session, "get_provider_graph_assignment_info"):
        return  # before onnxruntime 1.24
    placed: Counter[str] = Counter()
    for part in session.get_provider_graph_assignment_info():
        placed[part.ep_name] += len(part.get_nodes())
    if placed.total() and placed[wanted] * 2 < placed.total():
        raise UnavailableError(
            f"{wanted} runs only {placed[wanted]} of the {placed.total()} nodes of {name}, the CPU "
            "would do the rest: say --provider cpu."
        )
