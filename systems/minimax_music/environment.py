"""What MiniMax Music 3 needs: packages and the released weights."""

from __future__ import annotations

from songbench.resources.environments import Environment
from songbench.resources.weights import HubSource, WeightFile, Weights

ENVIRONMENT = Environment(
    name="minimax-music",
    summary="diffusers with the pipeline of MiniMax Music 3.",
    requirements=(
        "torch==2.13.0",
        "diffusers==0.42.1",
        "transformers==5.23.0",
        "accelerate==1.15.0",
        "huggingface_hub==2.4.0",
        "tokenizers==0.23.3",
        "safetensors==0.8.0",
        "numpy==2.3.5",
        "soundfile==0.14.0",
    ),
    licence="each package its own",
    python=">=3.11,<3.13",
    about=8_000_000_000,  # with torch for CUDA
)

WEIGHTS = Weights(
    name="minimax-music-3",
    version="1",
    summary="The released model in the form that diffusers reads; the repository's other copies are left out.",
    licence="MiniMax-Music3 Community License: products show the model's name, and need a licence of their own above"
    " 20 million USD a year",
    files=(
        WeightFile("modular_model_index.json", about=4_000),
        WeightFile("language_model/", about=17_200_000_000),
        WeightFile("rvq_depth_decoder/", about=1_300_000_000),
        WeightFile("condition_encoder/", about=101_000_000),
        WeightFile("transformer/", about=9_600_000_000),
        WeightFile("scheduler/", about=1_000),
        WeightFile("tokenizer/", about=12_000_000),
        WeightFile("vocoder/", about=217_000_000),
    ),
    sources=(HubSource("MiniMaxAI/MiniMax-Music3", "fbdf52fbaaca799592917417eb05f1899f1255ec"),),
    restricted=True,
)
