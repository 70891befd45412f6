"""The sections of a song by SongFormer (Hao et al. 2025, arXiv 2510.02797), the most accurate public analyser.

Two music models describe the song, MuQ and MusicFM (Won et al. 2023, arXiv 2311.03318): their tenth layers, each run
once in pieces of 30 s and once in pieces of 420 s, 25 frames a second. SongFormer's own network tells boundaries and
labels from these, 8.3 frames a second; peaks are picked as in All-In-One, and short sections at the start and the end
are joined to their neighbours. MusicFM has the architecture of MuQ, so the package `muq` runs both.

What is set otherwise than in the authors' ``infer.py``, and why:

- Up to 420 s nothing is. In a longer song, the authors' pieces of 420 s overlap by a frame, whose label logits are
  averaged and whose boundary logit is halved, and the last frame is not a number. Here the pieces follow each other.
- A rest of up to 0.1 s after the last whole piece is left out; the authors' code never ends on one of up to 0.04 s.
- A song below -60 dBFS throughout is not analysed: it is one section called silence.
- Where the network finds no boundary at all, which stops upstream, the song is one section.

Memory is bounded by a piece of 420 s, whatever the song's length.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from metrics.features import models
from metrics.features.allin1_sections import Sections, sections
from metrics.features.inference import exact
from metrics.features.muq import MUQ, UNUSED, build_muq, fused, hidden_state, load_muq
from metrics.features.resampling import like_librosa
from metrics.features.strict_loading import load_strictly, read_tensors
from metrics.features.windows import sounding_windows
from songbench.domain.audio import AudioSource
from songbench.domain.errors import SongbenchError
from songbench.domain.hashing import Json
from songbench.domain.song import Failure
from songbench.plugin import Feature
from songbench.resources.weights import HubSource, WeightFile, Weights

if TYPE_CHECKING:
    import torch

SONGFORMER = Weights(
    name="songformer",
    version="1",
    summary="SongFormer (arXiv 2510.02797): sections of a song from the features of MuQ and MusicFM.",
    licence="CC BY 4.0",
    files=(
        WeightFile(
            "SongFormer.safetensors", "87f17bfbed37014c6af4314abd9eb6971a94e3a95e9fc70f9e5ee33bdacb487b", 104_468_437
        ),
    ),
    sources=(HubSource("ASLP-lab/SongFormer", "a75880ed1b7375ac71860ec6c4fc9c899cf99515"),),
)

MUSICFM = Weights(
    name="musicfm",
    version="msd",
    summary="MusicFM (arXiv 2311.03318), trained on the Million Song Dataset: what SongFormer hears beside MuQ.",
    licence="code MIT; the weights' page names no licence",
    files=(
        WeightFile("msd_stats.json", "c36c61ab10ca4d2e7fdfefc3fcc15205316bec276a06a47baa3641a62c546f22", 2_277),
        WeightFile(
            "pretrained_msd.pt", "218b483a0256ddef736267425fabb166fd97008983696bb9270def464b47bded", 1_316_802_088
        ),
    ),
    sources=(HubSource("minzwon/MusicFM", "4513b38bc25ad1d227b1980819b9691ba97f4d87"),),
    restricted=True,
)

MUSICFM_SIZES: Mapping[str, Any] = {
    "conv_dim": 512,
    "encoder_dim": 1024,
    "encoder_depth": 12,
    "w2v2_config": {
        "hidden_size": 1024,
        "intermediate_size": 4096,
        "num_attention_heads": 16,
        "hidden_act": "swish",
        "layer_norm_eps": 1e-5,
        "conv_depthwise_kernel_size": 31,
        "position_embeddings_type": "rotary",
        "rotary_embedding_base": 10_000,
    },
}
"""MusicFM as a configuration of MuQ; the inner part is what it takes from the hub's configuration of
``facebook/wav2vec2-conformer-rope-large-960h-ft``, as far as that is not transformers' default."""

RATE = 24_000
FRAME_RATE = 8.333
"""Frames per second as the authors count them; three of 25 Hz would be 8.3333."""

LONG, SHORT = 420, 30
"""Seconds of the two kinds of pieces."""

_LAYER = 10
_LEAST = 1_024
"""Samples; a piece of so few gives no frame."""

