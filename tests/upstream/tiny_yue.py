"""Writes everything that YuE v1's infer.py loads beside its own code, with random values and the smallest sizes.

Run by the Python of YuE's own environment with one argument: a folder, which gets one folder for each hub repository,
named OWNER--NAME. Both language models are the real class with the real vocabulary; their weights favour the tokens
that a trained model would choose, as the program accepts no others. The repository of the codec holds code as well,
which stands here for the real one: three modules with the functions that infer.py calls.
"""

import sys
from pathlib import Path

import torch

VOCABULARY = 83_840
FIRST_CODE, CODES = 45_334, 1024
WIDTH = 16

SOUNDSTREAM = '''
import torch


class SoundStream(torch.nn.Module):
    """50 frames a second; a frame of 320 samples is a short tone of its first code."""

    def __init__(self, frame):
        super().__init__()
        self.level = torch.nn.Parameter(torch.zeros(1))
        self.frame = frame

    def encode(self, audio, target_bw):
        frames = audio.shape[-1] // self.frame
        return (audio[..., : frames * self.frame].reshape(1, 1, frames, -1).abs().mean(-1) * 1000).long().clamp(0, 1023)

    def decode(self, codes):
        pitches = codes[0].remainder(1024).float().repeat_interleave(self.frame, dim=-1) / 1024
        return (0.3 * self.level * torch.sin(torch.cumsum(pitches, dim=-1)))[None]
'''

VOCODER = """
import numpy as np
import soundfile
import torch


def build_codec_model(config_path, vocal_decoder_path, inst_decoder_path):
    return [torch.load(path) for path in (vocal_decoder_path, inst_decoder_path)]


def process_audio(codes, path, rescale, args, decoder, codec_model):
    codes = torch.as_tensor(np.load(codes).astype(np.int16), dtype=torch.long)[:, None]
    with torch.no_grad():
        sound = codec_model.decode(codes)[0] * decoder["level"]
    sound = torch.nn.functional.interpolate(sound[None], scale_factor=44_100 / 16_000)[0]
    soundfile.write(path, sound.T.numpy(), 44_100)
    return sound
"""

POST_PROCESSING = """
import soundfile


def replace_low_freq_with_energy_matched(a_file, b_file, c_file, cutoff_freq):
    soundfile.info(a_file)
    soundfile.write(c_file, *soundfile.read(b_file))
"""


def language_model(folder):
    """A model that nearly always chooses a code of the first codebook."""
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=WIDTH,
        intermediate_size=WIDTH,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=16_384,
        tie_word_embeddings=False,
    )
    model = LlamaForCausalLM(config).to(torch.bfloat16)
    with torch.no_grad():
        model.model.embed_tokens.weight[:, 0] = 4.0  # the same for every token, so that it is there in every state
        model.lm_head.weight[:, 0] = -8.0
        model.lm_head.weight[FIRST_CODE : FIRST_CODE + CODES, 0] = 8.0
    model.save_pretrained(folder)


def codec(folder):
    """The clone with the codec, its vocoders and the code that loads them."""
    files = {
        "models/__init__.py": "",
        "models/soundstream_hubert_new.py": SOUNDSTREAM,
        "vocoder.py": VOCODER,
        "post_process_audio.py": POST_PROCESSING,
        "final_ckpt/config.yaml": "generator:\n  name: SoundStream\n  config:\n    frame: 320\n",
        "decoders/config.yaml": "{}\n",
    }
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    torch.save({"codec_model": {"level": torch.ones(1)}}, folder / "final_ckpt" / "ckpt_00360000.pth")
    for number in (131_000, 151_000):
        torch.save({"level": torch.tensor(0.9)}, folder / "decoders" / f"decoder_{number}.pth")


def main(target):
    """Every file, below the folder."""
    torch.manual_seed(0)
    for name in (*(f"YuE-s1-7B-anneal-{kind}" for kind in ("en-cot", "zh-cot", "en-icl")), "YuE-s2-1B-general"):
        language_model(target / f"m-a-p--{name}")
    codec(target / "m-a-p--xcodec_mini_infer")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
