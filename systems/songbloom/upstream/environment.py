"""What the authors' own program needs: packages and code; the weights are those of our implementation."""

from __future__ import annotations

from songbench.plugin import Checkout
from songbench.resources.environments import Environment

LICENCE = "academic purposes only (Tencent)"

ENVIRONMENT = Environment(
    name="songbloom-upstream",
    summary="What the authors of SongBloom run it with.",
    requirements=(
        "torch==2.2.0",
        "torchaudio==2.2.0",
        "transformers==4.44.1",
        "huggingface-hub==0.24.6",
        "lightning==2.2.1",
        "omegaconf==2.2.0",
        "numpy==1.26.4",
        "einops==0.8.0",
        "descript-audio-codec==1.0.0",
        "vector_quantize_pytorch==1.14.8",
        "jieba-fast==0.53",
        "pypinyin==0.51.0",
        "cn2an==0.5.22",
        "wordsegment==1.3.1",
        "g2p-en==2.1.0",
        "nltk==3.8.1",
        "spacy==3.7.4",
        "num2words==0.5.13",
        "soundfile==0.13.1",  # what torchaudio 2.2 reads and writes with
    ),
    licence="each package its own",
    python=">=3.10,<3.12",
    about=7_000_000_000,  # with torch for CUDA
)

CHECKOUT = Checkout(
    name="songbloom-upstream",
    summary="SongBloom, the state of September 2025, for the 150 s models.",
    repository="Cypress-Yang/SongBloom",
    commit="397476c9d1b80cdac48cab7b0070f953942b54ca",
    licence=LICENCE,
    files=("infer.py", "SongBloom/models/songbloom/songbloom_pl.py"),
    about=30_000_000,
    restricted=True,
)

CHECKOUT_240S = Checkout(
    name="songbloom-upstream-240s",
    summary="SongBloom, the state of December 2025, for the 240 s model.",
    repository="tencent-ailab/SongBloom",
    commit="ef78022bfee6b571037d57c56152477699381d00",
    licence=LICENCE,
    files=("infer.py", "SongBloom/models/songbloom/songbloom_pl.py"),
    about=30_000_000,
    restricted=True,
)
