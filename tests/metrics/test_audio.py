import numpy as np
import pytest
import soundfile

from metrics.audio import AudioFacts, facts
from metrics.features import loudness
from songbench.contracts.metric import SongMetric
from songbench.domain.audio import Audio, AudioFile, read_audio
from songbench.domain.lyrics import parse_lyrics
from songbench.domain.prompt import Prompt
from songbench.domain.score import NotApplicable
from songbench.domain.song import Failure, Request, Song, memory_song

RATE = 48_000


def sine(hz=997.0, seconds=5.0, phase=0.0, rate=RATE):
    return np.sin(2 * np.pi * hz * np.arange(round(seconds * rate)) / rate + phase).astype(np.float32)[None]


def noise(channels=1, seconds=4.0, rate=RATE, seed=0):
    return (0.1 * np.random.default_rng(seed).standard_normal((channels, round(seconds * rate)))).astype(np.float32)


@pytest.mark.parametrize("rate", [44_100, 48_000])
def test_loudness_of_the_standard_sine(rate):
    mono = sine(rate=rate)
    assert loudness.integrated_loudness(mono, rate) == pytest.approx(-3.01, abs=0.06)
    assert loudness.integrated_loudness(np.repeat(mono, 2, axis=0), rate) == pytest.approx(0.0, abs=0.06)
    assert loudness.integrated_loudness(mono / 10, rate) == pytest.approx(-23.01, abs=0.06)


@pytest.mark.parametrize("rate", [8_000, 11_025, 16_000, 22_050, 32_000, 88_200, 96_000, 192_000])
def test_loudness_at_every_rate(rate):
    assert loudness.integrated_loudness(sine(rate=rate, seconds=3), rate) == pytest.approx(-3.01, abs=0.1)


@pytest.mark.parametrize(("channels", "weight"), [(1, 1), (2, 2), (3, 3), (4, 4.82), (5, 5.82), (6, 5.82)])
def test_loudness_of_several_channels(channels, weight):
    """ITU-R BS.1770-4: energies add up, surrounds weigh 1.41, the low-frequency channel nothing."""
    channels_alike = np.repeat(sine(seconds=3) / 10, channels, axis=0)
    target = -23.01 + 10 * np.log10(weight)
    assert loudness.integrated_loudness(channels_alike, RATE) == pytest.approx(target, abs=0.06)


def test_loudness_of_unknown_places_and_of_low_frequencies_alone():
    assert loudness.integrated_loudness(np.repeat(sine(seconds=1), 8, axis=0), RATE) is None
    low = np.zeros((6, RATE), np.float32)
    low[3] = sine(seconds=1)
    assert loudness.integrated_loudness(low, RATE) is None


def test_another_scale_is_a_failure_and_no_loudness():
    song_of = Request(prompt=Prompt(id="p", lyrics=parse_lyrics("[verse]\nla")), take=0, seed=0)
    (verdict,) = AudioFacts().score([memory_song(song_of, Audio(noise(2) * 32768, RATE))], None)
    assert isinstance(verdict, Failure)
    assert "on another scale" in verdict.cause


def test_loudness_gates_silence_out_and_has_no_value_for_it():
    padded = np.concatenate([sine(seconds=10), np.zeros((1, 20 * RATE), np.float32)], axis=1)
    # -7.8 without the gate; three blocks at the edge are part music, part silence
    assert loudness.integrated_loudness(padded, RATE) == pytest.approx(-3.12, abs=0.05)
    assert loudness.integrated_loudness(np.zeros((2, RATE), np.float32), RATE) is None
    assert loudness.integrated_loudness(sine(seconds=0.1), RATE) is None


