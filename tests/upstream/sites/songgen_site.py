"""Copied into an environment as sitecustomize.py: SongGen's own processor around models that are not there.

Real are the processor with its cleaning and tokens of the lyrics, the tokenizer and the feature extractor that it loads
through transformers, and what our worker lays out for them. The language models, the codec and the separator are
absent; a song is noise.
"""

import pathlib
import types

import absent
import cpu_site


class Model:
    config = types.SimpleNamespace(sampling_rate=16_000)
    generation_config = types.SimpleNamespace(max_length=1500, temperature=1.0, top_k=50, top_p=1.0)
    tracks = 1

    @classmethod
    def from_pretrained(cls, folder, attn_implementation):
        absent.note(
            "model", [cls.__name__, attn_implementation, sorted(file.name for file in pathlib.Path(folder).iterdir())]
        )
        return cls()

    def to(self, device):
        return self

    def generate(self, input_ids, attention_mask, prompt_input_ids, prompt_attention_mask, do_sample, **settings):
        import torch

        absent.note("lyrics", prompt_input_ids[0].tolist())
        absent.note("style", input_ids[0].tolist())
        absent.note("settings", {"do_sample": do_sample, **settings})
        songs = tuple(0.3 * torch.randn(1, 8000 - number) for number in range(self.tracks))
        return songs if self.tracks > 1 else songs[0]


class Mixed(Model):
    pass


class Dual(Model):
    tracks = 2


class Codec:
    def __init__(self):
        import songgen

        place = pathlib.Path(songgen.__file__).parent / "xcodec_wrapper/xcodec_infer/ckpts/general_more"
        absent.note("codec", sorted(file.name for file in place.iterdir()))


class CodecConfig:
    model_type = "xcodec"


class Separator:
    def to(self, device):
        return self


def separator(name):
    import torch

    absent.note(
        "separator", [name, sorted(file.name for file in pathlib.Path(torch.hub.get_dir(), "checkpoints").iterdir())]
    )
    return Separator()


absent.replace(
    ("demucs", "spacy", "hangul_romanize", "num2words", "songgen.modeling_songgen_mixed",
     "songgen.modeling_songgen_dual_track", "songgen.configuration_songgen", "songgen.xcodec_wrapper"),
    {
        "demucs.pretrained": {"get_model": separator},
        "num2words": {"num2words": lambda number, **options: f"number {number}"},
        "songgen.modeling_songgen_mixed": {"SongGenMixedForConditionalGeneration": Mixed},
        "songgen.modeling_songgen_dual_track": {"SongGenDualTrackForConditionalGeneration": Dual},
        "songgen.xcodec_wrapper": {"XCodecConfig": CodecConfig, "XCodecModel": Codec},
    },
)  # fmt: skip


def allow_its_name(module):
    """Later transformers have an X-Codec of their own and refuse the name; those that SongGen is pinned to do not."""
    register = module.AutoConfig.register
    module.AutoConfig.register = staticmethod(lambda kind, config: register(kind, config, exist_ok=True))


cpu_site.after_import("transformers.models.auto.configuration_auto", allow_its_name)
