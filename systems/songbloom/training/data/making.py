"""One song: its audio, its latents, its sketch tokens and the symbols of its sections."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from songbench.domain.audio import Audio, check_audio
from songbench.domain.errors import InputError
from songbench.domain.language import detect_language
from songbench.domain.lyrics import Lyrics
from songbench.domain.song import TimedSection
from systems.songbloom.config import SongBloomConfig
from systems.songbloom.prompt_audio import SILENCE
from systems.songbloom.training.data.basis import split_of
from systems.songbloom.training.data.latents import LatentEncoder
from systems.songbloom.training.data.records import PreparationBasis, SongEntry, Times
from systems.songbloom.training.data.section_times import check_sections, sections_from_words
from systems.songbloom.training.data.shards import SongTensors
from systems.songbloom.training.data.songs import RenderedAudio, SourceSong, bytes_of_tensor
from systems.songbloom.training.data.symbols import SymbolWriter
from systems.songbloom.training.tokenizer.contract import SketchTokenizer

_TOLERANCE_FRAMES = 25
"""Frames by which sketch tokens and latents of another preparation may differ in number; the shorter counts."""


@dataclass(frozen=True)
class LoadedSong:
    """A song's audio, ready to be encoded.

    Attributes:
        digest: of the audio, or of the latents that are given in its place.
        samples: (A, T · hop); None where latents are given.
        latents: given, (T, C); None where there is audio.
        sections: as they were really placed, where the song was rendered.
    """

    digest: str
    samples: Tensor | None
    latents: Tensor | None
    sections: tuple[TimedSection, ...] | None


class SongMaker:
    """Makes what is stored of songs.

    Args:
        config: of the checkpoint.
        encoder: its autoencoder.
        tokenizer: of sketch tokens; None: the source gives them.
        basis: what all songs of the folder share.
    """

    def __init__(
        self,
        config: SongBloomConfig,
        encoder: LatentEncoder,
        tokenizer: SketchTokenizer | None,
        basis: PreparationBasis,
    ) -> None:
        self.config, self.encoder, self.tokenizer, self.basis = config, encoder, tokenizer, basis
        self.writer = SymbolWriter(config.model.vocabulary, basis.seconds_per_tag, basis.frame_rate)

    def load(self, song: SourceSong) -> LoadedSong:
        """A song's audio, at the autoencoder's rate; may run beside `make`.

        Raises:
            InputError: there is none that can be used.
        """
        if song.audio is None:
            latents = song.tensors.latent_frames()
            if latents is None:
                raise InputError("It has neither audio nor latents.")
            return LoadedSong(bytes_of_tensor(latents), None, latents, None)
        origin, sections = song.audio(), None
        if isinstance(origin, RenderedAudio):
            sections = origin.sections
        source = origin.source if isinstance(origin, RenderedAudio) else origin
        audio = source.load()
        check_audio(audio)
        if float(abs(audio.samples).max()) < SILENCE:
            raise InputError("The audio is silent.")
        return LoadedSong(source.digest, self.encoder.samples(audio), song.tensors.latent_frames(), sections)

    def make(self, song: SourceSong, recording: LoadedSong) -> tuple[SongEntry, SongTensors]:
        """Encode a song.

        Raises:
            InputError: it cannot be used; says why.
        """
        rate = self.basis.frame_rate
        hop = self.config.autoencoder.hop
        frames = len(recording.latents) if recording.latents is not None else 0
        if recording.samples is not None:
            in_audio = recording.samples.shape[1] // hop
            if frames and abs(frames - in_audio) > _TOLERANCE_FRAMES:
                raise InputError(f"The latents have {frames} frames, the audio {in_audio}.")
            frames = min(frames or in_audio, in_audio)
        sketch = self._sketch(song, recording, frames)
        frames = min(frames, len(sketch))
        if frames < self.basis.patch:
            raise InputError(
                f"It has {frames} frames ({frames / rate:.2f} s), less than a patch of {self.basis.patch}."
            )
        sections, times = self._times(song, recording, frames / rate)
        symbols, silent = self.writer.sections(song.lyrics, sections, frames)
        seed = int(recording.digest[:8], 16) ^ self.basis.seed
        latents = recording.latents
        if latents is None:
            assert recording.samples is not None  # either is there
            latents = self.encoder.encode(recording.samples, seed=seed)
        if latents.shape[1] != self.basis.latent_channels:
            raise InputError(
                f"Its latents have {latents.shape[1]} channels, the model has {self.basis.latent_channels}."
            )
        style = self._style(song, recording, seed)
        dtype = torch.float16 if self.basis.latents == "float16" else torch.float32
        tensors = SongTensors(sketch[:frames].int(), latents[:frames].to(dtype), style.to(dtype))
        for part in (tensors.latents, tensors.style):
            if not bool(torch.isfinite(part).all()):
                raise InputError(f"Its latents hold numbers that {self.basis.latents} cannot.")
        entry = SongEntry(
            id=song.id,
            key=song.key(),
            audio=recording.digest,
            split=split_of(recording.digest, self.basis.validation),
            language=song.language or _language(song.lyrics),
            seconds=frames / rate,
            frames=frames,
            style_frames=len(style),
            times=times,
            sections=symbols,
            silent_words=silent,
        )
        return entry, tensors

    def _sketch(self, song: SourceSong, recording: LoadedSong, frames: int) -> Tensor:
        tokens = song.tensors.tokens()
        if tokens is None:
            if self.tokenizer is None:
                raise InputError(
                    "It has no sketch tokens.", cure="Give --tokenizer ('songbench train tokenizer' makes one)."
                )
            if recording.samples is None:
                raise InputError("It has neither sketch tokens nor audio to make them of.")
            samples = recording.samples[:, : frames * self.config.autoencoder.hop].contiguous()
            return self.tokenizer.tokens(Audio(samples.numpy(), self.config.autoencoder.sample_rate), frames)
        if self.tokenizer is not None:
            raise InputError(
                "Its sketch tokens are given, and a tokenizer, too.",
                cure="Leave out --tokenizer, or the tokens: tokens of two kinds mean nothing beside each other.",
            )
        if not len(tokens) or int(tokens.min()) < 0 or int(tokens.max()) >= self.basis.sketch_vocabulary:
            raise InputError(f"Its sketch tokens are not all of 0 to {self.basis.sketch_vocabulary - 1}.")
        if abs(len(tokens) - frames) > _TOLERANCE_FRAMES:
            raise InputError(f"It has {len(tokens)} sketch tokens for {frames} frames.")
        return tokens

    def _times(
        self, song: SourceSong, recording: LoadedSong, seconds: float
    ) -> tuple[list[TimedSection] | None, Times]:
        """When its sections sound, and how that is known."""
        if recording.sections is not None:
            return check_sections(recording.sections, song.tags, seconds), "exact"
        if song.sections is not None:
            return check_sections(song.sections, song.tags, seconds), song.times
        if song.words and isinstance(song.lyrics, Lyrics):
            return sections_from_words(song.lyrics, song.words, seconds), "words"
        return None, "none"

    def _style(self, song: SourceSong, recording: LoadedSong, seed: int) -> Tensor:
        """Latents of what style prompts are cut from: mono, as prompts are."""
        if song.prompt is not None:
            audio = song.prompt.load()
            samples = self.encoder.samples(audio)
            if not samples.shape[1]:
                raise InputError("Its style prompt is shorter than a latent frame.")
            return self.encoder.encode(samples, seed=seed, mono=True)
        if recording.samples is not None:
            return self.encoder.encode(recording.samples, seed=seed, mono=True)
        assert recording.latents is not None  # either is there
        return recording.latents


def _language(lyrics: object) -> str:
    return detect_language(lyrics.lines).language if isinstance(lyrics, Lyrics) else "und"
