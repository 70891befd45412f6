"""The language of lyrics: how it is written (BCP 47), and which one a text is in.

A language is never guessed from the script alone. Kana and Hangul say their language by themselves; which of the
languages in Latin letters, Chinese characters or other scripts a text is in, py3langid says (a naive Bayes classifier
after Lui & Baldwin 2012, "langid.py"), of the whole lyrics, together with a dictionary of English: a detector alone
calls "la la la" Esperanto and "hello" Breton. Where both stay unsure the answer is ``und``, undetermined.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from pydantic import RootModel

from songbench.domain.english import is_english
from songbench.domain.errors import InputError
from songbench.domain.tables import read_table
from songbench.domain.text import HAN, LATIN, normal_text

MIXED = "mixed"
"""Our own word for lyrics in English and Mandarin together; BCP 47 has none."""

UNDETERMINED, SEVERAL = "und", "mul"
"""BCP 47's words for a language that nobody knows, and for several languages in one text."""

_ENGLISH = ("en", "pcm")  # Nigerian Pidgin shares the words of English, and the detector confuses the two
_NAMES = read_table("songbench.domain", "language_names.yaml", RootModel[dict[str, tuple[str, ...]]]).root
_CODES = {name: code for code, names in _NAMES.items() for name in names}
_EXAMPLES = ("en", "zh", MIXED, "ja", "ko", "yue", "fr", "es", "de", "pt-BR")

_LATIN_WORD = re.compile(rf"[{LATIN}]+(?:'[{LATIN}]+)*")
_WITH_FIGURES = re.compile(
    rf"(?:(?<![{LATIN}])[{LATIN}]+)?[\d°][\d°.,:/%]*[{LATIN}]*"
)  # 10k, 1st, 30°C, MP3: no words of any language
_HAN_LETTER = re.compile(f"[{HAN}]")
_KANA = re.compile(r"[\u3041-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff]")
_HANGUL = re.compile(r"[\u1100-\u11ff\u3130-\u318f\uac00-\ud7af]")
_LETTER = re.compile(r"[^\W\d_]")
_VOCABLE = re.compile(
    r"(?:[aeiou]+h*|o+h+|a+h+|u+h+|e+h+|h+[aeiou]+h*|h*m+|w?o+a*h*|wh?o+a+h*|ye+a*h*|ye+s*|ya+h*|he+y+|yo+|"
    r"(?:la|na|ma|mama|da|ba|ra|do|doo|di|dum|sha|pa|bop|shoop|ooh|oh|ah|uh|ha|hey|ma|ta|tra|ti|woo|hoo|yi)+h?|brr+|sh+|gr+)"
)
# Letters of written Cantonese that written Mandarin does not use.
_CANTONESE = re.compile("[佢哋嘅喺咗冇嚟啲嗰攞瞓嘢噉咩唔嗌俾畀睇咁乜冧嬲靚]")

_MANY_WORDS = 4  # a line with fewer says too little by itself
_CLEAR = 0.7  # confidence from which a text contradicts what is said of it
_SHARE = 0.1  # of the letters: less is a quotation


@dataclass(frozen=True)
class Detection:
    """Which language a text is in.

    Attributes:
        language: a BCP 47 code, `MIXED` for English and Mandarin, ``mul`` for other mixtures, ``und`` where nothing
            says it.
        confidence: 0 to 1; below 0.5 it says little.
        reason: what says so, to be shown to people.
    """

    language: str
    confidence: float
    reason: str


def check_language(code: str) -> str:
    """The canonical spelling of a language code: ``ZH`` is ``zh``, ``en_gb`` is ``en-GB``, ``cmn`` is ``zh``.

    Args:
        code: any BCP 47 tag, or `MIXED`.

    Raises:
        InputError: it is neither; names such as ``english`` and codes such as ``jp`` are answered with the right code.
    """
    plain = code.strip()
    if plain.casefold() in _NAMES:  # canonical; loading langcodes takes as long as the rest of a short command
        return plain.casefold()
    from langcodes import standardize_tag, tag_is_valid
    from langcodes.tag_parser import LanguageTagError

    usual = _CODES.get(plain.casefold())
    try:
        if not usual and tag_is_valid(plain):
            tag: str = standardize_tag(plain)
            return re.sub(r"^cmn(?=-|$)", "zh", tag)
    except LanguageTagError:
        pass
    raise InputError(
        f"'{code}' is not a language code." + (f" Write '{usual}' instead." if usual else ""),
        field="language",
        cure=f"Use a BCP 47 code such as {', '.join(_EXAMPLES)}; '{MIXED}' is English and Mandarin together.",
    )


