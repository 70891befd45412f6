"""A style in words, read for what the rules understand: genre, tempo, singer and mood."""

import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

GENRES = ("pop", "rock", "ballad", "folk", "electronic", "jazz")
"""Genres with patterns of their own; a style that names none of them is played as pop."""

SINGERS = ("female", "male")

MODES = ("major", "minor")

ARRANGEMENTS = ("full", "band", "sparse")
"""`full`: quiet and full sections as the genre has them; `band`: nearly all full; `sparse`: all quiet."""

_GENRE_WORDS: Mapping[str, tuple[str, ...]] = {
    "jazz": ("jazz", "swing", "bossa", "lounge", "blues", "big band", "爵士", "布鲁斯"),
    "folk": ("folk", "country", "acoustic", "bluegrass", "singer-songwriter", "americana", "民谣", "乡村"),
    "ballad": ("ballad", "lullaby", "torch song", "piano solo", "抒情"),
    "electronic": (
        "electronic",
        "electro",
        "synth",
        "edm",
        "dance",
        "house",
        "techno",
        "trance",
        "disco",
        "电子",
        "舞曲",
    ),
    "rock": ("rock", "punk", "metal", "grunge", "摇滚"),
    "pop": ("pop", "r&b", "soul", "hip hop", "hip-hop", "rap", "流行"),
}
_MAJOR_WORDS = (
    "happy",
    "upbeat",
    "bright",
    "joyful",
    "uplifting",
    "sunny",
    "cheerful",
    "warm",
    "major",
    "快乐",
    "欢快",
)
_MINOR_WORDS = ("sad", "dark", "melancholic", "melancholy", "moody", "angry", "minor", "lonely", "悲伤", "忧郁")
_FAST_WORDS = ("fast", "upbeat", "energetic", "driving", "uptempo", "快")
_SLOW_WORDS = ("slow", "calm", "gentle", "relaxed", "downtempo", "慢")
_BPM = re.compile(r"(\d{2,3}(?:\.\d+)?)\s*bpm")


@dataclass(frozen=True, kw_only=True)
class Style:
    """What was understood of a style.

    Attributes:
        genre: one of `GENRES`.
        bpm: the tempo asked for, 40-220, or None.
        pace: -1 slow, 0 as usual in the genre, 1 fast.
        singer: one of `SINGERS`, or None when the seed may choose.
        mode: `major`, `minor` or None when the genre and the seed may choose.
    """

    genre: str = "pop"
    bpm: float | None = None
    pace: int = 0
    singer: str | None = None
    mode: str | None = None


def parse_style(text: str) -> Style:
    """Reads a free style text such as "upbeat synth pop, 120 bpm, female voice".

    Of several genres the more particular one wins (synth pop is electronic, pop ballad a ballad).
    """
    words = text.casefold()
    genre = next((name for name, spellings in _GENRE_WORDS.items() if _any(spellings, words)), "pop")
    bpm = _BPM.search(words)
    return Style(
        genre=genre,
        bpm=min(220.0, max(40.0, float(bpm.group(1)))) if bpm else None,
        pace=int(_any(_FAST_WORDS, words)) - int(_any(_SLOW_WORDS, words)),
        singer=_singer(words),
        mode="minor" if _any(_MINOR_WORDS, words) else "major" if _any(_MAJOR_WORDS, words) else None,
    )


def seeded_singer(seed: int, words: str) -> str:
    """The singer of a song whose style names none; words take part, so that one seed does not fix a whole suite."""
    rng = np.random.default_rng([seed, 2, zlib.crc32(words.encode())])
    return SINGERS[int(rng.integers(len(SINGERS)))]


def _any(spellings: tuple[str, ...], words: str) -> bool:
    return any(_holds(words, spelling) for spelling in spellings)


def _holds(words: str, spelling: str) -> bool:
    """Latin spellings start at a word border, so that `rap` is not found in `grapes`."""
    return bool(re.search(rf"\b{re.escape(spelling)}" if spelling.isascii() else spelling, words))


def _singer(words: str) -> str | None:
    if re.search(r"\b(female|woman|girl|soprano|alto)\b|女声|女", words):
        return "female"
    return "male" if re.search(r"\b(male|man|boy|tenor|baritone|bass voice)\b|男声|男", words) else None
