from pathlib import Path

import numpy as np
import pytest

from metrics.features import separation
from metrics.features.separation import (
    HTDEMUCS,
    MIX_RATE,
    OVERLAP,
    RATE,
    SEGMENT,
    VocalSeparation,
    in_segments,
    separate,
    spectrogram,
    stereo,
    vocals_of,
    waveform,
)
from metrics.per import whisper_base_separated, whisper_base_stem
from songbench.contracts.feature import Extractor, Feature
from songbench.contracts.metric import SongMetric
from songbench.domain.audio import Audio, AudioFile, MemoryAudio
from songbench.domain.errors import UnavailableError
from songbench.domain.lyrics import parse_lyrics
from songbench.domain.prompt import Prompt
from songbench.domain.score import Scores
from songbench.domain.song import Failure, Request, Song
from songbench.resources import weights

_missing = weights.availability(HTDEMUCS)
needs_model = pytest.mark.skipif(not _missing.ready, reason=f"{_missing.reason}: {_missing.cure}")


def noise(samples, channels=2, seed=0):
    return 0.1 * np.random.default_rng(seed).standard_normal((channels, samples)).astype(np.float32)


def identity(segment):
    return segment


# --- segments and cross-fades


@pytest.mark.parametrize("total", [0, 1, 2, 7, 39, 40, 41, 70, 100, 399])
@pytest.mark.parametrize("length", [40, 41])
def test_segments_of_an_identity_are_an_identity(total, length):
    samples = noise(total)
    assert np.allclose(in_segments(samples, identity, length), samples, atol=1e-7)


def test_every_segment_is_whole_and_the_last_is_heard_amid_what_was_before():
    segments = []

    def listen(segment):
        segments.append(segment[0].tolist())
        return segment

    in_segments(np.arange(1, 10, dtype=np.float32)[None], listen, 8)
    assert segments == [[1, 2, 3, 4, 5, 6, 7, 8], [5, 6, 7, 8, 9, 0, 0, 0]]
    segments.clear()
    in_segments(np.arange(1, 4, dtype=np.float32)[None], listen, 8)
    assert segments == [[0, 0, 1, 2, 3, 0, 0, 0]]


