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


def _weights(name: str, repository: str, summary: str, about: int) -> Weights:
    return Weights(
        name=name,
        version="1",
        summary=summary,
        licence=LICENCE,
        files=(WeightFile("./", about=about),),
        sources=(HubSource(f"m-a-p/{repository}", "main"),),
        restricted=True,
    )


MODEL = _weights("yue2-3b", "YuE2-3B", "YuE2-3B: the transformer that plans the score and sings it.", 8_000_000_000)
VAE = _weights("yue2-vae", "YuE2-Vae", "YuE2-Vae: its decoder for listening, the default.", 700_000_000)
VAE_LEGACY = _weights(
    "yue2-vae-legacy", "YuE2-Vae-legacy", "YuE2-Vae-legacy: the decoder behind its published scores.", 700_000_000
)
