"""What DiffRhythm 1.2 needs: packages, its authors' code at one commit, the released weights."""

from __future__ import annotations

from songbench.plugin import Checkout
from songbench.resources.environments import Environment
from songbench.resources.weights import HubSource, WeightFile, Weights

LICENCE = "Apache-2.0"

ENVIRONMENT = Environment(
    name="diffrhythm",
    summary="What DiffRhythm 1.2 is run with; what only its training needs is left out.",
    requirements=(
        "torch==2.6.0",
        "torchaudio==2.6.0",
        "transformers==4.49.0",  # its layers unpack what LlamaDecoderLayer gives, which later ones no longer give so
        "tokenizers==0.21.4",
        "huggingface_hub==0.30.2",
        "accelerate==1.4.0",
        "torchdiffeq==0.2.5",
        "x-transformers==2.1.2",
        "einx==0.3.0",
        "ema-pytorch==0.7.7",
        "wandb==0.19.11",  # imported by its trainer, which its inference imports
        "muq==0.1.0",
        "librosa==0.10.2.post1",
        "numpy==2.2.6",
        "mutagen==1.47.0",
        "pykakasi==2.3.0",
        "jieba==0.42.1",
        "cn2an==0.5.23",
        "proces==0.1.7",
        "pypinyin==0.53.0",
        "onnxruntime==1.20.1",
        "Unidecode==1.3.8",
        "phonemizer==3.3.0",
        "espeakng-loader==0.2.4",  # instead of espeak-ng from the system's packages
        "inflect==7.5.0",
        "py3langid==0.3.0",  # its authors do not pin it; 0.4.0 lacks what their language detection calls
    ),
    licence="each package its own",
    python=">=3.10,<3.11",
    about=8_000_000_000,  # with torch for CUDA
)

CHECKOUT = Checkout(
    name="diffrhythm",
    summary="DiffRhythm 1.2, the state of November 2025.",
    repository="ASLP-lab/DiffRhythm",
    commit="28ad63c0f096fe2ee258bcabbcf081d5d9366afd",
    licence=LICENCE,
    files=(
        "infer/infer.py",
        "infer/example/vocal.npy",
        "config/diffrhythm-1b.json",
        "g2p/g2p/vocab.json",
        "g2p/sources/chinese_lexicon.txt",
        "g2p/sources/g2p_chinese_model/poly_bert_model.onnx",
    ),
    about=700_000_000,
)


def _weights(name: str, summary: str, repository: str, file: str, about: int) -> Weights:
    return Weights(
        name=name,
        version="1",
        summary=summary,
        licence=LICENCE,
        files=(WeightFile(file, about=about),),
        sources=(HubSource(repository, "main"),),
    )


BASE = _weights(
    "diffrhythm-base",
    "DiffRhythm 1.2 base: songs of 95 seconds.",
    "ASLP-lab/DiffRhythm-1_2",
    "cfm_model.pt",
    2_200_000_000,
)
FULL = _weights(
    "diffrhythm-full",
    "DiffRhythm 1.2 full: songs of 96 to 285 seconds.",
    "ASLP-lab/DiffRhythm-1_2-full",
    "cfm_model.pt",
    2_200_000_000,
)
VAE = _weights(
    "diffrhythm-vae",
    "The autoencoder of DiffRhythm, as TorchScript.",
    "ASLP-lab/DiffRhythm-vae",
    "vae_model.pt",
    650_000_000,
)

TEXT_MODEL = Weights(
    name="xlm-roberta-base-model",
    version="1",
    summary="XLM-RoBERTa base with its weights, which the package muq loads before those of MuQ-MuLan.",
    licence="MIT",
    files=(
        WeightFile("config.json", about=615),
        WeightFile("tokenizer.json", about=9_100_000),
        WeightFile("tokenizer_config.json", about=25),
        WeightFile("sentencepiece.bpe.model", about=5_100_000),
        WeightFile("model.safetensors", about=1_116_000_000),
    ),
    sources=(HubSource("FacebookAI/xlm-roberta-base", "e73636d4f797dec63c3081bb6ed5c7b0bb3f2089"),),
)

HUB = {
    "ASLP-lab/DiffRhythm-1_2": BASE.name,
    "ASLP-lab/DiffRhythm-1_2-full": FULL.name,
    "ASLP-lab/DiffRhythm-vae": VAE.name,
    "OpenMuQ/MuQ-MuLan-large": "muq-mulan-large",
    "OpenMuQ/MuQ-large-msd-iter": "muq-large-msd-iter",
    "xlm-roberta-base": TEXT_MODEL.name,
}
"""What the program loads: id on the model hub → name of the weights."""
