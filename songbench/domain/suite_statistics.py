"""What a suite consists of, in numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from songbench.domain.prompt import Prompt
from songbench.domain.spoken import spoken_words


@dataclass(frozen=True, kw_only=True)
class SuiteStatistics:
    """What some prompts consist of.

    Attributes:
        prompts: how many there are.
        languages: how many there are in each language.
        plans: how many have each section plan, the commonest first.
        tags: for each tag, how many prompts have each of its values.
        seconds: the wanted durations, of the prompts that say one, ascending.
        lines: sung lines, repetitions included.
        different_lines: the same without repetitions.
        words: sung words, repetitions included; in Mandarin characters.
    """

    prompts: int
    languages: Mapping[str, int]
    plans: Mapping[str, int]
    tags: Mapping[str, Mapping[str, int]]
    seconds: tuple[float, ...]
    lines: int
    different_lines: int
    words: int


def suite_statistics(prompts: Sequence[Prompt]) -> SuiteStatistics:
    """Counts what prompts consist of."""
    names = dict.fromkeys(name for prompt in prompts for name in prompt.tags)
    lines = [line for prompt in prompts for line in prompt.lyrics.lines]
    return SuiteStatistics(
        prompts=len(prompts),
        languages=dict(Counter(prompt.language for prompt in prompts)),
        plans=dict(Counter(prompt.section_plan for prompt in prompts).most_common()),
        tags={name: dict(Counter(prompt.tags[name] for prompt in prompts if name in prompt.tags)) for name in names},
        seconds=tuple(sorted(prompt.seconds for prompt in prompts if prompt.seconds is not None)),
        lines=len(lines),
        different_lines=len(set(lines)),
        words=sum(len(spoken_words(line)) for line in lines),
    )
