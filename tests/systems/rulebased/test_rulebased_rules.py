from itertools import pairwise

import numpy as np
import pytest

from songbench.domain.checking import checked
from songbench.domain.errors import InputError
from systems.rulebased.dynamics import FULL, intensities
from systems.rulebased.effects import widen
from systems.rulebased.espeak import RATE as VOICE_RATE
from systems.rulebased.espeak import say
from systems.rulebased.expression import breath, phrase_velocities
from systems.rulebased.figures import BASS, COMPING, bass_line, voicing
from systems.rulebased.genres import GENRE_TABLE, Kit
from systems.rulebased.harmony import PlacedChord
from systems.rulebased.phrasing import LONGEST_PHRASE, lyric_line
from systems.rulebased.pitch import Note, pitch_curve
from systems.rulebased.plan import Part, PlacedSection, make_plan
from systems.rulebased.rhythm import set_rhythm, strength
from systems.rulebased.score import swung
from systems.rulebased.style import GENRES, parse_style
from systems.rulebased.text import spoken_line
from systems.rulebased.theory import Chord, Key, chord_of, nearest_pitch


def line(text: str, language: str = "en"):
    return lyric_line(text, language, "female")


@pytest.mark.parametrize(
    ("text", "genre", "bpm", "singer", "mode"),
    [
        ("upbeat synth pop, 120 bpm, female voice", "electronic", 120, "female", "major"),
        ("dark rock with a male singer", "rock", None, "male", "minor"),
        ("pop ballad", "ballad", None, None, None),
        ("grapes and wrapping paper", "pop", None, None, None),
        ("民谣 女声", "folk", None, "female", None),
        ("古风 女声", "guofeng", None, "female", None),
        ("old-school hip-hop with rap verses", "soul", None, None, None),
        ("R&B", "soul", None, None, None),
        ("说唱", "soul", None, None, None),
        ("雷鬼", "reggae", None, None, None),
        ("rapid dubstep, electronic", "electronic", None, None, None),
        ("", "pop", None, None, None),
    ],
)
def test_styles_are_read(text, genre, bpm, singer, mode) -> None:
    style = parse_style(text)
    assert (style.genre, style.bpm, style.singer, style.mode) == (genre, bpm, singer, mode)


def test_chords_of_numerals() -> None:
    c_major, a_minor = Key(0, "major"), Key(9, "minor")
    assert [chord_of(c_major, n).name for n in ("I", "vi", "V7", "bVII", "ii7")] == ["C", "Am", "G7", "Bb", "Dm7"]
    assert [chord_of(a_minor, n).name for n in ("i", "VI", "iim7b5")] == ["Am", "F", "Bm7b5"]
    with pytest.raises(ValueError, match="numeral"):
        chord_of(c_major, "H")


def test_the_tables_speak_of_the_same_genres() -> None:
    assert set(GENRE_TABLE) == set(GENRES)
    assert {parse_style(name).genre for name in GENRES} == set(GENRES)


def test_genres_name_figures_that_there_are() -> None:
    for genre in GENRE_TABLE.values():
        assert {instrument.figure for instrument in genre.instruments} <= set(COMPING)
        assert {genre.bass.soft, genre.bass.full} <= set(BASS)


def test_a_drum_that_is_not_there_is_named() -> None:
    with pytest.raises(InputError, match="field 'full': There is no drum 'anvil', only kick"):
        checked(Kit, {"preset": 0, "tom_gain": 1.0, "soft": {}, "full": {"anvil": "x" * 16}})


def test_every_progression_can_be_spelled() -> None:
    for name in GENRES:
        for mode, progressions in GENRE_TABLE[name].progressions.items():
            assert len(progressions) >= 3
            assert all(chord_of(Key(0, mode), numeral) for numerals in progressions for numeral in numerals)


def test_voicings_move_little_and_hold_the_chord() -> None:
    first = voicing(Chord(0, ""), 60, ())
    second = voicing(Chord(5, ""), 60, first)
    assert {p % 12 for p in second} == {5, 9, 0}
    assert abs(np.mean(second) - np.mean(first)) <= 4
    assert nearest_pitch(61.0, (0, 4, 7), 50, 70) == 60


def test_a_walking_bass_leads_to_the_next_root() -> None:
    tones = bass_line("walking", PlacedChord(Chord(2, "m7"), 0, 4), Chord(7, "7"), 80)
    assert [t.start for t in tones] == [0, 1, 2, 3]
    assert tones[0].pitch % 12 == 2 and abs(tones[-1].pitch % 12 - 7) == 1


