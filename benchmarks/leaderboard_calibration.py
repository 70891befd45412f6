r"""Do the intervals and tests of the leaderboard hold what they promise? Simulated scores with a known truth.

    python benchmarks/leaderboard_calibration.py --sets 1000

Prints the tables and writes ``results/leaderboard_calibration.json`` and ``.md``. Every figure comes with the number of
simulated sets and the interval that this number allows. 1,000 sets take about five minutes on two cores.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before numpy: a process per core, a thread per process
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from songbench.reporting.document.blocks import Fragment, Heading, TableCell, Text, coded, table
from songbench.reporting.document.markdown import to_markdown
from songbench.resources.files import write_atomically
from songbench.statistics import Array, Takes, bootstrap_interval, compare_takes, holm

RESULTS = Path(__file__).parent.parent / "results"
PROMPTS = (3, 6, 10, 20, 50, 100)
FAMILY_PROMPTS = (6, 20, 100)
ENOUGH = 20
"""From this many prompts on the intervals have to hold the truth as often as `LEAST_COVERAGE`."""
LEAST_COVERAGE = 0.93
MOST_FAMILY_ERROR = 0.055
LEVEL = 0.05
ERROR_MEAN = 0.7 / 5.7


class Scores(NamedTuple):
    """Simulated scores of one system.

    Attributes:
        values: shape (prompts, takes).
        weights: shape (prompts, takes).
    """

    values: Array
    weights: Array

    def takes(self) -> Takes:
        """As the leaderboard takes them."""
        prompts, takes = self.values.shape
        names = [f"p{number:03d}" for number in range(prompts) for _ in range(takes)]
        return Takes.of(names, self.values.ravel(), self.weights.ravel())


Draw = Callable[[np.random.Generator, Array, int], Scores]
"""From a source of chance, how hard each prompt is (standard normal, shape (n,)) and how many takes."""


def normal(rng: np.random.Generator, hard: Array, takes: int) -> Scores:
    """Mean 3; prompts vary by 1, half of that shared by all systems, and takes by a half."""
    n = len(hard)
    prompt = 3 + np.sqrt(0.5) * hard[:, None] + rng.normal(0, np.sqrt(0.5), (n, 1))
    return _plain(prompt + rng.normal(0, 0.5, (n, takes)))


def error_rates(rng: np.random.Generator, hard: Array, takes: int) -> Scores:
    """Like phoneme error rates: errors among 60 to 400 phonemes, many prompts with few and some with very many."""
    return _rates(rng, rng.beta(0.7, 5.0, (len(hard), 1)), takes)


def even_error_rates(rng: np.random.Generator, hard: Array, takes: int) -> Scores:
    """As many errors on average, on all prompts about as many."""
    return _rates(rng, rng.beta(6.0, 6.0 * 5.0 / 0.7, (len(hard), 1)), takes)


def breakdowns(rng: np.random.Generator, hard: Array, takes: int) -> Scores:
    """Error rates of a system that sings a fifth of the prompts without error and breaks down on a tenth."""
    n = len(hard)
    kind = rng.random((n, 1))
    usual, broken = rng.beta(1.5, 10.0, (n, 1)), rng.beta(5.0, 3.0, (n, 1))
    return _rates(rng, np.where(kind < 0.2, 0.0, np.where(kind < 0.9, usual, broken)), takes)


def lognormal(rng: np.random.Generator, hard: Array, takes: int) -> Scores:
    """The logarithm has variance 1: a quarter shared by all systems, 0.6 of prompts and 0.15 of takes."""
    n = len(hard)
    prompt = 0.5 * hard[:, None] + rng.normal(0, np.sqrt(0.6), (n, 1))
    return _plain(np.exp(prompt + rng.normal(0, np.sqrt(0.15), (n, takes))))


def even_lognormal(rng: np.random.Generator, hard: Array, takes: int) -> Scores:
    """The same mean, varying by a fifth of it, about normally."""
    n = len(hard)
    prompt = 1 + 0.15 * hard[:, None] + rng.normal(0, 0.13, (n, 1))
    return _plain(np.exp(0.5) * (prompt + rng.normal(0, 0.05, (n, takes))))


def _plain(values: Array) -> Scores:
    return Scores(values, np.ones_like(values))


def _rates(rng: np.random.Generator, rates: Array, takes: int) -> Scores:
    """Errors over phonemes in percent, takes more different than by chance alone; phonemes are the weights."""
    phonemes = np.repeat(rng.integers(60, 400, (len(rates), 1)), takes, axis=1)
    spread = 30.0
    sung = rng.beta(np.maximum(rates * spread, 1e-9), np.maximum((1 - rates) * spread, 1e-9), (len(rates), takes))
    errors = rng.binomial(phonemes, np.where(rates == 0, 0.0, sung))
    return Scores(100 * errors / phonemes, phonemes.astype(np.float64))


INTERVALS: dict[str, tuple[Draw, float]] = {
    "normal": (normal, 3.0),
    "error rates": (error_rates, 100 * ERROR_MEAN),
    "error rates, breakdowns": (breakdowns, 100 * (0.7 * 1.5 / 11.5 + 0.1 * 5 / 8)),
    "lognormal": (lognormal, float(np.exp(0.5))),
}
"""Per design, the scores and their true mean."""

FAMILIES: dict[str, tuple[Draw, ...]] = {
    "normal": (normal,) * 4,
    "error rates": (error_rates,) * 4,
    "error rates, breakdowns": (breakdowns,) * 4,
    "lognormal": (lognormal,) * 4,
    "error rates, two even systems and two not": (error_rates, error_rates, even_error_rates, even_error_rates),
    "lognormal, two even systems and two not": (lognormal, lognormal, even_lognormal, even_lognormal),
}
"""Per design, four systems with the same true mean: every significant difference is an error."""
STRESS = ("lognormal, two even systems and two not",)
"""Designs that are reported and not held to `MOST_FAMILY_ERROR`."""


def coverage(design: str, prompts: int, takes: int, seeds: Sequence[int]) -> tuple[int, int, list[float]]:
    """How often the truth lies below and above the interval, and the intervals' widths."""
    draw, truth = INTERVALS[design]
    below = above = 0
    widths = []
    for seed in seeds:
        rng = _rng(design, prompts, takes, seed)
        interval = bootstrap_interval(draw(rng, rng.normal(size=prompts), takes).takes())
        assert interval is not None
        below += truth < interval.low
        above += truth > interval.high
        widths.append(interval.high - interval.low)
    return below, above, widths


