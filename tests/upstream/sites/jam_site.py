"""Copied into an environment as sitecustomize.py: JAM's own program around models that are not there.

Real are ``jam.infer`` with its configuration, its list of songs, the phonemizer's cleaning of words, the frames that
the phonemes get, the level and the cut of the sound, and the file that is written. The networks are absent: of a word
the phonemizer makes its letters, the style encoder says what it was given, and the decoder makes a second of noise more
than was asked for.
"""

import math
import types

import absent
import cpu_site

FRAMES_PER_SECOND = 44_100 / 2048
SIGNS = "abcdefghijklmnopqrstuvwxyz"


class Accelerator:
    device, is_main_process, num_processes, process_index = "cpu", True, 1, 0

    def prepare(self, *parts):
        return parts

    def unwrap_model(self, model):
        return model

    def wait_for_everyone(self):
        pass


class Model:
    """Says what it is given."""

    def __init__(self, transformer=None, max_frames=0, **settings):
        self.max_frames = max_frames

    def identity(self, *arguments, **options):
        return self

    to = eval = load_state_dict = identity

    def parameters(self):
        return iter(())

    def sample(self, text, duration_abs, steps, dual_cfg, **conditions):
        import torch

        tokens = text[0]
        absent.note("song", {"frames": text.shape[1], "phonemes": int((tokens < 62).sum()), "steps": steps,
                             "guidance": [float(strength) for strength in dual_cfg]})  # fmt: skip
        seconds = math.expm1(float(duration_abs[0]) * math.log1p(500)) + 1
        return [torch.randn(1, int(seconds * FRAMES_PER_SECOND), 64)], None


class Vae:
    def __init__(self, **options):
        pass

    def to(self, device):
        return self

    def decode(self, latents, **options):
        import torch

        sound = torch.randn(2, int(latents.shape[2] * 44_100 / FRAMES_PER_SECOND))
        return types.SimpleNamespace(sample=0.1 * sound[None])


class StyleEncoder:
    device = "cpu"

    @staticmethod
    def from_pretrained(name):
        return StyleEncoder()

    def identity(self, *arguments):
        return self

    to = eval = identity

    def __call__(self, texts=None, wavs=None):
        import torch

        absent.note("style", texts[0] if texts else list(wavs.shape))
        return torch.zeros(1, 512)


class Predictor:
    def __init__(self, **parts):
        pass

    def __call__(self, words, lang, batch_size):
        return [types.SimpleNamespace(word=word, phonemes=word.lower()) for word in words]


def change_phonemizer(module):
    """Its dictionary and its network are absent; what it does to words before it asks them is its own."""

    class Phonemizer(module.Phonemizer):
        @classmethod
        def from_checkpoint(cls, path, device):
            return cls(Predictor())

        def __call__(self, text, **options):
            absent.note("word", text)
            return super().__call__(text, **options)

    module.Phonemizer = Phonemizer


def change_tokenizer(module):
    module.create_phoneme_tokenizer = lambda path: module.SequenceTokenizer(SIGNS, ["en_us"], 1, lowercase=False)


def change_sound(module):
    import soundfile
    import torch

    def load(path):
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
        return torch.from_numpy(samples.T), rate

    def save(path, sound, rate, format):
        soundfile.write(path, sound.numpy().T, rate, format=format.upper())

    module.load, module.save = load, save


absent.replace(
    ("accelerate", "muq", "diffusers", "unidecode", "safetensors", "jam.model", "dp.model"),
    {
        "accelerate": {"Accelerator": Accelerator},
        "muq": {"MuQMuLan": StyleEncoder},
        "safetensors.torch": {"load_file": lambda path: {}},
        "jam.model": {"CFM": Model},
        "jam.model.vae": {"DiffRhythmVAE": Vae, "vae_gaussian_sample": lambda latents: latents.chunk(2, dim=1)[0]},
    },
)
cpu_site.after_import("dp.phonemizer", change_phonemizer)
cpu_site.after_import("jam.tokenizer", change_tokenizer)
cpu_site.after_import("torchaudio", change_sound)
