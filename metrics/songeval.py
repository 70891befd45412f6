"""SongEval: five ratings of a whole song, learnt from musically trained listeners.

In track ``v2a`` two metrics: of the mix of vocal and accompaniment, which is what the model was trained on, and of the
accompaniment alone. Papers do not say which they rate.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from metrics.card_variants import at_loudness, of_mixes
from metrics.features.muq import MUQ
from metrics.features.packages import installed
from metrics.features.songeval import COMMIT, LAYER, SONGEVAL, SongEvalRatings
from metrics.features.songeval_head import AXES
from metrics.song_inputs import Input, features_of_inputs, mixes, with_vocals
from songbench.domain.score import NotApplicable, Scores
from songbench.domain.song import Song
from songbench.plugin import (
    READY,
    Availability,
    Feature,
    Features,
    Field,
    Loudness,
    MetricCard,
    ModelFamily,
    Procedure,
    Verdict,
)
from songbench.resources import weights

_MEANINGS = (
    "how well it hangs together",
    "how musical it is",
    "how well it stays in mind",
    "how clear its structure is",
    "how natural breathing and phrasing of the voice are",
)

_PROCEDURE = Procedure(
    model="OpenMuQ/MuQ-large-msd-iter (package muq 0.1.0) and the head of ASLP-lab/SongEval",
    revision=f"MuQ 0562a57814f6f8bbd9fdea0a25921a2fce1a841a; head {COMMIT}",
    layer=f"hidden_states[{LAYER}] of MuQ, of 12",
    rate="24 kHz mono, resampled as librosa does",
    window="the whole song at once",
    pooling="in the head: mean over time of four attentions, and maximum over time",
    formula="2 · tanh + 3, not rounded",
)

SONGEVAL_CARD = MetricCard(
    name="songeval",
    backend="songeval",
    version="1",
    fields=tuple(
        Field(
            axis,
            unit="",
            direction="higher",
            low=1.0,
            high=5.0,
            decimals=2,
            description=f"Rating from 1 to 5: {meaning}.",
        )
        for axis, meaning in zip(AXES, _MEANINGS, strict=True)
    ),
    summary="Coherence, musicality, memorability, clarity and naturalness as SongEval rates a whole song.",
    limits=(
        "41 to 53 % of the training ratings lie at the top of the scale, and no agreement of the raters is published:"
        " small differences mean little. The five ratings go up and down together. Short or silent audio is rated as"
        " the model hears it, though it was trained on whole songs with vocals. An accompaniment alone (track v2a) is"
        " nothing it knows, and naturalness, which asks for the voice, has no object there: see songeval@songeval-mix,"
        " and do not compare the two."
    ),
    citation="Yao et al., SongEval, arXiv 2505.10793; frames: Zhu et al., MuQ, arXiv 2501.01108",
    licence=f"head: {SONGEVAL.licence}; MuQ: {MUQ.licence}",
    needs=(MUQ.name, SONGEVAL.name),
    reference=True,
    tracks=("song", "v2a"),
    hears=("sound", "voice", "pitch", "form"),
    mono=True,
    procedure=_PROCEDURE,
    models=(ModelFamily("songeval"), ModelFamily("muq", part="the encoder that SongEval hears")),
    verified=(
        "SongEval is not on the package index; compared with a checkout of its repository at "
        f"{COMMIT[:7]}, with random weights: its own tool on MuQ and head of small size gave the same ratings to its"
        " four decimals, the head of full size the same to 1e-6. In the tests: MuQ against muq 0.1.0 within 1e-4. Not"
        " run with the released weights."
    ),
)


MIX_CARD = of_mixes(
    SONGEVAL_CARD,
    backend="songeval-mix",
    summary="SongEval's ratings of the accompaniment together with the vocal it was made for.",
    limits=SONGEVAL_CARD.limits.partition(" Short or silent")[0],
)


@dataclass(frozen=True)
class SongEval:
    """A `SongMetric`: the ratings of each song.

    Attributes:
        card: what it is.
        ratings: gives them.
        input: which audio of a song is rated.
    """

    card: MetricCard = SONGEVAL_CARD
    ratings: SongEvalRatings = field(default_factory=SongEvalRatings)
    input: Input = mixes

    def availability(self) -> Availability:
        """Whether package and weights are here."""
        states = (installed("muq", "muq"), *map(weights.availability, (self.ratings.muq, self.ratings.head)))
        return next((state for state in states if not state.ready), READY)

    def score(self, songs: Sequence[Song], features: Features) -> Iterator[Verdict]:
        """One verdict per song; not applicable to less than 0.1 s."""
        for ratings in features_of_inputs(self.ratings, self.input(songs, features), features):
            yield _verdict(ratings) if isinstance(ratings, Feature) else ratings


def _verdict(ratings: Feature) -> Verdict:
    if "unheard" in ratings.data:
        return NotApplicable(f"the song is {ratings.data['unheard']}")
    return Scores(values=dict(zip(AXES, map(float, ratings.arrays["ratings"]), strict=True)))


def songeval_songeval(loudness: Loudness | None = None) -> SongEval:
    """The entry point ``songeval@songeval``.

    Args:
        loudness: LUFS to which songs are brought before they are rated; None: as they are, as the authors' tool does.
    """
    return SongEval(at_loudness(SONGEVAL_CARD, loudness), SongEvalRatings(loudness))


def songeval_mix(loudness: Loudness | None = None) -> SongEval:
    """The entry point ``songeval@songeval-mix``.

    Args:
        loudness: LUFS to which mixes are brought before they are rated; None: as the rule of mixing leaves them.
    """
    return SongEval(at_loudness(MIX_CARD, loudness), SongEvalRatings(loudness), with_vocals)
