"""Tencent's SongBench (arXiv 2604.25937): seven ratings of a finished song, by its own program.

It shares its name with this project and nothing else: it is a scorer, trained on songs that experts have rated.
"""

from __future__ import annotations

from metrics.features.muq import MUQ
from metrics.isolated_ratings import SCRIPTS, IsolatedRatings
from metrics.muq_environment import MUQ_SCORERS
from songbench.plugin import Field, MetricCard, ModelFamily, Procedure
from songbench.resources.checkouts import Checkout

TENCENT_SONGBENCH = Checkout(
    name="tencent-songbench",
    summary="Tencent's SongBench: the program that rates songs, and its checkpoint.",
    repository="Tencent/SongBench",
    commit="9361b55ebff3fffcefbbc9a4653936ae6789c3c8",
    licence="Tencent: academic use only, by LICENSE.txt; a badge in the README says MIT",
    files=("eval.py", "model.py", "configs/songbench.yaml", "ckpt/songbench.safetensors"),
    about=110_000_000,
    restricted=True,
)

RATINGS = {
    "Vocal": "the voice: clear, in tune, well sung",
    "Instrument": "how real the instruments sound",
    "Melody": "how rich and memorable the melody is",
    "Structure": "how well sections are laid out and joined",
    "Arrangement": "harmony and orchestration",
    "Mixing": "balance and clarity of the mix",
    "Musicality": "the song as a whole",
}

CARD = MetricCard(
    name="tencent_songbench",
    backend="tencent",
    version="1",
    fields=tuple(
        Field(
            name,
            direction="higher",
            low=1.0,
            high=10.0,
            decimals=2,
            description=f"Rating from 1 to 10: {meaning}.",
            hears=("voice", "pitch", "sound") if name == "Vocal" else None,
        )
        for name, meaning in RATINGS.items()
    ),
    summary="Seven ratings of a whole song by Tencent's SongBench, a learnt scorer; no relation to this project.",
    limits=(
        "The mean of the seven is what WildSongBench and others print as 'SongBench Avg'. The ratings were learnt from"
        " songs of current generators, and their laboratory also makes LeVo. Attention holds all pairs of 25 frames a"
        " second, so memory grows with the square of the length. Rounded to four decimals by the program. Very short or"
        " silent audio is rated as the model hears it. Songs chosen by one of these ratings (best of several) are not"
        " judged fairly by them."
    ),
    citation="SongBench: A Fine-Grained Multi-Aspect Benchmark for Song Quality Assessment, arXiv 2604.25937",
    licence=f"{TENCENT_SONGBENCH.licence}; MuQ: {MUQ.licence}",
    needs=(MUQ_SCORERS.name, TENCENT_SONGBENCH.name, MUQ.name),
    reference=True,
    hears=("sound", "voice", "pitch", "form"),
    mono=True,
    procedure=Procedure(
        model="OpenMuQ/MuQ-large-msd-iter (package muq 0.1.0) and ckpt/songbench.safetensors",
        revision=f"of the weights {MUQ.name}; {TENCENT_SONGBENCH.repository} {TENCENT_SONGBENCH.commit}",
        layer="hidden_states[6] of MuQ, of 12",
        rate="24 kHz mono, by librosa",
        window="the whole song at once",
        pooling="in the head",
        formula="4.5 · tanh + 5.5, four decimals",
    ),
    models=(
        ModelFamily("tencent-songbench"),
        ModelFamily("muq", part="the encoder that Tencent's SongBench hears"),
    ),
    verified=(
        "Not verified: neither the program nor its checkpoint could be had. The worker was tried with a stand-in of the"
        " program, written after the beginning of its source and other people's descriptions of the rest; formula,"
        " layer and commit are theirs, too. The names of the ratings are taken from what the program itself answers."
    ),
)


def tencent_songbench() -> IsolatedRatings:
    """The entry point ``tencent_songbench@tencent``."""
    return IsolatedRatings(
        card=CARD,
        environment=MUQ_SCORERS,
        checkout=TENCENT_SONGBENCH,
        weights=(MUQ,),
        worker=SCRIPTS / "tencent_songbench_worker.py",
    )
