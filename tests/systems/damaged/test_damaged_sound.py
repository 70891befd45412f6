import numpy as np
import pytest

from songbench.domain.audio import Audio
from songbench.domain.song import TimedSection, TimedWord
from systems.damaged import form, sound, voice
from systems.damaged.warp import warped

RATE = 24_000


def song(seconds=3.0, channels=2):
    rng = np.random.default_rng(0)
    time = np.arange(round(seconds * RATE)) / RATE
    tones = [np.sin(2 * np.pi * f * time + c) for c in range(channels) for f in (220.0,)]
    hiss = 0.2 * rng.standard_normal((channels, len(time)))
    return Audio((0.2 * (np.stack(tones) + hiss)).astype(np.float32), RATE)


def rms(samples):
    return float(np.sqrt(np.mean(np.asarray(samples, np.float64) ** 2)))


def share_above(audio, hertz):
    power = np.abs(np.fft.rfft(audio.samples[0])) ** 2
    return power[np.fft.rfftfreq(audio.samples.shape[1], 1 / audio.rate) > hertz].sum() / power.sum()


def pitch(samples, rate=RATE):
    return np.fft.rfftfreq(samples.shape[-1], 1 / rate)[np.abs(np.fft.rfft(samples[0])).argmax()]


@pytest.mark.parametrize("strength", [1, 2, 3, 4])
def test_noise_lies_as_far_below_the_song_as_it_says_and_differs_between_channels(strength):
    clean = song()
    added = sound.noise(clean, strength, 1).samples - clean.samples
    assert 20 * np.log10(rms(clean.samples) / rms(added)) == pytest.approx(sound.NOISE_DB[strength - 1], abs=0.1)
    assert abs(np.corrcoef(added)[0, 1]) < 0.2
    low, high = (np.abs(np.fft.rfft(added[0])[a:b]).mean() for a, b in ((30, 300), (3000, 30000)))
    assert low > 3 * high, "pink, not white"


@pytest.mark.parametrize("strength", [1, 2, 3, 4])
def test_lowpass_and_mp3_take_the_treble_and_leave_the_length(strength):
    clean = song()
    dull = sound.lowpass(clean, strength)
    assert dull.samples.shape == clean.samples.shape
    assert share_above(dull, 1.5 * sound.LOWPASS_HZ[strength - 1]) < 1e-4
    coded = sound.mp3(clean, strength)
    assert coded.rate == clean.rate
    assert abs(coded.samples.shape[1] - clean.samples.shape[1]) <= 1
    n = min(coded.samples.shape[1], clean.samples.shape[1])
    likeness = np.corrcoef(coded.samples[0, :n], clean.samples[0, :n])[0, 1]
    assert 0.85 < likeness < 0.99999, "aligned, and not the same"


def test_lower_mp3_rates_lose_more_of_the_treble():
    clean = song()
    left = [share_above(sound.mp3(clean, strength), 5000) for strength in (1, 2, 3, 4)]
    assert left[0] > 2 * left[1] > 100 * max(left[2:])


def test_clipping_keeps_the_level_and_flattens_the_peaks():
    clean = song()
    crests = []
    for strength in (1, 2, 3, 4):
        clipped = sound.clipping(clean, strength).samples
        assert rms(clipped) == pytest.approx(rms(clean.samples), rel=1e-3)
        crests.append(np.abs(clipped).max() / rms(clipped))
    assert crests == sorted(crests, reverse=True)
    assert crests[-1] < 1.5


def test_loudness_and_mono_change_nothing_else():
    clean = song()
    for strength in (1, 2, 3, 4):
        softer = sound.loudness(clean, strength).samples
        np.testing.assert_allclose(softer * 10 ** (sound.SOFTER_DB[strength - 1] / 20), clean.samples, atol=1e-6)
        narrow = sound.mono(clean, strength).samples
        np.testing.assert_allclose(narrow.mean(axis=0), clean.samples.mean(axis=0), atol=1e-6)
        side = (narrow[0] - narrow[1]) / (clean.samples[0] - clean.samples[1])
        assert np.median(side) == pytest.approx(sound.SIDE_LEFT[strength - 1], abs=1e-4)
    single = song(channels=1)
    np.testing.assert_array_equal(sound.mono(single, 4).samples, single.samples)


