"""What AnyAccomp needs: packages, its authors' code at one commit, the released weights.

Sizes and checksums are those that another project has published for this commit of the model hub.
"""

from __future__ import annotations

from songbench.plugin import Checkout
from songbench.resources.environments import Environment
from songbench.resources.weights import HubSource, WeightFile, Weights

CODE_LICENCE = "MIT by later states of its page; this one comes without a licence file"
WEIGHTS_LICENCE = "CC BY 4.0"

ENVIRONMENT = Environment(
    name="anyaccomp",
    summary="What AnyAccomp's program imports; its page, which needs more, is left out.",
    requirements=(
        "torch==2.3.1",
        "torchaudio==2.3.1",
        "torchvision==0.18.1",
        "transformers==4.47.1",
        "accelerate==1.6.0",
        "safetensors==0.6.2",
        "huggingface-hub==0.34.4",
        "numpy==1.26.4",
        "scipy==1.13.1",
        "librosa==0.11.0",
        "numba==0.60.0",
        "soundfile==0.13.1",
        "soxr==1.0.0",
        "einops==0.8.1",
        "json5==0.12.1",
        "pyworld==0.3.4",
        "pyyaml==6.0.2",
        "ruamel.yaml==0.18.15",
        "setuptools==80.9.0",  # pyworld imports pkg_resources
        "six==1.17.0",
        "tqdm==4.67.1",
    ),
    licence="each package its own",
    python=">=3.9,<3.11",
    about=7_000_000_000,  # with torch for CUDA
)

CHECKOUT = Checkout(
    name="anyaccomp",
    summary="AnyAccomp, the state of September 2025.",
    repository="AmphionTeam/AnyAccomp",
    commit="c9824a7cb4ce8b280df7c03368a8b5ab6f0384f4",
    licence=CODE_LICENCE,
    files=("infer_from_folder.py", "anyaccomp/inference_utils.py", "config/flow_matching.json", "config/vocoder.json"),
    about=40_000_000,
)

_FILES = (
    WeightFile(
        "flow_matching/pytorch_model.bin",
        "e6802bd1123935a54e990cb8d3897a18190df6c53f73db021baa28c420721129",
        880_790_586,
    ),
    WeightFile(
        "vocoder/model.safetensors",
        "1b7efd04c71c058cd00b4e9a91c761b31da745f878b7d7ee839e157104d3a7da",
        1_020_206_416,
    ),
    WeightFile("vq/pytorch_model.bin", "9d7f48cefea30602b2148c057faf14ecad168184e8063c8377dd57f208dc65fc", 177_202_134),
)
WEIGHTS = Weights(
    name="anyaccomp-release",
    version="1",
    summary="AnyAccomp: its quantiser of chromagrams, its flow matching transformer, its vocoder.",
    licence=WEIGHTS_LICENCE,
    files=_FILES,
    sources=(
        HubSource(
            "amphion/anyaccomp",
            "9aa9e62427337bf1df4caa3c4f3e6ad934522e71",
            {file.name: f"pretrained/{file.name}" for file in _FILES},
        ),
    ),
)
