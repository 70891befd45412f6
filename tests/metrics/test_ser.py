"""The structure analyser on planted songs, and SER as a metric."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from scipy.ndimage import median_filter

from metrics.features import novelty
from metrics.features.section_labels import Segment, label_segments
from metrics.features.structure import StructureAnalyser, analyse
from metrics.features.vocal_activity import THRESHOLD_DB, VocalActivity, _row_medians, find_voice, sung
from metrics.ser import ser_novelty
from songbench.contracts.feature import Extractor, Feature
from songbench.contracts.metric import SongMetric
from songbench.domain.audio import Audio, MemoryAudio
from songbench.domain.lyrics import parse_lyrics
from songbench.domain.prompt import Prompt
from songbench.domain.song import Failure, Request, Song, TimedSection, memory_song

RATE = 16_000


def chord(notes, seconds, level=0.1, seed=0):
    """Plucked notes every half second."""
    t = np.arange(round(0.5 * RATE)) / RATE
    beat = sum(np.sin(2 * np.pi * 440 * 2 ** ((note - 69) / 12) * t) * np.exp(-3 * t) for note in notes)
    noise = np.random.default_rng(seed).standard_normal(round(seconds * RATE)) * 1e-3
    return level * np.resize(beat, round(seconds * RATE)) + noise


def voice(seconds, level=0.2, pitch=330):
    """A gliding, trembling tone with harmonics: what singing has and instruments of fixed pitch have not."""
    t = np.arange(round(seconds * RATE)) / RATE
    hz = pitch * 2 ** (0.3 * np.sin(2 * np.pi * 0.7 * t) + 0.04 * np.sin(2 * np.pi * 5.5 * t))
    phase = 2 * np.pi * np.cumsum(hz) / RATE
    return level * sum(np.sin(k * phase) / k for k in range(1, 8))


def audio(*parts):
    return Audio(np.concatenate(parts).astype(np.float32)[None], RATE)


A, B = (48, 60, 64, 67), (53, 65, 68, 72, 77)


def starts(feature):
    return [start for _, start, _ in feature.data["segments"]]


def test_boundaries_of_a_planted_a_b_a():
    result = starts(analyse(audio(chord(A, 20), chord(B, 16, 0.2), chord(A, 20))))
    for true in (20, 36):
        assert min(abs(true - start) for start in result) <= 1
    assert result[0] == 0


def test_a_short_song_in_the_form_a_b_a():
    verse, chorus = chord(A, 8) + voice(8, pitch=220), chord(B, 8, 0.15) + voice(8, pitch=330)
    result = analyse(audio(verse, chorus, verse)).data["segments"]
    assert [label for label, _, _ in result] == ["verse", "chorus", "verse"]
    assert [start for _, start, _ in result] == [0, pytest.approx(8, abs=1), pytest.approx(16, abs=1)]


def test_a_short_intro_interlude_and_outro_are_found():
    verse = chord(A, 7) + voice(7)
    result = analyse(audio(chord(A, 3), verse, chord(A, 4), verse, chord(A, 3))).data["segments"]
    assert [label for label, _, _ in result] == ["intro", "verse", "inst", "verse", "outro"]
    for (_, start, _), true in zip(result, (0, 3, 10, 14, 21), strict=True):
        assert start == pytest.approx(true, abs=1)


def test_what_never_changes_is_one_section_without_singing():
    noise = np.random.default_rng(0).standard_normal(25 * RATE) * 0.1
    for steady in (noise, np.resize(chord(A, 0.5), 25 * RATE)):
        assert [label for label, _, _ in analyse(audio(steady)).data["segments"]] == ["inst"]


def test_segments_cover_the_audio_without_gaps():
    rows = analyse(audio(chord(A, 20), chord(B, 15.3))).data["segments"]
    assert rows[0][1] == 0
    assert rows[-1][2] == pytest.approx(35.3)
    assert all(before[2] == after[1] for before, after in pairwise(rows))


@pytest.mark.parametrize("extra", [-1, 0, 1, 2])
def test_any_number_of_samples(extra):
    samples = np.resize(chord(A, 5), 11 * 44_100 + extra).astype(np.float32)
    rows = analyse(Audio(samples[None], 44_100)).data["segments"]
    assert rows[-1][2] == len(samples) / 44_100


def test_voice_and_silence_are_told_from_the_band():
    sung = chord(A, 16) + voice(16)
    rows = analyse(audio(chord(A, 12), sung, np.zeros(10 * RATE), chord(A, 12))).data["segments"]
    labels = [label for label, _, _ in rows]
    assert labels[0] == "intro"
    assert labels[-1] == "outro"
    silence = next(row for row in rows if row[0] == "silence")
    assert silence[1:] == [pytest.approx(28, abs=1), pytest.approx(38, abs=1)]
    verse = [row for row in rows if row[0] in ("verse", "chorus")]
    assert verse[0][1] == pytest.approx(12, abs=2)


def test_the_voice_does_not_depend_on_level():
    mix = chord(A, 6) + voice(6)
    loud, quiet = (find_voice(audio(level * mix), 0.25) for level in (1.0, 0.01))
    np.testing.assert_allclose(loud.share, quiet.share, atol=0.01)
    np.testing.assert_allclose(loud.level, quiet.level, atol=0.01)
    assert np.median(loud.share) > THRESHOLD_DB > np.median(find_voice(audio(chord(A, 6)), 0.25).share)


@pytest.mark.parametrize("pitch", [110, 220, 440])
def test_the_pitch_of_the_voice_is_heard_through_the_chords(pitch):
    pitches = find_voice(audio(chord(A, 8, 0.03) + voice(8, pitch=pitch)), 0.25).pitch
    assert np.median(pitches) == pytest.approx(69 + 12 * np.log2(pitch / 440), abs=2)


@pytest.mark.parametrize("shape", [(257, 40), (3, 17), (2, 8), (1, 1)])
@pytest.mark.parametrize("width", [9, 17, 31])
def test_medians_along_rows_are_those_in_two_dimensions(shape, width):
    rows = np.random.default_rng(width).random(shape, np.float32).round(1)
    result = _row_medians(rows, width)
    assert result.dtype == rows.dtype and np.array_equal(result, median_filter(rows, (1, width)))


def trace(*runs):
    """A voice with (moments, share in dB) one after the other; its level is 60 dB above its share."""
    share = np.concatenate([np.full(moments, float(decibels)) for moments, decibels in runs])
    return VocalActivity(share, share + 60, np.full(len(share), 60.0))


def test_singing_is_found_in_long_enough_stretches():
    lone = sung(trace((20, -8), (6, -25), (20, -8)), shortest=8)
    assert lone.all(), "a breath is no interlude"
    assert sung(trace((20, -8), (9, -25), (20, -8)), shortest=8).sum() == 40
    assert sung(trace((5, -25), (20, -8), (5, -25)), shortest=8).sum() == 20, "half as long does at both ends"
    assert sung(trace((20, -8), (10, -25), (4, -80)), shortest=8).sum() == 20, "silence is not a third kind"


def test_sung_throughout_or_not_at_all():
    assert sung(trace((20, -8), (9, -9)), shortest=8).all()
    for unsung in (trace((20, -14), (9, -15)), trace((20, -20), (9, -40)), trace((1, -40))):
        assert not sung(unsung, shortest=8).any()


def test_silent_short_and_broken_audio():
    assert analyse(audio(np.zeros(30 * RATE))).data["segments"] == [["silence", 0.0, 30.0]]
    assert [row[0] for row in analyse(audio(chord(A, 3))).data["segments"]] == ["inst"]
    assert analyse(audio(np.zeros(10))).data["segments"][0][0] == "silence"
    analyser = StructureAnalyser()
    assert isinstance(analyser, Extractor)
    (result,) = analyser.extract([Broken()])
    assert isinstance(result, Failure)


class Broken:
    digest = "0"

    def load(self):
        from songbench.domain.audio import read_audio

        return read_audio("/nowhere.wav")


def passage(kind, start, end, level=0.0, tones=(0,), pitch=60.0):
    harmony = np.zeros((round(end - start), 12))
    harmony[np.arange(len(harmony)), np.resize(tones, len(harmony))] = 1
    return Segment(start=start, end=end, kind=kind, level=level, pitch=pitch, harmony=harmony)


VERSE, CHORUS, BRIDGE = (0, 3, 5, 8), (1, 4, 6, 9), (2, 7, 10, 11)


def test_labels_follow_the_rules():
    song = [
        passage("instrumental", 0, 10),
        passage("vocal", 10, 30, 0, VERSE),
        passage("vocal", 30, 50, 2, CHORUS),
        passage("instrumental", 50, 60),
        passage("vocal", 60, 80, 0, VERSE),
        passage("vocal", 80, 100, 2, CHORUS),
        passage("vocal", 100, 120, 0, BRIDGE),
        passage("vocal", 120, 140, 2, CHORUS),
        passage("silence", 140, 150),
        passage("instrumental", 150, 160),
    ]
    labels = ["intro", "verse", "chorus", "inst", "verse", "chorus", "bridge", "chorus", "silence", "outro"]
    assert label_segments(song) == labels
    assert label_segments([passage("instrumental", 0, 9)]) == ["inst"]


def test_labels_where_nothing_comes_back():
    def sections(*parts):
        return [passage("vocal", 9 * i, 9 * i + 9, *part) for i, part in enumerate(parts)]

    assert label_segments(sections((0, VERSE), (3, CHORUS))) == ["verse", "chorus"], "louder"
    assert label_segments(sections((0, VERSE), (0, CHORUS, 64))) == ["verse", "chorus"], "higher"
    assert label_segments(sections((0, VERSE), (0, CHORUS))) == ["verse", "verse"], "neither"
    assert label_segments(sections((3, VERSE), (0, CHORUS))) == ["verse", "verse"], "the opening is no chorus"
    assert label_segments(sections((0, VERSE), (1, BRIDGE), (3, CHORUS))) == ["verse", "bridge", "chorus"]
    assert label_segments(sections((0, VERSE), (1, VERSE), (3, CHORUS))) == ["verse", "verse", "chorus"]


def test_novelty_of_two_halves_peaks_between_them():
    features = np.repeat([[0.0], [1.0]], 20, axis=0) + np.random.default_rng(0).normal(0, 0.05, (40, 1))
    curve = novelty.novelty(novelty.self_similarity(features), 8)
    assert curve.shape == (41,)
    assert int(curve.argmax()) == 20
    assert curve.max() <= 1
    assert abs(novelty.novelty(np.ones((10, 10)), 4)).max() < 1e-12
    assert novelty.pick_boundaries(curve, 5, 0.2) == [20]
    assert novelty.pick_boundaries(curve, 21, 0.2) == [], "too near the ends"


def test_best_diagonal_finds_a_shifted_repetition():
    tones = np.eye(12)[np.random.default_rng(0).integers(0, 12, 20)]
    assert novelty.best_diagonal(tones, tones[4:]) == 1
    assert novelty.best_diagonal(tones[:10], np.eye(12)[np.full(10, 3)]) < 0.5


class Planted:
    def __init__(self, rows):
        self.rows = rows

    def of(self, extractor, sources):
        return [self.rows if isinstance(self.rows, Failure) else Feature(data={"segments": self.rows})] * len(sources)


LYRICS = "[intro] [intro] [intro] [intro] [intro]\n\n[verse]\nla\n\n[chorus]\nla la\n\n[verse]\nla\n\n[chorus]\nla la"
GOOD = [["intro", 0, 5], ["verse", 5, 15], ["chorus", 15, 25], ["verse", 25, 35], ["chorus", 35, 45]]


def request(lyrics=LYRICS):
    return Request(prompt=Prompt(id="p", lyrics=parse_lyrics(lyrics)), take=0, seed=0)


def score(rows, song=None):
    metric = ser_novelty()
    (verdict,) = metric.score([song or memory_song(request(), audio(np.zeros(8)))], Planted(rows))
    return verdict


def test_ser_of_planted_sections():
    perfect = score(GOOD)
    assert (perfect.values["ser"], perfect.values["order_error"]) == (0, 0)
    assert 30 < perfect.values["ser_chance"] < 90
    assert perfect.values == score(GOOD).values, "the chance level is seeded"
    late = score(GOOD[1:])
    assert late.detail["missing_seconds"] == 5
    assert late.values["ser"] == pytest.approx(100 * 5 / 40)
    assert late.values["order_error"] == pytest.approx(20)


def test_ser_of_silence_is_100():
    values = score([["silence", 0, 30]]).values
    assert (values["ser"], values["ser_chance"]) == (100, 100)


def test_ser_shows_the_error_of_the_analyser_where_the_truth_is_known():
    assert "boundary_f" not in score(GOOD).values
    source = MemoryAudio(audio(np.zeros(8)))
    sections = tuple(TimedSection(tag, start, end) for tag, start, end in GOOD)
    values = score(GOOD, Song(request=request(), source=source, sections=sections)).values
    assert (values["boundary_f"], values["label_error"]) == (1, 0)


def test_an_outro_with_words_is_asked_for_as_what_the_analyser_calls_singing():
    sung = "[intro]\nooh ooh\n\n[chorus]\nla la\n\n[outro]\nla la"
    rows = [["verse", 0, 5], ["chorus", 5, 15], ["verse", 15, 25]]
    source = MemoryAudio(audio(np.zeros(8)))
    timed_sections = (TimedSection("intro", 0, 5), TimedSection("chorus", 5, 15), TimedSection("outro", 15, 25))
    verdict = score(rows, Song(request=request(sung), source=source, sections=timed_sections))
    assert verdict.detail["requested"] == ["verse", "chorus", "verse"]
    assert (verdict.values["ser"], verdict.values["label_error"]) == (0, 0)
    by_other_signs = replace(ser_novelty(), sung_edge=None)
    (verdict,) = by_other_signs.score([memory_song(request(sung), audio(np.zeros(8)))], Planted(rows))
    assert verdict.detail["requested"] == ["intro", "chorus", "outro"]


def test_ser_as_a_metric():
    metric = ser_novelty()
    assert isinstance(metric, SongMetric)
    assert metric.availability().ready
    assert metric.card.limits
    assert metric.card.citation
    assert set(score(GOOD).values) <= {field.name for field in metric.card.fields}
    failure = Failure("feature", "broken")
    assert score(failure) == failure
