import numpy as np
import pytest

from songbench.domain.checking import checked
from songbench.domain.errors import InputError
from systems.rulebased.espeak import say
from systems.rulebased.figures import BASS, COMPING, bass_line, voicing
from systems.rulebased.genres import GENRE_TABLE, Kit
from systems.rulebased.harmony import PlacedChord
from systems.rulebased.pitch import Note, pitch_curve
from systems.rulebased.plan import Part, make_plan
from systems.rulebased.rhythm import set_rhythm, strength
from systems.rulebased.score import swung
from systems.rulebased.style import GENRES, parse_style
from systems.rulebased.syllables import syllable_line
from systems.rulebased.text import spoken_line
from systems.rulebased.theory import Chord, Key, chord_of, nearest_pitch


def line(text: str, language: str = "en"):
    return syllable_line(spoken_line(text, language), "female")


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
    assert [word for word, _, _ in line("every word in the rain").words()] == ["every", "word", "in", "the", "rain"]
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


def test_pitch_glides_and_vibrates_only_on_long_notes() -> None:
    times = np.arange(0, 2.4, 0.005)
    curve = pitch_curve([Note(60, 0.0, 0.4), Note(64, 0.4, 2.4)], times, np.random.default_rng(0))
    semitones = 69 + 12 * np.log2(curve / 440)
    assert np.abs(semitones[20:60] - 60).max() < 0.2
    assert 0.2 < np.ptp(semitones[times > 1.2]) < 1.2
    assert np.abs(np.diff(semitones)).max() < 0.7


def test_swing() -> None:
    assert [swung(beat, 0.6) for beat in (1.0, 1.5, 2.0)] == [1.0, 1.6, 2.0]
    assert swung(1.25, 0.5) == 1.25
