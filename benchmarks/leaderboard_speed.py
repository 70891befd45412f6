"""How long a large leaderboard takes: 20 systems by 30 columns by 1,000 prompts, beside a bare loop over pairs.

The run is made up and in memory: ten metrics with three fields each, all scores of all songs, and for a share of the
songs no score, a different share for each system. Beside it a loop with the same arithmetic written plainly, a pair of
systems at a time and without intervals of single systems, is timed on some pairs and multiplied: it says what the
machine can do, and its numbers must be the same.

Run: python benchmarks/leaderboard_speed.py [--systems N] [--prompts N] [--takes N] [--missing SHARE] [--out FILE]
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import time
from collections.abc import Sequence
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before numpy: one core
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from songbench.contracts.cards import READY, Field, MetricCard, SystemCard
from songbench.domain.lyrics import parse_lyrics
from songbench.domain.prompt import Prompt
from songbench.domain.score import Scores
from songbench.domain.suite import Suite
from songbench.execution.hardware import hardware, in_words
from songbench.execution.results import MetricResults, RunResults, SongId, SongState
from songbench.reporting.board import ColumnComparison, Leaderboard
from songbench.reporting.leaderboard import build_leaderboard
from songbench.statistics import Array
from songbench.statistics.student import t_p, t_quantile

FIELDS = 3
FLIPS, REPLICATES, CONFIDENCE, SEED = 9999, 2000, 0.95, 0


def made_up_results(systems: int, metrics: int, prompts: int, takes: int, missing: float) -> RunResults:
    """Every second system misses some songs, none the same: the run's own failures, not those of a metric."""
    rng = np.random.default_rng(0)
    lyrics = parse_lyrics("[verse]\nla la la\n")
    suite = Suite(
        name="large",
        version="1",
        prompts=tuple(Prompt(id=f"p{number:05d}", lyrics=lyrics) for number in range(prompts)),
        licence="CC0-1.0",
    )
    cards = tuple(
        SystemCard(name=f"system-{number}", version="1", summary="Made up.", licence="CC0-1.0")
        for number in range(systems)
    )
    quality, hard = rng.normal(size=systems), rng.normal(size=prompts)
    songs: dict[SongId, SongState] = {}
    level: dict[SongId, float] = {}
    for place, card in enumerate(cards):
        for number, prompt in enumerate(suite.prompts):
            complete = place % 2 == 0 or rng.random() >= missing
            for take in range(takes):
                song = SongId(card.name, prompt.id, take)
                songs[song] = "done" if complete else "pending"
                level[song] = 0.1 * quality[place] + hard[number]
    metric_results = []
    for number in range(metrics):
        fields = tuple(Field(f"m{number}_{letter}", direction="lower") for letter in "abc"[:FIELDS])
        metric = MetricCard(name=f"metric{number}", backend="made-up", version="1", summary="Made up.", fields=fields)
        verdicts = {
            song: Scores(values={field.name: float(np.exp(level[song] + rng.normal())) for field in fields})
            for song, state in songs.items()
            if state == "done"
        }
        metric_results.append(MetricResults(card=metric, availability=READY, songs=verdicts, sets={}))
    return RunResults(suite=suite, takes=takes, systems=cards, songs=songs, metrics=tuple(metric_results))


# -- the bare loop ---------------------------------------------------------------------------------------------------


def bare_loop(board: Leaderboard, pairs: Sequence[ColumnComparison]) -> list[tuple[float, ...]]:
    """Difference, low, high, p and p of sign flips of pairs: plain numpy, a pair at a time."""
    cells = {row.system.name: row.cells for row in board.rows}
    means = {}
    for name, column in {(name, pair.column) for pair in pairs for name in (pair.first, pair.second)}:
        of_prompt: dict[str, list[float]] = {}
        for point in cells[name][column].points:
            of_prompt.setdefault(point.prompt, []).append(point.value)
        means[name, column] = {prompt: sum(values) / len(values) for prompt, values in of_prompt.items()}
    tests = []
    for pair in pairs:
        first, second = means[pair.first, pair.column], means[pair.second, pair.column]
        common = sorted(first.keys() & second.keys())
        tests.append(_bare_test(np.array([first[prompt] - second[prompt] for prompt in common])))
    return tests


