"""Voice and band taken apart by HTDemucs v4 (Rouard et al. 2023, arXiv 2211.08553), the official checkpoint in PyTorch.

The network is the class in the package `demucs` 4.1, as is its checkpoint. Around it everything is as in
``demucs.api.Separator(model="htdemucs", shifts=0, overlap=0.25, split=True)``: level normalised over the whole song,
segments of 7.8 s that overlap by a quarter and are faded into one another by triangles, a short last segment processed
amid what sounds before it. What differs:

- No random shift (the package's default: one of up to half a second), so that the same mix gives the same stems.
- Segments of several songs share a batch on an accelerator. A batch there always has the same size, the last one is
  filled up with silence, so that a song's stems cannot depend on how many others are with it; on a CPU segments are
  processed one by one.
- Other rates are resampled by soxr rather than julius, and of more than two channels the mean is taken, not the first
  two. At 44.1 kHz with one or two channels nothing differs.

The checkpoint is a pickle that names two classes, ``HTDemucs`` and ``Fraction``. It is read by PyTorch's restricted
reader, which runs no code but theirs and that of numpy's plain numbers.

The same network exported to ONNX (`metrics.features.separation`) gives the same vocals but for rounding and for the
mean of the mix, which Demucs adds back to every stem and that extractor does not.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from metrics.features import models
from metrics.features.batches import in_batches
from metrics.features.inference import exact, random_state_kept
from metrics.features.separation import MIX_RATE, OVERLAP, Stereo, padded, stereo, triangle
from songbench.domain.audio import Audio, AudioSource
from songbench.domain.errors import InputError, SongbenchError
from songbench.domain.hashing import Json, bytes_digest
from songbench.domain.song import Failure
from songbench.plugin import Feature
from songbench.resources.cpu_imports import mend_cpu_imports
from songbench.resources.tensors import refuse_non_finite
from songbench.resources.weights import UrlSource, WeightFile, Weights

if TYPE_CHECKING:
    import torch

HTDEMUCS_TORCH = Weights(
    name="htdemucs-torch",
    version="955717e8",
    summary="HTDemucs v4 (arXiv 2211.08553), the official checkpoint: drums, bass, other and vocals out of a mix.",
    licence="Meta's weights, for scientific purposes only (facebookresearch/demucs, issue 327)",
    files=(
        WeightFile(
            "955717e8-8726e21a.th", "8726e21a993978c7ba086d3872e7608d7d5bfca646ca4aca459ffda844faa8b4", 84_141_911
        ),
    ),
    sources=(UrlSource("https://dl.fbaipublicfiles.com/demucs/hybrid_transformer"),),
    restricted=True,
)

VOICE_RATE = 16_000
"""Samples per second of the voice, as speech recognisers take it."""

_BATCH = 4  # segments on an accelerator; each takes one to two GB there


@dataclass(frozen=True, kw_only=True)
class DemucsStems:
    """Stems of a mix (an `Extractor`).

    ``Feature.arrays``: per stem the bytes of a FLAC file of 16 bits, shape (n,), uint8; ``Feature.data``: ``peak``, per
    stem the level that full scale of that file stands for, so that nothing clips and a quiet stem keeps its detail
    (rounding 98 dB below its peak). `stem_of` gives a stem as audio. A minute of voice at 16 kHz takes about one
    megabyte and at most two, a minute of one stem at 44.1 kHz stereo at most eleven.

    Attributes:
        stems: which to keep: names of the checkpoint's sources (``vocals``, ``drums``, ``bass``, ``other``), or
            ``accompaniment``, the sum of all that is not vocals.
        rate: samples per second of what is kept.
        mono: keep the mean of both channels rather than both.
        weights: the checkpoint.
        batch: segments in a batch; None: 4 on an accelerator, 1 on a CPU.
    """

    stems: tuple[str, ...] = ("vocals",)
    rate: int = VOICE_RATE
    mono: bool = True
    weights: Weights = HTDEMUCS_TORCH
    batch: int | None = None

    @property
    def name(self) -> str:
        """Its name among features."""
        return "stems"

    @property
    def identity(self) -> Mapping[str, Json]:
        """Weights, engine version and what is kept; the batch, which cannot change the stems, is no part of it."""
        return {
            "version": "1",
            "weights": models.identity_of(self.weights),
            "overlap": OVERLAP,
            "stems": list(self.stems),
            "rate": self.rate,
            "mono": self.mono,
            "engine": {"demucs": version("demucs")},
        }

    def extract(self, sources: Sequence[AudioSource]) -> Iterator[Feature | Failure]:
        """Separate each source, in batches of segments.

        Raises:
            UnavailableError: the weights are not here.
            InputError: the checkpoint is not HTDemucs, or has no such stem.
        """
        folder = models.require(self.weights)
        file = folder / self.weights.files[0].name
        network = models.resident(("htdemucs", str(folder)), lambda: load_htdemucs(file), file)
        if unknown := {*self.stems} - {*network.sources, "accompaniment"}:
            raise InputError(
                f"HTDemucs gives no stem {', '.join(sorted(unknown))}.", allowed=(*network.sources, "accompaniment")
            )
        size = self.batch or (_BATCH if models.device().type == "cuda" else 1)
        yield from in_batches(
            (self._mix(source, network) for source in sources), lambda pieces: _separate(network, pieces, size), size
        )

    def _mix(self, source: AudioSource, network: Any) -> _Mix | Failure:
        try:
            return _Mix(stereo(source.load()), self, network)
        except SongbenchError as error:
            return Failure("feature", f"stems: {error}")


class _Mix:
    """One song on its way through HTDemucs: a `metrics.features.batches.Work`."""

    def __init__(self, mix: Stereo, extractor: DemucsStems, network: Any) -> None:
        """Bring a mix, shape (2, n), to the mean and the spread that the network expects."""
        self.extractor, self.sources = extractor, list(network.sources)
        self.length = int(network.samplerate * network.segment)
        self.triangle = triangle(self.length)
        self.silent = not mix.any()
        middle = mix.mean(axis=0) if mix.size else np.zeros(1, np.float32)
        self.mean = middle.mean()
        # One sample has no spread to divide by.
        self.scale = (middle.std(ddof=1) if middle.size > 1 else np.float32(0)) + np.float32(1e-8)
        self.mix = mix if self.silent else (mix - self.mean) / self.scale
        channels = 1 if extractor.mono else 2
        self.sums = {stem: np.zeros((channels, mix.shape[1]), np.float32) for stem in extractor.stems}
        self.weight_sum = np.zeros(mix.shape[1], np.float32)
        self.answered = 0

    def pieces(self) -> Iterator[Stereo]:
        """Segments of the normalised mix, shape (2, length); none of a silent song."""
        if self.silent:
            return
        for start in range(0, self.mix.shape[1], self._hop()):
            yield padded(self.mix, start - self._lead(start), self.length)

    def take(self, answer: npt.NDArray[np.float32]) -> None:
        """Fade all stems of one segment, shape (sources, 2, length), into what was there before."""
        start = self.answered * self._hop()
        self.answered += 1
        end, lead = min(start + self.length, self.mix.shape[1]), self._lead(start)
        weight = self.triangle[: end - start]
        self.weight_sum[start:end] += weight
        for name, sums in self.sums.items():
            part = self._stem(answer, name)[:, lead : lead + end - start]
            sums[:, start:end] += weight * (part.mean(axis=0, keepdims=True) if self.extractor.mono else part)

    def result(self) -> Feature:
        """The stems that are kept."""
        arrays, peaks = {}, {}
        for name in self.extractor.stems:
            stem = self.sums.pop(name)
            if not self.silent:
                stem *= self.scale / self.weight_sum
                stem += self.mean * self._parts(name)
            arrays[name], peaks[name] = _encoded(Audio(stem, MIX_RATE).at(self.extractor.rate))
        return Feature(arrays, {"peak": peaks})

    def _stem(self, answer: npt.NDArray[np.float32], name: str) -> npt.NDArray[np.float32]:
        """One stem, shape (2, n), of the network's answer, shape (sources, 2, n)."""
        if name == "accompaniment":
            rest = [part for source, part in zip(self.sources, answer, strict=True) if source != "vocals"]
            return np.asarray(np.sum(rest, axis=0), dtype=np.float32)
        return np.asarray(answer[self.sources.index(name)])

    def _parts(self, name: str) -> np.float32:
        """How many sources make up a stem; Demucs gives each of them the mean of the mix."""
        return np.float32(len(self.sources) - 1 if name == "accompaniment" else 1)

    def _hop(self) -> int:
        return int((1 - OVERLAP) * self.length)

    def _lead(self, start: int) -> int:
        """How much of what sounds before the start a short last segment hears, in samples."""
        return int(max(0, self.length - (self.mix.shape[1] - start)) // 2)


def _separate(network: Any, pieces: Sequence[Stereo], size: int) -> npt.NDArray[np.float32]:
    """All stems of each piece, shape (pieces, sources, 2, length)."""
    import torch

    place = models.device()
    batch = np.zeros((size if place.type == "cuda" else len(pieces), *pieces[0].shape), np.float32)
    batch[: len(pieces)] = pieces
    with exact():
        answer: torch.Tensor = network(torch.from_numpy(batch).to(place))
    return np.asarray(answer[: len(pieces)].cpu().numpy(), dtype=np.float32)


def load_htdemucs(checkpoint: Path) -> Any:
    """The network of a checkpoint in Demucs' own format, in float32 on this worker's device.

    Args:
        checkpoint: a file with the class, its arguments and the tensors, as ``demucs.states.serialize_model`` makes it.

    Raises:
        InputError: when the file wants to run other code, is of another class, or its tensors are not those of the
            network; the message names all that are missing, unknown or of another shape.
    """
    import pickle
    from fractions import Fraction

    import torch

    mend_cpu_imports()
    from demucs.htdemucs import HTDemucs
    from demucs.states import load_model

    plain_number = np.float32(0).__reduce__()[0]  # what pickles rebuild a number of numpy with
    numbers = [np.dtype, np.dtypes.Float32DType, np.dtypes.Float64DType, np.dtypes.Int64DType, plain_number]
    try:
        # Pickles of older numpy call it by its old place.
        allowed = [HTDemucs, Fraction, *numbers, (plain_number, "numpy.core.multiarray.scalar")]
        with torch.serialization.safe_globals(allowed):
            package = torch.load(checkpoint, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError) as error:
        raise InputError(f"This is no checkpoint of HTDemucs: {error}", file=str(checkpoint)) from error
    if not isinstance(package, dict) or package.get("klass") is not HTDemucs:
        raise InputError("This is no checkpoint of HTDemucs.", file=str(checkpoint))
    try:
        with random_state_kept():
            network: torch.nn.Module = load_model(package)  # type: ignore[no-untyped-call]
    except (KeyError, RuntimeError) as error:  # RuntimeError lists all tensors that do not fit
        raise InputError(f"The checkpoint does not fit HTDemucs: {error}", file=str(checkpoint)) from error
    refuse_non_finite(network.state_dict(), f"The checkpoint of HTDemucs, {checkpoint},")
    return network.to(models.device()).eval()


def stem_of(feature: Feature, name: str) -> StoredStem:
    """One stem in a feature of `DemucsStems`."""
    peaks = feature.data["peak"]
    assert isinstance(peaks, Mapping)
    return StoredStem(feature.arrays[name].tobytes(), float(str(peaks[name])))


@dataclass(frozen=True)
class StoredStem:
    """A stem as it is stored (an `AudioSource`), decoded only when it is heard.

    Attributes:
        flac: a FLAC file.
        peak: what its full scale stands for.
    """

    flac: bytes
    peak: float

    @cached_property
    def digest(self) -> str:
        """The sha256 of the file's bytes and the level."""
        return bytes_digest(self.flac + repr(self.peak).encode())

    def load(self) -> Audio:
        """Decode it."""
        import soundfile

        samples, rate = soundfile.read(io.BytesIO(self.flac), dtype="float32", always_2d=True)
        return Audio(np.ascontiguousarray(samples.T) * np.float32(self.peak), int(rate))


def _encoded(audio: Audio) -> tuple[npt.NDArray[np.uint8], float]:
    """The bytes of a FLAC file, shape (n,), and what its full scale stands for."""
    import soundfile

    # A file cannot hold no sample at all.
    samples = audio.samples if audio.samples.size else np.zeros((audio.samples.shape[0], 1), np.float32)
    peak = float(np.abs(samples).max()) or 1.0
    # The largest sample becomes 32767, as 32768 has no positive number.
    peak *= 32768 / 32767
    buffer = io.BytesIO()
    soundfile.write(buffer, samples.T / np.float32(peak), audio.rate, format="FLAC", subtype="PCM_16")
    return np.frombuffer(buffer.getvalue(), np.uint8), peak
