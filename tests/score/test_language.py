"""The language screen: surely foreign texts are flagged, odd English is not."""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from score import language
from score.cleaning import CLEANINGS
from score.errors import BundleError
from score.language import DETECTOR, LANGUAGES, SAMPLE, LanguageScreen

IMDB = Path(os.environ.get("THUMBS_IMDB", Path(__file__).parents[3] / "shared/data/imdb"))

OTHER_SCRIPTS = {
    "Chinese": [
        "好！",
        "太差了",
        "这本书写得很好，我一口气读完了。",
        "酒店房间很干净，服务员也很热情，下次还会再来。",
        "這部電影的結局讓我非常失望。",
        "iPhone 的电池不行，用了两天就坏了，不推荐购买。",
    ],
    "Japanese": [
        "最高！",
        "つまらない",
        "とても面白い映画でした。もう一度見たいです。",
        "ホテルの部屋は狭くて、スタッフの対応も良くなかった。",
        "この本は途中で読むのをやめました。",
        "ﾊﾞｯﾃﾘｰがすぐ切れる。",
    ],
    "Russian": [
        "Отлично!",
        "Не советую",
        "Фильм очень скучный, я уснул через полчаса.",
        "Номер был чистый, завтрак вкусный, персонал вежливый.",
        "Книга понравилась, прочитала за два дня.",
        "ТЕЛЕФОН СЛОМАЛСЯ ЧЕРЕЗ НЕДЕЛЮ",
    ],
    "Arabic": [
        "ممتاز",
        "لا أنصح به",
        "الفيلم ممل جدا ولم يعجبني على الإطلاق.",
        "الغرفة نظيفة والموظفون لطفاء والإفطار لذيذ.",
        "قرأت الكتاب في يومين وكانت القصة رائعة.",
    ],
    "Korean": ["최고예요", "배우들의 연기는 좋았지만 이야기가 너무 지루했다."],
    "Greek": ["Υπέροχο!", "Το δωμάτιο ήταν βρώμικο και το προσωπικό αγενές."],
    "Hebrew": ["מומלץ מאוד", "הסרט היה ארוך ומשעמם."],
    "Hindi": ["बकवास", "यह फिल्म बहुत अच्छी है और कहानी दिल को छू लेती है।"],
    "Thai": ["หนังเรื่องนี้สนุกมาก"],
}

OF_TWENTY_WORDS = {
    "German": [
        "Ich habe mich auf diesen Film sehr gefreut, aber nach einer halben Stunde war mir klar, "
        "dass hier weder die Handlung noch die Schauspieler etwas taugen.",
        "Das Zimmer war sauber und ruhig, das Personal freundlich, und beim Frühstück fehlte uns "
        "wirklich nichts, deshalb kommen wir im nächsten Jahr gern wieder.",
        "NACH ZWEI WOCHEN GING DAS GERÄT KAPUTT UND DER KUNDENDIENST HAT AUF KEINE MEINER "
        "NACHRICHTEN GEANTWORTET, ALSO KAUFT ES AUF KEINEN FALL, ES IST SCHADE UM DAS GELD.",
    ],
    "French": [
        "Ce film est une merveille du début à la fin, les acteurs sont justes, la musique est "
        "superbe et je suis sorti de la salle avec les larmes aux yeux.",
        "La chambre était petite et bruyante, le petit déjeuner très cher, et personne à "
        "la réception ne voulait nous aider quand la douche est tombée en panne.",
        "J'ai lu ce livre en deux jours, il est bien écrit, mais la fin m'a laissé sur ma faim "
        "et les personnages manquent un peu de profondeur.",
    ],
    "Spanish": [
        "La película me pareció larga y aburrida, el guion no tiene sentido y los actores "
        "parecen leer sus frases por primera vez, una verdadera lástima.",
        "El hotel está muy bien situado, las habitaciones son amplias y limpias, y el desayuno "
        "es de los mejores que hemos probado en nuestros viajes.",
        "Compré este teléfono hace un mes y ya no carga, la tienda no responde a mis mensajes "
        "y no pienso volver a comprar nada de esta marca.",
    ],
}