def test_true_peak_finds_what_lies_between_samples():
    between = sine(RATE / 4, 1, np.pi / 4)
    ramp = np.minimum(1, np.minimum(np.arange(RATE), np.arange(RATE)[::-1]) / 2400).astype(np.float32)
    assert 20 * np.log10(abs(between).max()) == pytest.approx(-3.01, abs=0.01)
    assert loudness.true_peak(between * ramp) == pytest.approx(0.0, abs=0.1)
    assert loudness.true_peak(np.zeros((1, 100), np.float32)) is None


def test_planted_clipping():
    samples = noise(2, 1)
    samples[0, 100:110] = 1.0  # a run of 10
    samples[1, 200:203] = -1.0  # a run of 3
    samples[1, 300:302] = 1.0  # too short
    samples[0, -4:] = 1.3  # beyond full scale, at the end
    assert loudness.clipped_share(samples) == (10 + 3 + 4) / samples.size


def test_planted_silence():
    samples = noise(2, 10)
    samples[:, 2 * RATE : 5 * RATE] = 0
    assert loudness.silent_share(samples, RATE) == 0.3
    assert loudness.silent_share(np.full((1, RATE), 1.01e-3, np.float32), RATE) == 0
    assert loudness.silent_share(np.full((1, RATE), 0.99e-3, np.float32), RATE) == 1


def test_width():
    mono = noise()
    assert loudness.stereo_width(mono) == loudness.stereo_width(np.repeat(mono, 2, axis=0)) == 0
    assert loudness.stereo_width(np.concatenate([mono, -mono])) == 1
    assert loudness.stereo_width(noise(2)) == pytest.approx(0.5, abs=0.01)
    assert loudness.stereo_width(np.concatenate([mono, 0 * mono])) == pytest.approx(0.5)
    assert loudness.stereo_width(0 * mono) is None


def test_bandwidth_of_full_and_upsampled_noise(tmp_path):
    assert loudness.bandwidth(noise(2), RATE) == RATE / 2
    low = Audio(noise(2, rate=16_000), 16_000).at(RATE)
    assert loudness.bandwidth(low.samples, RATE) == pytest.approx(8000, abs=200)
    soundfile.write(tmp_path / "low.wav", low.samples.T, RATE, subtype="PCM_16")
    assert loudness.bandwidth(read_audio(tmp_path / "low.wav").samples, RATE) == pytest.approx(8000, abs=200)
    assert loudness.bandwidth(low.samples + 0.5, RATE) == pytest.approx(8000, abs=200)  # an offset changes nothing
    assert loudness.bandwidth(np.zeros((1, RATE), np.float32), RATE) is None


def test_facts_of_silence_leave_out_what_has_no_value():
    result = facts(Audio(np.zeros((2, 2 * RATE), np.float32), RATE), None)
    assert result.values == {"silence": 100, "clipping": 0}
    assert set(result.missing) == {"duration_error", "lufs", "true_peak", "stereo_width", "bandwidth"}


def test_facts_of_a_song():
    result = facts(Audio(noise(2, 4), RATE), 10.0)
    assert set(result.values) == {field.name for field in AudioFacts().card.fields}
    assert result.values["duration_error"] == 6
    assert result.values["bandwidth"] == 24


def test_metric(tmp_path):
    request = Request(prompt=Prompt(id="p", lyrics=parse_lyrics("[verse]\nla"), seconds=3.0), take=0, seed=0)
    songs = [
        memory_song(request, Audio(noise(1, 4), RATE)),
        Song(request=request, source=AudioFile(tmp_path / "gone.wav")),
        memory_song(request, Audio(np.zeros((1, 0), np.float32), RATE)),
    ]
    good, missing, empty = AudioFacts().score(songs, None)
    assert good.values["duration_error"] == 1
    assert isinstance(missing, Failure) and "gone.wav" in missing.cause
    assert isinstance(empty, NotApplicable)


def test_card():
    assert isinstance(AudioFacts(), SongMetric)
    card = AudioFacts().card
    assert card.citation and card.limits
    assert [field.name for field in card.fields if field.headline] == ["duration_error", "lufs", "silence"]
