"""Copied into an environment as sitecustomize.py: HeartMuLa's two Llamas, whose sizes its code fixes, are tiny ones."""

import cpu_site

SIZES = {
    "vocab_size": 64,
    "num_layers": 1,
    "num_heads": 2,
    "num_kv_heads": 1,
    "embed_dim": 32,
    "max_seq_len": 2048,
    "intermediate_dim": 32,
}


def change_sizes(module):
    for flavor in module.FLAVORS:
        module.FLAVORS[flavor] = lambda: module.llama3_2.llama3_2(**SIZES)


cpu_site.after_import("heartlib.heartmula.modeling_heartmula", change_sizes)
