"""Other lyrics for the singer: what is asked for stays the prompt's lyrics, what is sung does not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from pydantic import RootModel

from songbench.domain.language import spoken_language
from songbench.domain.lyrics import Lyrics
from songbench.domain.tables import read_table
from systems.damaged.voice import random_indices

OTHER_LINES = read_table("systems.damaged", "other_lines.yaml", RootModel[dict[str, tuple[str, ...]]]).root
"""Lines with nothing in common with any suite (CC0-1.0), by language."""


def wrong_lyrics(lyrics: Lyrics, language: str, strength: int, seed: int) -> Lyrics:
    """A quarter to all of the lines exchanged for lines of `OTHER_LINES`; mixed lyrics get English ones."""
    stock = OTHER_LINES["zh" if spoken_language(language) == "zh" else "en"]
    wrong = set(random_indices(len(lyrics.lines), strength, seed))
    offset = int(np.random.default_rng(seed).integers(len(stock)))
    return _by_line(lyrics, lambda i, line: [stock[(offset + i) % len(stock)] if i in wrong else line])


def repeated_lines(lyrics: Lyrics, strength: int, seed: int) -> Lyrics:
    """A quarter to all of the lines sung twice in a row."""
    twice = set(random_indices(len(lyrics.lines), strength, seed))
    return _by_line(lyrics, lambda i, line: [line, line] if i in twice else [line])


def _by_line(lyrics: Lyrics, change: Callable[[int, str], list[str]]) -> Lyrics:
    number, sections = 0, []
    for section in lyrics.sections:
        lines: list[str] = []
        for line in section.lines:
            lines += change(number, line)
            number += 1
        sections.append(replace(section, lines=tuple(lines)))
    return Lyrics(tuple(sections))
