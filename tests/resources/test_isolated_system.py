"""Systems whose model runs in an environment of its own."""

import ast
import os
import re
import signal
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
from wheels import wheel

from songbench.contracts.card_checks import faults_of_system
from songbench.domain.audio import Audio, AudioFile, MemoryAudio
from songbench.domain.errors import InputError
from songbench.domain.lyrics import parse_lyrics
from songbench.domain.prompt import Prompt
from songbench.domain.song import Failure, Request, Song
from songbench.plugin import IsolatedSystem, System, SystemCard
from songbench.resources.environments import Environment, folder_of, setup_environment
from songbench.resources.weights import Weights

ENVIRONMENT = Environment(
    name="toy-tone",
    summary="A toy.",
    requirements=("toytone==1.0",),
    licence="CC0-1.0",
    python=f">={sys.version_info.major}.{sys.version_info.minor}",
)

TOYTONE = """
import math, struct, wave

def write(path, hertz, seconds, rate, channels=1):
    with wave.open(path, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        for n in range(round(seconds * rate)):
            file.writeframes(struct.pack("<h", round(9000 * math.sin(6.2832 * hertz * n / rate))) * channels)
"""

WORKER = """
import os
import sys
import wave


class Worker:
    def __init__(self, settings):
        import toytone

        self.write, self.hertz = toytone.write, settings["hertz"]

    def describe(self):
        return {"device": f"toy of {sys.prefix}"}

    def generate(self, request):
        folder = request["folder"]
        prompt = None
        if request["prompt_audio"]:
            with open(request["prompt_audio"], "rb") as file:
                prompt = int.from_bytes(file.read(28)[24:], "little")
        self.write(os.path.join(folder, "mix.wav"), self.hertz, request["seconds"], 16000, channels=2)
        self.write(os.path.join(folder, "voice.wav"), 2 * self.hertz, 0.5, 8000)
        notes = [request["lyrics"], str(request["style"]), f"prompt at {prompt}", f"seed {request['seed']}"]
        return {"audio": "mix.wav", "stems": {"vocals": "voice.wav"}, "peak_gib": 0.25, "notes": notes}
"""

ROUGH_WORKER = """
import os
import pathlib
import struct
import time


class Worker:
    def __init__(self, settings):
        self.log = pathlib.Path(settings["log"])
        with self.log.open("a") as log:
            log.write(f"start {os.getpid()}\\n")
        if settings["broken"]:
            raise RuntimeError("no such device")

    def describe(self):
        return {}

    def generate(self, request):
        print("at work on", request["id"])
        with self.log.open("a") as log:
            log.write(request["id"] + "\\n")
        song = pathlib.Path(request["folder"], "song.wav")
        samples = b"\\0\\x10" * (0 if request["id"] == "empty" else 800)
        head = struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", 36 + len(samples), b"WAVE", b"fmt ", 16, 1, 1, 8000,
                           16000, 2, 16, b"data", len(samples))
        song.write_bytes(b"no audio at all" if request["id"] == "unreadable" else head + samples)
        answers = {
            "none": None,
            "missing": {"audio": "other.wav"},
            "odd": {"audio": "song.wav", "second": 1},
            "reported": {"audio": str(song), "seconds": 0.125, "device": "gpu", "conditions": [],
                         "seed_honoured": False},
        }
        if request["id"] == "raises":
            raise ValueError("cannot sing this\\nat all")
        if request["id"] == "dies":
            os._exit(3)
        if request["id"] == "slow":
            time.sleep(60)
        return answers.get(request["id"], {"audio": "song.wav"})

    def generate_batch(self, requests):
        with self.log.open("a") as log:
            log.write(f"batch of {len(requests)}\\n")
        return [self.generate(request) for request in requests]
"""


def card(**facts):
    return SystemCard(
        name="tone",
        version="1",
        summary="A toy.",
        licence="CC0-1.0",
        **{"conditions": ("lyrics", "style text", "prompt audio"), **facts},
    )


def request(name="p", take=0, **facts):
    prompt = Prompt(id=name, lyrics=parse_lyrics("[verse]\nla la la\n"), **{"seconds": 1.0, "style": "pop", **facts})
    audio = MemoryAudio(Audio(np.full((2, 4410), 0.5, dtype="float32"), 44_100))
    return Request(prompt=prompt, take=take, seed=11, prompt_audio=audio)


