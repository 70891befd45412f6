"""A system from a function of one request."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypedDict, Unpack

from songbench.contracts.cards import Availability, Dependence, SystemCard
from songbench.contracts.system import conditions_of
from songbench.domain.audio import Audio
from songbench.domain.hashing import Json
from songbench.domain.song import UNKNOWN_DEVICE, Failure, GenerationRecord, Request, Song, memory_song
from songbench.resources import needs
from songbench.resources.authoring.factory import Factory, card_facts, summary_of
from songbench.resources.authoring.failures import NOT_OF_ONE_SONG, failure_of

VARIANT = "variant"
"""The setting that a user writes as ``NAME:VARIANT``; it gives the system a row of its own."""


class SystemFacts(TypedDict, total=False):
    """What a system's card may say beside name, version and licence; see `SystemCard` for what each means."""

    summary: str
    languages: Collection[str]
    conditions: Collection[str]
    vocals: bool
    max_seconds: float | None
    sample_rate: int | None
    needs: Collection[str]
    citation: str
    sanity: bool
    ceiling: bool
    tracks: Collection[str]
    depends_on: Collection[Dependence]


@dataclass(frozen=True, kw_only=True)
class FunctionSystem:
    """A `System` that calls a function for each request.

    Attributes:
        card: what it is.
        function: of a request.
        parameters: every setting the function is called with; part of every song's key.
    """

    card: SystemCard
    function: Callable[..., object]
    parameters: Mapping[str, Json] = field(default_factory=dict)

    def availability(self) -> Availability:
        """Whether everything the card names in `needs` is here."""
        return needs.availability_of_all(self.card.needs)

    def generate(self, requests: Sequence[Request]) -> Iterator[Song | Failure]:
        """Song by song, in order; an exception of the function is a `Failure` of that request alone.

        Raises:
            UnavailableError: something that every song needs is not here.
        """
        for request in requests:
            begin = time.perf_counter()
            try:
                answer = self.function(request, **self.parameters)
                yield self._song(request, answer, time.perf_counter() - begin)
            except NOT_OF_ONE_SONG:
                raise
            except Exception as error:
                yield failure_of(error, "generate", request)

    def _song(self, request: Request, answer: object, seconds: float) -> Song | Failure:
        if isinstance(answer, Audio):
            record = GenerationRecord(
                seconds=seconds, device=UNKNOWN_DEVICE, conditions=conditions_of(self.card, request)
            )
            return memory_song(request, answer, record)
        if isinstance(answer, Failure):
            return replace(answer, request=request)
        if isinstance(answer, Song):
            return answer
        raise TypeError(f"{self.card.name} gave {type(answer).__name__} instead of Audio, Song or Failure")


def system(
    name: str, *, version: str, licence: str, **facts: Unpack[SystemFacts]
) -> Callable[[Callable[..., object]], Factory[FunctionSystem]]:
    """Make a system of a function of one `Request`.

    The function returns `Audio`, whose time is measured, on a device that is not named; a `Song`, with a
    `GenerationRecord` of its own, stems and what else is known; or a `Failure`. Its keyword-only parameters, all with
    defaults, are the system's settings and part of every song's key; one called ``variant`` is what users write as
    ``NAME:VARIANT``. An exception becomes a `Failure` of that request; the others go on. A model that the function
    loads at its first call counts in the time of that song: where speed is to be compared, write the class `System` or
    use `IsolatedSystem`.

    Args:
        name: the row in the leaderboard.
        version: raise it whenever the same request would give other samples.
        licence: of code and weights.
        facts: the rest of the card (`SystemFacts`); `summary` is the first line of the docstring unless it is given.
            The system is available when everything in `needs` is here.

    Raises:
        TypeError: the function takes more than a request and settings.
    """

    def decorate(function: Callable[..., object]) -> Factory[FunctionSystem]:
        options = card_facts({"summary": summary_of(function), **facts})
        card = SystemCard(name=name, version=version, licence=licence, **options)

        def build(settings: Mapping[str, Any]) -> FunctionSystem:
            variant = settings.get(VARIANT)
            entry = card if variant in (None, factory.default(VARIANT)) else replace(card, name=f"{name}:{variant}")
            return FunctionSystem(card=entry, function=function, parameters=settings)

        factory = Factory(function, build, "request")
        return factory

    return decorate
