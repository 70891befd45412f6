"""How many syllables a word has, by rules alone: the same on every machine, without a dictionary or a voice.

English words by groups of vowel letters with the usual exceptions (docs/lyric-timing.md says how often the count is
that of a pronouncing dictionary), Chinese characters one each, kana by morae, Hangul by blocks, others by their vowels.
"""

from __future__ import annotations

import math
import re
import unicodedata
from typing import Annotated

from pydantic import BeforeValidator, RootModel

from songbench.domain.tables import read_table, split_words
from songbench.domain.text import HAN

_Words = Annotated[tuple[str, ...], BeforeValidator(split_words)]
_TABLE = read_table("songbench.domain", "syllables.yaml", RootModel[dict[int, _Words]]).root
_COUNTS = {word: count for count, words in _TABLE.items() for word in words}

_ONE_EACH = re.compile(f"[{HAN}\uac00-\ud7a3\u3041-\u3096\u30a1-\u30fa\u30fc]")
"""Chinese characters, Hangul blocks, kana and the mark of length."""
_SMALL_KANA = re.compile("[ぁぃぅぇぉゃゅょゎァィゥェォャュョヮ]")
_RUN = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*")
_ACCENT = re.compile("[\u0300-\u036f]")
_VOWEL_GROUP = re.compile("[aeiouyæøœıαεηιουω]+|[аеёиоуыэюяіїє]")
_NO_VOWELS_KNOWN = re.compile("[^a-zæøœıßðþđłŋα-ωа-яёіїє']")

_CONSONANT_Y = re.compile("^y(?=[aeiou])|(?<=[aeiou])y(?=[aeou])")
_CONSONANT_U = re.compile("(?<=q)u|(?<=g)u(?=[aeiy])")
_NOT = re.compile("(?P<stem>[a-z]+)n't")
_CLITIC = re.compile("'(?:s|d|m|t|re|ve|ll)?$")
_SILENT_E = re.compile(
    # walked, called; not wanted, settled
    "(?<=[^aeiouydt])(?<![^aeiouylr][lr])e(?=d$)"
    # makes; not roses, changes, tables
    "|(?<=[^aeiouysxzcgj])(?<![cs]h)(?<![^aeiouylr][lr])e(?=s$)"
    # make; not table, acre
    "|(?<=[^aeiouy])(?<![^aeiouylr][lr])e$"
    # lonely, ninety
    "|(?<=[^aeiouy])(?<![^aeiouylr][lr])e(?=(?:ly|less|ful|fully|ment|ments|ness|some|like|ty|teen|ways?)$)"
    # something, baseline
    "|(?<=[aeiou][bcdfgklmnprstvz])e(?=(?:things?|ones?|body|where|times?|what|how|day|m[ae]n|side|lines?|work|house"
    "|boards?|back|land|light|room|shine|break|self|bud|store|town|up|out|off)$)"
)
_HIATUS = re.compile(
    # piano, appreciate, stadium; not special, nation
    "(?<![ctsg])i(?=a)|(?<=[eu][ct])i(?=at)|(?<![aeou])i(?=um|us)(?<![cstgx]i)|(?<![ctsglnx])i(?=o)"
    # earlier, quiet, society
    "|(?<=[^aeiou])i(?=e(?:r|st|t|nce|nt)$)(?<![ct]i)|(?<=[ct])i(?=ality|et[iy])"
    # going, video, usual, duet, create, idea, react
    "|(?<=[aeiouy])(?=ing)|e(?=o(?![pu]))|(?<=[^gq])u(?=a|o|el|et)|(?<=cr)e(?=at(?!u))|(?<=d)e(?=as?$)"
    "|(?<=^r)e(?=act|ali|in|or)"
    # poem, chaos, rhythm, prism
    "|o(?=e[mt])|a(?=o|ic)|(?<=[st])(?=hm$)|(?<=s)(?=ms?$)"
)


def syllable_count(word: str, language: str = "en") -> int:
    """Syllables of a word, at least one.

    Args:
        word: one word, as `songbench.domain.spoken` gives it (figures written out); letters of several scripts are
            counted each in its own way.
        language: how Latin letters are read, ``en`` or another.

    Returns:
        English: as `english_syllables`. Else one for each Chinese character and Hangul block; for kana one for each
        mora (small kana make none of their own, the small tsu and the mark of length do); for Latin and Greek letters
        one for each group of vowels, for Cyrillic ones one for each vowel; in other scripts one for each two letters.
    """
    text = unicodedata.normalize("NFC", word.casefold())
    counted = len(_ONE_EACH.findall(text)) - len(_SMALL_KANA.findall(text))
    return max(1, counted + sum(_run_syllables(run, language) for run in _RUN.findall(_ONE_EACH.sub(" ", text))))


def _run_syllables(run: str, language: str) -> int:
    plain = _ACCENT.sub("", unicodedata.normalize("NFD", run))
    if _NO_VOWELS_KNOWN.search(plain):
        return math.ceil(len(plain) / 2)
    return english_syllables(plain) if language == "en" else max(1, len(_VOWEL_GROUP.findall(plain)))


def english_syllables(word: str) -> int:
    """Syllables of an English word by its spelling, at least one.

    >>> [english_syllables(word) for word in ("table", "makes", "wanted", "create", "didn't", "something")]
    [2, 1, 2, 2, 2, 2]
    """
    word = word.casefold()
    if word in _COUNTS:
        return _COUNTS[word]
    added = 0
    if match := _NOT.fullmatch(word):
        word = match["stem"]
        added = int(not re.search("[aeiouyr]$", word) and word != "wo")
    elif re.search("(?:[sxz]|[cs]h|[cgs]e)'s$", word):
        added = 1
    word = _CLITIC.sub("", word).replace("'", "")
    word = _CONSONANT_U.sub("w", _CONSONANT_Y.sub("j", word))
    word = _SILENT_E.sub("", word)
    return max(1, len(_VOWEL_GROUP.findall(word)) + len(_HIATUS.findall(word)) + added)
