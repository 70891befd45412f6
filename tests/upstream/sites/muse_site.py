"""Copied into an environment as sitecustomize.py: the models of Muse's program and of MuCodec are absent.

Real are Muse's program with its conversation, and MuCodec's decoding of windows that overlap. The language model
answers each section with 4 s of tokens; in the place of sound there is a tone for each window.
"""

import json
import types

import absent
import cpu_site

TOKENS_PER_SECOND, SECONDS = 25, 4
RATE = 48_000


class Tokenizer:
    @staticmethod
    def from_pretrained(path, **options):
        return Tokenizer()

    def apply_chat_template(self, history, **options):
        absent.note("turn", history[-1]["content"])
        return json.dumps(history)


class LanguageModel:
    def __init__(self, **options):
        pass

    def generate(self, texts, sampling):
        answer = "".join(f"<AUDIO_{number}>" for number in range(SECONDS * TOKENS_PER_SECOND))
        return [types.SimpleNamespace(outputs=[types.SimpleNamespace(text=answer)]) for _ in texts]


class Diffusion:
    """In the place of MuCodec's model: latents of the right shape."""

    normfeat = types.SimpleNamespace(std=1.0)

    def __init__(self, **settings):
        pass

    def load_state_dict(self, state, strict):
        pass

    def to(self, device):
        return self

    def eval(self):
        return self

    def init_device_dtype(self, device, dtype):
        pass

    def inference_codes(self, codes, speakers, latents, length, context, **options):
        import torch

        absent.note("window", [list(codes[0].shape), int(codes[0][0, 0, 0]), options["num_steps"]])
        return torch.ones(1, 32, length, 32)


class Vae:
    def eval(self):
        return self

    def to(self, device):
        return self

    def decode_first_stage(self, latent):
        return latent

    def decode_to_waveform(self, mel):
        import numpy

        time = numpy.arange(int(40.96 * RATE)) / RATE
        return numpy.stack([0.3 * numpy.sin(2 * numpy.pi * pitch * time) for pitch in (220, 330)])


absent.replace(
    ("vllm", "transformers", "diffusers", "model", "tools.get_melvaehifigan48k", "tools.torch_tools", "librosa"),
    {
        "vllm": {"LLM": LanguageModel, "SamplingParams": dict},
        "transformers": {"AutoTokenizer": Tokenizer},
        "model": {"PromptCondAudioDiffusion": Diffusion},
        "tools.get_melvaehifigan48k": {"build_pretrained_models": lambda path: (Vae(), Vae())},
    },
)
cpu_site.without_compiled_parts()
