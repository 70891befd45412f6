"""What SongGen needs: packages, its authors' code at one commit, the released weights."""

from __future__ import annotations

from songbench.plugin import Checkout
from songbench.resources.environments import Environment
from songbench.resources.weights import HubSource, WeightFile, Weights

LICENCE = "Apache-2.0"

ENVIRONMENT = Environment(
    name="songgen",
    summary="What SongGen is run with; flash-attn and what only its training needs are left out.",
    requirements=(
        "torch==2.3.0",
        "torchaudio==2.3.0",
        "transformers==4.43.3",
        "tokenizers==0.19.1",
        "numpy==1.26.4",
        "sentencepiece==0.2.0",
        "soundfile==0.12.1",
        "librosa==0.10.2.post1",
        "descript-audio-codec==1.0.0",
        "descript-audiotools==0.7.2",
        "omegaconf==2.3.0",
        "einops==0.8.0",
        "demucs==4.0.1",
        "nnAudio==0.3.3",
        "pypinyin==0.53.0",
        "hangul-romanize==0.1.0",
        "num2words==0.5.13",
        "spacy==3.7.5",
    ),
    licence="each package its own",
    python=">=3.9,<3.12",
    about=7_000_000_000,  # with torch for CUDA
)

CHECKOUT = Checkout(
    name="songgen",
    summary="SongGen, the state of July 2025.",
    repository="LiuZH-19/SongGen",
    commit="94d2d20ca882aa55c8e0abc6154a6ac52840c781",
    licence=LICENCE,
    files=(
        "songgen/processing_songgen.py",
        "songgen/lyrics_utils/vocab.json",
        "songgen/xcodec_wrapper/xcodec_infer/ckpts/general_more/config_hubert_general.yaml",
    ),
    about=2_000_000,
)


def _repository(name: str, summary: str, repository: str, licence: str, about: int, *, restricted: bool) -> Weights:
    """All files of a repository of the hub."""
    return Weights(
        name=name,
        version="1",
        summary=summary,
        licence=licence,
        files=(WeightFile("./", about=about),),
        sources=(HubSource(repository, "main"),),
        restricted=restricted,
    )


MIXED = _repository(
    "songgen-mixed-pro",
    "SongGen Mixed Pro: voice and band as one track.",
    "LiuZH-19/SongGen_mixed_pro",
    LICENCE,
    6_500_000_000,
    restricted=False,
)
DUAL = _repository(
    "songgen-interleaving",
    "SongGen Interleaving (A-V): voice and band as two tracks.",
    "LiuZH-19/SongGen_interleaving_A_V",
    LICENCE,
    6_500_000_000,
    restricted=False,
)
CODEC = Weights(
    name="songgen-xcodec",
    version="1",
    summary="X-Codec for general audio, 16 kHz, as SongGen loads it.",
    licence="as the hub says of ZhenYe234/xcodec",
    files=(WeightFile("xcodec_hubert_general_audio_v2.pth", about=1_000_000_000),),
    sources=(HubSource("ZhenYe234/xcodec", "main"),),
)
CODEC_TEACHER = _repository(
    "songgen-hubert-general",
    "HuBERT for general audio, which X-Codec loads before its own weights.",
    "ZhenYe234/hubert_base_general_audio",
    "as the hub says of ZhenYe234/hubert_base_general_audio",
    380_000_000,
    restricted=False,
)
MERT = _repository(
    "songgen-mert-330m",
    "MERT-v1-330M with its code, which SongGen loads for reference voices, also where there is none.",
    "m-a-p/MERT-v1-330M",
    "CC BY-NC 4.0; no commercial use",
    1_270_000_000,
    restricted=True,
)

HUB = {"m-a-p/MERT-v1-330M": MERT.name, "ZhenYe234/hubert_base_general_audio": CODEC_TEACHER.name}
"""What is loaded from the hub's cache: id → name of the weights."""
