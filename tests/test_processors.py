"""Songs and spectrograms do not depend on the kernels that BLAS picks for the processor."""

import os
import platform
import subprocess
import sys

import pytest

CODE = """
import hashlib
import numpy as np
from faster_whisper.feature_extractor import FeatureExtractor
from metrics.features.log_mel import LogMel
from songbench.domain.lyrics import parse_lyrics
from songbench.domain.prompt import Prompt
from songbench.domain.song import Request
from systems.rulebased.system import RuleBased

def digest(array):
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()

left, right = np.random.default_rng(0).normal(size=(2, 300, 300)).astype(np.float32)
print(digest(left @ right))
lyrics = parse_lyrics("[verse]\\nRiver run slowly down to the sea\\n")
request = Request(prompt=Prompt(id="p", lyrics=lyrics, seconds=8.0), take=0, seed=1)
(song,) = RuleBased().generate([request])
print(digest(song.source.load().samples))
print(digest(LogMel(FeatureExtractor())(left.ravel()[:32000])))
"""


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the names of the kernels are those of x86-64")
def test_songs_and_spectrograms_are_the_same_on_two_kinds_of_processors():
    printed = [
        subprocess.run(
            [sys.executable, "-c", CODE],
            env={**os.environ, "OPENBLAS_CORETYPE": kernels},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
        for kernels in ("Haswell", "Prescott")
    ]
    products, songs, spectrograms = zip(*printed, strict=True)
    if products[0] == products[1]:
        pytest.skip("this BLAS does not choose its kernels by OPENBLAS_CORETYPE")
    assert songs[0] == songs[1]
    assert spectrograms[0] == spectrograms[1]