ENGLISH = [
    "OK",
    "Bravo!",
    "Meh.",
    "10/10",
    "★★★★★",
    "👍👍👍 😂",
    "...",
    "¯\\_(ツ)_/¯ whatever",
    "ಠ_ಠ",
    "Amélie is a masterpiece",
    "The film Crouching Tiger 卧虎藏龙 is great",
    "I saw Левиафан and it is superb.",
    "Das Boot, La Haine, Ladri di biciclette, Todo sobre mi madre: all of these are essential.",
    "Il buono, il brutto, il cattivo is the best western ever, hands down.",
    "As the Germans say, 'das war schon immer so'; the rest is in plain English, thankfully.",
    "We ate at Trattoria Da Enzo in Via dei Vascellari near Piazza Santa Maria in Trastevere.",
    "Penélope Cruz, Javier Bardem, Luis Tosar, Candela Peña, Eduard Fernández, José Coronado",
    "Directed by François Truffaut, starring Jean-Pierre Léaud, Claire Maurier, Albert Rémy.",
    "A naïve façade, a blasé fiancée, a cliché dénouement: déjà vu, and passé at that.",
    "teh moive was awsome i luv it sooo muchhh, definatly recomend 2 evry1",
    "lol dis flick b lit af fr fr no cap, bussin soundtrack, deadass gon watch it agen",
    "WORST HOTEL EVER!!! DIRTY TOWELS, RUDE STAFF, NO HOT WATER. AVOID AVOID AVOID!!!",
    "hahahahahahahahahahahahahahahahahahaha",
    "noooooooooooooooooooooo whyyyyyyyyyyyyyyyyy",
    "blah blah blah blah blah blah",
    "https://example.com/filme/der-untergang-ist-nicht-das-ende-aller-dinge great",
    "www.beispiel.example/hotel/zimmer?und=fruehstueck see reviews there",
    "contact: maria.de.los.angeles@correo.example, refund still pending",
    'Battery 5000 mAh, USB-C, 6.1" OLED, IP68, 128 GB',
    "𝓼𝓸 𝓰𝓸𝓸𝓭, ｌｏｖｅｄ ｉｔ",
    "Dull.",
    "no plot, no acting, no fun",
    "Très chic, n'est-ce pas? I adored the costumes and the sets.",
]


@pytest.fixture(scope="module")
def english() -> LanguageScreen:
    """The screen of an English bundle."""
    return LanguageScreen("en")


@pytest.mark.parametrize("name", OTHER_SCRIPTS)
def test_another_script_is_told_at_any_length(english: LanguageScreen, name: str) -> None:
    """A text in another script is flagged, be it one word or a sentence with a Latin name."""
    assert [text for text in OTHER_SCRIPTS[name] if not english.is_foreign(text)] == []


@pytest.mark.parametrize("name", OF_TWENTY_WORDS)
def test_another_language_is_told_from_twenty_words(english: LanguageScreen, name: str) -> None:
    """Of twenty words and more, a text in Latin letters that is not English is flagged."""
    assert all(len(text.split()) >= 20 for text in OF_TWENTY_WORDS[name])
    assert [text for text in OF_TWENTY_WORDS[name] if not english.is_foreign(text)] == []


@pytest.mark.parametrize("text", ENGLISH)
def test_odd_english_is_no_other_language(english: LanguageScreen, text: str) -> None:
    """Names, titles, slang, shouting, numbers and addresses do not make a text foreign."""
    assert not english.is_foreign(text)


def test_no_letters_are_no_language(english: LanguageScreen) -> None:
    """Digits, signs, emoji, blanks and stray code units are never flagged."""
    texts = [
        "",
        " ",
        "12:30",
        "$$$ 100%",
        "🎬🍿❤️",
        "٣٫٥ / ٥",
        "\ud800\udfff" * 50,
        "\u200d\u0301" * 9,
    ]
    assert not any(english.is_foreign(text) for text in texts)