def test_warping_by_nothing_changes_nothing_and_stretching_keeps_the_pitch():
    clean = song(4.0)
    n = clean.samples.shape[1]
    unwarped = warped(clean.samples, RATE, lambda moment: moment, n)
    np.testing.assert_allclose(unwarped[:, 2000:-2000], clean.samples[:, 2000:-2000], atol=1e-6)
    longer = warped(clean.samples, RATE, lambda moment: 0.8 * moment, n * 5 // 4)
    assert pitch(longer) == pytest.approx(220, abs=0.5)
    assert rms(longer) == pytest.approx(rms(clean.samples), rel=0.05)


def test_a_wobbling_tempo_moves_clicks_and_comes_back_after_four_seconds():
    clicks = np.zeros((1, 8 * RATE), np.float32)
    clicks[0, :: RATE // 2] = 1.0
    wobbled = sound.tempo_wobble(Audio(clicks, RATE), 4).samples[0]
    assert wobbled.shape == clicks[0].shape
    places = np.flatnonzero(wobbled > 0.3) / RATE
    near_two = places[np.abs(places - 1.75).argmin()]
    assert abs(near_two - round(near_two * 2) / 2) > 0.05, "in the middle of a period a click lies off its beat"
    assert np.abs(places - 4.0).min() < 0.03


def test_silence_survives_every_damage_of_sound():
    silence = Audio(np.zeros((2, RATE), np.float32), RATE)
    for damaged in (
        sound.noise(silence, 4, 0),
        sound.lowpass(silence, 4),
        sound.clipping(silence, 4),
        sound.mp3(silence, 4),
        sound.tempo_wobble(silence, 4),
    ):
        assert np.isfinite(damaged.samples).all()
        assert rms(damaged.samples) < 1e-4


def test_the_voice_is_shifted_and_the_band_is_not():
    band, singing = song(), song(channels=2)
    mix = Audio(band.samples + singing.samples, RATE)
    for strength in (1, 4):
        left = voice.detuned_voice(mix, singing, strength).samples - band.samples
        cents = 1200 * np.log2(pitch(left) / 220)
        assert cents == pytest.approx(voice.CENTS[strength - 1], abs=4)
    np.testing.assert_allclose(voice.voice_removed(mix, singing, 4).samples, band.samples, atol=1e-6)


def test_dropped_phrases_are_silent_and_a_stronger_drop_contains_the_weaker():
    words = tuple(TimedWord("la", 0.2 + 0.7 * i, 0.5 + 0.7 * i) for i in range(4))
    assert len(voice.phrases(words)) == 4
    band, singing = song(), song()
    mix = Audio(band.samples + singing.samples, RATE)
    silent = []
    for strength in (1, 2, 3, 4):
        changed, left = voice.dropped_lines(mix, singing, words, strength, 5)
        np.testing.assert_allclose(changed.samples - left.samples, band.samples, atol=1e-6)
        silent.append(
            {i for i in range(4) if rms(left.samples[:, int((0.3 + 0.7 * i) * RATE) :][:, : RATE // 10]) < 1e-6}
        )
        assert len(silent[-1]) == strength
    assert silent[0] < silent[1] < silent[2] < silent[3]


SECTIONS = tuple(
    TimedSection(tag, 0.6 * i, 0.6 * (i + 1)) for i, tag in enumerate(("intro", "verse", "chorus", "verse", "outro"))
)


def test_sections_change_places_and_nothing_is_lost():
    clean = song(3.0)
    for strength in (1, 2, 3, 4):
        order = form.shuffled(SECTIONS, strength, 3)
        assert sorted(order) == [0, 1, 2, 3, 4]
        assert [SECTIONS[i].tag for i in order] != [section.tag for section in SECTIONS]
        moved = form.rearranged(clean, SECTIONS, order)
        assert moved.samples.shape == clean.samples.shape
        sections = form.retimed(SECTIONS, order, clean.seconds)
        assert [section.tag for section in sections] == [SECTIONS[i].tag for i in order]
        assert sections[-1].end == pytest.approx(3.0)


def test_sections_are_dropped_one_to_all_but_one():
    counts = [len(form.dropped(SECTIONS, strength, 3)) for strength in (1, 2, 3, 4)]
    assert counts == [4, 3, 2, 1]
    clean = song(3.0)
    assert form.rearranged(clean, SECTIONS, form.dropped(SECTIONS, 4, 3)).seconds == pytest.approx(0.6, abs=0.01)


def test_a_copied_prompt_fills_its_share_at_any_rate_and_channel_count():
    clean = song(4.0)
    prompt = Audio(song(0.5, channels=1).samples * 0.1, 12_000)
    for strength in (1, 4):
        copied = form.prompt_copied(clean, prompt, strength).samples
        assert copied.shape == clean.samples.shape
        border = clean.samples.shape[1] * strength // 4
        assert rms(copied[:, :border]) < 0.2 * rms(clean.samples)
        if strength < 4:
            np.testing.assert_array_equal(copied[:, border + 1000 : -1000], clean.samples[:, border + 1000 : -1000])
