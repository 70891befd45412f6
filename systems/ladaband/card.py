"""LaDA-Band's card: what goes wrong in silence upstream, and what is done about it here."""

from __future__ import annotations

from songbench.plugin import Dependence, Pitfall, SystemCard
from systems.ladaband.model_folder import PROMPT_AUDIO
from systems.ladaband.upstream.environment import WEIGHTS_LICENCE

PITFALLS = (
    Pitfall(
        "The reference reaches MERT at 48 kHz as if it were 24 kHz: it is heard at half speed and an octave low.",
        "Kept, as the released weights were trained so; reference_rate=right hears it at 24 kHz.",
    ),
    Pitfall(
        "The whole reference becomes one mean vector instead of one per 5 s between zeros, as CLaMP 3 was trained.",
        "Kept; reference_pieces=right is CLaMP 3's own way.",
    ),
    Pitfall(
        "Inference puts the reference before the text, training the text before the reference.",
        "Inference's order is kept; prefix_order=text_first is training's, and which is better is open.",
    ),
    Pitfall(
        "A missing text becomes the empty text, which has a vector of its own, not the zeros of a condition left out.",
        "Kept; empty_text=right gives zeros.",
    ),
    Pitfall("Condition vectors are rounded to bfloat16.", "Kept; rounding=right does not round."),
    Pitfall(
        "Vocals are levelled to -16 dB RMS in training and taken as they are at inference.",
        "Kept; vocal_level=right levels them.",
    ),
    Pitfall(
        "The codec cuts sound into windows of 40.97 s for tokens of 40.96 s, so that tokens drift by 10 ms per window.",
        "Kept; windows=exact cuts where the tokens end.",
    ),
    Pitfall(
        "A vocal is tiled to fill the codec's window, so that its last tokens know its beginning.",
        "Kept: the weights were trained so.",
    ),
    Pitfall(
        "What is decoded is up to 0.04 s longer than the vocal.",
        "It is cut to exactly the vocal's length.",
    ),
    Pitfall(
        "By default the vocal is mixed into the output, without any gain, and clips in 16-bit files.",
        "The accompaniment alone is given; mixes follow one rule for all systems.",
    ),
    Pitfall(
        "top_p is applied before the temperature, tokens that were kept are never looked at again, and a frame is kept"
        " by the probability of the token drawn for it, not by the largest.",
        "Kept; see the settings of the sampler.",
    ),
    Pitfall(
        "Noise follows from the name of the vocal's file: renaming it gives another accompaniment.",
        "It follows from the request's seed and the prompt's id.",
    ),
    Pitfall(
        "Its files are named after the last digits of the clock, so that songs can overwrite each other; a song that"
        " fails ends with exit code 0.",
        "No files are written; a song that fails is a failure with its cause.",
    ),
    Pitfall(
        "The decoder computes 40.96 s even for 5 s, and time grows with the square of the length.",
        "The seconds of each stage are in the record.",
    ),
    Pitfall(
        "In training the reference is longer than most songs, so that it contains the music to be predicted.",
        "A style clip of a suite is no piece of the true accompaniment.",
    ),
)


def card(
    name: str, conditions: tuple[str, ...], needs: tuple[str, ...], *, released: bool, mucodec: bool
) -> SystemCard:
    """The card of the released model or of one's own.

    Args:
        name: the row.
        conditions: what it is told beside the vocal.
        needs: weights by name.
        released: whether the weights are the authors'.
        mucodec: whether its tokens are MuCodec's.
    """
    return SystemCard(
        name=name,
        version="1",
        summary="Masked discrete diffusion over tokens of vocal and accompaniment, after a text and a style clip.",
        licence="Apache-2.0; released weights: gated, for research; MuCodec and MERT CC BY-NC 4.0, CLaMP 3 MIT",
        languages=(),
        conditions=("vocal", *conditions),
        vocals=False,
        sample_rate=48_000,
        needs=needs,
        citation="Wang et al., LaDA-Band: Language Diffusion Models for Vocal-to-Accompaniment Generation, 2026,"
        " arXiv 2604.11052",
        tracks=("v2a",),
        depends_on=_dependences(conditions, released=released, mucodec=mucodec),
        weights_licence=WEIGHTS_LICENCE,
        length_rule="the vocal's, to the sample",
        vocal_rule="left out",
        seed_rule="honoured",
        output="float32, 48 kHz, stereo",
        pitfalls=PITFALLS,
        verified="Parts against numbers of upstream's classes as transcribed by hand; never with the released weights.",
    )


def _dependences(conditions: tuple[str, ...], *, released: bool, mucodec: bool) -> tuple[Dependence, ...]:
    """The judges that have heard for the model, each for the part of it that is there."""
    reasons = (
        (bool(conditions), "clamp3", "its text and its style clip are heard through this very encoder"),
        (PROMPT_AUDIO in conditions, "mert", "its style clip is heard through this very encoder"),
        (mucodec, "muq", "its tokens are those of a codec that hears through MuQ"),
        (released, "songeval", "its training songs were chosen by this very scorer"),
    )
    return tuple(Dependence(family, how) for holds, family, how in reasons if holds)
