"""Where a run that was killed goes on."""

from __future__ import annotations

import json
import logging
import re
import shutil
from pathlib import Path

logger = logging.getLogger(__name__)

_FOLDER = re.compile(r"checkpoint-(\d+)")
_STATE_FILE = "trainer_state.json"


def last_checkpoint(checkpoints: Path) -> Path | None:
    """The newest whole checkpoint of a run; None where there is none.

    Trainer writes into the final folder, its state last. So a folder whose state cannot be
    read was being written when the run was killed: such ones are removed, which is logged
    as a warning.
    """
    steps = {
        int(found[1]): folder
        for folder in checkpoints.iterdir()
        if folder.is_dir() and (found := _FOLDER.fullmatch(folder.name))
    }
    for step in sorted(steps, reverse=True):
        if _is_whole(steps[step]):
            return steps[step]
        logger.warning("Removing %s: the run was killed while writing it", steps[step])
        shutil.rmtree(steps[step])
    return None


def _is_whole(checkpoint: Path) -> bool:
    try:
        json.loads((checkpoint / _STATE_FILE).read_text(encoding="utf-8"))
    # Another error of the disk says nothing about the checkpoint, and must not cost it.
    except (FileNotFoundError, ValueError):
        return False
    return True
