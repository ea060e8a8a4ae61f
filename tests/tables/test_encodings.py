"""Finding what bytes that are not utf-8 could be."""

from __future__ import annotations

import io

import pytest

from score.errors import AmbiguousError, DataError
from score.tables import open_table

TEXTS = {
    "cp1252": "Der Film war schön, und die Schauspieler großartig. C’est très bien à voir.",
    "cp1250": "Dobrý film, který stojí za to vidět. Příběh je trochu zdlouhavý, ale pěkný.",
    "cp1251": "Очень хороший фильм, смотрел с удовольствием. Актёры играют прекрасно.",
    "cp932": "とても良い映画でした。俳優の演技が素晴らしく、最後まで楽しめました。",
    "euc_jp": "とても良い映画でした。俳優の演技が素晴らしく、最後まで楽しめました。",
    "gb18030": "这部电影非常好看，演员的表演也很精彩，值得推荐给大家。",
    "big5": "這部電影非常好看，演員的表演也很精彩，值得推薦給大家。",
    "cp949": "정말 좋은 영화였습니다. 배우들의 연기도 훌륭하고 끝까지 재미있었습니다.",
}


def refusal(content: bytes) -> DataError:
    """Read what must be refused."""
    with pytest.raises(DataError) as refused:
        list(open_table(io.BytesIO(content)).rows([0]))
    return refused.value


@pytest.mark.parametrize("codec", TEXTS)
def test_the_right_encoding_is_among_those_shown(codec: str) -> None:
    """Real texts are shown as what they are, beside at most one other reading."""
    text = TEXTS[codec]
    content = b"id,text\n" + b"".join(b'%d,"%s"\n' % (i, text.encode(codec)) for i in range(20))
    error = refusal(content)
    assert isinstance(error, AmbiguousError)
    shown = [line.split(": ", 1) for line in error.readings]
    assert any(said == f"--encoding {codec}" and text[:10] in excerpt for said, excerpt in shown)
    assert len(shown) <= 2


def test_the_evidence_begins_at_the_fault() -> None:
    """Far below the window, too, the reading is that of the record at fault."""
    rows = b"".join(b"%d,A good film of day %d.\n" % (i, i) for i in range(60_000))
    assert str(refusal(b"id,text\n" + rows + b"60000,Tr\xe8s bien.\n")) == (
        f"standard input, row 60001: byte 0xe8 at offset {8 + len(rows) + 8} is not utf-8. "
        "Add the option that reads it right, if one of these does:\n"
        "  --encoding cp1252: 60000,Très bien.\n"
        "  --encoding cp1250: 60000,Trčs bien."
    )


def test_a_damaged_character_is_no_encoding() -> None:
    """Half a character in a file of utf-8 is damage, whatever else it would be."""
    content = "id,text\n1,Très bien.\n2,Voilà.\n".encode().replace("à".encode(), b"\xc3")
    assert str(refusal(content)) == (
        "standard input, row 2: byte 0xc3 at offset 28 is not utf-8. Other characters of the "
        "file are, so it is damaged here or joined from files of two encodings. Mend this "
        "record, or say the file's encoding with --encoding."
    )


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_wide_encodings_are_named(codec: str) -> None:
    """Text of two or four bytes a character is told by its NULs."""
    assert str(refusal("id,text\r\n1,Good.\r\n".encode(codec))) == (
        f"standard input, the header: NUL characters, as in {codec}. "
        f"If it is, add --encoding {codec}."
    )


def test_nothing_is_named_where_nothing_fits() -> None:
    """Bytes that are no text in any encoding get the general remedy."""
    assert str(refusal(b"id,text\n1,\x81\x00\xff\n")) == (
        "standard input, row 1: byte 0x81 at offset 10 is not utf-8. "
        "Say the file's encoding with --encoding, such as --encoding cp1252."
    )
