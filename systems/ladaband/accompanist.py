"""From vocals to accompaniments: read, encode, draw, decode, with the time that each takes.

The real-time factor of the paper counts all of that for one song and neither the loading of models nor the writing of
files; so does `Accompaniment.stages`. What songs of a batch share in time is divided by their lengths.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from songbench.domain.audio import Audio
from songbench.domain.errors import InputError
from songbench.domain.song import Request
from songbench.resources.vocals import SILENT_PEAK
from systems.ladaband.codec import Codec
from systems.ladaband.conditions.encoder import ConditionEncoder
from systems.ladaband.config import SAMPLE_RATE, SamplerConfig
from systems.ladaband.model_folder import PROMPT_AUDIO, STYLE_TEXT, ModelFacts
from systems.ladaband.predictor import MaskPredictor, stack_conditions
from systems.ladaband.sampling import sample
from systems.ladaband.seeds import sample_seed
from systems.ladaband.training.loudness import at_training_level
from systems.ladaband.training.pairs import stereo
from systems.ladaband.vocal_tokens import VocalTokens

VocalLevel: TypeAlias = Literal["upstream", "right"]
"""The vocal as it is, as upstream's inference takes it, or at the level of training."""

_FULL_SCALE = 0.999
_CLIPPED_SHARE = 1e-3


@dataclass(kw_only=True)
class EncodedVocal:
    """A request, ready to be accompanied.

    Attributes:
        request: what is asked.
        tokens: the vocal's tokens, with id, seed and prefix.
        samples: of the vocal at 48 kHz, which the accompaniment will have.
        conditions: what the model is told, as records name it.
        notes: what a reader should know.
        stages: seconds so far, by stage.
    """

    request: Request
    tokens: VocalTokens
    samples: int
    conditions: tuple[str, ...]
    notes: tuple[str, ...]
    stages: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Accompaniment:
    """What was made for a request.

    Attributes:
        vocal: for which vocal.
        audio: the accompaniment alone, 48 kHz stereo, exactly as long as the vocal.
    """

    vocal: EncodedVocal
    audio: Audio

    @property
    def stages(self) -> Mapping[str, float]:
        """Seconds for this song by stage: ``read``, ``encode``, ``generate``, ``decode``."""
        return self.vocal.stages


