"""What planning and reading cost as stores grow: 3,000, 30,000 and 300,000 songs by ten metrics and one of sets.

The runs are made up and complete, their stores are real: a record per song and per score, written by the store itself
(without waiting for the disk); songs share recordings, and a metric of sets has a score for each system, which rests on
all of its songs and on a feature of each recording. Each step is a process of its own, held to one core, first without
the index of the store and then with it:

- bare: every record is listed, read and decoded from JSON, and nothing else; what the others are held against
- plan: every stage of a run with nothing to do
- dry-run: what `songbench run --dry-run` does once it knows what is asked for: the plan, made and shown; with the index
- status: how many songs and scores are settled
- gather: everything that a report is made from
- report: the same and the report with its page, where --report says so

What reads the same again, bare and with the index, is done three times (the report once); the least counts, as what
else goes on in a machine only adds to it.

A store of 300,000 songs takes 14 GB of disk and 3.6 million files, 20 minutes to make, and its plan 2 GiB of memory.

Prints a JSON line per step and size, and at the end the growth of each step between neighbouring sizes: the exponent of
its processor time over the number of songs, which is 1 where twice the songs take twice the time.

Run: python benchmarks/scale.py [--songs N,N,…] [--report N] [--folder FOLDER] [--out FILE]
"""

from __future__ import annotations

import argparse
import io
import json
import math
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from report_speed import fill, made_up_experiment

from songbench.cli.stages import execute
from songbench.contracts.cards import READY, Availability, Field, MetricCard
from songbench.contracts.feature import Extractor, Feature, Features
from songbench.contracts.metric import Verdict
from songbench.domain.audio import AudioSource
from songbench.domain.score import Scores
from songbench.domain.song import Failure, Song
from songbench.execution.experiment import ConfiguredMetric, Experiment
from songbench.execution.gather import gather, stored_completion
from songbench.execution.hardware import hardware, in_words
from songbench.execution.intact_records import BASIS, basis_to_json
from songbench.execution.plan import Planner
from songbench.execution.store import Store
from songbench.reporting.run_report import write_run_report

_CONFIG = {"retry_failed": False}
SYSTEMS, TAKES, SOUNDS = 10, 3, 20
TIMES = 3
STEPS = ("bare", "plan", "dry-run", "status", "gather", "report")


@dataclass(frozen=True)
class MadeUpExtractor:
    """What derives features that are in the store already."""

    name: str = "made-up"
    identity: Mapping[str, Any] = field(default_factory=dict)

    def extract(self, sources: Sequence[AudioSource]) -> Iterator[Feature | Failure]:
        """Nothing: it is never asked."""
        yield from ()


_SET_CARD = MetricCard(
    name="distance",
    backend="made-up",
    version="1",
    summary="Made up.",
    fields=(Field("distance", direction="lower", description="Made up."),),
)


@dataclass(frozen=True)
class MadeUpSetMetric:
    """A metric of sets whose scores are in the store already."""

    card: MetricCard = _SET_CARD
    extractors: Sequence[Extractor] = field(default_factory=lambda: (MadeUpExtractor(),))

    def availability(self) -> Availability:
        """Ready."""
        return READY

    def score_set(self, songs: Sequence[Song], reference: Sequence[Song], features: Features) -> Verdict:
        """Nothing: it is never asked."""
        raise NotImplementedError


