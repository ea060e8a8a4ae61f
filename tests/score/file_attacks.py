"""Tokenizers, manifests and folders that were made to do harm, and what is said of each."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import Any

from tests.score.small_bundle import (
    MIB,
    Spoil,
    content,
    manifest,
    sparse_file,
    tokenizer,
    too_large,
)


def many_pieces(settings: dict[str, Any]) -> None:
    """More words than any language has pieces."""
    settings["model"]["vocab"].update({f"w{i}": 9 + i for i in range(310_000)})


def split(pattern: str) -> dict[str, Any]:
    """A pre-tokenizer that cuts at a regular expression."""
    return {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}


def double(times: int) -> dict[str, Any]:
    """A normalizer that doubles a letter again and again."""
    one = {"type": "Replace", "pattern": {"String": "a"}, "content": "aa"}
    return {"type": "Sequence", "normalizers": [one] * times}


def tokenizer_said(harm: str) -> str:
    """What is said of a tokenizer that is not even loaded."""
    return f"{{}}/tokenizer.json is not to be trusted: {harm}."


def manifest_said(found: str) -> str:
    """What is said of a manifest that makes no sense."""
    return f"{{}}/bundle.json is no manifest of a bundle ({found}). Export the bundle again."


def list_file(folder: Path, name: str) -> None:
    """Name a file in the manifest."""
    path = folder / "bundle.json"
    settings = json.loads(path.read_text())
    settings["files"][name] = ""
    path.write_text(json.dumps(settings))


def add_folder(folder: Path) -> None:
    """A folder as a file of the bundle."""
    (folder / "sub").mkdir()
    list_file(folder, "sub")


def add_pipe(folder: Path) -> None:
    """A pipe that nobody writes to, as a file of the bundle."""
    os.mkfifo(folder / "pipe")
    list_file(folder, "pipe")


def link_device(folder: Path) -> None:
    """A file without end."""
    (folder / "tokenizer.json").unlink()
    (folder / "tokenizer.json").symlink_to("/dev/zero")


def promises(steps: list[dict[str, Any]]) -> dict[str, Any]:
    """What a manifest says of the error rates that can be kept."""
    return {"data": "mine", "n": 100, "delta": 0.05, "steps": steps}


STEP = {"max_error": 0.02, "threshold": 0.9, "coverage": 0.5}
MARKS = [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}]
DEEP = "[" * 500_000

FILE_ATTACKS: dict[str, tuple[Spoil, str]] = {
    "regular expression": (
        tokenizer(lambda t: t.update(pre_tokenizer=split("(a+)+$"))),
        tokenizer_said("it has the regular expression '(a+)+$'"),
    ),
    "regular expression inside": (
        tokenizer(
            lambda t: t.update(
                normalizer={"type": "Sequence", "normalizers": [[{"x": [split("(a|aa)+$")]}]]}
            )
        ),
        tokenizer_said("it has the regular expression '(a|aa)+$'"),
    ),
    "words without end": (
        tokenizer(lambda t: t["model"].update(max_input_chars_per_word=10**9)),
        tokenizer_said("it reads words of more than 200 letters"),
    ),
    "replacements": (
        tokenizer(lambda t: t.update(normalizer=double(60))),
        tokenizer_said("its replacements make a text too much longer"),
    ),
    "prefix": (
        tokenizer(lambda t: t.update(normalizer={"type": "Prepend", "prepend": "a" * MIB})),
        tokenizer_said("its replacements make a text too much longer"),
    ),
    "marks": (
        tokenizer(
            lambda t: t["post_processor"].update(
                single=MARKS * 9 + [{"Sequence": {"id": "A", "type_id": 0}}]
            )
        ),
        "{}/tokenizer.json cannot be read as a tokenizer: it gives no token for a letter, or too "
        "many marks.",
    ),
    "no text among the marks": (
        tokenizer(lambda t: t["post_processor"].update(single=MARKS)),
        "{}/tokenizer.json cannot be read as a tokenizer: it gives no token for a letter, or too "
        "many marks.",
    ),
    "words without number": (
        tokenizer(many_pieces),
        tokenizer_said("it has no vocabulary of 300000 pieces or less"),
    ),
    "vocabulary of 1 GB": (
        sparse_file("tokenizer.json", 10**9),
        too_large("tokenizer.json", 10**9, 64 * MIB),
    ),
    "vocabulary of 30 MB": (
        content("tokenizer.json", b" " * 30 * MIB),
        too_large("tokenizer.json", 30 * MIB, 20 * MIB),
    ),
    "added tokens": (
        tokenizer(lambda t: t.update(added_tokens=[{"id": 1, "content": "x"}] * 20_000)),
        tokenizer_said("it adds more than 10000 tokens"),
    ),
    "long added token": (
        tokenizer(lambda t: t.update(added_tokens=[{"id": 1, "content": "x" * MIB}])),
        tokenizer_said("it adds a token that is too long"),
    ),
    "tokenizer that is a list": (
        content("tokenizer.json", "[]"),
        tokenizer_said("it is no JSON object"),
    ),
    "deep tokenizer": (content("tokenizer.json", DEEP), tokenizer_said("it is not JSON")),
    "tokenizer of another kind": (
        tokenizer(lambda t: t["model"].update(type="Magic")),
        "{}/tokenizer.json cannot be read as a tokenizer: …",
    ),
    "tokenizer that panics": (
        tokenizer(
            lambda t: t.update(normalizer={"type": "Precompiled", "precompiled_charsmap": "AAAA"})
        ),
        "{}/tokenizer.json cannot be read as a tokenizer: …",
    ),
    "deep manifest": (
        lambda folder: (folder / "bundle.json").write_text(DEEP),
        "{}/bundle.json is no manifest of a bundle (RecursionError: …",
    ),
    "huge manifest": (
        sparse_file("bundle.json", 10**9),
        too_large("bundle.json", 10**9, MIB),
    ),
    "long number": (
        lambda folder: (folder / "bundle.json").write_text("9" * 9999),
        "{}/bundle.json is no manifest of a bundle (ValueError: Exceeds the limit …",
    ),
    "manifest that is a list": (
        lambda folder: (folder / "bundle.json").write_text("[]"),
        manifest_said("TypeError: list indices must be integers or slices, not str"),
    ),
    "a folder as a file": (
        add_folder,
        "{}/sub is no file. Export the bundle again.",
    ),
    "a name that is no path": (
        manifest(lambda m: m["files"].update({"a\0b": ""})),
        "The bundle {} names 'a\\x00b', which cannot be read.",
    ),
    "a name that is too long": (
        manifest(lambda m: m["files"].update({"a" * 300: ""})),
        "The bundle {} names 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa…', which cannot be read.",
    ),
    "files without end": (
        manifest(lambda m: m["files"].update({f"f{i}": "" for i in range(9999)})),
        manifest_said("ValueError: 10000 files"),
    ),
    "labels that are a text": (
        manifest(lambda m: m.update(labels="ab")),
        manifest_said("TypeError: no list of 1000 at most: ab"),
    ),
    "labels without end": (
        manifest(lambda m: m.update(labels=[str(i) for i in range(9999)])),
        "{}/bundle.json is no manifest of a bundle (TypeError: no list of 1000 at most: …",
    ),
    "name with control characters": (
        manifest(lambda m: m.update(name="\x1b[2J")),
        manifest_said("TypeError: no text for a line: \\x1b[2J"),
    ),
    "tokens without end": (
        manifest(lambda m: m["truncation"].update(max_tokens=10**9)),
        manifest_said("ValueError: no such truncation: (1000000000, 16)"),
    ),
    "half a token": (
        manifest(lambda m: m["truncation"].update(max_tokens=10.5)),
        manifest_said("UsageError: Of 10.5 tokens 16 cannot come from the head; use 1 to 6.5."),
    ),
    "promises without end": (
        manifest(lambda m: m["graphs"][0].update(guarantee=promises([STEP] * 9999))),
        manifest_said("ValueError: the error rates do not grow"),
    ),
    "a promise that is no number": (
        manifest(
            lambda m: m["graphs"][0].update(guarantee=promises([{**STEP, "threshold": math.nan}]))
        ),
        manifest_said("ValueError: no such error rate: (0.02, nan, 0.5)"),
    ),
    "a promise that is a text": (
        manifest(lambda m: m["graphs"][0].update(guarantee="none")),
        manifest_said("TypeError: no thresholds"),
    ),
    "temperature of nearly nothing": (
        manifest(lambda m: m["graphs"][0].update(temperature=1e-300)),
        manifest_said("ValueError: no such graph: fp32, temperature 1e-300"),
    ),
}
if os.name == "posix":
    FILE_ATTACKS["a pipe"] = (add_pipe, "{}/pipe is no file. Export the bundle again.")
    FILE_ATTACKS["a link to a device"] = (
        link_device,
        "The bundle {} names 'tokenizer.json', which is outside of it.",
    )
