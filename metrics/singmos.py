"""SingMOS-Pro (arXiv 2510.01812): how natural people would find a singing voice."""

from __future__ import annotations

from dataclasses import replace

from metrics.features.separation import HTDEMUCS
from metrics.isolated_ratings import SCRIPTS, IsolatedRatings
from metrics.song_inputs import separated_by_onnx, vocal_stems
from songbench.plugin import Field, MetricCard, Procedure
from songbench.resources.checkouts import Checkout
from songbench.resources.environments import Environment
from songbench.resources.weights import HubSource, UrlSource, WeightFile, Weights

SINGMOS_ENVIRONMENT = Environment(
    name="singmos",
    summary="s3prl 0.4.18, on which SingMOS stands, with a torch of its time.",
    requirements=(
        "torch==2.5.1",
        "torchaudio==2.5.1",
        "s3prl==0.4.18",
        "librosa==0.10.2.post1",
        "soundfile==0.13.1",
        "scipy==1.13.1",
        "numpy==1.26.4",
        "setuptools==80.9.0",
    ),
    licence="Apache-2.0 (s3prl)",
    about=6_500_000_000,
)

SINGMOS = Checkout(
    name="singmos",
    summary="SingMOS: the predictor of ratings of singing.",
    repository="South-Twilight/SingMOS",
    commit="1554e8685967498fbe56f1651286c853de5c1644",
    licence="MIT",
    files=("hubconf.py", "singmos/ssl_mos/singmos_pro.py"),
    about=1_000_000,
)

SINGMOS_PRO = Weights(
    name="singmos-pro",
    version="1",
    summary="SingMOS-Pro's checkpoint, with its tuned wav2vec 2.0.",
    licence="MIT",
    files=(WeightFile("ft_wav2vec2_large_ll60k_mdf_p1_200epochs_all_192epochs.pth", about=1_270_000_000),),
    sources=(UrlSource("https://github.com/South-Twilight/SingMOS/releases/download/ckpt_v3"),),
)

WAV2VEC2_LARGE = Weights(
    name="wav2vec2-large-ll60k",
    version="1",
    summary="wav2vec 2.0 large as s3prl keeps it; SingMOS takes its sizes from it.",
    licence="MIT",
    files=(WeightFile("wav2vec_vox_new.pt", about=1_270_000_000),),
    sources=(HubSource("s3prl/converted_ckpts", "main"),),
)

_NEEDS = (SINGMOS_ENVIRONMENT.name, SINGMOS.name, SINGMOS_PRO.name, WAV2VEC2_LARGE.name)

STEM_CARD = MetricCard(
    name="singmos",
    backend="pro-stem",
    version="1",
    fields=(
        Field(
            "singmos",
            direction="higher",
            low=1.0,
            high=5.0,
            decimals=2,
            description="Predicted mean rating of the voice, 1 to 5, the mean over the windows in which it sings.",
        ),
    ),
    summary="How natural the system's own vocal stem sounds, as SingMOS-Pro predicts listeners' ratings.",
    limits=(
        "Only for systems that give a vocal stem. Learnt from single phrases in Mandarin and Japanese by synthesisers"
        " and voice converters; other languages, choirs and rap are outside of that. It does not know the lyrics or the"
        " band, so a wrong note in a clean voice costs little."
    ),
    citation="Tang et al., SingMOS-Pro, arXiv 2510.01812",
    licence="MIT (SingMOS, wav2vec 2.0)",
    needs=_NEEDS,
    reference=True,
    hears=("voice", "sound"),
    procedure=Procedure(
        model="South-Twilight/SingMOS singmos_pro, on s3prl 0.4.18",
        revision=f"{SINGMOS.repository} {SINGMOS.commit}; of the weights {SINGMOS_PRO.name}",
        layer="the last of wav2vec 2.0 large",
        rate="16 kHz mono, by librosa",
        window="10 s, hop 10 s; windows below -50 dB of full scale are left out",
        pooling="mean over frames and over windows",
        formula="2 · tanh + 3, domain 1 as is its default",
    ),
    verified=(
        "By hand, against the authors' code at the commit with s3prl 0.4.18, a wav2vec 2.0 of two layers with random"
        " weights and a newer torch than the one pinned: equal to the call in their README for 7 s. In the tests: a"
        " stand-in. Not with the released weights."
    ),
)

SEPARATED_CARD = replace(
    STEM_CARD,
    backend="pro-separated",
    summary="How natural the vocals sound that HTDemucs takes out of the mix, as SingMOS-Pro predicts it.",
    limits=STEM_CARD.limits.replace(
        "Only for systems that give a vocal stem.",
        "What the separator leaves of the band, or takes from the voice, is rated with it: not comparable with numbers"
        " on stems.",
    ),
    licence=f"{STEM_CARD.licence}; HTDemucs: {HTDEMUCS.licence}",
    needs=(*_NEEDS, HTDEMUCS.name),
    mono=True,
)

_STEM = IsolatedRatings(
    card=STEM_CARD,
    environment=SINGMOS_ENVIRONMENT,
    checkout=SINGMOS,
    weights=(SINGMOS_PRO, WAV2VEC2_LARGE),
    worker=SCRIPTS / "singmos_worker.py",
    input=vocal_stems,
)


def singmos_pro_stem() -> IsolatedRatings:
    """The entry point ``singmos@pro-stem``."""
    return replace(_STEM)


def singmos_pro_separated() -> IsolatedRatings:
    """The entry point ``singmos@pro-separated``."""
    return replace(_STEM, card=SEPARATED_CARD, input=separated_by_onnx, weights=(*_STEM.weights, HTDEMUCS))
