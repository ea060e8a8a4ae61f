"""A graph in onnxruntime, ready to be run from several threads.

On a CPU a run has one thread, and each worker has a session. What is run together there is of
one length, so that nothing is padded and no score can depend on a neighbour. On a GPU reviews
of like length run as a batch, and several batches at once in one session.
"""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from threading import BoundedSemaphore
from typing import TYPE_CHECKING, Any

import numpy as np

from score.arena import open_session, sessions_for
from score.errors import BundleError
from score.failures import not_finite, not_loaded, not_run, not_started
from score.lanes import BoundLane, Lane, PlainLane
from score.overflow import int8_overflows
from score.providers import IN_FLIGHT, PROVIDERS, check_placement, preload
from score.stopping import KEEP_RATIOS, THRESHOLDS, Stopping

if TYPE_CHECKING:
    from numpy.typing import NDArray

# On a CPU the fused kernel takes four times as long as the addition and the normalisation
# that it stands for: without it 12 % more reviews a second (onnxruntime 1.32, MiniLM).
_CPU_UNWANTED_FUSIONS = ["SkipLayerNormFusion"]

_NEEDED_INPUTS = frozenset({"input_ids", "attention_mask"})
_KNOWN_INPUTS = _NEEDED_INPUTS | {"token_type_ids"}

LAYERS = "layers"
"""The output that need not be there: the number of the layer that answered."""

MOST_LAYERS = 1000
"""The most layers that a graph may tell of."""

UNTOLD = -1
"""The number of layers where a graph does not tell; 0 is an answer before the first one."""

BATCH_TOKENS = 16_384
"""The most tokens, padding included, of one batch on a GPU."""