def experiment_of(songs: int, folder: Path) -> Experiment:
    """A run of so many songs: ten systems, three takes, as many prompts as that needs; last, a metric of sets."""
    experiment = made_up_experiment(SYSTEMS, songs // (SYSTEMS * TAKES), TAKES, folder)
    metric = MadeUpSetMetric()
    return replace(
        experiment, metrics=(*experiment.metrics, ConfiguredMetric(metric.card.id, {}, metric, READY)), config=_CONFIG
    )


def bare(experiment: Experiment) -> int:
    """Read every record; returns how many there are."""
    count = 0
    for folder, _, names in os.walk(f"{experiment.store}/records"):
        for name in names:
            with open(f"{folder}/{name}", "rb") as handle:
                json.loads(handle.read())
            count += 1
    return count


def plan(experiment: Experiment) -> int:
    """Plan every stage; returns how many items are missing, which is none."""
    planner = Planner(experiment, Store(experiment.store))
    stages = [planner.assets(), *(planner.generation(system) for system in experiment.systems)]
    *of_songs, of_sets = experiment.metrics
    stages += [planner.scoring(metric) for metric in of_songs]
    stages += [planner.features(of_sets), planner.set_scoring(of_sets)]
    return sum(stage.missing for stage in stages)


def dry_run(experiment: Experiment) -> int:
    """Make and show the plan; returns how many lines it has."""
    output = io.StringIO()
    with redirect_stdout(output):
        execute(experiment, generate=True, score=True, retry_failed=False, dry_run=True, quiet=True)
    return len(output.getvalue().splitlines())


def status(experiment: Experiment) -> int:
    """Count; returns how much is not settled, which is nothing."""
    songs, scores = stored_completion(experiment, Store(experiment.store))
    return sum(part.remaining for part in (*songs, *scores))


def results(experiment: Experiment) -> int:
    """Gather; returns how many songs and scores there are."""
    results = gather(experiment, Store(experiment.store))
    return len(results.sounds) + sum(len(metric.songs) + len(metric.sets) for metric in results.metrics)


def report(experiment: Experiment) -> int:
    """Write the report; returns the number of its files."""
    return len(write_run_report(experiment, Store(experiment.store)).paths)


_WORK: Mapping[str, Callable[[Experiment], int]] = {
    "bare": bare,
    "plan": plan,
    "dry-run": dry_run,
    "status": status,
    "gather": results,
    "report": report,
}


def measure(step: str, songs: int, folder: Path) -> None:
    """Do a step in this process and print what it took; the run itself is made before."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:1])
    experiment = experiment_of(songs, folder)
    experiment.requests  # noqa: B018 - the suite and its requests are not what is measured
    clock, processor = time.perf_counter(), time.process_time()
    result = _WORK[step](experiment)
    facts = {
        "seconds": round(time.perf_counter() - clock, 2),
        "cpu_seconds": round(time.process_time() - processor, 2),
        "peak_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "result": result,
    }
    print(json.dumps(facts))


def run(step: str, songs: int, folder: Path, cache: Path) -> str:
    """Do a step in a process of its own, with its own cache folder; returns what it prints."""
    command = [sys.executable, __file__, "--step", step, "--songs", str(songs), "--folder", str(folder)]
    environment = {**os.environ, "XDG_CACHE_HOME": str(cache), "OMP_NUM_THREADS": "1"}
    process = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return process.stdout


def measured(step: str, songs: int, folder: Path, cache: Path, times: int = 1) -> dict[str, Any]:
    """What a step takes: the least of several times."""
    several = [json.loads(run(step, songs, folder, cache).splitlines()[-1]) for _ in range(times)]
    fastest: dict[str, Any] = min(several, key=lambda facts: facts["cpu_seconds"])
    return fastest


def make(songs: int, folder: Path) -> None:
    """Fill a store without waiting for the disk after each of its files."""
    os.fsync = lambda fd: None
    experiment = experiment_of(songs, folder)
    store = Store(experiment.store)
    *of_songs, of_sets = experiment.metrics
    fill(replace(experiment, metrics=tuple(of_songs)), store, SOUNDS)
    planner = Planner(experiment, store)
    features = dict.fromkeys(planner.feature_keys(of_sets), ("0" * 64, 1000))
    for key, (_, size) in features.items():
        store.put_feature(key, bytes(size))
    values = {prompt.id: {"distance": 1.0} for prompt in experiment.suite.prompts}
    for system, key in planner.set_keys(of_sets).items():
        songs_of_system = [song for *_, song in planner.songs_by_system[system]]
        digests = {song: one.digest for song, one in planner.records.find_all("songs", songs_of_system).items()}
        scores = Scores(values={"distance": 1.0}, n=len(digests), leave_one_out=values)
        basis = basis_to_json({"songs": digests, "features": features})
        store.save("scores", key, {**scores.to_json(), BASIS: basis})


def lines_of(songs: int, folder: Path, with_report: bool) -> list[dict[str, Any]]:
    """The figures of one size, each beside the bare loop of the same run."""
    run("make", songs, folder, folder / "cache-make")
    time.sleep(3)  # younger files are read again each time
    reference = measured("bare", songs, folder, folder, TIMES)
    lines = [{"step": "bare", "songs": songs, **reference}]
    for step in STEPS[1:]:
        if step == "report" and not with_report:
            continue
        # What a dry run does beyond the plan knows nothing of the index: it takes the plan's.
        of_plan = step == "dry-run"
        for index in ("warm",) if of_plan else ("cold", "warm"):
            times = 1 if index == "cold" or step == "report" else TIMES
            facts = measured(step, songs, folder, folder / f"cache-{'plan' if of_plan else step}", times)
            ratio = round(facts["cpu_seconds"] / max(reference["cpu_seconds"], 0.01), 2)
            lines.append({"step": step, "index": index, "songs": songs, **facts, "of_bare": ratio})
    return lines


def growth(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The exponent of each step between neighbouring sizes."""
    series: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for line in lines:
        series.setdefault((line["step"], line.get("index", "")), []).append(line)
    return [
        {
            "growth_of": step,
            **({"index": index} if index else {}),
            "from": small["songs"],
            "to": large["songs"],
            "exponent": round(
                math.log(large["cpu_seconds"] / max(small["cpu_seconds"], 0.01))
                / math.log(large["songs"] / small["songs"]),
                3,
            ),
        }
        for (step, index), several in series.items()
        for small, large in pairwise(several)
    ]


def main() -> None:
    """Make the runs, measure each step, print and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--songs", default="3000,30000,300000", help="sizes; each a multiple of 30")
    parser.add_argument("--report", type=int, default=30_000, help="the largest run of which the report is written")
    parser.add_argument("--folder", type=Path, help="where runs and stores are made; default: a temporary one")
    parser.add_argument("--out", type=Path, help="a file that the lines go to as well")
    parser.add_argument("--step", choices=("make", *STEPS), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.step:
        if options.step == "make":
            make(int(options.songs), options.folder)
        else:
            measure(options.step, int(options.songs), options.folder)
        return
    lines: list[dict[str, Any]] = []
    for songs in map(int, options.songs.split(",")):
        with tempfile.TemporaryDirectory(dir=options.folder) as folder:
            for line in lines_of(songs, Path(folder), songs <= options.report):
                print(json.dumps(line), flush=True)
                lines.append(line)
    lines += growth(lines)
    for line in lines:
        if "exponent" in line:
            print(json.dumps(line))
    if options.out:
        text = "".join(json.dumps(line) + "\n" for line in [{"machine": in_words(hardware())}, *lines])
        options.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
