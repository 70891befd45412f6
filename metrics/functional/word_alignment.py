"""The words of lyrics and of a transcript side by side: what the word errors of `lyric_errors` are made of."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from metrics.functional.edits import Pair, alignment
from metrics.functional.lyric_errors import read_aloud
from metrics.functional.phonemes import unit_of
from songbench.domain.alignment import AlignedWord, EditKind
from songbench.domain.spoken import SpokenWord
from songbench.domain.text import normal_text

_OPENING = re.compile(r"[(\[{<«“„\"「『《〈【]+$")
"""Signs that belong to the word after them."""


def word_alignment(lines: Sequence[str], transcript: str, language: str) -> list[AlignedWord]:
    """Align a transcript with lyrics, word by word (Mandarin: character by character).

    The readings and the edits are those that `lyric_errors` counts: two words agree where it takes them for the same,
    in Mandarin where their syllables are the same without tone.

    Args:
        lines: the sung lines.
        transcript: the text that a recogniser gives.
        language: as for `lyric_errors`.

    Returns:
        Every word of both sides, in the order of the lyrics. The `spelling` parts of a line, joined, are the line in
        the normal form; a line without words has none.

    Raises:
        UnavailableError: something has to be read that espeak-ng reads, and it is not here.
    """
    words = read_aloud(tuple(lines), transcript, language)
    places = list(_places(lines, words.lines))
    return list(_aligned(words.lyrics, words.transcript, places))


def _aligned(
    lyrics: Sequence[str], transcript: Sequence[str], places: Sequence[tuple[int, str]]
) -> Iterator[AlignedWord]:
    units = [unit_of(word) for word in lyrics], [unit_of(word) for word in transcript]
    line = places[0][0] if places else 0
    for pair in alignment(*units):
        lyric, spelling = "", ""
        if pair.reference is not None:
            lyric = lyrics[pair.reference]
            line, spelling = places[pair.reference]
        recognised = "" if pair.hypothesis is None else transcript[pair.hypothesis]
        yield AlignedWord(lyric=lyric, recognised=recognised, kind=_kind(pair, *units), line=line, spelling=spelling)


def _kind(pair: Pair, reference: Sequence[str], hypothesis: Sequence[str]) -> EditKind:
    if pair.reference is None:
        return "insertion"
    if pair.hypothesis is None:
        return "deletion"
    return "match" if reference[pair.reference] == hypothesis[pair.hypothesis] else "substitution"


def _places(
    lines: Sequence[str], entries: Sequence[Sequence[tuple[SpokenWord, Sequence[str]]]]
) -> Iterator[tuple[int, str]]:
    """For each word that is read aloud its line, and the part of the line that it stands for."""
    for number, (line, line_entries) in enumerate(zip(lines, entries, strict=True)):
        expressions = [(entry.text, len(reading)) for entry, reading in line_entries if reading]
        plain = " ".join(normal_text(line).split())
        parts = _parts(plain, [text for text, _ in expressions])
        for part, (_, length) in zip(parts, expressions, strict=True):
            yield number, part
            yield from ((number, "") for _ in range(length - 1))


def _parts(line: str, texts: Sequence[str]) -> list[str]:
    """A line cut between words; what cannot be located is part of what stands before it and has "" itself."""
    begins: list[int | None] = []
    ends: list[int] = []
    end = 0
    for text in texts:
        begin = line.find(text, end)
        located = begin >= 0
        begins.append(begin if located else None)
        ends.append(begin + len(text) if located else end)
        end = ends[-1]
    cuts: list[int | None] = [
        None if begin is None else _cut(line, ends[place - 1], begin) for place, begin in enumerate(begins) if place
    ]
    cuts = [0, *cuts] if texts else []
    parts = []
    for place, cut in enumerate(cuts):
        following = next((later for later in cuts[place + 1 :] if later is not None), len(line))
        parts.append("" if cut is None else line[cut:following])
    return parts


def _cut(line: str, end: int, begin: int) -> int:
    """Where a line is cut between two words: behind the last blank, or before signs that open something."""
    gap = line[end:begin]
    if " " in gap:
        return end + gap.rindex(" ") + 1
    opening = _OPENING.search(gap)
    return begin - len(opening[0]) if opening else begin
