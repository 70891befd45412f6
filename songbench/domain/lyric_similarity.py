"""How alike the lyrics of prompts are: a suite of near-duplicates measures one song many times."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
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


def similarities(prompts: Sequence[Prompt], least: float = 0.0) -> list[LyricSimilarity]:
    """Every two prompts whose lyrics have a sequence in common, the most alike first.

    Of prompts with the same lyrics only the first counts (`repeated_lyrics` names them).

    Args:
        prompts: of a suite, in its order.
        least: pairs below this similarity are left out.
    """
    return [_pair(prompts, *pair) for pair in sorted(_ratios(prompts, least), key=lambda pair: -pair[2])]


def most_alike(prompts: Sequence[Prompt]) -> LyricSimilarity | None:
    """The first of `similarities`, in less time where there are many; None where no two share a sequence."""
    nearest = max(_ratios(prompts), key=lambda pair: pair[2], default=None)
    return _pair(prompts, *nearest) if nearest else None


def longest_shared_line(prompts: Sequence[Prompt]) -> tuple[str, str, str] | None:
    """The longest line that is sung in two lyrics and the ids of two such prompts; None where there is none."""
    first: dict[_Words, str] = {}
    shared = []
    for prompt in _different(prompts).values():
        for line in prompt.lyrics.lines:
            if (words := _words(line)) and (holder := first.setdefault(words, prompt.id)) != prompt.id:
                shared.append((line, holder, prompt.id))
    return max(shared, key=lambda place: len(place[0]), default=None)


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
        for pair in similarities(prompts, ALIKE)
    )
    return (*repeated, *alike)


def _words(line: str) -> _Words:
    return tuple(word.text for word in spoken_words(line))


def _different(prompts: Sequence[Prompt]) -> dict[frozenset[_Words], Prompt]:
    """The first prompt of each lyrics, by their sequences, in order."""
    different: dict[frozenset[_Words], Prompt] = {}
    for prompt in prompts:
        different.setdefault(word_sequences(prompt.lyrics), prompt)
    return different


def _ratios(prompts: Sequence[Prompt], least: float = 0.0) -> Iterator[tuple[int, int, float]]:
    """Places of two prompts and their similarity, by sequence, as most pairs of a large suite share none."""
    places = {prompt.id: place for place, prompt in enumerate(prompts)}
    sizes: dict[int, int] = {}
    holders: dict[_Words, list[int]] = defaultdict(list)
    for sequences, prompt in _different(prompts).items():
        sizes[places[prompt.id]] = len(sequences)
        for sequence in sequences:
            holders[sequence].append(places[prompt.id])
    counts = Counter(pair for holding in holders.values() for pair in combinations(holding, 2))
    for (first, second), count in counts.items():
        if (similarity := count / (sizes[first] + sizes[second] - count)) >= least:
            yield first, second, similarity


def _pair(prompts: Sequence[Prompt], first: int, second: int, similarity: float) -> LyricSimilarity:
    second_words = {_words(line) for line in prompts[second].lyrics.lines}
    shared = [line for line in prompts[first].lyrics.lines if _words(line) in second_words]
    return LyricSimilarity(
        first=prompts[first].id,
        second=prompts[second].id,
        similarity=similarity,
        shared_line=max(shared, key=len, default=""),
    )
