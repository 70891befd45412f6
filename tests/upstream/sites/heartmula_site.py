"""Copied into an environment as sitecustomize.py: the models that HeartMuLa's script loads are absent."""

import types

import absent
import gpu
import sound


class Tokenizer:
    @staticmethod
    def from_file(path):
        absent.note("tokenizer", path)
        return Tokenizer()

    def encode(self, text):
        absent.note("text", text)
        return types.SimpleNamespace(ids=[1, 2, 3])


class Codec:
    @staticmethod
    def from_pretrained(path, **options):
        return Codec()

    def detokenize(self, frames):
        return sound.Sound()


absent.replace(
    ("torch", "torchaudio", "tokenizers", "heartlib.heartmula", "heartlib.heartcodec",
     "heartlib.pipelines.lyrics_transcription"),
    {
        "torch.cuda": gpu.CUDA,
        "torchaudio": {"save": sound.save},
        "tokenizers": {"Tokenizer": Tokenizer},
        "heartlib.heartcodec.modeling_heartcodec": {"HeartCodec": Codec},
    },
)  # fmt: skip
