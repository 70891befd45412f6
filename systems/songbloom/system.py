"""SongBloom as a songbench system."""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, get_args

import numpy as np

from songbench.contracts.cards import READY, Availability, SystemCard, unavailable
from songbench.domain.audio import Audio, MemoryAudio
from songbench.domain.errors import InputError, SongbenchError, UnavailableError
from songbench.domain.hashing import Json, file_digest
from songbench.domain.prompt import Prompt
from songbench.domain.song import Failure, GenerationRecord, Request, Song
from songbench.execution import weights
from systems.songbloom import loading
from systems.songbloom.config import DecodingConfig
from systems.songbloom.presets import PRESETS

if TYPE_CHECKING:
    from systems.songbloom.config import SongBloomConfig
    from systems.songbloom.decoding import Engine
    from systems.songbloom.generation import Finished, SongInput
    from systems.songbloom.model import SongBloom

DEFAULT = "full_150s"
CONDITIONS = ("lyrics", "prompt audio")
MOST_AT_ONCE = {"cuda": 16, "mps": 4, "cpu": 8}
"""Songs decoded together unless told otherwise; beyond 16 an accelerator gains little, as caches are read per song."""

MEMORY_SHARE = 0.7
"""Of the free memory that caches of songs decoded together may fill."""


class SongBloomSystem:
    """Full songs from lyrics and a 10 s style prompt.

    Args:
        variant: a release (`systems.songbloom.loading.RELEASES`); with a checkpoint of one's own, the name of its row.
        source: a checkpoint of one's own, ``songbloom:NAME=PATH``: a weights file, its folder or a hub repository.
        checkpoint: the same, for ``--set system.songbloom.checkpoint=PATH``.
        device: such as ``cpu`` or ``cuda:0``; None: the best there is.
        precision: ``float32`` or ``bfloat16``; None: bfloat16 on CUDA, float32 elsewhere.
        batch: the most songs to decode together; None: as many as pay and fit.
        compiled: pass the diffusion transformer through `torch.compile`; slower to start.
        **decoding: changes to the checkpoint's own settings, any field of `systems.songbloom.config.DecodingConfig`:
            guidance, diffusion_guidance, guidance_mode, sampling, temperature, top_k, top_p, penalise_repetition,
            repetition_window, repetition_penalty, steps, diffusion_temperature, max_seconds.

    Raises:
        InputError: an unknown variant or setting.
    """

    def __init__(
        self,
        variant: str | None = None,
        source: str | None = None,
        checkpoint: str | None = None,
        device: str | None = None,
        precision: str | None = None,
        batch: int | None = None,
        compiled: bool = False,
        **decoding: Any,
    ) -> None:
        """Check the choices; nothing is loaded."""
        own = source or checkpoint
        if own is None and variant is not None and variant not in loading.RELEASES:
            raise InputError(
                f"SongBloom has no release '{variant}'.",
                given=variant,
                allowed=tuple(loading.RELEASES),
                cure=f"A checkpoint of your own is entered as songbloom:{variant}=PATH.",
            )
        if precision not in (None, *get_args(loading.Precision)):
            raise InputError(
                f"Unknown precision '{precision}'.", field="precision", allowed=get_args(loading.Precision)
            )
        if batch is not None and batch < 1:
            raise InputError(f"A batch of {batch} songs makes no song.", field="batch", cure="Give 1 or more.")
        self._release = None if own else variant or DEFAULT
        self._checkpoint = own or self._release or DEFAULT
        self._device, self._precision, self._batch, self._compiled = device, precision, batch, compiled
        self._decoding = decoding
        DecodingConfig().changed(decoding)  # raises for what is unknown or out of range
        self._engine: Engine | None = None
        self.card = SystemCard(
            name="songbloom" if variant in (None, DEFAULT) else f"songbloom:{variant}",
            version="1",
            summary="Interleaved sketch language model and diffusion transformer over autoencoder latents.",
            licence="Apache-2.0; released weights: academic purposes only",
            languages=("en", "zh", "mixed"),
            conditions=CONDITIONS,
            vocals=True,
            max_seconds=PRESETS[self._release].trained_seconds if self._release else None,
            sample_rate=48_000,
            needs=tuple(one.name for one in loading.needs(self._release)),
            citation="Yang et al., SongBloom, NeurIPS 2025, arXiv 2506.07634",
        )

    @property
    def parameters(self) -> Mapping[str, Json]:
        """The checkpoint by its content, and every setting that was changed."""
        return {"checkpoint": self._content, "precision": self._chosen_precision, **self._decoding}

    @cached_property
    def _content(self) -> str | None:
        """The sha256 of the weights file; of a release, as it was recorded when it was set up."""
        if self._release:
            return weights.as_recorded(loading.RELEASES[self._release]).files[0].sha256
        try:
            return file_digest(loading.find(self._checkpoint).weights)
        except SongbenchError:  # not there or broken: availability says so
            return None

    @cached_property
    def _chosen_device(self) -> str:
        return self._device or loading.best_device()

    @cached_property
    def _chosen_precision(self) -> str:
        return self._precision or loading.default_precision(self._chosen_device)

    def availability(self) -> Availability:
        """Ready when the weights are here and hold the right tensors; their content is not read.

        Raises:
            InputError: a checkpoint of the user's own is not one.
        """
        if not (state := loading.missing(self._release)).ready:
            return state
        try:
            loading.find(self._checkpoint).check()
        except UnavailableError as error:
            reason, _, cure = str(error).partition(" Get it: ")
            return unavailable(reason, cure)
        except InputError as error:
            if self._release is None:
                raise
            return unavailable(str(error), f"songbench setup {loading.RELEASES[self._release].name} --accept-licence")
        return READY

    def remarks(self, prompts: Sequence[Prompt], takes: int) -> list[str]:
        """Prompts that will fail as they have no style prompt."""
        without = [prompt.id for prompt in prompts if prompt.prompt_audio is None]
        if not without:
            return []
        shown = ", ".join(without[:5]) + (" …" if len(without) > 5 else "")
        return [f"{self.card.name} needs prompt_wav, 10 s of music; {len(without)} prompts have none: {shown}"]

    def generate(self, requests: Sequence[Request]) -> Iterator[Song | Failure]:
        """Songs as they are finished, several decoded together; one that cannot be sung is yielded as a failure."""
        from systems.songbloom.generation import Chunk, generate

        engine = self._engine_for(len(requests))
        queue = _Queue(requests, engine.model.config)
        audio: dict[int, list[np.ndarray[Any, Any]]] = {}
        try:
            for event in generate(engine, queue):
                yield from queue.failures()
                if isinstance(event, Chunk):
                    audio.setdefault(event.song, []).append(event.samples)
                else:
                    yield self._song(queue, event, audio.pop(event.song, []), engine)
        except Exception as error:
            detail = traceback.format_exc()[-2000:]
            for request in queue.open():
                yield Failure("generate", f"{type(error).__name__}: {error}", detail, request)
            self._engine = None  # its caches may be in any state
        yield from queue.failures()

    def _song(self, queue: _Queue, end: Finished, pieces: list[np.ndarray[Any, Any]], engine: Engine) -> Song | Failure:
        request, song = queue.close(end.song)
        if not pieces:
            return Failure("generate", "the model ended the song before it began; another seed may help", "", request)
        notes = [f"ended by the {end.ending}"]
        if song.lyrics.dropped:
            notes.append(f"not sung: {' '.join(song.lyrics.dropped[:20])}")
        if request.prompt.style:
            notes.append("the style in words was not used")
        record = GenerationRecord(
            seconds=sum(end.stages.values()),
            device=_device_name(engine),
            peak_gib=_peak_gib(engine),
            conditions=CONDITIONS,
            stages=end.stages,
            notes=tuple(notes),
        )
        samples = np.concatenate(pieces, axis=1)
        return Song(request, MemoryAudio(Audio(samples, engine.model.config.autoencoder.sample_rate)), record)

    def _engine_for(self, songs: int) -> Engine:
        from systems.songbloom.decoding import Engine

        held = self._engine
        model = held.model if held else self._load()
        config = model.config.decoding.changed(self._decoding)
        slots = max(1, min(songs, self._batch or self._fitting(model, config)))
        if held is None or held.slots < slots:
            self._engine = held = None  # frees the old caches before the new ones are made
            self._engine = held = Engine(model, config, slots=slots, compiled=self._compiled)
        return held

    def _load(self) -> SongBloom:
        return loading.load(self._checkpoint, self._chosen_device, self._chosen_precision)  # type: ignore[arg-type]

    def _fitting(self, model: SongBloom, config: DecodingConfig) -> int:
        """How many songs pay and fit into the memory that is free."""
        from systems.songbloom.costs import cache_bytes

        each = cache_bytes(model.config, config, model.dtype.itemsize)
        return max(1, min(MOST_AT_ONCE[model.device.type], int(MEMORY_SHARE * _free_bytes(model.device) / each)))


