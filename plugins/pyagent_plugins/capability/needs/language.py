"""In which language a prompt is written, by script and by the small words that no text does without."""

from __future__ import annotations

import re
from collections.abc import Sequence

NAMES = {
    "en": "English", "de": "German", "fr": "French", "es": "Spanish", "it": "Italian", "pt": "Portuguese",
    "nl": "Dutch", "pl": "Polish", "tr": "Turkish", "ru": "Russian", "uk": "Ukrainian", "el": "Greek",
    "ar": "Arabic", "he": "Hebrew", "hi": "Hindi", "th": "Thai", "ja": "Japanese", "zh": "Chinese", "ko": "Korean",
}  # fmt: skip
_CODES = {name.lower(): code for code, name in NAMES.items()}
# Scripts in the order they are looked for: kana before the characters that Japanese shares with Chinese.
_SCRIPTS = (
    ("ja", re.compile("[\u3040-\u30ff]")), ("ko", re.compile("[\uac00-\ud7af]")), ("zh", re.compile("[\u4e00-\u9fff]")),
    ("uk", re.compile("[іїєґ]", re.I)), ("ru", re.compile("[а-яё]", re.I)), ("el", re.compile("[\u0370-\u03ff]")),
    ("ar", re.compile("[\u0600-\u06ff]")), ("he", re.compile("[\u0590-\u05ff]")), ("hi", re.compile("[\u0900-\u097f]")),
    ("th", re.compile("[\u0e00-\u0e7f]")),
)  # fmt: skip
_SMALL = {
    code: frozenset(words.split())
    for code, words in {
        "en": "the a an of and to is are was were in on at for with that this it what how which who you your from by"
        " be do does have has not as or if write give",
        "de": "der die das und ist nicht ein eine einen dem den des mit für auf wie was warum ich sie wir bitte zu von"
        " wird sind kann es im zum",
        "fr": "le la les des et est une un du que qui dans pour avec sur pas ce cette je vous nous quelle comment plus"
        " moi au aux",
        "es": "el la los las de y es una un que en por para con no se su del cuál cómo qué está son me al",
        "it": "il lo la gli le di e è una un che in per con non si del della qual come sono mi al nel tra",
        "pt": "o a os as de e é uma um que em por para com não se do da qual como são me ao favor mais",
        "nl": "de het een en is niet van in op voor met dat wat hoe ik je kun uit zijn er wordt naar",
        "pl": "jest nie się na w z i to co jak dlaczego są do że jakie czy od dla przez",
        "tr": "ve bir bu için ile mı mi ne nasıl neden en hangi hangisidir olarak var değil",
    }.items()
}


def language_of(text: str, tokens: Sequence[str]) -> tuple[str, float]:
    """(ISO 639-1 code, confidence 0..1); ``en`` with 0 where nothing tells. ``tokens`` are its lower-case words."""
    letters = sum(char.isalpha() for char in text[:2000])
    if not text.isascii():
        for code, script in _SCRIPTS:
            share = len(script.findall(text[:2000])) / max(1, letters)
            # A Japanese or Ukrainian text has few of the letters that are its own.
            if share > (0.04 if code in ("ja", "uk") else 0.3):
                return code, min(1.0, 0.5 + share)
    hits = {code: sum(token in small for token in tokens[:200]) for code, small in _SMALL.items()}
    best = max(hits, key=lambda code: (hits[code], code == "en"))
    count = min(len(tokens), 200)
    second = max(value for code, value in hits.items() if code != best)
    # One small word is a chance: "die" is English, too.
    if hits[best] < 2 or hits[best] / max(1, count) < 0.12 or hits[best] == second:
        return "en", 0.0 if not hits["en"] else 0.5
    return best, min(1.0, (hits[best] - second) / hits[best] + 0.2)


def code_of(said: str) -> str:
    """The code for a language as a person writes it: ``de``, ``DE-at``, ``German``; else its lower-case self."""
    word = said.strip().lower()
    return _CODES.get(word, re.split("[-_]", word)[0] if re.fullmatch("[a-z]{2,3}([-_][a-z]+)*", word) else word)
