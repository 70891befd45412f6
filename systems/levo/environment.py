"""What LeVo needs: its source, packages and weights."""

from __future__ import annotations

from songbench.resources.checkouts import Checkout
from songbench.resources.environments import Environment, InstallStep
from songbench.resources.weights import HubSource, WeightFile, Weights
from systems.levo.releases import RELEASES, LevoRelease

LICENCE = "Tencent SongGeneration licence: academic, research and education purposes only"

CHECKOUT = Checkout(
    name="levo",
    summary="The program of LeVo, generations 1 and 2.",
    repository="tencent-ailab/SongGeneration",
    commit="b1b03ec93a38ae4a566ad8a22010f51dd49cb803",
    licence=LICENCE,
    files=("generate.py", "conf/vocab.yaml", "tools/new_auto_prompt.pt"),
    about=20_000_000,
    restricted=True,
)

ENVIRONMENT = Environment(
    name="levo",
    summary="What LeVo's program imports: torch 2.6.0, transformers 4.37.2, and hydra 1.0.7 without its dependencies.",
    requirements=(
        "torch==2.6.0",
        "torchaudio==2.6.0",
        "torchvision==0.21.0",
        "transformers==4.37.2",
        "diffusers==0.27.2",
        "huggingface-hub==0.25.2",
        "peft==0.10.0",
        "lightning==2.5.2",
        "librosa==0.11.0",
        "descript-audio-codec==1.0.0",
        "alias-free-torch==0.0.6",
        "einops==0.8.1",
        "einops-exts==0.0.4",
        "flashy==0.0.2",
        "julius==0.2.7",
        "k-diffusion==0.1.1",
        "kaldiio==2.18.1",
        "lameenc==1.8.1",
        "ninja==1.11.1.4",
        "nnAudio==0.3.3",
        "openunmix==1.3.0",
        "vector-quantize-pytorch==1.22.17",
        "wheel==0.45.1",
        "x-transformers==2.3.25",
        "numpy==1.26.4",
        "setuptools==80.9.0",  # later ones have no pkg_resources, which a dependency of k-diffusion imports
    ),
    steps=(
        InstallStep(
            (
                "antlr4-python3-runtime==4.8",
                "bitarray==3.4.3",
                "cffi==1.17.1",
                "colorama==0.4.6",
                "cython==3.1.2",
                "hydra-core==1.0.7",
                "lxml==5.4.0",
                "omegaconf==2.2.0",
                "portalocker==3.2.0",
                "pycparser==2.22",
                "sacrebleu==2.5.1",
                "tabulate==0.9.0",
            ),
            no_deps=True,  # hydra 1.0.7 says that it wants an omegaconf before 2.1
        ),
    ),
    licence="of each package; the most are MIT, BSD or Apache-2.0",
    python=">=3.10,<3.11",
    about=9_000_000_000,
)

RUNTIME = Weights(
    name="levo-runtime",
    version="1",
    summary="What all models of LeVo share: codecs, tokenizer, Demucs and the third-party code beside them.",
    licence=LICENCE,
    files=(
        WeightFile("ckpt/", about=8_000_000_000),
        WeightFile("third_party/", about=3_000_000_000),
    ),
    sources=(HubSource("lglg666/SongGeneration-Runtime", "cc258cc694a63114c61684cc26d0583b8ad777d0"),),
    restricted=True,
)


_PINNED = {
    "v2-large": (
        "115805364ad74479fb3764fe65970c92faeb1a5a",
        (
            WeightFile("config.yaml", "14a991bd7342b9dde348e6324afd44b5c6ecb1db8d0ed4d2dbe666b220b04c59", 3_352),
            WeightFile("model.pt", "dc763aa9a76a22a87597c2faf9a51c24d13349ac754699b37e9068b483639def", 12_899_965_446),
        ),
    )
}
"""Of which models the state is known: commit and files."""

_UNPINNED = ("main", (WeightFile("config.yaml", about=3_400), WeightFile("model.pt", about=13_000_000_000)))


def _weights(release: LevoRelease) -> Weights:
    commit, files = _PINNED.get(release.name, _UNPINNED)
    return Weights(
        name=release.weights,
        version="1",
        summary=f"SongGeneration-{release.name}: the language model of LeVo {release.generation}.",
        licence=LICENCE,
        files=files,
        sources=(HubSource(f"lglg666/SongGeneration-{release.name}", commit),),
        restricted=True,
    )


WEIGHTS = {name: _weights(release) for name, release in RELEASES.items()}
"""By release. Its authors ask to fetch those again that were fetched before 9 March 2026."""

BASE, BASE_NEW, BASE_FULL, LARGE, V2_LARGE = WEIGHTS.values()
