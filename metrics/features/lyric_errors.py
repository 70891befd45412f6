"""Lyrics against a transcript: phonemes, words and characters of both, and what is wrong between them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from metrics.features.edits import Edits, edits
from metrics.features.phonemes import Tokens, sounds_of, unit_of
from metrics.features.readings import Words, closest_readings
from songbench.domain.language import MIXED, SEVERAL, UNDETERMINED, contradiction, spoken_language
from songbench.domain.spoken import Spoken, spoken_words
from songbench.domain.text import HAN, LATIN, normal_text

LANGUAGES = ("en", "zh", MIXED)
"""Languages whose words become phonemes here."""

_FOREIGN = re.compile(rf"(?:(?![{LATIN}{HAN}])[^\W\d_])+")
_LATIN = re.compile(f"[{LATIN}]")


@dataclass(frozen=True, kw_only=True)
class LyricErrors:
    """What is wrong between lyrics and a transcript.

    Attributes:
        asked: the phonemes of each sung line, in the readings that agree best; empty for a line without words.
        heard: the phonemes of the transcript, likewise.
        phonemes: the edits from all of `asked` to `heard`.
        words: the edits in words (Mandarin: syllables without tone).
        characters: the edits in letters without spaces.
    """

    asked: tuple[Tokens, ...]
    heard: Tokens
    phonemes: Edits
    words: Edits
    characters: Edits


def lyric_errors(lines: Sequence[str], transcript: str, language: str) -> LyricErrors:
    """Compare lyrics with what was heard.

    Args:
        lines: the sung lines.
        transcript: the text that was heard; its line breaks count as spaces.
        language: one of `LANGUAGES`, or a code with it as its language: in which languages numbers may be read.

    Raises:
        UnavailableError: espeak-ng is not installed or does not start, and there is English to read.
    """
    return _compared(tuple(lines), transcript, language)


@lru_cache(maxsize=256)
def _compared(lines: tuple[str, ...], transcript: str, language: str) -> LyricErrors:
    readers = _readers(lines, language)
    asked_by_line = [spoken_words(line, readers) for line in lines]
    asked = [entry for line in asked_by_line for entry in line]
    heard = spoken_words(transcript, readers)
    sounds = sounds_of(word for entry in (*asked, *heard) for reading in entry.readings for word in reading)
    said, sung = closest_readings(asked, heard, sounds)
    said_by_line = _by_line(said, asked_by_line)
    asked_sounds = tuple(tuple(token for word in line for token in sounds[word]) for line in said_by_line)
    heard_words = [word for reading in sung for word in reading]
    heard_sounds = tuple(token for word in heard_words for token in sounds[word])
    asked_words = [word for line in said_by_line for word in line]
    return LyricErrors(
        asked=asked_sounds,
        heard=heard_sounds,
        phonemes=edits([token for line in asked_sounds for token in line], heard_sounds),
        words=edits(*([unit_of(word) for word in words] for words in (asked_words, heard_words))),
        characters=edits("".join(asked_words), "".join(heard_words)),
    )


def _readers(lines: Sequence[str], language: str) -> tuple[str, ...]:
    spoken = spoken_language(language)
    if spoken == "en":
        return ("en",)
    # Mandarin lyrics with a word of English may have an English number too.
    return ("zh",) if spoken == "zh" and not _LATIN.search(normal_text(" ".join(lines))) else ("en", "zh")


def _by_line(readings: Sequence[Words], lines: Sequence[Sequence[Spoken]]) -> list[Words]:
    chosen = iter(readings)
    return [tuple(word for _ in line for word in next(chosen)) for line in lines]


def not_judgeable(lines: Sequence[str], language: str) -> str | None:
    """Why lyrics cannot be compared with a transcript; None when they can.

    Nothing may vanish from the reference: lyrics with letters nothing here reads are not judged at all.

    Args:
        lines: the sung lines.
        language: their language, as `songbench.domain.language.check_language` gives it.
    """
    spoken = spoken_language(language)
    if spoken in (UNDETERMINED, SEVERAL):
        return (
            f"the language of the lyrics is not one of {', '.join(LANGUAGES)} ('{language}'); give 'language' if it is"
        )
    if spoken not in LANGUAGES:
        return f"lyrics in '{language}' cannot be judged, only {', '.join(LANGUAGES)}"
    if reason := contradiction(language, lines):
        return reason
    foreign = list(dict.fromkeys(_FOREIGN.findall(normal_text("\n".join(lines)))))
    if foreign:
        shown = ", ".join(f"'{letters}'" for letters in foreign[:4]) + (", …" if len(foreign) > 4 else "")
        return f"the lyrics hold letters that are neither Latin nor Chinese and would not be counted: {shown}"
    if not any(map(spoken_words, lines)):
        return "the prompt has no sung lines"
    return None
