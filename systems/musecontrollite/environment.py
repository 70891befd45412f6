"""What MuseControlLite needs: packages, its authors' code, adapters to be taken by hand, the gated base model."""

from __future__ import annotations

from songbench.plugin import Checkout
from songbench.resources.environments import Environment, InstallStep
from songbench.resources.weights import HubSource, ManualSource, WeightFile, Weights

LICENCE = "MIT"
ADAPTERS_LICENCE = "none stated beside the code's MIT"
BASE_LICENCE = "Stability AI Community licence; gated"

ENVIRONMENT = Environment(
    name="musecontrollite",
    summary="What MuseControlLite's inference imports; madmom is built from source, so a C compiler has to be there.",
    requirements=(
        "torch==2.5.1",
        "torchaudio==2.5.1",
        "torchvision==0.20.1",
        "transformers==4.46.1",
        "tokenizers==0.20.1",
        "accelerate==0.26.0",
        "huggingface-hub==0.26.2",
        "safetensors==0.4.5",
        "torchsde==0.2.6",
        "numpy==1.26.4",
        "scipy==1.14.1",
        "librosa==0.10.2.post1",
        "numba==0.60.0",
        "soundfile==0.12.1",
        "einops==0.8.0",
        "matplotlib==3.9.2",
        "mido==1.3.3",
        "tqdm==4.66.6",
        "diffusers @ git+https://github.com/fundwotsai2001/diffusers.git@1741bcc9ddd3010d72642395a49cbc38db808276",
        "cython==3.0.11",
        "setuptools==69.5.1",
        "wheel==0.43.0",
    ),
    steps=(
        InstallStep(
            ("madmom @ git+https://github.com/CPJKU/madmom.git@27f032e8947204902c675e5e341a3faf5dc86dae",),
            no_deps=True,
            no_build_isolation=True,
        ),
    ),
    licence="each package its own; madmom's models: CC BY-NC-SA 4.0",
    python=">=3.11,<3.12",
    about=8_000_000_000,  # with torch for CUDA
    restricted=True,
)

CHECKOUT = Checkout(
    name="musecontrollite",
    summary="MuseControlLite, the state of June 2025.",
    repository="fundwotsai2001/MuseControlLite",
    commit="308bec36813d2a640f0b190e9c24a1de439c3272",
    licence=LICENCE,
    files=("MuseControlLite_setup.py", "config_inference.py", "pipeline/stable_audio_multi_cfg_pipe.py"),
    about=60_000_000,
)

_FOLDERS = {"woSDD-all": 4, "40000_Melody_mono": 2, "70000_Melody_stereo": 2}
"""Folder of an adapter → how many files it has: the feature extractors, then the transformer's part."""

ADAPTERS = Weights(
    name="musecontrollite-adapters",
    version="1",
    summary="MuseControlLite's adapters for melody, dynamics and rhythm, which lie on a page for people.",
    licence=ADAPTERS_LICENCE,
    files=tuple(
        WeightFile(f"{folder}/model{f'_{number}' if number else ''}.safetensors", about=150_000_000)
        for folder, count in _FOLDERS.items()
        for number in range(count)
    ),
    sources=(
        ManualSource(
            "https://drive.google.com/drive/folders/1Q9B333jcq1czA11JKTbM-DHANJ8YqGbP",
            "run gdown --folder 1Q9B333jcq1czA11JKTbM-DHANJ8YqGbP -O FOLDER/musecontrollite-adapters (of the package"
            " gdown), see that woSDD-all and the other folders lie directly in it, then run"
            " songbench setup musecontrollite-adapters --mirror FOLDER --accept-licence",
        ),
    ),
    restricted=True,
)

BASE_REPOSITORY = "stabilityai/stable-audio-open-1.0"
BASE = Weights(
    name="stable-audio-open",
    version="1",
    summary="Stable Audio Open 1.0 in the layout of diffusers.",
    licence=BASE_LICENCE,
    files=(
        WeightFile("model_index.json", about=1_000),
        WeightFile("projection_model/", about=2_000_000),
        WeightFile("scheduler/", about=1_000),
        WeightFile("text_encoder/", about=440_000_000),
        WeightFile("tokenizer/", about=3_000_000),
        WeightFile("transformer/", about=4_300_000_000),
        WeightFile("vae/", about=630_000_000),
    ),
    sources=(
        HubSource(
            BASE_REPOSITORY,
            "main",
            note=f"gated: accept its terms on https://huggingface.co/{BASE_REPOSITORY}, then run hf auth login",
        ),
    ),
    restricted=True,
)
