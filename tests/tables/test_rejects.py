"""The rejects."""

from __future__ import annotations

import csv
import io

from score.tables import Reject
from score.tables.rejects import RejectsWriter


def test_a_record_is_one_quoted_cell() -> None:
    """Whatever a rejected record holds, it is one cell of the rejects."""
    target = io.BytesIO()
    rejects = RejectsWriter(target)
    rejects.write(17, Reject("5 cells under 3 columns", '5,"Quoted, é",1,2,"three\r\nlines"'))
    rejects.write(18, Reject("not JSON", ""))
    assert target.getvalue().decode() == (
        "row,reason,record\n"
        '17,"5 cells under 3 columns","5,""Quoted, é"",1,2,""three\r\nlines"""\n'
        '18,"not JSON",""\n'
    )
    text = io.StringIO(target.getvalue().decode(), newline="")
    assert list(csv.reader(text))[1][2] == '5,"Quoted, é",1,2,"three\r\nlines"'
