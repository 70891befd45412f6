"""The environment of scorers that stand on the package muq, for code of other people that expects it importable."""

from __future__ import annotations

from songbench.resources.environments import Environment

MUQ_SCORERS = Environment(
    name="muq-scorers",
    summary="muq 0.1.0 with what Tencent's SongBench and MuQ-Eval import beside it.",
    requirements=(
        "torch==2.13.0",
        "torchaudio==2.11.0",
        "muq==0.1.0",
        "transformers==4.57.6",
        "huggingface_hub==0.36.2",
        "hydra-core==1.3.8",
        "omegaconf==2.3.1",
        "safetensors==0.8.0",
        "peft==0.18.1",
        "librosa==0.10.2.post1",
        "nnaudio==0.3.4",
        "einops==0.8.2",
        "easydict==1.14",
        "x-clip==0.14.4",
        "soundfile==0.14.0",
        "scipy==1.17.1",
        "numpy==2.3.5",
    ),
    licence="MIT (muq)",
    about=7_500_000_000,  # with torch for CUDA; 2 GB for a CPU
)