def named_language(name: str) -> str | None:
    """The code of a language by its name, ``en`` for ``English``; None for what is no name in `language_names.yaml`.

    Args:
        name: in any case of letters; codes that stand in the table are taken as well.
    """
    plain = name.strip().casefold()
    return plain if plain in _NAMES else _CODES.get(plain)


def spoken_language(code: str) -> str:
    """The language of a code without region, script or variant: ``en`` for ``en-GB``, ``zh`` for ``zh-Hans-CN``.

    Mandarin in Latin letters (``zh-Latn``) stays as it is, as nothing here reads pinyin.

    Args:
        code: as `check_language` gives it.
    """
    if code in _NAMES:
        return code
    from langcodes import Language

    language = Language.get(code)
    spoken = {"cmn": "zh"}.get(language.language or UNDETERMINED, language.language or UNDETERMINED)
    return "zh-Latn" if spoken == "zh" and language.script == "Latn" else spoken


def detect_language(lines: Iterable[str]) -> Detection:
    """The language of lyrics as a whole.

    English lyrics with a few foreign words are English; Mandarin lyrics with English words are `MIXED`; syllables such
    as "la la" and "oh yeah" belong to no language and, alone, count as English. For lyrics whose file gives no
    language: take ``detect_language(lyrics.lines).language`` and show it as detected, with the reason.

    Args:
        lines: the sung lines, without tags.
    """
    return _detection(tuple(map(normal_text, lines)))


def contradiction(
    language: str, lines: Iterable[str], detect: Callable[[Iterable[str]], Detection] = detect_language
) -> str | None:
    """Why a text can hardly be in the language it is said to be in; None when it can.

    Only clear cases are named: other letters, or a detector and a dictionary that agree. A short line, a name or a
    quotation contradicts nothing.

    Args:
        language: as `check_language` gives it.
        lines: the sung lines, without tags.
        detect: says the language of lines, as `detect_language` does.
    """
    detection = detect(lines)
    agreeing = {"en": ("en",), "zh": ("zh", MIXED), MIXED: ("en", "zh", MIXED)}.get(spoken_language(language))
    if agreeing is None or detection.language in agreeing or detection.confidence < _CLEAR:
        return None
    return f"the lyrics are said to be in '{language}', but {detection.reason}"


@lru_cache(maxsize=4096)
def _detection(lines: tuple[str, ...]) -> Detection:
    lines = tuple(_WITH_FIGURES.sub(" ", line) for line in lines)
    text = "\n".join(lines)
    letters = len(_LETTER.findall(text))
    if not letters:
        return Detection(UNDETERMINED, 0.0, "there are no words")
    han, kana, hangul = (len(script.findall(text)) for script in (_HAN_LETTER, _KANA, _HANGUL))
    latin = [word for word in _LATIN_WORD.findall(text) if not _VOCABLE.fullmatch(word.casefold())]
    latin_letters = sum(len(word.replace("'", "")) for word in _LATIN_WORD.findall(text))
    other_letters = letters - han - kana - hangul - latin_letters
    # A syllable or a Chinese character is worth about three Latin letters.
    weight = 3 * (han + hangul) + 2 * kana + latin_letters + other_letters
    if 2 * kana + 3 * han > _SHARE * weight and kana > max(1, _SHARE * (kana + han)):
        return Detection("ja", 1.0, f"the lyrics hold {kana} kana, which only Japanese has")
    if 3 * hangul > _SHARE * weight:
        return Detection("ko", 1.0, f"the lyrics hold {hangul} Hangul syllables, which only Korean has")
    if other_letters > _SHARE * weight:
        return _other_script(text)
    if han:
        return _chinese(lines, latin)
    return _latin(lines, latin)


