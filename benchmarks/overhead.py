"""What the harness itself takes: each command from its start to its end, and its work for one song.

1. Commands, each in turns with ``python -c pass``, which is the unit: by the clock, in processor time, and the most
   memory. ``run`` is the demo suite with everything stored; where that run is not in the folder it is made first.
2. Songs of white noise, which the system makes in no time and nothing compresses: a run with few and one with many, in
   stores of their own, two workers of the local engine. From the difference follows what a song costs: planning, the
   worker, drawing the noise, encoding, storing, scoring without a model, the record, its share of the report. Beside it
   what encoding the same sound takes alone. The share is of a song of ten seconds of computing.
3. What a generator waits for: the time from handing over such a song to being asked for the next, in a worker that has
   a core to spare and in one that has none; in processor time of the thread that it runs in and by the clock.

Run: python benchmarks/overhead.py [--repeats N] [--songs N] [--seconds S] [--folder FOLDER] [--out FILE]
"""

from __future__ import annotations

import argparse
import io
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from songbench.contracts.cards import SystemCard
from songbench.domain.audio import Audio
from songbench.domain.song import GenerationRecord, Request, Song, memory_song
from songbench.execution.hardware import hardware, in_words
from songbench.execution.jobs import JobContext, run_job
from songbench.execution.store import Store

COMMANDS = ("--help", "run --help", "systems", "metrics", "suites", "runs", "status", "report", "run")
PASS = (sys.executable, "-c", "pass")
SONGBENCH = (sys.executable, "-m", "songbench")
FEW = 8
"""Songs of the smaller run."""
COMPUTE_S = 10.0
"""Of a song whose share is stated."""
RATE = 48_000
WAITS = 8
"""Songs after which a generator waits."""


@dataclass(frozen=True)
class Cost:
    """What a process took, with all that it waited for.

    Attributes:
        seconds: by the clock.
        cpu: seconds of processor time, in all processes.
        mebibytes: the most memory of one process; no less than this one's, which the system counts for its children.
    """

    seconds: float
    cpu: float
    mebibytes: float


