"""Damage to the sound of a finished mix. Samples are float32, shape (channels, n); `strength` is 1 to 4."""

from __future__ import annotations

import io
import math
from typing import Any

import numpy as np
import numpy.typing as npt

from songbench.domain.audio import Audio
from systems.damaged.warp import warped

Samples = npt.NDArray[np.float32]

NOISE_DB = (30.0, 20.0, 10.0, 0.0)
LOWPASS_HZ = (8000.0, 4000.0, 2000.0, 1000.0)
DRIVE_DB = (6.0, 12.0, 18.0, 24.0)
SOFTER_DB = (3.0, 6.0, 12.0, 20.0)
SIDE_LEFT = (0.75, 0.5, 0.25, 0.0)
WOBBLE = (0.02, 0.05, 0.1, 0.2)
WOBBLE_SECONDS = 4.0

_MP3 = ((48_000, 0.8), (48_000, 0.9), (24_000, 0.9), (16_000, 0.95))
"""Rate and libsndfile's compression level; by the tables of the format that is 96, 56, 24 and 16 kbit/s."""


def noise(audio: Audio, strength: int, seed: int) -> Audio:
    """Pink noise, independent in each channel, added `NOISE_DB` below the song's RMS."""
    from scipy import fft

    rng = np.random.default_rng(seed)
    channels, n = audio.samples.shape
    size = fft.next_fast_len(n, real=True)
    parts = rng.standard_normal((2, channels, size // 2 + 1), dtype=np.float32)
    pink = fft.irfft((parts[0] + 1j * parts[1]) / np.sqrt(np.arange(1, size // 2 + 2)), size)[:, :n]
    pink *= _rms(audio.samples) * 10 ** (-NOISE_DB[strength - 1] / 20) / _rms(pink)
    return Audio((audio.samples + pink).astype(np.float32), audio.rate)


def lowpass(audio: Audio, strength: int) -> Audio:
    """Everything above `LOWPASS_HZ` taken away, 48 dB per octave, without delay."""
    from scipy.signal import butter, sosfiltfilt

    edge = min(LOWPASS_HZ[strength - 1], 0.45 * audio.rate)
    filtered = sosfiltfilt(butter(4, edge, fs=audio.rate, output="sos"), audio.samples, axis=1)
    return Audio(np.ascontiguousarray(filtered, dtype=np.float32), audio.rate)


def clipping(audio: Audio, strength: int) -> Audio:
    """The song with its peak at full scale, amplified by `DRIVE_DB`, clipped, and brought back to its RMS."""
    peak = float(np.abs(audio.samples).max()) or 1.0
    driven = np.clip(audio.samples / peak * 10 ** (DRIVE_DB[strength - 1] / 20), -1, 1)
    back = _rms(audio.samples) / max(_rms(driven), 1e-9)
    return Audio((driven * back).astype(np.float32), audio.rate)


def mp3(audio: Audio, strength: int) -> Audio:
    """The song written to an MP3 file of a constant rate and read again; the delay of the coder is cut off."""
    import soundfile

    rate, level = _MP3[strength - 1]
    source, buffer = audio.at(rate), io.BytesIO()
    soundfile.write(
        buffer,
        np.clip(source.samples[:2].T, -1, 1),
        rate,
        format="MP3",
        subtype="MPEG_LAYER_III",
        bitrate_mode="CONSTANT",
        compression_level=level,
    )
    buffer.seek(0)
    decoded = np.ascontiguousarray(soundfile.read(buffer, dtype="float32", always_2d=True)[0].T)
    aligned = _aligned(decoded, source.samples[:2])
    return Audio(aligned, rate).at(audio.rate)


def loudness(audio: Audio, strength: int) -> Audio:
    """The song `SOFTER_DB` softer."""
    return Audio((audio.samples * 10 ** (-SOFTER_DB[strength - 1] / 20)).astype(np.float32), audio.rate)


def mono(audio: Audio, strength: int) -> Audio:
    """The side signal reduced to `SIDE_LEFT` of itself; one channel stays one channel."""
    middle = audio.samples.mean(axis=0, keepdims=True)
    return Audio((middle + SIDE_LEFT[strength - 1] * (audio.samples - middle)).astype(np.float32), audio.rate)


def tempo_wobble(audio: Audio, strength: int) -> Audio:
    """The tempo swung by a sine of `WOBBLE` with a period of four seconds; the pitch stays."""
    depth, turn = WOBBLE[strength - 1], 2 * math.pi / (WOBBLE_SECONDS * audio.rate)

    def place(moment: float) -> float:
        """The integral of a speed of 1 + depth sin(turn x)."""
        return moment + depth * (1 - math.cos(turn * moment)) / turn

    return Audio(warped(audio.samples, audio.rate, place, audio.samples.shape[1]), audio.rate)


def _rms(samples: npt.NDArray[Any]) -> float:
    """The root mean square of samples of any shape."""
    return math.sqrt(float(np.mean(samples.astype(np.float64) ** 2)))


def _aligned(decoded: Samples, source: Samples) -> Samples:
    """The decoded samples from where they match the source best, as long as the source; both (channels, n)."""
    from scipy.signal import correlate

    window = min(source.shape[1], 1 << 17)
    match = correlate(decoded[0, : window + 4096], source[0, :window], mode="valid", method="fft")
    start = int(np.argmax(match)) if match.size else 0
    aligned = np.zeros_like(source)
    part = decoded[:, start : start + source.shape[1]]
    aligned[:, : part.shape[1]] = part
    return aligned
