"""Embeddings of 10 s windows and of style texts by LAION-CLAP's music checkpoint (Wu et al. 2023, arXiv 2211.06687).

The towers are those of transformers, filled from LAION's own checkpoint (`metrics.features.laion_clap_checkpoint`),
because the package ``laion_clap`` downloads tokenizers when it is imported. What is in front of them is as in that
package: the audio is rounded to 16 bits and back, the log-mel spectrogram is that of torchlibrosa, texts are cut or
filled to 77 tokens of RoBERTa. Where the package takes a random 10 s of a longer song, windows are taken here that the
song's length decides.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from metrics.features import models
from metrics.features.analysis_copy import LOUDNESS, at_loudness
from metrics.features.inference import exact
from songbench.domain.audio import AudioSource
from songbench.domain.errors import InputError
from songbench.domain.hashing import Json
from songbench.domain.song import Failure
from songbench.plugin import Availability, Feature
from songbench.resources.cpu_imports import mend_cpu_imports
from songbench.resources.weights import HubSource, WeightFile, Weights
from songbench.resources.weights import availability as weights_availability

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import torch
    from torch import Tensor, nn

    Mono: TypeAlias = npt.NDArray[np.float32]

RATE = 48_000
WINDOW_SECONDS = 10
WINDOW = WINDOW_SECONDS * RATE
TOKENS = 77

_FFT, _HOP, _BANDS, _LOWEST, _HIGHEST = 1024, 480, 64, 50, 14_000
_FLOOR = 1e-10

Ending: TypeAlias = Literal["zeros", "whole"]

CLAP_MUSIC = Weights(
    name="clap-laion-music",
    version="1",
    summary="LAION-CLAP for music (HTSAT-base and RoBERTa): music_audioset_epoch_15_esc_90.14.pt.",
    licence="CC0 1.0 (of LAION-CLAP's code; none is stated for the weights)",
    files=(
        WeightFile(
            "music_audioset_epoch_15_esc_90.14.pt",
            "fae3e9c087f2909c28a09dc31c8dfcdacbc42ba44c70e972b58c1bd1caf6dedd",
            2_352_471_003,
        ),
    ),
    sources=(HubSource("lukewys/laion_clap", "b3708341862f581175dba5c356a4ebf74a9b6651"),),
)

ROBERTA_TOKENS = Weights(
    name="roberta-tokens",
    version="1",
    summary="The vocabulary of RoBERTa base, in which LAION-CLAP reads texts.",
    licence="MIT",
    files=(
        WeightFile("vocab.json", "9e7f63c2d15d666b52e21d250d2e513b87c9b713cfa6987a82ed89e5e6e50655", about=899_000),
        WeightFile("merges.txt", "1ce1664773c50f3e0cc8842619a93edc4624525b728b188a9e0be33b7726adc5", about=456_000),
    ),
    sources=(HubSource("FacebookAI/roberta-base", "e2da8e2f811d1448a5b465c236feacd80ffbac7b"),),
)


@dataclass(frozen=True)
class ClapWindows:
    """LAION-CLAP's embeddings of windows of 10 s (an `Extractor`).

    Feature:
        ``vectors``: float32, shape (n_windows, 512), each of length 1, in time order.
        ``silent`` (data): whether no sample is above -80 dB of full scale.

    Attributes:
        loudness: of the analysis copy, in LUFS; None: the audio as it is. The model takes 16 bits, so what is
            beyond full scale afterwards is clipped.
        hop_seconds: from the start of one window to that of the next.
        ending: what becomes of the end of a song. ``zeros``: a window starts wherever the hop says, and is filled up
            with zeros where the song ends before it (as in fadtk). ``whole``: the last window ends with the song; a
            song shorter than a window is repeated as often as it fits and then filled up (as in laion_clap).
    """

    loudness: float | None = LOUDNESS
    hop_seconds: int = 1
    ending: Ending = "zeros"

    @property
    def name(self) -> str:
        """Its name among features."""
        return "clap-laion-music"

    @property
    def identity(self) -> Mapping[str, Json]:
        """Weights and what is heard."""
        return {
            "version": "1",
            "weights": models.identity_of(CLAP_MUSIC),
            "loudness": self.loudness,
            "hop_seconds": self.hop_seconds,
            "ending": self.ending,
        }

    @property
    def needs(self) -> tuple[Weights, ...]:
        """For audio and texts."""
        return CLAP_MUSIC, ROBERTA_TOKENS

    def availability(self) -> Availability:
        """Whether the weights are here that audio needs."""
        return weights_availability(CLAP_MUSIC)

    def texts(self, texts: Sequence[str]) -> Sequence[npt.NDArray[np.floating]]:
        """The embedding of each text, shape (512,), of length 1; a text is cut at 77 tokens.

        Raises:
            UnavailableError: weights are not here.
            SongbenchError: the checkpoint is of another model.
        """
        folder, tokens = map(models.require, self.needs)
        return models.resident(("clap text", folder, tokens), lambda: TextTower(folder, tokens), folder)(texts)

    def extract(self, sources: Sequence[AudioSource]) -> Iterator[Feature | Failure]:
        """One feature per source; a `Failure` for audio that cannot be decoded.

        The windows of one song are a batch, so that a result cannot depend on the other songs.

        Raises:
            UnavailableError: the weights are not here.
            SongbenchError: the checkpoint is of another model.
        """
        import numpy as np

        folder = models.require(CLAP_MUSIC)
        for source in sources:
            try:
                audio = source.load()
            except InputError as error:
                yield Failure("feature", f"{self.name}: {error}")
                continue
            tower = models.resident(("clap audio", folder), lambda: AudioTower.load(folder), folder)
            mono = at_loudness(audio.mono().at(RATE), self.loudness).samples[0]
            vectors = [tower(windows) for windows in _batches(self.windows(mono), tower.batch)]
            yield Feature(
                {"vectors": np.concatenate(vectors)},
                {"silent": bool(np.abs(mono).max() < 1e-4)},
            )

    def windows(self, mono: Mono) -> Iterator[Mono]:
        """The windows of a song at 48 kHz, rounded to 16 bits, each of shape (480000,)."""
        import numpy as np

        mono = _through_16_bits(mono)
        hop = self.hop_seconds * RATE
        if self.ending == "zeros":
            starts = list(range(0, mono.size, hop))
        elif mono.size < WINDOW:
            mono, starts = np.tile(mono, WINDOW // mono.size), [0]
        else:
            starts = sorted({*range(0, mono.size - WINDOW + 1, hop), mono.size - WINDOW})
        for start in starts:
            window = mono[start : start + WINDOW]
            yield np.pad(window, (0, WINDOW - window.size))


class AudioTower:
    """From windows to embeddings.

    Args:
        model: transformers' ``ClapAudioModelWithProjection``.
        device: where it is.
    """

    def __init__(self, model: nn.Module, device: torch.device) -> None:
        self._model, self._device = model, device
        self.batch = 32 if device.type == "cuda" else 4

    @classmethod
    def load(cls, folder: Path) -> AudioTower:
        """From LAION's checkpoint, on the device of this worker."""
        from metrics.features.dense import pack_linears
        from metrics.features.laion_clap_checkpoint import audio_tower, read_checkpoint

        device = models.device()
        model = audio_tower(read_checkpoint(folder / CLAP_MUSIC.files[0].name)).to(device)
        pack_linears(model)
        return cls(model, device)

    def __call__(self, windows: Sequence[Mono]) -> npt.NDArray[np.float32]:
        """Embeddings of length 1, shape (n, 512), of windows of shape (480000,)."""
        import numpy as np
        import torch
        import torch.nn.functional as F

        with exact():
            mel = self._log_mel(torch.from_numpy(np.stack(windows)).to(self._device))
            embeds = self._model(input_features=mel).audio_embeds
            embeddings: npt.NDArray[np.float32] = F.normalize(embeds, dim=-1).cpu().numpy()
        return embeddings

    def _log_mel(self, x: Tensor) -> Tensor:
        """The log-mel spectrogram in dB, shape (n, 1, 1001, 64)."""
        import torch

        spectrum = torch.stft(
            x, _FFT, _HOP, window=torch.hann_window(_FFT, device=x.device), pad_mode="reflect", return_complex=True
        )
        mel = spectrum.abs().square().transpose(1, 2) @ self._bands
        return (10 * mel.clamp(min=_FLOOR).log10())[:, None]

    @cached_property
    def _bands(self) -> Tensor:
        """The mel filters, shape (bins, 64)."""
        import librosa
        import torch

        bands = librosa.filters.mel(sr=RATE, n_fft=_FFT, n_mels=_BANDS, fmin=_LOWEST, fmax=_HIGHEST)
        return torch.from_numpy(bands.T.copy()).to(self._device)


