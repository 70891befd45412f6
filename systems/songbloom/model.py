"""SongBloom: conditioning, sketch language model, acoustic encoder, diffusion transformer and autoencoder together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from songbench.domain.audio import Audio, read_audio
from songbench.domain.errors import InputError
from songbench.domain.lyrics import Lyrics, parse_lyrics
from systems.songbloom.acoustic_dit import AcousticDiT
from systems.songbloom.acoustic_encoder import AcousticEncoder
from systems.songbloom.autoencoder import Autoencoder
from systems.songbloom.conditioning import Conditioning
from systems.songbloom.config import SongBloomConfig
from systems.songbloom.decoding import Engine
from systems.songbloom.generation import CHUNK_PATCHES, Chunk, OnProgress, SongInput, generate
from systems.songbloom.layers import PackedLinear, pack_linears
from systems.songbloom.sketch_lm import DecoderLayer, SketchLM
from systems.songbloom.text import one_line


class SongBloom(nn.Module):
    """All weights of a SongBloom; what is done with them is in `systems.songbloom.generation` and its neighbours.

    Attributes:
        conditioning: prompt and lyrics to the language model's prefix.
        sketch_embedding: embeddings of the sketch tokens, shared by both transformers.
        sketch_lm: the language model.
        acoustic_encoder: a patch's latents to one embedding.
        acoustic_dit: the diffusion transformer.
        autoencoder: audio to latents and back; always float32.
    """

    def __init__(self, config: SongBloomConfig) -> None:
        super().__init__()
        self.config = config
        model = config.model
        self.conditioning = Conditioning(model)
        self.sketch_embedding = nn.Embedding(model.sketch_vocabulary + 2, model.dim)
        self.sketch_lm = SketchLM(model)
        self.acoustic_encoder = AcousticEncoder(model)
        self.acoustic_dit = AcousticDiT(model)
        self.autoencoder = Autoencoder(config.autoencoder)
        self._compiled = False

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.sketch_lm.bos.device

    @property
    def dtype(self) -> torch.dtype:
        """The type of the transformers' weights."""
        return self.sketch_lm.bos.dtype

    def for_decoding(self, device: torch.device | str = "cpu", dtype: torch.dtype = torch.float32) -> SongBloom:
        """Move and cast for inference, in place: no gradients, autoencoder in float32, packed weights on a CPU.

        A packed model can no longer be saved or trained; load it again for that.
        """
        self.requires_grad_(False).eval()
        for part in self.children():
            part.to(device=device, dtype=torch.float32 if part is self.autoencoder else dtype)
        pack_linears(self)
        return self

    def compile_layers(self) -> None:
        """Pass the layers of both transformers through `torch.compile`, in place and once.

        It joins the small operations between matrix products, of which a layer has about fifteen. Layers are compiled
        one by one, as they are all alike: the first call takes seconds, where a whole transformer would take minutes.

        Raises:
            InputError: the weights are packed for a CPU, where this would not pay.
        """
        if any(isinstance(part, PackedLinear) for part in self.modules()):
            raise InputError(
                "Compiling is for accelerators; on a CPU the weights are packed, which is faster.", field="compiled"
            )
        if self._compiled:
            return
        self._compiled = True
        for block in self.acoustic_dit.layers:
            block.compile()
        for layer in cast(Iterable[DecoderLayer], self.sketch_lm.layers):
            layer.step = torch.compile(layer.step)  # type: ignore[method-assign]

    def encode_prompt(self, audio: Tensor, noise: Tensor) -> Tensor:
        """Latents of a style prompt.

        Args:
            audio: mono at the autoencoder's rate, (samples,).
            noise: standard normal, (C, frames).

        Returns:
            Shape (frames, C), float32.
        """
        channels = self.config.autoencoder.audio_channels
        audio = audio.to(self.device).expand(1, channels, -1)
        return self.autoencoder.encode(audio, noise.to(self.device)[None])[0].T

    def stream(
        self,
        lyrics: str | Lyrics,
        prompt: Audio | str | Path,
        seed: int = 0,
        *,
        chunk_patches: int = 1,
        on_progress: OnProgress | None = None,
        **settings: Any,
    ) -> Iterator[Audio]:
        """Make one song and hand out its audio while it is made.

        The model must have been prepared by `for_decoding` (`systems.songbloom.load` does it).

        Args:
            lyrics: sectioned lyrics, as text in either of songbench's forms or parsed.
            prompt: audio in the style wanted, or its file; the first 10 s are used.
            seed: everything random follows from it.
            chunk_patches: patches of 0.64 s per piece; the first piece comes one patch after its last one.
            on_progress: called after every patch.
            **settings: changes to the model's own `systems.songbloom.config.DecodingConfig`, such as ``steps=18``.

        Yields:
            The song's audio, piece by piece.

        Raises:
            InputError: lyrics, prompt or a setting cannot be used.
        """
        config = self.config
        parsed = parse_lyrics(lyrics, seconds_per_tag=config.seconds_per_tag) if isinstance(lyrics, str) else lyrics
        audio = prompt if isinstance(prompt, Audio) else read_audio(prompt)
        engine = Engine(self, config.decoding.changed(settings))
        song = SongInput.of(config, one_line(parsed, config.seconds_per_tag), audio, seed)
        for piece in generate(engine, [song], chunk_patches=chunk_patches, on_progress=on_progress):
            if isinstance(piece, Chunk):
                yield Audio(piece.samples, config.autoencoder.sample_rate)

    def sing(self, lyrics: str | Lyrics, prompt: Audio | str | Path, seed: int = 0, **settings: Any) -> Audio:
        """Make one song; arguments and errors as for `stream`.

        Raises:
            InputError: also when the model ends the song before it has begun; another seed may help.
        """
        pieces = [piece.samples for piece in self.stream(lyrics, prompt, seed, chunk_patches=CHUNK_PATCHES, **settings)]
        if not pieces:
            raise InputError("The model ended the song before it began.", cure="Try another seed or style prompt.")
        return Audio(np.concatenate(pieces, axis=1), self.config.autoencoder.sample_rate)
