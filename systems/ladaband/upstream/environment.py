"""What the authors' own program needs: packages, code, the gated checkpoint, and the models around it."""

from __future__ import annotations

from songbench.plugin import Checkout
from songbench.resources.environments import Environment
from songbench.resources.weights import HubSource, WeightFile, Weights

CODE_LICENCE = "none stated"
WEIGHTS_LICENCE = "gated; for research, by the terms of its page on the hub"

ENVIRONMENT = Environment(
    name="ladaband-upstream",
    summary="What the authors of LaDA-Band run it with; only a CUDA device will do.",
    requirements=(
        "torch==2.8.0",
        "torchaudio==2.8.0",
        "torchvision==0.23.0",
        "numpy==2.1.3",
        "scipy==1.18.0",
        "soundfile==0.13.1",
        "av==16.0.1",
        "librosa==0.10.2.post1",
        "audioread==3.1.0",
        "pydub==0.25.1",
        "julius==0.2.7",
        "encodec==0.1.1",
        "nnaudio==0.3.4",
        "transformers==4.57.1",
        "huggingface-hub==0.35.3",
        "tokenizers==0.22.1",
        "sentencepiece==0.2.1",
        "accelerate==1.10.1",
        "diffusers==0.38.0",
        "omegaconf==2.3.0",
        "hydra-core==1.3.2",
        "antlr4-python3-runtime==4.9.3",
        "pyyaml==6.0.3",
        "lightning==2.6.5",
        "pytorch-lightning==2.6.1",
        "torchmetrics==1.9.0",
        "fairseq-fixed==0.12.3.1",
        "xformers==0.0.32.post1",
        "einops==0.8.1",
        "einx==0.4.3",
        "vector-quantize-pytorch==1.29.1",
        "rotary-embedding-torch==0.8.9",
        "gateloop-transformer==0.2.5",
        "x-clip==0.14.4",
        "beartype==0.22.9",
        "lion-pytorch==0.2.4",
        "scikit-learn==1.8.0",
        "kaldiio==2.18.1",
        "prodict==0.8.22",
        "unidecode==1.4.0",
        "requests==2.32.5",
        "setuptools==80.9.0",  # which conda brings unasked
        "tqdm==4.67.1",
    ),
    licence="each package its own",
    python=">=3.12,<3.13",
    about=9_000_000_000,  # with torch for CUDA
)

CHECKOUT = Checkout(
    name="ladaband-upstream",
    summary="LaDA-Band, the state of July 2026, with the MuCodec and CLaMP 3 that it was released with.",
    repository="Duoluoluos/TME-LaDA-Band",
    commit="e4ff7918454d96912b366ef8e12e792b0066c1c6",
    licence=CODE_LICENCE,
    files=("codes/infer.py", "codes/lada_band/conf/infer_1B.yaml", "codes/MuCodec/generate.py"),
    about=60_000_000,
    restricted=True,
)

CHECKPOINT_FILE = "lada_band_lm1B_total3B.ckpt"
CHECKPOINT = Weights(
    name="ladaband-1b",
    version="1",
    summary="The released checkpoint of LaDA-Band's predictor.",
    licence=WEIGHTS_LICENCE,
    files=(WeightFile(CHECKPOINT_FILE, about=4_200_000_000),),
    sources=(
        HubSource(
            "sDuoluoluos/LaDA-Band",
            "main",
            note="gated: ask for access on https://huggingface.co/sDuoluoluos/LaDA-Band, then run hf auth login",
        ),
    ),
    restricted=True,
)

WEIGHTS = (
    *("mert-v1-95m", "mert-v1-95m-code", "clamp3-saas", "xlm-roberta-base-model"),
    *("muse-codec", "muse-audioldm"),
)
"""The models around the predictor, which others declare: MERT, CLaMP 3 and its text model, MuCodec and its vocoder."""

PRETRAINED = "pretrained"
_CLAMP3_FILE = (
    "weights_clamp3_saas_h_size_768_t_model_FacebookAI_xlm-roberta-base_t_length_128_a_size_768_a_layers_12"
    "_a_length_128_s_size_768_s_layers_12_p_size_64_p_length_512.pth"
)
LINKS = {
    f"{PRETRAINED}/checkpoint": CHECKPOINT.name,
    f"{PRETRAINED}/MERT-v1-95M": "mert-v1-95m",
    **{
        f"{PRETRAINED}/MERT-v1-95M/{file}": f"mert-v1-95m-code/{file}"
        for file in ("configuration_MERT.py", "modeling_MERT.py")
    },
    f"{PRETRAINED}/clamp3/{_CLAMP3_FILE}": "clamp3-saas/clamp3_saas.pth",
    **{f"{PRETRAINED}/mucodec/{file}": f"muse-codec/{file}" for file in ("mucodec.pt", "muq.pt")},
    f"{PRETRAINED}/mucodec/audioldm_48k.pth": "muse-audioldm/audioldm_48k.pth",
}
"""Where the program looks for files below its folder of models."""

HUB = {"FacebookAI/xlm-roberta-base": "xlm-roberta-base-model", "xlm-roberta-base": "xlm-roberta-base-model"}
"""What it loads from the hub's cache by name: id → name of the weights."""
