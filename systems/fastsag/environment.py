"""What FastSAG needs: packages, its authors' code, a checkpoint to be taken by hand, and two models beside it."""

from __future__ import annotations

from collections.abc import Mapping

from songbench.plugin import Checkout
from songbench.resources.environments import Environment
from songbench.resources.weights import HubSource, ManualSource, WeightFile, Weights

LICENCE = "none stated"
BIGVGAN_LICENCE = "MIT"

ENVIRONMENT = Environment(
    name="fastsag",
    summary="What FastSAG's networks import; their authors pin nothing, so these are of the time of their code.",
    requirements=(
        "torch==2.1.2",
        "torchaudio==2.1.2",
        "transformers==4.41.2",
        "diffusers==0.29.2",
        "accelerate==0.31.0",
        "huggingface-hub==0.23.4",
        "numpy==1.26.4",
        "scipy==1.11.4",
        "scikit-learn==1.3.2",
        "joblib==1.3.2",
        "librosa==0.10.2.post1",
        "soundfile==0.12.1",
        "einops==0.8.0",
        "beartype==0.18.5",
        "attrdict==2.0.1",  # does not start on Python 3.10
        "matplotlib==3.8.4",
        "setuptools==80.9.0",  # which conda brings unasked
        "tqdm==4.66.4",
    ),
    licence="each package its own",
    python=">=3.9,<3.10",
    about=6_000_000_000,  # with torch for CUDA
)

CHECKOUT = Checkout(
    name="fastsag",
    summary="FastSAG, the state of October 2024, with BigVGAN inside.",
    repository="chenjianyi/fastsag",
    commit="b98b83b9c57d9b11b70befef591005a5bb4492c3",
    licence=LICENCE,
    files=("sde_diffusion/fastsag.py", "BigVGAN/bigvgan_wrapper.py", "hubert_kmeans/model.py"),
    about=20_000_000,
    restricted=True,
)

CHECKPOINT_FILE = "fastsag.pt"
CHECKPOINT = Weights(
    name="fastsag-checkpoint",
    version="1",
    summary="FastSAG's checkpoint, which lies on a page for people.",
    licence=LICENCE,
    files=(WeightFile(CHECKPOINT_FILE, about=1_000_000_000),),
    sources=(
        ManualSource(
            "https://hkustconnect-my.sharepoint.com/:f:/g/personal/jchenil_connect_ust_hk/"
            "EjM0CpbBGC9NsEMI9iLFyVQBC3A9tDInoG-EGmDciRQqyQ?e=rqfidw",
            f"open it in a browser, download {CHECKPOINT_FILE} into FOLDER/fastsag-checkpoint, then run"
            " songbench setup fastsag-checkpoint --mirror FOLDER --accept-licence",
        ),
    ),
    restricted=True,
)


def _vocoder(name: str, repository: str, about: int) -> Weights:
    """A release of BigVGAN for 24 kHz and 100 bands."""
    return Weights(
        name=name,
        version="1",
        summary=f"BigVGAN, the release {repository}.",
        licence=BIGVGAN_LICENCE,
        files=(WeightFile("config.json", about=1_500), WeightFile("bigvgan_generator.pt", about=about)),
        sources=(HubSource(repository, "main"),),
    )


VOCODERS: Mapping[str, Weights] = {
    "v1": _vocoder("bigvgan-24khz-100band", "nvidia/bigvgan_24khz_100band", 450_000_000),
    "v2": _vocoder("bigvgan-v2-24khz-100band-256x", "nvidia/bigvgan_v2_24khz_100band_256x", 450_000_000),
}
BIGVGAN_V1, BIGVGAN_V2 = VOCODERS.values()

ENCODER = "mert-v1-95m"
ENCODER_REPOSITORY = "m-a-p/MERT-v1-95M"
