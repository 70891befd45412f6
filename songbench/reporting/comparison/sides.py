"""The two sides of a comparison: which system of which run, and what they have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from songbench.domain.errors import InputError
from songbench.domain.hashing import Json
from songbench.domain.prompt import Prompt
from songbench.execution.results import RunResults


@dataclass(frozen=True, kw_only=True, eq=False)
class RunSide:
    """A run that is compared.

    Attributes:
        name: of the run.
        results: what it stored.
        metric_parameters: of each metric, by its id.
    """

    name: str
    results: RunResults = field(repr=False)
    metric_parameters: Mapping[str, Mapping[str, Json]]

    @property
    def competitors(self) -> list[str]:
        """Its systems but for the sanity systems."""
        return [card.name for card in self.results.systems if not card.sanity]


@dataclass(frozen=True)
class SystemSide:
    """A system of a run that is compared."""

    run: RunSide
    system: str

    @property
    def label(self) -> str:
        """``RUN:SYSTEM``."""
        return f"{self.run.name}:{self.system}"

    @property
    def version(self) -> str:
        """Of the system."""
        return next(card.version for card in self.run.results.systems if card.name == self.system)


def matching_systems(
    first: RunSide, second: RunSide, first_system: str | None = None, second_system: str | None = None
) -> list[tuple[SystemSide, SystemSide]]:
    """Which systems of two runs stand against each other.

    Args:
        first: a run.
        second: another, or the same.
        first_system: of the first; None: each competitor that the second has too, else its only competitor.
        second_system: of the second, likewise.

    Raises:
        InputError: a run has no such system, or it cannot be told which are meant.
    """
    for side, system in ((first, first_system), (second, second_system)):
        names = [card.name for card in side.results.systems]
        if system is not None and system not in names:
            raise InputError(f"The run '{side.name}' has no system '{system}'.", value=system, allowed=names)
    if first_system is None and second_system is None:
        common = [name for name in first.competitors if name in second.competitors]
        if common and first.name != second.name:
            return [(SystemSide(first, name), SystemSide(second, name)) for name in common]
    first_system = first_system or _counterpart(first, second_system)
    second_system = second_system or _counterpart(second, first_system)
    return [(SystemSide(first, first_system), SystemSide(second, second_system))]


def _counterpart(side: RunSide, namesake: str | None) -> str:
    if namesake in [card.name for card in side.results.systems]:
        assert namesake is not None
        return namesake
    if len(side.competitors) == 1:
        return side.competitors[0]
    raise InputError(
        f"Which system of the run '{side.name}' is meant?",
        allowed=[f"{side.name}:{name}" for name in side.competitors],
        cure="Write RUN:SYSTEM.",
    )


def common_prompts(first: RunResults, second: RunResults) -> tuple[frozenset[str], list[str]]:
    """The prompts that both runs gave, with the same words, style, length and audio; and those of one name that differ.

    Returns:
        Their ids, and the ids that stand for other prompts in the other run.
    """
    second_prompts = {prompt.id: prompt for prompt in second.suite.prompts}
    equal, different = set(), []
    for prompt in first.suite.prompts:
        if prompt.id not in second_prompts:
            continue
        if _equal(prompt, second_prompts[prompt.id]):
            equal.add(prompt.id)
        else:
            different.append(prompt.id)
    return frozenset(equal), different


def _equal(first: Prompt, second: Prompt) -> bool:
    try:
        return first.key() == second.key()
    except InputError:  # their audio is not on this machine
        return first.words_to_json() == second.words_to_json()
