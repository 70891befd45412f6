"""Copied into an environment as sitecustomize.py: the models that DiffRhythm 2's inference.py loads are absent."""

import pathlib
import types

import absent
import gpu
import numpy
import sound
import soundfile


class Mulan(absent.Absent):
    @staticmethod
    def from_pretrained(name, cache_dir):
        return Mulan()

    def to(self, device):
        return self

    def __call__(self, texts=None, wavs=None):
        absent.note("style", texts or "audio")
        return absent.Absent()


class Decoder(absent.Absent):
    h = types.SimpleNamespace(sampling_rate=48_000)

    def identity(self, *arguments):
        return self

    to = half = identity

    def decode_audio(self, latent, **options):
        return sound.Sound(channels=1)


class AudioFile:
    def __init__(self, path, mode, rate, channels):
        self.path, self.rate = path, rate

    def __enter__(self):
        return self

    def __exit__(self, *cause):
        return None

    def write(self, samples):
        soundfile.write(self.path, numpy.asarray(samples).T, self.rate)


def phonemes(text):
    """In the place of the tokenizer: what is sung."""
    absent.note("sung", text)
    if not any(letter.isalpha() for letter in text):
        raise Exception(f"Unknown language: {text}")
    return "", [1]


def downloaded(repo_id, filename, local_dir, **options):
    """Only what lies there already."""
    path = pathlib.Path(local_dir) / filename
    if not path.is_file():
        raise FileNotFoundError(f"{path} of {repo_id} is not there")
    return str(path)


absent.replace(
    ("torch", "torchaudio", "muq", "diffrhythm2", "bigvgan", "huggingface_hub", "pedalboard", "safetensors", "g2p"),
    {
        "torch.cuda": gpu.CUDA,
        "torchaudio": {"load": lambda path: (sound.Sound(), 48_000)},
        "torchaudio.functional": {"resample": lambda audio, *rates: audio},
        "muq": {"MuQMuLan": Mulan},
        "bigvgan.model": {"Generator": lambda *paths: Decoder()},
        "huggingface_hub": {"hf_hub_download": downloaded},
        "pedalboard.io": {"AudioFile": AudioFile},
        "g2p.g2p_generation": {"chn_eng_g2p": phonemes},
    },
)
