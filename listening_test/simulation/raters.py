"""Raters drawn from a population: what each thinks of each song, and what the careless ones answer instead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from listening_test.simulation.population import Population, level
from songbench.statistics import Array, Codes

STRAY = 0.03
"""Share of a straight-liner's answers that are another one."""


class SimulatedRaters:
    """Raters, items and songs with everything random about them drawn.

    Args:
        population: what they are drawn from.
        raters: how many.
        items: how many prompts.
        songs: names of systems, anchors and references.
        scales: how many questions; raters differ alike on all of them, only the residual is a question's own.
        seed: of everything.
    """

    def __init__(
        self, population: Population, *, raters: int, items: int, songs: Sequence[str], scales: int = 1, seed: int = 0
    ) -> None:
        """Draw them."""
        self.population = population
        self.rng = rng = np.random.default_rng([seed, 1])
        sd, count = population.components, len(songs)
        self.places: Mapping[str, int] = {name: place for place, name in enumerate(songs)}
        self.means = np.array([population.effects.get(name, level(name, population.scale_range)) for name in songs])
        self.kinds = population.kinds_of(raters, rng)
        self.strictness = sd.rater * rng.standard_normal(raters)
        self.slopes = np.exp(population.slope * rng.standard_normal(raters))
        self.prompts = sd.item * rng.standard_normal(items)
        self.tastes = sd.rater_system * rng.standard_normal((raters, count))
        self.luck = sd.item_system * rng.standard_normal((items, count))
        self._lasting = sd.residual * population.stable**0.5
        self._passing = sd.residual * (1 - population.stable) ** 0.5
        self._opinions = rng.standard_normal((raters, items, count, scales)).astype(np.float32)
        self.constants = rng.random(raters)
        self.patterns = [rng.random(int(size)) for size in rng.integers(2, 5, raters)]

    def opinions(self, rater: Codes, item: Codes, song: Codes, scale: Codes, progress: Array) -> Array:
        """What raters think of songs at this moment, in points, neither rounded nor cut; all arguments shape (n,).

        `progress` is how far the session has come, 0 to 1.
        """
        population, middle = self.population, sum(self.population.scale_range) / 2
        value = self.means[song] + self.prompts[item] + self.tastes[rater, song] + self.luck[item, song]
        value = value + self._lasting * self._opinions[rater, item, song, scale]
        value = value + self._passing * self.rng.standard_normal(len(rater)) - population.fatigue * progress
        result: Array = middle + self.slopes[rater] * (value - middle) + self.strictness[rater]
        return result

    def answered(self, rater: int, numbers: Codes, opinions: Array, scale_range: tuple[float, float]) -> Array:
        """What a rater answers, in points of a scale of whole numbers, not yet rounded.

        Args:
            rater: which.
            numbers: the how-manieth answers of the session these are, shape (n,).
            opinions: what an attentive rater would answer, shape (n,).
            scale_range: lowest and highest value of the scale.
        """
        kind, (lowest, highest) = self.kinds[rater], scale_range
        if kind == "attentive":
            return opinions
        if kind == "random":
            return self.rng.integers(int(lowest), int(highest) + 1, len(numbers)).astype(np.float64)
        if kind == "inverted":
            return lowest + highest - opinions
        result: Array = lowest + (highest - lowest) * self._place(kind, rater, numbers)
        return result

    def _place(self, kind: str, rater: int, numbers: Codes) -> Array:
        """Between the scale's bottom (0) and top (1), without a thought about the songs. Shape as `numbers`."""
        if kind == "impatient":
            return np.clip(0.5 + 0.2 * self.rng.standard_normal(len(numbers)), 0.0, 1.0)
        if kind == "pattern":
            pattern = self.patterns[rater]
            return pattern[numbers % len(pattern)]
        slipped = self.rng.random(len(numbers)) < STRAY
        return np.where(slipped, self.rng.random(len(numbers)), self.constants[rater])


def decided(ahead: Array, tie: float) -> Array:
    """1 where the second is ahead by at least `tie`, -1 where it is behind by as much, 0 between. Any shape."""
    return np.where(np.abs(ahead) < tie, 0.0, np.sign(ahead))


def on_scale(values: Array, scale_range: tuple[float, float], step: float = 1.0) -> Array:
    """Opinions as answers: the nearest value of the scale, shape as `values`."""
    lowest, highest = scale_range
    return np.clip(lowest + np.round((values - lowest) / step) * step, lowest, highest)
