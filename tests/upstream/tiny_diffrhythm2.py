"""Writes every weight that DiffRhythm 2's inference.py loads, with random values and small sizes.

Run by the Python of DiffRhythm 2's own environment, from the root of its checkout, with one argument: a folder, which
gets one folder for each hub repository, named OWNER--NAME. All classes are the real ones.
"""

import json
import sys
from pathlib import Path

import torch
from tiny_diffrhythm import mulan, muq, xlm_roberta

SIZES = {"dim": 32, "depth": 2, "heads": 2, "ff_mult": 1, "mel_dim": 64, "text_num_embeds": 600, "block_size": 10}
DECODER = {
    "in_channels": 64,
    "upsample_initial_channel": 64,
    "upsample_rates": [10, 8, 8, 5, 3],  # 5 latents a second to 48 kHz
    "upsample_kernel_sizes": [20, 16, 16, 11, 7],
    "resblock": "2",
    "resblock_kernel_sizes": [3],
    "resblock_dilation_sizes": [[1]],
    "activation": "snakebeta",
    "snake_logscale": True,
    "sampling_rate": 48_000,
}


def model(folder):
    """model.safetensors and model.json."""
    from diffrhythm2.backbones.dit import DiT
    from diffrhythm2.cfm import CFM
    from safetensors.torch import save_file

    flow = CFM(transformer=DiT(**SIZES), num_channels=SIZES["mel_dim"], block_size=SIZES["block_size"])
    with torch.no_grad():
        for parameter in flow.parameters():
            parameter.normal_(0, 0.2)
    save_file({name: tensor.clone() for name, tensor in flow.state_dict().items()}, folder / "model.safetensors")
    (folder / "model.json").write_text(json.dumps(SIZES), encoding="utf-8")


def decoder(folder):
    """decoder.bin and decoder.json."""
    from bigvgan.env import AttrDict
    from bigvgan.model import BigVGAN

    generator = BigVGAN(AttrDict(DECODER))
    with torch.no_grad():
        for parameter in generator.parameters():
            parameter.normal_(0, 0.3)
    torch.save({"generator": generator.state_dict()}, folder / "decoder.bin")
    (folder / "decoder.json").write_text(json.dumps(DECODER), encoding="utf-8")


def main(target):
    """Every file, below the folder."""
    sys.path.insert(0, ".")
    names = ("ASLP-lab--DiffRhythm2", "OpenMuQ--MuQ-large-msd-iter", "xlm-roberta-base", "OpenMuQ--MuQ-MuLan-large")
    song, audio, text, joint = (target / name for name in names)
    for folder in (song, audio, text, joint):
        folder.mkdir(parents=True)
    torch.manual_seed(0)
    model(song)
    decoder(song)
    muq(audio)
    xlm_roberta(text)
    mulan(joint, audio, text)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
