"""What is remembered of a machine: kept in a small file, asked anew where that cannot be read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from score import findings, machine
from score.findings import Findings

QUESTION = "which?"


def only_file(folder: Path) -> Path:
    """The one file there is."""
    (file,) = folder.iterdir()
    return file


def test_an_answer_is_kept(tmp_path: Path) -> None:
    """The next run has it, beside those that were kept before, in a few hundred bytes."""
    findings = Findings(tmp_path / "machine", "digest")
    findings.remember(QUESTION, "this")
    findings.remember("and which?", "that")
    again = Findings(tmp_path / "machine", "digest")
    assert again.recall(QUESTION, ("this", "that")) == "this"
    assert again.recall("and which?", ("this", "that")) == "that"
    assert only_file(tmp_path / "machine").stat().st_size < 1000


def test_an_answer_that_is_no_longer_possible(tmp_path: Path) -> None:
    """Is none."""
    Findings(tmp_path, "digest").remember(QUESTION, "this")
    assert Findings(tmp_path, "digest").recall(QUESTION, ("that",)) is None


def test_another_bundle_or_machine_is_asked_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was found holds for these two alone, and for the onnxruntime that was there."""
    Findings(tmp_path, "digest").remember(QUESTION, "this")
    assert Findings(tmp_path, "other").recall(QUESTION, ("this",)) is None
    monkeypatch.setattr(machine, "described", lambda: "another")
    assert Findings(tmp_path, "digest").recall(QUESTION, ("this",)) is None


def test_what_was_installed_since_asks_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another onnxruntime of the same version, a driver, a GPU."""
    monkeypatch.setattr(machine, "_NVIDIA", tmp_path / "nvidia")
    monkeypatch.setattr(machine, "_DEVICES", tmp_path / "class")
    folder = tmp_path / "machine"
    Findings(folder, "digest").remember(QUESTION, "this")

    def known() -> bool:
        found = Findings(folder, "digest").recall(QUESTION, ("this",)) == "this"
        Findings(folder, "digest").remember(QUESTION, "this")
        return found

    assert known()
    for name, text in (
        ("nvidia/version", "NVRM version: 570.1\n"),
        ("nvidia/version", "NVRM version: 580.2\n"),
        ("nvidia/gpus/0000:01:00.0/information", "Model: \t NVIDIA L4\nIRQ: 12\n"),
        ("class/drm/renderD128/device/vendor", "0x8086\n"),
        ("class/accel/accel0/device/vendor", "0x1022\n"),
    ):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        (file.parent / "device").write_text("0x0001\n")
        assert (known(), known()) == (False, True), name
    assert machine.accelerators() == [
        "NVRM version: 580.2",
        "Model: \t NVIDIA L4",
        "0x8086:0x0001",
        "0x1022:0x0001",
    ]
    packages = ("onnxruntime", "onnxruntime-gpu")
    monkeypatch.setattr(findings, "version_of", lambda name: "1.32.0" if name in packages else None)
    assert (known(), known()) == (False, True)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\x00",
        b"null",
        b"[]",
        b'{"of": {}}',
        b"[" * 60_000,
        b'{"of": 1, "answers": 2}',
        b"9" * 70_000,
    ],
)
def test_a_damaged_file_is_no_answer(tmp_path: Path, content: bytes) -> None:
    """It is written anew."""
    findings = Findings(tmp_path, "digest")
    findings.remember(QUESTION, "this")
    file = only_file(tmp_path)
    file.write_bytes(content)
    assert findings.recall(QUESTION, ("this",)) is None
    findings.remember(QUESTION, "that")
    assert findings.recall(QUESTION, ("this", "that")) == "that"
    assert json.loads(file.read_bytes())["answers"] == {QUESTION: "that"}


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    """Costs a measurement the next time, and nothing else."""
    (tmp_path / "file").write_text("")
    findings = Findings(tmp_path / "file" / "machine", "digest")
    findings.remember(QUESTION, "this")
    assert findings.recall(QUESTION, ("this",)) is None


def test_without_a_folder_nothing_is_kept() -> None:
    """As from Python, where nobody asked for it."""
    findings = Findings(None, "digest")
    findings.remember(QUESTION, "this")
    assert findings.recall(QUESTION, ("this",)) is None
