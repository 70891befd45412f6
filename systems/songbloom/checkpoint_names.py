"""The names of the released checkpoints' tensors: which of them each of the model's own tensors is made of.

A released file holds two children, ``model.`` and ``vae.vae.``. The language model's queries, keys and values are apart
there and are one matrix here, and so are gate and up projections; the autoencoder's weight norms are folded in here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import torch
from torch import Tensor

_RENAMED = (
    (r"^conditioning\.symbols\.weight$", ("condition_provider.conditioners.lyrics.output_proj.weight",)),
    (
        r"^conditioning\.sentences\.weight$",
        ("condition_provider.conditioners.lyrics.sentence_idx_in_structure_emb.weight",),
    ),
    (r"^conditioning\.blank$", ("condition_provider.conditioners.lyrics.blank_emb",)),
    (r"^conditioning\.prompt\.weight$", ("condition_provider.conditioners.prompt_wav.output_proj.weight",)),
    (r"^sketch_embedding\.weight$", ("skeleton_emb.weight",)),
    (r"^sketch_lm\.bos$", ("bos_token",)),
    (r"^sketch_lm\.norm\.weight$", ("ar_transformer.norm.weight",)),
    (r"^sketch_lm\.classifier\.(.+)$", (r"skeleton_classifier.\1",)),
    (
        r"^sketch_lm\.layers\.(\d+)\.attention\.qkv\.weight$",
        tuple(rf"ar_transformer.layers.\1.self_attn.{letter}_proj.weight" for letter in "qkv"),
    ),
    (r"^sketch_lm\.layers\.(\d+)\.attention\.out\.weight$", (r"ar_transformer.layers.\1.self_attn.o_proj.weight",)),
    (
        r"^sketch_lm\.layers\.(\d+)\.feed_forward\.gate_up\.weight$",
        tuple(rf"ar_transformer.layers.\1.mlp.{part}_proj.weight" for part in ("gate", "up")),
    ),
    (r"^sketch_lm\.layers\.(\d+)\.feed_forward\.down\.weight$", (r"ar_transformer.layers.\1.mlp.down_proj.weight",)),
    (r"^sketch_lm\.layers\.(\d+)\.attention_norm\.weight$", (r"ar_transformer.layers.\1.input_layernorm.weight",)),
    (
        r"^sketch_lm\.layers\.(\d+)\.feed_forward_norm\.weight$",
        (r"ar_transformer.layers.\1.post_attention_layernorm.weight",),
    ),
    (r"^acoustic_encoder\.inner\.(.+)$", (r"block_conv.1.\1",)),
    (r"^acoustic_encoder\.outer\.(.+)$", (r"block_conv.3.\1",)),
    (r"^acoustic_dit\.(project_in|project_out)\.(.+)$", (r"\1.\2",)),
    (r"^acoustic_dit\.time_frequencies$", ("timestep_features.weight",)),
    (r"^acoustic_dit\.time_inner\.weight$", ("to_timestep_embed.0.weight",)),
    (r"^acoustic_dit\.time_outer\.(.+)$", (r"to_timestep_embed.2.\1",)),
    (r"^acoustic_dit\.layers\.(\d+)\.attention_norm\.(.+)$", (r"nar_dit.layers.\1.pre_norm.\2",)),
    (r"^acoustic_dit\.layers\.(\d+)\.feed_forward_norm\.(.+)$", (r"nar_dit.layers.\1.ff_norm.\2",)),
    (r"^acoustic_dit\.layers\.(\d+)\.attention\.qkv\.weight$", (r"nar_dit.layers.\1.self_attn.to_qkv.weight",)),
    (r"^acoustic_dit\.layers\.(\d+)\.attention\.out\.weight$", (r"nar_dit.layers.\1.self_attn.to_out.weight",)),
    (
        r"^acoustic_dit\.layers\.(\d+)\.feed_forward\.gate_up\.weight$",
        tuple(rf"nar_dit.layers.\1.ff.ff.0.{part}_proj.weight" for part in ("gate", "up")),
    ),
    (r"^acoustic_dit\.layers\.(\d+)\.feed_forward\.down\.weight$", (r"nar_dit.layers.\1.ff.ff.2.weight",)),
)
_RULES = tuple((re.compile(pattern), released) for pattern, released in _RENAMED)


@dataclass(frozen=True)
class Origin:
    """Where a tensor comes from: released tensors joined along the first axis, or the two parts of a weight norm.

    Attributes:
        names: of the released tensors, without ``model.``; those of the autoencoder begin with ``vae.``.
        weight_norm: whether they are the norm, (out, 1, 1), and the weight itself.
    """

    names: tuple[str, ...]
    weight_norm: bool = False

    @classmethod
    def of(cls, name: str, ndim: int) -> Origin:
        """The origin of one of the model's tensors by its name and its number of axes."""
        if name.startswith("autoencoder."):
            path = re.sub(r"(?<!layers)\.(\d+)(?=\.)", r".layers.\1", name.removeprefix("autoencoder."))
            # Substitutions do not overlap, so a level and the unit right below it need a second pass.
            path = "vae." + re.sub(r"(?<!layers)\.(\d+)(?=\.)", r".layers.\1", path)
            if ndim == 3:
                stem = path.removesuffix("weight")
                return cls((f"{stem}weight_g", f"{stem}weight_v"), weight_norm=True)
            return cls((path,))
        for pattern, released in _RULES:
            if match := pattern.match(name):
                return cls(tuple(match.expand(template) for template in released))
        raise KeyError(name)

    def split(self, tensor: Tensor) -> tuple[Tensor, ...]:
        """One of the model's tensors, (out, …), as the released ones it is made of."""
        if self.weight_norm:
            return tensor.flatten(1).norm(dim=1)[:, None, None], tensor
        return tensor.chunk(len(self.names))

    def shapes(self, shape: torch.Size) -> list[tuple[int, ...]]:
        """The shapes of what `split` gives for a tensor of this shape."""
        if self.weight_norm:
            return [(shape[0], 1, 1), tuple(shape)]
        return [(shape[0] // len(self.names), *shape[1:])] * len(self.names)

    def join(self, parts: list[Tensor]) -> Tensor:
        """The model's tensor, (out, …), of released ones in the order of `names`."""
        if self.weight_norm:
            norm, direction = parts
            length = direction.float().flatten(1).norm(dim=1).clamp_min(torch.finfo(torch.float32).tiny)
            weight: Tensor = direction * (norm.float() / length[:, None, None])
            return weight  # of a norm over all axes but the first, for transposed convolutions, too; zeros stay zeros
        return torch.cat(parts) if len(parts) > 1 else parts[0]