class _Queue:
    """Requests turned into inputs one by one, and which song is which request's."""

    def __init__(self, requests: Sequence[Request], config: SongBloomConfig) -> None:
        self._requests, self._config = list(requests), config
        self._failed: list[Failure] = []
        self._numbered: dict[int, tuple[Request, SongInput]] = {}

    def __iter__(self) -> Iterator[SongInput]:
        number = 0
        while self._requests:
            request = self._requests.pop(0)
            try:
                song = _input(request, self._config)
            except SongbenchError as error:
                self._failed.append(Failure("generate", str(error), request=request))
                continue
            self._numbered[number] = (request, song)
            number += 1
            yield song

    def failures(self) -> list[Failure]:
        """Requests that could not be turned into inputs since the last call."""
        failed, self._failed = self._failed, []
        return failed

    def close(self, number: int) -> tuple[Request, SongInput]:
        """A finished song's request and input."""
        return self._numbered.pop(number)

    def open(self) -> list[Request]:
        """Requests without an outcome."""
        return [request for request, _ in self._numbered.values()] + self._requests


def _input(request: Request, config: SongBloomConfig) -> SongInput:
    from systems.songbloom.generation import SongInput
    from systems.songbloom.text import one_line

    if request.prompt_audio is None:
        raise InputError(
            "SongBloom follows a style prompt, but this prompt has none.",
            field="prompt_wav",
            cure=f"Give it {config.prompt_seconds:g} s of music.",
        )
    line = one_line(request.prompt.lyrics, config.seconds_per_tag)
    return SongInput.of(config, line, request.prompt_audio.load(), request.seed)


def _device_name(engine: Engine) -> str:
    if engine.device.type != "cuda":
        return engine.device.type
    import torch

    return f"{engine.device} {torch.cuda.get_device_name(engine.device)}"


def _peak_gib(engine: Engine) -> float | None:
    """Peak device memory; on a CPU the harness measures the process."""
    if engine.device.type != "cuda":
        return None
    import torch

    return float(torch.cuda.max_memory_allocated(engine.device) / 2**30)


def _free_bytes(device: Any) -> int:
    if device.type == "cuda":
        import torch

        return int(torch.cuda.mem_get_info(device)[0])
    import psutil

    return int(psutil.virtual_memory().available)
