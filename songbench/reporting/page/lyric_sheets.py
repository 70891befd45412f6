"""The lyrics of a song, line by line, with what a metric's recogniser heard otherwise and when each word is sung."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from difflib import SequenceMatcher

from songbench.domain.alignment import AlignedWord
from songbench.domain.language import spoken_language
from songbench.domain.prompt import Prompt
from songbench.domain.song import TimedWord
from songbench.domain.spoken import spoken_words
from songbench.reporting.document.recordings import LyricSheet, SheetLine, SheetSection, SheetWord

LEGEND = (
    "Struck out: asked for and not heard. Underlined: heard otherwise, as it stands above the word. "
    "+: heard and not asked for. Words agree where their sounds do, in Mandarin without tone."
)


def lyric_sheet(prompt: Prompt, words: Sequence[AlignedWord] = (), timed_words: Sequence[TimedWord] = ()) -> LyricSheet:
    """The lyrics of a prompt.

    Args:
        prompt: with the lyrics.
        words: as a metric aligned them; empty: the lines as they stand.
        timed_words: when the song's words are sung, where its system says that.
    """
    by_line: dict[int, list[SheetWord]] = defaultdict(list)
    for word, start in zip(words, word_starts(words, timed_words), strict=True):
        by_line[word.line].append(SheetWord(word, start))
    sections, number = [], 0
    for section in prompt.lyrics.sections:
        lines = [SheetLine(line, tuple(by_line[number + place])) for place, line in enumerate(section.lines)]
        sections.append(SheetSection(section.tag, tuple(lines)))
        number += len(section.lines)
    spoken = spoken_language(prompt.language)
    return LyricSheet(tuple(sections), spoken if spoken in ("en", "zh") else "")


def word_starts(words: Sequence[AlignedWord], timed_words: Sequence[TimedWord]) -> list[float | None]:
    """When each word of the lyrics is sung; None where the two do not agree, and for insertions.

    Args:
        words: as a metric aligned them.
        timed_words: as the system says, in order.
    """
    starts: list[float | None] = [None] * len(words)
    places = [place for place, word in enumerate(words) if word.kind != "insertion"]
    lyrics = [words[place].lyric for place in places]
    sung = [(part, word.start) for word in timed_words for part in _parts(word.text)]
    matcher = SequenceMatcher(None, lyrics, [part for part, _ in sung], autojunk=False)
    for first, second, length in matcher.get_matching_blocks():
        for offset in range(length):
            starts[places[first + offset]] = sung[second + offset][1]
    return starts


def _parts(text: str) -> list[str]:
    return [part for entry in spoken_words(text) for part in entry.usual]


def alignment_summary(words: Sequence[AlignedWord], language: str = "en") -> str:
    """How many words (in Mandarin characters) were asked for and what became of them, in one sentence."""
    counts = Counter(word.kind for word in words)
    length = len(words) - counts["insertion"]
    noun = ("character" if spoken_language(language) == "zh" else "word") + ("" if length == 1 else "s")
    return (
        f"{length} {noun} asked for: {counts['match']} heard, {counts['substitution']} heard otherwise, "
        f"{counts['deletion']} not heard; {counts['insertion']} added."
    )