def test_the_ends_of_a_long_text_decide(
    english: LanguageScreen, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of ten million characters a thousand are looked at, half from each end."""
    seen = []
    original = LanguageScreen._margin

    def margin(screen: LanguageScreen, text: str) -> float:
        seen.append(len(text))
        return original(screen, text)

    monkeypatch.setattr(LanguageScreen, "_margin", margin)
    middle = "这部电影太差了" * 1_500_000
    ends = "This is what a reader sees of it, and there is not much more to say. " * 8
    assert not english.is_foreign(ends + middle + ends)
    german = OF_TWENTY_WORDS["German"][0] + " "
    assert english.is_foreign(german * 70_000)
    assert seen
    assert max(seen) <= SAMPLE + 1


def test_a_text_that_has_english_in_it_is_answered(english: LanguageScreen) -> None:
    """A foreign beginning does not condemn a long review that goes on in English."""
    german = " ".join(OF_TWENTY_WORDS["German"][:2])
    more = " That was the poster; the film itself, which I saw with my brother, is just as dull."
    assert not english.is_foreign(german + more * 8)


def test_every_language_has_its_own_screen() -> None:
    """A German screen passes German, short and long, and flags English and Chinese."""
    german = LanguageScreen("de")
    passed = [*OF_TWENTY_WORDS["German"], "Sehr gut!", "Top", "Der Film Amélie ist ein Genuss."]
    assert [text for text in passed if german.is_foreign(text)] == []
    review = (
        "I was looking forward to this film, but after half an hour it was clear to me that "
        "neither the story nor the actors are any good."
    )
    assert [t for t in [review, *OTHER_SCRIPTS["Chinese"]] if not german.is_foreign(t)] == []


@pytest.mark.parametrize(
    ("code", "own", "foreign"),
    [("zh", "Chinese", "Russian"), ("ja", "Japanese", "Arabic"), ("ru", "Russian", "Japanese")],
)
def test_latin_letters_are_at_home_everywhere(code: str, own: str, foreign: str) -> None:
    """Where another script is written, Latin names pass, and sentences of English do not."""
    screen = LanguageScreen(code)
    passed = [*OTHER_SCRIPTS[own], "OK", "iPhone 15 Pro Max", "Leonardo DiCaprio, Kate Winslet"]
    assert [text for text in passed if screen.is_foreign(text)] == []
    english = "The rooms were clean and the people at the desk could not have been kinder to us."
    assert [t for t in [english, *OTHER_SCRIPTS[foreign]] if not screen.is_foreign(t)] == []


def test_sister_languages_are_not_told_apart() -> None:
    """Written alike, Norway's two languages, or Croatian and Serbian, count as one."""
    nynorsk = "Eg likte ikkje denne filmen, fordi skodespelarane ikkje kunne noko som helst."
    serbian = "Ovaj film mi se nije dopao, jer glumci nisu bili ubedljivi, a priča je dosadna."
    assert not LanguageScreen("no").is_foreign(nynorsk)
    assert not LanguageScreen("hr").is_foreign(serbian)
    assert LanguageScreen("en").is_foreign(nynorsk)
    assert LanguageScreen("en").is_foreign(serbian)


@pytest.mark.parametrize("code", ["xx", "eng", "EN", ""])
def test_an_unknown_language_is_refused(code: str) -> None:
    """A bundle whose language cannot be screened for says how it can be used all the same."""
    with pytest.raises(BundleError) as raised:
        LanguageScreen(code)
    assert str(raised.value) == (
        f"The bundle is for the language {code!r}, which cannot be told from others. "
        "Score with --any-language."
    )


def test_the_languages_are_the_detectors() -> None:
    """What is said to be known is what py3langid has a two-letter code for."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    labels = LanguageIdentifier.from_model_file(MODEL_FILE).labels
    assert {label for label in labels if len(label) == 2} == LANGUAGES
    assert set(language._SCRIPTS) | set(language._KIN) | set(language._COMMON) <= LANGUAGES


def test_the_detector_has_a_name() -> None:
    """Its version and the rule's number stand in the identity, so that caches notice both."""
    from importlib.metadata import version

    assert re.fullmatch(rf"py3langid {re.escape(version('py3langid'))}, rule \d+", DETECTOR)


def test_english_reviews_do_not_load_the_model() -> None:
    """Plain English and other scripts are told without py3langid, so that a run starts fast."""
    code = (
        "import sys; from score.language import LanguageScreen; screen = LanguageScreen('en'); "
        "print(screen.is_foreign('This is the film that you should see with your friends.'), "
        "screen.is_foreign('这部电影太差了'), 'py3langid' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    assert done.stdout == "False True False\n"


def test_threads_share_one_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads that all ask first load the model once and get the answers of a single one."""
    from py3langid.langid import LanguageIdentifier

    loads = []
    original = LanguageIdentifier.from_model_file

    def load(*arguments: object) -> LanguageIdentifier:
        loads.append(arguments)
        return original(*arguments)

    texts = [text for some in OF_TWENTY_WORDS.values() for text in some] + ENGLISH
    expected = [LanguageScreen("en").is_foreign(text) for text in texts]
    monkeypatch.setattr(LanguageIdentifier, "from_model_file", load)
    language._load.cache_clear()
    screen = LanguageScreen("en")
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(screen.is_foreign, texts * 5))
    assert answers == expected * 5
    assert len(loads) == 1


@pytest.mark.skipif(not (IMDB / "train.parquet").is_file(), reason="IMDB is not here")
def test_real_sentences_are_english(english: LanguageScreen) -> None:
    """Of 5,000 sentences so few are flagged that a rate of 0.2 % is out of the question."""
    import pandas as pd

    reviews = pd.read_parquet(IMDB / "train.parquet", columns=["text"])["text"]
    clean = CLEANINGS["html-line-breaks"]
    sentences = [
        sentence
        for review in reviews.sample(1_000, random_state=3)
        for sentence in re.split(r"(?<=[.!?])\s+", clean(review))
        if re.search(r"\w", sentence)
    ]
    sample = random.Random(3).sample(sentences, 5_000)
    flagged = [sentence for sentence in sample if english.is_foreign(sentence)]
    # At a rate of 0.2 % ten are to be expected, and two or fewer come once in 360 samples.
    assert len(flagged) <= 2, flagged


def test_one_answer_is_the_first_of_the_ranking() -> None:
    """So a text that it calls English is not ranked at all."""
    identifier = language._identifier()
    texts = [*(text for some in OTHER_SCRIPTS.values() for text in some), "not bad", "si no", ""]
    for text in texts:
        assert identifier.classify(text)[0] == identifier.rank(text)[0][0], text
