"""How alike the lyrics of prompts are: a suite of near-duplicates measures one song many times."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from songbench.domain.lyrics import Lyrics
from songbench.domain.prompt import Prompt
from songbench.domain.spoken import spoken_words

SEQUENCE = 3
"""Words, in Mandarin characters, of the sequences that are compared."""

ALIKE = 0.1
"""From this similarity on, two lyrics are named to the author of a suite."""

_Words = tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class LyricSimilarity:
    """How much two lyrics have in common.

    Attributes:
        first: the id of one prompt, the earlier in its suite.
        second: that of the other.
        similarity: the Jaccard index of their sequences of `SEQUENCE` words: those in both over those in either, 0-1.
        shared_line: the longest line that is sung in both, "" where there is none.
    """

    first: str
    second: str
    similarity: float
    shared_line: str


def word_sequences(lyrics: Lyrics) -> frozenset[_Words]:
    r"""The different sequences of `SEQUENCE` words inside lines; a shorter line counts as a whole.

    Words are compared without case and punctuation; in Mandarin each character is one.

    >>> from songbench.domain.lyrics import parse_lyrics
    >>> sorted(word_sequences(parse_lyrics("[verse]\nOn the road again\nOh, no")))
    [('oh', 'no'), ('on', 'the', 'road'), ('the', 'road', 'again')]
    """
    lines = (_words(line) for line in lyrics.lines)
    return frozenset(
        line[start : start + SEQUENCE] for line in lines for start in range(max(1, len(line) - SEQUENCE + 1)) if line
    )


def similarities(prompts: Sequence[Prompt]) -> list[LyricSimilarity]:
    """Every two prompts whose lyrics have a sequence or a line in common, the most alike first.

    Of prompts with the same lyrics only the first counts (`repeated_lyrics` names them).
    """
    different = {word_sequences(prompt.lyrics): prompt for prompt in reversed(prompts)}
    sequences = {prompt.id: words for words, prompt in reversed(different.items())}
    common = _common(sequences)
    lines = {prompt.id: {_words(line): line for line in prompt.lyrics.lines} for prompt in different.values()}
    pairs = []
    for (first, second), count in common.items():
        shared = [line for words, line in lines[first].items() if words in lines[second]]
        pairs.append(
            LyricSimilarity(
                first=first,
                second=second,
                similarity=count / (len(sequences[first]) + len(sequences[second]) - count),
                shared_line=max(shared, key=len, default=""),
            )
        )
    return sorted(pairs, key=lambda pair: -pair.similarity)


def repeated_lyrics(prompts: Sequence[Prompt]) -> list[tuple[str, ...]]:
    """The ids of the prompts that have the same lyrics, group by group."""
    groups: dict[frozenset[_Words], list[str]] = defaultdict(list)
    for prompt in prompts:
        if sequences := word_sequences(prompt.lyrics):
            groups[sequences].append(prompt.id)
    return [tuple(ids) for ids in groups.values() if len(ids) > 1]


def similarity_remarks(prompts: Sequence[Prompt]) -> tuple[str, ...]:
    """What looks odd, one line each: prompts with the same lyrics, and pairs from `ALIKE` on."""
    repeated = (
        f"{ids[0]}: the same lyrics as {', '.join(ids[1:4])}" + (f" and {len(ids) - 4} more" if len(ids) > 4 else "")
        for ids in repeated_lyrics(prompts)
    )
    alike = (
        f"{pair.first}: much like {pair.second}: {pair.similarity:.0%} of their sequences of {SEQUENCE} words are the"
        " same" + (f", such as the line '{pair.shared_line[:60]}'" if pair.shared_line else "")
        for pair in similarities(prompts)
        if pair.similarity >= ALIKE
    )
    return (*repeated, *alike)


def _words(line: str) -> _Words:
    return tuple(word.text for word in spoken_words(line))


def _common(sequences: dict[str, frozenset[_Words]]) -> dict[tuple[str, str], int]:
    """How many sequences each two prompts share; by sequence, as most pairs of a large suite share none."""
    holders: dict[_Words, list[str]] = defaultdict(list)
    for prompt, own_sequences in sequences.items():
        for sequence in own_sequences:
            holders[sequence].append(prompt)
    counts: dict[tuple[str, str], int] = defaultdict(int)
    for prompts in holders.values():
        for pair in combinations(prompts, 2):
            counts[pair] += 1
    return counts
