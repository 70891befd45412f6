import subprocess
import sys

import pytest

from songbench.contracts.system import System
from songbench.domain.errors import InputError
from songbench.domain.lyrics import Lyrics, Section
from songbench.domain.prompt import Prompt
from songbench.domain.song import Failure, Request, Song
from systems.rulebased.speech import speak
from systems.rulebased.system import RuleBased


def request(language: str = "en", style: str = "folk, male voice", seed: int = 5) -> Request:
    lyrics = Lyrics((Section("verse", ("Cold morning light",)), Section("outro", seconds=2)))
    return Request(prompt=Prompt(id="p", lyrics=lyrics, language=language, style=style, seconds=6.0), take=0, seed=seed)


def test_it_is_a_system_that_can_run_here() -> None:
    system = RuleBased()
    assert isinstance(system, System)
    assert system.availability().ready
    assert set(system.parameters) == {"genre", "voice", "arrangement", "mode", "bpm"}


def test_songs_come_with_stems_words_sections_and_score() -> None:
    song, failure = list(RuleBased().generate([request(), request(language="fr")]))
    assert isinstance(song, Song)
    assert song.audio.rate == 48_000 and song.audio.seconds == pytest.approx(6.0, abs=0.5)
    assert [s.tag for s in song.sections] == ["verse", "outro"]
    assert [w.text for w in song.words] == ["Cold", "morning", "light"]
    assert set(song.stems) == {"vocals", "drums", "bass", "other"} and song.midi
    assert song.record.seconds and song.record.conditions == ("lyrics", "style text")
    assert isinstance(failure, Failure) and "Allowed: en, zh" in failure.cause and failure.request


def test_a_song_depends_on_its_request_alone() -> None:
    alone = next(iter(RuleBased(genre="jazz").generate([request()])))
    _, after = RuleBased(genre="jazz").generate([request(seed=6), request()])
    assert isinstance(alone, Song) and isinstance(after, Song)
    assert alone.source.digest == after.source.digest


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"genre": "polka"}, "Allowed: pop, rock"),
        ({"voice": "femal"}, "Did you mean 'female'"),
        ({"bpm": 999}, "40 to 220"),
    ],
)
def test_wrong_parameters_are_refused_at_once(parameters: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        RuleBased(**parameters)


def test_importing_the_system_loads_no_signal_package() -> None:
    heavy = ("pyworld", "scipy", "tinysoundfont")
    code = f"import sys, systems.rulebased.system; print([m for m in {heavy} if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_plain_speech_of_the_same_lines() -> None:
    samples, rate = speak(["Cold morning light", "月亮"], "mixed")
    assert rate == 22_050 and samples.dtype == "float32" and 1.5 < len(samples) / rate < 6
