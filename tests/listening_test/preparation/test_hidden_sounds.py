"""Anchors, traps, volume page and headphone check: what they are is measured."""

from random import Random

import numpy as np
import pytest
from scipy import signal
from small_material import RATE, music, small_protocol

from listening_test.preparation import checks
from listening_test.preparation.anchors import LOWPASS, degraded, delay_of, lowpass_taps, mp3
from listening_test.preparation.checks import pinyin, speak
from listening_test.preparation.sound import loudness
from listening_test.protocol import load_protocol
from songbench.domain.errors import InputError


@pytest.mark.parametrize("anchor", LOWPASS)
@pytest.mark.parametrize("rate", [24000, 44100, 48000])
def test_low_passes_are_those_of_the_standard(anchor, rate):
    edge, stop = LOWPASS[anchor]
    frequencies, response = signal.freqz(lowpass_taps(rate, edge, stop), worN=8192, fs=rate)
    level = 20 * np.log10(np.maximum(np.abs(response), 1e-9))
    assert np.interp(edge, frequencies, level) == pytest.approx(-3.0, abs=0.1)
    assert np.abs(level[frequencies < edge - 400]).max() < 0.1 and level[frequencies >= stop].max() < -50


def test_anchors_stay_in_their_place_in_time():
    original = music(4.0, rate=44100).samples
    for anchor in ("lowpass-3500", "lowpass-7000", "mp3-64k"):
        worse = degraded(original, 44100, anchor)
        assert worse.shape == original.shape and delay_of(worse, original) == 0
        assert not np.allclose(worse, original, atol=1e-3)
    assert degraded(original, 44100, "other-words") is original
    assert delay_of(np.pad(original, ((0, 0), (37, 0))), original) == 37


@pytest.mark.parametrize("rate", [24000, 48000])
def test_a_low_bit_rate_takes_away_what_64_kbit_cannot_hold(rate):
    original = music(4.0, rate=rate, level=0.8).samples  # beyond full scale: must not clip
    assert np.abs(original).max() > 1
    worse = mp3(original, rate)
    assert delay_of(worse, original) == 0 and 5 < 10 * np.log10(np.var(original) / np.var(worse - original)) < 40


def test_too_low_a_rate_for_an_anchor_is_told():
    with pytest.raises(InputError, match=r"above 7500 Hz.*Raise listening.rate"):
        degraded(music(1.0, rate=12000).samples, 12000, "lowpass-7000")


def test_speech_is_the_same_every_time_and_mandarin_is_spelled():
    assert np.array_equal(speak("This is a check.", "en"), speak("This is a check.", "en"))
    speech = speak("这是一项检查。", "zh")
    assert 0.5 < len(speech) / 22050 < 4 and np.abs(speech).max() > 0.1
    assert pinyin("每个问题，选“较差”。") == "mei3 ge4 wen4 ti2 , xuan3   jiao4 cha4  ."


def test_instructions_name_the_answer_as_the_page_does():
    acr, pair, ccr, many = (load_protocol(one) for one in ("levo", "preference", "ccr", "multistimulus"))
    assert checks.instruction(acr, acr.scales, "2", "en") == (
        "This is a check. Please choose number 2, 'Poor', for every question."
    )
    assert checks.instruction(acr, acr.scales, "2", "zh") == "这是一项检查。 每个问题都请选择二分，“较差”。"
    assert "song B, the second one" in checks.instruction(pair, pair.scales, "B", "en")
    assert "minus 3, 'Much worse'" in checks.instruction(ccr, ccr.scales, "-3", "en")
    assert "负三分" in checks.instruction(ccr, ccr.scales, "-3", "zh")
    assert "this one to 100" in checks.instruction(many, many.scales, "100", "en")
    assert "一百" in checks.instruction(many, many.scales, "100", "zh")


