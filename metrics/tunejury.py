"""TuneJury (arXiv 2606.17006): a reward learnt from which of two clips people prefer."""

from __future__ import annotations

from metrics.features.laion_clap import CLAP_MUSIC
from metrics.isolated_ratings import SCRIPTS, IsolatedRatings
from songbench.plugin import Field, MetricCard, ModelFamily, Procedure
from songbench.resources.checkouts import Checkout
from songbench.resources.environments import Environment
from songbench.resources.weights import HubSource, WeightFile, Weights

TUNEJURY_ENVIRONMENT = Environment(
    name="tunejury",
    summary="What TuneJury's authors pin: torch 2.7.1, numpy 1.23.5.",
    requirements=(
        "torch==2.7.1",
        "torchaudio==2.7.1",
        "torchvision==0.22.1",
        "transformers==4.57.6",
        "huggingface_hub==0.36.2",
        "laion-clap==1.1.7",
        "librosa==0.10.2.post1",
        "nnaudio==0.3.4",
        "soundfile==0.13.1",
        "pandas==2.0.2",
        "scikit-learn==1.6.1",
        "scipy==1.13.1",
        "numpy==1.23.5",
    ),
    licence="CC0-1.0 (laion-clap)",
    python=">=3.10,<3.12",
    about=7_000_000_000,
)

TUNEJURY = Checkout(
    name="tunejury",
    summary="TuneJury's scorer and its checkpoint.",
    repository="yonghyunk1m/TuneJury",
    commit="e28474e06fdf4e21c7345a9a86d3af7c1e926b82",
    licence="CC BY-NC 4.0",
    files=("tunejury/score.py", "tunejury/model.py", "checkpoints/tunejury.pt"),
    about=150_000_000,
    restricted=True,
)

MERT_330M = Weights(
    name="mert-v1-330m",
    version="1",
    summary="MERT-v1-330M with its code, one of the two models that TuneJury hears; the hub may ask for an account.",
    licence="CC BY-NC 4.0",
    files=(
        WeightFile("pytorch_model.bin", about=1_262_000_000),
        WeightFile("config.json", about=2_000),
        WeightFile("preprocessor_config.json", about=300),
        WeightFile("configuration_MERT.py", about=5_300),
        WeightFile("modeling_MERT.py", about=18_000),
    ),
    sources=(HubSource("m-a-p/MERT-v1-330M", "0e06c986db0527c0fd1b47181c40f006805e3de0"),),
    restricted=True,
)

CARD = MetricCard(
    name="tunejury",
    backend="clap-mert",
    version="1",
    fields=(
        Field(
            "tunejury",
            direction="higher",
            decimals=2,
            description="A reward without unit or zero: only differences mean something.",
        ),
    ),
    summary="TuneJury's reward, learnt from about 17,500 choices between two clips; here without a text.",
    limits=(
        "Half of a choice between clips is what it was made for: on unseen pairs it agrees with people in 71 % of"
        " cases. The style text is not given to it, as its authors advise for texts unlike a listener's request. CLAP"
        " hears the 10 s in the middle of the song only. Learnt from short clips, most without singing, and from"
        " pairs made of SongEval's ratings."
    ),
    citation="Kim et al., TuneJury, arXiv 2606.17006",
    licence=f"TuneJury: {TUNEJURY.licence}; MERT: {MERT_330M.licence}; CLAP: {CLAP_MUSIC.licence}",
    needs=(TUNEJURY_ENVIRONMENT.name, TUNEJURY.name, CLAP_MUSIC.name, MERT_330M.name),
    reference=True,
    tracks=("song", "v2a"),
    hears=("sound",),
    mono=True,
    procedure=Procedure(
        model="checkpoints/tunejury.pt on LAION-CLAP (music) and MERT-v1-330M",
        revision=f"{TUNEJURY.repository} {TUNEJURY.commit}; of the weights {CLAP_MUSIC.name} and {MERT_330M.name}",
        layer="CLAP's projected audio embedding; the last of MERT",
        rate="48 and 24 kHz mono, by torchaudio",
        window="CLAP: the 10 s in the middle; MERT: the whole song in parts of 300 s",
        pooling="MERT: mean over all frames",
        formula="the head's output for both, and zeros in the place of a text",
    ),
    models=(ModelFamily("mert", part="one of the two models that TuneJury hears"),),
    verified=(
        "By hand, against the authors' code at the commit, with random weights (CLAP at full size, a small HuBERT in"
        " the place of MERT) and newer packages than those pinned: equal to their scripts/score_release_collection.py"
        " for songs of 7, 25 and 302 s, and to Scorer.score for 7 s within 1e-4. In the tests: a stand-in. Not with the"
        " released weights."
    ),
)


def tunejury() -> IsolatedRatings:
    """The entry point ``tunejury@clap-mert``."""
    return IsolatedRatings(
        card=CARD,
        environment=TUNEJURY_ENVIRONMENT,
        checkout=TUNEJURY,
        weights=(CLAP_MUSIC, MERT_330M),
        worker=SCRIPTS / "tunejury_worker.py",
    )
