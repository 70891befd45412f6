"""Chinese words and their parts of speech: jieba 0.42 (https://github.com/fxsjy/jieba), with its own dictionary.

The tokenizer is this module's own, so words that other code adds to jieba's global one change nothing here.
"""

from __future__ import annotations

import logging
import warnings
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

Word = tuple[str, str]
"""A word and its part of speech, a tag of jieba's such as ``n`` or ``ul``."""


def tagged_words(text: str) -> list[Word]:
    """The words of a run of Chinese characters; joined they are the text."""
    return [(found.word, found.flag) for found in _tagger().lcut(text)]


def halves(word: str) -> tuple[str, str]:
    """A word cut at its shortest part that is a word itself.

    Returns:
        Two strings of together ``len(word)`` characters; the second is empty when there is no such part. A part from
        the middle of the word is taken for its end, as in training.
    """
    shortest = min(_tagger().tokenizer.cut_for_search(word), key=len)
    if word.startswith(shortest):
        return shortest, word[len(shortest) :]
    return word[: -len(shortest)], shortest


@cache
def _tagger() -> Any:
    with (
        warnings.catch_warnings()
    ):  # about its own regular expressions, and about pkg_resources where that is installed
        warnings.simplefilter("ignore")
        import jieba  # type: ignore[import-untyped]
        import jieba.posseg  # type: ignore[import-untyped]

    jieba.setLogLevel(logging.CRITICAL)  # it tells the standard error stream about every step
    tokenizer = jieba.Tokenizer()
    tokenizer.tmp_dir = str(_cache_folder())
    return jieba.posseg.POSTokenizer(tokenizer)


def _cache_folder() -> Path:
    """Where jieba keeps its parsed dictionary: the user's own cache, not the shared temporary folder.

    It is written to a file of its own first and then renamed, so processes may start at the same time. When it cannot
    be written, jieba parses its dictionary anew at every start, which takes about a second.
    """
    import platformdirs

    folder = Path(platformdirs.user_cache_dir("songbench")) / "jieba-0.42.1"
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
    return folder
