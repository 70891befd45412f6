"""Songs by rules, as many as are wanted: words from a small grammar, music and section times by `rulebased`."""

from __future__ import annotations

import random
from collections.abc import Sequence

from songbench.domain.errors import InputError
from songbench.domain.hashing import derived_seed
from songbench.domain.lyric_timing import time_lyrics
from songbench.domain.lyrics import Lyrics, Section
from songbench.domain.prompt import Prompt, RenderAsset
from systems.rulebased.style import GENRES
from systems.songbloom.training.data.records import LeftOut
from systems.songbloom.training.data.rendering import rendered_song
from systems.songbloom.training.data.songs import SourceSong

SHORTEST_SECONDS = 6.0
LONGEST_SECONDS = 600.0
_STRETCH = 1.15
"""By how much the usual length of lyrics may exceed that of their song, which is sung a little faster then."""

_PARTS = {
    "en": (
        ("we follow", "they remember", "you carry", "she paints", "he guards", "the children draw", "nobody sells"),
        ("the narrow river", "an empty harbour", "the lanterns", "a paper kite", "our garden gate", "the winter road"),
        ("until the morning", "in the falling snow", "with open hands", "before it rains", "when trains go by"),
    ),
    "zh": (
        ("我们走过", "你还记得", "她画下", "风吹过", "月光照着", "孩子们唱着", "他守着"),
        ("长长的小路", "空空的海港", "旧时的灯火", "纸做的风筝", "门前的花园", "冬天的山谷"),
        ("直到天明", "在飘雪的夜里", "等雨停下来", "慢慢地回家", "不说一句话"),
    ),
}
"""Three parts of a line by language; any three make one."""

LANGUAGES = tuple(_PARTS)


class RulebasedSource:
    """So many songs of about the same length. The same arguments give the same songs; more songs begin with those.

    Args:
        count: how many.
        seconds: about how long each is, 6 to 600.
        seed: everything random follows from it.
        languages: of `LANGUAGES`, in turn.

    Raises:
        InputError: a number outside these, or another language.
    """

    def __init__(self, count: int, seconds: float, seed: int = 0, languages: Sequence[str] = ("en",)) -> None:
        if count < 1:
            raise InputError(f"{count} songs are none.", field="--rulebased")
        if not SHORTEST_SECONDS <= seconds <= LONGEST_SECONDS:
            raise InputError(
                f"Songs by rules last {SHORTEST_SECONDS:g} to {LONGEST_SECONDS:g} s, not {seconds:g}.",
                field="--seconds",
            )
        for language in languages:
            if language not in LANGUAGES:
                raise InputError("There are no lines in it.", field="--language", value=language, allowed=LANGUAGES)
        self._count, self._seconds, self._seed, self._languages = count, seconds, seed, tuple(languages)
        self.faults: list[LeftOut] = []

    def songs(self) -> Sequence[SourceSong]:
        """See `systems.songbloom.training.data.songs.TrainingSongs.songs`; called ``rulebased-SEED-NUMBER``."""
        return [rendered_song(*self._recipe(number)) for number in range(self._count)]

    def _recipe(self, number: int) -> tuple[Prompt, RenderAsset]:
        seed = derived_seed("rulebased training song", self._seed, number)
        draws = random.Random(seed)
        language = self._languages[number % len(self._languages)]
        prompt = Prompt(
            id=f"rulebased-{self._seed}-{number:05}",
            lyrics=drawn_lyrics(self._seconds, language, draws),
            language=language,
            seconds=self._seconds,
            tags={"genre": draws.choice(GENRES)},
            licence="CC0-1.0",
        )
        return prompt, RenderAsset("rulebased", seed)


def drawn_lyrics(seconds: float, language: str, draws: random.Random) -> Lyrics:
    """Lyrics that are sung in about so many seconds: verses of new lines, one chorus, parts without words.

    Args:
        seconds: at least `SHORTEST_SECONDS`.
        language: of `LANGUAGES`.
        draws: what is drawn from.
    """

    def line() -> str:
        words = [draws.choice(part) for part in _PARTS[language]]
        return " ".join(words) if language == "en" else "".join(words)

    count = 1 if seconds < 20 else 2
    chorus = Section("chorus", tuple(line() for _ in range(count)))
    sections = [Section("verse", tuple(line() for _ in range(count)))]
    if seconds >= 2 * SHORTEST_SECONDS and draws.random() < 0.5:
        sections.insert(0, Section("intro", seconds=2.0))
    while True:
        following = [chorus]
        if sections[-1].tag == "chorus":
            pause = [Section("inst", seconds=3.0)] if draws.random() < 0.3 else []
            following = [*pause, Section("verse", tuple(line() for _ in range(count)))]
        grown = Lyrics((*sections, *following))
        if time_lyrics(grown, language).seconds > _STRETCH * seconds:
            return Lyrics(tuple(sections))
        sections += following
