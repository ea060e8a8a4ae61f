"""Whether a text is surely not in the language that a model was trained on.

Three questions, the cheap ones first; precision comes before completeness throughout.

1. Which script? Where at least half of the letters belong to a script that the language is
   not written in, that settles it, at any length. Latin letters settle nothing: every
   language uses them for names.
2. Is there enough of it, and is it plainly the language? Words with a capital letter are
   left out, for they are often names; of the others at least three different ones, with 12
   letters, are asked for. Where one word in seven is of those that English alone uses much,
   the text is English (no other language has such a list here): that answers for nearly every
   English review in microseconds, and py3langid need not even be loaded.
3. What does py3langid say? Another language has to be better by a clear margin, both on
   the text and on its words without capitals alone.
"""

from __future__ import annotations

import re
import threading
import unicodedata
from functools import cache, lru_cache
from importlib.metadata import version
from typing import TYPE_CHECKING

from score.errors import BundleError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from py3langid.langid import LanguageIdentifier

_RULE = 1

DETECTOR = f"py3langid {version('py3langid')}, rule {_RULE}"
"""What decides beside text and language: raise the rule's number whenever it changes."""

SAMPLE = 1_000
"""The most characters of a text that are looked at: half from each end."""

# Chosen on sentences of IMDB's training reviews, so that of none of the lengths that
# benchmarks/language.py tells apart more than one in a thousand is flagged.
_MIN_LETTERS = 12
_MOST_LETTERS = 5
_MIN_COMMON = 0.15
# A difference of log-probabilities grows with the text; divided by the root of the number
# of its bytes it hardly does.
_MIN_MARGIN = 2.0

# What stands inside words: accents and vowel signs, which Python counts as no letters.
_MARKS = (
    "\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670"
    "\u0900-\u109f\u1780-\u17ff\u200c\u200d"
)
_LATIN = "A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02af\u1e00-\u1eff"
_LATIN_PART = rf"[{_LATIN}][{_LATIN}\u0300-\u036f]*"
_LATIN_WORD = re.compile(rf"{_LATIN_PART}(?:'{_LATIN_PART})*")
_OTHER_WORD = re.compile(rf"(?:(?![{_LATIN}])[^\W\d_])(?:(?![{_LATIN}])[^\W\d_]|[{_MARKS}])*")
# A run may begin only where a word does, or 1,000 characters would take a million steps.
_ADDRESS = re.compile(r"(?:https?://|www\.)[!-~]*|(?<![\w.+-])[\w.+-]*@[!-~]*", re.ASCII)
# One of these is in each address, and hardly one in a review: the search takes ten times as long.
_ADDRESSED = ("@", "://", "www.")

# Scripts by the first word of their letters' Unicode names.
_HAN = ("CJK", "IDEOGRAPHIC")
_KANA = ("HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA")
# One letter of these says about as much as three letters of an alphabet.
_DENSE = frozenset((*_HAN, *_KANA, "HANGUL"))
_WRITTEN_IN = {
    _HAN: "zh",
    (*_HAN, *_KANA): "ja",
    ("ARABIC",): "ar fa ku ps ur",
    ("ARABIC", "CYRILLIC"): "ug",
    ("ARABIC", "GURMUKHI"): "pa",
    ("ARMENIAN",): "hy",
    ("BENGALI",): "as bn",
    ("CYRILLIC",): "az ba be bg bs kk ky mk mn ru sr tg tt uk uz",
    ("DEVANAGARI",): "hi mr ne sa",
    ("ETHIOPIC",): "am",
    ("GEORGIAN",): "ka",
    ("GREEK",): "el",
    ("GUJARATI",): "gu",
    ("HANGUL",): "ko",
    ("HEBREW",): "he",
    ("KANNADA",): "kn",
    ("KHMER",): "km",
    ("LAO",): "lo",
    ("MALAYALAM",): "ml",
    ("MYANMAR",): "my",
    ("ORIYA",): "or",
    ("SINHALA",): "si",
    ("TAMIL",): "ta",
    ("TELUGU",): "te",
    ("THAI",): "th",
    ("TIBETAN",): "dz",
}
_SCRIPTS = {code: scripts for scripts, codes in _WRITTEN_IN.items() for code in codes.split()}
"""The scripts of the languages that are not, or not only, written in Latin letters."""

_CODES = """
af am an ar as az ba be bg bn br bs ca cs cy da de dz el en eo es et eu fa fi fo fr fy ga gd
gl gu ha he hi hr ht hu hy id ig is it ja jv ka kk km kn ko ku ky la lb lg ln lo lt lv mg mk
ml mn mr ms mt my ne nl nn no oc om or pa pl ps pt qu ro ru rw sa se si sk sl sn so sq sr st
sv sw ta te tg th tk tl tr tt ug uk ur uz vi vo wa xh yo zh zu
"""
LANGUAGES = frozenset(_CODES.split())
"""The languages that can be screened for: those py3langid knows by an ISO 639-1 code."""

