"""Whether intervals hold the truth and tests err as often as they say: many simulated tests with a known truth.

Used by ``benchmarks/listening_calibration.py`` and by the tests.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from statistics import NormalDist

import numpy as np

from listening_test.analysis.means import analyse_ratings
from listening_test.analysis.preferences import analyse_comparisons, estimated_strengths
from listening_test.analysis.screening import screen
from listening_test.collected import CollectedAnswers
from listening_test.simulation.population import Population
from listening_test.simulation.raters import on_scale
from listening_test.simulation.ratings import SimulatedDesign, careless_of, draw
from songbench.statistics import Array

MONTE_CARLO = 1_000_000
"""Draws for the true mean of a system; its error is below 0.002 of a point."""


@dataclass
class Share:
    """How often something happened.

    Attributes:
        hits: times.
        n: of how many.
        tests: in how many simulated tests; what happens within one test is not independent.
    """

    hits: int = 0
    n: int = 0
    tests: int = 0

    @property
    def value(self) -> float:
        """The share; NaN of nothing."""
        return self.hits / self.n if self.n else math.nan

    def interval(self, *, independent: bool = False) -> tuple[float, float]:
        """Where the true share lies with 95 % (Wilson), from the number of tests, or of single events if independent.

        Counting tests is careful: events of one test are taken as if they always happened together.
        """
        n, z = (self.n if independent else self.tests), NormalDist().inv_cdf(0.975)
        if not n or math.isnan(self.value):
            return 0.0, 1.0
        middle = (self.value + z * z / (2 * n)) / (1 + z * z / n)
        half = z / (1 + z * z / n) * math.sqrt(self.value * (1 - self.value) / n + z * z / (4 * n * n))
        return middle - half, middle + half

    def add(self, events: Iterable[bool]) -> None:
        """What one test brought."""
        outcomes = [bool(event) for event in events]
        self.hits, self.n, self.tests = self.hits + sum(outcomes), self.n + len(outcomes), self.tests + 1

    def join(self, share: Share) -> Share:
        """Both together."""
        return Share(self.hits + share.hits, self.n + share.n, self.tests + share.tests)


Shares = dict[str, Share]


def joined(parts: Iterable[Shares]) -> Shares:
    """The same shares from several processes as one."""
    sums: Shares = {}
    for part in parts:
        for name, share in part.items():
            sums[name] = sums.get(name, Share()).join(share)
    return sums


def true_means(design: SimulatedDesign, population: Population) -> dict[str, float]:
    """The expected answer about each system, over raters, items and pages, given rounding and the ends of the scale."""
    rng = np.random.default_rng(0)
    sd, middle = population.components, sum(population.scale_range) / 2
    within = math.hypot(sd.item, sd.rater_system, sd.item_system, sd.residual)
    progress = rng.integers(design.pages, size=MONTE_CARLO) / max(design.pages - 1, 1)
    noise = within * rng.standard_normal(MONTE_CARLO) - population.fatigue * progress - middle
    slope = np.exp(population.slope * rng.standard_normal(MONTE_CARLO))
    strict = middle + sd.rater * rng.standard_normal(MONTE_CARLO)
    return {
        name: float(on_scale(strict + slope * (population.effects[name] + noise), population.scale_range).mean())
        for name in design.names
    }


def calibrate_ratings(
    design: SimulatedDesign, population: Population, seeds: Iterable[int], truth: Mapping[str, float] | None = None
) -> Shares:
    """Intervals of means and differences, and the declared tests, over simulated tests that rate songs.

    Returns:
        ``means`` and ``differences``: intervals that hold the truth; ``tests``: pairs with p below 0.05, uncorrected;
        ``family``: tests with any significant pair after Holm. The last two are errors where all effects are equal.
    """
    truth = truth or true_means(design, population)
    shares: Shares = {name: Share() for name in ("means", "differences", "tests", "family")}
    for seed in seeds:
        data = draw(design, population, seed)
        result = analyse_ratings(data.ratings, "Q0", data.protocol, data.systems, song_counts={}, failed={})
        shares["means"].add(_holds(mean.low, mean.high, truth[mean.system]) for mean in result.means if mean.competitor)
        shares["differences"].add(
            _holds(pair.low, pair.high, truth[pair.first] - truth[pair.second]) for pair in result.differences
        )
        shares["tests"].add(pair.p < 0.05 for pair in result.differences)
        shares["family"].add([any(pair.significant for pair in result.differences)])
    return shares


def _holds(low: float | None, high: float | None, truth: float) -> bool:
    return low is not None and high is not None and low <= truth <= high


def true_strengths(design: SimulatedDesign, population: Population, *, panels: int = 30) -> Array:
    """What strengths tend to with very many raters and prompts, shape (systems,): the mean over large tests."""
    large = replace(design, raters=200, prompts=200, traps=0, repeats=0, anchors=0)
    strengths = [_strengths(draw(large, population, 10**6 + n)) for n in range(panels)]
    return np.asarray(np.mean(strengths, axis=0), dtype=np.float64)


def _strengths(data: CollectedAnswers) -> Array:
    return estimated_strengths(data.pairs, data.systems, data.protocol.form)


def calibrate_pairs(
    design: SimulatedDesign, population: Population, seeds: Iterable[int], truth: Array | None = None
) -> Shares:
    """Intervals of strengths and the declared tests, over simulated tests that compare songs.

    Returns:
        ``strengths``: intervals that hold the truth; ``tests`` and ``family`` as in `calibrate_ratings`.
    """
    truth = true_strengths(design, population) if truth is None else truth
    shares: Shares = {name: Share() for name in ("strengths", "tests", "family")}
    for seed in seeds:
        data = draw(design, population, seed)
        result = analyse_comparisons(data.pairs, "Q0", data.protocol, data.systems)
        systems = [strength for strength in result.strengths if strength.competitor]
        shares["strengths"].add(_holds(row.low, row.high, true) for row, true in zip(systems, truth, strict=True))
        shares["tests"].add(pair.p < 0.05 for pair in result.outcomes)
        shares["family"].add([any(pair.significant for pair in result.outcomes)])
    return shares


def calibrate_screening(design: SimulatedDesign, population: Population, seeds: Iterable[int]) -> Shares:
    """Who is excluded, by what they are; the kinds of careless raters take turns over the tests.

    Returns:
        ``attentive``: excluded though they took care; ``careless``: excluded, all kinds; and each kind.
    """
    shares: defaultdict[str, Share] = defaultdict(Share)
    for seed in seeds:
        turn = seed % max(len(population.kinds), 1)
        turned = replace(population, kinds=(*population.kinds[turn:], *population.kinds[:turn]))
        screening = screen(draw(design, turned, seed))
        kinds = careless_of(design, turned, seed)
        for kind in set(kinds.values()):
            events = [not row.included for row in screening if kinds[row.rater] == kind]
            shares[kind].add(events)
            if kind != "attentive":
                shares["careless"].hits += sum(events)
                shares["careless"].n += len(events)
        shares["careless"].tests += "careless" in shares and population.careless > 0
    return dict(shares)
