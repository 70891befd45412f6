"""SongBloom as a songbench system."""

from __future__ import annotations

import json
import math
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from songbench.domain.audio import Audio, MemoryAudio
from songbench.domain.errors import InputError, SongbenchError, UnavailableError
from songbench.domain.hashing import Json, content_key, file_digest
from songbench.domain.prompt import Prompt
from songbench.domain.song import Failure, GenerationRecord, Request, Song
from songbench.plugin import READY, Availability, Dependence, MemoryNeed, SystemCard, unavailable
from songbench.resources import weights
from systems.songbloom import loading
from systems.songbloom.config import DecodingConfig
from systems.songbloom.costs import decoding_need
from systems.songbloom.presets import PRESETS

if TYPE_CHECKING:
    from systems.songbloom.checkpoint_files import CheckpointFiles
    from systems.songbloom.config import SongBloomConfig
    from systems.songbloom.decoding import DecodingEngine
    from systems.songbloom.model import SongBloom
    from systems.songbloom.singing import SongInput, SongSummary

DEFAULT = "full_150s"
CONDITIONS = ("lyrics", "prompt audio")


_OWN = ("checkpoint", "base", "lora_alpha", "device", "precision", "batch", "compiled")
_SETTINGS = tuple(field.name for field in fields(DecodingConfig))


