"""LaDA-Band as a songbench system."""

from __future__ import annotations

import json
import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, fields
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from songbench.domain.errors import InputError, SongbenchError
from songbench.domain.hashing import Json, content_key
from songbench.domain.prompt import Prompt
from songbench.domain.song import Failure, GenerationRecord, Request, Song, memory_song
from songbench.plugin import Availability, unavailable
from systems.ladaband.card import card
from systems.ladaband.config import SamplerConfig
from systems.ladaband.loading import (
    LadaBandSource,
    Precision,
    Windows,
    load_codec,
    load_encoder,
    load_model,
    needed_networks,
)
from systems.ladaband.model_folder import CONDITIONS, ModelFacts
from systems.ladaband.upstream.environment import CHECKPOINT

if TYPE_CHECKING:
    from systems.ladaband.accompanist import Accompaniment, Accompanist, EncodedVocal

Way = Literal["upstream", "right"]

LONGEST_SECONDS = 1800.0
"""The longest vocal that is taken: the passes' time grows with the square of the length."""

_MOST_FRAMES = 12_000
"""Frames of the songs that are drawn together when nobody says how many songs: 8 minutes."""

_SAMPLER = tuple(setting.name for setting in fields(SamplerConfig) if setting.name != "seed")
_OWN = ("device", "precision", "batch", "windows", "vocal_level")
_WAYS = ("reference_rate", "reference_pieces", "rounding", "empty_text")
_CODEC_WEIGHTS = ("muse-codec", "muse-audioldm")


