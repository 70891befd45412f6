"""Copied into an environment as sitecustomize.py: the models that YuE's infer.py loads are absent.

The program is followed until it would begin to generate: by then it has read its files and cut the lyrics.
"""

import types

import absent
import gpu


class OmegaConf:
    load = staticmethod(
        lambda path: types.SimpleNamespace(generator=types.SimpleNamespace(name="SoundStream", config={}))
    )


def progress(texts, desc):
    """The first text is the header, the others are the sections that are about to be generated."""
    absent.note("genre", texts[0].partition("[Genre] ")[2].partition("\n")[0])
    absent.note("sections", texts[1:])
    raise SystemExit(0)


absent.replace(
    (
        "torch", "torchaudio", "einops", "transformers", "omegaconf", "tqdm", "soundfile", "codecmanipulator",
        "mmtokenizer", "models", "vocoder", "post_process_audio",
    ),
    {
        "torch": {"__version__": "2.6.0"},
        "torch.cuda": gpu.CUDA,
        "omegaconf": {"OmegaConf": OmegaConf},
        "tqdm": {"tqdm": progress},
    },
)  # fmt: skip
