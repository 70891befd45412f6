"""English to ARPAbet: the CMU dictionary, homographs by part of speech, guesses for what no dictionary has.

The rules are those of the speech front end SongBloom was trained with, which joins g2p-en 2.1 (Park & Kim,
https://github.com/Kyubyong/g2p), NLTK's tokenizer and tagger, and wordsegment.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from songbench.domain.errors import InputError
from systems.songbloom.text import resources
from systems.songbloom.text.g2p_en_files import homograph_rows, number_expander
from systems.songbloom.text.spelling import spelled_phones
from systems.songbloom.text.vocabulary import PHONES

Phones = list[str]

_MARKS = str.maketrans(
    {**dict.fromkeys(";:：，；", ","), **dict.fromkeys('"’', "'"), "。": ".", "！": "!", "？": "?"},
)
_OTHER = re.compile(r"[^ A-Za-z'.,?!\-]")
_THAT_IS = re.compile(r"i\.e\.", re.IGNORECASE)
_FOR_EXAMPLE = re.compile(r"e\.g\.", re.IGNORECASE)

_DICTIONARY_STARTS_AT_LINE = 57
_ADDED = {"chatgpt": "CH AE1 T JH IY1 P IY1 T IY1", "json": "JH EY1 S AH0 N"}
_SPELLED_OUT = ("ae", "ai", "ar", "ios", "hud", "os")  # the dictionary reads these as words

_HOMOGRAPHS_READ_OTHERWISE = {
    "read": ("R IY1 D", "R EH1 D", "VBP"),
    "complex": ("K AH0 M P L EH1 K S", "K AA1 M P L EH0 K S", "JJ"),
}

_POSSESSIVE = re.compile(r"([a-z]+)'s")
_VOICELESS = {"P", "T", "K", "F", "TH", "HH"}
_SIBILANT = {"S", "Z", "SH", "ZH", "CH", "JH"}
_LONGEST_SPELLED = 3


def pronounce_english(text: str) -> Phones:
    """The phones of a text without Chinese characters; what is neither Latin letter nor digit has no sound.

    Returns:
        Phones of `PHONES`; empty when nothing has a sound. When a token cannot be read (a short one that is in no
        dictionary and has an apostrophe or hyphen, such as ``x'y``), the whole text is empty, as in training.

    Raises:
        UnavailableError: the data are not set up.
        InputError: a number is too long to be read out.
    """
    normal = _normal(text)
    if not normal:
        return []
    tokens: list[str] = _tokenizer()(normal)
    try:
        phones = [phone for token, tag in _tagged(tokens) for phone in _token(token, tag)]
    except (KeyError, RecursionError):  # a letter without an entry; wordsegment on hundreds of letters without a space
        return []
    renamed = ({"<unk>": "UNK", "'": "-"}.get(phone, phone) for phone in phones)
    return [phone for phone in renamed if phone in PHONES]


def _normal(text: str) -> str:
    text = text.translate(_MARKS)
    if re.search("[0-9]", text):
        text = _with_numbers_read(text)
    text = "".join(char for char in unicodedata.normalize("NFD", text) if unicodedata.category(char) != "Mn")
    text = _OTHER.sub("", text)
    return _FOR_EXAMPLE.sub("for example", _THAT_IS.sub("that is", text))


def _with_numbers_read(text: str) -> str:
    try:
        return number_expander()(text)
    except (
        Exception
    ) as error:  # inflect raises several kinds for numbers beyond its names, int() for thousands of digits
        number = max(re.findall("[0-9]+", text), key=len)
        raise InputError(
            f"The number '{number[:20]}…' ({len(number)} digits) is too long to be read out.",
            cure="Write it in words, or with spaces between groups of digits.",
        ) from error


def _tagged(tokens: list[str]) -> list[tuple[str, str]]:
    """Tokens with their part of speech, which only homographs need; the tagger is not loaded without one."""
    if any(token.lower() in _homographs() for token in tokens):
        tagged: list[tuple[str, str]] = _tagger()(tokens)
        return tagged
    return [(token, "") for token in tokens]


def _token(token: str, tag: str) -> Phones:
    word = token.lower()
    if not re.search("[a-z]", word):
        return [token]
    if len(word) == 1:
        return ["EY1"] if token == "A" else _dictionary()[word].split()
    if word in _homographs():
        first, second, prefix = _homographs()[word]
        # The tag may be finer than the table's (VBD for V) or coarser (VB for VBP).
        return (first if tag.startswith(prefix) or prefix.startswith(tag) else second).split()
    return _lookup(word)


def _lookup(word: str) -> Phones:
    dictionary = _dictionary()
    if len(word) > 1 and word in dictionary:
        return dictionary[word].split()
    if len(word) <= _LONGEST_SPELLED:
        return [phone for letter in word for phone in (["EY1"] if letter == "a" else dictionary[letter].split())]
    if owner := _POSSESSIVE.fullmatch(word):
        phones = _lookup(owner[1])
        return [*phones, *_possessive_ending(phones[-1])]
    parts = _word_segmenter()(word)
    if len(parts) == 1:
        return spelled_phones(word)
    return [phone for part in parts for phone in _lookup(part)]


def _possessive_ending(last: str) -> Phones:
    if last in _VOICELESS:
        return ["S"]
    return ["AH0", "Z"] if last in _SIBILANT else ["Z"]


@cache
def _dictionary() -> Mapping[str, str]:
    """Lower-case words to phones separated by spaces; other readings of a word have keys such as ``read(2)``."""
    folder = resources.folder()
    entries: dict[str, str] = {}
    with open(folder / resources.CMUDICT, encoding="utf-8") as rows:
        for number, row in enumerate(rows, 1):
            if number >= _DICTIONARY_STARTS_AT_LINE:
                word, _, phones = row.strip().partition("  ")
                entries[word.lower()] = phones
    with open(folder / resources.CMUDICT_FAST, encoding="utf-8") as rows:
        for row in rows:
            word, _, phones = row.strip().partition(" ")
            entries.setdefault(word.lower(), phones)
    entries.update(_ADDED)
    for word in _SPELLED_OUT:
        del entries[word]
    return entries


@cache
def _homographs() -> Mapping[str, tuple[str, str, str]]:
    """Words to: reading for a part of speech, reading otherwise, that part of speech as a prefix of Penn tags."""
    return {**homograph_rows(), **_HOMOGRAPHS_READ_OTHERWISE}


@cache
def _tokenizer() -> Callable[[str], list[str]]:
    from nltk.tokenize import TweetTokenizer  # type: ignore[import-untyped]

    tokenize: Callable[[str], list[str]] = TweetTokenizer().tokenize
    return tokenize


@cache
def _tagger() -> Callable[[list[str]], list[tuple[str, str]]]:
    from nltk.tag.perceptron import PerceptronTagger  # type: ignore[import-untyped]

    def content(name: str) -> Any:
        return json.loads((folder / name).read_text(encoding="utf-8"))

    folder = resources.folder()
    # Filled by hand, as NLTK itself reads only below its own data folders.
    tagger = PerceptronTagger(load=False)
    tagger.decode_json_params(
        map(content, (resources.TAGGER_WEIGHTS, resources.TAGGER_WORDS, resources.TAGGER_CLASSES))
    )
    tag: Callable[[list[str]], list[tuple[str, str]]] = tagger.tag
    return tag


@cache
def _word_segmenter() -> Callable[[str], list[str]]:
    from wordsegment import Segmenter  # type: ignore[import-untyped]

    segmenter = Segmenter()
    segmenter.load()
    segment: Callable[[str], list[str]] = segmenter.segment
    return segment
