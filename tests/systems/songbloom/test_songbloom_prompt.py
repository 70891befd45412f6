"""Style prompts as people have them: any rate, any channels, too long, too short, broken."""

import numpy as np
import pytest
import soundfile
import torch
from songbloom_cases import music, write_audio
from songbloom_random import SMALL

from songbench.domain.audio import Audio, read_audio
from songbench.domain.errors import InputError
from systems.songbloom.presets import PRESETS
from systems.songbloom.prompt_audio import prompt_samples

FULL = PRESETS["full_150s"]


@pytest.mark.parametrize("channels", [1, 2, 6])
@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100, 48_000, 96_000])
def test_any_rate_and_channels(tmp_path, rate, channels):
    samples = prompt_samples(read_audio(write_audio(tmp_path / "a.wav", music(10.5, rate, channels))), FULL)
    assert samples.shape == (480_000,)
    assert samples.dtype == torch.float32
    # The tone is still 220 Hz and still as loud.
    spectrum = torch.fft.rfft(samples).abs()
    assert abs(int(spectrum.argmax()) / 10 - 220) <= 0.2
    assert float(samples[1000:-1000].square().mean().sqrt()) == pytest.approx(0.3 / 2**0.5, rel=0.02)


def test_the_mean_of_the_channels_at_the_models_rate_is_taken_as_it_is():
    audio = music(12, 48_000, 2)
    expected = audio.samples.mean(axis=0)[:480_000]
    assert torch.equal(prompt_samples(audio, FULL), torch.from_numpy(expected))


def test_a_shade_too_short_is_filled_with_silence():
    samples = prompt_samples(music(9.96, 48_000), FULL)
    assert samples.shape == (480_000,)
    assert float(samples[478_081:].abs().max()) == 0
    assert float(samples[477_000:478_080].abs().max()) > 0.1


@pytest.mark.parametrize("seconds", [9.0, 0.1])
def test_too_short(seconds):
    with pytest.raises(InputError, match=rf"lasts {seconds:.2f} s; .*prompts of 10 s.*Give 10 s or more") as error:
        prompt_samples(music(seconds), FULL)
    assert error.value.field == "prompt_wav"


def test_empty():
    with pytest.raises(InputError, match=r"lasts 0\.00 s"):
        prompt_samples(Audio(np.zeros((1, 0), "float32"), 48_000), FULL)


@pytest.mark.parametrize("level", [0.0, 5e-5])
def test_silence_has_no_style(level):
    silent = Audio(np.full((2, 480_000), level, "float32"), 48_000)
    with pytest.raises(InputError, match="first 10 s of the style prompt are silent"):
        prompt_samples(silent, FULL)
    late = Audio(np.concatenate([silent.samples, music(5, 48_000, 2).samples], axis=1), 48_000)
    with pytest.raises(InputError, match="begins at once"):
        prompt_samples(late, FULL)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_samples_that_are_no_numbers(tmp_path, value):
    audio = music(10, 48_000)
    audio.samples[0, 5] = value
    with pytest.raises(InputError, match="NaN or infinite"):
        prompt_samples(audio, FULL)
    with pytest.raises(InputError, match=r"a\.wav: .*NaN or infinite"):
        read_audio(write_audio(tmp_path / "a.wav", audio))
    with pytest.raises(InputError, match="no channel"):
        prompt_samples(Audio(np.zeros((0, 480_000), "float32"), 48_000), FULL)


def test_files_that_are_no_audio(tmp_path):
    untrimmed = write_audio(tmp_path / "whole.flac", music(10.5))
    (tmp_path / "cut.flac").write_bytes(untrimmed.read_bytes()[:30_000])
    (tmp_path / "noise.mp3").write_bytes(np.random.default_rng(0).bytes(3000))
    (tmp_path / "text.wav").write_text("hello")
    (tmp_path / "empty.wav").touch()
    for name in ("noise.mp3", "text.wav", "empty.wav", "absent.wav"):
        with pytest.raises(InputError, match=name.replace(".", r"\.")):
            read_audio(tmp_path / name)
    with pytest.raises(InputError, match=r"cut\.flac|lasts"):
        prompt_samples(read_audio(tmp_path / "cut.flac"), FULL)


def test_other_sizes_ask_for_other_lengths(tmp_path):
    assert prompt_samples(music(1.0), SMALL).shape == (48_000,)
    soundfile.write(tmp_path / "a.mp3", music(1.2).samples.T, 44_100)
    assert prompt_samples(read_audio(tmp_path / "a.mp3"), SMALL).shape == (48_000,)
    with pytest.raises(InputError, match="prompts of 1 s"):
        prompt_samples(music(0.9), SMALL)