@pytest.fixture(autouse=True)
def places(tmp_path, monkeypatch):
    monkeypatch.setenv("SONGBENCH_ENVIRONMENTS", str(tmp_path / "environments"))
    monkeypatch.setenv("SONGBENCH_WEIGHTS", str(tmp_path / "weights"))
    for name in ("SONGBENCH_MIRROR", "SONGBENCH_ENV_TOY_TONE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def rough(tmp_path, monkeypatch):
    """Builds a system on a worker that fails as the prompt's id says, in this Python; the log tells what it did."""
    (tmp_path / "rough.py").write_text(ROUGH_WORKER)
    systems = []

    def build(broken=False, **options):
        settings = {"log": str(tmp_path / "log"), "broken": broken}
        monkeypatch.setenv("SONGBENCH_ENV_TOY_TONE", sys.executable)
        systems.append(
            IsolatedSystem(
                card=card(), environment=ENVIRONMENT, worker=tmp_path / "rough.py", settings=settings, **options
            )
        )
        return systems[-1]

    yield build
    for system in systems:
        system.close()


def log(tmp_path):
    return [row for row in (tmp_path / "log").read_text().split("\n") if row]


def test_a_system_in_an_environment_of_its_own(tmp_path):
    """From an environment that is made of a wheel to songs with stems, measured and described."""
    wheel(tmp_path / "mirror" / "toy-tone", "toytone", "1.0", TOYTONE)
    (tmp_path / "worker.py").write_text(WORKER)
    system = IsolatedSystem(
        card=card(needs=("numpy",)),
        environment=ENVIRONMENT,
        worker=tmp_path / "worker.py",
        settings={"hertz": 220.0},
        render=lambda request: {"lyrics": " / ".join(request.prompt.lyrics.sections[0].lines)},
        prompt_rate=24_000,
    )
    # 1. before it is set up
    assert isinstance(system, System) and not faults_of_system(system.card)
    assert system.card.needs == ("toy-tone", "numpy")
    assert system.availability().cure == "songbench setup toy-tone"
    (failure,) = system.generate([request()])
    assert isinstance(failure, Failure) and failure.request.prompt.id == "p"
    assert "is not set up" in failure.cause and "songbench setup toy-tone" in failure.cause
    # 2. set up
    setup_environment(ENVIRONMENT, say=lambda _: None, mirror=tmp_path / "mirror")
    assert system.availability().ready
    assert system.parameters == {"hertz": 220.0, "environment": ENVIRONMENT.key, "weights": {}}
    # 3. songs
    songs = list(system.generate([request(take=0), request(take=1, seconds=0.5)]))
    assert [song.request.take for song in songs] == [0, 1]
    assert [(song.audio.samples.shape, song.audio.rate) for song in songs] == [((2, 16000), 16000), ((2, 8000), 16000)]
    (voice,) = songs[0].stems.values()
    assert voice.load().samples.shape == (1, 4000) and voice.load().rate == 8000
    record = songs[0].record
    assert 0 < record.seconds < 10 and record.peak_gib == 0.25
    assert record.device == f"toy of {folder_of(ENVIRONMENT)}"
    assert record.conditions == ("lyrics", "style text", "prompt audio")
    assert record.notes == ("la la la", "pop", "prompt at 24000", "seed 11")
    # 4. what the prompt does not have is not used
    plain = Request(prompt=Prompt(id="q", lyrics=request().prompt.lyrics, seconds=0.5), take=0, seed=3)
    (song,) = system.generate([plain])
    assert song.record.conditions == ("lyrics",) and song.record.notes[1:3] == ("None", "prompt at None")
    system.close()


def test_the_documented_adapter_is_one():
    page = Path(__file__).parents[2] / "docs/environments.md"
    *_, adapter, worker = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    names = {"__file__": str(page), "__name__": "far_singer"}
    exec(compile(adapter, "far_singer.py", "exec"), names)
    system = names["FarSinger"](steps=20)
    assert isinstance(system, System) and not faults_of_system(system.card)
    assert system.card.needs == ("far-singer", "far-singer-base") and system.parameters["steps"] == 20
    assert system.availability().cure == "songbench setup far-singer"
    assert system.render(request()) == {"lyrics": "[VERSE] la la la"}
    methods = {node.name for node in ast.walk(ast.parse(worker)) if isinstance(node, ast.FunctionDef)}
    assert methods == {"__init__", "describe", "generate"}


def test_every_way_to_fail_is_a_failure_of_that_song(rough, tmp_path):
    names = ["good", "raises", "none", "missing", "odd", "unreadable", "empty", "dies", "last"]
    answers = dict(zip(names, rough().generate([request(name) for name in names]), strict=True))
    assert all(isinstance(answers[name], Song) for name in ("good", "last"))
    failures = {name: answer for name, answer in answers.items() if isinstance(answer, Failure)}
    assert all(failure.request.prompt.id == name and failure.stage == "generate" for name, failure in failures.items())
    assert all("\n" not in failure.cause and len(failure.cause) <= 300 for failure in failures.values())
    causes = {name: failure.cause for name, failure in failures.items()}
    assert causes["raises"] == "environment 'toy-tone', generate: ValueError: cannot sing this"
    assert "in generate" in failures["raises"].detail and "at work on raises" in failures["raises"].detail
    assert causes["none"].startswith("The worker's answer cannot be used: Expected names with values")
    assert causes["missing"] == "The worker names 'other.wav', which it did not write (there is prompt.wav, song.wav)."
    assert "second" in causes["odd"] and "song.wav" in causes["unreadable"] and "song.wav" in causes["empty"]
    assert str(tmp_path) not in causes["unreadable"] and "songbench-song-" not in causes["empty"]
    assert "at work on missing" in failures["missing"].detail
    assert "exit code 3" in causes["dies"] and log(tmp_path).count("dies") == 2, "it was tried again"
    assert len([row for row in log(tmp_path) if row.startswith("start")]) == 3


def test_what_the_worker_reports_counts(rough):
    measured, reported = rough().generate([request("measured"), request("reported")])
    assert measured.record.seconds > 0 and measured.record.device == "unknown" and measured.record.seed_honoured
    record = reported.record
    assert (record.seconds, record.device, record.conditions) == (0.125, "gpu", ()) and not record.seed_honoured


def test_a_worker_that_takes_too_long_is_ended_and_the_next_song_has_another(rough, tmp_path):
    slow, good = rough(timeout_s=3.0).generate([request("slow"), request("good")])
    assert "no answer after 3 s" in slow.cause and isinstance(good, Song)
    assert good.record.seconds < 2, "the start of another worker is not the song's time"
    starts = [int(row.split()[1]) for row in log(tmp_path) if row.startswith("start")]
    assert len(starts) == 2 and not psutil.pid_exists(starts[0])


def test_a_worker_that_gives_no_sign_of_life_is_ended(rough, tmp_path):
    system = rough(silence_s=2.0)
    assert isinstance(next(system.generate([request("good")])), Song)
    os.kill(int(log(tmp_path)[0].split()[1]), signal.SIGSTOP)
    (failure,) = system.generate([request("stopped")])
    assert "no sign of life for 2 s" in failure.cause


def test_a_model_that_cannot_be_loaded_is_tried_once_for_all_songs(rough, tmp_path):
    failures = list(rough(broken=True).generate([request(name) for name in "abc"]))
    assert [failure.request.prompt.id for failure in failures] == ["a", "b", "c"]
    assert {failure.cause for failure in failures} == {"environment 'toy-tone', start: RuntimeError: no such device"}
    assert len(log(tmp_path)) == 1


class TestBatches:
    def test_songs_are_asked_for_together(self, rough, tmp_path):
        songs = list(rough(batch=2).generate([request(name) for name in "abc"]))
        assert [song.request.prompt.id for song in songs] == ["a", "b", "c"]
        assert log(tmp_path)[1:] == ["batch of 2", "a", "b", "c"]

    def test_one_that_fails_does_not_take_the_others_along(self, rough, tmp_path):
        names = ["good", "raises", "missing"]
        good, raises, missing = rough(batch=3).generate([request(name) for name in names])
        assert isinstance(good, Song) and raises.cause.endswith("ValueError: cannot sing this")
        assert "'other.wav'" in missing.cause
        assert log(tmp_path)[1:] == ["batch of 3", "good", "raises", "good", "raises", "missing"]
        (first, second) = rough(batch=2).generate([request("good"), request("missing")])
        assert isinstance(first, Song) and "'other.wav'" in second.cause


def test_inputs_that_cannot_be_given_are_failures(rough, tmp_path):
    def refuse(request):
        raise InputError("It sings no French.", cure="Use another system.")

    (failure,) = rough(render=refuse).generate([request()])
    assert failure.cause == "It sings no French. Use another system."
    broken = tmp_path / "prompt.wav"
    broken.write_bytes(b"no audio")
    unreadable = Request(prompt=request().prompt, take=0, seed=1, prompt_audio=AudioFile(broken))
    (failure,) = rough().generate([unreadable])
    assert "prompt.wav" in failure.cause


@pytest.mark.parametrize("name", ["environment", "weights"])
def test_settings_do_not_hide_what_is_part_of_the_key(name):
    with pytest.raises(ValueError, match=f"no setting may be called '{name}'"):
        IsolatedSystem(card=card(), environment=ENVIRONMENT, worker=Path("worker.py"), settings={name: 1})


def test_a_batch_holds_a_song():
    with pytest.raises(ValueError, match="batch is 0"):
        IsolatedSystem(card=card(), environment=ENVIRONMENT, worker=Path("worker.py"), batch=0)


def test_weights_are_needed_and_part_of_the_key(tmp_path):
    weights = Weights(name="toy-weights", version="4", summary="A toy.", licence="CC0-1.0", files=(), sources=())
    system = IsolatedSystem(card=card(), environment=ENVIRONMENT, worker=Path("worker.py"), weights=[weights])
    assert system.card.needs == ("toy-tone", "toy-weights")
    assert system.parameters["weights"] == {"toy-weights": "4"}


def test_a_system_that_is_no_longer_used_leaves_no_process(rough, tmp_path):
    system = rough()
    assert isinstance(next(system.generate([request("good")])), Song)
    process = int(log(tmp_path)[0].split()[1])
    system.close()
    end = time.monotonic() + 20
    while psutil.pid_exists(process) and psutil.Process(process).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < end
        time.sleep(0.02)
