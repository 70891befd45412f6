"""A plug-in for tests: a system and metrics that are fast, misbehave on request and log what they compute."""

import contextlib
import functools
import itertools
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from songbench.contracts.cards import READY, Field, MetricCard, SystemCard, unavailable
from songbench.contracts.feature import Feature
from songbench.contracts.memory import MemoryNeed
from songbench.domain.audio import Audio, MemoryAudio
from songbench.domain.score import NotApplicable, Scores
from songbench.domain.song import Failure, GenerationRecord, TimedWord, memory_song
from songbench.resources.residency import RESIDENT

RATE = 8000


def log(event):
    """Append one line at once; several processes write to the same file."""
    if path := os.environ.get("PROBE_LOG"):
        with open(path, "a", encoding="utf-8") as handle:
            handle.write(f"{time.time_ns()} {event}\n")


def with_samples(song, change):
    return [replace(song, source=MemoryAudio(Audio(change(song.audio.samples), RATE)))]


def with_record(song, **changes):
    return [replace(song, record=replace(song.record, **changes))]


def of_prompt(song, name):
    return replace(song, request=replace(song.request, prompt=replace(song.prompt, id=name)))


BREAKS = {
    "twice": lambda song: [song, song],
    "endless": itertools.repeat,
    "also another": lambda song: [song, of_prompt(song, "elsewhere")],
    "no failure": lambda song: [],
    "no request": lambda song: [Failure("generate", "lost")],
    "not a song": lambda song: [0.5],
    "other prompt": lambda song: [of_prompt(song, "elsewhere")],
    "other take": lambda song: [replace(song, request=replace(song.request, take=7))],
    "bare audio": lambda song: [replace(song, source=song.audio)],
    "no audio": lambda song: [replace(song, source=None)],
    "no samples": lambda song: with_samples(song, lambda samples: samples[:, :0]),
    "nan": lambda song: with_samples(song, lambda samples: samples * np.float32("nan")),
    "integers": lambda song: with_samples(song, lambda samples: (samples * 32767).astype("int16")),
    "no rate": lambda song: [replace(song, source=MemoryAudio(Audio(song.audio.samples, 0)))],
    "no cause": lambda song: [Failure("generate", "", request=song.request)],
    "record": lambda song: with_record(song, seconds="0.5"),
    "negative": lambda song: with_record(song, seconds=-1.0),
    "stem": lambda song: [replace(song, stems={"vocals": [1]})],
    "words": lambda song: [replace(song, words=(TimedWord("la", 2.0, 1.0),))],
    "midi": lambda song: [replace(song, midi="MThd")],
}
"""Ways to break the contract with one song."""


class Calamity(BaseException):
    pass


class Unprintable(Exception):
    def __str__(self):
        raise RuntimeError("no text")


def leave_children(folder):
    """One in our process group and one in a session of its own, neither of which ends by itself."""
    for new in (False, True):
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=new)
        Path(folder, str(child.pid)).touch()
    time.sleep(600)


def forked_child():
    """A copy of the process that goes on to sing; returns in both."""
    os.fork()


def child_and_exit():
    """A forked child that holds every descriptor in its hands, long after the process is gone."""
    if os.fork() == 0:
        os.setsid()
        time.sleep(30)
        os._exit(0)
    os._exit(7)


def write_anywhere():
    for number in range(3, 64):
        with contextlib.suppress(OSError):
            os.write(number, b"rubbish\n")
    time.sleep(600)


def read_stdin():
    assert sys.stdin.read() == "" and os.read(0, 10) == b""


def die_of_memory_beside_others():
    """What the kernel does when memory runs out: at first wait for another worker, then die as long as there is one."""
    import psutil

    def has_company():
        workers = [
            p for p in psutil.Process().parent().children() if "songbench.execution.engine.worker" in p.cmdline()
        ]
        return len(workers) > 1

    first = "killed" not in Path(os.environ["PROBE_LOG"]).read_text(encoding="utf-8")
    while first and not has_company():
        time.sleep(0.05)
    if has_company():
        log("killed")
        os.kill(os.getpid(), signal.SIGKILL)


def throw(error):
    raise error


