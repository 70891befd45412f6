"""Log-mel features: what a laptop can compute without any weights. They know timbre and pitch, and nothing of music."""

from __future__ import annotations

from functools import cached_property

import torch
from torch import Tensor

from songbench.domain.audio import Audio

RATE = 24_000
WINDOW = 2048
"""Samples: 85 ms, twice a latent frame of the released models."""
BANDS = 80
FLOOR = 1e-8
"""Power that is added before the logarithm: -80 dB below a full-scale sine, roughly."""
_FRAMES_AT_ONCE = 4096


class MelFeatures:
    """Decadic logarithm of the power in 80 mel bands (Slaney's scale) of the mono mean at 24 kHz.

    The window stands at the middle of the latent frame, whatever the rate of the frames is.
    """

    name = "mel"
    width = BANDS
    identity = f"mel 1: {RATE} Hz, window {WINDOW}, {BANDS} bands, floor {FLOOR:g}"

    @cached_property
    def _filters(self) -> Tensor:
        import librosa

        return torch.from_numpy(librosa.filters.mel(sr=RATE, n_fft=WINDOW, n_mels=BANDS))

    def vectors(self, audio: Audio, frames: int) -> Tensor:
        """See `systems.songbloom.training.tokenizer.contract.SketchFeatures.vectors`."""
        samples = torch.from_numpy(audio.mono().at(RATE).samples[0].copy())
        middles = ((torch.arange(frames, dtype=torch.float64) + 0.5) * (len(samples) / frames)).round().long()
        padded = torch.nn.functional.pad(samples, (WINDOW // 2, WINDOW))
        window = torch.hann_window(WINDOW)
        windows = padded.unfold(0, WINDOW, 1)
        parts = []
        for places in middles.split(_FRAMES_AT_ONCE):
            spectrum = torch.fft.rfft(windows[places] * window).abs().square() / window.sum().square()
            parts.append((spectrum @ self._filters.T + FLOOR).log10())
        return torch.cat(parts)
