"""Features of published encoders: a hidden state of MuQ or MERT, brought to the rate of the latents.

A song is heard as a whole: every frame depends on all others, as in the encoders' own code, so that there are no
borders of windows. Memory grows with the length alone; time grows with its square, as attention does.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Literal, TypeAlias

import torch
from torch import Tensor

from songbench.domain.audio import Audio
from songbench.domain.errors import InputError
from systems.checkpoints.registered import registered_digests, registered_folder
from systems.music_encoders import mert, muq_files
from systems.music_encoders.muq import MuqEncoder
from systems.music_encoders.muq_sizes import MuqSizes

if TYPE_CHECKING:
    from transformers import HubertModel

EncoderKind: TypeAlias = Literal["muq", "mert"]

REGISTERED: dict[EncoderKind, str] = {"muq": "muq-large-msd-iter", "mert": "mert-v1-95m"}
"""Names of the weights, for ``songbench setup``."""

VERSION = 1
"""Of how features are made of sound; part of their identity."""

RATE = 24_000


def nearest_frames(states: Tensor, frames: int) -> Tensor:
    """Vectors (n, width) resized to (frames, width) by nearest neighbour as in torch: frame i is i * n // frames."""
    return states[torch.arange(frames, device=states.device) * len(states) // frames]


class EncoderFeatures:
    """A hidden state of MuQ (25 frames a second) or MERT-v1-95M (75) of the mono mean at 24 kHz.

    Args:
        kind: of the encoder.
        layer: which hidden state: 0 is what enters the first transformer layer, k what layer k gives, -1 the last.
        device: where to compute.

    Raises:
        InputError: the encoder has no such layer.
        UnavailableError: its weights are not here.
        SongbenchError: its files are of a model that works otherwise, or have changed since they were set up.
    """

    def __init__(self, kind: EncoderKind, layer: int, device: str = "cpu") -> None:
        self._kind, self._device = kind, device
        self._folder = registered_folder(REGISTERED[kind])
        sizes: MuqSizes | mert.MertSizes = (
            muq_files.read_muq_sizes(self._folder) if kind == "muq" else mert.read_mert_sizes(self._folder)
        )
        self.width = sizes.width
        if not -1 <= layer <= sizes.layers:
            raise InputError(
                f"'{kind}:{layer}' is no layer of the weights '{REGISTERED[kind]}'.",
                field="--features",
                value=f"{kind}:{layer}",
                cure=f"Choose 0 (what enters the first layer) to {sizes.layers}, or -1 for the last.",
            )
        self.layer = sizes.layers if layer == -1 else layer
        self.name = f"{kind}:{self.layer}"
        self.identity = f"{self.name} {VERSION}: {registered_digests(REGISTERED[kind])}"

    def vectors(self, audio: Audio, frames: int) -> Tensor:
        """See `systems.songbloom.training.tokenizer.contract.SketchFeatures.vectors`.

        Raises:
            InputError: the audio is too short for a frame of the encoder.
            SongbenchError: the checkpoint does not fit its model.
        """
        sound = torch.from_numpy(audio.mono().at(RATE).samples[0].copy())
        if len(sound) < self._shortest:
            raise InputError(
                f"It has {audio.seconds:.3f} s; the features '{self.name}' need {self._shortest / RATE:.3f} s."
            )
        return nearest_frames(self._states(sound), frames).float().cpu()

    @torch.inference_mode()
    def _states(self, sound: Tensor) -> Tensor:
        # tokens are not to depend on the machine more than rounding makes them: no TF32, no kernels picked by a race
        with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False):
            if self._kind == "muq":
                states: Tensor = self._muq(sound[None].to(self._device))[0]
                return states
            return mert.hidden_state(self._mert, mert.standardised(sound).to(self._device))

    @property
    def _shortest(self) -> int:
        """Samples that are needed: those of which the spectrogram's ends can be mirrored, or those of a first frame."""
        return self._muq.sizes.mel_fft // 2 + 1 if self._kind == "muq" else mert.window_of(self._mert)

    @cached_property
    def _muq(self) -> MuqEncoder:
        return muq_files.load_muq(self._folder, self.layer).to(self._device)

    @cached_property
    def _mert(self) -> HubertModel:
        model = mert.load_mert(self._folder, self.layer)
        model.to(torch.device(self._device))  # type: ignore[arg-type]
        return model