class LadaBandSystem:
    """Accompaniments for vocals.

    Args:
        variant: the name of its row, with a model of one's own.
        source: a model of one's own, ``ladaband=PATH`` or ``ladaband:NAME=PATH``: a checkpoint, or a folder as
            `systems.ladaband.model_folder` describes it. Without, the released checkpoint.
        device: such as ``cpu`` or ``cuda:0``; None: CUDA where there is a device, else the CPU.
        precision: of the predictor. Upstream infers in float32.
        batch: the most songs to draw together; None: as many as have `_MOST_FRAMES` frames.
        windows: how MuCodec cuts sound: ``drifting`` as upstream, or ``exact``.
        vocal_level: ``upstream``: the vocal as it is; ``right``: at the level of training.
        reference_rate: see `systems.ladaband.conditions.encoder.ConditionConfig`, as for the next three.
        reference_pieces: likewise.
        rounding: likewise.
        empty_text: likewise.
        **sampler: any field of `systems.ladaband.config.SamplerConfig` but ``seed``, which is the request's.

    Raises:
        InputError: an unknown setting, or a value out of range.
    """

    def __init__(
        self,
        variant: str | None = None,
        source: str | None = None,
        device: str | None = None,
        precision: Precision = "float32",
        batch: Annotated[int, Field(ge=1)] | None = None,
        windows: Windows = "drifting",
        vocal_level: Way = "upstream",
        reference_rate: Way = "upstream",
        reference_pieces: Way = "upstream",
        rounding: Way = "upstream",
        empty_text: Way = "upstream",
        **sampler: Any,
    ) -> None:
        """Check the choices; nothing is loaded."""
        if source is None and variant is not None:
            raise InputError(
                f"LaDA-Band has one release, and no '{variant}'.",
                value=variant,
                cure=f"A model of your own is entered as ladaband:{variant}=PATH.",
            )
        if unknown := next((name for name in sampler if name not in _SAMPLER), None):
            raise InputError(
                f"LaDA-Band has no setting '{unknown}'.",
                field=unknown,
                value=unknown,
                allowed=(*_OWN, *_WAYS, *_SAMPLER),
            )
        SamplerConfig().changed(sampler)  # raises for what is out of range
        self._source = LadaBandSource(None if source is None else Path(source).expanduser())
        self._device, self._precision, self._batch = device, precision, batch
        self._windows, self._vocal_level, self._sampler = windows, vocal_level, sampler
        values = (reference_rate, reference_pieces, rounding, empty_text)
        self._ways = dict(zip(_WAYS, values, strict=True))
        self._accompanist: Accompanist | None = None
        conditions = self._facts.conditions
        weights_needed = (CHECKPOINT.name, *_CODEC_WEIGHTS) if source is None else ()
        name = f"ladaband:{variant}" if variant else "ladaband"
        self.card = card(
            name,
            conditions,
            (*weights_needed, *needed_networks(conditions)),
            released=source is None,
            mucodec=self._plays_mucodec,
        )

    @cached_property
    def _facts(self) -> ModelFacts:
        """What the model was trained with; the released model's facts where that cannot be told."""
        try:
            return self._source.files().facts if self._source.path else ModelFacts()
        except SongbenchError:  # not there or broken: availability says so
            return ModelFacts(conditions=() if self._source.path else CONDITIONS)

    @cached_property
    def _plays_mucodec(self) -> bool:
        """Whether the model's tokens are MuCodec's, as where that cannot be told."""
        try:
            return self._source.path is None or self._source.files().codec is None
        except SongbenchError:  # likewise
            return True

    @property
    def parameters(self) -> Mapping[str, Json]:
        """The model by its content, what it was trained with, and every setting that was changed."""
        facts = json.loads(json.dumps(asdict(self._facts)))
        changed: dict[str, Json] = {
            "precision": self._precision,
            "windows": self._windows,
            "vocal_level": self._vocal_level,
            **self._ways,
            **self._sampler,
        }
        return {**self._content, "facts": content_key("ladaband facts", facts), **changed}

    @cached_property
    def _content(self) -> dict[str, Json]:
        try:
            return dict(self._source.identity())
        except SongbenchError:  # likewise
            return {"predictor": None, "codec": None}

    @cached_property
    def _chosen_device(self) -> str:
        if self._device:
            return self._device
        import torch

        return "cuda" if torch.cuda.is_available() else "cpu"

    def availability(self) -> Availability:
        """Ready when model, codec and networks of the conditions are here; weights are not read.

        Raises:
            InputError: a model of the user's own is none.
        """
        state = self._source.availability()
        if not state.ready:
            return state
        if self._device and self._device.startswith("cuda"):
            import torch

            if not torch.cuda.is_available():
                return unavailable("there is no CUDA device that torch can use", "leave the device out")
        from systems.ladaband.checkpoint import check_predictor

        try:
            check_predictor(self._source.files().predictor)
        except InputError as error:
            if self._source.path is not None:
                raise
            return unavailable(str(error).rstrip("."), f"songbench setup {CHECKPOINT.name} --accept-licence")
        return state

    def unsupported(self, request: Request) -> str | None:
        """Why a request cannot be taken: no vocal, or one that is too long."""
        prompt = request.prompt
        if prompt.vocal is None and request.vocal is None:
            return "it accompanies vocals, and the prompt has none"
        if prompt.seconds is not None and prompt.seconds > LONGEST_SECONDS:
            return f"the vocal has {prompt.seconds:.0f} s, and it takes {LONGEST_SECONDS:.0f}"
        return None

    def remarks(self, prompts: Sequence[Prompt], takes: int) -> list[str]:
        """Which model of one's own plays, and what it does not hear of the prompts."""
        if self._source.path is None:
            return []
        remarks = [f"{self.card.name} is the model {self._source.path}"]
        styles = {"style text": any(p.style for p in prompts), "prompt audio": any(p.prompt_audio for p in prompts)}
        if unheard := [name for name, given in styles.items() if given and name not in self._facts.conditions]:
            remarks.append(f"{self.card.name} was trained without {' and '.join(unheard)}, and does not hear it")
        return remarks

    def generate(self, requests: Sequence[Request]) -> Iterator[Song | Failure]:
        """Songs as they are finished, several drawn together; one that cannot be made is yielded as a failure.

        When a batch fails, each of its songs is tried again alone, so that only the cause fails.
        """
        accompanist = self._ready()
        waiting = list(requests)
        while waiting:
            vocals: list[EncodedVocal] = []
            while waiting and self._has_room(vocals):
                request = waiting.pop(0)
                try:
                    vocals.append(accompanist.encode(request))
                except Exception as error:
                    yield _failure(error, request)
            if vocals:
                yield from self._together(accompanist, vocals)

    def _together(self, accompanist: Accompanist, vocals: Sequence[EncodedVocal]) -> Iterator[Song | Failure]:
        try:
            accompaniments = list(accompanist.accompany(vocals))
        except Exception as error:
            if len(vocals) == 1:
                yield _failure(error, vocals[0].request)
                return
            for vocal in vocals:
                yield from self._together(accompanist, [vocal])
            return
        for accompaniment in accompaniments:
            yield self._song(accompaniment, alone=len(vocals) == 1)

    def _has_room(self, vocals: Sequence[EncodedVocal]) -> bool:
        if self._batch is not None:
            return len(vocals) < self._batch
        return sum(len(vocal.tokens.ids) for vocal in vocals) < _MOST_FRAMES

    def _song(self, accompaniment: Accompaniment, *, alone: bool) -> Song | Failure:
        import numpy as np

        vocal, audio = accompaniment.vocal, accompaniment.audio
        if not np.isfinite(audio.samples).all():
            return Failure("generate", "the model gave samples that are not finite", "", vocal.request)
        exact = alone or self._precision == "float32"
        notes = list(vocal.notes)
        if not exact:
            notes.append("bfloat16 rounds otherwise in another batch, so the same seed can give another song there")
        record = GenerationRecord(
            seconds=sum(accompaniment.stages.values()),
            device=_device_name(self._chosen_device),
            peak_gib=_peak_gib(self._chosen_device),
            conditions=vocal.conditions,
            seed_honoured=exact,
            stages=dict(accompaniment.stages),
            notes=tuple(notes),
        )
        return memory_song(vocal.request, audio, record)

    def _ready(self) -> Accompanist:
        if self._accompanist is None:
            from systems.ladaband.accompanist import Accompanist
            from systems.ladaband.conditions.encoder import ConditionConfig

            files, device = self._source.files(), self._chosen_device
            self._accompanist = Accompanist(
                load_model(files, device, self._precision),
                load_codec(files, self._windows, device),
                load_encoder(files, ConditionConfig(**self._ways), device),
                files.facts,
                SamplerConfig().changed({**files.facts.sampler, **self._sampler}),
                self._vocal_level,
            )
        return self._accompanist


def _failure(error: Exception, request: Request) -> Failure:
    if isinstance(error, SongbenchError):
        return Failure("generate", str(error), request=request)
    return Failure("generate", f"{type(error).__name__}: {error}", traceback.format_exc()[-2000:], request)


def _device_name(device: str) -> str:
    if not device.startswith("cuda"):
        return device
    import torch

    return f"{device} {torch.cuda.get_device_name(device)}"


def _peak_gib(device: str) -> float | None:
    """Peak device memory; on a CPU the harness measures the process."""
    if not device.startswith("cuda"):
        return None
    import torch

    return float(torch.cuda.max_memory_allocated(device) / 2**30)
