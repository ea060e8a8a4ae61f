"""The execution providers of onnxruntime: which there are, and whether they do the work."""

from __future__ import annotations

import contextlib
import io
import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from score.errors import UnavailableError
from score.extras import version_of

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
    "coreml": ("fp32", "fp16", "int8"),
}
"""The precisions that make sense on each provider, the best one first."""

WIDENED: Mapping[str, str] = {"cuda": "fp16", "dml": "fp16", "openvino": "fp32", "coreml": "fp32"}
"""Those that an int8 graph is written out for, and in which precision: see :mod:`score.widen`."""

EXTRAS = {"cuda": "gpu", "openvino": "openvino"}
"""The extra that brings what a provider needs. The others have none: [gpu] would put its own
onnxruntime over DirectML's."""

DISTRIBUTIONS = {
    "cpu": "onnxruntime",
    "cuda": "onnxruntime-gpu",
    "openvino": "onnxruntime-openvino",
    "dml": "onnxruntime-directml",
}
"""What pip calls the onnxruntime of a provider. All of them install the same files."""

IN_FLIGHT = {"cuda": 3}
"""How many batches are in work at once; one where it is not named. DirectML's sessions allow no
more."""

_INSTALL = {
    "cuda": "pip install 'thumbs[gpu]'",
    "openvino": "pip install 'thumbs[openvino]'",
    "dml": "pip install onnxruntime-directml (Windows)",
    "coreml": "use onnxruntime for macOS",
}

# Where a classifier spends its time, in each of onnxruntime's spellings.
_HEAVY = re.compile("matmul|gemm|attention", re.IGNORECASE)


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
            f"This onnxruntime has no {PROVIDERS[wanted]}: {_remedy(wanted)}, "
            "or leave out --provider."
        )
    return wanted


def _remedy(wanted: str) -> str:
    """How to get a provider that is not there."""
    usual, own = DISTRIBUTIONS["cpu"], DISTRIBUTIONS.get(wanted, DISTRIBUTIONS["cpu"])
    if own != usual and version_of(usual) and version_of(own):
        return (
            f"{usual} and {own} are both installed and one overwrote the other; "
            f"pip install --force-reinstall --no-deps {own}"
        )
    return _INSTALL[wanted]


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

    The work is in the products and the attention, of which the CPU may do the smaller part. How
    many nodes there are beside says nothing: a few on shapes are better there.

    Args:
        session: a session of onnxruntime.
        wanted: onnxruntime's name of the provider.
        name: what error messages call the graph.

    Raises:
        UnavailableError: the CPU would do more than half, or nothing is known to be done.
    """
    if not hasattr(session, "get_provider_graph_assignment_info"):
        return  # before onnxruntime 1.24
    placed = [
        (part.ep_name, bool(_HEAVY.search(node.op_type)))
        for part in session.get_provider_graph_assignment_info()
        for node in part.get_nodes()
    ]
    if not placed:
        raise UnavailableError(f"{wanted} runs nothing of {name}: say --provider cpu.")
    # A graph that has no such nodes has nothing but light ones to judge by.
    places = [where for where, heavy in placed if heavy] or [where for where, _ in placed]
    own = places.count(wanted)
    if own * 2 < len(places):
        raise UnavailableError(
            f"{wanted} runs only {own} of the {len(places)} nodes of {name} that do the work, the "
            "CPU would do the rest: say --provider cpu."
        )