_STATE_FRAMES = 3  # of 25 Hz, in one frame
_LEAST_SONG = 2_400  # samples, which give these frames
_NEAR, _WIDE = 1, int(12 * FRAME_RATE)
_EDGE_SECONDS, _JOINED_SECONDS = 1.0, 10.0
_TOGETHER = 2_400
"""Seconds of songs whose states (0.4 MB a second) are held at once, so that models need not change for each song."""

Array: TypeAlias = npt.NDArray[np.float32]
_Input: TypeAlias = Array | Feature | Failure


@dataclass(frozen=True)
class SongFormer:
    """Sections of songs (an `Extractor`).

    Feature:
        ``segments`` (data): label (one of `metrics.features.songformer_network.LABELS`), start and end in seconds of
        each section, from 0 to the last whole frame of 0.12 s.

    Attributes:
        weights: SongFormer's own network.
        muq: the weights of MuQ.
        musicfm: the weights of MusicFM.
    """

    weights: Weights = SONGFORMER
    muq: Weights = MUQ
    musicfm: Weights = MUSICFM

    @property
    def name(self) -> str:
        """Its name among features."""
        return "structure"

    @property
    def identity(self) -> Mapping[str, Json]:
        """Version, weights and engines."""
        return {
            "version": "1",
            "method": "songformer",
            "weights": [models.identity_of(one) for one in (self.weights, self.muq, self.musicfm)],
            "engine": {package: version(package) for package in ("muq", "transformers")},
        }

    def extract(self, sources: Sequence[AudioSource]) -> Iterator[Feature | Failure]:
        """One feature per source; a `Failure` for one that cannot be decoded or is too short.

        Raises:
            UnavailableError: weights are not here.
            SongbenchError: a checkpoint does not fit.
        """
        folders = [models.require(weights) for weights in (self.muq, self.musicfm, self.weights)]
        inputs: list[_Input] = []
        seconds = 0.0
        for source in sources:
            inputs.append(_load(source))
            seconds += inputs[-1].size / RATE if isinstance(inputs[-1], np.ndarray) else 0
            if seconds >= _TOGETHER:
                yield from self._answers(inputs, folders)
                inputs, seconds = [], 0.0
        yield from self._answers(inputs, folders)

    def _answers(self, inputs: Sequence[_Input], folders: Sequence[Path]) -> Iterator[Feature | Failure]:
        waves = [wave for wave in inputs if isinstance(wave, np.ndarray)]
        if not waves:
            yield from (item for item in inputs if not isinstance(item, np.ndarray))
            return
        muq, musicfm, songformer = folders
        device = models.device()
        model = models.resident(("muq", _LAYER, str(muq)), lambda: load_muq(muq, layers=_LAYER).to(device), muq)
        by_muq = [states(model, wave) for wave in waves]
        model = models.resident(("musicfm", _LAYER, str(musicfm)), lambda: load_musicfm(musicfm).to(device), musicfm)
        by_musicfm = [states(model, wave) for wave in waves]
        network = models.resident(("songformer", str(songformer)), lambda: load_songformer(songformer), songformer)
        pairs = iter(zip(by_muq, by_musicfm, strict=True))
        for item in inputs:
            if isinstance(item, np.ndarray):
                yield _feature(find_sections(network, *next(pairs)))
            else:
                yield item


def _feature(labelled: Sections) -> Feature:
    return Feature(data={"segments": [list(section) for section in labelled]})


def _load(source: AudioSource) -> _Input:
    """The song in mono at 24 kHz; its feature already where it is silent."""
    try:
        audio = source.load()
    except SongbenchError as error:
        return Failure("feature", f"structure: {error}")
    wave = like_librosa(audio, RATE)
    if not sounding_windows(wave, RATE):
        return _feature([("silence", 0.0, audio.seconds)])
    if wave.size < _LEAST_SONG:
        return Failure("feature", f"structure: {audio.seconds:.2f} s are too short for SongFormer (0.1 s at least)")
    return wave


States = list[tuple["torch.Tensor", "torch.Tensor"]]
"""Per piece of 420 s: what a model says of it in pieces of 30 s, and at once; both of shape (frames, 1024)."""


