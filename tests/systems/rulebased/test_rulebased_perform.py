import hashlib
import io
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pretty_midi
import pytest
import pyworld

from songbench.domain.errors import InputError
from songbench.domain.lyrics import Lyrics, Section
from systems.rulebased.melody import RANGES
from systems.rulebased.mix import LOUDNESS
from systems.rulebased.perform import Performance, Recipe, perform
from systems.rulebased.style import GENRES, parse_style
from systems.rulebased.theory import NOTE_NAMES, Key

SHORT = Lyrics(
    (
        Section("intro", seconds=2.0),
        Section("verse", ("The river is running away", "I hear every word in the rain")),
        Section("silence", seconds=1.5),
        Section("inst", seconds=2.0),
        Section("outro", seconds=2.0),
    )
)
SHORT_SECONDS = 14.0
CHORUS = Section("chorus", ("Hold me closer tonight",))
TWO_CHORUSES = Lyrics((Section("intro", seconds=2.0), CHORUS, Section("verse", ("Cold morning light",)), CHORUS))
MANDARIN = Lyrics((Section("verse", ("月亮代表我的心", "让我们一起飞 oh yeah")),))


def recipe(style: str = "pop", singer: str = "female", seed: int = 1, arrangement: str = "full") -> Recipe:
    return Recipe(parse_style(style), singer, arrangement, seed)


@pytest.fixture(scope="session")
def short() -> Performance:
    return perform(SHORT, "en", recipe(), SHORT_SECONDS)


@pytest.fixture(scope="session")
def choruses() -> Performance:
    return perform(TWO_CHORUSES, "en", recipe("rock", "male", 3))


@pytest.fixture(scope="session")
def mandarin() -> Performance:
    return perform(MANDARIN, "zh", recipe("ballad"))


def digest() -> str:
    song = perform(Lyrics((Section("verse", ("Say my name again",)),)), "en", recipe("jazz", seed=4))
    return hashlib.sha256(song.mix.tobytes() + song.stems["vocals"].tobytes() + song.midi).hexdigest()


def part(song: Performance, stem: str | None, start: float, end: float) -> np.ndarray:
    samples = song.mix if stem is None else song.stems[stem]
    return samples[:, round(start * song.rate) : round(end * song.rate)]


def section(song: Performance, tag: str) -> tuple[float, float]:
    match = next(s for s in song.sections if s.tag == tag)
    return match.start, match.end


def key_of(song: Performance) -> Key:
    tonic, mode = song.key.split()
    return Key(NOTE_NAMES.index(tonic), mode)


def test_the_same_seed_gives_the_same_bytes_in_another_process_whatever_was_sung_before() -> None:
    perform(Lyrics((Section("verse", ("Another line came first",)),)), "en", recipe("folk", "male", 9))
    code = "import test_rulebased_perform as here; print(here.digest())"
    folders = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), os.environ["PYTHONPATH"]])}
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=folders)
    assert process.stdout.strip() == digest()


def test_another_seed_gives_another_song(choruses: Performance) -> None:
    reseeded = perform(TWO_CHORUSES, "en", recipe("rock", "male", 4))
    assert reseeded.mix.shape != choruses.mix.shape or not np.array_equal(reseeded.mix, choruses.mix)


def test_sections_follow_the_plan_and_the_wanted_duration(short: Performance) -> None:
    assert [s.tag for s in short.sections] == list(SHORT.tags)
    assert short.mix.shape[1] / short.rate == pytest.approx(SHORT_SECONDS, abs=0.5)
    assert short.sections[0].start == 0.0
    assert short.sections[-1].end == pytest.approx(short.mix.shape[1] / short.rate)
    for section, source, following in zip(short.sections, SHORT.sections, short.sections[1:], strict=False):
        assert section.end == following.start
        if source.seconds:
            assert section.end - section.start == pytest.approx(source.seconds, abs=0.75)


def test_singing_wins_over_a_duration_that_is_too_short() -> None:
    song = perform(Lyrics((Section("verse", ("I will be waiting when the night is through",)),)), "en", recipe(), 1.0)
    assert song.mix.shape[1] / song.rate > 1.8
    assert song.notes and "instead of 1.0 s" in song.notes[0]


def test_stems_sum_to_the_mix(short: Performance) -> None:
    total = sum(short.stems.values())
    assert list(short.stems) == ["vocals", "drums", "bass", "other"]
    assert short.mix.dtype == np.float32 and short.mix.shape[0] == 2
    np.testing.assert_allclose(total, short.mix, atol=1e-6)


def test_the_mix_is_at_its_loudness_and_below_the_ceiling(short: Performance) -> None:
    import pyloudnorm

    assert np.abs(short.mix).max() <= 10 ** (-1 / 20)
    assert pyloudnorm.Meter(short.rate).integrated_loudness(short.mix.T) == pytest.approx(LOUDNESS, abs=1.0)


def test_silence_is_silent_and_instrumental_sections_have_no_voice(short: Performance) -> None:
    start, end = section(short, "silence")
    assert not part(short, None, start + 0.001, end - 0.001).any()
    for tag in ("inst", "outro"):
        start, end = section(short, tag)
        assert not part(short, "vocals", start, end).any()
        assert part(short, "other", start, end).any()
    start, end = section(short, "intro")
    assert not part(short, "vocals", start, end - 0.4).any()


