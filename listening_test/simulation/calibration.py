"""Whether intervals hold the truth and tests err as often as they say: many simulated tests with a known truth.

Used by ``benchmarks/listening_calibration.py``, by the tests, and by ``songbench listen simulate --plan --check``.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from statistics import NormalDist

import numpy as np

from listening_test.analysis.means import rated
from listening_test.analysis.power import plan_table, typical
from listening_test.analysis.preferences import estimated_strengths, preferred
from listening_test.analysis.screening import screen
from listening_test.collected import Collected
from listening_test.simulation.fast import Design, careless_of, draw
from listening_test.simulation.panel import on_scale
from listening_test.simulation.population import Population
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
        told = [bool(one) for one in events]
        self.hits, self.n, self.tests = self.hits + sum(told), self.n + len(told), self.tests + 1

    def join(self, other: Share) -> Share:
        """Both together."""
        return Share(self.hits + other.hits, self.n + other.n, self.tests + other.tests)


Shares = dict[str, Share]


def joined(parts: Iterable[Shares]) -> Shares:
    """The same shares from several processes as one."""
    whole: Shares = {}
    for part in parts:
        for name, share in part.items():
            whole[name] = whole.get(name, Share()).join(share)
    return whole


def true_means(design: Design, population: Population) -> dict[str, float]:
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
    design: Design, population: Population, seeds: Iterable[int], truth: Mapping[str, float] | None = None
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
        found = rated(data.ratings, "Q0", data.protocol, data.systems, song_counts={}, failed={})
        shares["means"].add(_holds(one.low, one.high, truth[one.system]) for one in found.means if one.competitor)
        shares["differences"].add(
            _holds(one.low, one.high, truth[one.first] - truth[one.second]) for one in found.differences
        )
        shares["tests"].add(one.p < 0.05 for one in found.differences)
        shares["family"].add([any(one.significant for one in found.differences)])
    return shares


def _holds(low: float | None, high: float | None, truth: float) -> bool:
    return low is not None and high is not None and low <= truth <= high


def true_strengths(design: Design, population: Population, *, panels: int = 30) -> Array:
    """What strengths tend to with very many raters and prompts, shape (systems,): the mean over large tests."""
    large = replace(design, raters=200, prompts=200, traps=0, repeats=0, anchors=0)
    found = [_strengths(draw(large, population, 10**6 + n)) for n in range(panels)]
    return np.asarray(np.mean(found, axis=0), dtype=np.float64)


def _strengths(data: Collected) -> Array:
    return estimated_strengths(data.pairs, data.systems, data.protocol.form)


def calibrate_pairs(design: Design, population: Population, seeds: Iterable[int], truth: Array | None = None) -> Shares:
    """Intervals of strengths and the declared tests, over simulated tests that compare songs.

    Returns:
        ``strengths``: intervals that hold the truth; ``tests`` and ``family`` as in `calibrate_ratings`.
    """
    truth = true_strengths(design, population) if truth is None else truth
    shares: Shares = {name: Share() for name in ("strengths", "tests", "family")}
    for seed in seeds:
        data = draw(design, population, seed)
        found = preferred(data.pairs, "Q0", data.protocol, data.systems)
        systems = [one for one in found.strengths if one.competitor]
        shares["strengths"].add(_holds(one.low, one.high, true) for one, true in zip(systems, truth, strict=True))
        shares["tests"].add(one.p < 0.05 for one in found.outcomes)
        shares["family"].add([any(one.significant for one in found.outcomes)])
    return shares


def calibrate_screening(design: Design, population: Population, seeds: Iterable[int]) -> Shares:
    """Who is excluded, by what they are; the kinds of careless raters take turns over the tests.

    Returns:
        ``attentive``: excluded though they took care; ``careless``: excluded, all kinds; and each kind.
    """
    shares: defaultdict[str, Share] = defaultdict(Share)
    for seed in seeds:
        turn = seed % max(len(population.kinds), 1)
        turned = replace(population, kinds=(*population.kinds[turn:], *population.kinds[:turn]))
        told = screen(draw(design, turned, seed))
        kinds = careless_of(design, turned, seed)
        for kind in set(kinds.values()):
            events = [not one.included for one in told if kinds[one.rater] == kind]
            shares[kind].add(events)
            if kind != "attentive":
                shares["careless"].hits += sum(events)
                shares["careless"].n += len(events)
        shares["careless"].tests += "careless" in shares and population.careless > 0
    return dict(shares)


def power_of(design: Design, *, tests: int, seed: int = 0) -> tuple[float, float]:
    """How often a pair that differs by what `power` calls resolvable is told apart, before any correction.

    Args:
        design: the test; its first two systems differ, the others lie between them.
        tests: how many to simulate.
        seed: of the first.

    Returns:
        The share of tests, and the difference (``preference``: the share above one half).
    """
    aimed, population = _resolvable(design)
    found = Share()
    for number in range(seed, seed + tests):
        data = draw(design, population, number)
        if design.form in ("preference", "ccr"):
            pairs = preferred(data.pairs, "Q0", data.protocol, data.systems).outcomes
            found.add([next(one.p for one in pairs if (one.first, one.second) == design.names[:2]) < 0.05])
        else:
            apart = rated(data.ratings, "Q0", data.protocol, data.systems, song_counts={}, failed={}).differences
            found.add([next(one.p for one in apart if (one.first, one.second) == design.names[:2]) < 0.05])
    return found.value, aimed


def _resolvable(design: Design) -> tuple[float, Population]:
    """The planned difference, and a population in which the first two systems really differ by as much."""
    pairwise = design.form in ("preference", "ccr")
    limits = (1.0, 5.0) if pairwise else design.scale_range
    middle, sd = sum(limits) / 2, typical(limits)
    aimed = plan_table(
        form=design.form,
        items=design.prompts,
        systems=design.systems,
        scale_range=design.scale_range,
        raters=[design.raters],
        pages=[design.pages],
        per_page=design.systems if design.form in ("multistimulus", "mushra") else 1,
    )[0].resolvable
    apart = aimed
    if design.form == "preference":  # the distance of two opinions that gives this share
        spread = math.hypot(sd.rater_system, sd.item_system, sd.residual) * math.sqrt(2)
        apart = NormalDist().inv_cdf(min(0.5 + aimed, 0.999)) * spread
    effects = dict.fromkeys(design.names, middle)
    effects |= {design.names[0]: middle + apart / 2, design.names[1]: middle - apart / 2}
    return aimed, Population(effects=effects, scale_range=limits, components=sd, slope=0.0, fatigue=0.0, tie=0.0)
