"""How long the report of a large run takes: 3,000 songs by ten metrics, from an empty report to all its files.

The run is made up, the store is real: a record and half a second of sound for each song, a record for each score. The
report is written three times: the second time the pictures of songs are there already, as in every later report (what
it was made from is forgotten before), the third time nothing has changed. Results are gathered before, and that is
timed by itself; beside it stands a bare loop that reads and parses the same records and writes files of the same size.
Seconds by the clock depend on what else the machine does; seconds of processor time hardly do.

Run: python benchmarks/report_speed.py [--systems N] [--prompts N] [--takes N] [--folder FOLDER] [--out FOLDER]
"""

from __future__ import annotations

import argparse
import cProfile
import json
import pstats
import resource
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from songbench.contracts.cards import READY, Availability, Field, MetricCard, SystemCard
from songbench.contracts.feature import Features
from songbench.contracts.metric import Verdict
from songbench.domain.audio import Audio, AudioSource, MemoryAudio
from songbench.domain.lyrics import parse_lyrics
from songbench.domain.prompt import Prompt
from songbench.domain.score import Scores
from songbench.domain.song import Failure, GenerationRecord, Request, Song
from songbench.domain.suite import Suite
from songbench.execution.experiment import ConfiguredMetric, ConfiguredSystem, Experiment
from songbench.execution.gather import gather
from songbench.execution.hardware import hardware, in_words
from songbench.execution.intact_records import BASIS, basis_to_json
from songbench.execution.plan import Planner
from songbench.execution.results import RunResults
from songbench.execution.settings import EngineSettings
from songbench.execution.songs import put_audio, save_song
from songbench.execution.store import Store
from songbench.reporting import report_basis
from songbench.reporting.document.blocks import Heading, Text, table
from songbench.reporting.document.markdown import to_markdown
from songbench.reporting.page.song_picture import song_pictures
from songbench.reporting.run_report import write_run_report

SECONDS, RATE = 0.5, 16_000
GENRES = ("pop", "rock", "ballad", "folk", "country", "blues", "soul", "jazz", "latin", "electronic")
PLANS = (
    ("verse", "chorus"),
    ("verse", "chorus", "verse", "chorus"),
    ("verse", "chorus", "bridge", "chorus"),
    ("chorus", "verse", "chorus"),
    ("verse", "verse", "chorus", "chorus"),
)
LINES = "the river keeps the letters that we never sent\nand every word comes back as rain\n"


@dataclass(frozen=True)
class MadeUpSystem:
    """A system whose songs are in the store already."""

    card: SystemCard
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def availability(self) -> Availability:
        """Ready."""
        return READY

    def generate(self, requests: Sequence[Request]) -> Iterator[Song | Failure]:
        """Nothing: it is never asked."""
        yield from ()


@dataclass(frozen=True)
class MadeUpMetric:
    """A metric whose scores are in the store already."""

    card: MetricCard

    def availability(self) -> Availability:
        """Ready."""
        return READY

    def score(self, songs: Sequence[Song], features: Features) -> Iterator[Verdict]:
        """Nothing: it is never asked."""
        yield from ()


def made_up_experiment(systems: int, prompts: int, takes: int, folder: Path) -> Experiment:
    """Ten metrics with two headline columns and one further one between them, and the systems asked for."""
    cards = [
        SystemCard(
            name=f"system-{number}", version="1", summary="Made up.", licence="CC0-1.0", sanity=number >= systems - 2
        )
        for number in range(systems)
    ]
    metrics = [
        MetricCard(
            name=f"metric{number}",
            backend="made-up",
            version="1",
            summary="Made up.",
            fields=(
                Field(f"m{number}", direction="higher" if number % 2 else "lower", description="Made up."),
                Field(f"further{number}", headline=False, description="Made up."),
            ),
        )
        for number in range(10)
    ]
    return Experiment(
        name="large",
        suite=Suite(name="large", version="1", prompts=tuple(map(_prompt, range(prompts))), licence="CC0-1.0"),
        systems=tuple(ConfiguredSystem(card.name, {}, MadeUpSystem(card)) for card in cards),
        metrics=tuple(ConfiguredMetric(card.id, {}, MadeUpMetric(card), READY) for card in metrics),
        takes=takes,
        seed=0,
        store=str(folder / "store"),
        runs=folder / "runs",
        engine=EngineSettings(name="inline"),
    )


def _prompt(number: int) -> Prompt:
    sections = "".join(f"[{tag}]\n{LINES}" for tag in PLANS[number % len(PLANS)])
    tags = {"genre": GENRES[number % len(GENRES)]}
    return Prompt(id=f"p{number:03d}", lyrics=parse_lyrics(sections), language="en", seconds=SECONDS, tags=tags)


def fill(experiment: Experiment, store: Store, sounds: int | None = None) -> None:
    """Store every song and every score.

    Args:
        experiment: the run.
        store: where.
        sounds: how many recordings the songs share; None: each has its own.
    """
    rng = np.random.default_rng(0)
    planner = Planner(experiment, store)
    quality = {system.name: rng.normal() for system in experiment.systems}
    shared: dict[int, AudioSource] = {}
    for number, (name, (_, request, key)) in enumerate(planner.songs.items()):
        place = number if sounds is None else number % sounds
        if place not in shared:
            samples = (0.1 * rng.standard_normal((1, int(SECONDS * RATE)))).astype("float32")
            shared[place] = MemoryAudio(Audio(samples, RATE))
        song = Song(request=request, source=shared[place], record=GenerationRecord(seconds=1.0))
        save_song(store, key, song)
        if sounds is None:
            del shared[place]
        else:
            shared[place] = put_audio(store, shared[place])
        quality[name.prompt] = quality.get(name.prompt, rng.normal())
    digests = {name: store.digest("songs", key) or "" for name, (*_, key) in planner.songs.items()}
    for metric in experiment.metrics:
        main, further = (one.name for one in metric.card.fields)
        for name, key in planner.song_score_keys(metric).items():
            value = quality[name.system] / 2 + quality[name.prompt] + rng.normal()
            basis = basis_to_json({"songs": {planner.songs[name][2]: digests[name]}})
            store.save("scores", key, {**Scores(values={main: value, further: rng.normal()}).to_json(), BASIS: basis})


