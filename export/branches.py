"""The graph of :mod:`export.exits`: a part for each classifier that a text may stop at.

What is read after a classifier stands in a branch of its own, and so on inwards. Names are the
whole graph's: a branch sees those around it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from export.classifiers import Classifiers
from export.layers import hidden_states
from export.ngrams import LOGITS, ngram_nodes
from export.parts import (
    SHARES,
    branch,
    cast_masks,
    share_out,
    stopping,
    tensors,
    token_shares,
    told,
)
from export.pruning import prune
from export.pruning import shared as for_pruning
from score.engine import LAYERS
from score.parts import cut
from score.stopping import KEEP_RATIOS, NEVER, THRESHOLDS

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LAST = "last_logits"


@dataclass(frozen=True, slots=True)
class _Stop:
    """A place where a text may be answered.

    Attributes:
        name: what its own tensors' names begin with; ``NAME_logits`` are what it says.
        layers: how many layers were read by then.
        carried: what is read on with, cut down to the texts that it is not sure of.
        further: the nodes between it and the next stop.
        weights: theirs.
    """

    name: str
    layers: int
    carried: tuple[str, ...]
    further: Sequence[Any]
    weights: Sequence[Any]


class Branches:
    """The parts of the graph, one for each place that it can stop at and one for the rest."""

    def __init__(self, model: Any, classifiers: Classifiers) -> None:
        self._model = model
        self._exits = classifiers.exits
        self._temperature = classifiers.temperature
        self._ngrams = ngrams = classifiers.ngrams
        self._importance = classifiers.importance
        states = hidden_states(model)[:-1]
        self._masks = cast_masks(model.graph.node)
        carried = [*self._masks, SHARES, *([LOGITS] if ngrams else [])]
        (output,) = model.graph.output
        self._output = output
        for node in model.graph.node:
            node.output[:] = [_LAST if one == output.name else one for one in node.output]
        parts = cut(model.graph.node, [*states, _LAST])
        # What several parts need stands outside of them all.
        shared, *weights = share_out(model.graph.initializer, [[], *parts])
        self._shared = shared
        self._first = [*parts[0], *token_shares()]
        self._first_weights = weights[0]
        self._stops = [
            _Stop(f"exit_{i}_", i + 1, (state, *carried), parts[i + 1], weights[i + 1])
            for i, state in enumerate(states)
        ]
        if ngrams:
            inputs = (*(one.name for one in model.graph.input), LOGITS)
            self._stops.insert(0, _Stop("exit_ngrams_", 0, inputs, self._first, weights[0]))

    def model(self) -> Any:
        """The whole graph."""
        from onnx import TensorProto, helper

        nodes, weights = self._from(0, {})
        begin = [] if self._ngrams else self._first
        first = self._stops[0].name
        nodes = [
            *begin,
            *nodes,
            helper.make_node("Identity", [f"{first}answer"], [self._output.name]),
            helper.make_node("Identity", [f"{first}layers"], [LAYERS]),
        ]
        shared: dict[str, NDArray[Any]] = {
            THRESHOLDS: np.full(len(self._stops), NEVER, np.float32),
            "exit_first_axis": np.array([0], np.int64),
            "exit_axis": np.array([1], np.int64),
            "exit_last_axis": np.array([-1], np.int64),
            "exit_temperature": np.array(self._temperature, np.float32),
        }
        if self._importance:
            choosing, numbers = for_pruning(len(self._exits) + 1)
            nodes, shared = [*choosing, *nodes], {**shared, **numbers}
        optional = [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, shared[name].shape)
            for name in (THRESHOLDS, KEEP_RATIOS)
            if name in shared
        ]
        layers = helper.make_tensor_value_info(LAYERS, TensorProto.INT64, [None, 1])
        graph = helper.make_graph(
            nodes,
            self._model.graph.name,
            [*self._model.graph.input, *optional],
            [self._output, layers],
            initializer=[
                *self._shared,
                *([] if self._ngrams else self._first_weights),
                *weights,
                *tensors(shared),
            ],
        )
        return helper.make_model(
            graph,
            opset_imports=self._model.opset_import,
            ir_version=self._model.ir_version,
        )

    def _from(self, place: int, names: Mapping[str, str]) -> tuple[list[Any], list[Any]]:
        """What answers at a stop: the classifier there, or what is further down.

        Args:
            place: of the stop; behind the last one the network's own head answers.
            names: what the tensors are called that hold only the texts which got so far.

        Returns:
            Its nodes, which make ``NAME_answer`` and ``NAME_layers``, and its weights.
        """
        from onnx.helper import make_node as node

        if place == len(self._stops):
            return self._head()
        stop = self._stops[place]
        own = stop.name
        nodes, arrays = self._classifier(stop, names)
        arrays |= {
            f"{own}place": np.array(place, np.int64),
            f"{own}number": np.array([[stop.layers]], np.int64),
        }
        nodes = [
            *nodes,
            node("Div", [f"{own}logits", "exit_temperature"], [f"{own}scaled"]),
            node("Softmax", [f"{own}scaled"], [f"{own}shares"], axis=-1),
            # Shape (n, 1): the logits have one row for each text.
            node("ReduceMax", [f"{own}shares", "exit_last_axis"], [f"{own}top"]),
            node("ReduceMin", [f"{own}top"], [f"{own}least"], keepdims=0),
            node("Gather", [THRESHOLDS, f"{own}place"], [f"{own}threshold"]),
            node("GreaterOrEqual", [f"{own}least", f"{own}threshold"], [f"{own}all_sure"]),
            node(
                "If",
                [f"{own}all_sure"],
                [f"{own}answer", f"{own}layers"],
                then_branch=stopping(own),
                else_branch=self._going_on(place, names),
            ),
        ]
        return nodes, tensors(arrays)

    def _classifier(
        self, stop: _Stop, names: Mapping[str, str]
    ) -> tuple[list[Any], dict[str, NDArray[Any]]]:
        """The nodes that make a stop's logits, shape (n, classes), and their weights."""
        from onnx.helper import make_node as node

        own = stop.name
        if stop.layers == 0:
            assert self._ngrams is not None  # noqa: S101 - only then there is such a stop
            nodes, arrays = ngram_nodes(self._ngrams)
            factor = np.array(self._ngrams.factor, np.float32)
            nodes.append(node("Mul", [LOGITS, f"{own}factor"], [f"{own}logits"]))
            return nodes, {**arrays, f"{own}factor": factor}
        classifier = self._exits[stop.layers - 1]
        scale = np.float32(1.0 if self._ngrams else classifier.factor)
        arrays = {
            f"{own}weight": np.ascontiguousarray(classifier.weight.T * scale, np.float32),
            f"{own}bias": classifier.bias.astype(np.float32) * scale,
        }
        shares, state = names.get(SHARES, SHARES), stop.carried[0]
        said = f"{own}read" if self._ngrams else f"{own}logits"
        nodes = [
            # The mean over the tokens, shape (n, 1, width), then without its middle axis.
            node("MatMul", [shares, state], [f"{own}row"]),
            node("Squeeze", [f"{own}row", "exit_axis"], [f"{own}mean"]),
            node("MatMul", [f"{own}mean", f"{own}weight"], [f"{own}product"]),
            node("Add", [f"{own}product", f"{own}bias"], [said]),
        ]
        if self._ngrams:
            for name in ("factor", "ngrams", "alone"):
                arrays[f"{own}{name}"] = np.array(getattr(classifier, name), np.float32)
            heard = names.get(LOGITS, LOGITS)
            nodes += [
                # All n-gram logits are 0 where nothing is said, and else none to the last bit.
                node("Equal", [heard, "ngram_nothing"], [f"{own}unheard"]),
                node("Where", [f"{own}unheard", f"{own}alone", f"{own}factor"], [f"{own}weighs"]),
                node("Mul", [said, f"{own}weighs"], [f"{own}own"]),
                node("Mul", [heard, f"{own}ngrams"], [f"{own}heard"]),
                node("Add", [f"{own}own", f"{own}heard"], [f"{own}logits"]),
            ]
        return nodes, arrays

    def _head(self) -> tuple[list[Any], list[Any]]:
        """What the network says behind its last layer."""
        from onnx.helper import make_node as node

        own = "exit_last_"
        nodes = [
            node("Identity", [_LAST], [f"{own}answer"]),
            node("ReduceMax", [_LAST, "exit_last_axis"], [f"{own}top"]),
            node("IsNaN", [f"{own}top"], [f"{own}each"]),
            told(f"{own}each", own, "layers"),
        ]
        return nodes, tensors({f"{own}number": np.array([[len(self._exits) + 1]], np.int64)})

    def _going_on(self, place: int, names: Mapping[str, str]) -> Any:
        """The branch that the texts go into which a classifier is not sure of."""
        from onnx.helper import make_node as node

        stop = self._stops[place]
        own = stop.name
        below = self._stops[place + 1].name if place + 1 < len(self._stops) else "exit_last_"
        kept = {name: f"{own}kept_{i}" for i, name in enumerate(stop.carried)}
        choosing, arrays, left = self._choosing(stop, kept)
        for deeper in stop.further:
            deeper.input[:] = [left.get(name, name) for name in deeper.input]
        # What the branch makes anew, such as the masks, is of these texts alone already.
        nodes, weights = self._from(place + 1, left)
        nodes = [
            node("GreaterOrEqual", [f"{own}top", f"{own}threshold"], [f"{own}sure"]),
            node("Not", [f"{own}sure"], [f"{own}unsure"]),
            node("Squeeze", [f"{own}unsure", "exit_axis"], [f"{own}flat"]),
            node("NonZero", [f"{own}flat"], [f"{own}found"]),
            node("Squeeze", [f"{own}found", "exit_first_axis"], [f"{own}places"]),
            node("Unsqueeze", [f"{own}places", "exit_axis"], [f"{own}column"]),
            *(
                node("Gather", [names.get(name, name), f"{own}places"], [ours])
                for name, ours in kept.items()
            ),
            *choosing,
            *stop.further,
            *nodes,
            node("ScatterND", [f"{own}logits", f"{own}column", f"{below}answer"], [f"{own}merged"]),
            told(f"{own}sure", own, "own_depths"),
            node(
                "ScatterND",
                [f"{own}own_depths", f"{own}column", f"{below}layers"],
                [f"{own}depths"],
            ),
        ]
        outputs = (f"{own}merged", f"{own}depths")
        return branch(f"{own}go_on", nodes, outputs, [*stop.weights, *tensors(arrays), *weights])

    def _choosing(
        self, stop: _Stop, kept: Mapping[str, str]
    ) -> tuple[list[Any], dict[str, NDArray[Any]], Mapping[str, str]]:
        """What chooses the tokens that are read on, and what is called how behind it."""
        from onnx import TensorProto

        if not self._importance or stop.layers == 0:
            return [], {}, kept
        kinds = {stop.carried[0]: TensorProto.FLOAT, SHARES: TensorProto.FLOAT, **self._masks}
        tokens = {name: kept[name] for name in kinds}
        importance = self._importance[stop.layers - 1]
        nodes, arrays, left = prune(stop.name, stop.layers, tokens, kinds, importance)
        return nodes, arrays, {**kept, **left}
