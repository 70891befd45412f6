"""The sketch language model: a causal LLaMA decoder over embeddings, 25 sketch tokens a second.

Its input is ``[prompt 250][lyrics 600][BOS][s1 … s16][A1][s17 … s32][A2] …``: sketch tokens in patches of 16, each
patch followed by one embedding of its latents (SongBloom, arXiv 2506.07634, section 4.1; LLaMA as in transformers
4.44). A model without a sketch, an ablation, reads ``… [BOS][A1][A2] …``. How it goes on from a prefix, one position at
a time with a KV cache, is in `systems.songbloom.batches`.

Shapes: N rows, T positions, D model width, H heads, W head width.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import cast

import torch
from torch import Tensor, nn

from systems.layers.attention import Attend, attend_causally
from systems.layers.norms import RMSNorm
from systems.layers.rotary import RoPE, rope_table
from systems.songbloom.config import ModelConfig
from systems.songbloom.layers import DecoderLayer, DecoderLayers


class SketchLM(nn.Module):
    """Embeddings in, hidden vectors out; logits of the next sketch token from these.

    Attributes:
        step_layers: the layers as they are called for one position of every slot: the modules, or compiled functions.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.bos = nn.Parameter(torch.zeros(config.dim))
        self.layers = DecoderLayers(config, RMSNorm, config.lm_layers)
        self.norm = RMSNorm(config.dim)
        self.classifier = nn.Sequential(
            nn.Linear(config.dim, config.dim, bias=False),
            nn.SiLU(),
            nn.Linear(config.dim, config.end + 1),
        )
        self.step_layers: list[Callable[[Tensor, RoPE, Attend], Tensor]] = list(self._layers())

    def _layers(self) -> Iterable[DecoderLayer]:
        return cast(Iterable[DecoderLayer], self.layers)

    def rope(self, length: int, device: torch.device) -> RoPE:
        """Tables of the first `length` positions, (length, W)."""
        head = self.config.head_dim
        return rope_table(length, head, head, self.config.lm_rotary_base, device)

    def forward(self, x: Tensor) -> Tensor:
        """Hidden vectors of whole sequences (teacher forcing), without a cache.

        Args:
            x: embeddings from position 0 on, shape (N, T, D).

        Returns:
            Shape (N, T, D), after the final norm.
        """
        rope = self.rope(x.shape[1], x.device)
        for number in range(len(self.layers)):
            x = self.layers.call(number, x, rope, attend_causally)
        hidden: Tensor = self.norm(x)
        return hidden

    def prefill(self, prefix: Tensor, keys: Tensor, values: Tensor) -> None:
        """Write keys and values of a prefix into a KV cache.

        Args:
            prefix: embeddings of positions 0..T-1, shape (N, T, D).
            keys: the rows to write, shape (layers, N, H, length, W) with length >= T.
            values: likewise.
        """
        t = prefix.shape[1]
        rope = self.rope(t, prefix.device)

        def store(number: int, k: Tensor, v: Tensor) -> None:  # each (N, H, T, W)
            keys[number][..., :t, :], values[number][..., :t, :] = k, v

        def attend_and_store(number: int) -> Attend:
            def attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
                store(number, k, v)
                return attend_causally(q, k, v)

            return attend

        *layers, last = self._layers()
        x = prefix
        for number, layer in enumerate(layers):
            x = layer(x, rope, attend_and_store(number))
        _, k, v = last.project(x, rope)  # nothing reads what the last layer would go on to compute
        store(len(layers), k, v)

    def compile_step_layers(self) -> None:
        """Pass the layers through `torch.compile` for decoding with static shapes; everything else stays as it is."""
        self.step_layers = [torch.compile(layer.forward) for layer in self._layers()]

    def logits(self, hidden: Tensor) -> Tensor:
        """Logits of the next sketch token, float32, shape (..., vocabulary + 1); the last of them ends the song.

        Without a sketch there are two: the song goes on, or ends.
        """
        logits: Tensor = self.classifier(hidden)
        return logits.float()
