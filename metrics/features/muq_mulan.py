"""MuQ-MuLan (Zhu et al. 2025, arXiv 2501.01108): music and style texts as vectors of one space, by its package `muq`.

The package builds both towers from names on a model hub, downloads their own weights, and then replaces them by those
of MuQ-MuLan. Here the package's classes are built from the same sizes in songbench's weights folder, and only
MuQ-MuLan's weights are read; the checkpoint has to fill the whole model.

What the package does, and this does too: audio is cut into clips of 10 s, and what is missing of the last one is taken
from the beginning of the audio. (Audio shorter than 5 s is therefore repeated once, as one short clip.)

What is done otherwise, and why:

- Clips of many songs go through the model together; the package takes them one by one.
- Texts go through one by one: the package pads those of a batch to the longest and then averages over the padding too,
  so that a text's vector depends on its neighbours. What is given here is what the package gives for one text.
- A text longer than the 512 tokens its model has places for is cut; the package raises an error.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from metrics.features import models
from metrics.features.analysis_copy import at_loudness
from metrics.features.batches import in_batches
from metrics.features.inference import exact, random_state_kept
from metrics.features.muq import MUQ, RATE, SHORTEST_SAMPLES, build_muq
from metrics.features.muq import UNUSED as UNUSED_MUQ
from metrics.features.resampling import like_librosa
from metrics.features.strict_loading import load_strictly, read_tensors
from metrics.features.xlm_roberta import UNUSED as UNUSED_TEXT
from metrics.features.xlm_roberta import XLM_ROBERTA, build_text_model, load_tokenizer
from songbench.domain.audio import AudioSource
from songbench.domain.errors import SongbenchError
from songbench.domain.hashing import Json
from songbench.domain.song import Failure
from songbench.plugin import Feature
from songbench.resources.cpu_imports import mend_cpu_imports
from songbench.resources.weights import HubSource, WeightFile, Weights

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import torch

    Wave = npt.NDArray[np.float32]
    Vector = npt.NDArray[np.float32]

MUQ_MULAN = Weights(
    name="muq-mulan-large",
    version="1",
    summary="MuQ-MuLan large: vectors of music and of style texts (English and Mandarin) in one space.",
    licence="CC BY-NC 4.0 (Tencent AI Lab); no commercial use",
    files=(WeightFile("config.json", about=1_000), WeightFile("pytorch_model.bin", about=2_560_000_000)),
    sources=(HubSource("OpenMuQ/MuQ-MuLan-large", "2e01c796b71dca71b45251384c04cd7b237c9020"),),
    restricted=True,
)

MUQ_SIZES = Weights(
    name="muq-sizes",
    version="1",
    summary="Sizes of MuQ large, which is a part of MuQ-MuLan.",
    licence=MUQ.licence,
    files=MUQ.files[:1],
    sources=MUQ.sources,
    restricted=True,
)

CLIP_SECONDS = 10
"""Seconds of a clip, the model's input."""

BATCH = 8
"""Clips that go through the model together."""

MOST_TOKENS = 512
"""Of a text."""

_UNUSED = (
    *(f"mulan.audio.model.{name}" for name in UNUSED_MUQ),
    *(f"mulan.text.model.{name}" for name in UNUSED_TEXT),
    "mulan.contrast.",
    "mulan.multi_layer_contrastive_learning.",
    "mulan.audio.aggregator.",
)


@dataclass(frozen=True, kw_only=True)
class MulanClips:
    """MuQ-MuLan's vectors of a piece of audio (an `Extractor`).

    ``Feature.arrays["vectors"]``: float32, shape (clips, d), each of length 1, in time order. The package's vector of
    the audio is their mean. For audio shorter than 0.1 s there is no array, and ``Feature.data["unheard"]`` says why;
    ``Feature.data["silent"]`` says whether no sample is above -80 dB of full scale.

    Attributes:
        loudness: LUFS to which the audio is brought first; None: as it is.
        batch: clips that go through the model together; not part of the identity, as it does not change the vectors.
        weights: MuQ-MuLan's.
        muq: sizes of its music tower.
        text: sizes and tokenizer of its text tower.
    """

    loudness: float | None = None
    batch: int = BATCH
    weights: Weights = MUQ_MULAN
    muq: Weights = MUQ_SIZES
    text: Weights = XLM_ROBERTA

    @property
    def name(self) -> str:
        """Its name among features."""
        return "muq_mulan"

    @property
    def needs(self) -> tuple[Weights, ...]:
        """All weights it reads."""
        return (self.weights, self.muq, self.text)

    @property
    def identity(self) -> Mapping[str, Json]:
        """Weights, engine version and every setting."""
        return {
            "version": "1",
            "weights": [models.identity_of(one) for one in (self.weights, self.muq)],
            "clip_seconds": CLIP_SECONDS,
            "loudness": self.loudness,
            "engine": {"muq": version("muq")},
        }

    def extract(self, sources: Sequence[AudioSource]) -> Iterator[Feature | Failure]:
        """One feature per source, the clips of all in common batches.

        Raises:
            UnavailableError: weights are not here.
            SongbenchError: the checkpoint does not fit.
        """
        return in_batches(map(self._work, sources), self._embed, self.batch)

    def texts(self, texts: Sequence[str]) -> list[Vector]:
        """The vector of each text, shape (d,), of length 1.

        Raises:
            UnavailableError: weights are not here.
            SongbenchError: the checkpoint does not fit.
        """
        import torch

        model, tokenizer = self._model()
        embeddings = []
        for text in texts:
            tokens = tokenizer(text, truncation=True, max_length=MOST_TOKENS, return_tensors="pt")
            text_tower: Any = model.mulan.text
            with exact():
                frames = text_tower.proj(text_tower.model(**tokens.to(models.device())).last_hidden_state)
                pooled = text_tower.transformer(frames).mean(dim=-2)
                vector = torch.nn.functional.normalize(model.mulan.text_to_latents(pooled), dim=-1)
            embeddings.append(vector[0].cpu().numpy())
        return embeddings

    def _work(self, source: AudioSource) -> _Audio | Failure:
        try:
            return _Audio(like_librosa(at_loudness(source.load(), self.loudness), RATE))
        except SongbenchError as error:
            return Failure("feature", f"muq_mulan: {error}")

    def _embed(self, clips: Sequence[Wave]) -> list[Vector]:
        """The vector of each clip, shape (512,), of clips of shape (n,)."""
        import numpy as np
        import torch

        model, _ = self._model()
        embeddings: dict[int, Vector] = {}
        for length in sorted({clip.size for clip in clips}):  # padding would change the vector
            places = [i for i, clip in enumerate(clips) if clip.size == length]
            batch = torch.from_numpy(np.stack([clips[i] for i in places]))
            with exact():
                vectors = model.mulan.get_audio_latents(batch.to(models.device())).cpu().numpy()
            embeddings.update(zip(places, vectors, strict=True))
        return [embeddings[i] for i in range(len(clips))]

    def _model(self) -> tuple[Any, Any]:
        folders = [models.require(one) for one in self.needs]
        return models.resident(("muq-mulan", *folders), lambda: _load(*folders), *folders)