def test_one_segment_fades_into_the_next():
    answers = iter([np.ones((1, 80)), np.zeros((1, 80))])
    faded = in_segments(np.zeros((1, 120), np.float32), lambda _: next(answers), 80)[0]
    start, end = int(80 * (1 - OVERLAP)), 80
    assert (faded[:start] == 1).all() and (faded[end:] == 0).all()
    assert (np.diff(faded[start - 1 : end + 1]) < 0).all()
    assert faded[(start + end) // 2] == pytest.approx(0.5, abs=0.05)


def test_level_is_normalised_and_restored():
    mix = noise(1000)
    assert np.allclose(separate(mix + np.float32(0.2), identity), mix - mix.mean(), atol=1e-6)
    loud, quiet = (separate(gain * mix, np.tanh) for gain in (np.float32(1), np.float32(1e-3)))
    assert np.allclose(loud * 1e-3, quiet, rtol=1e-3, atol=1e-9)


@pytest.mark.parametrize("total", [0, 5])
def test_silence_is_silence_and_the_model_is_not_run(total):
    def model(segment):
        raise AssertionError

    assert not separate(np.zeros((2, total), np.float32), model).any()


def test_channels():
    mono, two, three = (Audio(noise(800, channels), 8000) for channels in (1, 2, 3))
    assert np.array_equal(*stereo(mono))
    assert np.allclose(stereo(three), three.mono().at(MIX_RATE).samples)
    assert np.array_equal(stereo(two), two.at(MIX_RATE).samples)
    assert stereo(mono).shape == (2, 4410)


# --- the spectrogram


def test_spectra_are_those_of_demucs():
    """Demucs' own definition in torch: `HTDemucs._spec` and `_ispec`."""
    import torch
    from torch.nn.functional import pad

    setting = {"n_fft": 4096, "hop_length": 1024, "window": torch.hann_window(4096), "normalized": True}
    frames, edge = 336, 1536
    mix = torch.from_numpy(noise(SEGMENT))
    extended = pad(mix, (edge, edge + frames * 1024 - SEGMENT), mode="reflect")
    complex_ = torch.stft(extended, return_complex=True, **setting)[:, :-1, 2 : 2 + frames]
    expected = torch.view_as_real(complex_).permute(0, 3, 1, 2).reshape(4, 2048, frames)
    assert np.allclose(spectrogram(mix.numpy()), expected.numpy(), atol=1e-6)

    back = torch.istft(pad(complex_, (2, 2, 0, 1)), length=frames * 1024 + 2 * edge, **setting)
    assert np.allclose(waveform(expected.numpy()), back[:, edge : edge + SEGMENT].numpy(), atol=1e-6)


# --- the extractor, without the model


class Passing:
    """Answers that the whole mix is vocals."""

    def run(self, names, inputs):
        waves = np.zeros((1, 4, 2, SEGMENT), np.float32)
        waves[0, 3] = inputs["input"][0]
        assert inputs["onnx::ReduceMean_1"].shape == (1, 4, 2048, 336)
        return [np.zeros((1, 4, 4, 2048, 336), np.float32), waves]


def tone(rate, seconds=0.5, channels=1):
    wave = 0.3 * np.sin(2 * np.pi * 440 * np.arange(int(rate * seconds)) / rate)
    return MemoryAudio(Audio(np.repeat(wave[None].astype(np.float32), channels, axis=0), rate))


def test_vocals_are_mono_at_16_khz(monkeypatch, tmp_path):
    monkeypatch.setattr(VocalSeparation, "_session", lambda self: Passing())
    sources = [tone(MIX_RATE), AudioFile(tmp_path / "absent.wav"), tone(MIX_RATE, channels=2), tone(RATE)]
    mono, absent, two, low = VocalSeparation().extract(sources)
    assert isinstance(absent, Failure) and "No such audio file" in absent.cause
    assert mono.arrays["vocals"].dtype == np.float16
    assert np.array_equal(mono.arrays["vocals"], two.arrays["vocals"])
    for feature in (mono, low):
        audio = vocals_of(feature).load()
        assert audio.rate == RATE and audio.samples.shape == (1, 8000)
        assert np.abs(audio.samples - tone(RATE).audio.samples)[:, 200:-200].max() < 1e-3


def test_extractor():
    extractor = VocalSeparation()
    assert isinstance(extractor, Extractor)
    assert extractor.identity["weights"] == HTDEMUCS.files[0].sha256
    assert HTDEMUCS.restricted


def test_without_weights_it_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setenv("SONGBENCH_WEIGHTS", str(tmp_path))
    with pytest.raises(UnavailableError, match="songbench setup htdemucs --accept-licence"):
        list(VocalSeparation().extract([tone(MIX_RATE)]))


# --- the metric


class Stored:
    """Features that separate to a given voice and hear a given text."""

    def __init__(self, vocals, text=""):
        self.vocals, self.text, self.calls = vocals, text, {}

    def of(self, extractor, sources):
        self.calls[extractor.name] = list(sources)
        if extractor.name == "vocals":
            return [self.vocals]
        return [Feature(data={"text": self.text, "segments": [], "dropped": [], "silent": False})]


def song():
    return Song(
        request=Request(
            prompt=Prompt(id="p", lyrics=parse_lyrics("[verse]\nHello world"), language="en"), take=0, seed=0
        ),
        source=tone(MIX_RATE),
    )


def test_the_recogniser_hears_the_separated_vocals():
    vocals = Feature({"vocals": noise(400, 1)[0].astype(np.float16)})
    features, mix = Stored(vocals, "hello world"), song()
    (scores,) = whisper_base_separated().score([mix], features)
    assert isinstance(scores, Scores) and scores.values["per"] == 0
    assert features.calls["vocals"] == [mix.source]
    (segments,) = features.calls["transcript"]
    assert segments.digest == vocals_of(vocals).digest != mix.source.digest


def test_failure_of_the_separation_is_handed_on():
    assert list(whisper_base_separated().score([song()], Stored(Failure("feature", "broken")))) == [
        Failure("feature", "broken")
    ]


def test_card_and_availability(monkeypatch):
    metric = whisper_base_separated()
    assert isinstance(metric, SongMetric)
    assert metric.card.id == "per@whisper-base-separated"
    assert metric.card.needs == ("whisper-base", "htdemucs")
    assert "personal and research use only" in metric.card.licence
    assert "htdemucs" not in whisper_base_stem().card.licence
    monkeypatch.setattr(weights, "path", lambda weight: None if weight is HTDEMUCS else Path())
    state = metric.availability()
    assert not state.ready and state.cure == "songbench setup htdemucs --accept-licence"
    monkeypatch.setattr(weights, "path", lambda weight: Path())
    monkeypatch.setattr(separation, "_load", None)  # asking must not load the model
    assert metric.availability() == whisper_base_stem().availability()


# --- with the model


def likeness(estimate, truth):
    """Scale-invariant signal-to-distortion ratio, in dB (Le Roux et al. 2019)."""
    count = min(estimate.size, truth.size)
    estimate, truth = (part.ravel()[:count].astype(np.float64) for part in (estimate, truth))
    target = truth * (estimate @ truth) / (truth @ truth)
    return 10 * np.log10((target @ target) / np.square(estimate - target).sum())


@needs_model
def test_speech_is_taken_out_of_a_band():
    from systems.rulebased.speech import speak

    speech, rate = speak(["Every town we pass is shining in the rain"], "en", "female")
    voice = Audio(speech[None], rate).at(MIX_RATE).samples
    time = np.arange(voice.shape[1]) / MIX_RATE
    chord = sum(np.sin(2 * np.pi * pitch * time) / part for pitch in (110, 220, 277, 330) for part in (1, 2))
    beat = noise(time.size, 1)[0] * np.exp(-12 * (time % 0.5))
    band = (chord * np.exp(-2 * (time % 1.0)) + 5 * beat)[None].astype(np.float32)
    mix = voice + band * voice.std() / band.std()
    mono, two = (MemoryAudio(Audio(np.repeat(mix, channels, axis=0), MIX_RATE)) for channels in (1, 2))
    first, second = VocalSeparation().extract([mono, two])
    assert np.array_equal(first.arrays["vocals"], second.arrays["vocals"])
    truth = Audio(voice, MIX_RATE).at(RATE).samples
    gain = likeness(vocals_of(first).audio.samples, truth) - likeness(mono.audio.at(RATE).samples, truth)
    assert gain > 5