# py3langid's codes for what cannot be told apart for sure, or is one language to a reader.
_KIN = {
    **dict.fromkeys(("no", "nn"), ("no", "nn")),
    **dict.fromkeys(("bs", "hr", "sr"), ("bs", "hr", "sr")),
    **dict.fromkeys(("id", "ms"), ("id", "ms")),
}

# Frequent English words that are rare in other languages: not "her", "to", "for", "had" and
# "will", which German, Polish, Danish and Dutch have too.
_ENGLISH = """
about after and because but could did don't from he's how i'm into it it's just much not of
only other our really she should some than that that's the their them then there these they
this through very were what when where which while who with would you your
"""
_COMMON = {"en": frozenset(_ENGLISH.split())}


class LanguageScreen:
    """Tells texts that are surely not in one language. Safe to use from several threads.

    Args:
        language: the ISO 639-1 code of the language; one of :data:`LANGUAGES`.

    Raises:
        BundleError: nothing is known of such a language.
    """

    def __init__(self, language: str) -> None:
        if language not in LANGUAGES:
            raise BundleError(
                f"The bundle is for the language {language!r}, which cannot be told from others. "
                "Score with --any-language."
            )
        self._scripts = frozenset(_SCRIPTS.get(language, ()))
        self._kin = _KIN.get(language, (language,))
        self._common = _COMMON.get(language, frozenset[str]())

    def is_foreign(self, text: str) -> bool:
        """Whether a cleaned text is surely in another language.

        Of a long text the two ends are looked at, :data:`SAMPLE` characters together.
        """
        sample = _sample(text)
        latin = _LATIN_WORD.findall(sample)
        other = [] if sample.isascii() else _OTHER_WORD.findall(sample)
        own = [word for word in other if _script(word[0]) in self._scripts]
        foreign = sum(map(self._foreign_weight, other))
        if foreign and foreign >= sum(map(_weight, latin + other)) - foreign:
            return True
        plain = [word for word in latin + own if len(word) > 1 and not word[0].isupper()]
        if self._is_common(plain) or sum(map(_evidence, set(plain))) < _MIN_LETTERS:
            return False
        words = " ".join(plain)
        # What most texts are in, in half the time of a ranking.
        if _identifier().classify(words)[0] in self._kin:
            return False
        return all(self._margin(part) > _MIN_MARGIN for part in (words, sample))

    def _foreign_weight(self, word: str) -> int:
        # A lone letter is a smiley's eye or mouth rather than a word, except in Chinese.
        if len(word) == 1 and _script(word) not in _HAN:
            return 0
        return sum(_letter_weight(c) for c in word if _script(c) not in self._scripts)

    def _is_common(self, words: Sequence[str]) -> bool:
        """Whether words that only this language has are frequent among ``words``."""
        common = sum(map(self._common.__contains__, words))
        return common > 0 and common >= _MIN_COMMON * len(words)

    def _margin(self, text: str) -> float:
        """How much better than this language the best one is; 0 where it is this one."""
        ranking = _identifier().rank(text)
        scores = dict(ranking)
        own = max(scores[code] for code in self._kin)
        margin: float = (ranking[0][1] - own) / len(text.encode("utf-8", "replace")) ** 0.5
        return margin


def _sample(text: str) -> str:
    """A bounded part of the text, without addresses, in one form of Unicode and of case."""
    if len(text) > SAMPLE:
        text = f"{text[: SAMPLE // 2]} {text[-SAMPLE // 2 :]}"
    # Letters in full width or from the mathematical alphabets become plain ones.
    sample = unicodedata.normalize("NFKC", text)
    if any(part in sample for part in _ADDRESSED):
        sample = _ADDRESS.sub(" ", sample)
    sample = sample.replace("\u2019", "'")
    return sample.lower() if sample.isupper() else sample


def _weight(word: str) -> int:
    return len(word) if word.isascii() else sum(map(_letter_weight, word))


def _evidence(word: str) -> int:
    """What a word is worth: "hahahahaha" no more than another one.

    Words of dense scripts stand together without blanks, so they count in full.
    """
    weight = _weight(word)
    return weight if weight > len(word) else min(weight, _MOST_LETTERS)


@lru_cache(maxsize=8192)
def _letter_weight(letter: str) -> int:
    if not letter.isalpha():
        return 0
    return 3 if _script(letter) in _DENSE else 1


@lru_cache(maxsize=8192)
def _script(letter: str) -> str:
    return unicodedata.name(letter, "").partition(" ")[0]


_loading = threading.Lock()


def _identifier() -> LanguageIdentifier:
    """py3langid's model, loaded once, when the first text asks for it."""
    with _loading:
        return _load()


@cache
def _load() -> LanguageIdentifier:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE)
    # The longer codes are neighbours such as Cantonese or Nigerian Pidgin, and "no language".
    identifier.set_languages(sorted(LANGUAGES))
    return identifier