def states(model: torch.nn.Module, wave: Array) -> States:
    """What MuQ or MusicFM says of a song.

    Args:
        model: cut after its tenth layer.
        wave: mono at 24 kHz, shape (n,), n >= 2400.
    """
    import torch

    pieces = []
    with exact():
        song = torch.from_numpy(wave).to(models.device())
        for piece in song.split(LONG * RATE):
            if len(piece) < _LEAST_SONG:
                break
            short = [hidden_state(model, part) for part in piece.split(SHORT * RATE) if len(part) > _LEAST]
            pieces.append((torch.cat(short).cpu(), hidden_state(model, piece).cpu()))
    return pieces


def find_sections(network: torch.nn.Module, muq: States, musicfm: States) -> Sections:
    """What SongFormer says of a song.

    Args:
        network: a `SongFormerNetwork`.
        muq: of MuQ, from `states`: per piece of 420 s two arrays of shape (frames, 1024).
        musicfm: of MusicFM.

    Returns:
        Label, start and end in seconds.
    """
    import torch

    from metrics.features.songformer_network import LABELS

    boundary, labels = [], []
    with exact():
        for (muq_short, muq_long), (musicfm_short, musicfm_long) in zip(muq, musicfm, strict=True):
            parts = (musicfm_short, muq_short, musicfm_long, muq_long)
            frames = min(map(len, parts))
            model_input = torch.cat([part[:frames] for part in parts], dim=1).to(models.device())
            logits = network(model_input)
            boundary.append(logits[0].cpu())
            labels.append(logits[1].cpu())
        chances = torch.cat(boundary).sigmoid().numpy(), torch.cat(labels, dim=1).softmax(dim=0).numpy()
    return without_snippets(sections(*chances, LABELS, rate=FRAME_RATE, near=_NEAR, wide=_WIDE))


def without_snippets(labelled: Sections) -> Sections:
    """Short sections at both ends joined to their neighbours, by SongFormer's rules.

    A first section of less than a second becomes part of the next one, a last one of less than a second part of the one
    before. Then the first two sections are joined when they have one label and the first lasts at most 10 s, and the
    last two when they have one label and the last lasts at most 10 s.
    """
    rows = list(labelled)
    while len(rows) > 1 and rows[0][2] < _EDGE_SECONDS:
        rows[:2] = [(rows[1][0], rows[0][1], rows[1][2])]
    while len(rows) > 1 and rows[-1][2] - rows[-1][1] < _EDGE_SECONDS:
        rows[-2:] = [(rows[-2][0], rows[-2][1], rows[-1][2])]
    while len(rows) > 1 and rows[0][0] == rows[1][0] and rows[0][2] <= _JOINED_SECONDS:
        rows[:2] = [(rows[0][0], rows[0][1], rows[1][2])]
    while len(rows) > 1 and rows[-1][0] == rows[-2][0] and rows[-1][2] - rows[-1][1] <= _JOINED_SECONDS:
        rows[-2:] = [(rows[-2][0], rows[-2][1], rows[-1][2])]
    return rows


def load_musicfm(folder: Path) -> torch.nn.Module:
    """MusicFM, cut after its tenth layer.

    Raises:
        SongbenchError: when the checkpoint does not fit.
    """
    from songbench.resources.cpu_imports import mend_cpu_imports

    mend_cpu_imports()
    from transformers import Wav2Vec2ConformerConfig

    statistics = json.loads((folder / "msd_stats.json").read_text(encoding="utf-8"))
    build_config: Any = Wav2Vec2ConformerConfig
    # As it would be in a file, with names for keys.
    conformer = json.loads(build_config(**MUSICFM_SIZES["w2v2_config"]).to_json_string(use_diff=False))
    musicfm: Any = build_muq({**MUSICFM_SIZES, "stat": statistics, "w2v2_config": conformer})
    tensors = read_tensors(folder / "pretrained_msd.pt")
    load_strictly(musicfm, tensors, checkpoint="The checkpoint of MusicFM", unused=UNUSED)
    body = musicfm.model
    body.conformer.layers = body.conformer.layers[:_LAYER]
    for layer in body.conformer.layers:
        layer.self_attn = fused(layer.self_attn)
    module: torch.nn.Module = musicfm
    return module


def load_songformer(folder: Path) -> torch.nn.Module:
    """SongFormer's own network, on this worker's device.

    Raises:
        SongbenchError: when the checkpoint does not fit.
    """
    from metrics.features.songformer_network import SongFormerNetwork

    network = SongFormerNetwork.from_checkpoint(read_tensors(folder / "SongFormer.safetensors"))
    return network.to(models.device())
