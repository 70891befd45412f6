"""What ACE-Step v1 needs: packages, its authors' code at one commit, the released weights."""

from __future__ import annotations

from songbench.resources.checkouts import Checkout
from songbench.resources.environments import Environment
from songbench.resources.weights import HubSource, WeightFile, Weights

LICENCE = "Apache-2.0"

ENVIRONMENT = Environment(
    name="acestep",
    summary="What inference with ACE-Step v1 imports; its pages and its training need more, which is left out.",
    requirements=(
        "torch==2.6.0",
        "torchaudio==2.6.0",
        "torchvision==0.21.0",
        "transformers==4.50.0",
        "diffusers==0.33.1",
        "accelerate==1.6.0",
        "peft==0.15.2",
        "huggingface_hub==0.31.4",
        "numpy==2.2.6",
        "librosa==0.11.0",
        "soundfile==0.13.1",
        "loguru==0.7.3",
        "tqdm==4.67.1",
        "pypinyin==0.53.0",
        "py3langid==0.3.0",
        "hangul-romanize==0.1.0",
        "num2words==0.5.14",
        "spacy==3.8.4",
        "cutlet==0.5.0",
        "fugashi[unidic-lite]==1.4.0",
    ),
    licence="each package its own",
    python=">=3.10,<3.11",
    about=8_000_000_000,  # with torch for CUDA
)

CHECKOUT = Checkout(
    name="acestep",
    summary="ACE-Step v1: text and lyrics to songs of up to four minutes.",
    repository="ace-step/ACE-Step",
    commit="d612523f50e252c0e138e68ae75b06223f96e934",
    licence=LICENCE,
    files=("acestep/pipeline_ace_step.py", "acestep/models/lyrics_utils/vocab.json"),
    about=90_000_000,
)

WEIGHTS = Weights(
    name="acestep-v1-3.5b",
    version="1",
    summary="The released model: diffusion transformer, autoencoder, vocoder and text encoder.",
    licence=LICENCE,
    files=(
        WeightFile("ace_step_transformer/config.json", about=900),
        WeightFile(
            "ace_step_transformer/diffusion_pytorch_model.safetensors",
            "e810f16728d8a2e0d1b9c3a907aac8c9a427ce38edbd890cb3dce5ff92da5aad",
            6_611_422_728,
        ),
        WeightFile("music_dcae_f8c8/config.json", about=900),
        WeightFile(
            "music_dcae_f8c8/diffusion_pytorch_model.safetensors",
            "2b0cb469307ac50659d1880db2a99bae47d0df335cbb36853964662d4b80e8ee",
            313_646_516,
        ),
        WeightFile("music_vocoder/config.json", about=900),
        WeightFile(
            "music_vocoder/diffusion_pytorch_model.safetensors",
            "c92c9b46e28ab7b37b777780cf4308ad7ddac869636bb77aa61599358c4bc1c0",
            206_350_988,
        ),
        WeightFile("umt5-base/config.json", about=900),
        WeightFile(
            "umt5-base/model.safetensors",
            "779cec0d210b2123e21d0a9cd8128f02b4d412627355028965a8be0b241cc3b6",
            1_127_460_248,
        ),
        WeightFile(
            "umt5-base/special_tokens_map.json",
            "456b58fd240a06c743a7c2cf8008bec501240d68ebd1fc4018ea569505fea270",
            about=6_600,
        ),
        WeightFile(
            "umt5-base/tokenizer.json",
            "20a46ac256746594ed7e1e3ef733b83fbc5a6f0922aa7480eda961743de080ef",
            16_837_459,
        ),
        WeightFile("umt5-base/tokenizer_config.json", about=61_000),
    ),
    sources=(HubSource("ACE-Step/ACE-Step-v1-3.5B", "82cd0d7b6322bd28cd4e830fe675ddb6180ce36c"),),
)
