"""The metrics on plain texts, lists and arrays, without songs, stores or models: the code behind the leaderboard.

Texts and lists of sections in, numbers out; embeddings as arrays of any model. Nothing here loads a model.
"""

from metrics.functional.beats import level_f1
from metrics.functional.copying import copied_share
from metrics.functional.cosine import pairwise_similarity, similarity
from metrics.functional.frechet_distance import FrechetAudioDistance, fad
from metrics.functional.kernel_distance import KernelAudioDistance, kad
from metrics.functional.onsets import MomentAgreement, agreement, chance_agreement
from metrics.functional.pitch_profiles import (
    best_transposition,
    chance_similarity,
    frame_similarity,
    hpcp,
    mean_similarity,
)
from metrics.functional.sections import SectionErrors, ser
from metrics.functional.triads import ChordFit, chord_fit, chords
from metrics.functional.vocal_leakage import Leakage, leakage
from metrics.functional.words import PhonemeErrors, per

__all__ = [
    "ChordFit",
    "FrechetAudioDistance",
    "KernelAudioDistance",
    "Leakage",
    "MomentAgreement",
    "PhonemeErrors",
    "SectionErrors",
    "agreement",
    "best_transposition",
    "chance_agreement",
    "chance_similarity",
    "chord_fit",
    "chords",
    "copied_share",
    "fad",
    "frame_similarity",
    "hpcp",
    "kad",
    "leakage",
    "level_f1",
    "mean_similarity",
    "pairwise_similarity",
    "per",
    "ser",
    "similarity",
]