def test_speech_is_repeatable_and_its_phonemes_cover_the_words() -> None:
    first = say("hold me closer", "en-us+f5")
    say("something else entirely", "en-us+m3")
    again = say("hold me closer", "en-us+f5")
    assert np.array_equal(first.samples, again.samples)
    assert [p.name for p in first.phonemes if p.is_vowel] == ["oU", "i:", "oU", "3"]
    assert all(a.end <= b.start for a, b in zip(first.phonemes, first.phonemes[1:], strict=False))


def test_syllables_know_their_words() -> None:
    syllables = line("river of silver").syllables
    assert [s.word for s in syllables] == [0, 0, 1, 2, 2]
    assert [s.stress for s in syllables][::3] == [2, 2]
    assert [word for word, _, _ in line("every word in the rain").phrases[0].words()] == [
        "every",
        "word",
        "in",
        "the",
        "rain",
    ]
    assert spoken_line("?!", "en") is None


def test_pinyin_is_read_in_context() -> None:
    assert spoken_line("银行", "zh").text == "yin2 hang2"
    assert spoken_line("女兄", "zh").text == "nv3 xun1"
    assert spoken_line("don’t stop", "mixed").words == ("don't", "stop")


@pytest.mark.parametrize(
    ("line", "sung", "language"),
    [
        ("I am 100% sure, 24/7", "I am one hundred percent sure twenty four seven", "en"),
        ("Back in 1999 I paid $5", "Back in nineteen ninety nine I paid five dollars", "en-GB"),
        ("don&#39;t stop, Rock & Roll", "don't stop Rock and Roll", "en"),
        ("up at 7 a.m. in the U.S.A.", "up at seven A M in the U S A", "en"),
        ("Oooh, woah, soooo 5-6", "ooh whoa so five six", "en"),
        ("vi xx xi mix", "V I X X X I mix", "en"),
        ("一百分100分", "yi4 bai3 fen1 yi4 bai3 fen1", "zh"),
        ("2008年 50%", "er4 ling2 ling2 ba1 nian2 bai3 fen1 zhi1 wu3 shi2", "zh"),
        ("520", "wu3 bai3 er4 shi2", "zh"),
        ("等了3年 baby", "deng3 le5 san1 nian2 baby", "mixed"),
        ("Nobody knows", "Nobody knows", "und"),
    ],
)
def test_what_is_sung_is_what_is_asked(line: str, sung: str, language: str) -> None:
    assert spoken_line(line, language).text == sung


def test_letters_nobody_can_sing_are_refused() -> None:
    for text, language in (("I said хорошо", "en"), ("雨がふってる", "zh")):
        with pytest.raises(InputError, match="cannot read"):
            spoken_line(text, language)
    with pytest.raises(InputError, match="cannot sing the language 'fr'"):
        spoken_line("Je ne sais pas", "fr")


def test_the_plan_fits_the_wanted_duration() -> None:
    lines = (line("Walking down an empty street"), line("with nothing in my hand"))
    parts = [Part("intro", (), 4.0), Part("verse", lines), Part("silence", (), 1.25), Part("outro", (), 4.0)]
    for seconds in (16.0, 20.0, 31.0):
        plan = make_plan(parts, seconds, 90, 108, 126)
        assert plan.seconds(plan.beats) == pytest.approx(seconds, abs=0.6)
        assert 90 <= plan.bpm <= 126
    assert plan.seconds(plan.sections[2].beats) == pytest.approx(1.25, abs=0.3)


def test_stresses_fall_on_stronger_beats_and_no_syllable_is_hurried() -> None:
    words = line("We are dancing until the stars go by")
    plan = make_plan([Part("verse", (words,))], None, 90, 108, 126)
    onsets = set_rhythm(plan.sections[0].slots[0], 0, plan.bpm, 0.0, np.random.default_rng(0))
    force = [strength(onset.start) for onset in onsets]
    stressed = [f for f, s in zip(force, words.syllables, strict=True) if s.stress == 2]
    weak = [f for f, s in zip(force, words.syllables, strict=True) if s.stress == 0]
    assert np.mean(stressed) > np.mean(weak)
    for onset, syllable in zip(onsets, words.syllables, strict=True):
        assert plan.seconds(onset.end - onset.start) >= syllable.least_seconds - 1e-6


