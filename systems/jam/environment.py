"""What JAM needs: packages, its authors' code at one commit, the released weights."""

from __future__ import annotations

from songbench.plugin import Checkout
from songbench.resources.environments import Environment
from songbench.resources.weights import HubSource, WeightFile, Weights

CODE_LICENCE = "Project Jamify licence: no commercial use"
WEIGHTS_LICENCE = "Project Jamify licence and Stability AI Community licence: no commercial use"

ENVIRONMENT = Environment(
    name="jam",
    summary="What JAM is run with. Its authors pin transformers alone: the rest are releases of its own time.",
    requirements=(
        "torch==2.6.0",
        "torchaudio==2.6.0",
        "transformers==4.53.0",
        "diffusers==0.34.0",
        "accelerate==1.9.0",
        "safetensors==0.5.3",
        "huggingface-hub==0.33.4",
        "muq==0.1.0",
        "librosa==0.11.0",
        "numpy==1.26.4",
        "omegaconf==2.3.0",
        "torchdiffeq==0.2.5",
        "x-transformers==2.4.14",
        "webdataset==1.0.2",
        "braceexpand==0.1.7",
        "pyloudnorm==0.1.1",
        "soundfile==0.13.1",
        "tqdm==4.67.1",
        "Unidecode==1.4.0",
        "inflect==7.5.0",
        "PyYAML==6.0.2",
    ),
    licence="each package its own",
    python=">=3.10,<3.12",
    about=8_000_000_000,  # with torch for CUDA
)

CHECKOUT = Checkout(
    name="jam",
    summary="JAM 0.5, the state of August 2025, with the phonemizer that it brings as a submodule.",
    repository="declare-lab/jamify",
    commit="be6c0d2b099bae62ea5c936af1aaf15a8e339172",
    licence=CODE_LICENCE,
    files=(
        "src/jam/infer.py",
        "configs/jam_infer.yaml",
        "public/en_us_cmudict_ipa_forward.pt",
        "public/silience_latent.pt",
        "public/vocal.npy",
        "externals/DeepPhonemizer/dp/phonemizer.py",
    ),
    submodules=True,
    about=150_000_000,
    restricted=True,
)

WEIGHTS = Weights(
    name="jam-0.5",
    version="1",
    summary="JAM 0.5, 530 million parameters.",
    licence=WEIGHTS_LICENCE,
    files=(WeightFile("jam-0_5.safetensors", about=2_100_000_000),),
    sources=(HubSource("declare-lab/jam-0.5", "main"),),
    restricted=True,
)

HUB = {
    "ASLP-lab/DiffRhythm-vae": "diffrhythm-vae",
    "OpenMuQ/MuQ-MuLan-large": "muq-mulan-large",
    "OpenMuQ/MuQ-large-msd-iter": "muq-large-msd-iter",
    "xlm-roberta-base": "xlm-roberta-base-model",
}
"""What the autoencoder and the style encoder are loaded from: id on the model hub → name of the weights."""
