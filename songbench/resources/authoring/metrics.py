"""Metrics from functions: of one song, or of all songs of a system and the reference songs."""

from __future__ import annotations

import numbers
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypedDict, Unpack

from songbench.contracts.cards import ASPECTS, Availability, Field, MetricCard, ModelFamily, Procedure
from songbench.contracts.exclusion import leave_out, with_left_out
from songbench.contracts.feature import Extractor, Feature, Features
from songbench.contracts.metric import Verdict
from songbench.domain.hashing import Json
from songbench.domain.score import NotApplicable, Scores
from songbench.domain.song import Failure, Song
from songbench.resources import needs
from songbench.resources.authoring.factory import Factory, card_facts, summary_of
from songbench.resources.authoring.failures import NOT_OF_ONE_SONG, failure_of


class MetricFacts(TypedDict, total=False):
    """What a metric's card may say beside name, version and fields; see `MetricCard` for what each means."""

    summary: str
    limits: str
    citation: str
    licence: str
    needs: Collection[str]
    languages: Collection[str]
    reference: bool
    tracks: Collection[str]
    hears: Collection[str]
    procedure: Procedure | None
    models: Collection[ModelFamily]
    verified: str
    mono: bool
    repeats: bool


@dataclass(frozen=True, kw_only=True)
class FunctionMetric:
    """A `SongMetric` that calls a function for each song.

    Attributes:
        card: what it is.
        function: of a song and one feature per extractor, in order.
        settings: every keyword the function is called with.
        extractors: what the function is given of each song.
    """

    card: MetricCard
    function: Callable[..., object]
    settings: Mapping[str, Any] = field(default_factory=dict)
    extractors: tuple[Extractor, ...] = ()

    def availability(self) -> Availability:
        """Whether everything the card names in `needs` is here."""
        return needs.availability_of_all(self.card.needs)

    def score(self, songs: Sequence[Song], features: Features) -> Iterator[Verdict]:
        """One verdict per song, in order; what fails for one song is a `Failure` of that song alone.

        Raises:
            StoreError: the store can no longer be used.
            UnavailableError: something that every song needs is not here.
        """
        sources = [song.source for song in songs]
        columns = [features.of(extractor, sources) for extractor in self.extractors]
        for number, song in enumerate(songs):
            yield self._verdict(song, [column[number] for column in columns])

    def _verdict(self, song: Song, answers: Sequence[Feature | Failure]) -> Verdict:
        for answer in answers:
            if isinstance(answer, Failure):
                return answer
        try:
            return verdict_of(self.function(song, *answers, **self.settings), self.card)
        except NOT_OF_ONE_SONG:
            raise
        except Exception as error:
            return failure_of(error, "score")


@dataclass(frozen=True, kw_only=True)
class FunctionSetMetric:
    """A `SetMetric` that calls a function of two sets.

    Attributes:
        card: what it is.
        function: of the system's songs and the reference songs, or of a feature of each.
        settings: every keyword the function is called with.
        extractors: at most one: what the function is given of each song instead of the song itself.
    """

    card: MetricCard
    function: Callable[..., object]
    settings: Mapping[str, Any] = field(default_factory=dict)
    extractors: tuple[Extractor, ...] = ()

    def availability(self) -> Availability:
        """Whether everything the card names in `needs` is here."""
        return needs.availability_of_all(self.card.needs)

    def score_set(self, songs: Sequence[Song], reference: Sequence[Song], features: Features) -> Verdict:
        """The verdict on the set, with its values without each prompt where the function gives numbers.

        A song without its feature is left out and named in the detail; where that leaves fewer than half of a side, the
        first failure is handed on: a number of the few songs that happened to work would be that of another set.

        Raises:
            StoreError: the store can no longer be used.
            UnavailableError: something that every song needs is not here.
        """
        sides = [self._side(side, features) for side in (songs, reference)]
        for side in sides:
            if side.failures and len(side.items) < len(side.failures):
                return side.failures[0]
        system, references = sides
        try:
            verdict = self._with_leave_one_out(system, references.items)
        except NOT_OF_ONE_SONG:
            raise
        except Exception as error:
            return failure_of(error, "score")
        return with_left_out(verdict, system.left_out, references.left_out)

    def _side(self, songs: Sequence[Song], features: Features) -> _Side:
        side = _Side()
        answers: Sequence[Song | Feature | Failure] = songs
        for extractor in self.extractors:
            answers = features.of(extractor, [song.source for song in songs])
        for song, answer in zip(songs, answers, strict=True):
            if isinstance(answer, Failure):
                side.failures.append(answer)
                side.left_out.append(leave_out(song, answer.cause, failed=True))
            else:
                side.items.append(answer)
                side.prompts.append(song.prompt.id)
        return side

    def _with_leave_one_out(self, system: _Side, reference: Sequence[object]) -> Verdict:
        answer = self.function(system.items, reference, **self.settings)
        verdict = verdict_of(answer, self.card, n=len(system.items))
        prompts = dict.fromkeys(system.prompts)
        if answer is verdict or not isinstance(verdict, Scores) or len(prompts) < 2:
            return verdict  # a function that gives Scores says itself what they are without each prompt
        leave_one_out = {}
        for prompt in prompts:
            rest = [item for item, owner in zip(system.items, system.prompts, strict=True) if owner != prompt]
            part = verdict_of(self.function(rest, reference, **self.settings), self.card, n=len(rest))
            if not isinstance(part, Scores):
                return verdict
            leave_one_out[prompt] = part.values
        return Scores(values=verdict.values, n=verdict.n, leave_one_out=leave_one_out)


