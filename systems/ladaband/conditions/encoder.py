"""The condition vectors of LaDA-Band, as the released model was trained on them, and each oddity done right on request.

The released model hears references otherwise than CLaMP 3 was meant to: the 48 kHz signal reaches MERT, which takes
24 kHz, without being resampled (half speed, an octave low), and the mean of MERT's states over the whole recording
is a sequence of length one for CLaMP 3's encoder instead of one state per 5 s between two zeros. Signal and vectors
are rounded to bfloat16. As training did the same, the released weights want it so; `ConditionConfig` turns each off.

Shapes: n samples, W width of MERT's states, J width of CLaMP 3's joint space (both 768).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
import torch
from torch import Tensor

from songbench.domain.audio import Audio
from songbench.domain.errors import InputError
from systems.ladaband.conditions.files import CLAMP3, MERT, TEXT_MODEL, NetworkFiles
from systems.ladaband.conditions.networks import load_clamp3, load_tokenizer
from systems.music_encoders.mert import MERT_RATE, load_mert, standardised

Way: TypeAlias = Literal["upstream", "right"]
"""As in the released code, or as it should be."""

MOST_TOKENS = 128
"""Of a text; the rest is cut off."""

UPSTREAM_RATE = 48_000
"""Samples per second of the signal that the released code gives to MERT."""

_UPSTREAM_PIECE = 60 * MERT_RATE
_RIGHT_PIECE = 5 * MERT_RATE
_SHORTEST_RIGHT_PIECE = MERT_RATE
_SHORTEST = 400
"""Samples that MERT's first frame needs."""
_MOST_STATES = 128
"""Vectors that CLaMP 3's audio encoder sees at once."""


@dataclass(frozen=True, kw_only=True)
class ConditionConfig:
    """Which oddities of the released code are kept.

    Attributes:
        reference_rate: MERT hears 48,000 samples per second as if they were 24,000 (``upstream``), or the recording at
            24 kHz.
        reference_pieces: one mean over pieces of 60 · 24,000 samples (``upstream``), or CLaMP 3's own way: a state
            per 5 s between two zero vectors, in segments of 128.
        rounding: signal and vectors are rounded to bfloat16 (``upstream``), or not.
        empty_text: a prompt without style has the vector of the empty text (``upstream``), or zeros, which stand for
            a condition that is left out.
    """

    reference_rate: Way = "upstream"
    reference_pieces: Way = "upstream"
    rounding: Way = "upstream"
    empty_text: Way = "upstream"

    def __post_init__(self) -> None:
        """Refuse other ways."""
        for field in fields(self):
            if (value := getattr(self, field.name)) not in get_args(Way):
                raise InputError(
                    f"There is no way '{value}'.", field=field.name, value=str(value), allowed=get_args(Way)
                )