def measured(experiment: Experiment, store: Store, results: RunResults, profile: bool) -> dict[str, float]:
    """Write the report once; seconds by the clock and of processor time, files and bytes."""
    profiler = cProfile.Profile(time.process_time)
    clock, processor = time.perf_counter(), time.process_time()
    if profile:
        report = profiler.runcall(write_run_report, experiment, store, results=results)
        pstats.Stats(profiler).sort_stats("cumulative").print_stats(45)
    else:
        report = write_run_report(experiment, store, results=results)
    return {
        "seconds": round(time.perf_counter() - clock, 1),
        "cpu_seconds": round(time.process_time() - processor, 1),
        "files": len(report.paths),
        "megabytes": round(sum(path.stat().st_size for path in report.paths) / 1e6, 1),
    }


def bare_loop(experiment: Experiment, folder: Path) -> float:
    """Seconds of processor time for parsing the run's records and writing as many files of the report's sizes."""
    files = [path for path in experiment.folder.rglob("*") if path.is_file() and "songs" not in path.parts]
    copy = folder / "copy"
    copy.mkdir()
    processor = time.process_time()
    for path in (folder / "store").rglob("*.json"):
        json.loads(path.read_bytes())
    for number, path in enumerate(files):
        (copy / str(number)).write_bytes(bytes(path.stat().st_size))
    return round(time.process_time() - processor, 2)


def picture_seconds(store: Store, seconds: float = 60.0) -> float:
    """Seconds of processor time that the picture of one stereo song at 44.1 kHz takes, decoding included."""
    rng = np.random.default_rng(1)
    samples = (0.1 * rng.standard_normal((2, int(seconds * 44_100)))).astype("float32")
    audio = put_audio(store, MemoryAudio(Audio(samples, 44_100)))
    processor = time.process_time()
    song_pictures(store, [audio])
    return round(time.process_time() - processor, 2)


def main() -> None:
    """Make the run, write its report, and say how long that took."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--systems", type=int, default=10)
    parser.add_argument("--prompts", type=int, default=100)
    parser.add_argument("--takes", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="where run and store are made; default: a temporary one")
    parser.add_argument("--out", type=Path, help="where the figures go")
    parser.add_argument("--profile", action="store_true", help="print where the time goes")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        experiment = made_up_experiment(options.systems, options.prompts, options.takes, Path(folder))
        store = Store(experiment.store)
        fill(experiment, store)
        processor = time.process_time()
        results = gather(experiment, store)
        gathering = round(time.process_time() - processor, 2)
        rounds = [measured(experiment, store, results, options.profile)]
        (experiment.folder / report_basis.BASIS).unlink(missing_ok=True)
        rounds += [measured(experiment, store, results, options.profile) for _ in range(2)]
        peak = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)
        loop = bare_loop(experiment, Path(folder))
        picture = picture_seconds(store)
    facts = {
        "machine": in_words(hardware()),
        "songs": options.systems * options.prompts * options.takes,
        "metrics": 10,
        "systems": options.systems,
        "prompts": options.prompts,
        "takes": options.takes,
        "song_seconds": SECONDS,
        "first": rounds[0],
        "again": rounds[1],
        "unchanged": rounds[2],
        "gather_cpu_seconds": gathering,
        "loop_cpu_seconds": loop,
        "peak_megabytes": peak,
        "picture_cpu_seconds": picture,
    }
    print(json.dumps(facts, indent=1))
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / "report_speed.json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
        (options.out / "README.md").write_text(_text(facts), encoding="utf-8")


_ROUNDS = (
    ("first", "the first report"),
    ("again", "every later one"),
    ("unchanged", "one of which nothing changed"),
)


def _text(facts: Mapping[str, Any]) -> str:
    rows = [
        (title, *(str(facts[part][name]) for name in ("seconds", "cpu_seconds", "files", "megabytes")))
        for part, title in _ROUNDS
    ]
    return to_markdown(
        [
            Heading("Speed of reports", level=1),
            Text(
                f"Written by benchmarks/report_speed.py on {facts['machine']}: a made-up run of {facts['songs']} songs "
                f"of {facts['song_seconds']} s ({facts['systems']} systems, {facts['prompts']} prompts, "
                f"{facts['takes']} takes) by {facts['metrics']} metrics, in parts by genre and section plan."
            ),
            table("", ("report", "seconds", "CPU seconds", "files", "MB"), rows),
            Text(
                "Seconds by the clock depend on what else the machine does, those of processor time hardly do. To "
                f"gather the results first takes {facts['gather_cpu_seconds']} s of processor time, a bare loop that "
                "parses the same records and writes files of the same sizes "
                f"{facts['loop_cpu_seconds']} s; the most memory used was {facts['peak_megabytes']} MiB. The "
                "first report of a run decodes each song once for its waveform and spectrogram, and keeps these: for a "
                f"stereo song of a minute that takes {facts['picture_cpu_seconds']} s of processor time."
            ),
        ]
    )


if __name__ == "__main__":
    main()
