"""A look through an ONNX file before onnxruntime loads it: is it a classifier and no more?

onnxruntime opens whatever file a tensor says its weights are in, and runs a loop for as
long as it says. Such things can hide in any of the format's nested messages, so this walks
through all of them by the field numbers of onnx.proto, and skips what tensors hold. It
takes no library, and less memory and time than the loading that follows.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from itertools import islice

DOMAINS = frozenset({"", "ai.onnx", "com.microsoft"})
"""Whose operators are run: ONNX's own and onnxruntime's own."""

_ENDLESS = "which need never end"
_RANDOM = "which gives other scores each time"
_TEXTS = "which makes texts, of any length"
_UNWANTED_OPERATORS = {
    "Loop": _ENDLESS,
    "Scan": _ENDLESS,
    "BeamSearch": _ENDLESS,
    "GreedySearch": _ENDLESS,
    "Sampling": _ENDLESS,
    "WhisperBeamSearch": _ENDLESS,
    "RegexFullMatch": _TEXTS,
    "StringConcat": _TEXTS,
    "StringNormalizer": _TEXTS,
    "StringSplit": _TEXTS,
    "Tokenizer": _TEXTS,
    "EPContext": "which loads another file",
    "Bernoulli": _RANDOM,
    "Multinomial": _RANDOM,
    "RandomNormal": _RANDOM,
    "RandomNormalLike": _RANDOM,
    "RandomUniform": _RANDOM,
    "RandomUniformLike": _RANDOM,
}

# By onnx.proto, the fields of each message that are messages to be looked into.
_PARTS: Mapping[str, Mapping[int, str]] = {
    "model": {7: "graph", 20: "training information", 25: "functions"},
    "graph": {1: "node", 5: "tensor", 15: "sparse tensors"},
    "node": {5: "attribute"},
    "attribute": {
        5: "tensor",
        6: "graph",
        10: "tensor",
        11: "graph",
        22: "sparse tensors",
        23: "sparse tensors",
    },
    "tensor": {},
}
_OPERATOR, _DOMAIN = 4, 7
_DIMENSIONS, _EXTERNAL_DATA, _DATA_LOCATION = 1, 13, 14
_TOLD = {
    "node": frozenset({_OPERATOR, _DOMAIN}),
    "tensor": frozenset({_DIMENSIONS, _EXTERNAL_DATA, _DATA_LOCATION}),
}

_MOST_FIELDS = 250_000
_MOST_DIMENSIONS = 32
# A graph that stops early has a branch in a branch for each layer: 24 of them take 77 levels,
# and protobuf itself reads 100.
_DEEPEST = 80
# ONNX's smallest elements have two bits.
_ELEMENTS_IN_A_BYTE = 4

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_FIXED_SIZES = {_FIXED64: 8, _FIXED32: 4}
_NO_ONNX = "it is no ONNX file"

_Field = tuple[int, "int | memoryview"]


class UnsafeGraphError(ValueError):
    """The file is no ONNX file, or does more than a classifier needs; the text says what."""


def check_graph(model: bytes | memoryview) -> None:
    """Look through an ONNX file.

    Args:
        model: the whole file.

    Raises:
        UnsafeGraphError: it is damaged; keeps weights in another file; has a tensor that
            claims more elements than it holds; or uses an operator or a part of the
            format that no classifier needs.
    """
    waiting = [("model", memoryview(model), 0)]
    seen = 0
    while waiting:
        kind, message, depth = waiting.pop()
        if depth > _DEEPEST:
            raise UnsafeGraphError("it is nested too deeply")
        fields = []
        for number, value in _fields(message):
            seen += 1
            if seen > _MOST_FIELDS:
                raise UnsafeGraphError(f"it has more than {_MOST_FIELDS} fields")
            if number in _PARTS[kind]:
                waiting.append((*_part(_PARTS[kind][number], value), depth + 1))
            elif number in _TOLD.get(kind, ()):
                fields.append((number, value))
        if kind in _CHECKS:
            _CHECKS[kind](fields, len(message))


def _part(kind: str, value: int | memoryview) -> tuple[str, memoryview]:
    if kind not in _PARTS:
        raise UnsafeGraphError(f"it has {kind}")
    if isinstance(value, int):
        raise UnsafeGraphError(_NO_ONNX)
    return kind, value


def _check_node(fields: list[_Field], _: int) -> None:
    operator = domain = ""
    for number, value in fields:
        if number == _OPERATOR:
            operator = _word(value)
        elif number == _DOMAIN:
            domain = _word(value)
    if domain not in DOMAINS:
        raise UnsafeGraphError(f"it uses the operator {operator!r} of {domain!r}")
    if operator in _UNWANTED_OPERATORS:
        raise UnsafeGraphError(f"it uses {operator}, {_UNWANTED_OPERATORS[operator]}")


def _check_tensor(fields: list[_Field], size: int) -> None:
    dimensions: list[int] = []
    for number, value in fields:
        if number == _EXTERNAL_DATA or (number == _DATA_LOCATION and value != 0):
            raise UnsafeGraphError(
                "it keeps weights in another file, which may be any file of this computer"
            )
        if number == _DIMENSIONS:
            numbers = iter([value]) if isinstance(value, int) else _varints(value)
            dimensions += islice(numbers, _MOST_DIMENSIONS)
        if len(dimensions) >= _MOST_DIMENSIONS:
            raise UnsafeGraphError("a tensor has too many dimensions")
    # A negative dimension is a very large one here, as it is to whoever forgets its sign.
    if math.prod(dimensions) > size * _ELEMENTS_IN_A_BYTE:
        raise UnsafeGraphError("a tensor claims more elements than it holds")


_CHECKS = {"node": _check_node, "tensor": _check_tensor}


def _fields(message: memoryview) -> Iterator[_Field]:
    """The fields of a message: the number of each, and its value or bytes."""
    place, end = 0, len(message)
    while place < end:
        key, place = _varint(message, place)
        kind = key & 7
        # protobuf drops the bits beyond the 32 of a key, so they could disguise a field.
        if not 8 <= key < 1 << 32:
            raise UnsafeGraphError(_NO_ONNX)
        if kind == _VARINT:
            value, place = _varint(message, place)
            yield key >> 3, value
            continue
        if kind == _BYTES:
            size, place = _varint(message, place)
        elif kind in _FIXED_SIZES:
            size = _FIXED_SIZES[kind]
        else:
            raise UnsafeGraphError(_NO_ONNX)
        if size > end - place:
            raise UnsafeGraphError(_NO_ONNX)
        yield key >> 3, message[place : place + size]
        place += size


def _varint(message: memoryview, place: int) -> tuple[int, int]:
    """The number that begins at a place, and the place behind it."""
    value = 0
    for shift, byte in enumerate(message[place : place + 10]):
        value |= (byte & 127) << 7 * shift
        if byte < 128:
            return value & (1 << 64) - 1, place + shift + 1
    raise UnsafeGraphError(_NO_ONNX)


def _varints(packed: memoryview) -> Iterator[int]:
    place = 0
    while place < len(packed):
        value, place = _varint(packed, place)
        yield value


def _word(value: int | memoryview) -> str:
    return "" if isinstance(value, int) else bytes(value[:100]).decode(errors="replace")
