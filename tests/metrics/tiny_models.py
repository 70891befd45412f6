"""Random checkpoints of the real architectures, small enough for a test, placed where songbench looks for weights."""

import json
from dataclasses import replace

import numpy as np

from metrics.features.other_music import other_music
from songbench.domain.audio import Audio, MemoryAudio
from songbench.domain.hashing import file_digest
from songbench.domain.lyrics import parse_lyrics
from songbench.domain.prompt import Prompt
from songbench.domain.song import Request, Song
from songbench.resources.cpu_imports import mend_cpu_imports
from songbench.resources.sources import PINS, WeightFile
from songbench.resources.weights import folder_of


def planted(weights, **files):
    """The weights without their pins, set up with other files; names are given with ``_`` for the last dot.

    Args:
        files: bytes, or a function that writes to a path.
    """
    contents = {name[::-1].replace("_", ".", 1)[::-1]: content for name, content in files.items()}
    assert set(contents) == {file.name for file in weights.files}
    unpinned = replace(weights, files=tuple(WeightFile(file.name) for file in weights.files))
    folder = folder_of(unpinned)
    folder.mkdir(parents=True)
    for name, content in contents.items():
        if callable(content):
            content(folder / name)
        else:
            (folder / name).write_bytes(content)
    pins = {name: {"sha256": file_digest(folder / name), "size": (folder / name).stat().st_size} for name in contents}
    (folder / PINS).write_text(json.dumps({"files": pins}))
    return unpinned


def as_json(value):
    return json.dumps(value).encode()


def stirred(module, seed=0):
    """The module with random weights that are large enough for a mistake to show, and running statistics."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, tensor in module.state_dict().items():
            if not tensor.is_floating_point() or "inv_freq" in name:
                continue
            noise = torch.randn(tensor.shape, generator=generator)
            if name.endswith(("running_var", "original0", "weight_g")):
                tensor.copy_(0.5 + noise.abs())
            elif tensor.ndim > 1:
                tensor.copy_(noise * (tensor[0].numel() ** -0.5))
            else:
                tensor.add_(0.1 * noise)
    return module.eval()


def muq_config(layers=3, width=32):
    """The sizes of MuQ large, made small."""
    mend_cpu_imports()
    from transformers import Wav2Vec2ConformerConfig

    conformer = Wav2Vec2ConformerConfig(
        hidden_size=width,
        num_attention_heads=4,
        intermediate_size=48,
        hidden_act="swish",
        position_embeddings_type="rotary",
        conv_depthwise_kernel_size=31,
    )
    return {
        "label_rate": 25,
        "features": ["melspec_2048"],
        "conv_dim": 8,
        "encoder_dim": width,
        "encoder_depth": layers,
        "codebook_size": 16,
        "use_rvq_target": True,
        "stat": {"melspec_2048_mean": 6.768444971712967, "melspec_2048_std": 18.417922652295623},
        "w2v2_config": json.loads(conformer.to_json_string(use_diff=False)),
    }


def xlm_roberta(folder, width=32):
    """A small XLM-RoBERTa with a tokenizer of its own, saved as a hub would hold it.

    Returns:
        The model, and the files songbench needs, by name.
    """
    mend_cpu_imports()
    from tokenizers import Tokenizer
    from tokenizers.models import Unigram
    from tokenizers.normalizers import NFKC
    from tokenizers.pre_tokenizers import Metaspace
    from tokenizers.processors import TemplateProcessing
    from tokenizers.trainers import UnigramTrainer
    from transformers import XLMRobertaConfig, XLMRobertaModel, XLMRobertaTokenizerFast

    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    tokenizer = Tokenizer(Unigram())
    tokenizer.normalizer, tokenizer.pre_tokenizer = NFKC(), Metaspace()
    words = ["pop rock piano guitar female male vocal slow fast drums dark bright 流行 钢琴 男声"] * 4
    tokenizer.train_from_iterator(words, UnigramTrainer(vocab_size=80, special_tokens=special, unk_token="<unk>"))
    tokenizer.post_processor = TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    XLMRobertaTokenizerFast(tokenizer_object=tokenizer, model_max_length=512).save_pretrained(folder)
    config = XLMRobertaConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=width,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=48,
        max_position_embeddings=514,
        type_vocab_size=1,
        layer_norm_eps=1e-5,
        pad_token_id=1,
        bos_token_id=0,
        eos_token_id=2,
    )
    model = stirred(XLMRobertaModel(config), seed=5)
    model.save_pretrained(folder)
    names = ("config.json", "tokenizer.json", "tokenizer_config.json")
    return model, {name.replace(".", "_"): (folder / name).read_bytes() for name in names}


class Direct:
    """Features that are computed whenever they are asked for; notes the calls.

    Only the clips of other music are cached, as they are the same for every song.
    """

    cache = {}

    def __init__(self):
        self.calls = []

    def of(self, extractor, sources):
        self.calls.append([source.digest for source in sources])
        clips = {source.digest for source in other_music()}
        missing = [source for source in sources if (repr(extractor), source.digest) not in self.cache]
        features = dict(zip((source.digest for source in missing), extractor.extract(missing), strict=True))
        self.cache |= {(repr(extractor), digest): feature for digest, feature in features.items() if digest in clips}
        return [features.get(digest) or self.cache[repr(extractor), digest] for digest in self.calls[-1]]


def sound(seconds, seed=0, rate=24_000, channels=1):
    """Notes over noise, so that no two moments are alike."""
    rng = np.random.default_rng(seed)
    time = np.arange(max(1, round(seconds * rate))) / rate
    pitch = 110 * 2 ** (rng.integers(0, 36, time.size * 4 // rate + 1) / 12)
    tone = np.sin(2 * np.pi * np.cumsum(np.repeat(pitch, rate // 4 + 1)[: time.size]) / rate)
    noise = rng.standard_normal((channels, time.size))
    return MemoryAudio(Audio((0.2 * tone + 0.02 * noise).astype(np.float32), rate))


def silence(seconds=3.0, rate=24_000):
    return MemoryAudio(Audio(np.zeros((1, round(seconds * rate)), np.float32), rate))


def song_of(source, prompt_audio=None, reference=None, style="", name="p"):
    prompt = Prompt(id=name, lyrics=parse_lyrics("[verse]\nla la la"), language="en", style=style)
    return Song(
        request=Request(prompt=prompt, take=0, seed=0, prompt_audio=prompt_audio, reference=reference), source=source
    )
