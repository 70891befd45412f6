"""What HeartMuLa needs: packages, its authors' library heartlib at one commit, the released weights."""

from __future__ import annotations

from songbench.resources.checkouts import Checkout
from songbench.resources.environments import Environment
from songbench.resources.weights import HubSource, WeightFile, Weights

LICENCE = "Apache-2.0"

ENVIRONMENT = Environment(
    name="heartmula",
    summary="What heartlib imports to make songs, with its own pins; torch 2.6, for which its torchao and torchtune"
    " were made.",
    requirements=(
        "torch==2.6.0",
        "torchaudio==2.6.0",
        "torchvision==0.21.0",
        "torchtune==0.4.0",
        "torchao==0.9.0",
        "transformers==4.57.0",
        "tokenizers==0.22.1",
        "einops==0.8.1",
        "accelerate==1.12.0",
        "bitsandbytes==0.49.0",
        "vector-quantize-pytorch==1.27.15",
        "numpy==2.0.2",
        "soundfile==0.13.1",
        "tqdm==4.67.1",
    ),
    licence="each package its own",
    python=">=3.10,<3.11",
    about=8_000_000_000,  # with torch for CUDA
)

CHECKOUT = Checkout(
    name="heartmula",
    summary="heartlib: HeartMuLa, HeartCodec and their program for making songs.",
    repository="HeartMuLa/heartlib",
    commit="3981c52f2cab175c6cef67e4061e92988db1bdf4",
    licence=LICENCE,
    files=("examples/run_music_generation.py", "src/heartlib/pipelines/music_generation.py"),
    about=5_000_000,
)


def _shards(count: int, about: int) -> tuple[WeightFile, ...]:
    return tuple(
        WeightFile(f"model-{n:05}-of-{count:05}.safetensors", about=about // count) for n in range(1, count + 1)
    )


def _model(name: str, summary: str, source: HubSource) -> Weights:
    return Weights(
        name=f"heartmula-{name}",
        version="1",
        summary=summary,
        licence=LICENCE,
        files=(
            WeightFile("config.json", about=1_000),
            WeightFile("model.safetensors.index.json", about=30_000),
            *_shards(4, 15_750_000_000),
        ),
        sources=(source,),
    )


GENERAL = Weights(
    name="heartmula-gen",
    version="1",
    summary="Tokenizer and settings that all releases of HeartMuLa share.",
    licence=LICENCE,
    files=(WeightFile("gen_config.json", size=101), WeightFile("tokenizer.json", size=9_085_657)),
    sources=(HubSource("HeartMuLa/HeartMuLaGen", "9906b2bcd4598772a32cad4aec0760170fe0d177"),),
)
HAPPY_NEW_YEAR = _model(
    "3b-happy-new-year",
    "The release of February 2026.",
    HubSource("HeartMuLa/HeartMuLa-oss-3B-happy-new-year", "41f6fc68490e11dc43fdabaa6b5767946408c903"),
)
RL = _model(
    "3b-rl",
    "The release of January 2026, tuned by reinforcement.",
    HubSource("HeartMuLa/HeartMuLa-RL-oss-3B-20260123", "main"),
)
CODEC = Weights(
    name="heartmula-codec",
    version="1",
    summary="HeartCodec of January 2026, which makes sound of HeartMuLa's tokens.",
    licence=LICENCE,
    files=(
        WeightFile("config.json", about=1_000),
        WeightFile("model.safetensors.index.json", about=30_000),
        WeightFile("model-00001-of-00002.safetensors", about=4_930_472_472),
        WeightFile("model-00002-of-00002.safetensors", about=1_707_911_436),
    ),
    sources=(HubSource("HeartMuLa/HeartCodec-oss-20260123", "f889dab0532cfa4bf459f2a3367eb6d346b8eeda"),),
)
