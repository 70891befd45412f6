import numpy as np
import pytest

from songbench.contracts import registry
from songbench.domain.audio import Audio, MemoryAudio
from songbench.domain.song import Failure, Request
from songbench.domain.suite import parse_prompt

PROMPT = parse_prompt({"id": "p", "lyrics": "[verse] la.", "seconds": 2.5})


def clip(seconds=1.0, seed=1):
    samples = 0.1 * np.random.default_rng(seed).standard_normal((2, round(seconds * 8000)))
    return MemoryAudio(Audio(samples.astype("float32"), 8000))


def make(name, request):
    (song,) = registry.build_system(name).generate([request])
    return song


def test_silence_is_silent_and_as_long_as_wanted():
    audio = make("silence", Request(prompt=PROMPT, take=0, seed=1)).audio
    assert audio.seconds == 2.5
    assert not audio.samples.any()


def test_noise_follows_its_seed_and_level():
    first, repeated, reseeded = (
        make("noise", Request(prompt=PROMPT, take=0, seed=seed)).audio.samples for seed in (1, 1, 2)
    )
    assert np.array_equal(first, repeated)
    assert not np.array_equal(first, reseeded)
    assert np.sqrt(np.mean(first**2)) == pytest.approx(0.1, rel=0.02)
    assert abs(np.corrcoef(first[0], first[1])[0, 1]) < 0.02


def test_copy_prompt_repeats_the_prompt():
    source = clip()
    audio = make("copy_prompt", Request(prompt=PROMPT, take=0, seed=1, prompt_audio=source)).audio
    assert audio.samples.shape[1] == 20000
    assert np.array_equal(audio.samples[:, 8000:16000], source.audio.samples)


def test_reference_is_the_reference():
    source = clip(3.0)
    song = make("reference", Request(prompt=PROMPT, take=0, seed=1, reference=source))
    assert song.source is source
    assert song.record.seconds is None, "it was not generated here"


def test_missing_audio_is_a_failure_of_that_song():
    for name in ("reference", "copy_prompt"):
        outcome = make(name, Request(prompt=PROMPT, take=0, seed=1))
        assert isinstance(outcome, Failure)
        assert outcome.request is not None
