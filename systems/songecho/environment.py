"""What SongEcho needs: packages, its authors' code, three files to be taken by hand, and ACE-Step v1."""

from __future__ import annotations

from songbench.plugin import Checkout
from songbench.resources.environments import Environment
from songbench.resources.weights import ManualSource, WeightFile, Weights

LICENCE = "Apache-2.0"

ENVIRONMENT = Environment(
    name="songecho",
    summary="What SongEcho's inference imports; its pages and its training need more, which is left out.",
    requirements=(
        "torch==2.8.0",
        "torchaudio==2.8.0",
        "torchvision==0.23.0",
        "transformers==4.50.0",
        "diffusers==0.35.1",
        "accelerate==1.6.0",
        "peft==0.17.1",
        "huggingface-hub==0.34.4",
        "datasets==3.4.1",
        "safetensors==0.6.2",
        "numpy==2.2.6",
        "scipy==1.15.3",
        "librosa==0.11.0",
        "soundfile==0.13.1",
        "soxr==0.5.0.post1",
        "loguru==0.7.3",
        "tqdm==4.67.1",
        "pypinyin==0.53.0",
        "py3langid==0.3.0",
        "hangul-romanize==0.1.0",
        "num2words==0.5.14",
        "spacy==3.8.4",
        "cutlet==0.5.0",
        "fugashi[unidic-lite]==1.5.1",
        "pyworld==0.3.5",
        "pretty-midi==0.2.10",
        "pyloudnorm==0.1.1",
        "scikit-image==0.25.2",
        "webrtcvad==2.0.10",
        "pyyaml==6.0.2",
        "setuptools==80.9.0",
    ),
    licence="each package its own",
    python=">=3.10,<3.11",
    about=8_000_000_000,  # with torch for CUDA
)

CHECKOUT = Checkout(
    name="songecho",
    summary="SongEcho, the state of March 2026, with ACE-Step v1 inside.",
    repository="lsfhuihuiff/SongEcho_ICLR2026",
    commit="c6941f791b5b9c585c08453d0e7f89804df9c6cb",
    licence=LICENCE,
    files=("inference.py", "acestep/text2music_dataset.py", "metrics/utils/rmvpe/inference.py"),
    about=60_000_000,
)

MELODY_FILE, ENCODER_FILE, PITCH_FILE = "melody.pt", "melody_encoder.pt", "rmvpe_model.pt"
WEIGHTS = Weights(
    name="songecho-adapters",
    version="1",
    summary="SongEcho's adapters, its melody encoder, and RMVPE, which finds melodies; they lie on a page for people.",
    licence=LICENCE,
    files=(
        WeightFile(MELODY_FILE, about=330_000_000),
        WeightFile(ENCODER_FILE, about=1_400_000),
        WeightFile(PITCH_FILE, about=181_000_000),
    ),
    sources=(
        ManualSource(
            "https://drive.google.com/drive/folders/1aJH9EG2_zI53oIs4wGQXB6fF8AKxqbgm",
            "run gdown --folder 1aJH9EG2_zI53oIs4wGQXB6fF8AKxqbgm -O FOLDER/songecho-adapters (of the package gdown),"
            f" see that {MELODY_FILE}, {ENCODER_FILE} and {PITCH_FILE} lie directly in it, then run"
            " songbench setup songecho-adapters --mirror FOLDER",
        ),
    ),
)

BASE = "acestep-v1-3.5b"
"""ACE-Step v1, which the adapter of that name declares."""
