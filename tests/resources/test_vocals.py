"""The vocal as a file for a system of other people's, and its length as that of what comes back."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from songbench.contracts.card_checks import faults_of_system
from songbench.contracts.cards import VOCAL_RULES
from songbench.contracts.system import conditions_of
from songbench.domain.audio import Audio, MemoryAudio
from songbench.domain.errors import UnsupportedError
from songbench.domain.limits import require_vocal
from songbench.domain.lyrics import parse_lyrics
from songbench.domain.prompt import CutAsset, FileAsset, Prompt
from songbench.domain.rendering import Rendering
from songbench.domain.song import Failure, Request, Song
from songbench.plugin import Checkout, Invocation, IsolatedSystem, ScriptSystem, SystemCard, VocalFile
from songbench.resources.environments import Environment
from songbench.resources.vocals import path_of

ENVIRONMENT = Environment(name="toy-band", summary="A toy.", requirements=(), licence="CC0-1.0")
CARD = SystemCard(
    name="toy",
    version="1",
    summary="A toy.",
    licence="CC0-1.0",
    languages=(),
    conditions=("vocal", "style text"),
    tracks=("v2a",),
    vocal_rule="mixed in",
)
PROMPT = Prompt(
    id="song.1", lyrics=parse_lyrics("[verse]\nMorning"), track="v2a", vocal=FileAsset(Path("vocal.wav")), style="pop"
)

WORKER = """
import wave


class Worker:
    def __init__(self, settings):
        self.seconds = settings["seconds"]

    def describe(self):
        return {}

    def generate(self, request):
        with wave.open(request["folder"] + "/band.wav", "wb") as file:
            file.setparams((1, 2, 8000, 0, "NONE", ""))
            file.writeframes(b"\\0\\x10" * round(8000 * self.seconds))
        return {"audio": "band.wav", "notes": [request["vocal"][-12:]]}