class Engine:
    """An ONNX graph, ready to run. Safe to use from several threads.

    On a CPU there are as many sessions as there were ever runs at once, if their weights leave
    half of the computer's memory free; more runs wait. Two threads in one session wait for each
    other whenever a tensor is made or dropped: of sentences they run, at times, no more than one
    thread does (onnxruntime 1.32, two cores, 14 tokens). On a GPU there is one session.

    Args:
        model: the ONNX file.
        provider: a key of :data:`score.providers.PROVIDERS`.
        name: what error messages call the graph.
        classes: how many logits it has to give; None is any number.
        memory: the most bytes that the tensors of one run may take on a CPU; None is any
            number.
        stopping: when it answers early; None leaves that as the graph has it.

    Attributes:
        identity: what of the engine decides a score: version, provider and settings.

    Raises:
        BundleError: onnxruntime refuses the graph, or it is no classifier of texts.
        UnavailableError: the provider is there but does not start, has too little memory, or
            leaves the work to the CPU.
    """

    def __init__(
        self,
        model: bytes,
        provider: str = "cpu",
        name: str = "the graph",
        *,
        classes: int | None = None,
        memory: int | None = None,
        stopping: Stopping | None = None,
    ) -> None:
        import onnxruntime

        self.provider = provider
        self._exact = provider == "cpu" and int8_overflows()
        settings = " x64quantprecision" if self._exact else ""
        self.identity = f"onnxruntime {onnxruntime.__version__} {provider}{settings}"
        self._model = model
        self._memory = memory if provider == "cpu" else None
        self._classes = classes
        self._name = name
        session = self._open()
        _check_signature(session, name)
        self._inputs = [one.name for one in session.get_inputs()]
        self._outputs = [one for one in ("logits", LAYERS) if one in _outputs(session)]
        self._optional: dict[str, NDArray[np.float32]] = {}
        for option, numbers in (stopping.inputs if stopping else {}).items():
            _check_optional(session, name, option, len(numbers))
            self._optional[option] = np.asarray(numbers, np.float32)
        self._session = session
        self._idle = deque([self._lane_of(session)])
        self._room = BoundedSemaphore(self.in_flight if self.batched else sessions_for(len(model)))

    def _open(self) -> Any:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        # Shapes change from review to review: a pattern would be planned for each anew.
        options.enable_mem_pattern = False
        options.log_severity_level = 4
        # Else the bytes may be of a format that nothing has looked through.
        options.add_session_config_entry("session.load_model_format", "ONNX")
        if self._exact:
            options.add_session_config_entry("session.x64quantprecision", "1")
        on_cpu, wanted = self.provider == "cpu", PROVIDERS[self.provider]
        if not on_cpu:
            preload(self.provider)
            # Who runs what is asked afterwards.
            options.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
        try:
            session = open_session(
                self._model,
                options,
                self._memory,
                providers=[wanted] if on_cpu else [wanted, PROVIDERS["cpu"]],
                disabled_optimizers=_CPU_UNWANTED_FUSIONS if on_cpu else [],
                # Else it says so on standard output, and takes the CPU.
                enable_fallback=0,
            )
        except Exception as exc:  # onnxruntime's errors have no common base
            raise not_loaded(exc, self.provider, self._name) from exc
        if session.get_providers()[0] != wanted:
            raise not_started(self.provider)
        if not on_cpu:
            check_placement(session, wanted, self._name)
        return session

    def _lane_of(self, session: Any) -> Lane:
        return BoundLane(session) if self.batched else PlainLane(session)

    @contextlib.contextmanager
    def _lane(self) -> Iterator[Lane]:
        """A lane that nobody else runs."""
        with self._room:
            try:
                lane = self._idle.pop()
            except IndexError:
                lane = self._lane_of(self._session if self.batched else self._open())
            try:
                yield lane
            finally:
                self._idle.append(lane)

    @property
    def batched(self) -> bool:
        """Whether reviews should come in large batches, padded."""
        return self.provider != "cpu"

    @property
    def in_flight(self) -> int:
        """How many batches should be in work at once, where they are large."""
        return IN_FLIGHT.get(self.provider, 1)

    def logits(self, ids: Sequence[int]) -> NDArray[np.float32]:
        """Run one review.

        Args:
            ids: its token ids, marks included.

        Returns:
            Shape (classes,).
        """
        row: NDArray[np.float32] = self.run([ids])[0][0]
        return row

    def try_out(self, ids: Sequence[int]) -> None:
        """Run one review with all layers, also where it would stop before.

        Raises:
            BundleError: some layer fails.
            UnavailableError: the provider does.
        """
        never = dict(self._optional)
        if THRESHOLDS in never:
            never[THRESHOLDS] = np.full_like(never[THRESHOLDS], np.inf)
        self._run([ids], never)

    def run(self, batch: Sequence[Sequence[int]]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Run several reviews at once, padded to the longest.

        Args:
            batch: their token ids, marks included.

        Returns:
            The logits, shape (len(batch), classes), and how many layers each review was read
            with, shape (len(batch),): :data:`UNTOLD` where the graph does not tell.
        """
        return self._run(batch, self._optional)

    def _run(
        self, batch: Sequence[Sequence[int]], optional: Mapping[str, NDArray[np.float32]]
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        shape = (len(batch), max(len(ids) for ids in batch))
        with self._lane() as lane:
            feeds = lane.arrays(self._inputs, shape)
            for row, ids in enumerate(batch):
                feeds["input_ids"][row, : len(ids)] = ids
                feeds["attention_mask"][row, : len(ids)] = 1
            try:
                logits, *told = lane.run(self._outputs, {**feeds, **optional})
            except Exception as exc:  # onnxruntime's errors have no common base
                raise not_run(exc, self.provider) from exc
        answer = np.asarray(logits, np.float32)
        if answer.shape != (len(batch), self._classes or answer.shape[-1]):
            raise BundleError(
                f"{self._name} gives numbers of the shape {answer.shape} for {len(batch)} reviews "
                f"and {self._classes or 'any number of'} labels. Export the bundle again."
            )
        if not np.isfinite(answer).all():
            raise not_finite(self.provider, self._name)
        if not told:
            return answer, np.full(len(batch), UNTOLD)
        (layers,) = told
        if layers.size != len(batch) or not ((layers >= 0) & (layers <= MOST_LAYERS)).all():
            raise BundleError(
                f"{self._name} tells nonsense of how deep it read {len(batch)} reviews. Export the "
                "bundle again."
            )
        return answer, layers.reshape(-1)


def _check_signature(session: Any, name: str) -> None:
    """Check what goes in and comes out by its name and type."""
    inputs = {one.name: one.type for one in session.get_inputs()}
    outputs = _outputs(session)
    fit = _NEEDED_INPUTS <= inputs.keys() <= _KNOWN_INPUTS
    if not fit or set(inputs.values()) != {"tensor(int64)"}:
        raise BundleError(
            f"{name} has the inputs {', '.join(sorted(inputs)) or 'none'}; a classifier of texts "
            "has input_ids and attention_mask as int64, and perhaps token_type_ids."
        )
    if outputs.get("logits") not in {"tensor(float)", "tensor(float16)"}:
        raise BundleError(
            f"{name} has the outputs {', '.join(sorted(outputs)) or 'none'}; a classifier of "
            "texts has logits as float."
        )
    if outputs.get(LAYERS, "tensor(int64)") != "tensor(int64)":
        raise BundleError(f"{name} tells its {LAYERS} as no int64. Export the bundle again.")


def _outputs(session: Any) -> dict[str, str]:
    """The type of each output."""
    return {one.name: one.type for one in session.get_outputs()}


def _check_optional(session: Any, name: str, option: str, number: int) -> None:
    """Check that a graph has so many early classifiers, or places to leave tokens out."""
    shapes = {one.name: one.shape for one in session.get_overridable_initializers()}
    if shapes.get(option) != [number]:
        places = {
            THRESHOLDS: "early classifiers",
            KEEP_RATIOS: "layers to leave tokens out behind",
        }
        raise BundleError(
            f"{name} has no {number} {places[option]}, as its bundle says. Export it again."
        )
