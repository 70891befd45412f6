import numpy as np
import pytest

from metrics.features.musicnn import MUSICNN, log_mel
from metrics.functional.copying import WINDOW_FRAMES, copied_share
from metrics.similarity import similarity_musicnn
from songbench.contracts.feature import Feature
from songbench.contracts.metric import SongMetric
from songbench.domain.audio import Audio, MemoryAudio
from songbench.domain.lyrics import parse_lyrics
from songbench.domain.prompt import Prompt
from songbench.domain.score import NotApplicable
from songbench.domain.song import Failure, Request, memory_song
from songbench.resources.weights import availability

RATE = 16_000


def music(seconds, seed):
    """A random melody of decaying tones, so that no two moments are alike."""
    rng = np.random.default_rng(seed)
    t = np.arange(round(0.25 * RATE)) / RATE
    notes = rng.uniform(100, 3000, round(seconds * 4))
    tones = [np.sin(2 * np.pi * hz * t) * np.exp(-6 * t) for hz in notes]
    return (0.2 * np.concatenate(tones) + 0.003 * rng.standard_normal(len(notes) * len(t))).astype(np.float32)


def audio(samples):
    return Audio(np.asarray(samples, np.float32)[None], RATE)


def test_copied_share():
    prompt, unrelated = music(10, 0), music(30, 1)
    copied = [copied_share(log_mel(song), log_mel(prompt)) for song in (np.tile(prompt, 3), np.roll(prompt, 12_345))]
    assert min(copied) > 0.85, "also where the loop's seam spoils a window"
    assert copied_share(log_mel(unrelated), log_mel(prompt)) == 0
    half = np.concatenate([prompt, music(10, 2)])
    assert copied_share(log_mel(half), log_mel(prompt)) == pytest.approx(0.5, abs=0.1)


def test_copies_are_found_at_another_level_and_equaliser_and_silence_is_none():
    spectrum = log_mel(music(10, 0))
    tilted = 0.9 * spectrum + np.linspace(0, 2, 96)
    assert copied_share(tilted, spectrum) == 1
    still = np.zeros((200, 96), np.float32)
    assert copied_share(still, still) == 0
    with pytest.raises(ValueError, match="window"):
        copied_share(spectrum[: WINDOW_FRAMES - 1], spectrum)


class Planted:
    """Embeddings by the sign of the first sample: along one axis, along another, both; negative: silence."""

    def of(self, extractor, sources):
        return [self.feature(float(source.load().samples[0, 0])) for source in sources]

    def feature(self, mark):
        if mark == 9:
            return Failure("feature", "broken")
        axes = {0: [[3, 0]], 1: [[0, 1]], 2: [[5, 0], [0, 1]]}.get(round(mark), [[1, 1]])
        return Feature({"patches": np.array(axes, np.float32)}, {"silent": mark == -1})


def verdict(song, prompt, features=None):
    audio_of = lambda mark: audio(np.full(100, mark))  # noqa: E731
    source = None if prompt is None else MemoryAudio(audio_of(prompt))
    request = Request(prompt=Prompt(id="p", lyrics=parse_lyrics("[verse]\nla")), take=0, seed=0, prompt_audio=source)
    (answer,) = similarity_musicnn().score([memory_song(request, audio_of(song))], features or Planted())
    return answer


def test_similarity_of_planted_embeddings():
    assert verdict(0, 0).values == {"similarity": pytest.approx(1)}
    assert verdict(0, 1).values == {"similarity": pytest.approx(0)}
    # each patch counts the same whatever its length, and the mean is brought to length 1 again
    assert verdict(2, 0).values["similarity"] == pytest.approx(np.sqrt(0.5))
    assert verdict(2, 2).values["similarity"] == pytest.approx(1)
    assert "shorter" in verdict(0, 0).missing["copied"]


def test_what_has_no_similarity():
    assert verdict(0, None) == NotApplicable("the prompt has no audio to be similar to")
    assert verdict(-1, 0) == NotApplicable("the song is silent")
    assert verdict(0, -1) == NotApplicable("the prompt audio is silent")
    assert verdict(9, 0) == Failure("feature", "broken")


def test_card():
    metric = similarity_musicnn()
    assert isinstance(metric, SongMetric)
    assert metric.card.limits
    assert metric.card.citation


class Direct:
    def of(self, extractor, sources):
        return list(extractor.extract(sources))


@pytest.mark.skipif(not availability(MUSICNN).ready, reason="weights 'musicnn' are not here: songbench setup musicnn")
def test_identical_audio_is_similar_and_copied():
    prompt = MemoryAudio(audio(music(9, 0)))
    request = Request(prompt=Prompt(id="p", lyrics=parse_lyrics("[verse]\nla")), take=0, seed=0, prompt_audio=prompt)
    songs = [memory_song(request, prompt.audio), memory_song(request, audio(music(9, 1)))]
    copy, unrelated = similarity_musicnn().score(songs, Direct())
    assert copy.values == {"similarity": pytest.approx(1, abs=1e-6), "copied": 1}
    assert unrelated.values["similarity"] < 0.999
    assert unrelated.values["copied"] == 0
