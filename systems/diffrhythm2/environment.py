"""What DiffRhythm 2 needs: its source, packages and weights."""

from __future__ import annotations

from songbench.resources.checkouts import Checkout
from songbench.resources.environments import Environment
from songbench.resources.weights import HubSource, WeightFile, Weights

CHECKOUT = Checkout(
    name="diffrhythm2",
    summary="The program of DiffRhythm 2, without the two breakpoints that its twin at another address has.",
    repository="ASLP-lab/DiffRhythm2",
    commit="d865f3e716a90f56193f01c7df022ce14ef46f5c",
    licence="Apache-2.0",
    files=("inference.py", "g2p/g2p/vocab.json", "g2p/sources/chinese_lexicon.txt"),
    about=200_000_000,
)

ENVIRONMENT = Environment(
    name="diffrhythm2",
    summary="What DiffRhythm 2's program imports: torch 2.7, transformers 4.47.1, numpy 1.26.0, espeak-ng.",
    requirements=(
        "torch==2.7.0",
        "torchaudio==2.7.0",
        "torchdiffeq==0.2.5",
        "transformers==4.47.1",
        "cn2an==0.5.23",
        "einops==0.8.1",
        "huggingface-hub==0.31.1",
        "jedi==0.19.2",
        "jieba==0.42.1",
        "Jinja2==3.1.6",
        "librosa==0.9.2",
        "muq==0.1.0",
        "numpy==1.26.0",
        "onnx==1.17.0",
        "onnxruntime==1.23.2",
        "pykakasi==2.3.0",
        "pyopenjtalk==0.4.1",
        "pyparsing==3.2.3",
        "pypinyin==0.54.0",
        "PyYAML==6.0.2",
        "safetensors==0.5.3",
        "scipy==1.15.2",
        "pedalboard==0.9.26",
        "unidecode==1.4.0",
        "phonemizer==3.3.0",
        "espeakng-loader==0.2.4",
        "py3langid==0.2.2",  # unpinned upstream; 0.3.0 wants numpy 2, 0.4.0 breaks the import
        "inflect==7.5.0",  # imported upstream, and not required there
        "setuptools==80.9.0",  # later ones have no pkg_resources, which librosa 0.9.2 imports
    ),
    licence="of each package; phonemizer and espeak-ng are GPL-3.0",
    python=">=3.10,<3.11",
    about=8_000_000_000,
)

MODEL = Weights(
    name="diffrhythm2-model",
    version="1",
    summary="The diffusion transformer of DiffRhythm 2 and the decoder of its latents.",
    licence="Apache-2.0",
    files=(
        WeightFile("model.safetensors", about=2_300_000_000),
        WeightFile("model.json", about=1_000),
        WeightFile("decoder.bin", about=900_000_000),
        WeightFile("decoder.json", about=2_000),
    ),
    sources=(HubSource("ASLP-lab/DiffRhythm2", "main"),),
)

SHARED = ("muq-mulan-large", "muq-large-msd-iter", "xlm-roberta-base-model")
"""Weights that others use, too, by name."""

HUB = dict(zip(("OpenMuQ/MuQ-MuLan-large", "OpenMuQ/MuQ-large-msd-iter", "xlm-roberta-base"), SHARED, strict=True))
"""What the package muq asks the hub for, and the weights that answer."""
