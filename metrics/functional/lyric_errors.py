"""Lyrics against a transcript: phonemes, words and characters of both, and what is wrong between them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from metrics.functional.edits import Edits, edits
from metrics.functional.phonemes import Tokens, sounds_of, unit_of
from metrics.functional.readings import Words, closest_readings
from songbench.domain.language import MIXED, SEVERAL, UNDETERMINED, contradiction, spoken_language
from songbench.domain.spoken import SpokenWord, spoken_words
from songbench.domain.text import HAN, LATIN, normal_text

LANGUAGES = ("en", "zh", MIXED)
"""Languages whose words become phonemes here."""

_FOREIGN = re.compile(rf"(?:(?![{LATIN}{HAN}])[^\W\d_])+")
_LATIN = re.compile(f"[{LATIN}]")


@dataclass(frozen=True, kw_only=True)
class LyricErrors:
    """What is wrong between lyrics and a transcript.

    Attributes:
        line_phonemes: the phonemes of each sung line, in the readings that agree best; empty for a line without words.
        transcript_phonemes: the phonemes of the transcript, likewise.
        phonemes: the edits from all of `line_phonemes` to `transcript_phonemes`.
        words: the edits in words (Mandarin: syllables without tone).
        characters: the edits in letters without spaces.
    """

    line_phonemes: tuple[Tokens, ...]
    transcript_phonemes: Tokens
    phonemes: Edits
    words: Edits
    characters: Edits


def lyric_errors(lines: Sequence[str], transcript: str, language: str) -> LyricErrors:
    """Compare lyrics with a transcript.

    Args:
        lines: the sung lines.
        transcript: the text that a recogniser gives; its line breaks count as spaces.
        language: one of `LANGUAGES`, or a code with it as its language: in which languages numbers may be read.

    Raises:
        UnavailableError: espeak-ng is not installed or does not start, and there is English to read.
    """
    return _compared(tuple(lines), transcript, language)


@lru_cache(maxsize=256)
def _compared(lines: tuple[str, ...], transcript: str, language: str) -> LyricErrors:
    words = read_aloud(lines, transcript, language)
    sounds = sounds_of((*words.lyrics, *words.transcript))
    line_phonemes = tuple(
        tuple(token for _, reading in line for word in reading for token in sounds[word]) for line in words.lines
    )
    transcript_phonemes = tuple(token for word in words.transcript for token in sounds[word])
    return LyricErrors(
        line_phonemes=line_phonemes,
        transcript_phonemes=transcript_phonemes,
        phonemes=edits([token for line in line_phonemes for token in line], transcript_phonemes),
        words=edits(*([unit_of(word) for word in side] for side in (words.lyrics, words.transcript))),
        characters=edits("".join(words.lyrics), "".join(words.transcript)),
    )


@dataclass(frozen=True)
class WordsReadAloud:
    """Lyrics and a transcript in the readings that agree best.

    Attributes:
        lines: for each sung line its entries, each with its reading.
        transcript: the words of the transcript.
    """

    lines: tuple[tuple[tuple[SpokenWord, Words], ...], ...]
    transcript: Words

    @property
    def lyrics(self) -> Words:
        """The words of all lines."""
        return tuple(word for line in self.lines for _, reading in line for word in reading)


@lru_cache(maxsize=256)
def read_aloud(lines: tuple[str, ...], transcript: str, language: str) -> WordsReadAloud:
    """How lyrics and a transcript are read, of all legitimate ways.

    Args:
        lines: the sung lines.
        transcript: the text that a recogniser gives.
        language: as for `lyric_errors`.
    """
    readers = _readers(lines, language)
    # 1. every legitimate reading of both sides
    entries_by_line = [spoken_words(line, readers) for line in lines]
    lyric_entries = [entry for line in entries_by_line for entry in line]
    transcript_entries = spoken_words(transcript, readers)
    # 2. the readings that agree best; where there is no choice nothing has to be compared
    entries = (*lyric_entries, *transcript_entries)
    choice = any(len(entry.readings) > 1 for entry in entries)
    sounds = sounds_of(word for entry in entries for reading in entry.readings for word in reading) if choice else {}
    lyric_readings, transcript_readings = closest_readings(lyric_entries, transcript_entries, sounds)
    # 3. back to the lines
    remaining = iter(lyric_readings)
    return WordsReadAloud(
        lines=tuple(tuple((entry, next(remaining)) for entry in line) for line in entries_by_line),
        transcript=tuple(word for reading in transcript_readings for word in reading),
    )


def _readers(lines: Sequence[str], language: str) -> tuple[str, ...]:
    spoken = spoken_language(language)
    if spoken == "en":
        return ("en",)
    # Mandarin lyrics with a word of English may have an English number too.
    return ("zh",) if spoken == "zh" and not _LATIN.search(normal_text(" ".join(lines))) else ("en", "zh")


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
        examples = ", ".join(f"'{letters}'" for letters in foreign[:4]) + (", …" if len(foreign) > 4 else "")
        return f"the lyrics hold letters that are neither Latin nor Chinese and would not be counted: {examples}"
    if not any(map(spoken_words, lines)):
        return "the prompt has no sung lines"
    return None
