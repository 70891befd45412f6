"""Writes every weight that HeartMuLa's program loads, with random values and small sizes.

Run by the Python of HeartMuLa's own environment, from the root of its checkout, with one argument: a folder, which gets
the folders ``general``, ``model`` and ``codec``. All classes are the real ones.
"""

import json
import sys
from pathlib import Path

import torch


def tokenizer(path):
    """A tokenizer that knows single characters."""
    from tokenizers import Tokenizer
    from tokenizers.models import Unigram

    pieces = ["<unk>", " ", "\n", *"abcdefghijklmnopqrstuvwxyz,.'[]<>/"]
    Tokenizer(Unigram([(piece, -1.0) for piece in pieces], unk_id=0)).save(str(path))


def main(target):
    """Every file, below the folder."""
    sys.path.insert(0, "src")
    from heartlib.heartcodec.modeling_heartcodec import HeartCodec, HeartCodecConfig
    from heartlib.heartmula.modeling_heartmula import HeartMuLa, HeartMuLaConfig

    general = target / "general"
    general.mkdir(parents=True)
    (general / "gen_config.json").write_text(json.dumps({"audio_eos_id": 8193}), encoding="utf-8")
    tokenizer(general / "tokenizer.json")
    torch.manual_seed(0)
    model = HeartMuLa(HeartMuLaConfig())
    with torch.no_grad():
        model.audio_head.normal_()
        model.codebook0_head.weight[8192:].zero_()  # few songs end by themselves
    model.save_pretrained(target / "model")
    codec = HeartCodecConfig(
        attention_head_dim=8,
        num_attention_heads=2,
        num_layers=1,
        num_layers_2=1,
        init_channel=1,
    )
    HeartCodec(codec).save_pretrained(target / "codec")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
