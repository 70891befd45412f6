"""Words joined before tone sandhi, because sandhi reaches across the words of a segmenter.

The order of the six steps matters, and so do two oddities that are kept because the model was trained with them: more
than one 看一看 in a text leaves every 一 unjoined, and a syllable without a final switches a whole step off.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from systems.songbloom.text.pinyin_symbols import finals_of
from systems.songbloom.text.segmentation import Word

Finals = list[str]


def merged_words(words: list[Word]) -> list[Word]:
    """The same characters in fewer words; a joined word has the part of speech of its first part.

    The exception is 不, which takes that of the word it is joined to.
    """
    words = _negations(words)
    words = _numeral_ones(words)
    words = _repetitions(words)
    # A syllable without a final (one no reading is known of) raises, and then the words stay as they are.
    for meet in (_all_third, _third_meets_third):
        with suppress(IndexError):
            words = _third_tones(words, meet)
    return _retroflex(words)


def _negations(words: list[Word]) -> list[Word]:
    """不 goes to the word behind it; at the end it stands alone as an adverb."""
    merged: list[Word] = []
    last = ""
    for word, tag in words:
        last = "不" + word if last == "不" else word
        if last != "不":
            merged.append((last, tag))
    return [*merged, ("不", "d")] if last == "不" else merged


def _numeral_ones(words: list[Word]) -> list[Word]:
    """听 一 听 becomes one word when both are verbs, then any 一 goes to the word behind it."""
    between = [
        i
        for i in range(1, len(words) - 1)
        if words[i][0] == "一" and words[i - 1] == words[i + 1] and words[i - 1][1] == "v"
    ]
    if len(between) > 1:  # an index error in training, after which the words were left as they were
        return words
    for i in between:
        words = [*words[: i - 1], (f"{words[i - 1][0]}一{words[i + 1][0]}", "v"), *words[i + 2 :]]
    merged: list[Word] = []
    for word, tag in words:
        if merged and merged[-1][0] == "一":
            merged[-1] = ("一" + word, merged[-1][1])
        else:
            merged.append((word, tag))
    return merged


def _repetitions(words: list[Word]) -> list[Word]:
    """A word and the same word again become one."""
    merged: list[Word] = []
    for word, tag in words:
        if merged and merged[-1][0] == word:
            merged[-1] = (word + word, merged[-1][1])
        else:
            merged.append((word, tag))
    return merged


def _all_third(first: Finals, second: Finals) -> bool:
    return all(final[-1] == "3" for final in first) and all(final[-1] == "3" for final in second)


def _third_meets_third(first: Finals, second: Finals) -> bool:
    return first[-1][-1] == "3" and second[0][-1] == "3"


def _third_tones(words: list[Word], meet: Callable[[Finals, Finals], bool]) -> list[Word]:
    """Two words of together at most three characters become one when their third tones meet.

    Not when the first is a character twice over, as its second syllable will lose its tone, and not when the first was
    joined to the one before it.
    """
    finals = [finals_of(word) for word, _ in words]
    merged: list[Word] = []
    joined = False
    for i, (word, tag) in enumerate(words):
        before = words[i - 1][0] if i else ""
        twice = len(before) == 2 and before[0] == before[1]
        joined = i > 0 and meet(finals[i - 1], finals[i]) and not joined and not twice and len(before) + len(word) <= 3
        if joined:
            merged[-1] = (merged[-1][0] + word, merged[-1][1])
        else:
            merged.append((word, tag))
    return merged


def _retroflex(words: list[Word]) -> list[Word]:
    """儿 goes to the word before it."""
    merged: list[Word] = []
    for word, tag in words:
        if merged and word == "儿":
            merged[-1] = (merged[-1][0] + word, merged[-1][1])
        else:
            merged.append((word, tag))
    return merged