class Accompanist:
    """A model with its codec, ready to accompany.

    Args:
        model: the predictor, in evaluation mode.
        codec: the one it was trained with.
        encoder: of conditions; None for a model that was trained without.
        facts: what the model was trained with.
        config: how accompaniments are drawn.
        vocal_level: at which level vocals are heard.
    """

    def __init__(
        self,
        model: MaskPredictor,
        codec: Codec,
        encoder: ConditionEncoder | None,
        facts: ModelFacts,
        config: SamplerConfig,
        vocal_level: VocalLevel = "upstream",
    ) -> None:
        sizes = model.config
        if {codec.vocabulary} != {sizes.vocal_vocabulary, sizes.accompaniment_vocabulary}:
            raise InputError(
                f"The codec has {codec.vocabulary} tokens, the predictor {sizes.vocal_vocabulary} for vocals and"
                f" {sizes.accompaniment_vocabulary} for accompaniments.",
                cure="Give the codec that the model was trained with.",
            )
        self.model, self.codec, self.encoder, self.facts, self.config = model, codec, encoder, facts, config
        self._vocal_level = vocal_level
        self.device = model.acc_embed.weight.device

    def encode(self, request: Request) -> EncodedVocal:
        """Read and encode a request's vocal and conditions.

        Raises:
            InputError: there is no vocal, it cannot be decoded or is silent, or the style clip is too short.
            SongbenchError: a network of the conditions does not fit.
        """
        if request.vocal is None:
            raise InputError("There is no vocal to accompany.", field="vocal")
        stages: dict[str, float] = {}
        with self._timed(stages, "read"):
            vocal = request.vocal.load()
            if np.abs(vocal.samples).max() < SILENT_PEAK:
                raise InputError("The vocal is silent: there is nothing to accompany.", field="vocal")
            samples = stereo(vocal)
            length = round(vocal.samples.shape[1] * SAMPLE_RATE / vocal.rate)
            clip = request.prompt_audio.load() if self._hears_clips and request.prompt_audio else None
        with self._timed(stages, "encode"):
            signal = at_training_level(samples) if self._vocal_level == "right" else samples
            ids = self.codec.encode(torch.from_numpy(signal))
            text, reference, conditions = self._conditions(request, clip)
        tokens = VocalTokens(
            id=request.prompt.id,
            ids=ids,
            prefix=stack_conditions(text, reference, self.config.prefix_order),
            seed=request.seed,
        )
        return EncodedVocal(
            request=request,
            tokens=tokens,
            samples=length,
            conditions=("vocal", *conditions),
            notes=tuple(self._notes(request, vocal, conditions)),
            stages=stages,
        )

    def accompany(self, vocals: Sequence[EncodedVocal]) -> Iterator[Accompaniment]:
        """Accompaniments of some vocals, drawn and decoded together; each follows from its own request alone.

        Raises:
            InputError: tokens that the model does not know.
        """
        frames = [len(vocal.tokens.ids) for vocal in vocals]
        shared: dict[str, float] = {}
        with self._timed(shared, "generate"):
            tokens = sample(self.model, [vocal.tokens for vocal in vocals], self.config)
        with self._timed(shared, "decode"):
            generators = [
                torch.Generator().manual_seed(sample_seed(vocal.request.seed, vocal.request.prompt.id))
                for vocal in vocals
            ]
            sounds = self.codec.decode_songs(tokens, generators, [vocal.samples for vocal in vocals])
        for vocal, sound, count in zip(vocals, sounds, frames, strict=True):
            vocal.stages.update({stage: seconds * count / sum(frames) for stage, seconds in shared.items()})
            yield Accompaniment(vocal=vocal, audio=Audio(_array(sound), SAMPLE_RATE))

    @property
    def _hears_clips(self) -> bool:
        return self.encoder is not None and PROMPT_AUDIO in self.facts.conditions

    def _conditions(self, request: Request, clip: Audio | None) -> tuple[Tensor | None, Tensor | None, list[str]]:
        """The vectors of text and clip, None where the model is told nothing; and which of the request's they are."""
        text = reference = None
        conditions = []
        if self.encoder is not None and STYLE_TEXT in self.facts.conditions:
            text = self.encoder.style(request.prompt.style)
            conditions += [STYLE_TEXT] * bool(request.prompt.style)
        if self.encoder is not None and clip is not None:
            reference = self.encoder.reference(clip)
            conditions.append(PROMPT_AUDIO)
        return text, reference, conditions

    def _notes(self, request: Request, vocal: Audio, conditions: Sequence[str]) -> Iterator[str]:
        if request.prompt.style and STYLE_TEXT not in conditions:
            yield "the style in words was not used: the model was trained without"
        if request.prompt_audio is not None and PROMPT_AUDIO not in conditions:
            yield "the style clip was not used: the model was trained without"
        if STYLE_TEXT in self.facts.conditions and not request.prompt.style:
            zeros = self.encoder is None or self.encoder.config.empty_text == "right"
            yield f"no style in words: {'zeros stood for it' if zeros else 'the model was told the empty text'}"
        if vocal.seconds > (trained := self.facts.trained_seconds):
            yield f"the vocal lasts {vocal.seconds:.0f} s, and the model was trained on {trained:g} s"
        if float(np.mean(np.abs(vocal.samples) >= _FULL_SCALE)) > _CLIPPED_SHARE:
            yield "the vocal is clipped"

    @contextmanager
    def _timed(self, stages: dict[str, float], stage: str) -> Iterator[None]:
        self._synchronise()
        start = time.perf_counter()
        yield
        self._synchronise()
        stages[stage] = time.perf_counter() - start

    def _synchronise(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)


def _array(sound: Tensor) -> npt.NDArray[np.float32]:
    """Samples (2, n) as songs have them."""
    return np.ascontiguousarray(sound.detach().float().cpu().numpy())
