"""Which reading of a number is meant: the one that agrees best with the transcript, and the other way round.

Lyrics and transcript are two chains of words in which some links (`SpokenWord` with several readings) are a choice. The
choices with the fewest phoneme errors between the chains are found exactly, by the Levenshtein recursion on two graphs
instead of two sequences; a wrong number costs what its nearest reading costs. Where a few plain words in a row agree
the chains are cut, so that the graphs stay small and songs without numbers cost nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from metrics.functional.phonemes import Tokens
from songbench.domain.spoken import SpokenWord

Words: TypeAlias = tuple[str, ...]

_KEPT_WORDS = 2  # agreeing words on either side of a cut
_MOST_CELLS = 1_000_000


def closest_readings(
    lyrics: Sequence[SpokenWord], transcript: Sequence[SpokenWord], sounds: Mapping[str, Tokens]
) -> tuple[list[Words], list[Words]]:
    """The reading of every entry on both sides.

    Args:
        lyrics: the words of the lyrics.
        transcript: the words of the transcript.
        sounds: the phonemes of every word in any reading.

    Returns:
        One reading for each entry of `lyrics`, and one for each of `transcript`. Where several choices give equally
        few phoneme errors, the reading that comes first in its entry.
    """
    choices: tuple[list[Words], list[Words]] = ([], [])
    for part in _parts(lyrics, transcript):
        for side, readings in zip(choices, _choices(*part, sounds), strict=True):
            side.extend(readings)
    return choices


Part: TypeAlias = tuple[Sequence[SpokenWord], Sequence[SpokenWord]]


def _parts(lyrics: Sequence[SpokenWord], transcript: Sequence[SpokenWord]) -> Iterator[Part]:
    """Both chains cut at the same places, each inside a run of plain words that agree."""
    if all(len(entry.readings) == 1 for entry in (*lyrics, *transcript)):
        yield lyrics, transcript
        return
    from rapidfuzz.distance import Levenshtein

    numbers: dict[object, int] = {}
    coded = [
        [
            numbers.setdefault(entry.usual if len(entry.readings) == 1 else (side, place), len(numbers))
            for place, entry in enumerate(chain)
        ]
        for side, chain in enumerate((lyrics, transcript))
    ]
    first, second = 0, 0
    for block in Levenshtein.opcodes(*coded):
        if block.tag == "equal" and block.src_end - block.src_start >= 2 * _KEPT_WORDS:
            for cut in (block.src_start + _KEPT_WORDS, block.src_end - _KEPT_WORDS):
                transcript_cut = block.dest_start + cut - block.src_start
                yield lyrics[first:cut], transcript[second:transcript_cut]
                first, second = cut, transcript_cut
    yield lyrics[first:], transcript[second:]


def _choices(
    lyrics: Sequence[SpokenWord], transcript: Sequence[SpokenWord], sounds: Mapping[str, Tokens]
) -> tuple[list[Words], list[Words]]:
    if all(len(entry.readings) == 1 for entry in (*lyrics, *transcript)):
        return [entry.usual for entry in lyrics], [entry.usual for entry in transcript]
    first, second = _graph(lyrics, sounds), _graph(transcript, sounds)
    if len(first.tokens) * len(second.tokens) > _MOST_CELLS:
        if (
            len(lyrics) <= 1 and len(transcript) <= 1
        ):  # one word of thousands of sounds: no reading of it is worth minutes
            return [entry.usual for entry in lyrics], [entry.usual for entry in transcript]
        # Nothing agrees for minutes, so that nothing says which number is which: halves are as good as the whole.
        halves = [((0, len(chain) // 2), (len(chain) // 2, len(chain))) for chain in (lyrics, transcript)]
        choices = [_choices(lyrics[a:b], transcript[c:d], sounds) for (a, b), (c, d) in zip(*halves, strict=True)]
        return choices[0][0] + choices[1][0], choices[0][1] + choices[1][1]
    picked = _picked(first, second)
    return tuple(  # type: ignore[return-value]
        [entry.readings[picks.get(place, 0)] for place, entry in enumerate(chain)]
        for chain, picks in zip((lyrics, transcript), picked, strict=True)
    )


@dataclass(frozen=True)
class _Graph:
    """Phonemes in an order in which every one comes after those it may follow.

    Attributes:
        tokens: the phoneme of each node; None for the start and where readings meet again.
        before: the nodes it may follow; several only where readings meet.
        entry: for a node where readings meet, which entry they are of.
    """

    tokens: list[str | None]
    before: list[list[int]]
    entry: dict[int, int]


def _graph(chain: Sequence[SpokenWord], sounds: Mapping[str, Tokens]) -> _Graph:
    graph = _Graph([None], [[]], {})
    last = 0
    for place, entry in enumerate(chain):
        ends = []
        for reading in entry.readings:
            end = last
            for word in reading:
                for token in sounds[word]:
                    graph.tokens.append(token)
                    graph.before.append([end])
                    end = len(graph.tokens) - 1
            ends.append(end)
        last = ends[0]
        if len(ends) > 1:
            graph.tokens.append(None)
            graph.before.append(ends)
            last = len(graph.tokens) - 1
            graph.entry[last] = place
    return graph


def _picked(first: _Graph, second: _Graph) -> tuple[dict[int, int], dict[int, int]]:
    """Which reading of each entry with a choice lies on the cheapest way through both graphs."""
    costs = _costs(first, second)
    picks: tuple[dict[int, int], dict[int, int]] = ({}, {})
    row, column = len(first.tokens) - 1, len(second.tokens) - 1
    while row or column:
        cost = costs[row][column]
        if row in first.entry:
            ways = first.before[row]
            pick = next(number for number, node in enumerate(ways) if costs[node][column] == cost)
            picks[0][first.entry[row]], row = pick, ways[pick]
        elif column in second.entry:
            ways = second.before[column]
            pick = next(number for number, node in enumerate(ways) if costs[row][node] == cost)
            picks[1][second.entry[column]], column = pick, ways[pick]
        else:
            row, column = _step(first, second, costs, row, column)
    return picks


def _step(first: _Graph, second: _Graph, costs: list[list[int]], row: int, column: int) -> tuple[int, int]:
    cost = costs[row][column]
    if row and column:
        above, left = first.before[row][0], second.before[column][0]
        if costs[above][left] + (first.tokens[row] != second.tokens[column]) == cost:
            return above, left
    if row and costs[first.before[row][0]][column] + 1 == cost:
        return first.before[row][0], column
    return row, second.before[column][0]


def _costs(first: _Graph, second: _Graph) -> list[list[int]]:
    """Fewest errors from the starts to each pair of nodes."""
    meets = [len(before) > 1 for before in second.before]
    only = [before[0] if before else 0 for before in second.before]
    costs: list[list[int]] = []
    for row, before in enumerate(first.before):
        if len(before) > 1:
            costs.append([min(column) for column in zip(*(costs[node] for node in before), strict=True)])
            continue
        token, above = first.tokens[row], costs[before[0]] if before else None
        line: list[int] = []
        for column, second_token in enumerate(second.tokens):
            left = only[column]
            if meets[column]:
                line.append(min(line[node] for node in second.before[column]))
            elif above is None:
                line.append(line[left] + 1 if column else 0)
            elif not column:
                line.append(above[0] + 1)
            else:  # without min(), which takes as long as all the rest
                cost = above[left] if token == second_token else above[left] + 1
                if above[column] < cost:
                    cost = above[column] + 1
                if line[left] < cost:
                    cost = line[left] + 1
                line.append(cost)
        costs.append(line)
    return costs
