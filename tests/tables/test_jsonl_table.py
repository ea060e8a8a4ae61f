"""JSON Lines, beyond what every table keeps."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest

from score.errors import DataError
from score.tables import NewColumn, Reject, Table, open_table

Relabel = Callable[[Table], bytes]


def jsonl(folder: Path, content: bytes) -> Table:
    """Open some lines as a file."""
    path = folder / "reviews.jsonl"
    path.write_bytes(content)
    return open_table(path)


def test_new_fields_stand_before_the_closing_brace(samples: Path, relabel: Relabel) -> None:
    """Each line keeps its bytes, blanks and line ending; the new fields are its last ones."""
    new = b'"label": "NEW", "confidence": 0.5}'
    assert relabel(open_table(samples / "fields_of_all_kinds.jsonl")).splitlines(keepends=True) == [
        b'{"id": 7, "text": "Good.", "stars": 5.0, ' + new + b"\n",
        b'{"text":"Caf\\u00e9\\nnoir.","id":12345678901234567890, ' + new + b"\r\n",
        b"\n",
        b'{ "text": null, "more": [1, {"a": "}"}] , ' + new + b" \n",
        b"{" + new + b"\n",
        b'{"text": true, "text": 1.50, ' + new,
    ]


def test_values_become_text(tmp_path: Path) -> None:
    """A string is itself, null is nothing, the rest is its JSON text."""
    lines = (
        b'{"text": "\\ud83d\\ude00 \\ud800", "n": 7.0, "list": [1, "\xc3\xa9"]}\n'
        b'{"n": 12345678901234567890, "text": null, "list": false}\n'
    )
    table = jsonl(tmp_path, lines)
    assert table.columns == ("text", "n", "list")
    assert [row.cells for row in table.rows([0, 1, 2])] == [
        ("😀 ?", "7.0", '[1, "é"]'),
        ("", "12345678901234567890", "false"),
    ]
    table.close()


def test_cells_are_written_as_json(tmp_path: Path) -> None:
    """Text is a JSON string, a number has four decimals, an empty cell is null."""
    table = jsonl(tmp_path, b'{"text": 1}\n')
    target = io.BytesIO()
    columns = [NewColumn("label", "text"), NewColumn("p", "number"), NewColumn("flags", "text")]
    writer = table.writer(target, columns)
    for row in table.rows([0]):
        writer.write(row, ['é "x"', 0.123456, None])
    table.close()
    assert target.getvalue().decode() == (
        '{"text": 1, "label": "é \\"x\\"", "p": 0.1235, "flags": null}\n'
    )


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("[" * 100_000, "not JSON that can be read: a number too long, or nested too deeply"),
        ("9" * 5000, "not JSON that can be read: a number too long, or nested too deeply"),
        ('{"text": 1} x', "not JSON: Extra data at character 13"),
        ("null", "not a JSON object"),
    ],
    ids=["deep", "long", "extra", "null"],
)
def test_hostile_lines_are_rejected(line: str, reason: str, tmp_path: Path) -> None:
    """A line that is no object goes to the rejects with its text, and reading goes on."""
    table = jsonl(tmp_path, f'{line}\n{{"text": "Good."}}\n'.encode())
    first, second = table.rows([0])
    table.close()
    assert first.reject == Reject(reason, line)
    assert (second.number, second.cells) == (2, ("Good.",))


def test_a_new_name_that_a_later_line_has(tmp_path: Path) -> None:
    """A field that only a later line has would be there twice, so it is refused."""
    table = jsonl(tmp_path, b'{"text": 1}\n{"text": 2, "label": 3}\n')
    writer = table.writer(io.BytesIO(), [NewColumn("label", "text")])
    first, second = table.rows([0])
    table.close()
    writer.write(first, ["x"])
    with pytest.raises(DataError) as refused:
        writer.write(second, ["x"])
    assert str(refused.value) == (
        f"{table.name}, row 2: there is a field 'label' already. "
        "Put something before the new names with --prefix, such as --prefix thumbs_."
    )


def test_the_first_object_must_come_soon(tmp_path: Path) -> None:
    """Lines before the first object are held in memory, so they have a limit."""
    with pytest.raises(DataError) as refused:
        jsonl(tmp_path, b"[]\n" * 2000)
    assert str(refused.value) == (
        f"{tmp_path / 'reviews.jsonl'} has no JSON object in its first 1000 lines."
    )