"""
PROGRAM = """
import os, shutil, sys
vocal, folder, out = sys.argv[1:]
assert os.listdir(folder) == [os.path.basename(vocal)]
shutil.copyfile(vocal, os.path.join(out, "band.wav"))
"""


def tone(seconds, rate=44_100, channels=1, level=0.25):
    times = np.arange(round(seconds * rate)) / rate
    return MemoryAudio(Audio(np.tile(level * np.sin(1000 * times), (channels, 1)).astype("float32"), rate))


def ask(vocal, **facts):
    return Request(prompt=PROMPT, take=0, seed=1, vocal=vocal, **facts)


@pytest.fixture
def system(tmp_path, monkeypatch):
    """Builds a system whose worker gives so many seconds."""
    monkeypatch.setenv("SONGBENCH_ENVIRONMENTS", str(tmp_path / "environments"))
    monkeypatch.setenv("SONGBENCH_ENV_TOY_BAND", getattr(sys, "_base_executable", sys.executable))
    (tmp_path / "worker.py").write_text(WORKER, encoding="utf-8")
    built = []

    def build(seconds=1.0, **form):
        toy = IsolatedSystem(
            card=CARD,
            environment=ENVIRONMENT,
            worker=tmp_path / "worker.py",
            settings={"seconds": seconds},
            vocal=VocalFile(**form),
        )
        built.append(toy)
        return toy

    yield build
    for toy in built:
        toy.close()


def test_what_comes_has_the_length_of_the_vocal_to_the_sample(system):
    long, exact, short = list(system(seconds=1.0).generate([ask(tone(seconds)) for seconds in (0.5, 1.0, 2.0)]))
    assert [song.audio.samples.shape for song in (long, exact, short)] == [(1, 4000), (1, 8000), (1, 16_000)]
    mixed_in, vocal = VOCAL_RULES["mixed in"], "l/song.1.wav"
    assert long.record.notes == (mixed_in, "0.5 s were cut at its end", vocal)
    assert exact.record.notes == (mixed_in, vocal)
    assert short.record.notes == (mixed_in, "silence was added for the last 1.0 s", vocal)
    assert exact.record.conditions == ("vocal", "style text")
    (free,) = system(seconds=1.0, fitted=False).generate([ask(tone(2.0))])
    assert free.audio.samples.shape == (1, 8000)


@pytest.mark.parametrize(
    ("vocal", "cause"),
    [
        (tone(0.2), r"has 0\.20 s; the system needs 0\.5 s"),
        (tone(3.0), r"has 3\.00 s, of which the system takes 2"),
        (tone(1.0, level=0.0), "silent"),
        (None, "no vocal"),
    ],
)
def test_a_vocal_that_cannot_be_taken_is_a_failure_and_the_next_song_is_made(system, vocal, cause):
    failure, song = list(system(least_s=0.5, most_s=2.0).generate([ask(vocal), ask(tone(1.0))]))
    assert isinstance(failure, Failure) and re.search(cause, failure.cause), failure
    assert isinstance(song, Song)


def test_what_is_known_of_a_vocal_beforehand_is_unsupported(system):
    toy = system(most_s=2.0)
    assert toy.unsupported(ask(None)) is None
    for changes, reason in (
        ({"vocal": None}, "no vocal"),
        ({"seconds": 3.0}, "the vocal has 3 s, of which the system takes 2"),
        ({"vocal": CutAsset(10.0, 3.0)}, "the vocal has 3 s"),
    ):
        with pytest.raises(UnsupportedError, match=reason):
            require_vocal(Prompt(**{**vars(PROMPT), **changes}), most_s=2.0)
    assert conditions_of(CARD, ask(None)) == ("style text",)


def test_the_file_has_the_rate_and_channels_the_system_wants(tmp_path):
    path = path_of(PROMPT, tmp_path)
    VocalFile(rate=24_000, mono=True).write(tone(0.5, rate=48_000, channels=2), path)
    facts = soundfile.info(path)
    assert (path.name, facts.samplerate, facts.channels, facts.frames, facts.subtype) == (
        *("song.1.wav", 24_000, 1, 12_000, "FLOAT"),
    )
    audio = Audio(np.ones((2, 100_000), dtype="float32"), 48_000)
    assert VocalFile().fit(audio, path)[0].samples.shape == (2, 24_000)


def test_a_program_finds_the_vocal_alone_in_its_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("SONGBENCH_ENVIRONMENTS", str(tmp_path / "environments"))
    monkeypatch.setenv("SONGBENCH_ENV_TOY_BAND", getattr(sys, "_base_executable", sys.executable))
    monkeypatch.setenv("SONGBENCH_UPSTREAM_TOY_BAND", str(tmp_path / "code"))
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "copy.py").write_text(PROGRAM, encoding="utf-8")
    call = Invocation(
        arguments=("{vocal}", "{vocal_folder}", "{out}"), outputs={"mix": "band.wav"}, rendering=Rendering()
    )
    checkout = Checkout(
        name="toy-band", summary="A toy.", repository="a/b", commit="0" * 40, licence="CC0-1.0", files=("copy.py",)
    )
    toy = ScriptSystem(
        card=CARD,
        environment=ENVIRONMENT,
        upstream=checkout,
        script="copy.py",
        invoke=lambda request: call,
        vocal=VocalFile(),
    )
    (song,) = toy.generate([ask(tone(0.5))])
    toy.close()
    assert isinstance(song, Song), song
    assert np.array_equal(song.audio.samples, tone(0.5).audio.samples)
    assert call.numbered(1).arguments == ("{vocal:1}", "{vocal_folder:1}", "{out}")


def test_a_card_says_what_becomes_of_the_vocal_in_known_words():
    assert not faults_of_system(CARD)
    (fault,) = faults_of_system(SystemCard(**{**vars(CARD), "vocal_rule": "gone"}))
    assert fault.startswith("vocal_rule is 'gone'")
