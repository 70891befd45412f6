"""Waveforms, spectrograms and loudness of songs of every shape, computed once."""

import io

import numpy as np
import pytest
from PIL import Image

from songbench.domain.audio import Audio, MemoryAudio
from songbench.domain.errors import InputError
from songbench.domain.song import Failure
from songbench.execution.store import Store
from songbench.reporting.page.song_picture import song_pictures
from songbench.reporting.page.spectrogram import BANDS, COLUMNS, levels, thumbnail
from songbench.reporting.page.waveform import STRETCHES, outline

RATE = 16_000


def tone(hertz=1000.0, seconds=0.5, channels=1, rate=RATE, amplitude=0.5):
    wave = amplitude * np.sin(2 * np.pi * hertz * np.arange(int(seconds * rate)) / rate)
    return Audio(np.tile(wave.astype("float32"), (channels, 1)), rate)


SOUNDS = {
    "mono": tone(),
    "three channels": tone(channels=3),
    "silence": Audio(np.zeros((2, 4000), "float32"), RATE),
    "one sample": Audio(np.full((1, 1), 0.25, "float32"), RATE),
    "a hundred samples": tone(seconds=100 / RATE),
    "beyond full scale": tone(amplitude=4.0, seconds=0.1),
    "96 kHz": tone(rate=96_000, seconds=0.1),
}


@pytest.mark.parametrize("name", SOUNDS)
def test_every_sound_has_an_outline_and_a_spectrogram(name):
    audio = SOUNDS[name]
    for stretch in outline(audio):
        assert stretch.shape == (STRETCHES,) and stretch.dtype == np.uint8
    shades = levels(audio)
    assert shades.shape == (BANDS, COLUMNS) and shades.dtype == np.uint8
    image = Image.open(io.BytesIO(thumbnail(audio)))
    assert image.size == (COLUMNS, BANDS) and image.format == "WEBP"


def test_the_outline_is_as_high_as_the_samples():
    lines = outline(tone(seconds=1.0))
    assert set(lines.peaks) <= {127, 128} and np.allclose(lines.levels, 255 * 0.5 / np.sqrt(2), atol=12)
    assert not outline(SOUNDS["silence"]).peaks.any()
    assert outline(SOUNDS["beyond full scale"]).peaks.max() == 255
    halves = np.concatenate([np.zeros(800), np.ones(800)]).astype("float32")[None]
    peaks = outline(Audio(halves, RATE)).peaks
    assert not peaks[: STRETCHES // 2].any() and (peaks[STRETCHES // 2 :] == 255).all()


def test_a_tone_is_a_line_at_its_height_and_silence_is_dark():
    low, high = (int(levels(tone(hertz))[:, COLUMNS // 2].argmax()) for hertz in (200, 4000))
    assert 3 <= low <= 8 and 50 < high < 65
    shades = levels(tone(1000))
    assert shades.max() == 255 and np.median(shades) < 40
    assert not levels(SOUNDS["silence"]).any()


def test_opposite_channels_do_not_cancel():
    left = tone().samples
    shades = levels(Audio(np.concatenate([left, -left]), RATE))
    assert np.array_equal(shades, levels(tone(channels=2)))


class Counted:
    """A source that counts how often it is decoded."""

    def __init__(self, audio):
        self.memory, self.loads = MemoryAudio(audio), 0
        self.digest = self.memory.digest

    def load(self):
        self.loads += 1
        return self.memory.load()


class Unreadable:
    digest = "0" * 64

    def load(self):
        raise InputError("The stored audio is damaged.")


def test_a_song_is_decoded_once_and_damage_is_said(tmp_path):
    store = Store(str(tmp_path / "store"))
    sources = [Counted(tone(seconds=1.0)), Counted(SOUNDS["silence"]), Counted(tone(seconds=1.0)), Unreadable()]
    first = song_pictures(store, sources)
    assert [source.loads for source in sources[:3]] in ([1, 1, 0], [0, 1, 1])
    again = song_pictures(store, sources)
    assert sum(source.loads for source in sources[:3]) == 2
    tone_picture, silence = (again[source.digest] for source in sources[:2])
    assert tone_picture.seconds == 1.0 and tone_picture.loudness == pytest.approx(-9.1, abs=0.2)
    assert silence.loudness is None
    assert np.array_equal(first[sources[0].digest].outline.peaks, tone_picture.outline.peaks)
    assert tone_picture.spectrogram == thumbnail(tone(seconds=1.0))
    assert isinstance(again[Unreadable.digest], Failure)
