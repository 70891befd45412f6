"""Intervals of descriptive figures by resampling whole clusters: prompts, or raters and prompts together."""

from __future__ import annotations

from functools import lru_cache
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from songbench.reporting.estimates import Estimate

Array: TypeAlias = npt.NDArray[np.float64]

REPLICATES = 1000
FEWEST = 3
"""Clusters of each kind below which no interval is given."""
_MOST_UNDEFINED = 0.1


@lru_cache(maxsize=16)
def multiplicities(clusters: int, *, replicates: int = REPLICATES, seed: int = 0) -> Array:
    """How often each cluster is drawn, with replacement; the same for every figure with the same seed, so drawn once.

    Returns:
        Shape (replicates, clusters), not to be written to; every row sums to `clusters`.
    """
    rng = np.random.default_rng(seed)
    draws = rng.multinomial(clusters, np.full(clusters, 1 / clusters), size=replicates).astype(np.float64)
    draws.setflags(write=False)
    return draws


def estimate(value: float, replicates: Array, *, confidence: float, clusters: int) -> Estimate:
    """A figure with the percentile interval of its replicates.

    Args:
        value: NaN: undefined.
        replicates: shape (B,); NaN where a replicate leaves the figure undefined.
        confidence: in (0, 1).
        clusters: what was drawn; below `FEWEST` there is no interval, nor where a tenth of the replicates is undefined.
    """
    if not np.isfinite(value):
        return Estimate()
    finite = replicates[np.isfinite(replicates)]
    if clusters < FEWEST or len(finite) < (1 - _MOST_UNDEFINED) * len(replicates):
        return Estimate(float(value))
    tail = (1 - confidence) / 2
    low, high = np.quantile(finite, [tail, 1 - tail])
    return Estimate(float(value), float(low), float(high))


def two_way_mean(
    raters: npt.ArrayLike, prompts: npt.ArrayLike, values: npt.ArrayLike, *, confidence: float, seed: int = 0
) -> Estimate:
    """The mean of answers, with a bootstrap that draws raters and prompts independently (Owen 2007, "pigeonhole").

    It is a little wide rather than a little narrow. Descriptive: the main tables use the declared analysis.

    Args:
        raters: who answered, shape (n,).
        prompts: about which prompt, shape (n,).
        values: the answers, finite, shape (n,).
        confidence: in (0, 1).
        seed: of the draws.
    """
    array = np.asarray(values, dtype=np.float64)
    if not array.size:
        return Estimate()
    rater_ids, rater = np.unique(np.asarray(raters, dtype=np.str_), return_inverse=True)
    prompt_ids, prompt = np.unique(np.asarray(prompts, dtype=np.str_), return_inverse=True)
    if min(len(rater_ids), len(prompt_ids)) < FEWEST:
        return Estimate(float(array.mean()))
    sums, counts = np.zeros((len(rater_ids), len(prompt_ids))), np.zeros((len(rater_ids), len(prompt_ids)))
    np.add.at(sums, (rater, prompt), array)
    np.add.at(counts, (rater, prompt), 1.0)
    by_rater = multiplicities(len(rater_ids), seed=seed)
    by_prompt = multiplicities(len(prompt_ids), seed=seed + 1)
    total, n = (((by_rater @ table) * by_prompt).sum(axis=1) for table in (sums, counts))
    means = np.divide(total, n, out=np.full_like(total, np.nan), where=n > 0)
    return estimate(float(array.mean()), means, confidence=confidence, clusters=min(len(rater_ids), len(prompt_ids)))