ROUGH = {
    "print": lambda: (print('{"kind": "finished", "id": 1}', flush=True), os.write(1, b'{"kind": "result"}\n')),
    "background program": lambda: subprocess.Popen(["sleep", "5"], close_fds=False),
    "forked child": forked_child,
    "read stdin": read_stdin,
    "exit": lambda: os._exit(7),
    "sys.exit": lambda: sys.exit(3),
    "base exception": lambda: throw(Calamity("beyond Exception")),
    "interrupt": lambda: throw(KeyboardInterrupt),
    "write anywhere": write_anywhere,
    "close all": lambda: os.closerange(3, 64),
    "child and exit": child_and_exit,
    "unprintable": lambda: throw(Unprintable()),
    "die of memory beside others": die_of_memory_beside_others,
    "freeze": lambda: os.kill(os.getpid(), signal.SIGSTOP),
}
"""Rough things to do to one's own process before a song."""

STYLES = {"text": ("lyrics", "style text"), "audio": ("lyrics", "prompt audio")}
"""What the variants of these names say that their songs were made from."""

print("probe: loaded", file=sys.stderr)


class Probe:
    """Sine songs. `misbehave` maps prompt ids to raise, fail, hang, nothing, clip, or a key of `BREAKS` or `ROUGH`.

    `limits` maps prompt ids to why it cannot take them; ``raise`` raises instead. `gib` is what it says that it needs.
    """

    def __init__(self, variant="probe", seconds_each=0.0, misbehave=None, gain=0.1, limits=None, gib=0.1):
        self.card = SystemCard(name=variant, version="1", summary="A probe.", licence="CC0-1.0", languages=())
        self.parameters = {"gain": gain}
        self.seconds_each, self.misbehave, self.gain = seconds_each, misbehave or {}, gain
        self.limits, self.gib = limits or {}, gib

    def availability(self):
        return READY

    def memory_need(self, songs, seconds):
        return MemoryNeed(resident=0, working=int(self.gib * 2**30))

    def unsupported(self, request):
        reason = self.limits.get(request.prompt.id)
        return throw(RuntimeError("no idea")) if reason == "raise" else reason

    def generate(self, requests):
        for request in requests:
            log(f"song {self.card.name} {request.prompt.id} {request.take}")
            how = self.misbehave.get(request.prompt.id)
            if how == "raise":
                raise RuntimeError(f"cannot sing {request.prompt.id}")
            if how == "fail":
                yield Failure("generate", "out of tune", request=request)
                continue
            if how in ROUGH:
                ROUGH[how]()
            if how and how.startswith("hang with children "):
                leave_children(how.removeprefix("hang with children "))
            if how == "hang":
                time.sleep(600)
            if how == "nothing":
                continue
            time.sleep(self.seconds_each)
            rng = np.random.default_rng(request.seed)
            time_axis = np.arange(round((request.prompt.seconds or 1.0) * RATE)) / RATE
            gain = 1.5 if how == "clip" else self.gain
            tone = gain * np.sin(2 * np.pi * rng.uniform(200, 800) * time_axis)
            samples = np.stack([tone, tone]).astype("float32")
            conditions = STYLES.get(self.card.name, ("lyrics",))
            record = GenerationRecord(seconds=0.5, peak_gib=0.25, conditions=conditions)
            song = memory_song(request, Audio(samples, RATE), record)
            if how in BREAKS:
                yield from BREAKS[how](song)
            else:
                yield song


class LevelExtractor:
    name = "probe level"
    identity = {"version": "1"}

    def extract(self, sources):
        for source in sources:
            log(f"feature {source.digest[:12]}")
            time.sleep(float(os.environ.get("PROBE_FEATURE_S", "0")))
            samples = source.load().samples
            yield Feature(
                {"rms": np.sqrt(np.mean(samples**2, keepdims=True)).reshape(1)}, {"seconds": samples.shape[1] / RATE}
            )


class WrongCount(LevelExtractor):
    """`results`: fewer, more or other."""

    def __init__(self, results):
        self.results, self.identity = results, {"version": results}

    def extract(self, sources):
        features = list(super().extract(sources))
        yield from {"fewer": features[1:], "more": [*features, features[0]], "other": [*features[:-1], 0.5]}[
            self.results
        ]


