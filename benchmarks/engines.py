"""What engines do with more workers, and what they take themselves: songs of a system that only sleeps.

Sleeping songs need no core, so that any number of workers fits on any machine. For each engine (``local``; ``ray``: a
Ray of the run's own; ``slurm``: submitit's processes on this machine) and number of workers a run makes songs, one to a
job, which is the most that an engine can have to do. Counted is the time from when as many songs are stored as there
are workers to the last one, so that the start of workers is left out. Scaling per added worker: by how much songs per
second grow, in songs per second of one worker of the same engine. Overhead: what a song takes beyond its sleep with one
worker (also drawing, encoding and storing it), as a share of a song of ten seconds.

Run: python benchmarks/engines.py [--engines local,ray,slurm] [--workers 1,2,4] [--songs N] [--sleep S] [--out FILE]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from songbench.execution.hardware import hardware, in_words

COMPUTE_S = 10.0
"""Of a song whose share of overhead is stated."""
PLUGINS = Path(__file__).parents[1] / "tests/plugins"
"""Where the system is that sleeps."""
SETTINGS = {"local": [], "ray": [], "slurm": ["engine.cluster=local"]}


def run_seconds(engine: str, workers: int, songs: int, sleep_s: float, folder: Path) -> float:
    """Seconds from when each worker has stored a song on average to the last song of a run that makes songs only.

    Args:
        engine: its name.
        workers: how many.
        songs: how many.
        sleep_s: of each.
        folder: of the run, empty.
    """
    rows = [{"suite": "sleep", "version": "1"}]
    rows += [{"id": f"p{number}", "lyrics": "[verse]\nla la la", "seconds": 1.0} for number in range(songs)]
    (folder / "sleep.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    line = [sys.executable, "-m", "songbench", "generate", "--suite", "sleep.jsonl", "--systems", "probe", "--quiet"]
    line += ["--store", "store", "--runs", "runs"]
    settings = [f"engine={engine}", f"engine.workers={workers}", "engine.batch=1", *SETTINGS[engine]]
    for setting in [*settings, f"system.probe.seconds_each={sleep_s}"]:
        line += ["--set", setting]
    path = os.pathsep.join([str(PLUGINS), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {**os.environ, "PYTHONPATH": path}
    process = subprocess.run(line, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if process.returncode:
        raise SystemExit(process.stderr)
    times = sorted(path.stat().st_mtime for path in (folder / "store/records/songs").rglob("*.json"))
    assert len(times) == songs
    return times[-1] - times[workers - 1]


def measure(engine: str, workers: int, songs: int, sleep_s: float) -> float:
    """Seconds by the clock per song, from when each worker has stored its first."""
    with tempfile.TemporaryDirectory() as folder:
        return run_seconds(engine, workers, workers * (songs + 1), sleep_s, Path(folder)) / (workers * songs)


def main() -> None:
    """Measure and print ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engines", default="local,ray,slurm")
    parser.add_argument("--workers", default="1,2,4")
    parser.add_argument("--songs", type=int, default=20, help="per worker, after its first")
    parser.add_argument("--sleep", type=float, default=1.0, help="seconds of each song")
    parser.add_argument("--out", type=Path, help="append the figures to this file")
    words = parser.parse_args()
    numbers = [int(number) for number in words.workers.split(",")]
    facts = {"machine": in_words(hardware()), "load": os.getloadavg()[0], "sleep_s": words.sleep, "songs": words.songs}
    print(facts["machine"], f"load {facts['load']:.1f}")
    rows = []
    for engine in words.engines.split(","):
        per_song = {number: measure(engine, number, words.songs, words.sleep) for number in numbers}
        first = min(numbers)
        for number, seconds in per_song.items():
            speed_up = per_song[first] * first / seconds
            scaling = (speed_up - first) / (number - first) if number > first else None
            beyond = per_song[first] * first - words.sleep
            row = {"engine": engine, "workers": number, "s_per_song": round(seconds, 4), "scaling": scaling}
            row["overhead_of_10_s_song"] = round(beyond / COMPUTE_S, 4) if number == first else None
            rows.append({**row, **facts, "when": time.strftime("%Y-%m-%d")})
            share = f", overhead {beyond / COMPUTE_S:.2%} of a song of 10 s" if number == first else ""
            gain = f", scaling {scaling:.2f} per added worker" if scaling is not None else ""
            print(f"{engine:6} {number} workers: {seconds:.3f} s per song{gain}{share}", flush=True)
    if words.out:
        with open(words.out, "a", encoding="utf-8") as file:
            file.writelines(json.dumps(row) + "\n" for row in rows)


if __name__ == "__main__":
    main()
