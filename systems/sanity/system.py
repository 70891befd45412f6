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


def _card(name: str, summary: str, conditions: tuple[str, ...] = (), *, ceiling: bool = False) -> SystemCard:
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
    )


def _length(request: Request) -> int:
    return round((request.prompt.seconds or DEFAULT_SECONDS) * RATE)


def _stereo(request: Request, samples: npt.NDArray[np.float32]) -> Song:
    """A song of samples (channels, n)."""
    return memory_song(request, Audio(samples, RATE), GenerationRecord(conditions=()))


class Silence(_Anchor):
    """Digital silence of the wanted length: the floor of everything."""

    card = _card("silence", "Digital silence of the wanted length.")

    def _make(self, request: Request) -> Song:
        return _stereo(request, np.zeros((2, _length(request)), dtype="float32"))


class Noise(_Anchor):
    """White Gaussian noise at -20 dBFS RMS, independent in both channels."""

    card = _card("noise", "White noise of the wanted length, -20 dBFS.")

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

    card = _card("copy_prompt", "The prompt audio, repeated to the wanted length.", ("prompt audio",))

    def _make(self, request: Request) -> Song | Failure:
        if request.prompt_audio is None:
            return Failure("generate", "the prompt has no audio", request=request)
        clip = request.prompt_audio.load()
        length = round((request.prompt.seconds or DEFAULT_SECONDS) * clip.rate)
        repeats = -(-length // clip.samples.shape[1])
        samples = np.tile(clip.samples, (1, repeats))[:, :length]
        record = GenerationRecord(conditions=("prompt audio",))
        return memory_song(request, Audio(np.ascontiguousarray(samples), clip.rate), record)