def cost(command: Sequence[str], folder: Path) -> Cost:
    """Run a command in a folder.

    Raises:
        subprocess.CalledProcessError: it failed.
    """
    begin = time.perf_counter()
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return Cost(time.perf_counter() - begin, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def median(costs: Sequence[Cost]) -> Cost:
    """The median of each figure."""
    return Cost(*(statistics.median(column) for column in zip(*(asdict(one).values() for one in costs), strict=True)))


def command_rows(folder: Path, repeats: int) -> list[dict[str, object]]:
    """Every command in turns with the unit; the first of each turn, which reads files into memory, is not counted."""
    cost((*SONGBENCH, "run"), folder)
    rows: list[dict[str, object]] = []
    for words in COMMANDS:
        pairs = [(cost(PASS, folder), cost((*SONGBENCH, *words.split()), folder)) for _ in range(repeats + 1)][1:]
        unit, command = median([one for one, _ in pairs]), median([two for _, two in pairs])
        rows.append(
            {
                "command": f"songbench {words}",
                **{name: round(value, 3) for name, value in asdict(command).items()},
                "times_python": round(command.seconds / unit.seconds, 1),
                "cpu_times_python": round(command.cpu / unit.cpu, 1),
            }
        )
    return rows


def song_row(folder: Path, count: int, seconds: float) -> dict[str, object]:
    """What one song costs."""
    few, many = (_noise_run(folder / str(number), number, seconds) for number in (FEW, count))
    per_song = (many.cpu - few.cpu) / (count - FEW)
    alone = flac_seconds(seconds)
    return {
        "songs": [FEW, count],
        "audio_seconds": seconds,
        "clock_per_song": round((many.seconds - few.seconds) / (count - FEW), 4),
        "cpu_per_song": round(per_song, 4),
        "share_of_10_s": round(per_song / COMPUTE_S, 4),
        "flac_alone": round(alone, 4),
        "times_flac_alone": round(per_song / alone, 2),
    }


def _noise_run(folder: Path, count: int, seconds: float) -> Cost:
    """A run from nothing."""
    folder.mkdir(parents=True)
    words = {"lyrics": "[verse]\nla la la", "language": "en", "seconds": seconds}
    rows = [{"suite": "noise", "version": "1"}, *({"id": f"p{number}", **words} for number in range(count))]
    (folder / "noise.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    options = ("run", "--suite", "noise.jsonl", "--systems", "noise", "--metrics", "rtf", "--workers", "2")
    return cost((*SONGBENCH, *options), folder)


def flac_seconds(seconds: float, repeats: int = 3) -> float:
    """Processor time of encoding as much noise as a song is, as the store does."""
    import numpy as np
    import soundfile

    frames = np.ascontiguousarray(noise(seconds, 0).samples.T)
    times = []
    for _ in range(repeats):
        begin = time.process_time()
        soundfile.write(io.BytesIO(), frames, RATE, format="FLAC", subtype="PCM_24")
        times.append(time.process_time() - begin)
    return min(times)


def noise(seconds: float, seed: int) -> Audio:
    """White noise at -20 dBFS, two channels."""
    import numpy as np

    samples = 0.1 * np.random.default_rng(seed).standard_normal((2, round(seconds * RATE)), dtype="float32")
    return Audio(np.clip(samples, -0.99, 0.99), RATE)


class Sleeper:
    """A system whose songs take no computing, and that notes what it waits for between them.

    Attributes:
        waits: seconds by the clock, and of this thread's processor time, after each song but the last.
    """

    card = SystemCard(name="sleeper", version="1", summary="Sleeps.", licence="MIT")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.waits: list[tuple[float, float]] = []

    def generate(self, requests: Sequence[Request]) -> Iterator[Song]:
        """Noise, after a second each."""
        for number, request in enumerate(requests):
            time.sleep(1.0)
            song = memory_song(request, noise(self._seconds, number), GenerationRecord())
            clock, processor = time.perf_counter(), time.thread_time()
            yield song
            self.waits.append((time.perf_counter() - clock, time.thread_time() - processor))


class SleeperContext(JobContext):
    """A worker that has one system only."""

    def __init__(self, store: Store, sleeper: Sleeper, *, spare_core: bool) -> None:
        super().__init__(store, spare_core=spare_core)
        self._sleeper = sleeper

    def system(self, spec: str, parameters: Mapping[str, Any]) -> Sleeper:
        """The sleeper, whatever is asked for."""
        return self._sleeper


def wait_row(folder: Path, count: int, seconds: float, *, spare_core: bool) -> dict[str, object]:
    """What a generator waits for after a song, without the first, which loads libraries."""
    sleeper = Sleeper(seconds)
    prompt = {"lyrics": "[verse]\nla la la", "language": "en", "seconds": seconds}
    items = [
        {"key": f"{number:064x}", "prompt": {"id": f"p{number}", **prompt}, "take": 0, "seed": number, "assets": {}}
        for number in range(count)
    ]
    job = {"kind": "generate", "system": "noise", "parameters": {}, "items": items}
    events = list(run_job(job, SleeperContext(Store(str(folder)), sleeper, spare_core=spare_core)))
    if any(event.status != "done" for event in events):
        raise RuntimeError(f"a song could not be stored: {events}")
    clock, processor = (statistics.median(column) for column in zip(*sleeper.waits[1:], strict=True))
    return {
        "spare_core": spare_core,
        "songs": count,
        "audio_seconds": seconds,
        "clock": round(clock, 4),
        "cpu_of_thread": round(processor, 4),
        "share_of_10_s": round(clock / COMPUTE_S, 4),
    }


def main() -> None:
    """See above."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--songs", type=int, default=40)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--folder", type=Path, help="where the run of the demo suite lies, or is made")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.folder or Path(scratch) / "demo"
        folder.mkdir(parents=True, exist_ok=True)
        report = {
            "machine": in_words(hardware()),
            "python": sys.version.split()[0],
            "repeats": options.repeats,
            "commands": command_rows(folder, options.repeats),
            "song": song_row(Path(scratch) / "songs", options.songs, options.seconds),
            "waits": [
                wait_row(Path(scratch) / f"waits-{spare}", WAITS, options.seconds, spare_core=spare)
                for spare in (True, False)
            ],
        }
    text = json.dumps(report, indent=1)
    print(text)
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
