"""The records that have no place in the output, as a CSV file of their own."""

from __future__ import annotations

from typing import BinaryIO

from score.tables import Reject


class RejectsWriter:
    """Writes rejected records as utf-8 CSV with the columns row, reason and record.

    Args:
        target: where the bytes go; the header is written at once, and it stays open.
    """

    def __init__(self, target: BinaryIO) -> None:
        self._target = target
        target.write(b"row,reason,record\n")

    def write(self, number: int, reject: Reject) -> None:
        """Write one record: its row number, why, and the raw record as one quoted cell."""
        line = f"{number},{_quoted(reject.reason)},{_quoted(reject.record)}\n"
        self._target.write(line.encode())


def _quoted(text: str) -> str:
    doubled = text.replace('"', '""')
    return f'"{doubled}"'
