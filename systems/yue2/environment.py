"""What YuE2 needs: its source, packages and weights."""

from __future__ import annotations

from songbench.resources.checkouts import Checkout
from songbench.resources.environments import Environment
from songbench.resources.weights import HubSource, WeightFile, Weights

LICENCE = "CC BY-NC 4.0"

CHECKOUT = Checkout(
    name="yue2",
    summary="The package yue2-infer, whose wheel is on no index, from its repository.",
    repository="multimodal-art-projection/YuE",
    commit="08109c15730878a1acf5420b961c5a93bd36bbda",
    licence="Apache-2.0",
    files=("src/yue2/cli.py", "src/yue2/pipeline.py"),
    about=60_000_000,
)

ENVIRONMENT = Environment(
    name="yue2",
    summary="What YuE2's command line imports: torch 2.13, transformers 4.57.6, numpy 2.2.6.",
    requirements=(
        "torch==2.13.0",
        "transformers==4.57.6",
        "huggingface-hub==0.36.2",
        "safetensors==0.7.0",
        "tiktoken==0.12.0",
        "numpy==2.2.6",
        "soundfile==0.13.1",
        "accelerate==1.13.0",
    ),
    licence="of each package; the most are MIT, BSD or Apache-2.0",
    python=">=3.12,<3.13",
    about=7_000_000_000,
)


def _weights(name: str, summary: str, source: HubSource, files: tuple[WeightFile, ...]) -> Weights:
    return Weights(
        name=name,
        version="1",
        summary=summary,
        licence=LICENCE,
        files=(
            *files,
            WeightFile("config.json", about=1_000),
            WeightFile("weights_manifest.json", about=1_000),
        ),
        sources=(source,),
        restricted=True,
    )


MODEL = _weights(
    "yue2-3b",
    "YuE2-3B: the transformer that plans the score and sings it.",
    HubSource("m-a-p/YuE2-3B", "29b3558dd46954a0cd9021dc76d5c91864a0f1c7"),
    (
        WeightFile(
            "model.safetensors", "1d55c42c1a9875c34f5d736e15078449992b044e807ce2a138e6cf289a1e59e9", 7_261_441_640
        ),
        WeightFile("qwen.tiktoken", about=2_561_218),
    ),
)
VAE = _weights(
    "yue2-vae",
    "YuE2-Vae: its decoder for listening, the default.",
    HubSource("m-a-p/YuE2-Vae", "9a94e1d0ea9f8087e98f77fa88df4a4068104d2a"),
    (WeightFile("model.safetensors", "807ce9d5149fa27c5ad3e6582058469852e908f6c5acc8c8aa338e7ab7751346", 530_512_720),),
)
VAE_LEGACY = _weights(
    "yue2-vae-legacy",
    "YuE2-Vae-legacy: the decoder behind its published scores.",
    HubSource("m-a-p/YuE2-Vae-legacy", "5ddd12f79acb90d24b3a672dcd2ebf88da7c92a9"),
    (WeightFile("model.safetensors", about=530_000_000),),
)
