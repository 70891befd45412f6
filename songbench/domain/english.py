"""A dictionary of English words, to tell English from what only uses its letters."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from importlib.resources import files

_ENDINGS = tuple(
    re.compile(ending) for ending in ("'.*$", "s$", "es$", "e?d$", "ing?$", "in'?$", "ly$", "e?r$", "est$")
)


def is_dictionary_word(word: str) -> bool:
    """Whether misaki's pronouncing dictionary of American English (90,000 words) has it, in any case."""
    return word.casefold() in _dictionary()


def is_english(word: str) -> bool:
    """Whether the dictionary has the word, or a word it is an inflection of ("counted", "lights", "singin'")."""
    word = word.casefold()
    if is_dictionary_word(word) or (word.endswith(("ies", "ied")) and is_dictionary_word(f"{word[:-3]}y")):
        return True
    stems = (ending.sub("", word) for ending in _ENDINGS)
    return any(_is_stem(stem) for stem in stems if len(stem) > 2 and stem != word)


def _is_stem(stem: str) -> bool:
    doubled = len(stem) > 3 and stem[-1] == stem[-2]
    return any(map(is_dictionary_word, (stem, f"{stem}e", *([stem[:-1]] if doubled else []))))


@lru_cache(maxsize=1)
def _dictionary() -> frozenset[str]:
    words = json.loads(files("misaki").joinpath("data/us_gold.json").read_text(encoding="utf-8"))
    return frozenset(word.casefold() for word in words)
