"""When the sections of a song sound, in frames: from times that are given, or from the times of its words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

from songbench.domain.errors import InputError
from songbench.domain.lyrics import Lyrics
from songbench.domain.song import TimedSection, TimedWord
from songbench.domain.text import HAN, normal_text

SLACK = 1.0
"""Seconds by which times may exceed the audio, as they are often rounded; what exceeds it is cut."""

LEAST_MATCH = 0.5
"""Share of the words of each sung section that must be found among the timed words."""

_WORD = re.compile(rf"[{HAN}]|[^\W_{HAN}]+(?:['’][^\W_{HAN}]+)*")


def check_sections(sections: Sequence[TimedSection], tags: Sequence[str], seconds: float) -> list[TimedSection]:
    """The times of all sections, cut at the end of the audio.

    Args:
        sections: as given.
        tags: of the lyrics.
        seconds: of the audio.

    Raises:
        InputError: they are those of other sections, not in order, or beyond the audio.
    """
    if [section.tag for section in sections] != list(tags):
        raise InputError(
            f"The section times are of [{'] ['.join(one.tag for one in sections)}],"
            f" the lyrics have [{'] ['.join(tags)}].",
            cure="Give one time for each section of the lyrics.",
        )
    before = 0.0
    for section in sections:
        if not before <= section.start + 1e-6 or not section.start < section.end:
            raise InputError(f"The time of [{section.tag}], {section.start:g} to {section.end:g} s, is out of order.")
        before = section.start
    if sections[-1].end > seconds + SLACK or sections[-1].start >= seconds:
        raise InputError(f"The sections last until {sections[-1].end:.1f} s, the audio {seconds:.1f} s.")
    return [TimedSection(one.tag, max(0.0, one.start), min(one.end, seconds)) for one in sections]


def sections_from_words(lyrics: Lyrics, words: Sequence[TimedWord], seconds: float) -> list[TimedSection]:
    """The times of all sections from those of words that were sung or recognised.

    The words of the lyrics are matched with the timed ones in order. A sung section begins with the first of its words
    that is found; sections without words share the time between the last word before and the first after them.

    Args:
        lyrics: of the song.
        words: in the order of time.
        seconds: of the audio.

    Raises:
        InputError: of a sung section fewer than half of the words are found.
    """
    owners, spellings = [], []
    for number, section in enumerate(lyrics.sections):
        for word in _plain(" ".join(section.lines)):
            owners.append(number)
            spellings.append(word)
    timed = [(part, word) for word in words for part in _plain(word.text)]
    matcher = SequenceMatcher(None, spellings, [part for part, _ in timed], autojunk=False)
    matches: dict[int, list[TimedWord]] = {}
    for block in matcher.get_matching_blocks():
        for offset in range(block.size):
            matches.setdefault(owners[block.a + offset], []).append(timed[block.b + offset][1])
    for number, section in enumerate(lyrics.sections):
        count, total = len(matches.get(number, ())), owners.count(number)
        if section.vocal and count < LEAST_MATCH * max(1, total):
            raise InputError(
                f"Of the {total} words of section {number + 1}, [{section.tag}], {count} are among the timed words.",
                cure="Give the lyrics as they are sung, or the times of the sections.",
            )
    return list(_spans(lyrics, matches, seconds))


def _spans(lyrics: Lyrics, matches: dict[int, list[TimedWord]], seconds: float) -> Iterator[TimedSection]:
    """All sections in order; those without words share the gaps by the lengths that the lyrics give them."""
    sections = lyrics.sections
    starts: list[float] = []
    free = 0.0  # where the last sung word ends
    number = 0
    while number < len(sections):
        if sections[number].vocal:
            starts.append(max(matches[number][0].start, starts[-1] if starts else 0.0))
            free = matches[number][-1].end
            number += 1
            continue
        group = [number]
        while group[-1] + 1 < len(sections) and not sections[group[-1] + 1].vocal:
            group.append(group[-1] + 1)
        following = group[-1] + 1
        until = matches[following][0].start if following < len(sections) else seconds
        begin = min(free, until)
        lengths = [sections[one].seconds or 1.0 for one in group]
        for place in range(len(group)):
            starts.append(begin + (until - begin) * sum(lengths[:place]) / sum(lengths))
        number = following
    for section, start, end in zip(sections, starts, [*starts[1:], seconds], strict=True):
        yield TimedSection(section.tag, start, end)


def _plain(text: str) -> list[str]:
    return [word.replace("’", "'").casefold() for word in _WORD.findall(normal_text(text))]