class ConditionEncoder:
    """Makes condition vectors; networks are loaded when they are first needed.

    Args:
        config: which oddities are kept.
        device: where to compute.
        files: where the networks lie.
    """

    def __init__(
        self,
        config: ConditionConfig | None = None,
        device: str | torch.device = "cpu",
        files: NetworkFiles | None = None,
    ) -> None:
        self.config, self.device = config or ConditionConfig(), torch.device(device)
        self._files = files or NetworkFiles()
        self._clamp3: Any = None
        self._tokenizer: Any = None
        self._mert: Any = None

    def load(self, reference: bool = True) -> None:
        """Load the networks now, so that no song's time has it.

        Args:
            reference: also the one that only recordings need.

        Raises:
            UnavailableError: the weights are not here.
            SongbenchError: a checkpoint does not fit.
        """
        self._clamp3_model()
        if reference:
            self._mert_model()

    def texts(self, texts: Sequence[str]) -> Tensor:
        """The vector of each text, shape (B, J), float32 on the CPU; not of length 1.

        Raises:
            UnavailableError: the weights are not here.
            SongbenchError: a checkpoint does not fit.
        """
        model = self._clamp3_model()
        tokens = self._tokenizer(
            list(texts), return_tensors="pt", padding="max_length", truncation=True, max_length=MOST_TOKENS
        ).to(self.device)
        mask = tokens.attention_mask
        with torch.inference_mode():
            states = model["text_model"](input_ids=tokens.input_ids, attention_mask=mask).last_hidden_state
            weight = mask[..., None].to(states)
            vectors = model["text_proj"]((states * weight).sum(dim=1) / weight.sum(dim=1))
        return self._rounded(vectors.float().cpu())

    def style(self, text: str) -> Tensor:
        """The vector of a prompt's style, shape (J,); see `ConditionConfig.empty_text` for none."""
        if not text and self.config.empty_text == "right":
            return torch.zeros(self._clamp3_model()["text_proj"].out_features)
        return self.texts([text])[0]

    def reference(self, audio: Audio) -> Tensor:
        """The vector of a recording, shape (J,), float32 on the CPU; not of length 1.

        Raises:
            InputError: it is too short for a single frame.
            UnavailableError: the weights are not here.
            SongbenchError: a checkpoint does not fit.
        """
        right = self.config.reference_rate == "right"
        mono = audio.mono().at(MERT_RATE if right else UPSTREAM_RATE).samples[0]
        signal = self._rounded(torch.from_numpy(np.ascontiguousarray(mono)))
        model = self._clamp3_model()
        with torch.inference_mode():
            if self.config.reference_pieces == "upstream":
                frames = [self._states(piece) for piece in self._pieces(signal, _UPSTREAM_PIECE, _SHORTEST)]
                vectors = torch.cat(frames).mean(dim=0)[None]
            else:
                wave = standardised(signal)
                pieces = self._pieces(wave, _RIGHT_PIECE, _SHORTEST_RIGHT_PIECE)
                states = [self._states(piece, standardise=False).mean(dim=0) for piece in pieces]
                edge = torch.zeros_like(states[0])
                vectors = torch.stack([edge, *states, edge])
            vector = self._joint(model, vectors).float().cpu()
        return self._rounded(vector)

    def _joint(self, model: Any, vectors: Tensor) -> Tensor:
        """The joint vector (J,) of states (n, W): the mean of segments, weighted by what each adds."""
        count, total = len(vectors), torch.zeros(model["audio_proj"].out_features, device=self.device)
        for start in range(0, count, _MOST_STATES):
            end = min(start + _MOST_STATES, count)
            part = vectors[max(0, end - _MOST_STATES) : end]
            states = model["audio_model"](inputs_embeds=part[None]).last_hidden_state[0]
            total = total + (end - start) * model["audio_proj"](states.mean(dim=0))
        mean: Tensor = total / count
        return mean

    def _states(self, piece: Tensor, standardise: bool = True) -> Tensor:
        """The mean over MERT's hidden states of a piece (n,): shape (frames, W)."""
        wave = (standardised(piece) if standardise else piece)[None].to(self.device)
        hidden = self._mert_model()(wave, output_hidden_states=True).hidden_states
        mean: Tensor = torch.stack(hidden)[:, 0].mean(dim=0)
        return mean

    def _pieces(self, signal: Tensor, length: int, shortest: int) -> Iterator[Tensor]:
        """Pieces of a signal (n,); a rest that is too short is left out.

        Raises:
            InputError: there is no other piece.
        """
        if len(signal) < shortest:
            raise InputError(
                f"The reference has {len(signal)} samples, fewer than the {shortest} that are heard at once.",
                field="prompt_wav",
                cure="Give it some seconds of music.",
            )
        for piece in signal.split(length):
            if len(piece) >= shortest:
                yield piece

    def _rounded(self, values: Tensor) -> Tensor:
        return values.to(torch.bfloat16).float() if self.config.rounding == "upstream" else values

    def _mert_model(self) -> Any:
        if self._mert is None:
            mert: Any = load_mert(self._files.folder(MERT))
            self._mert = mert.to(self.device)
        return self._mert

    def _clamp3_model(self) -> Any:
        if self._clamp3 is None:
            text = self._files.folder(TEXT_MODEL)
            self._clamp3 = load_clamp3(self._files.folder(CLAMP3), text).to(self.device)
            self._tokenizer = load_tokenizer(text)
        return self._clamp3
