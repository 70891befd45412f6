"""Writes every weight that DiffRhythm's infer.py loads, with random values and the smallest sizes it accepts.

Run by the Python of DiffRhythm's own environment, from the root of its checkout, with one argument: a folder, which
gets one folder for each hub repository, named OWNER--NAME, and the configuration that fits (diffrhythm-1b.json).
The transformer, MuQ-MuLan with both of its towers and the tokenizer are the real classes; the VAE is a TorchScript
module with the two methods that are called.
"""

import json
import sys
from pathlib import Path

import torch

FRAMES = 2048
LATENTS, HOP = 64, 2048
SIZES = {
    "dim": 64,  # the attention has 32 heads whatever "heads" says, and rotary positions need two values for each
    "depth": 1,
    "heads": 2,
    "ff_mult": 1,
    "text_dim": 512,
    "conv_layers": 0,
    "mel_dim": LATENTS,
    "text_num_embeds": 363,
}
WIDTH = 16


class Vae(torch.nn.Module):
    """Latents to sound and back by one random matrix each."""

    def __init__(self):
        super().__init__()
        self.decoder = torch.nn.Linear(LATENTS, 2 * HOP)
        self.encoder = torch.nn.Linear(2 * HOP, 2 * LATENTS)

    @torch.jit.export
    def decode_export(self, latents: torch.Tensor) -> torch.Tensor:
        """(batch, 64, frames) to (batch, 2, frames × 2048)."""
        batch, frames = latents.shape[0], latents.shape[2]
        sound = torch.tanh(self.decoder(latents.transpose(1, 2))).reshape(batch, frames, 2, 2048)
        return sound.permute(0, 2, 1, 3).reshape(batch, 2, frames * 2048)

    @torch.jit.export
    def encode_export(self, audio: torch.Tensor) -> torch.Tensor:
        """(batch, 2, frames × 2048) to (batch, 128, frames): means and scales."""
        batch, frames = audio.shape[0], audio.shape[2] // 2048
        parts = audio.reshape(batch, 2, frames, 2048).permute(0, 2, 1, 3).reshape(batch, frames, 4096)
        return self.encoder(parts).transpose(1, 2)

    def forward(self, latents: torch.Tensor) -> torch.Tensor:
        """The decoder."""
        return self.decode_export(latents)


def transformer(folder):
    """cfm_model.pt of the 95 s model."""
    from model import CFM, DiT

    model = CFM(transformer=DiT(**SIZES, max_frames=FRAMES), num_channels=LATENTS, max_frames=FRAMES)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(0, 0.2)
    torch.save({"model_state_dict": model.state_dict()}, folder / "cfm_model.pt")


def muq(folder):
    """A MuQ with the inputs and outputs of MuQ-large."""
    from muq import MuQ
    from transformers import Wav2Vec2ConformerConfig

    conformer = Wav2Vec2ConformerConfig(
        hidden_size=WIDTH,
        num_attention_heads=2,
        intermediate_size=WIDTH,
        hidden_act="swish",
        position_embeddings_type="rotary",
    )
    config = {
        "label_rate": 25,
        "features": ["melspec_2048"],
        "conv_dim": 8,
        "encoder_dim": WIDTH,
        "encoder_depth": 1,
        "codebook_size": 16,
        "use_rvq_target": True,
        "stat": {"melspec_2048_mean": 6.77, "melspec_2048_std": 18.4},
        "w2v2_config": json.loads(conformer.to_json_string(use_diff=False)),
    }
    MuQ(config).save_pretrained(folder)
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")


def xlm_roberta(folder):
    """A text model with a tokenizer that knows single characters."""
    from tokenizers import Tokenizer
    from tokenizers.models import Unigram
    from tokenizers.pre_tokenizers import Metaspace
    from tokenizers.processors import TemplateProcessing
    from transformers import XLMRobertaConfig, XLMRobertaModel, XLMRobertaTokenizerFast

    pieces = ["<s>", "<pad>", "</s>", "<unk>", "<mask>", "▁", *"abcdefghijklmnopqrstuvwxyz,"]
    tokenizer = Tokenizer(Unigram([(piece, -1.0) for piece in pieces], unk_id=3))
    tokenizer.pre_tokenizer = Metaspace()
    tokenizer.post_processor = TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    XLMRobertaTokenizerFast(tokenizer_object=tokenizer, model_max_length=512).save_pretrained(folder)
    config = XLMRobertaConfig(
        vocab_size=len(pieces),
        hidden_size=WIDTH,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=WIDTH,
        max_position_embeddings=514,
        pad_token_id=1,
        bos_token_id=0,
        eos_token_id=2,
    )
    XLMRobertaModel(config).save_pretrained(folder)


def mulan(folder, audio, text):
    """MuQ-MuLan over the two models in folders."""
    from muq import MuQMuLan

    layers = {"dim": WIDTH, "tf_depth": 1, "heads": 2, "dim_head": 8, "ff_mult": 1}
    config = {
        "mulan": {"sr": 24_000, "clip_secs": 10, "dim_latent": 512},
        "audio_model": {"name": "OpenMuQ/MuQ-large-msd-iter", "model_dim": WIDTH, "use_layer_idx": -1},
        "text_model": {"name": "xlm-roberta-base", "model_dim": WIDTH},
        "audio_transformer": layers,
        "text_transformer": {**layers, "max_seq_len": 512},
    }
    # here the towers are loaded from folders; the names in the file are those of the hub
    local = json.loads(json.dumps(config))
    local["audio_model"]["name"], local["text_model"]["name"] = str(audio), str(text)
    torch.save(MuQMuLan(local).state_dict(), folder / "pytorch_model.bin")
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")


def main(target):
    """Every file, below the folder."""
    sys.path.insert(0, ".")
    repositories = (
        "ASLP-lab/DiffRhythm-1_2",
        "ASLP-lab/DiffRhythm-vae",
        "OpenMuQ/MuQ-large-msd-iter",
        "xlm-roberta-base",
        "OpenMuQ/MuQ-MuLan-large",
    )
    folders = {name: target / name.replace("/", "--") for name in repositories}
    for folder in folders.values():
        folder.mkdir(parents=True)
    torch.manual_seed(0)
    transformer(folders["ASLP-lab/DiffRhythm-1_2"])
    torch.jit.script(Vae().eval()).save(folders["ASLP-lab/DiffRhythm-vae"] / "vae_model.pt")
    muq(folders["OpenMuQ/MuQ-large-msd-iter"])
    xlm_roberta(folders["xlm-roberta-base"])
    mulan(folders["OpenMuQ/MuQ-MuLan-large"], folders["OpenMuQ/MuQ-large-msd-iter"], folders["xlm-roberta-base"])
    (target / "diffrhythm-1b.json").write_text(json.dumps({"model_type": "diffrhythm", "model": SIZES}), "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