def family_errors(design: str, prompts: int, takes: int, seeds: Sequence[int]) -> tuple[int, int]:
    """How many sets of four equal systems have a significant difference, and how many of their six tests alone."""
    families = singles = 0
    for seed in seeds:
        rng = _rng(design, prompts, takes, seed)
        hard = rng.normal(size=prompts)
        systems = [draw(rng, hard, takes).takes() for draw in FAMILIES[design]]
        tests = [compare_takes(a, b) for a, b in combinations(systems, 2)]
        p = np.array([test.p for test in tests if test is not None])
        families += bool((holm(p) < LEVEL).any())
        singles += int((p < LEVEL).sum())
    return families, singles


def _rng(design: str, prompts: int, takes: int, seed: int) -> np.random.Generator:
    return np.random.default_rng([seed, prompts, takes, *design.encode()])


def share(count: int, n: int) -> tuple[float, float, float]:
    """The share and its 95 % interval (Clopper and Pearson)."""
    from scipy.stats import binomtest

    interval = binomtest(count, n).proportion_ci(method="exact")
    return count / n, float(interval.low), float(interval.high)


def run(sets: int, workers: int) -> dict[str, Any]:
    """Everything; a set's seed does not depend on how many processes share the work."""
    began = time.monotonic()
    seeds = range(sets)
    cells = [(design, n, takes) for design in INTERVALS for takes in (1, 3) for n in PROMPTS]
    families = [(design, n, takes) for design in FAMILIES for takes in (1, 3) for n in FAMILY_PROMPTS]
    with ProcessPoolExecutor(workers) as pool:
        covering = [pool.submit(coverage, *cell, seeds) for cell in cells]
        erring = [pool.submit(family_errors, *cell, seeds) for cell in families]
        intervals = [_interval_row(cell, sets, *future.result()) for cell, future in zip(cells, covering, strict=True)]
        tests = [_family_row(cell, sets, *future.result()) for cell, future in zip(families, erring, strict=True)]
    return {"sets": sets, "seconds": round(time.monotonic() - began), "intervals": intervals, "families": tests}


