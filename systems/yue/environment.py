"""What YuE needs: packages, its authors' code at one commit, the released weights."""

from __future__ import annotations

from songbench.plugin import Checkout
from songbench.resources.environments import Environment, InstallStep
from songbench.resources.weights import HubSource, WeightFile, Weights

LICENCE = "Apache-2.0"

ENVIRONMENT = Environment(
    name="yue",
    summary="What YuE is run with. Its authors pin next to nothing: these are releases of its own time.",
    requirements=(
        "torch==2.6.0",
        "torchaudio==2.6.0",
        "transformers==4.48.3",
        "accelerate==1.3.0",
        "omegaconf==2.3.0",
        "einops==0.8.1",
        "numpy==1.26.4",
        "scipy==1.13.1",
        "sentencepiece==0.2.0",
        "soundfile==0.13.1",
        "tqdm==4.67.1",
        "tensorboard==2.19.0",
        "descript-audiotools==0.7.2",
        "descript-audio-codec==1.0.0",
        "packaging==24.2",
        "wheel==0.45.1",
        "ninja==1.11.1.3",
    ),
    steps=(
        InstallStep(("flash-attn==2.7.4.post1",), no_build_isolation=True),
    ),  # built on torch; there is no way around
    licence="each package its own",
    python=">=3.10,<3.13",
    about=9_000_000_000,  # with torch for CUDA
)

CHECKOUT = Checkout(
    name="yue",
    summary="YuE, the state of June 2025: branch YuE-v1, as the main branch has become YuE2, another program.",
    repository="multimodal-art-projection/YuE",
    commit="9f1394bae1d8d218fea750c1413c2d9d731c7310",
    licence=LICENCE,
    files=("inference/infer.py", "inference/codecmanipulator.py", "inference/mm_tokenizer_v0.2_hf/tokenizer.model"),
    about=250_000_000,
)


def _model(name: str, summary: str, repository: str, about: int) -> Weights:
    """A language model as the transformers library reads it: all that its repository holds."""
    return Weights(
        name=name,
        version="1",
        summary=summary,
        licence=LICENCE,
        files=(WeightFile("./", about=about),),
        sources=(HubSource(repository, "main"),),
    )


LANGUAGES = {"en": "en", "zh": "zh", "ja": "jp-kr", "ko": "jp-kr"}
"""Which checkpoint sings a language."""

STAGE_1 = {
    (code, kind): _model(
        f"yue-s1-7b-{code}-{kind}",
        f"YuE stage 1, 7 B, {code}, {'with' if kind == 'icl' else 'without'} a clip as prompt.",
        f"m-a-p/YuE-s1-7B-anneal-{code}-{kind}",
        12_500_000_000,
    )
    for code in ("en", "zh", "jp-kr")
    for kind in ("cot", "icl")
}
"""By checkpoint language and kind."""

EN_COT, EN_ICL = STAGE_1["en", "cot"], STAGE_1["en", "icl"]
ZH_COT, ZH_ICL = STAGE_1["zh", "cot"], STAGE_1["zh", "icl"]
JP_KR_COT, JP_KR_ICL = STAGE_1["jp-kr", "cot"], STAGE_1["jp-kr", "icl"]

STAGE_2 = _model("yue-s2-1b", "YuE stage 2, 1 B.", "m-a-p/YuE-s2-1B-general", 3_900_000_000)

CODEC = Weights(
    name="yue-xcodec-mini",
    version="1",
    summary="The codec of YuE with its decoders, and the code that they are built by.",
    licence=LICENCE,
    files=(WeightFile("./", about=2_500_000_000),),
    sources=(HubSource("m-a-p/xcodec_mini_infer", "fe781a67815ab47b4a3a5fce1e8d0a692da7e4e5"),),
)
