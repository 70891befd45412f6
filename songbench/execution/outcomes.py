"""Whether what a system gave is a song, of a request it was asked for: only then is it stored."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import fields, replace
from itertools import islice
from typing import Any, TypeVar

from songbench.domain.audio import Audio, AudioSource, MemoryAudio
from songbench.domain.rendering import Rendering
from songbench.domain.song import Failure, GenerationRecord, Request, Song, TimedSection, TimedWord
from songbench.execution.plain import ContractError, number, short_repr, text

T = TypeVar("T", TimedWord, TimedSection)

MOST_BESIDE = 8
"""How many answers beside those asked for are looked at."""


def answers(
    results: object, requests: Collection[tuple[str, int]], name: str
) -> Iterator[tuple[tuple[str, int] | None, Song | Failure]]:
    """What a system gave, each with prompt id and take of the request it answers.

    Args:
        results: what `System.generate` returned.
        requests: prompt id and take of every request.
        name: of the system, for messages.

    Yields:
        Songs in plain types and failures, as they come. What breaks the contract is a failure that says how: of its
        request, or of None where it belongs to none. A second answer to a request is a failure too, which takes the
        place of the first, as nobody knows which is meant. A system that goes on and on is not listened to for ever.
    """
    if isinstance(results, str) or not isinstance(results, Iterable):
        raise ContractError(f"the {name} gave {short_repr(results)} ({type(results).__name__}) instead of songs")
    answered: set[tuple[str, int]] = set()
    for outcome in islice(results, 2 * len(requests) + MOST_BESIDE):
        request = None
        try:
            request = _request_of(outcome, requests)
            if request in answered:
                raise ContractError("gave more than one answer to this request")
            answered.add(request)
            yield request, _checked(outcome)
        except ContractError as error:
            yield request, Failure("generate", f"the {name} {error}")


def _request_of(outcome: object, requests: Collection[tuple[str, int]]) -> tuple[str, int]:
    if not isinstance(outcome, Song | Failure):
        raise ContractError(f"gave {short_repr(outcome)} ({type(outcome).__name__}) instead of a Song or a Failure")
    request = outcome.request
    if not isinstance(request, Request):
        more = f" of cause {short_repr(outcome.cause)}" if isinstance(outcome, Failure) else ""
        raise ContractError(f"gave a {type(outcome).__name__}{more} without the request it answers")
    prompt, take = request.prompt.id, request.take
    if (prompt, take) not in requests:
        raise ContractError(
            f"answered for take {short_repr(take)} of the prompt {short_repr(prompt)}, which was not asked for"
        )
    return prompt, take


def _checked(outcome: object) -> Song | Failure:
    if isinstance(outcome, Failure):
        return checked_failure(outcome)
    assert isinstance(outcome, Song)
    return checked_song(outcome)


def checked_failure(failure: Failure) -> Failure:
    """The failure with texts that can be stored.

    Raises:
        ContractError: when it has no cause.
    """
    return Failure("generate", text(failure.cause, "the cause of a failure"), str(failure.detail))


def checked_song(song: Song) -> Song:
    """The song in plain types, its audio loaded where it is in memory.

    Raises:
        ContractError: when a part of it is not what `songbench.domain.song` says.
    """
    stems = _mapping(song.stems, "stems")
    return replace(
        song,
        source=_source(song.source, "the song"),
        record=_record(song.record),
        stems={
            text(name, "the name of a stem"): _source(stem, f"the stem {short_repr(name)}")
            for name, stem in stems.items()
        },
        words=_timed(song.words, TimedWord, "words"),
        sections=_timed(song.sections, TimedSection, "sections"),
        midi=_midi(song.midi),
    )


def _source(source: object, subject: str) -> AudioSource:
    if isinstance(source, Audio):
        raise ContractError(f"gave bare Audio for {subject}; wrap it in MemoryAudio")
    if isinstance(source, MemoryAudio):  # first, as asking whether it is an AudioSource would hash all of its samples
        _audio(source.audio, subject)
        return source
    if not isinstance(source, AudioSource):
        raise ContractError(f"gave {short_repr(source)} ({type(source).__name__}) for {subject}; audio is expected")
    return source


def _audio(audio: object, subject: str) -> None:
    if not isinstance(audio, Audio):
        raise ContractError(f"gave {short_repr(audio)} ({type(audio).__name__}) for {subject}; Audio is expected")
    rate = number(audio.rate, f"the rate of {subject}")
    if rate != int(rate) or rate < 1:
        raise ContractError(f"gave the rate {rate!r} for {subject}; samples per second are expected")
    if audio.samples.size == 0:
        raise ContractError(f"gave no samples for {subject}")
    if not math.isfinite(audio.peak):
        raise ContractError(f"gave NaN or infinite samples for {subject}")


_FLAGS = ("seed_honoured", "fake_stereo", "loading_included", "own_process")


def _record(record: object) -> GenerationRecord:
    if not isinstance(record, GenerationRecord):
        raise ContractError(f"gave {short_repr(record)} ({type(record).__name__}) for the generation record")
    facts: dict[str, Any] = {field.name: getattr(record, field.name) for field in fields(GenerationRecord)}
    for name in ("seconds", "peak_gib"):
        facts[name] = None if facts[name] is None else _amount(facts[name], f"record.{name}")
    for name in _FLAGS:
        if not isinstance(facts[name], bool):
            raise ContractError(f"gave {short_repr(facts[name])} for record.{name}; True or False is expected")
    if record.rendering is not None and not isinstance(record.rendering, Rendering):
        raise ContractError(f"gave {short_repr(record.rendering)} for record.rendering; a Rendering is expected")
    candidates = number(record.best_of, "record.best_of")
    if candidates != int(candidates) or candidates < 1:
        raise ContractError(f"gave {candidates!r} for record.best_of; a whole number from 1 is expected")
    stages = _mapping(record.stages, "record.stages").items()
    return GenerationRecord(
        **{
            **facts,
            "device": text(record.device, "record.device"),
            "conditions": _texts(record.conditions, "record.conditions"),
            "notes": _texts(record.notes, "record.notes"),
            "lossy": text(record.lossy, "record.lossy", empty=True),
            "best_of": int(candidates),
            "settings": dict(_mapping(record.settings, "record.settings")),
            "stages": {
                text(name, "a stage"): _amount(value, f"record.stages {short_repr(name)}") for name, value in stages
            },
        }
    )


def _amount(value: object, subject: str) -> float:
    amount = number(value, subject)
    if amount < 0:
        raise ContractError(f"gave {amount!r} for {subject}; it cannot be below 0")
    return amount


def _texts(value: object, subject: str) -> tuple[str, ...]:
    return tuple(text(one, subject) for one in _several(value, subject))


def _several(value: object, subject: str) -> tuple[Any, ...]:
    if not isinstance(value, tuple | list):
        raise ContractError(f"gave {short_repr(value)} ({type(value).__name__}) for {subject}; a tuple is expected")
    return tuple(value)


def _mapping(value: object, subject: str) -> Mapping[Any, Any]:
    if not isinstance(value, Mapping):
        raise ContractError(f"gave {short_repr(value)} ({type(value).__name__}) for {subject}; a mapping is expected")
    return value


def _timed(value: object, kind: type[T], subject: str) -> tuple[T, ...]:
    rows = []
    for row in _several(value, subject):
        if not isinstance(row, kind):
            raise ContractError(f"gave {short_repr(row)} among the {subject}; {kind.__name__} is expected")
        label = text(row.text if isinstance(row, TimedWord) else row.tag, f"one of the {subject}")
        start, end = (
            _amount(row.start, f"the start of {short_repr(label)}"),
            number(row.end, f"the end of {short_repr(label)}"),
        )
        if end < start:
            raise ContractError(f"gave {short_repr(label)} from {start:g} to {end:g} s, an end before its start")
        rows.append(kind(label, start, end))
    return tuple(rows)


def _midi(value: object) -> bytes | None:
    if value is None or (isinstance(value, bytes) and value):
        return value
    raise ContractError(f"gave {short_repr(value)} ({type(value).__name__}) for midi; the bytes of a file are expected")
