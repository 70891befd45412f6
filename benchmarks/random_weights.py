"""Random weights of the published sizes, for measuring models whose real weights are not here.

The arithmetic is the same. Sizes are those of the published configurations, as far as the tensors that are heard go:
parts that only training uses, and CLaMP 3's encoder for sheet music, are left out. Tokenizers know a handful of words;
the tables behind them have all their rows.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Collection, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

from metrics.features.mert import RATE
from metrics.features.songformer import MUSICFM_SIZES
from songbench.resources import weights
from songbench.resources.cpu_imports import mend_cpu_imports
from songbench.resources.weights import Weights

MERT_PREPARATION = {
    "feature_extractor_type": "Wav2Vec2FeatureExtractor",
    "do_normalize": True,
    "sampling_rate": RATE,
}

_SPECTROGRAM_STATISTICS = {"melspec_2048_mean": 6.768444971712967, "melspec_2048_std": 18.417922652295623}

_AUDIOBOX = {
    "proj_num_layer": 5,
    "proj_ln": True,
    "proj_act_fn": "gelu",
    "proj_dropout": 0.0,
    "nth_layer": 13,
    "use_weighted_layer_sum": True,
    "precision": "32",
    "normalize_embed": True,
    "output_dim": 1,
    "target_transform": {
        "CE": {"mean": 5.06865, "std": 1.93029},
        "CU": {"mean": 5.73633, "std": 1.75669},
        "PC": {"mean": 3.18591, "std": 1.86637},
        "PQ": {"mean": 6.57505, "std": 1.51466},
    },
}

_MULAN_TRANSFORMER = {"dim": 768, "tf_depth": 8, "heads": 8, "dim_head": 64}
_MULAN = {  # the package's defaults, which make the 700 million numbers its page names
    "mulan": {"sr": 24_000, "clip_secs": 10, "dim_latent": 512},
    "audio_model": {"name": "OpenMuQ/MuQ-large-msd-iter", "model_dim": 1024, "use_layer_idx": -1},
    "text_model": {"name": "xlm-roberta-base", "model_dim": None, "use_layer_idx": -1},
    "audio_transformer": _MULAN_TRANSFORMER,
    "text_transformer": {**_MULAN_TRANSFORMER, "max_seq_len": 1024},
}

_XLM_ROBERTA_BASE = {
    "vocab_size": 250_002,
    "hidden_size": 768,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "intermediate_size": 3072,
    "max_position_embeddings": 514,
    "type_vocab_size": 1,
    "layer_norm_eps": 1e-5,
    "pad_token_id": 1,
    "bos_token_id": 0,
    "eos_token_id": 2,
}

_WHISPER_LARGE_V3 = {
    "vocab_size": 51_866,
    "num_mel_bins": 128,
    "d_model": 1280,
    "encoder_layers": 32,
    "decoder_layers": 32,
    "encoder_attention_heads": 20,
    "decoder_attention_heads": 20,
    "encoder_ffn_dim": 5120,
    "decoder_ffn_dim": 5120,
    "max_source_positions": 1500,
    "max_target_positions": 448,
}

_WHISPER_TOKENS = {
    50257: "<|endoftext|>",
    50258: "<|startoftranscript|>",
    50259: "<|en|>",
    50360: "<|transcribe|>",
    50364: "<|notimestamps|>",
}
"""Those of large-v3 that CTranslate2 looks for."""


class StandIns:
    """Random weights in place of those that are not here; published ones come first."""

    def __init__(self, scratch: Path) -> None:
        self._scratch = scratch
        self._folders: dict[str, Path] = {}
        self._look_up = weights.path

    def published(self, entry: Weights) -> bool:
        """Whether the real ones are here."""
        return self._look_up(entry) is not None

    def path(self, entry: Weights) -> Path | None:
        """What `songbench.resources.weights.path` is to answer while these stand in."""
        return self._look_up(entry) or self._folders.get(entry.name)

    def stand_in(self, entry: Weights) -> None:
        """Make random weights, unless they have been made or there is no way to."""
        if entry.name in MAKERS and entry.name not in self._folders:
            folder = self._scratch / entry.name
            folder.mkdir(parents=True)
            MAKERS[entry.name](folder)
            size = sum(file.stat().st_size for file in folder.iterdir())
            print(f"made {entry.name}: {weights.in_words(size)} (published: {weights.in_words(entry.size)})")
            self._folders[entry.name] = folder

    def keep_only(self, names: Collection[str]) -> None:
        """Delete what is not needed any more."""
        for name in set(self._folders) - set(names):
            shutil.rmtree(self._folders.pop(name))


def mert(folder: Path) -> None:
    """MERT-v1-95M: a HuBERT of base size."""
    torch = _torch()
    from transformers import HubertConfig, HubertModel

    config = HubertConfig()
    model = HubertModel(config)
    with torch.no_grad():
        for name, tensor in model.named_parameters():
            if "norm" in name or tensor.ndim > 1:
                tensor.add_(torch.randn_like(tensor), alpha=0.02)
    torch.save(model.state_dict(), folder / "pytorch_model.bin")
    _write(folder / "config.json", config.to_dict())
    _write(folder / "preprocessor_config.json", MERT_PREPARATION)


def htdemucs(folder: Path) -> None:
    """HTDemucs v4, one model for four stems, in half precision as it is published."""
    torch = _torch()
    from demucs.htdemucs import HTDemucs

    from metrics.features.demucs_stems import HTDEMUCS_TORCH

    stems = ["drums", "bass", "other", "vocals"]
    model = HTDemucs(stems, bottom_channels=512, dconv_mode=3, segment=Fraction(39, 5))
    args, kwargs = model._init_args_kwargs
    state = {name: tensor.half() for name, tensor in model.state_dict().items()}
    package = {"klass": HTDemucs, "args": args, "kwargs": kwargs, "state": state}
    torch.save(package, folder / HTDEMUCS_TORCH.files[0].name)


def audiobox(folder: Path) -> None:
    """Audiobox Aesthetics: WavLM base and four heads."""
    _torch()
    from audiobox_aesthetics.model.aes import AesMultiOutput
    from safetensors.torch import save_file

    model = AesMultiOutput(**_AUDIOBOX)
    save_file({name: one.contiguous() for name, one in model.state_dict().items()}, folder / "model.safetensors")
    _write(folder / "config.json", _AUDIOBOX)


def muq_sizes(folder: Path) -> None:
    """The configuration of MuQ large."""
    _torch()
    from transformers import Wav2Vec2ConformerConfig

    build: Any = Wav2Vec2ConformerConfig
    inner = json.loads(build(**MUSICFM_SIZES["w2v2_config"]).to_json_string(use_diff=False))
    sizes = {**MUSICFM_SIZES, "label_rate": 25, "stat": _SPECTROGRAM_STATISTICS, "w2v2_config": inner}
    _write(folder / "config.json", sizes)


def muq(folder: Path) -> None:
    """MuQ large."""
    from safetensors.torch import save_file

    muq_sizes(folder)
    save_file(_muq_state(folder), folder / "model.safetensors")


def musicfm(folder: Path) -> None:
    """MusicFM, whose network is MuQ's."""
    torch = _torch()
    muq_sizes(folder)
    torch.save({"state_dict": _muq_state(folder)}, folder / "pretrained_msd.pt")
    _write(folder / "msd_stats.json", _SPECTROGRAM_STATISTICS)