@dataclass
class _Side:
    """The songs of one side: what the function is given of each, and those that are left out."""

    items: list[Song | Feature] = field(default_factory=list)
    prompts: list[str] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    left_out: list[Mapping[str, Json]] = field(default_factory=list)


def metric(
    name: str,
    *,
    version: str,
    fields: Sequence[Field],
    extractors: Sequence[Extractor] = (),
    **facts: Unpack[MetricFacts],
) -> Callable[[Callable[..., object]], Factory[FunctionMetric]]:
    """Make a metric of a function of one song.

    The function is given a `Song` and, for each of `extractors`, the song's `Feature`. It returns a number, where the
    metric has one field; a mapping of field names to numbers; `Scores`; or `NotApplicable` with the reason. Its
    keyword-only parameters, all with defaults, are the metric's settings. An exception becomes a `Failure` of that
    song; the others go on.

    Args:
        name: ``name@backend``, or the bare name for plain facts of the signal.
        version: raise it whenever the same audio would give another number.
        fields: the numbers it gives.
        extractors: what is computed of the audio once and shared with other metrics.
        facts: the rest of the card (`MetricFacts`); `summary` is the first line of the docstring unless it is given.
            The metric is available when everything in `needs` is here: weights and environments by their names, other
            packages by those of the package index.

    Raises:
        TypeError: the function takes other arguments than it will be given.
    """
    return _decorator(FunctionMetric, _name_of_arguments("song", extractors), name, version, fields, extractors, facts)


def set_metric(
    name: str,
    *,
    version: str,
    fields: Sequence[Field],
    extractor: Extractor | None = None,
    **facts: Unpack[MetricFacts],
) -> Callable[[Callable[..., object]], Factory[FunctionSetMetric]]:
    """Make a metric of a function of two sets: a system's songs and the reference songs.

    The function is given two sequences, of `Song` or, with an extractor, of the songs' `Feature`. It returns what the
    function of a song metric returns. Where that is a number or a mapping, it is called again without the songs of each
    prompt in turn: the interval and the comparisons come from these values. A function that returns `Scores` fills
    their `leave_one_out` itself.

    Args:
        name: ``name@backend``, or the bare name.
        version: raise it whenever the same songs would give another number.
        fields: the numbers it gives.
        extractor: what the function is given of each song.
        facts: the rest of the card, as for `metric`.

    Raises:
        TypeError: the function takes other arguments than it will be given.
    """
    extractors = () if extractor is None else (extractor,)
    return _decorator(FunctionSetMetric, "songs, reference", name, version, fields, extractors, facts)


def verdict_of(answer: object, card: MetricCard, n: int = 1) -> Verdict:
    """What a metric's function returned, as a verdict.

    Args:
        answer: a verdict, a mapping of numbers, or a number where the card has one field.
        card: of the metric.
        n: how many songs the numbers rest on.

    Raises:
        TypeError: it is something else, or a number where the card has several fields.
        ScoreError: a number is NaN or infinite.
    """
    if isinstance(answer, Scores | NotApplicable | Failure):
        return answer
    if isinstance(answer, Mapping):
        return Scores(values=answer, n=n)
    if isinstance(answer, bool) or not isinstance(answer, numbers.Real):
        raise TypeError(f"{card.id} gave {answer!r}, which is no number, mapping, Scores, NotApplicable or Failure")
    if len(card.fields) > 1:
        raise TypeError(f"{card.id} gave one number; it has {len(card.fields)} fields, so it must give a mapping")
    return Scores(values={card.fields[0].name: float(answer)}, n=n)


def _decorator(
    kind: type[Any],
    positional: str,
    name: str,
    version: str,
    fields: Sequence[Field],
    extractors: Sequence[Extractor],
    facts: MetricFacts,
) -> Callable[[Callable[..., object]], Factory[Any]]:
    def decorate(function: Callable[..., object]) -> Factory[Any]:
        card = _card(name, version, fields, {"summary": summary_of(function), **facts})

        def build(settings: Mapping[str, Any]) -> Any:
            return kind(card=card, function=function, settings=settings, extractors=tuple(extractors))

        return Factory(function, build, positional)

    return decorate


def _card(name: str, version: str, fields: Sequence[Field], facts: Mapping[str, Any]) -> MetricCard:
    bare, _, backend = name.partition("@")
    options = card_facts(facts)
    if isinstance(hears := options.get("hears"), tuple):  # in the order of the aspects
        options["hears"] = (*(aspect for aspect in ASPECTS if aspect in hears), *sorted(set(hears) - set(ASPECTS)))
    return MetricCard(name=bare, backend=backend, version=version, fields=tuple(fields), **options)


def _name_of_arguments(first: str, extractors: Sequence[Extractor]) -> str:
    """As in the head of a function: ``song, spectral_centroid``."""
    return ", ".join([first, *("_".join(extractor.name.split()) for extractor in extractors)])
