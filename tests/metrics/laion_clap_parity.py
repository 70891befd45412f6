"""laion_clap and fadtk themselves, on tokenizers and weights made here; a process of its own for test_laion_clap.py.

    python laion_clap_parity.py FOLDER

Writes into FOLDER a hub cache, a checkpoint in LAION's layout and what the packages make of ``audio.npy`` and
``texts.json``, which have to be there.
"""

import json
import os
import sys
from pathlib import Path

import numpy as np

FOLDER = Path(sys.argv[1])
os.environ |= {"HF_HOME": str(FOLDER / "hf"), "HF_HUB_OFFLINE": "1"}


def repository(name, files):
    """A repository in the hub's cache."""
    place = FOLDER / "hf" / "hub" / f"models--{name.replace('/', '--')}"
    snapshot = place / "snapshots" / ("0" * 40)
    snapshot.mkdir(parents=True)
    (place / "refs").mkdir()
    (place / "refs" / "main").write_text("0" * 40)
    for file, content in files.items():
        (snapshot / file).write_text(content)
    return snapshot


def byte_vocabulary():
    """Byte-level BPE without merges, special tokens where RoBERTa has them."""
    from transformers.models.roberta.tokenization_roberta import bytes_to_unicode

    words = ["<s>", "<pad>", "</s>", "<unk>", *sorted(bytes_to_unicode().values()), "<mask>"]
    return {word: number for number, word in enumerate(words)}


def small_towers():
    """HTSAT as LAION's base, but narrow and shallow: the code is the same, the sizes are not."""
    import clap_module.htsat as htsat

    full_size = htsat.HTSAT_Swin_Transformer.__init__

    def small(self, **sizes):
        full_size(self, **{**sizes, "embed_dim": 16, "depths": [2, 2, 3, 2], "num_heads": [1, 2, 4, 8]})

    htsat.HTSAT_Swin_Transformer.__init__ = small
    import clap_module.factory as factory

    factory._MODEL_CONFIGS["HTSAT-base"]["embed_dim"] = 128


def main():
    """Everything."""
    from songbench.resources.cpu_imports import mend_cpu_imports

    mend_cpu_imports()
    import torch
    from tiny_models import stirred
    from transformers import RobertaConfig, RobertaModel

    tokens = byte_vocabulary()
    bpe = {"vocab.json": json.dumps(tokens), "merges.txt": "#version: 0.2\n"}
    repository("bert-base-uncased", {"vocab.txt": "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\n"})
    repository("facebook/bart-base", bpe)
    config = RobertaConfig(
        vocab_size=len(tokens),
        num_hidden_layers=2,
        hidden_size=768,
        num_attention_heads=12,
        intermediate_size=96,
        max_position_embeddings=514,
        type_vocab_size=1,
        layer_norm_eps=1e-5,
    )
    roberta = repository("roberta-base", bpe)
    RobertaModel(config).save_pretrained(roberta)

    import laion_clap

    small_towers()
    torch.manual_seed(0)
    clap = laion_clap.CLAP_Module(enable_fusion=False, device="cpu", amodel="HTSAT-base")
    state = clap.model.state_dict()
    fixed = {name: one.clone() for name, one in state.items() if "extractor" in name or "attn_mask" in name}
    stirred(clap.model)
    for name, tensor in state.items():
        if name in fixed:
            tensor.copy_(fixed[name])
    state["audio_branch.bn0.running_mean"] -= 30  # log-mel spectrograms are in dB
    state["audio_branch.bn0.running_var"] *= 400
    tensors = {f"module.{name}": tensor for name, tensor in state.items()}
    tensors["module.text_branch.embeddings.position_ids"] = torch.arange(514)[None]  # as the published file has it
    torch.save({"epoch": 15, "best": np.float64(0.5), "state_dict": tensors}, FOLDER / "clap.pt")
    clap.load_ckpt(FOLDER / "clap.pt", verbose=False)

    results = {}
    with torch.no_grad():
        audio = np.load(FOLDER / "audio.npy")  # 48 kHz
        results["window"] = clap.get_audio_embedding_from_data(audio[None, :480_000])
        results["short"] = clap.get_audio_embedding_from_data(audio[None, :123_456])
        results["texts"] = clap.get_text_embedding(json.loads((FOLDER / "texts.json").read_text()))

        from fadtk.model_loader import CLAPLaionModel

        loader = CLAPLaionModel.__new__(CLAPLaionModel)  # its constructor downloads
        loader.sr, loader.device, loader.model = 48_000, torch.device("cpu"), clap
        results["fadtk"] = loader._get_embedding(np.load(FOLDER / "song.npy")).numpy()
    np.savez(FOLDER / "upstream.npz", **results)
    (FOLDER / "vocab.json").write_text(bpe["vocab.json"])
    (FOLDER / "merges.txt").write_text(bpe["merges.txt"])


main()