def _interval_row(cell: tuple[str, int, int], sets: int, below: int, above: int, widths: list[float]) -> dict[str, Any]:
    design, prompts, takes = cell
    value, low, high = share(sets - below - above, sets)
    return {
        "design": design,
        "prompts": prompts,
        "takes": takes,
        "coverage": value,
        "low": round(low, 4),
        "high": round(high, 4),
        "truth_below": below / sets,
        "truth_above": above / sets,
        "median_width": float(f"{np.median(widths):.4g}"),
        "wanted": LEAST_COVERAGE if prompts >= ENOUGH else None,
    }


def _family_row(cell: tuple[str, int, int], sets: int, families: int, singles: int) -> dict[str, Any]:
    design, prompts, takes = cell
    value, low, high = share(families, sets)
    return {
        "design": design,
        "prompts": prompts,
        "takes": takes,
        "family_error": value,
        "low": round(low, 4),
        "high": round(high, 4),
        "single_error": round(singles / (6 * sets), 4),
        "wanted": None if design in STRESS else MOST_FAMILY_ERROR,
    }


def markdown(results: Mapping[str, Any]) -> str:
    """The report."""
    about = (
        f"Made by `benchmarks/leaderboard_calibration.py --sets {results['sets']}`. All scores are simulated, with a"
        " known true mean; the designs are described in the script. In brackets: where the share lies with 95 %, given"
        " the number of simulated sets."
    )
    return to_markdown(
        [
            Heading("Calibration of the leaderboard", level=1),
            Text(coded(about)),
            Heading("Intervals of means"),
            Text(
                "Share of 95 % intervals that hold the true mean over all prompts, and on which side of the others it"
                " lies."
            ),
            table(
                "",
                ("scores", "takes", "prompts", "coverage", "truth below", "truth above", "wanted", ""),
                list(map(interval_cells, results["intervals"])),
            ),
            Heading("Comparisons"),
            Text(
                "Four systems with the same true mean, six paired tests, Holm-corrected: share of sets with a"
                " significant difference (p < 0.05), and share of single tests with one before the correction."
            ),
            table(
                "",
                ("scores", "takes", "prompts", "errors per set", "errors per test", "wanted", ""),
                list(map(family_cells, results["families"])),
            ),
        ]
    )


def interval_cells(row: Mapping[str, Any]) -> tuple[TableCell, ...]:
    """How often intervals held the truth."""
    target = "" if row["wanted"] is None else f"at least {row['wanted']:g}"
    verdict: TableCell = "" if row["wanted"] is None else holds(row["coverage"] >= row["wanted"])
    return (
        *(str(row[name]) for name in ("design", "takes", "prompts")),
        f"{row['coverage']:.3f} ({row['low']:.3f} to {row['high']:.3f})",
        f"{row['truth_below']:.3f}",
        f"{row['truth_above']:.3f}",
        target,
        verdict,
    )


def family_cells(row: Mapping[str, Any]) -> tuple[TableCell, ...]:
    """How often tests erred."""
    target = "not held to it" if row["wanted"] is None else f"at most {row['wanted']:g}"
    verdict: TableCell = "" if row["wanted"] is None else holds(row["family_error"] <= row["wanted"])
    return (
        *(str(row[name]) for name in ("design", "takes", "prompts")),
        f"{row['family_error']:.3f} ({row['low']:.3f} to {row['high']:.3f})",
        f"{row['single_error']:.3f}",
        target,
        verdict,
    )


def holds(as_promised: bool) -> TableCell:
    """The word for a promise that was kept, or not."""
    return "holds" if as_promised else (Fragment("does not hold", "strong"),)


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", type=int, default=1000, help="simulated sets per cell")
    parser.add_argument("--workers", type=int, default=2, help="processes")
    parser.add_argument("--to", type=Path, default=RESULTS, help="folder for the two files")
    options = parser.parse_args()
    results = run(options.sets, options.workers)
    text = markdown(results)
    print(text)
    write_atomically(options.to / "leaderboard_calibration.json", (json.dumps(results, indent=1) + "\n").encode())
    write_atomically(options.to / "leaderboard_calibration.md", text.encode())


if __name__ == "__main__":
    main()
