"""Values of songs, nested in prompts, and their (weighted) mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from songbench.statistics.arrays import Array, Codes


@dataclass(frozen=True, eq=False)
class Takes:
    """Values of one system, one per (prompt, take), in an order of their own: that of prompts, values and weights.

    Attributes:
        prompts: the prompt of each value, shape (n,).
        values: finite, shape (n,).
        weights: how much each value counts in the figure, > 0, shape (n,).
    """

    prompts: npt.NDArray[np.str_]
    values: Array
    weights: Array

    @classmethod
    def of(cls, prompts: Sequence[str], values: npt.ArrayLike, weights: npt.ArrayLike | None = None) -> Takes:
        """Check and keep three columns of equal length; without weights every value counts the same.

        Raises:
            ValueError: for unequal lengths, no values, values that are not finite or weights that are not above 0.

        >>> Takes.of(["a", "b"], [1.0, 4.0], weights=[2.0, 1.0]).figure
        2.0
        """
        labels, array = np.asarray(prompts, dtype=np.str_), np.asarray(values, dtype=np.float64)
        counts = np.ones_like(array) if weights is None else np.asarray(weights, dtype=np.float64)
        if not (labels.shape == array.shape == counts.shape) or array.ndim != 1 or not array.size:
            raise ValueError(
                f"Expected three columns of equal length >= 1, found {labels.shape} {array.shape} {counts.shape}."
            )
        if not np.isfinite(array).all() or not np.isfinite(counts).all() or (counts <= 0).any():
            raise ValueError("Values must be finite, and weights finite and above 0.")
        order = np.lexsort((counts, array, labels))  # so that no sum depends on the order of the files on disk
        return cls(labels[order], array[order], counts[order])

    @property
    def figure(self) -> float:
        """The weighted mean; with counts as weights, the micro average (all errors over all units)."""
        return float(np.sum(self.values * self.weights) / np.sum(self.weights))

    def on(self, prompts: set[str]) -> Takes | None:
        """Only the values of these prompts; None when there are none."""
        keep = np.array([prompt in prompts for prompt in self.prompts[self.starts].tolist()])
        return self.of_prompts(keep) if keep.any() else None

    def of_prompts(self, keep: npt.NDArray[np.bool_]) -> Takes:
        """Only the values of the prompts to keep, at least one of k, shape (k,)."""
        rows = np.repeat(keep, self.counts)
        return Takes(self.prompts[rows], self.values[rows], self.weights[rows])

    @cached_property
    def starts(self) -> Codes:
        """The place of the first value of each prompt, shape (k,) of k prompts."""
        return np.flatnonzero(np.append(True, self.prompts[1:] != self.prompts[:-1]))

    @property
    def counts(self) -> Codes:
        """How many values each prompt has, shape (k,)."""
        return np.diff(self.starts, append=len(self.values))

    @property
    def even(self) -> bool:
        """Whether all prompts count alike."""
        counts = self.counts
        return bool((self.weights == self.weights[0]).all() and (counts == counts[0]).all())

    def by_prompt(self) -> tuple[list[str], Array, Array]:
        """Prompts in order, the weighted mean of each one's takes and their weight together; three columns."""
        labels, means, weights = self.prompts[self.starts], *self.weighted_means()
        return labels.tolist(), means, weights

    def weighted_means(self) -> tuple[Array, Array]:
        """The weighted mean of each prompt's takes, and their weight together; two columns."""
        owner = np.repeat(np.arange(self.starts.size), self.counts)
        weights: Array = np.bincount(owner, self.weights).astype(np.float64)
        means: Array = np.bincount(owner, self.weights * self.values) / weights
        return means, weights


def prompt_values(takes: Takes) -> dict[str, float]:
    """One value per prompt, such that their plain mean is the weighted mean of all takes.

    With W_i the weight of a prompt, m_i the weighted mean of its takes, F the figure and W the mean of W_i, the value
    is F + (W_i / W) (m_i - F): the linearised ratio (Taylor linearisation of survey statistics, Cochran 1977, §6.4).
    Its spread over prompts gives the standard error of the micro average. With equal weights it is m_i.

    >>> prompt_values(Takes.of(["a", "a", "b"], [1.0, 3.0, 5.0], [1.0, 1.0, 2.0]))
    {'a': 2.0, 'b': 5.0}
    """
    return dict(zip(takes.prompts[takes.starts].tolist(), linear_values(takes).tolist(), strict=True))


def linear_values(takes: Takes) -> Array:
    """The same without the prompts' names, in their order, shape (k,)."""
    means, weights = takes.weighted_means()
    figure = takes.figure
    values: Array = figure + weights / weights.mean() * (means - figure)
    return values