class Level:
    card = MetricCard(
        name="level",
        backend="probe",
        version="1",
        fields=(Field("level", unit="", direction="higher", low=0.0, high=1.0, decimals=3, description="RMS."),),
        summary="RMS level.",
        limits="None.",
        citation="None.",
    )

    def __init__(self, silent_on=None, raise_on=None, results=None):
        self.silent_on, self.raise_on, self.results = silent_on, raise_on, results

    def availability(self):
        return READY

    def score(self, songs, features):
        extractor = WrongCount(self.results) if self.results else LevelExtractor()
        for song, feature in zip(songs, features.of(extractor, [song.source for song in songs]), strict=True):
            if song.prompt.id == self.raise_on:
                raise ValueError("cannot judge this one")
            if song.prompt.id == self.silent_on:
                yield NotApplicable("it is not for this metric")
            else:
                yield Scores(values={"level": float(feature.arrays["rms"][0])})


class Spread:
    card = MetricCard(
        name="spread",
        backend="probe",
        version="1",
        fields=(Field("spread", unit="", direction="lower", low=0.0, high=None, decimals=4, description="Std."),),
        summary="Spread of levels.",
        limits="None.",
        citation="None.",
    )
    extractors = (LevelExtractor(),)

    def availability(self):
        return READY

    def score_set(self, songs, reference, features):
        levels = [f.arrays["rms"][0] for f in features.of(LevelExtractor(), [song.source for song in songs])]
        if len(songs) < 2:
            return NotApplicable("one song has no spread")
        ids = [song.prompt.id for song in songs]
        without = {
            p: {"spread": float(np.std([x for x, i in zip(levels, ids, strict=True) if i != p]))} for p in set(ids)
        }
        return Scores(values={"spread": float(np.std(levels))}, n=len(songs), leave_one_out=without)


class Encoded:
    """Asks an encoder that all of them share, and another model of its own."""

    def __init__(self, name, gib=0.25):
        field = Field("encoded", unit="", direction="none", low=None, high=None)
        self.card = MetricCard(name=name, backend="probe", version="1", fields=(field,), summary="Two models.")
        self.gib = gib

    def availability(self):
        return READY

    def memory_need(self, songs, seconds):
        return MemoryNeed(resident=int(2 * self.gib * 2**30), working=0)

    def score(self, songs, features):
        for _ in songs:
            for model in ("encoder", f"head of {self.card.name}"):
                RESIDENT.hold(model, lambda model=model: log(f"load {model}"), int(self.gib * 2**30))
            yield Scores(values={"encoded": 1.0})


first_encoded, second_encoded = functools.partial(Encoded, "first"), functools.partial(Encoded, "second")


class Missing:
    card = MetricCard(name="missing", backend="probe", version="1", fields=(Field("missing"),), summary="Never there.")

    def availability(self):
        return unavailable("its model is not here", "songbench setup nothing")

    def score(self, songs, features):
        raise AssertionError("must never be asked")


def greet(name: str = "world"):
    """Say hello."""
    print(f"hello {name}")


def leaderboard_counts(report):
    """A report format: how large the leaderboard is."""
    return f"{len(report.board.rows)} systems, {len(report.board.columns)} columns\n"


