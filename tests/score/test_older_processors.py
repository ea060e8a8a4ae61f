"""int8 on processors without the instructions for it, played by QEMU where that is installed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from score.bundle import DEFAULT_BUNDLE, TOKENIZER_FILE, Bundle
from score.engine import Engine
from score.tokens import Encoder

QEMU = shutil.which("qemu-x86_64")
TEXTS = (
    "A waste of two hours.",
    "Clean rooms, friendly staff, and the breakfast was worth getting up for.",
    "The battery died after a week and nobody answers the phone.",
    "Better than I had feared, though the second half drags.",
)
PROGRAM = """
import json, sys
from pathlib import Path
from score.bundle import Bundle
from score.engine import Engine
bundle = Bundle.load(Path(sys.argv[1]))
engine = Engine(bundle.read_graph(bundle.graph("int8")))
print(json.dumps([engine.logits(ids).tolist() for ids in json.loads(sys.argv[2])]))
"""


@pytest.mark.parametrize("processor", ["Haswell", "IvyBridge"])
@pytest.mark.skipif(not QEMU or os.uname().machine != "x86_64", reason="qemu-user is not there")
def test_int8_is_the_same_without_vnni(processor: str, tmp_path: Path) -> None:
    """They add pairs of products in 16 bits: there too nothing may overflow unnoticed."""
    bundle = Bundle.load(DEFAULT_BUNDLE)
    encoder = Encoder.from_file(bundle.folder / TOKENIZER_FILE, bundle.description.truncation)
    ids = [encoder.encode(text).ids for text in TEXTS]
    engine = Engine(bundle.read_graph(bundle.graph("int8")))
    script = tmp_path / "logits.py"
    script.write_text(PROGRAM)
    assert QEMU
    done = subprocess.run(
        [QEMU, "-cpu", processor, sys.executable, script, DEFAULT_BUNDLE, json.dumps(ids)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"},
        check=True,
        capture_output=True,
    )
    for found, one in zip(json.loads(done.stdout), ids, strict=True):
        assert found == pytest.approx(engine.logits(one), abs=0.005)