def _muq_state(folder: Path) -> dict[str, Any]:
    from metrics.features.muq import build_muq

    model = build_muq(json.loads((folder / "config.json").read_text()))
    return {name: tensor.contiguous() for name, tensor in model.state_dict().items()}


def xlm_roberta(folder: Path) -> None:
    """Sizes of XLM-RoBERTa base, and a tokenizer that gives one token a word."""
    from tokenizers import Tokenizer  # type: ignore[import-untyped]
    from tokenizers.models import WordLevel  # type: ignore[import-untyped]
    from tokenizers.pre_tokenizers import Whitespace  # type: ignore[import-untyped]
    from tokenizers.processors import TemplateProcessing  # type: ignore[import-untyped]
    from transformers import XLMRobertaTokenizerFast

    words = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")
    tokenizer = Tokenizer(WordLevel({word: i for i, word in enumerate(words)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.post_processor = TemplateProcessing(single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)])
    XLMRobertaTokenizerFast(tokenizer_object=tokenizer, model_max_length=512).save_pretrained(folder)
    _write(folder / "config.json", _XLM_ROBERTA_BASE)


def muq_mulan(folder: Path) -> None:
    """MuQ-MuLan large."""
    torch = _torch()
    from metrics.features.muq_mulan import _build

    parts = folder / "parts"
    parts.mkdir()
    muq_sizes(parts)
    model_sizes = parts / "text"
    model_sizes.mkdir()
    _write(model_sizes / "config.json", _XLM_ROBERTA_BASE)
    torch.save(_build(_MULAN, parts, model_sizes).state_dict(), folder / "pytorch_model.bin")
    shutil.rmtree(parts)
    _write(folder / "config.json", _MULAN)


def songeval(folder: Path) -> None:
    """SongEval's head: 1024 to 4096 and back, four attentions, five ratings."""
    torch = _torch()
    from safetensors.torch import save_file

    width, hidden = 1024, 4096
    shapes = {"ffd.0.weight": (hidden, width), "ffd.2.weight": (width, hidden), "fc.weight": (5, 2 * width)}
    for i in range(4):
        shapes |= {f"attn.{i}.in_proj_weight": (3 * width, width), f"attn.{i}.out_proj.weight": (width, width)}
    state = {}
    for name, shape in shapes.items():
        state[name] = torch.randn(shape) / shape[1] ** 0.5
        state[name.replace("weight", "bias")] = torch.zeros(shape[0])
    save_file(state, folder / "model.safetensors")


def clamp3(folder: Path) -> None:
    """CLaMP 3 for audio: a BERT of 12 layers over 128 vectors, and XLM-RoBERTa base."""
    torch = _torch()
    from transformers import BertConfig, BertModel, XLMRobertaConfig, XLMRobertaModel

    from metrics.features.clamp3_encoder import CLAMP3

    parts = {
        "audio_model": BertModel(BertConfig(vocab_size=1, max_position_embeddings=128)),
        "audio_proj": torch.nn.Linear(768, 768),
        "text_model": XLMRobertaModel(XLMRobertaConfig(**_XLM_ROBERTA_BASE)),
        "text_proj": torch.nn.Linear(768, 768),
    }
    torch.save({"model": torch.nn.ModuleDict(parts).state_dict()}, folder / CLAMP3.files[0].name)


def allin1(folder: Path) -> None:
    """All-In-One's eight folds."""
    torch = _torch()
    from metrics.features.allin1 import ALLIN1
    from metrics.features.allin1_network import _ARCHITECTURE, AllInOneNetwork

    for file in ALLIN1.files:
        checkpoint = {"config": dict(_ARCHITECTURE), "state_dict": AllInOneNetwork().state_dict()}
        torch.save(checkpoint, folder / file.name)


def songformer(folder: Path) -> None:
    """SongFormer's own network."""
    torch = _torch()
    from safetensors.torch import save_file

    from metrics.features.songformer_network import SongFormerNetwork

    network = SongFormerNetwork()
    network.frequencies.copy_(1 / 10_000 ** (torch.arange(0, 32, 2) / 32))
    save_file(network.state_dict(), folder / "SongFormer.safetensors")


def whisper_large_v3(folder: Path) -> None:
    """Whisper large-v3 in CTranslate2's format and half precision, without a tokenizer; 1.5 billion numbers."""
    torch = _torch()
    from ctranslate2.converters.transformers import WhisperLoader
    from transformers import WhisperConfig, WhisperForConditionalGeneration
    from transformers.modeling_utils import no_init_weights

    torch.set_default_dtype(torch.float16)
    try:
        with no_init_weights():
            model = WhisperForConditionalGeneration(WhisperConfig(**_WHISPER_LARGE_V3)).eval()
        with torch.no_grad():
            for name, tensor in model.named_parameters():
                if tensor.ndim > 1:
                    tensor.normal_(std=0.02)
                else:
                    tensor.fill_(float("norm.weight" in name))
        model.tie_weights()
        spec = WhisperLoader().get_model_spec(model)
    finally:
        torch.set_default_dtype(torch.float32)
    spec.register_vocabulary([_WHISPER_TOKENS.get(i, f"<{i}>") for i in range(_WHISPER_LARGE_V3["vocab_size"])])
    spec.validate()
    spec.save(str(folder))


MAKERS: Mapping[str, Callable[[Path], None]] = {
    "mert-v1-95m": mert,
    "htdemucs-torch": htdemucs,
    "audiobox-aesthetics": audiobox,
    "muq-large-msd-iter": muq,
    "muq-sizes": muq_sizes,
    "musicfm": musicfm,
    "muq-mulan-large": muq_mulan,
    "xlm-roberta-base": xlm_roberta,
    "songeval": songeval,
    "clamp3-saas": clamp3,
    "allin1": allin1,
    "songformer": songformer,
}
"""What makes which weights, by name; `whisper_large_v3` has no tokenizer, so it cannot stand in."""


def _torch() -> Any:
    mend_cpu_imports()
    import torch

    torch.manual_seed(0)
    return torch


def _write(path: Path, content: object) -> None:
    path.write_text(json.dumps(content))