def _bare_test(differences: Array) -> tuple[float, ...]:
    """With takes and songs of equal weight; more prompts than are flipped exactly."""
    from scipy.special import ndtr

    n, mean, error = len(differences), differences.mean(), differences.std(ddof=1) / np.sqrt(len(differences))
    signs = np.random.default_rng(SEED).choice([-1.0, 1.0], size=(FLIPS, n))
    p_flip = (np.sum(np.abs(signs @ differences) >= abs(differences.sum()) * (1 - 1e-12)) + 1) / (FLIPS + 1)
    counts = np.random.default_rng(SEED).multinomial(n, np.full(n, 1 / n), size=REPLICATES).astype(np.float64)
    residuals = differences - mean
    shift = counts @ residuals / n
    spread = np.sqrt(np.maximum(counts @ residuals**2 / n - shift**2, 0) / (n - 1))
    t = shift / np.maximum(spread, 0.4 * error)
    quantile = t_quantile(n - 1, CONFIDENCE)
    below, above = np.quantile(t, [ndtr(-quantile), ndtr(quantile)])
    below, above = min(below, -quantile), max(above, quantile)
    stretch = (above if mean > 0 else -below) / quantile
    return mean, mean - above * error, mean - below * error, t_p(n - 1, mean / error / stretch), p_flip


def largest_deviation(pairs: Sequence[ColumnComparison], tests: Sequence[tuple[float, ...]]) -> float:
    """Of any number of the leaderboard from that of the loop, relative to the latter."""
    numbers = np.array(
        [(pair.difference, pair.low, pair.high, pair.p, pair.p_flip) for pair in pairs], dtype=np.float64
    )
    plain = np.array(tests)
    return float(np.max(np.abs(numbers - plain) / np.maximum(np.abs(plain), 1e-300)))


def peak_megabytes() -> float:
    """Of this process so far."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)


def main() -> None:
    """Make the run, its leaderboard and some of it again by the loop, and say how long each took."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--systems", type=int, default=20)
    parser.add_argument("--metrics", type=int, default=10, help=f"of {FIELDS} columns each")
    parser.add_argument("--prompts", type=int, default=1000)
    parser.add_argument("--takes", type=int, default=1)
    parser.add_argument("--missing", type=float, default=0.0, help="share of prompts that every second system misses")
    parser.add_argument("--loop-pairs", type=int, default=40, help="how many pairs the loop computes")
    parser.add_argument("--out", type=Path, help="a file to which the figures are added as a line")
    options = parser.parse_args()
    results = made_up_results(options.systems, options.metrics, options.prompts, options.takes, options.missing)
    before = peak_megabytes()
    begin = time.process_time()
    board = build_leaderboard(results, seed=SEED, confidence=CONFIDENCE, replicates=REPLICATES)
    seconds = time.process_time() - begin
    peak = peak_megabytes()
    pairs = board.comparisons[:: max(1, len(board.comparisons) // options.loop_pairs)]
    begin = time.process_time()
    tests = bare_loop(board, pairs)
    loop_seconds = (time.process_time() - begin) / len(pairs) * len(board.comparisons)
    facts = {
        "machine": in_words(hardware()),
        "systems": options.systems,
        "columns": len(board.columns),
        "prompts": options.prompts,
        "takes": options.takes,
        "missing": options.missing,
        "pairs": len(board.comparisons),
        "cpu_seconds": round(seconds, 2),
        "loop_cpu_seconds": round(loop_seconds, 2),
        "times_faster": round(loop_seconds / seconds, 1),
        "results_megabytes": before,
        "peak_megabytes": peak,
        "largest_deviation": largest_deviation(pairs, tests),
    }
    print(json.dumps(facts))
    if options.out:
        with open(options.out, "a", encoding="utf-8") as handle:
            handle.write(json.dumps(facts) + "\n")


if __name__ == "__main__":
    main()
