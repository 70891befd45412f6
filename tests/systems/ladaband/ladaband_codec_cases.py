"""Golden numbers of MuCodec's public code, read in place, and small random codecs in files like the released ones."""

import json
import math
import os
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from systems.ladaband.codec.encoder import MusicEncoder
from systems.ladaband.codec.latent_flow import LatentFlow
from systems.ladaband.codec.loading import MuCodecFiles
from systems.ladaband.codec.sound_config import SoundConfig
from systems.ladaband.codec.sound_decoder import SoundDecoder
from systems.ladaband.config import CodecConfig

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True)
class CodecGolden:
    """One set of golden numbers."""

    folder: Path

    @cached_property
    def cases(self) -> dict[str, torch.Tensor]:
        return load_file(self.folder / "codec.safetensors")

    @cached_property
    def facts(self) -> dict:
        return json.loads((self.folder / "codec.json").read_text())

    @property
    def weights(self) -> Path:
        return self.folder / "codec_model.safetensors"

    @cached_property
    def config(self) -> CodecConfig:
        """Sizes from the set's own files, as another set may have others."""
        sizes, tensors = self.facts["config"], load_file(self.weights)
        transformer, rvq = sizes["transformer"], sizes["rvq"]
        condition = len(tensors["cond_muencoder_emb.bias"])
        channels, bins = tensors["normfeat.sum_x"].shape
        assert transformer["in_channels"] == 3 * channels
        return CodecConfig(
            vocabulary=rvq["codebook_size"],
            code_dim=rvq["codebook_dim"],
            feature_dim=rvq["input_dim"],
            condition_dim=condition,
            latent_channels=channels,
            latent_bins=bins,
            estimator_layers=transformer["num_layers"],
            estimator_heads=transformer["num_attention_heads"],
            estimator_head_dim=transformer["attention_head_dim"],
        )

    def tags(self, prefix: str) -> list[str]:
        """What follows `prefix` in the names of cases, up to the next point."""
        return sorted({name.removeprefix(prefix).split(".")[0] for name in self.cases if name.startswith(prefix)})


def codec_golden() -> CodecGolden:
    folder = ROOT / os.environ.get("SONGBENCH_PARITY_LADABAND", "../shared/parity/ladaband")
    if not folder.is_dir():
        pytest.skip(f"golden numbers of LaDA-Band are not at {folder} (set SONGBENCH_PARITY_LADABAND)")
    return CodecGolden(folder)


SMALL = replace(
    CodecConfig(),
    vocabulary=40,
    code_dim=4,
    feature_dim=16,
    mel_bands=16,
    encoder_channels=4,
    encoder_layers=3,
    encoder_level=2,
    encoder_heads=2,
    encoder_feed_forward=24,
    encoder_kernel=5,
    condition_dim=8,
    latent_channels=4,
    latent_bins=4,
    estimator_layers=1,
    estimator_heads=2,
    estimator_head_dim=4,
    solver_steps=2,
)
SMALL_SOUND = SoundConfig(
    latent_channels=2,
    channels=2,
    multiples=(1, 2),
    residual_blocks=1,
    norm_groups=1,
    mel_bands=8,
    vocoder_channels=16,
    upsampling=(8, 6, 5, 8),
    upsampling_kernels=(8, 6, 10, 8),
    residual_kernels=(1,),
    dilations=(1,),
)


def random_parts(seed: int = 0) -> tuple[MusicEncoder, LatentFlow, SoundDecoder]:
    """Small parts whose norms have statistics and whose outputs differ from token to token."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        parts = MusicEncoder(SMALL), LatentFlow(SMALL), SoundDecoder(SMALL_SOUND)
        for part, gain in zip(parts, (2, 1, 0.7), strict=True):  # much sound would be cut off, which magnifies rounding
            for tensor in part.state_dict().values():
                if tensor.is_floating_point() and tensor.ndim > 1:
                    tensor.copy_(gain * torch.randn(tensor.shape) / math.sqrt(tensor[0].numel()))
                elif tensor.is_floating_point():
                    tensor.add_(0.1 * torch.randn(tensor.shape))
            for name, buffer in part.named_buffers():
                if name.endswith("sum_x2"):
                    buffer.square_().add_(1)
    return parts


def released_state(part: torch.nn.Module, prefix: str) -> dict[str, torch.Tensor]:
    return {f"{prefix}{name}": tensor.clone() for name, tensor in part.state_dict().items()}


def released_files(folder: Path, seed: int = 0) -> MuCodecFiles:
    """Random parts in files as they are released, with what is beside them there."""
    encoder, flow, sound = random_parts(seed)
    beside = {"zero_cond_embedding1": torch.zeros(8), "normfeat.sum_target_x2": torch.zeros(4, 4)}
    torch.save(released_state(flow, "") | beside, folder / "mucodec.pt")
    heads = {"model.linear.weight": torch.zeros(3), "model.conformer.layers.2.ffn1.x": torch.zeros(1)}
    torch.save({"args": None, "model": released_state(encoder, "model.") | heads, "cfg": {}}, folder / "muq.pt")
    diffusion = {"model.diffusion_model.x": torch.zeros(2), "first_stage_model.encoder.conv_in.bias": torch.zeros(1)}
    torch.save({"state_dict": released_state(sound, "") | diffusion, "epoch": 3}, folder / "audioldm_48k.pth")
    return MuCodecFiles.find(folder)


def save_state(state: dict[str, torch.Tensor], path: Path) -> Path:
    save_file({name: tensor.contiguous() for name, tensor in state.items()}, path)
    return path
