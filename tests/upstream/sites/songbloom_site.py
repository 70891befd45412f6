"""Copied into an environment as sitecustomize.py: the model that SongBloom's infer.py loads is absent."""

import pathlib
import types

import absent
import gpu
import sound


class OmegaConf:
    register_new_resolver = staticmethod(lambda name, function: None)
    load = staticmethod(lambda file: types.SimpleNamespace(max_dur=150, inference={}))


class Sampler:
    sample_rate = 48_000

    @staticmethod
    def build_from_trainer(settings, **options):
        return Sampler()

    def set_generation_params(self, **settings):
        pass

    def generate(self, lyrics, prompt):
        absent.note("song", {"lyrics": lyrics, "audio": True})
        return [sound.Sound()]


def downloaded(repo_id, filename, local_dir, **options):
    """Only what lies there already."""
    path = pathlib.Path(local_dir) / filename
    if not path.is_file():
        raise FileNotFoundError(f"{path} of {repo_id} is not there")
    return str(path)


absent.replace(
    ("torch", "torchaudio", "omegaconf", "huggingface_hub", "SongBloom"),
    {
        "torch.cuda": gpu.CUDA,
        "torchaudio": {"save": sound.save, "load": lambda path: (sound.Sound(), 48_000)},
        "omegaconf": {"OmegaConf": OmegaConf},
        "huggingface_hub": {"hf_hub_download": downloaded},
        "SongBloom.models.songbloom.songbloom_pl": {"SongBloom_Sampler": Sampler},
    },
)
