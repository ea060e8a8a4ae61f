"""What bytes that are not utf-8 could be, shown as text so that a person can tell.

Several encodings give some text for almost any bytes, and which of them was meant cannot
be told for sure: so none is taken silently. The file is refused, and each encoding in
which its texts look like a language stands in the message with what the text would be.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from score.tables.columns import shown
from score.tables.lines import Spoilt

_AROUND = 16
_USUAL = "Say the file's encoding with --encoding, such as --encoding cp1252."
_DAMAGED = (
    "Other characters of the file are, so it is damaged here or joined from files of two "
    "encodings. Mend this record, or say the file's encoding with --encoding."
)
_FOREIGN = re.compile(r"[^\x00-\x7f]+")
_QUOTES_AND_DASHES = "\u2013\u2014\u2018-\u201e\u2026"
_PUNCTUATION = f"\u00a0«»{_QUOTES_AND_DASHES}€£°§©®™•·"
_FULL_WIDTH = f"\u3000-\u303f\uff01-\uff65\uffe0-\uffe6{_QUOTES_AND_DASHES}·€"
_CYRILLIC = "\u0401-\u045f\u0490\u0491№"
_KANA = re.compile("[\u3040-\u30ff]")
_HANGUL = re.compile("[\uac00-\ud7a3]")


@dataclass(frozen=True, slots=True)
class _Script:
    """How the characters beyond ASCII look that texts in an encoding have.

    Attributes:
        codec: the encoding.
        typical: all but one in twenty of them match this.
        words: whether they make up whole words; else single letters in words of ASCII.
        check: what must hold besides.
    """

    codec: str
    typical: re.Pattern[str]
    words: bool
    check: Callable[[str], bool] = bool


def _share(pattern: re.Pattern[str], foreign: str) -> float:
    return len(pattern.findall(foreign)) / len(foreign)


def _common(codec: str, first: int, last: int) -> Callable[[str], bool]:
    """Most Han characters are among the common ones, which stand first in the old standards."""

    def check(foreign: str) -> bool:
        han = re.findall("[\u3400-\u9fff]", foreign)
        leads = [char.encode(codec, "ignore")[:1] for char in han]
        common = sum(bytes([first]) <= lead <= bytes([last]) for lead in leads)
        return 2 * len(han) >= len(foreign) and common >= 0.75 * len(han)

    return check


def _cyrillic(foreign: str) -> bool:
    small = sum(char.islower() for char in foreign)
    inside = len(re.findall("[\u0430-\u045f][\u0401-\u042f]", foreign))
    # A capital begins a word; here words are joined, and most have five letters or more.
    return small >= 0.6 * len(foreign) and inside <= 0.2 * len(foreign)


def _chinese(foreign: str) -> bool:
    simplified = _common("gb2312", 0xB0, 0xD7)
    return simplified(foreign) and _share(_KANA, foreign) < 0.05


def _japanese(foreign: str) -> bool:
    return _share(_KANA, foreign) >= 0.15


def _korean(foreign: str) -> bool:
    # KS X 1001 has the syllables in use; python spells others in eight bytes.
    hangul = _HANGUL.findall(foreign)
    common = sum(len(syllable.encode("euc_kr")) == 2 for syllable in hangul)
    return len(hangul) >= 0.5 * len(foreign) and common >= 0.9 * len(hangul)


_SCRIPTS = (
    _Script("cp1252", re.compile(f"[À-ÖØ-öø-ÿŒœŠšŽžŸ¡¿ªº{_PUNCTUATION}]"), False),
    _Script("cp1250", re.compile(f"[À-ÖØ-öø-ž{_PUNCTUATION}]"), False),
    _Script("cp1251", re.compile(f"[{_CYRILLIC}{_PUNCTUATION}]"), True, _cyrillic),
    _Script("cp932", re.compile(f"[\u3040-\u30ff\u4e00-\u9fff{_FULL_WIDTH}]"), True, _japanese),
    _Script("euc_jp", re.compile(f"[\u3040-\u30ff\u4e00-\u9fff{_FULL_WIDTH}]"), True, _japanese),
    _Script("gb18030", re.compile(f"[\u3400-\u9fff{_FULL_WIDTH}]"), True, _chinese),
    _Script("big5", re.compile(f"[\u4e00-\u9fff{_FULL_WIDTH}]"), True, _common("big5", 0xA4, 0xC6)),
    _Script("cp949", re.compile(f"[\uac00-\ud7a3\u4e00-\u9fff{_FULL_WIDTH}]"), True, _korean),
)


def remedy(spoilt: Spoilt) -> tuple[str, tuple[str, ...]]:
    """Find what to do about bytes that are not in the encoding that was expected.

    Args:
        spoilt: the bytes.

    Returns:
        A sentence, and a line for each encoding in which they are plausible text.
    """
    if _mostly_utf8(spoilt):
        return _DAMAGED, ()
    texts: dict[str, str] = {}
    for script in _SCRIPTS:
        text = _decoded(spoilt.content, script.codec)
        if text and text not in texts.values() and _plausible(text, script):
            texts[script.codec] = _excerpt(spoilt, script.codec)
    if not texts:
        return _USUAL, ()
    return (
        "Add the option that reads it right, if one of these does:",
        tuple(f"--encoding {codec}: {text}" for codec, text in texts.items()),
    )


def wide_codec(line: str) -> str | None:
    """Tell utf-16 or utf-32 without a byte order mark by where its NULs stand.

    Args:
        line: a line that was decoded as an encoding with ASCII in it, and has NULs.
    """
    for size, codec in ((4, "utf-32"), (2, "utf-16")):
        # The line feed is cut in two, so the last character may lack its NULs.
        whole = line[: max(size, len(line) // size * size - size)]
        empty = [set(whole[place::size]) == {"\0"} for place in range(size)]
        if all(empty[1:]) and not empty[0]:
            return f"{codec}-le"
        if all(empty[:-1]) and not empty[-1]:
            return f"{codec}-be"
    return None


def _mostly_utf8(spoilt: Spoilt) -> bool:
    foreign = "".join(_FOREIGN.findall(spoilt.content.decode("utf-8", "replace")))
    bad = foreign.count("\ufffd")
    return len(foreign) - bad > bad or (spoilt.decoded and bad <= 2)


def _decoded(content: bytes, codec: str) -> str | None:
    """Decode strictly; what follows the last line feed may be cut off."""
    lines = content[: content.rfind(b"\n") + 1] or content
    try:
        return lines.decode(codec)
    except UnicodeDecodeError:
        return None


def _plausible(text: str, script: _Script) -> bool:
    runs = _FOREIGN.findall(text)
    foreign = "".join(runs)
    if not foreign or _share(script.typical, foreign) < 0.95:
        return False
    if script.words != (len(foreign) >= 2 * len(runs)):
        return False
    return script.check(foreign)


def _excerpt(spoilt: Spoilt, codec: str) -> str:
    before = spoilt.content[: spoilt.place].decode(codec, "ignore")
    after = spoilt.content[spoilt.place :].decode(codec, "ignore")
    line = after.splitlines()[0] if after else ""
    return shown(f"{before[-_AROUND:]}{line}".strip(), 3 * _AROUND)
