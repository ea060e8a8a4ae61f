"""Reads mutated files in this process, which may crash: run by test_fuzz.py.

Usage: python -m tests.tables.fuzzing SAMPLE FIRST LAST FOLDER
"""

from __future__ import annotations

import io
import json
import random
import resource
import sys
import time
from pathlib import Path

from score.errors import ThumbsError
from score.tables import NewColumn, open_table


def mutate(content: bytes, seed: int) -> bytes:
    """Change, repeat or cut some bytes, most often single ones near the end, as footers are."""
    chance = random.Random(seed)
    data = bytearray(content)
    for _ in range(chance.choice((1, 1, 2, 4, 16))):
        place = chance.randrange(len(data))
        if chance.random() < 0.3:
            place = len(data) - 1 - min(int(chance.expovariate(0.01)), len(data) - 1)
        kind = chance.randrange(6)
        if kind < 3:
            data[place] = chance.choice((0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)))
        elif kind == 3:
            data[place : place + 4] = chance.choice((b"\xff\xff\xff\x7f", b"\xff" * 4, bytes(4)))
        elif kind == 4:
            length = chance.randrange(1, 64)
            other = chance.randrange(len(data))
            data[place : place + length] = data[other : other + length]
        else:
            del data[place : place + chance.choice((1, 2, 8, len(data) // 2))]
        data = data or bytearray(b"\0")
    return bytes(data)


def read(path: Path) -> str:
    """Read and write a file; says how it was refused, or nothing."""
    try:
        table = open_table(path)
        try:
            columns = [NewColumn("thumbs_label", "text"), NewColumn("thumbs_p", "number")]
            writer = table.writer(io.BytesIO(), columns)
            for row in table.rows([len(table.columns) - 1] if table.columns else []):
                if row.reject is None:
                    writer.write(row, ("x", 0.5) if row.cells else ())
            writer.close()
        finally:
            table.close()
    except ThumbsError as exc:
        return str(exc)
    return ""


def main(sample: str, first: str, last: str, folder: str) -> None:
    """Print a line of JSON for each mutated file: seed, what was said, seconds, peak MiB."""
    content = Path(sample).read_bytes()
    path = Path(folder) / Path(sample).name
    read(Path(sample))
    for seed in range(int(first), int(last)):
        path.write_bytes(mutate(content, seed))
        started = time.process_time()
        try:
            said = read(path)
        # Whatever it is, the parent will name it.
        except Exception as exc:  # noqa: BLE001
            said = f"a bug: {type(exc).__name__}: {exc}"
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        print(json.dumps([seed, said, time.process_time() - started, peak]), flush=True)  # noqa: T201 - this is a command


if __name__ == "__main__":
    main(*sys.argv[1:])
