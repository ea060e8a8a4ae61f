"""What the tests of the export share."""

from __future__ import annotations

from pathlib import Path

import pytest

from export.checkpoint import Checkpoint
from export.fuse import fuse_for_cpu


@pytest.fixture(scope="module")
def graph(
    tiny_bundle: Path, tiny_checkpoint: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The tiny model's graph in fp32, as it is before it is quantised."""
    target = tmp_path_factory.mktemp("fused") / "fused.onnx"
    fuse_for_cpu(tiny_bundle / "model.onnx", Checkpoint.load(tiny_checkpoint), target)
    return target
