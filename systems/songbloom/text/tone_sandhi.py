"""Tones as they are spoken: 不 and 一, neutral syllables, third tones in a row.

The rules and most of the word lists are PaddleSpeech's (Apache-2.0); the lists come from misaki, which ships them,
with the differences of the front end SongBloom was trained with.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from systems.songbloom.text.segmentation import halves

Finals = list[str]
"""One final per character, its tone at the end."""

_PARTICLES = frozenset("吧呢哈啊呐噻嘛吖嗨呐哦哒额滴哩哟喽啰耶喔诶")
_BEFORE_MEASURE = frozenset("几有两半多各整每做是")
_NEUTRAL_HERE = {"老太", "老头", "学生", "打点", "情形", "不在"}
_NOT_NEUTRAL_HERE = {"别人", "将军", "戏弄"}


class _NeutralWords(NamedTuple):
    must: frozenset[str]  # the last syllable is neutral
    must_not: frozenset[str]


def with_sandhi(word: str, tag: str, finals: Finals) -> Finals:
    """The finals of a word with the tones they are spoken with.

    Args:
        word: Chinese characters.
        tag: its part of speech, as jieba tags it.
        finals: one per character, each ending in a tone 1 to 5; not changed.
    """
    finals = _negation(word, finals)
    finals = _numeral_one(word, finals)
    finals = _neutral(word, tag, finals)
    return _third(word, finals)


def _toned(finals: Finals, index: int, tone: str) -> Finals:
    changed = list(finals)
    changed[index] = changed[index][:-1] + tone
    return changed


def _negation(word: str, finals: Finals) -> Finals:
    """看不懂 has a neutral 不; before a fourth tone 不 has the second."""
    if len(word) == 3 and word[1] == "不":
        return _toned(finals, 1, "5")
    for i, char in enumerate(word[:-1]):
        if char == "不" and finals[i + 1][-1] == "4":
            finals = _toned(finals, i, "2")
    return finals


def _numeral_one(word: str, finals: Finals) -> Finals:
    """一 keeps its tone in numbers and in 第一; it is neutral in 看一看, second before a fourth tone, else fourth."""
    if "一" not in word or all(char.isnumeric() for char in word):
        return finals
    if len(word) == 3 and word[1] == "一" and word[0] == word[2]:
        return _toned(finals, 1, "5")
    if word.startswith("第一"):
        return _toned(finals, 1, "1")
    for i, char in enumerate(word[:-1]):
        if char == "一":
            finals = _toned(finals, i, "2" if finals[i + 1][-1] == "4" else "4")
    return finals


def _neutral(word: str, tag: str, finals: Finals) -> Finals:
    words = _neutral_words()
    if tag[:1] in {"n", "v", "a"} and word not in words.must_not:
        for i in range(1, len(word)):
            if word[i] == word[i - 1]:  # 奶奶, 试试
                finals = _toned(finals, i, "5")
    neutral = _neutral_syllable(word, tag)
    if neutral is not None:
        finals = _toned(finals, neutral, "5")
    start = 0
    for part in halves(word):
        if part in words.must or part[-2:] in words.must:
            finals = _toned(finals, start + len(part) - 1, "5")
        start += len(part)
    return finals


def _neutral_syllable(word: str, tag: str) -> int | None:
    """The index of the one syllable that a suffix or the word as a whole makes neutral."""
    words = _neutral_words()
    last, before, final = word[-1], word[-2:-1], len(word) - 1
    long = len(word) > 1
    if (
        last in _PARTICLES
        or last in "的地得"
        or (word in {"了", "着", "过"} and tag in {"ul", "uz", "ug"})
        or (long and last in "们子" and tag in {"r", "n"} and word not in words.must_not)
        or (long and last in "上下里" and tag in {"s", "l", "f"})
        or (long and last in "来去" and before in "上下进出回过起开")
    ):
        return final
    measure = word.find("个")
    if word == "个" or (measure >= 1 and (word[measure - 1].isnumeric() or word[measure - 1] in _BEFORE_MEASURE)):
        return measure
    return final if word in words.must or word[-2:] in words.must else None


def _third(word: str, finals: Finals) -> Finals:
    """A third tone before a third tone becomes a second, within the parts of a word first."""
    if len(word) == 2 and _all_third(finals):
        return _toned(finals, 0, "2")
    if len(word) == 3:
        return _third_of_three(len(halves(word)[0]), finals)
    if len(word) == 4:
        for start in (0, 2):
            if _all_third(finals[start : start + 2]):
                finals = _toned(finals, start, "2")
    return finals


def _third_of_three(cut: int, finals: Finals) -> Finals:
    first, second = finals[:cut], finals[cut:]
    if _all_third(finals):
        if cut == 2:  # 展览/馆
            return _toned(_toned(finals, 0, "2"), 1, "2")
        return _toned(finals, 1, "2") if cut == 1 else finals  # 小/老鼠
    if len(first) == 2 and _all_third(first):  # 所有/人
        return _toned(finals, 0, "2")
    if len(second) == 2 and _all_third(second):
        return _toned(finals, cut, "2")
    if second and not _all_third(second) and second[0][-1] == "3" and first[-1][-1] == "3":  # 好/喜欢
        return _toned(finals, cut - 1, "2")
    return finals


def _all_third(finals: Finals) -> bool:
    return all(final[-1] == "3" for final in finals)


@cache
def _neutral_words() -> _NeutralWords:
    from misaki.tone_sandhi import ToneSandhi  # type: ignore[import-untyped]

    listed = ToneSandhi()
    must = (listed.must_neural_tone_words | _NEUTRAL_HERE) - _NOT_NEUTRAL_HERE
    return _NeutralWords(frozenset(must), frozenset(listed.must_not_neural_tone_words))