@dataclass
class _Audio:
    """A piece of audio on its way through the model (a `Work`)."""

    wave: Wave
    vectors: list[Vector] = field(default_factory=list)

    def pieces(self) -> Iterator[Wave]:
        """The clips, shape (n,) each; none of audio that is too short."""
        return iter(clips(self.wave) if self.wave.size >= SHORTEST_SAMPLES else ())

    def take(self, answer: Vector) -> None:
        """The vector of the next clip, shape (512,)."""
        self.vectors.append(answer)

    def result(self) -> Feature:
        import numpy as np

        if not self.vectors:
            return Feature(data={"unheard": "shorter than 0.1 s"})
        return Feature({"vectors": np.stack(self.vectors)}, {"silent": bool(np.abs(self.wave).max() < 1e-4)})


def clips(wave: Wave) -> Iterator[Wave]:
    """The clips that the package makes of audio.

    Args:
        wave: mono at 24 kHz, shape (n,), n > 0.

    Yields:
        Shape (240000,); of audio shorter than 5 s one clip of twice its length.
    """
    import numpy as np

    length = CLIP_SECONDS * RATE
    for start in range(0, wave.size, length):
        clip = wave[start : start + length]
        yield clip if clip.size == length else np.concatenate([clip, wave[: length - clip.size]])


def _load(mulan: Path, muq: Path, text: Path) -> tuple[Any, Any]:
    """MuQ-MuLan and its tokenizer."""
    model = _build(json.loads((mulan / "config.json").read_text(encoding="utf-8")), muq, text)
    tensors = read_tensors(mulan / "pytorch_model.bin")
    load_strictly(model, tensors, checkpoint="The checkpoint of MuQ-MuLan", unused=_UNUSED)
    return model.to(models.device()), load_tokenizer(text)


def _build(config: dict[str, Any], muq: Path, text: Path) -> torch.nn.Module:
    """The package's model with both towers built from sizes in folders instead of names on a hub."""
    mend_cpu_imports()
    from muq import MuQMuLan
    from muq.muq_mulan.models.audio import AudioSpectrogramTransformerPretrained
    from muq.muq_mulan.models.mulan import MuLanModel
    from muq.muq_mulan.models.text import TextTransformerPretrained

    music, words = (config[f"{part}_model"]["name"] for part in ("audio", "text"))
    if "muq" not in music.lower() or "xlm-roberta" not in words:
        raise SongbenchError(f"This MuQ-MuLan is built of {music} and {words}; only MuQ and XLM-RoBERTa are supported.")

    class MusicTower(AudioSpectrogramTransformerPretrained):  # type: ignore[misc]
        def _init_pretrained_model(self, model_name: str) -> None:
            self.model = build_muq(json.loads((muq / "config.json").read_text(encoding="utf-8")))

    class TextTower(TextTransformerPretrained):  # type: ignore[misc]
        def _init_pretrained_model(self) -> torch.nn.Module:
            return build_text_model(text)

    class Mulan(MuQMuLan):  # type: ignore[misc]
        @classmethod
        def create_MuLan_from_config(cls, config: Any, hf_hub_cache_dir: object = None) -> torch.nn.Module:  # noqa: N802
            towers = {}
            for part, tower in (("audio", MusicTower), ("text", TextTower)):
                outer = config[f"{part}_model"]
                layer = {"use_layer_idx": outer.use_layer_idx} if part == "audio" else {}
                towers[part] = tower(
                    model_name=outer.name,
                    model_dim=outer.model_dim,
                    **layer,
                    **config[f"{part}_transformer"],
                    frozen_pretrained=False,
                )
            model: torch.nn.Module = MuLanModel(
                audio_transformer=towers["audio"], text_transformer=towers["text"], **config.mulan
            )
            return model

    with random_state_kept():
        model: torch.nn.Module = Mulan(config).eval()
    return model