class TextTower:
    """From texts to embeddings.

    Args:
        folder: of `CLAP_MUSIC`.
        tokens: the folder of `ROBERTA_TOKENS`.
    """

    def __init__(self, folder: Path, tokens: Path) -> None:
        from metrics.features.laion_clap_checkpoint import read_checkpoint, text_tower

        mend_cpu_imports()
        from transformers import RobertaTokenizer

        self._device = models.device()
        self._model = text_tower(read_checkpoint(folder / CLAP_MUSIC.files[0].name)).to(self._device)
        read: Any = RobertaTokenizer
        self._tokenizer = read(str(tokens / "vocab.json"), str(tokens / "merges.txt"))

    def __call__(self, texts: Sequence[str]) -> list[npt.NDArray[np.floating]]:
        """Embeddings of length 1, shape (512,). A text is cut at 77 tokens."""
        import torch.nn.functional as F

        embeddings: list[npt.NDArray[np.floating]] = []
        with exact():
            for text in texts:  # one by one: the same text has the same embedding in every company
                read = self._tokenizer(
                    text, padding="max_length", truncation=True, max_length=TOKENS, return_tensors="pt"
                ).to(self._device)
                embeds = self._model(input_ids=read["input_ids"], attention_mask=read["attention_mask"]).text_embeds
                embeddings.append(F.normalize(embeds, dim=-1)[0].cpu().numpy())
        return embeddings


def _through_16_bits(samples: Mono) -> Mono:
    """Samples of shape (n,) after LAION's rounding to 16 bits: towards zero, of 32767 steps."""
    import numpy as np

    steps = (samples.clip(-1, 1) * np.float32(32767)).astype(np.int16)
    result: Mono = steps.astype(np.float32) / np.float32(32767)
    return result


def _batches(windows: Iterator[Mono], size: int) -> Iterator[list[Mono]]:
    """Windows of shape (480000,), `size` at a time."""
    import itertools

    while batch := list(itertools.islice(windows, size)):
        yield batch
