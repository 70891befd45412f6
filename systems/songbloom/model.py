"""SongBloom: conditioning, sketch language model, acoustic encoder, diffusion transformer and autoencoder together."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from songbench.domain.errors import InputError
from systems.layers.packing import PackedLinear, pack_linears
from systems.songbloom.acoustic_dit import AcousticDiT
from systems.songbloom.acoustic_encoder import AcousticEncoder
from systems.songbloom.autoencoder import Autoencoder
from systems.songbloom.conditioning import Conditioning
from systems.songbloom.config import SongBloomConfig
from systems.songbloom.copies import device_copy
from systems.songbloom.sketch_lm import SketchLM


class SongBloom(nn.Module):
    """All weights of a SongBloom; `decoding` and `singing` use them.

    Attributes:
        conditioning: prompt and lyrics to the language model's prefix.
        sketch_embedding: embeddings of the sketch tokens, shared by both transformers; no rows without a sketch.
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
        self.sketch_embedding = nn.Embedding(model.sketch_vocabulary + 2 if model.sketch else 0, model.dim)
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

    def checkpoint_layers(self, on: bool = True) -> None:
        """Whether both transformers compute their layers again for gradients; see `DecoderLayers`."""
        self.sketch_lm.layers.checkpoint = self.acoustic_dit.layers.checkpoint = on

    def compile_layers(self) -> None:
        """Pass the layers of both transformers and the autoencoder's activations through `torch.compile`, once.

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
        for layer in self.acoustic_dit.layers:
            layer.compile()
        self.sketch_lm.compile_step_layers()
        self.autoencoder.compile_snakes()

    def encode_prompt(self, audio: Tensor, noise: Tensor) -> Tensor:
        """Latents of a style prompt.

        Args:
            audio: mono at the autoencoder's rate, (samples,).
            noise: standard normal, (C, frames).

        Returns:
            Shape (frames, C), float32.
        """
        channels = self.config.autoencoder.audio_channels
        audio = device_copy(audio, self.device).expand(1, channels, -1)
        return self.autoencoder.encode(audio, device_copy(noise, self.device)[None])[0].T
