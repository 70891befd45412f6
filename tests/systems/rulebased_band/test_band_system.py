import io
import subprocess
import sys

import numpy as np
import pretty_midi
import pyloudnorm
import pytest
from sung_tunes import VERSE, sing

from songbench.contracts.system import System
from songbench.domain.audio import Audio, MemoryAudio
from songbench.domain.errors import InputError
from songbench.domain.lyrics import Lyrics, Section
from songbench.domain.prompt import Prompt
from songbench.domain.song import Failure, Request, Song
from systems.rulebased.perform import Performance, Recipe, perform
from systems.rulebased.style import Style
from systems.rulebased_band.system import RuleBasedBand

SHORT = " ".join(VERSE.split()[:16])


def request(vocal: Audio | None, style: str = "folk", seed: int = 5) -> Request:
    prompt = Prompt(id="p", lyrics=Lyrics((Section("verse", ("la la",)),)), language="en", style=style)
    return Request(prompt=prompt, take=0, seed=seed, vocal=MemoryAudio(vocal) if vocal else None)


def accompaniment(vocal: Audio, style: str = "folk", seed: int = 5) -> Song:
    (song,) = RuleBasedBand().generate([request(vocal, style, seed)])
    assert isinstance(song, Song), song
    return song


def test_it_is_a_system_of_the_vocal_track():
    system = RuleBasedBand()
    assert isinstance(system, System) and system.availability().ready
    assert system.card.tracks == ("v2a",) and set(system.parameters) == {"genre", "arrangement", "bpm"}


def known_song() -> Performance:
    lyrics = Lyrics(
        (
            Section("intro", seconds=4.0),
            Section("verse", ("Cold morning light upon the water", "I hear the river calling your name")),
        )
    )
    return perform(lyrics, "en", Recipe(Style(genre="pop", bpm=104.0), "female", "full", 3), 16.0)


def test_the_band_plays_on_the_beats_of_a_known_song():
    truth = known_song()
    vocal = Audio(truth.stems["vocals"], truth.rate)
    song = accompaniment(vocal, "pop")
    audio = song.audio
    assert (audio.rate, audio.samples.shape) == (48_000, vocal.samples.shape)
    assert song.record.settings["bpm"] == pytest.approx(truth.bpm, rel=0.01)
    assert np.array_equal(sum(song.stems[name].load().samples for name in ("drums", "bass", "other")), audio.samples)
    assert -20 <= pyloudnorm.Meter(48_000).integrated_loudness(audio.samples.T) <= -15
    assert np.abs(audio.samples).max() < 1.0
    score = pretty_midi.PrettyMIDI(io.BytesIO(song.midi))
    hits = np.array([note.start for track in score.instruments if track.is_drum for note in track.notes])
    eighths = hits * truth.bpm / 30
    assert abs(np.median(eighths - np.round(eighths)) * 30 / truth.bpm) < 0.05
    assert hits.min() > truth.words[0].start - 240 / truth.bpm  # drums enter no more than a bar before the voice
    assert song.record.conditions == ("vocal", "style text") and song.record.notes == ()


def test_a_song_depends_on_its_request_alone():
    vocal = sing(SHORT, 110)
    reseeded, after = RuleBasedBand().generate([request(vocal, seed=6), request(vocal)])
    assert isinstance(reseeded, Song) and isinstance(after, Song)
    assert accompaniment(vocal).source.digest == after.source.digest != reseeded.source.digest


@pytest.mark.parametrize(
    ("vocal", "note"),
    [
        (Audio(np.zeros((2, 3 * 44_100), np.float32), 44_100), "the vocal is silent"),
        (Audio(np.zeros((1, 1), np.float32), 48_000), "the vocal is silent"),
        (sing("0:60", 100).cut(0, 0.3), "no beat was found"),
        (Audio(np.random.default_rng(0).normal(0, 0.1, (1, 32_000)).astype(np.float32), 16_000), "no pitch was found"),
    ],
)
def test_where_nothing_is_found_the_band_plays_what_is_usual_and_says_so(vocal, note):
    song = accompaniment(vocal)
    assert any(note in remark for remark in song.record.notes)
    assert song.audio.samples.shape[1] == round(vocal.samples.shape[1] * 48_000 / vocal.rate)
    assert np.isfinite(song.audio.samples).all()


def test_a_request_without_a_vocal_is_a_failure():
    (failure,) = RuleBasedBand().generate([request(None)])
    assert isinstance(failure, Failure) and "has no vocal" in failure.cause and failure.request


@pytest.mark.parametrize(
    ("parameters", "message"),
    [({"genre": "polka"}, "Allowed: pop"), ({"arrangement": "ful"}, "'full'"), ({"bpm": 999}, "40 to 220")],
)
def test_parameters_out_of_range_are_refused_at_once(parameters, message):
    with pytest.raises(InputError, match=message):
        RuleBasedBand(**parameters)


def test_importing_the_band_loads_no_signal_package():
    heavy = ("pyworld", "scipy", "tinysoundfont")
    code = f"import sys, systems.rulebased_band.system; print([m for m in {heavy} if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