class Unruly:
    """A metric that breaks its contract: `gives` maps prompt ids to a key of `GIFTS`, `batch` spoils whole batches."""

    card = MetricCard(
        name="unruly",
        backend="probe",
        version="1",
        fields=(
            Field("share", unit="", direction="higher", low=0.0, high=1.0),
            Field("count", unit="", direction="none", low=0.0, high=None, headline=False),
        ),
        summary="Whatever it likes.",
    )
    GOOD = {"share": 0.5, "count": 3}
    GIFTS = {
        "good": lambda: Scores(values=Unruly.GOOD),
        "numpy": lambda: Scores(
            values={"share": np.float32(0.25), "count": np.int64(3)},
            weights={"share": np.float64(2)},
            detail={"n": np.int8(1)},
        ),
        "rounded": lambda: Scores(values={"share": 1.0000000002, "count": -1e-9}),
        "reasoned": lambda: Scores(values={"share": 0.5}, missing={"count": "nothing to count"}),
        "above": lambda: Scores(values={"share": 1.2, "count": 3}),
        "below": lambda: Scores(values={"share": 0.5, "count": -3}),
        "nan": lambda: Scores(values={"share": float("nan"), "count": 3}),
        "numpy nan": lambda: Scores(values={"share": np.float32("nan"), "count": 3}),
        "infinite": lambda: Scores(values={"share": 0.5, "count": float("inf")}),
        "huge": lambda: Scores(values={"share": 0.5, "count": 10**400}),
        "bool": lambda: Scores(values={"share": True, "count": 3}),
        "numpy bool": lambda: Scores(values={"share": np.bool_(True), "count": 3}),
        "text": lambda: Scores(values={"share": "0.5", "count": 3}),
        "array": lambda: Scores(values={"share": np.ones(2), "count": 3}),
        "none": lambda: Scores(values={"share": None, "count": 3}),
        "unknown": lambda: Scores(values={**Unruly.GOOD, "shine": 1.0}),
        "lacking": lambda: Scores(values={"share": 0.5}),
        "no reason": lambda: Scores(values={"share": 0.5}, missing={"count": ""}),
        "both": lambda: Scores(values=Unruly.GOOD, missing={"count": "why not"}),
        "no mapping": lambda: Scores(values=[0.5, 3]),
        "weightless": lambda: Scores(values=Unruly.GOOD, weights={"share": 0.0}),
        "negative weight": lambda: Scores(values=Unruly.GOOD, weights={"share": -1.0}),
        "nan weight": lambda: Scores(values=Unruly.GOOD, weights={"share": np.float32("nan")}),
        "unknown weight": lambda: Scores(values=Unruly.GOOD, weights={"shine": 1.0}),
        "many": lambda: Scores(values=Unruly.GOOD, n=2),
        "half": lambda: Scores(values=Unruly.GOOD, n=0.5),
        "without": lambda: Scores(values=Unruly.GOOD, leave_one_out={"p0": {"share": 0.5}}),
        "no json": lambda: Scores(values=Unruly.GOOD, detail={"what": object()}),
        "nan detail": lambda: Scores(values=Unruly.GOOD, detail={"what": float("nan")}),
        "surrogate": lambda: Scores(values=Unruly.GOOD, detail={"what": "\ud800"}),
        "nothing": lambda: None,
        "number": lambda: 0.5,
        "song": lambda: np.zeros(3),
        "empty reason": lambda: NotApplicable(" "),
        "long": lambda: Failure("score", "line\x1b[31m one\nline two " + 999 * "x" + "\ud800", "detail \ud800"),
    }

    def __init__(self, gives=None, batch=None):
        self.gives, self.batch = gives or {}, batch

    def availability(self):
        return READY

    def score(self, songs, features):
        verdicts = [self.GIFTS[self.gives.get(song.prompt.id, "good")] for song in songs]
        if self.batch == "not iterable":
            return 3
        if self.batch == "fewer":
            verdicts = verdicts[1:]
        if self.batch == "more":
            verdicts += verdicts
        return (verdict() for verdict in verdicts)


class UnrulySet:
    """The same for sets: `gives` says what."""

    card = MetricCard(
        name="unruly_set",
        backend="probe",
        version="1",
        fields=(Field("wide", unit="", direction="lower", low=0.0, high=None),),
        summary="Whatever it likes.",
    )
    extractors = ()
    GIFTS = {
        "stranger": lambda n: Scores(values={"wide": 1.0}, n=n, leave_one_out={"nobody": {"wide": 1.0}}),
        "unknown": lambda n: Scores(values={"wide": 1.0}, n=n, leave_one_out={"p0": {"narrow": 1.0}}),
        "below": lambda n: Scores(values={"wide": 1.0}, n=n, leave_one_out={"p0": {"wide": -1.0}}),
        "too many": lambda n: Scores(values={"wide": 1.0}, n=n + 1),
        "none": lambda n: None,
    }

    def __init__(self, gives="none"):
        self.gives = gives

    def availability(self):
        return READY

    def score_set(self, songs, reference, features):
        return self.GIFTS[self.gives](len(songs))
