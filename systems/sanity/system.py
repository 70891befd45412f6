"""Systems that everybody knows the right verdict on. A metric that ranks them wrongly is not to be trusted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from songbench.domain.audio import Audio
from songbench.domain.hashing import Json
from songbench.domain.song import Failure, GenerationRecord, Request, Song, memory_song
from songbench.plugin import READY, Availability, SystemCard

RATE = 48_000
DEFAULT_SECONDS = 30.0
NOISE_LEVEL = 0.1
CLICK_BPM = 120.0
"""The commonest tempo of popular music; the vocal is not listened to."""
_CLICK_HZ, _CLICK_SECONDS, _CLICK_LEVEL, _CLICK_DECAY_S = 1500.0, 0.03, 0.5, 0.006
_BOTH = ("song", "v2a")


class _Anchor:
    """What all anchors share: they are always available and take no parameters."""

    card: SystemCard
    parameters: Mapping[str, Json] = {}

    def availability(self) -> Availability:
        """Always ready."""
        return READY

    def generate(self, requests: Sequence[Request]) -> Iterator[Song | Failure]:
        """One song per request, in order."""
        for request in requests:
            yield self._make(request)

    def _make(self, request: Request) -> Song | Failure:
        raise NotImplementedError


def _card(
    name: str,
    summary: str,
    conditions: tuple[str, ...] = (),
    *,
    ceiling: bool = False,
    tracks: tuple[str, ...] = ("song",),
) -> SystemCard:
    return SystemCard(
        name=name,
        version="1",
        summary=summary,
        licence="Apache-2.0",
        languages=(),
        conditions=conditions,
        vocals=False,
        sample_rate=RATE,
        sanity=True,
        ceiling=ceiling,
        tracks=tracks,
    )


def _seconds(request: Request) -> float:
    return request.seconds or DEFAULT_SECONDS


def _length(request: Request) -> int:
    return round(_seconds(request) * RATE)


def _stereo(request: Request, samples: npt.NDArray[np.float32]) -> Song:
    """A song of samples (channels, n)."""
    return memory_song(request, Audio(samples, RATE), GenerationRecord(conditions=()))


def _repeated(request: Request, audio: Audio, condition: str) -> Song:
    """A song of audio that is repeated or cut to the wanted length."""
    length = round(_seconds(request) * audio.rate)
    repeats = -(-length // audio.samples.shape[1])
    samples = np.tile(audio.samples, (1, repeats))[:, :length]
    return memory_song(
        request, Audio(np.ascontiguousarray(samples), audio.rate), GenerationRecord(conditions=(condition,))
    )


class Silence(_Anchor):
    """Digital silence of the wanted length: the floor of everything."""

    card = _card("silence", "Digital silence of the wanted length.", tracks=_BOTH)

    def _make(self, request: Request) -> Song:
        return _stereo(request, np.zeros((2, _length(request)), dtype="float32"))


class Noise(_Anchor):
    """White Gaussian noise at -20 dBFS RMS, independent in both channels."""

    card = _card("noise", "White noise of the wanted length, -20 dBFS.", tracks=_BOTH)

    def _make(self, request: Request) -> Song:
        rng = np.random.default_rng(request.seed)
        samples = NOISE_LEVEL * rng.standard_normal((2, _length(request)), dtype="float32")
        return _stereo(request, np.clip(samples, -0.99, 0.99))


class Reference(_Anchor):
    """The suite's own reference songs, entered as if a system had made them."""

    card = _card("reference", "The suite's reference songs themselves.", ("reference song",), ceiling=True)

    def _make(self, request: Request) -> Song | Failure:
        if request.reference is None:
            return Failure("generate", "the prompt has no reference song", request=request)
        return Song(request=request, source=request.reference, record=GenerationRecord(conditions=("reference song",)))


class CopyPrompt(_Anchor):
    """The prompt audio, repeated to the wanted length: the best style match there is, and no song at all."""

    card = _card("copy_prompt", "The prompt audio, repeated to the wanted length.", ("prompt audio",), tracks=_BOTH)

    def _make(self, request: Request) -> Song | Failure:
        if request.prompt_audio is None:
            return Failure("generate", "the prompt has no audio", request=request)
        return _repeated(request, request.prompt_audio.load(), "prompt audio")


class Oracle(_Anchor):
    """The true accompaniment: what every accompaniment is compared with, entered as if a system had made it."""

    card = _card(
        "oracle", "The true accompaniment of the vocal itself.", ("reference song",), ceiling=True, tracks=("v2a",)
    )

    def _make(self, request: Request) -> Song | Failure:
        if request.reference is None:
            return Failure("generate", "the prompt has no true accompaniment", request=request)
        return Song(request=request, source=request.reference, record=GenerationRecord(conditions=("reference song",)))


class ShuffledBand(_Anchor):
    """The true accompaniment of another prompt: good music that has nothing to do with the vocal, the chance level."""

    card = _card(
        "shuffled_band",
        "The true accompaniment of another prompt, cut or repeated to the vocal's length: the chance level.",
        ("another reference song",),
        tracks=("v2a",),
    )

    def unsupported(self, request: Request) -> str | None:
        """Whether the suite has another true accompaniment."""
        return None if request.other_prompt else "no other prompt of the suite has a true accompaniment of its own"

    def _make(self, request: Request) -> Song | Failure:
        if request.other_reference is None:
            return Failure("generate", "no other true accompaniment was given", request=request)
        return _repeated(request, request.other_reference.load(), "another reference song")


class Click(_Anchor):
    """A metronome: onsets as regular as they can be, at a tempo that is not the vocal's unless by chance."""

    card = _card("click", f"A metronome at {CLICK_BPM:g} beats per minute, of the vocal's length.", tracks=("v2a",))

    def _make(self, request: Request) -> Song:
        length = _length(request)
        times = np.arange(round(_CLICK_SECONDS * RATE)) / RATE
        click = _CLICK_LEVEL * np.sin(2 * np.pi * _CLICK_HZ * times) * np.exp(-times / _CLICK_DECAY_S)
        beat = np.zeros(round(60 / CLICK_BPM * RATE), np.float32)
        beat[: len(click)] = click
        samples = np.tile(beat, (2, -(-length // len(beat))))[:, :length]
        return _stereo(request, np.ascontiguousarray(samples))


class CopyVocal(_Anchor):
    """The vocal itself as its accompaniment: in time and in tune with it throughout, and the worst leakage there is."""

    card = _card("copy_vocal", "The vocal itself: the worst leakage there can be.", ("vocal",), tracks=("v2a",))

    def _make(self, request: Request) -> Song | Failure:
        if request.vocal is None:
            return Failure("generate", "the prompt has no vocal", request=request)
        return Song(request=request, source=request.vocal, record=GenerationRecord(conditions=("vocal",)))