def test_traps_never_ask_for_the_middle():
    assert checks.trap_answers(load_protocol("levo"), load_protocol("levo").scales) == ("1", "2", "4", "5")
    ccr = load_protocol("ccr")
    assert checks.trap_answers(ccr, ccr.scales) == ("-3", "-2", "-1", "1", "2", "3")
    assert set(checks.asked_in_turn(("0", "100"), 4, Random(1))) == {"0", "100"}
    scales = [
        {"id": "A", "label": "a", "points": {1: "x", 2: "y"}},
        {"id": "B", "label": "b", "points": {5: "x", 6: "y"}},
    ]
    odd = small_protocol(scales=scales)
    with pytest.raises(InputError, match="no answer in common"):
        checks.trap_answers(odd, odd.scales)


def test_the_voice_is_heard_over_the_music():
    """Where the voice speaks, what is heard resembles the voice and hardly the music; elsewhere it is the music."""
    sound, text = music(9.0, rate=44100).samples, "This is a check. Please set this one to 100."
    mixed = checks.spoken_over(sound, 44100, text, "en")
    assert mixed.shape == sound.shape
    first, voice = round(checks.MUSIC_FIRST_SECONDS * 44100), len(checks._voice(text, "en", 44100, checks.SPEEDS[0]))
    assert np.allclose(mixed[:, : first - 12000], sound[:, : first - 12000])
    part = slice(first, first + voice)
    left = mixed[:, part] - checks.factor(checks.DUCKED_DB) * sound[:, part]  # the voice alone
    assert 10 * np.log10(np.var(left) / np.var(checks.factor(checks.DUCKED_DB) * sound[:, part])) > 12
    assert loudness(np.ascontiguousarray(left), 44100) == pytest.approx(loudness(sound, 44100), abs=0.5)


def test_a_voice_needs_room():
    with pytest.raises(InputError, match=r"1.0 s is too short for a trap.*longer excerpts"):
        checks.spoken_over(music(1.0).samples, RATE, "This is a check. Please set this one to 100.", "en")
    silence = np.zeros((2, 8 * RATE), "float32")
    assert np.abs(checks.spoken_over(silence, RATE, "This is a check.", "en")).max() > 0.1


def test_the_headphone_check_is_that_of_woods_and_others():
    rate, orders = 44100, checks.tone_orders(6, Random(0))
    assert len(set(orders)) == 6 and len(set(checks.tone_orders(4, Random(0)))) == 4
    for quiet, antiphase in orders:
        sound = checks.tones(quiet, antiphase, rate)
        assert sound.shape[1] == 4 * rate
        for place in (1, 2, 3):
            start = round((place - 1) * 1.5 * rate)
            left, right = sound[:, start : start + rate]
            inside = left[rate // 4 : 3 * rate // 4]
            level = 20 * np.log10(np.sqrt(2) * np.std(inside) / 0.5)
            assert level == pytest.approx(-6.0 if place == quiet else 0.0, abs=0.05)
            assert np.allclose(left, -right if place == antiphase else right)
            spectrum = np.abs(np.fft.rfft(inside * np.hanning(len(inside))))
            assert np.argmax(spectrum) * rate / len(inside) == pytest.approx(200, abs=2)
            assert np.abs(left[:400]).max() < 0.05  # a ramp, not a click


def test_the_volume_is_set_by_noise_as_loud_as_the_song():
    rate = 44100
    sound = checks.sound_check(music(8.0, rate=rate, level=0.01).samples, rate, 0)
    noise, song = sound[:, : 5 * rate], sound[:, round(5.3 * rate) :]
    assert loudness(noise, rate) == pytest.approx(loudness(song, rate), abs=0.2)
    octaves = [(125, 250), (1000, 2000), (4000, 8000)]
    frequencies, power = signal.welch(noise[0], rate, nperseg=16384)
    levels = [10 * np.log10(power[(frequencies > a) & (frequencies < b)].sum()) for a, b in octaves]
    assert max(levels) - min(levels) < 2  # equal power per octave
    assert checks.sound_check(None, rate, 0).shape[1] == 5 * rate
