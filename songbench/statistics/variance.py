"""Where the variance of scores lies: in the prompts, in what a system makes of a prompt, or between its takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from songbench.statistics.arrays import Array, Codes
from songbench.statistics.takes import Takes


class VarianceParts(NamedTuple):
    """Variances of the scores of systems on prompts, in squared units; estimates, which may be below 0.

    An estimate below 0 says that the data show no such part at all; cut off at 0 it would be too large on average.

    Attributes:
        prompt: between prompts, the same for every system: how hard a prompt is. It cancels where systems are compared
            on the same prompts. With a single system it holds `residual`, too, which then cannot be told from it.
        take: between takes of one system and prompt. The more takes, the less of it is left in a mean.
        residual: what is left of the means over takes: what one system makes of one prompt, beyond how good the
            system and how hard the prompt is. More takes do not change it. None with a single system.
        systems: how many systems it rests on.
        prompts: how many prompts.
    """

    prompt: float
    take: float
    residual: float | None
    systems: int
    prompts: int

    def shares(self) -> dict[str, float]:
        """The part of each in their sum, in [0, 1], those below 0 as 0; empty where nothing varies."""
        parts = {"prompt": self.prompt, "take": self.take, "residual": self.residual or 0.0}
        if self.residual is None:
            del parts["residual"]
        total = sum(max(part, 0.0) for part in parts.values())
        return {name: max(part, 0.0) / total for name, part in parts.items()} if total > 0 else {}

    def error_ratio(self, takes: int, *, more_takes: int = 1, more_prompts: int = 1) -> float | None:
        """The standard error of the difference of two systems with more takes or prompts, over that with the present.

        Args:
            takes: of each prompt, at present.
            more_takes: by how much they are multiplied.
            more_prompts: by how much the prompts are multiplied.

        Returns:
            In (0, 1]; None with a single system, and where a difference does not vary.
        """
        if self.residual is None:
            return None
        residual, take = max(self.residual, 0.0), max(self.take, 0.0)
        present = residual + take / takes
        return (
            float(np.sqrt((residual + take / (takes * more_takes)) / present / more_prompts)) if present > 0 else None
        )


def variance_parts(scores: Mapping[str, Takes]) -> VarianceParts | None:
    """Split the variance of the scores of several systems by the method of moments.

    The model is ``score = system + prompt + (system, prompt) + take``, all but the first random. Takes are pooled
    within systems and prompts; the means over takes are a two-way table, whose mean squares give the other two
    (analysis of variance with unweighted means, Searle, Casella & McCulloch 1992, §4.2). Every estimate is unbiased,
    also with unequal numbers of takes. Weights of scores are left aside.

    Args:
        scores: of each system. The table holds the prompts on which all of them were scored.

    Returns:
        The parts; None without a second take anywhere, or with fewer than 2 common prompts.
    """
    if not scores:
        return None
    tables = [_by_prompt(takes) for takes in scores.values()]
    spread = sum(value for table in tables for value in table.spreads.tolist())
    freedom = sum(int(np.sum(table.counts - 1)) for table in tables)
    common = tables[0].prompts
    for table in tables[1:]:
        if not np.array_equal(common, table.prompts):
            common = np.intersect1d(common, table.prompts, assume_unique=True)
    if freedom < 1 or len(common) < 2:
        return None
    take = spread / freedom
    places = [np.searchsorted(table.prompts, common) for table in tables]
    means = np.array([table.means[place] for table, place in zip(tables, places, strict=True)])  # (systems, prompts)
    counts = np.concatenate([table.counts[place] for table, place in zip(tables, places, strict=True)])
    of_takes = take * float(np.mean(1 / counts))
    systems, prompts = means.shape
    between = systems * float(np.var(means.mean(axis=0), ddof=1))
    if systems == 1:
        return VarianceParts(between - of_takes, take, None, systems, prompts)
    rest = means - means.mean(axis=0) - means.mean(axis=1, keepdims=True) + means.mean()
    within = float(np.sum(rest**2)) / ((systems - 1) * (prompts - 1))
    return VarianceParts((between - within) / systems, take, within - of_takes, systems, prompts)


class _Table(NamedTuple):
    """The scores of one system by prompt, in order of prompts.

    Attributes:
        prompts: their names, shape (k,).
        counts: how many takes each has, shape (k,).
        means: over its takes, shape (k,).
        spreads: the sum of squares of its takes around their mean, shape (k,).
    """

    prompts: npt.NDArray[np.str_]
    counts: Codes
    means: Array
    spreads: Array


def _by_prompt(takes: Takes) -> _Table:
    """All prompts at once, as one after the other costs their number times that of the values."""
    starts, counts = takes.starts, takes.counts
    means = _sums(takes.values, starts, counts) / counts
    spreads = _sums((takes.values - np.repeat(means, counts)) ** 2, starts, counts)
    return _Table(takes.prompts[starts], counts, means, spreads)


def _sums(values: Array, starts: Codes, counts: Codes) -> Array:
    """Of stretches of the values, shape (k,), each to the bit what `numpy.sum` says of it alone."""
    sums = np.empty(len(starts))
    for count in np.unique(counts):
        alike = counts == count
        sums[alike] = values[starts[alike, None] + np.arange(count)].sum(axis=1)
    return sums