@pytest.mark.parametrize(
    ("text", "phrases"),
    [
        ("码头的灯还亮着，船已经慢慢走远", ["码头的灯还亮着", "船已经慢慢走远"]),
        ("等潮水回来的时候请你也回来", ["等潮水回来的时候", "请你也回来"]),
        ("The summer never has to end", ["The summer never has to end"]),
    ],
)
def test_long_lines_get_a_breath(text: str, phrases: list[str]) -> None:
    words = line(text, "zh" if text[0] > "z" else "en")
    blank = "" if text[0] > "z" else " "
    assert [blank.join(phrase.spoken.words) for phrase in words.phrases] == phrases
    assert len(words.pauses) == len(phrases) - 1


def test_a_breath_is_a_rest_in_the_rhythm() -> None:
    words = line("I asked the man who sells the bread if he knew your name and gave it back to me")
    assert len(words.phrases) >= 2 and all(len(p.syllables) <= LONGEST_PHRASE["en"] for p in words.phrases)
    plan = make_plan([Part("verse", (words,))], None, 90, 108, 126)
    onsets = set_rhythm(plan.sections[0].slots[0], 0, plan.bpm, 0.0, np.random.default_rng(0))
    for index, (onset, following) in enumerate(pairwise(onsets)):
        rest = plan.seconds(following.start - onset.end)
        assert rest >= words.pauses.get(index, 0.0) - 1e-6 and (rest > 0.2) == (index in words.pauses)


def test_pitch_glides_scoops_and_vibrates_on_long_notes() -> None:
    times = np.arange(0, 2.4, 0.005)
    curve = pitch_curve(
        [Note(pitch=60, start=0.0, end=0.3), Note(pitch=64, start=0.3, end=2.4)], times, np.random.default_rng(0)
    )
    semitones = 69 + 12 * np.log2(curve / 440)
    assert np.abs(semitones[30:50] - 60).max() < 0.35
    assert 0.8 < np.ptp(semitones[(times > 1.2) & (times < 2.2)]) < 1.8
    assert abs(np.mean(semitones[(times > 1.0) & (times < 2.0)]) - 64) < 0.15
    assert np.abs(np.diff(semitones)).max() < 0.7


def test_a_mandarin_tone_colours_the_beginning_of_its_note() -> None:
    times = np.arange(0, 0.4, 0.005)
    rising, falling = (
        pitch_curve([Note(pitch=60, start=0.0, end=0.4, tone=t)], times, np.random.default_rng(0)) for t in (2, 4)
    )
    assert 1200 * np.log2(falling[5] / rising[5]) > 120
    assert [s.tone for s in line("月亮", "zh").syllables if s.tone] == [4] * len(line("月亮", "zh").syllables)


def test_sections_grow() -> None:
    tags = ("verse", "chorus", "verse", "chorus", "silence", "chorus")
    sections = [PlacedSection(tag, 8 * index, 8) for index, tag in enumerate(tags)]
    levels = intensities(sections, "full")
    assert levels[0] < levels[2] < FULL <= levels[1] < levels[3] < levels[5] == 1.0
    assert max(intensities(sections, "sparse")) < FULL <= min(intensities(sections, "band"))


def test_a_phrase_has_an_arc_and_stresses() -> None:
    velocities = phrase_velocities([0, 2, 0, 2, 0, 0], range(6), [60] * 6, 0.5, np.random.default_rng(0))
    assert max(velocities) == velocities[3] and len(set(velocities)) >= 4


def test_a_breath_ends_before_the_phrase_it_precedes() -> None:
    start, samples = breath(1.0, 1.5, 0.1, np.random.default_rng(0))
    assert start > 1.0 and start + len(samples) / VOICE_RATE < 1.5
    assert 0.003 < np.sqrt(np.mean(samples**2)) < 0.01
    assert breath(1.0, 1.1, 0.1, np.random.default_rng(0)) is None


def test_reflections_leave_the_mono_sum_alone() -> None:
    stereo = np.random.default_rng(0).normal(size=(2, 4800)).astype(np.float32)
    wide = widen(stereo, 48_000, 0.5)
    np.testing.assert_allclose(wide.sum(axis=0), stereo.sum(axis=0), atol=1e-5)
    assert np.square(wide[0] - wide[1]).sum() > np.square(stereo[0] - stereo[1]).sum()


def test_swing() -> None:
    assert [swung(beat, 0.6) for beat in (1.0, 1.5, 2.0)] == [1.0, 1.6, 2.0]
    assert swung(1.25, 0.5) == 1.25