def test_the_band_plays_and_the_voice_leads_in_the_verse(short: Performance) -> None:
    start, end = section(short, "verse")
    voice, band = (
        np.sqrt(np.mean(x**2))
        for x in (
            part(short, "vocals", start, end),
            sum(part(short, name, start, end) for name in ("drums", "bass", "other")),
        )
    )
    assert band > 0.01
    assert voice > band


def test_melody_stays_in_range_and_in_key(choruses: Performance, short: Performance) -> None:
    for song, singer in ((short, "female"), (choruses, "male")):
        low, high = RANGES[singer]
        assert all(low <= note.pitch <= high for note in song.melody)
        assert all(note.pitch % 12 in key_of(song).pitch_classes for note in song.melody)
    assert choruses.melody[-1].pitch % 12 == key_of(choruses).tonic


def test_a_repeated_section_repeats_its_tune(choruses: Performance) -> None:
    first, second = (
        [n.pitch for n in choruses.melody if s.start - 0.4 <= n.start < s.end - 0.4]
        for s in choruses.sections
        if s.tag == "chorus"
    )
    assert first[:-1] == second[:-1] and len(first) == 6


def test_the_voice_sings_the_pitch_of_the_score(short: Performance) -> None:
    note = max(short.melody, key=lambda note: note.end - note.start)
    middle = 0.5 * (note.start + note.end)
    sung = part(short, "vocals", middle - 0.1, middle + 0.1)[0].astype(np.float64)
    f0, _ = pyworld.harvest(sung, short.rate)
    semitones = 69 + 12 * np.log2(np.median(f0[f0 > 0]) / 440)
    assert semitones == pytest.approx(note.pitch, abs=0.4)


def test_no_clicks_in_the_voice(short: Performance) -> None:
    voice = short.stems["vocals"][0]
    assert np.abs(np.diff(voice)).max() < 0.5 * np.abs(voice).max()


def test_words_are_complete_and_in_order_within_their_sections(short: Performance) -> None:
    lines = [line for s in SHORT.sections for line in s.lines]
    assert [w.text for w in short.words] == " ".join(lines).split()
    assert all(w.start < w.end for w in short.words)
    assert all(a.end <= b.start + 1e-6 for a, b in zip(short.words, short.words[1:], strict=False))
    start, end = section(short, "verse")
    assert short.words[0].start >= start - 0.4 and short.words[-1].end <= end + 0.05


def test_the_score_parses_and_holds_the_melody(short: Performance) -> None:
    score = pretty_midi.PrettyMIDI(io.BytesIO(short.midi))
    vocals = next(i for i in score.instruments if i.name == "vocals")
    assert [n.pitch for n in vocals.notes] == [n.pitch for n in short.melody]
    np.testing.assert_allclose([n.start for n in vocals.notes], [n.start for n in short.melody], atol=0.003)
    assert score.get_tempo_changes()[1][0] == pytest.approx(short.bpm, rel=1e-3)
    assert [lyric.text for lyric in score.lyrics] == [w.text for w in short.words]
    assert any(i.is_drum for i in score.instruments) and {"bass", "piano"} <= {i.name for i in score.instruments}


def test_mandarin_gives_one_word_per_character_and_reads_latin_words(mandarin: Performance) -> None:
    assert [w.text for w in mandarin.words] == [*"月亮代表我的心", *"让我们一起飞", "oh", "yeah"]
    assert len(mandarin.melody) >= 15
    assert mandarin.stems["vocals"].any()
    assert MANDARIN.tags == ("verse",)


@pytest.mark.parametrize("genre", GENRES)
def test_every_genre_plays(genre: str) -> None:
    song = perform(Lyrics((Section("intro", seconds=2), Section("inst", seconds=4))), "en", recipe(genre), 6.0)
    assert song.mix.shape[1] / song.rate == pytest.approx(6.0, abs=0.5)
    assert not song.stems["vocals"].any() and song.stems["drums"].any() and song.stems["bass"].any()


def test_errors_say_what_to_do() -> None:
    verse = Lyrics((Section("verse", ("la la",)),))
    with pytest.raises(InputError, match="Allowed: en, zh"):
        perform(verse, "fr", recipe())
    with pytest.raises(InputError, match="nothing that can be sung"):
        perform(Lyrics((Section("verse", ("...", "?!")),)), "en", recipe())
    with pytest.raises(InputError, match="cannot read '한'"):
        perform(Lyrics((Section("verse", ("한국어",)),)), "mixed", recipe())
    with pytest.raises(InputError, match="positive"):
        perform(verse, "en", recipe(), -3.0)
    with pytest.raises(InputError, match="Allowed: female, male"):
        recipe(singer="child")


def test_an_intro_and_an_outro_with_words_are_sung():
    sections = (Section("intro", ("Ooh the morning",)), CHORUS, Section("outro", ("Carry me home",)))
    song = perform(Lyrics(sections), "en", recipe())
    assert [section.tag for section in song.sections] == ["intro", "chorus", "outro"]
    first, last = song.sections[0], song.sections[-1]
    timed = {word.text.casefold(): word for word in song.words}
    assert timed["ooh"].start < first.end and timed["home"].start >= last.start - 0.5
