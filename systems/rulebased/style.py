"""A style in words, read for what the rules understand: genre, tempo, singer and mood."""

import re
import zlib
from dataclasses import dataclass

import numpy as np

from songbench.domain.checking import Schema
from songbench.domain.errors import InputError
from songbench.domain.tables import read_table

GENRES = (
    "pop",
    "rock",
    "ballad",
    "folk",
    "country",
    "blues",
    "soul",
    "jazz",
    "electronic",
    "latin",
    "reggae",
    "guofeng",
)
"""Genres with patterns of their own; a style that names none of them is played as pop."""

SINGERS = ("female", "male")

MODES = ("major", "minor")

ARRANGEMENTS = ("full", "band", "sparse")
"""`full`: quiet and full sections as the genre has them; `band`: nearly all full; `sparse`: all quiet."""

_WHOLE_WORD = 4
"""Longest spelling that counts as a whole word only, so that `rap` is not read in `rapid`."""

_BPM = re.compile(r"(\d{2,3}(?:\.\d+)?)\s*bpm")


def check_choice(field: str, name: str | None, allowed: tuple[str, ...]) -> None:
    """Refuse a name that is none of the allowed ones; None leaves the choice open.

    Raises:
        InputError: naming the field and what is allowed.
    """
    if name is not None and name not in allowed:
        raise InputError(f"Unknown {field} '{name}'.", field=field, value=name, allowed=allowed)


def check_bpm(bpm: float | None) -> None:
    """Refuse a tempo outside 40 to 220 beats per minute; None leaves the choice open.

    Raises:
        InputError: for the field ``bpm``.
    """
    if bpm is not None and not 40 <= bpm <= 220:
        raise InputError(f"No song has {bpm} beats per minute.", field="bpm", cure="Choose 40 to 220.")


class _StyleWords(Schema):
    """What style_words.yaml holds: the words of each genre and mood."""

    genres: dict[str, tuple[str, ...]]
    major: tuple[str, ...]
    minor: tuple[str, ...]
    fast: tuple[str, ...]
    slow: tuple[str, ...]


_WORDS = read_table("systems.rulebased", "style_words.yaml", _StyleWords)


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
    genre = next((name for name, spellings in _WORDS.genres.items() if _any(spellings, words)), "pop")
    bpm = _BPM.search(words)
    return Style(
        genre=genre,
        bpm=min(220.0, max(40.0, float(bpm.group(1)))) if bpm else None,
        pace=int(_any(_WORDS.fast, words)) - int(_any(_WORDS.slow, words)),
        singer=_singer(words),
        mode="minor" if _any(_WORDS.minor, words) else "major" if _any(_WORDS.major, words) else None,
    )


def seeded_singer(seed: int, words: str) -> str:
    """The singer of a song whose style names none; words take part, so that one seed does not fix a whole suite."""
    rng = np.random.default_rng([seed, 2, zlib.crc32(words.encode())])
    return SINGERS[int(rng.integers(len(SINGERS)))]


def _any(spellings: tuple[str, ...], words: str) -> bool:
    return any(_holds(words, spelling) for spelling in spellings)


def _holds(words: str, spelling: str) -> bool:
    """Latin spellings start at a word border (`swinging` holds `swing`); short ones end at one, too."""
    if not spelling.isascii():
        return spelling in words
    return bool(re.search(rf"\b{re.escape(spelling)}" + r"\b" * (len(spelling) <= _WHOLE_WORD), words))


def _singer(words: str) -> str | None:
    if re.search(r"\b(female|woman|girl|soprano|alto)\b|女声|女", words):
        return "female"
    return "male" if re.search(r"\b(male|man|boy|tenor|baritone|bass voice)\b|男声|男", words) else None