class SongBloomSystem:
    """Full songs from lyrics and a 10 s style prompt.

    Args:
        variant: a release (`systems.songbloom.loading.RELEASES`); with a checkpoint of one's own, the name of its row.
        source: a checkpoint of one's own, ``songbloom:NAME=PATH``: a weights file, its folder, low-rank adapters
            (``.lora``) or a hub repository. ``songbloom:PATH`` has the file's name for its row.
        checkpoint: the same, for ``--set system.songbloom.checkpoint=PATH``.
        base: the checkpoint that adapters are put on, a release or a path; None: the one they were trained on.
        lora_alpha: of adapters whose file does not hold it (the public fork's), or to make them weaker or stronger.
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
        base: str | None = None,
        lora_alpha: float | None = None,
        device: str | None = None,
        precision: str | None = None,
        batch: int | None = None,
        compiled: bool = False,
        **decoding: Any,
    ) -> None:
        """Check the choices; nothing is loaded."""
        path = str(source or checkpoint) if source or checkpoint else None
        if path is not None and variant in loading.RELEASES:
            raise InputError(
                f"'{variant}' is the name of a release, so a checkpoint of one's own cannot have its row.",
                value=path,
                cure="Give it a name: songbloom:NAME=PATH.",
            )
        if path is None and variant is not None and variant not in loading.RELEASES:
            raise InputError(
                f"SongBloom has no release '{variant}'.",
                value=variant,
                allowed=tuple(loading.RELEASES),
                cure=f"A checkpoint of your own is entered as songbloom:{variant}=PATH.",
            )
        if path is None and (base is not None or lora_alpha is not None):
            field = "base" if base is not None else "lora_alpha"
            raise InputError(
                f"{field} is for adapters, and a release has none.",
                field=field,
                cure="Enter adapters as songbloom:PATH.lora.",
            )
        if lora_alpha is not None and not 0 < lora_alpha < math.inf:
            raise InputError(f"An alpha of {lora_alpha} cannot be.", field="lora_alpha", cure="Give a number above 0.")
        device = None if device is None else str(device)
        loading.check_names(device, precision)
        if batch is not None and (type(batch) is not int or batch < 1):
            raise InputError(f"A batch cannot be {batch!r} songs.", field="batch", cure="Give a whole number from 1.")
        if not isinstance(compiled, bool):
            raise InputError(f"compiled should be true or false, not {compiled!r}.", field="compiled")
        self._release = None if path else variant or DEFAULT
        self._checkpoint = path or self._release or DEFAULT
        self._base, self._alpha = None if base is None else str(base), lora_alpha
        self._device, self._batch, self._compiled = device, batch, compiled
        self._precision: loading.Precision | None = precision  # type: ignore[assignment]  # checked above
        self._decoding = decoding
        if unknown := next((name for name in decoding if name not in _SETTINGS), None):
            raise InputError(
                f"SongBloom has no setting '{unknown}'.", field=unknown, value=unknown, allowed=(*_OWN, *_SETTINGS)
            )
        DecodingConfig().changed(decoding)  # raises for what is out of range
        self._model: SongBloom | None = None
        self._engine: DecodingEngine | None = None
        self.card = SystemCard(
            name="songbloom" if variant in (None, DEFAULT) else f"songbloom:{variant}",
            version="1",
            summary="Interleaved sketch language model and diffusion transformer over autoencoder latents.",
            licence="Apache-2.0; released weights: academic purposes only",
            languages=("en", "zh", "mixed"),
            conditions=CONDITIONS,
            vocals=True,
            max_seconds=PRESETS[self._release].trained_seconds if self._release else None,
            sample_rate=48_000 if self._release else None,
            needs=tuple(files.name for files in loading.needs(self._release)),
            citation="Yang et al., SongBloom, NeurIPS 2025, arXiv 2506.07634",
            depends_on=(
                Dependence("muq", "its sketch tokens come from MuQ"),
                Dependence(
                    "allin1", "learnt its section tags from this analyser's labels; its authors chose it for SER"
                ),
            ),
        )

    @property
    def parameters(self) -> Mapping[str, Json]:
        """The checkpoint and its configuration by their content, and every setting that was changed."""
        return {**self._content, "precision": self._chosen_precision, **self._decoding}

    @cached_property
    def _files(self) -> CheckpointFiles:
        """The checkpoint on this machine.

        Raises:
            SongbenchError: see `systems.songbloom.loading.find`.
        """
        return loading.find(self._checkpoint, base=self._base, alpha=self._alpha)

    @cached_property
    def _content(self) -> dict[str, Json]:
        """The sha256 of the weights (of a release: as recorded when it was set up), the digest of the configuration.

        Adapters come before their base; their alpha counts where it was given.
        """
        try:
            files = self._files
            if self._release:
                weight = weights.as_recorded(loading.RELEASES[self._release]).files[0].sha256
            else:
                from systems.songbloom.checkpoint import tensor_files

                parts = [file for file in tensor_files(files) if file != files.weights]
                digests = {
                    **{file: file_digest(file) for file in parts},
                    files.weights: loading.digest_of_weights(files),
                }
                weight = " ".join(digests[file] for file in tensor_files(files))
            config = {**asdict(files.read_config()), "name": ""}  # the file's name changes nothing
            alpha: dict[str, Json] = {} if self._alpha is None else {"lora_alpha": float(self._alpha)}
            key = content_key("songbloom config", json.loads(json.dumps(config)))
            return {"checkpoint": weight, "config": key, **alpha}
        except SongbenchError:  # not there or broken: availability says so
            return {"checkpoint": None, "config": None}

    @cached_property
    def _chosen_device(self) -> str:
        return self._device or loading.best_device()

    @cached_property
    def _chosen_precision(self) -> loading.Precision:
        return self._precision or loading.default_precision(self._chosen_device)

    def availability(self) -> Availability:
        """Ready when the weights are here and hold the right tensors; their content is not read.

        Raises:
            InputError: a checkpoint of the user's own is not one.
        """
        if not (state := loading.missing(self._release)).ready:
            return state
        if self._device and (absent := loading.absent_device(self._device)):
            return unavailable(absent.rstrip("."), "leave the device out for the best there is")
        from systems.songbloom.checkpoint import check_checkpoint

        try:
            check_checkpoint(self._files)
        except UnavailableError as error:
            reason, _, cure = str(error).partition(" Get it: ")
            return unavailable(reason, cure)
        except InputError as error:
            if self._release is None:
                raise
            return unavailable(str(error), f"songbench setup {loading.RELEASES[self._release].name} --accept-licence")
        return READY

    def memory_need(self, songs: int, seconds: float) -> MemoryNeed:
        """Of one song at a time; a cache is as long as the longest song whatever is asked for.

        Raises:
            SongbenchError: the checkpoint is not here.
        """
        config = self._files.read_config()
        itemsize = 2 if self._chosen_precision == "bfloat16" else 4
        return decoding_need(config, config.decoding.changed(self._decoding), itemsize)

    def remarks(self, prompts: Sequence[Prompt], takes: int) -> list[str]:
        """Which checkpoint of one's own sings, a precision that is slow here, prompts that will fail without style."""
        remarks = [] if self._release else [f"{self.card.name} is the checkpoint {self._checkpoint}"]
        with suppress(SongbenchError):  # not there or broken: availability says so
            if not self._release:
                remarks += [f"{self.card.name}: {remark}" for remark in loading.adapter_remarks(self._files)]
        if self._precision and (slow := loading.slow_precision(self._chosen_device, self._precision)):
            remarks.append(f"{self.card.name}: {slow}")
        if without := [prompt.id for prompt in prompts if prompt.prompt_audio is None]:
            examples = ", ".join(without[:5]) + (" …" if len(without) > 5 else "")
            number = "1 prompt has" if len(without) == 1 else f"{len(without)} prompts have"
            remarks.append(f"{self.card.name} needs prompt_wav, 10 s of music; {number} none: {examples}")
        return remarks

    def generate(self, requests: Sequence[Request]) -> Iterator[Song | Failure]:
        """Songs as they are finished, several decoded together; one that cannot be sung is yielded as a failure.

        When something unforeseen breaks the songs that are decoded together, each is tried again alone, so that only
        the cause fails; those that had not begun go on.
        """
        groups = [list(requests)]
        while groups:
            if not (group := groups.pop(0)):
                continue
            queue = _Queue(group, self._ready_engine(len(group)).model.config)
            cause = detail = ""
            try:
                yield from self._together(queue)
            except Exception as error:
                cause, detail = f"{type(error).__name__}: {error}", traceback.format_exc()[-2000:]
                self._engine = None  # its caches may be in any state
            yield from queue.failures()
            started, waiting = queue.in_progress(), queue.waiting()
            if len(started) > 1:
                groups = [*([request] for request in started), waiting, *groups]
            elif started or waiting:
                for request in started or waiting:
                    yield Failure("generate", cause, detail, request)
                groups = [waiting if started else [], *groups]

    def _together(self, queue: _Queue) -> Iterator[Song | Failure]:
        from systems.songbloom.singing import Chunk, generate

        engine = self._engine
        assert engine is not None
        audio: dict[int, list[np.ndarray[Any, Any]]] = {}
        for event in generate(engine, queue):
            yield from queue.failures()
            if isinstance(event, Chunk):
                audio.setdefault(event.song, []).append(event.samples)
            else:
                song = self._song(*queue.origin(event.song), event, audio.pop(event.song, []))
                queue.close(event.song)
                yield song

    def _song(
        self, request: Request, song: SongInput, end: SongSummary, pieces: list[np.ndarray[Any, Any]]
    ) -> Song | Failure:
        from systems.songbloom.text import retagged

        engine = self._engine
        assert engine is not None
        if not pieces:
            return Failure("generate", "the model ended the song before it began; another seed may help", "", request)
        notes = [f"ended by the {end.ending}"]
        if song.lyrics.dropped:
            notes.append(f"not sung: {' '.join(song.lyrics.dropped[:20])}")
        if changed := retagged(request.prompt.lyrics):
            notes.append(changed)
        if request.prompt.style:
            notes.append("the style in words was not used")
        alike = engine.slots == 1 or self._chosen_precision == "float32"
        if not alike:
            notes.append("bfloat16 rounds otherwise in another batch, so the same seed can give another song there")
        record = GenerationRecord(
            seconds=sum(end.stages.values()),
            device=_device_name(engine),
            peak_gib=_peak_gib(engine),
            conditions=CONDITIONS,
            seed_honoured=alike,
            stages=end.stages,
            notes=tuple(notes),
        )
        samples = np.concatenate(pieces, axis=1)
        if not np.isfinite(samples).all():
            return Failure("generate", "the model gave samples that are not finite", "", request)
        return Song(
            request=request,
            source=MemoryAudio(Audio(samples, engine.model.config.autoencoder.sample_rate)),
            record=record,
        )

    def _ready_engine(self, songs: int) -> DecodingEngine:
        """The engine in use, or one with more slots when it has too few for that many songs."""
        from systems.songbloom.decoding import DecodingEngine
        from systems.songbloom.singing import songs_at_once

        if self._model is None:
            self._model = loading.load(self._files, self._chosen_device, self._chosen_precision)
        config = self._model.config.decoding.changed(self._decoding)
        slots = min(songs, self._batch or songs_at_once(self._model, config))
        if self._engine is None or self._engine.slots < slots:
            self._engine = None  # frees the old caches before the new ones are made
            self._engine = DecodingEngine(self._model, config, slots=slots, compiled=self._compiled)
        return self._engine


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
            except Exception as error:  # one that could not be foreseen is this request's alone, too
                detail = traceback.format_exc()[-2000:]
                self._failed.append(Failure("generate", f"{type(error).__name__}: {error}", detail, request))
                continue
            self._numbered[number] = (request, song)
            number += 1
            yield song

    def failures(self) -> list[Failure]:
        """Requests that could not be turned into inputs since the last call."""
        failed, self._failed = self._failed, []
        return failed

    def origin(self, number: int) -> tuple[Request, SongInput]:
        """A song's request and input."""
        return self._numbered[number]

    def close(self, number: int) -> None:
        """This song has its outcome."""
        del self._numbered[number]

    def in_progress(self) -> list[Request]:
        """Requests that are being sung."""
        return [request for request, _ in self._numbered.values()]

    def waiting(self) -> list[Request]:
        """Requests whose turn has not come."""
        return list(self._requests)


def _input(request: Request, config: SongBloomConfig) -> SongInput:
    from systems.songbloom.singing import SongInput
    from systems.songbloom.text import one_line

    if request.prompt_audio is None:
        raise InputError(
            "SongBloom follows a style prompt, but this prompt has none.",
            field="prompt_wav",
            cure=f"Give it {config.prompt_seconds:g} s of music.",
        )
    line = one_line(request.prompt.lyrics, config.seconds_per_tag)
    return SongInput.of(config, line, request.prompt_audio.load(), request.seed)


def _device_name(engine: DecodingEngine) -> str:
    if engine.device.type != "cuda":
        return engine.device.type
    import torch

    return f"{engine.device} {torch.cuda.get_device_name(engine.device)}"


def _peak_gib(engine: DecodingEngine) -> float | None:
    """Peak device memory; on a CPU the harness measures the process."""
    if engine.device.type != "cuda":
        return None
    import torch

    return float(torch.cuda.max_memory_allocated(engine.device) / 2**30)
