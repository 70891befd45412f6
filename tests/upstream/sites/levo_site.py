"""Copied into an environment as sitecustomize.py: the models that LeVo's generate.py loads are absent."""

import pathlib
import types

import absent
import gpu
import sound


class Settings(types.SimpleNamespace):
    """The checkpoint's config.yaml."""

    def keys(self):
        return vars(self).keys()


class OmegaConf:
    register_new_resolver = staticmethod(lambda name, function: None)

    @staticmethod
    def load(path):
        for file in (pathlib.Path(path), pathlib.Path(path).with_name("model.pt")):
            if not file.is_file():
                raise FileNotFoundError(file)
        return Settings(
            lm=types.SimpleNamespace(), max_dur=150, sample_rate=48_000, audio_tokenizer_checkpoint="",
            audio_tokenizer_checkpoint_sep="",
        )  # fmt: skip


class Demucs(absent.Absent):
    sources = ()

    def to(self, device):
        return self

    def separate(self, path, folder, device):
        stem = pathlib.Path(path).stem
        paths = [pathlib.Path(folder) / f"{stem}_{name}.flac" for name in ("drums", "bass", "other", "vocals")]
        for place in paths:
            place.touch()
        return [str(place) for place in paths]


def separator(settings, weights):
    for path in (settings, weights):
        if not pathlib.Path(path).is_file():
            raise FileNotFoundError(path)
    return Demucs()


class Tokenizer:
    def __init__(self, *arguments):
        pass

    def identity(self):
        return self

    eval = cuda = identity

    def encode(self, *sounds):
        return sound.Sound(), sound.Sound()


class Model:
    def __init__(self, **parts):
        pass

    def set_generation_params(self, **settings):
        absent.note("settings", settings)

    def generate(self, lyrics, descriptions, melody_wavs, **conditions):
        absent.note("song", {"lyrics": lyrics, "style": descriptions, "audio": melody_wavs is not None})
        return "tokens"

    def generate_audio(self, tokens, *prompt, **options):
        return [sound.Sound()]


absent.replace(
    ("torch", "torchaudio", "omegaconf", "codeclm", "third_party", "librosa"),
    {
        "torch": {"stack": lambda sounds, dim: sound.Sound()},
        "torch.cuda": gpu.CUDA,
        "torchaudio": {"save": sound.save, "load": lambda path: (sound.Sound(), 48_000)},
        "omegaconf": {"OmegaConf": OmegaConf},
        "codeclm.models": {"CodecLM": Model, "builders": types.SimpleNamespace(
            get_audio_tokenizer_model=Tokenizer, get_lm_model=lambda *parts, **options: absent.Absent()
        )},
        "third_party.demucs.models.pretrained": {"get_model_from_yaml": separator},
    },
)  # fmt: skip