def _other_script(text: str) -> Detection:
    language, probability = _ranked(text)[0]
    if probability < 0.5:
        return Detection(UNDETERMINED, probability, "the letters are neither Latin nor Chinese")
    return Detection(language, max(0.8, probability), f"the letters and words are those of '{language}'")


def _chinese(lines: Sequence[str], latin: Sequence[str]) -> Detection:
    han = "\n".join("".join(_HAN_LETTER.findall(line)) for line in lines)
    language, probability = _ranked(han)[0]
    if language == "yue" and probability >= 0.5 and _CANTONESE.search(han):
        return Detection("yue", probability, "the words are Cantonese, which is read otherwise than Mandarin")
    if language in ("wuu", "ja", "ko") and probability >= 0.95:
        return Detection(language, probability, f"the words are those of '{language}'")
    if not _LATIN_WORD.search("".join(lines)):
        return Detection("zh", 0.9, "the words are Mandarin")
    beside = _latin(lines, latin)
    if beside.language != "en" and len(latin) >= _MANY_WORDS:
        return Detection(SEVERAL, max(0.8, beside.confidence), f"beside Mandarin {beside.reason}")
    return Detection(MIXED, 0.9, "the words are Mandarin and English")


def _latin(lines: Sequence[str], words: Sequence[str]) -> Detection:
    """The language of the words in Latin letters, `words` being those that are more than vocables."""
    if not words:
        return Detection("en", 0.5, "there are only syllables that belong to no language, read as English")
    share = _english_share(words)
    if share >= 0.95:
        return Detection("en", share, "the words are English")
    ranked = _ranked("\n".join(" ".join(_LATIN_WORD.findall(line)) for line in lines))
    english = sum(probability for language, probability in ranked if language in _ENGLISH)
    language, probability = next(entry for entry in ranked if entry[0] not in _ENGLISH)
    if share >= (0.9 if probability > 0.9 else 0.5 if english > probability else 0.75):
        return _with_foreign_lines(lines, Detection("en", max(share, english), "the words are English"))
    # A few foreign words may be a name or a quotation; many that are not in the dictionary are a language.
    many = len(set(words)) >= _MANY_WORDS
    strange = 1 - share if many else 0.3
    if probability >= (0.2 if many else 0.5) and share < 0.75 and probability > english:
        certain = max(probability, strange) if many else min(probability, 0.6)
        return Detection(language, certain, f"the words look like '{language}' ({probability:.0%})")
    return Detection(UNDETERMINED, strange, f"only {share:.0%} of the words are English, and no language is certain")


def _with_foreign_lines(lines: Sequence[str], detection: Detection) -> Detection:
    """The same, or several languages where a quarter of the words stands in lines of another language."""
    counts = {"en": 0}
    for line in lines:
        words = [word for word in _LATIN_WORD.findall(line) if not _VOCABLE.fullmatch(word.casefold())]
        language = "en"
        if len(words) >= _MANY_WORDS and _english_share(words) < 0.5:
            guess, probability = _ranked(line)[0]
            language = guess if probability >= 0.8 and guess not in _ENGLISH else "en"
        counts[language] = counts.get(language, 0) + len(words)
    foreign = sum(counts.values()) - counts["en"]
    if foreign < 0.25 * sum(counts.values()):
        return detection
    languages = " and ".join(f"'{language}'" for language in counts if language != "en")
    return Detection(SEVERAL, 0.9, f"beside English there are lines in {languages}")


def _english_share(words: Sequence[str]) -> float:
    return sum(map(is_english, words)) / len(words)


def _ranked(text: str) -> list[tuple[str, float]]:
    """Languages, likeliest first, with probabilities."""
    ranked = _detector().rank(text.casefold())
    return [(str(language), float(probability)) for language, probability in ranked if language != "zxx"]


@lru_cache(maxsize=1)
def _detector() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
