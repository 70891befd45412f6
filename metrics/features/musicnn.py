"""Embeddings of 3-second patches of audio by the musicnn music tagger: what FAD, KAD and similarity compare.

Chosen because it was trained on music (the 50 most used tags of the Million Song Dataset), is small enough for a CPU,
and because its weights ship under a permissive licence inside an ordinary package, so that they can be had wherever
packages can. Only the weight files of that package are used; it is never installed or imported.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from metrics.features import models
from songbench.domain.audio import Audio, AudioSource
from songbench.domain.errors import InputError
from songbench.domain.hashing import Json
from songbench.domain.song import Failure
from songbench.plugin import Availability, Feature
from songbench.resources.weights import PackageSource, WeightFile, Weights
from songbench.resources.weights import availability as weights_availability

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from metrics.features.musicnn_network import Musicnn

RATE = 16_000
HOP = 256
PATCH_FRAMES = 187
PATCH_SECONDS = PATCH_FRAMES * HOP / RATE
LOUDNESS = -14.0

_FFT = 512
_BANDS = 96
_COMPRESSION = 10_000

_TAGS = (
    "rock,pop,alternative,indie,electronic,female vocalists,dance,00s,alternative rock,jazz,beautiful,metal,chillout,"
    "male vocalists,classic rock,soul,indie rock,mellow,electronica,80s,folk,90s,chill,instrumental,punk,oldies,blues,"
    "hard rock,ambient,acoustic,experimental,female vocalist,guitar,hip-hop,70s,party,country,easy listening,sexy,"
    "catchy,funk,electro,heavy metal,progressive rock,60s,rnb,indie pop,sad,house,happy"
)
TAG_NAMES = tuple(_TAGS.split(","))

MUSICNN = Weights(
    name="musicnn",
    version="0.1.0",
    summary="Music tagger trained on the Million Song Dataset (Pons & Serra 2019).",
    licence="ISC",
    files=(
        WeightFile("msd.index", "87f3e0f3550c8d3bafc840374003e5c8af5eeb5ecf6add61af09a7822d3282c8", 4948),
        WeightFile("msd.data", "8579734ee6388f799ed0def4bbd0d1fdcbeaf213ef2a9dc860917bd76a303de6", 9465596),
    ),
    sources=(
        PackageSource(
            ("musicnn==0.1.0",),
            {
                "msd.index": ("musicnn/MSD_musicnn/.index",),
                "msd.data": ("musicnn/MSD_musicnn/.data-00000-of-00001",),
            },
        ),
    ),
    peak_bytes=350_000_000,
)


class MusicnnEmbedding:
    """The penultimate layer of musicnn for every 3 s of audio.

    The audio is averaged to mono, resampled to 16 kHz and brought to -14 LUFS, about the level of the commercial
    releases the network was trained on; its input is not level-invariant, and without this step a louder set of songs
    would be a different set. Audio too quiet or too short for ITU-R BS.1770 to measure keeps its level, so silence
    stays silence.

    Patches do not overlap: each is 187 frames (2.992 s). What is left after the last whole patch is left out; audio
    shorter than one patch is repeated until it fills one, as in the network's training.

    Feature:
        ``patches``: float32, shape (n_patches, 200), the embedding of each patch in time order.
        ``tags``: float32, shape (50,), mean probability in [0, 1] of each tag of `TAG_NAMES` over the patches.
        ``silent`` (data): whether no sample of that mono signal is above -80 dB of full scale.
    """

    name = "musicnn"

    @property
    def identity(self) -> Mapping[str, Json]:
        """Weights, layer, level and patching."""
        return {
            "version": "1",
            "weights": [file.sha256 for file in MUSICNN.files],
            "layer": "penultimate",
            "loudness": LOUDNESS,
            "patch_frames": PATCH_FRAMES,
        }

    def availability(self) -> Availability:
        """Whether the weights are here."""
        return weights_availability(MUSICNN)

    def extract(self, sources: Sequence[AudioSource]) -> Iterator[Feature | Failure]:
        """One feature per source; a `Failure` for one whose audio cannot be decoded.

        Raises:
            UnavailableError: when the weights are not here.
        """
        for source in sources:
            try:
                samples = at_one_loudness(source.load())
            except InputError as error:
                yield Failure("feature", str(error))
                continue
            yield self._feature(samples) if len(samples) >= HOP else Failure("feature", "shorter than 16 ms")

    def _feature(self, samples: npt.NDArray[np.float32]) -> Feature:
        """The embedding of mono samples at 16 kHz, shape (n,)."""
        import numpy as np
        import torch

        network, embeddings, tags = self._network(), [], []
        with torch.inference_mode():
            # Patches go one at a time: on a CPU larger batches are slower (their activations no longer fit the cache),
            # and this way a result cannot depend on its neighbours.
            for patch in mel_patches(samples):
                embedding, tag = network(torch.from_numpy(patch[None]))
                embeddings.append(embedding[0].numpy())
                tags.append(tag[0].numpy())
        return Feature(
            {"patches": np.stack(embeddings), "tags": np.mean(tags, axis=0, dtype=np.float32)},
            {"tag_names": TAG_NAMES, "silent": bool(np.abs(samples).max() < 1e-4)},
        )

    def _network(self) -> Musicnn:
        folder = models.require(MUSICNN)
        return models.resident(("musicnn", str(folder)), lambda: _load(folder), folder)


def _load(folder: Path) -> Musicnn:
    from metrics.features.musicnn_network import Musicnn
    from metrics.features.tensor_bundle import read_tensor_bundle

    return Musicnn.from_variables(read_tensor_bundle(folder / "msd.index", folder / "msd.data"))


def at_one_loudness(audio: Audio) -> npt.NDArray[np.float32]:
    """The mono mean at 16 kHz, brought to -14 LUFS where its loudness can be measured.

    Returns:
        Samples, float32, shape (n,); values beyond ±1 are kept.
    """
    import numpy as np

    from metrics.features.loudness import integrated_loudness

    mono = audio.mono().at(RATE)
    loudness = integrated_loudness(mono.samples, RATE)
    gain = np.float32(1.0 if loudness is None else 10 ** ((LOUDNESS - loudness) / 20))
    scaled: npt.NDArray[np.float32] = mono.samples[0] * gain
    return scaled


def mel_patches(samples: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """What the network sees: log-mel patches side by side.

    Args:
        samples: mono at 16 kHz, shape (n,), n > 0.

    Returns:
        float32, shape (patches >= 1, 187, 96).
    """
    import numpy as np

    if len(samples) < PATCH_FRAMES * HOP:
        samples = np.resize(samples, PATCH_FRAMES * HOP)
    frames = log_mel(samples)
    count = len(frames) // PATCH_FRAMES
    return frames[: count * PATCH_FRAMES].reshape(count, PATCH_FRAMES, _BANDS)


def log_mel(samples: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """The mel spectrogram musicnn was trained on: power, 32 ms windows every 16 ms, log10(1 + 10000 x).

    Args:
        samples: mono at 16 kHz, shape (n,).

    Returns:
        float32, shape (1 + n // 256, 96).
    """
    import librosa
    import numpy as np

    power = librosa.feature.melspectrogram(y=samples, sr=RATE, n_fft=_FFT, hop_length=HOP, n_mels=_BANDS)
    compressed: npt.NDArray[np.float32] = np.log10(1 + _COMPRESSION * power.T).astype(np.float32)
    return compressed
