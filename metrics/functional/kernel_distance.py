"""KAD, the kernel audio distance, on arrays of embeddings, built so that leaving songs out is cheap.

A set is seen as songs, each with several embeddings. What two songs contribute, the sum of the kernel over their
embeddings, is computed once; any subset of the songs is then a sum of contributions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from metrics.functional.checks import Embeddings, two_sets
from songbench.domain.errors import InputError

Array: TypeAlias = npt.NDArray[np.float64]

KAD_SCALE = 100.0
_MEDIAN_SAMPLES = 4000


def median_distance(vectors: npt.NDArray[np.floating]) -> float:
    """The median Euclidean distance of all pairs, the usual bandwidth of a Gaussian kernel.

    Above 4000 vectors, 4000 evenly spaced ones stand for all.

    Args:
        vectors: shape (n, d), n >= 2.

    Returns:
        The median, >= 0; 0 when most vectors are equal.
    """
    from scipy.spatial.distance import pdist

    step = max(1, -(-len(vectors) // _MEDIAN_SAMPLES))
    return float(np.median(pdist(np.asarray(vectors[::step], np.float64))))


def kernel_sums(
    a: Sequence[npt.NDArray[np.floating]], b: Sequence[npt.NDArray[np.floating]], bandwidth: float
) -> Array:
    """Sums of the Gaussian kernel exp(-|x - y|^2 / (2 bandwidth^2)) over every pair of songs.

    Args:
        a: one array (n_i, d) per song.
        b: the same for the other set.
        bandwidth: > 0, in the unit of the vectors.

    Returns:
        Shape (len(a), len(b)): entry (i, j) sums over all pairs of a vector of song i and one of song j.
    """
    columns = np.concatenate(b).astype(np.float64)
    squares = (columns**2).sum(axis=1)
    starts = np.cumsum([0, *(len(song) for song in b[:-1])])
    rows = []
    for song in a:
        wide = np.asarray(song, np.float64)
        distances = (wide**2).sum(axis=1)[:, None] + squares - 2 * wide @ columns.T
        kernel = np.exp(distances.clip(min=0) / (-2 * bandwidth**2)).sum(axis=0)
        rows.append(np.add.reduceat(kernel, starts))
    return np.array(rows)


@dataclass(frozen=True, eq=False, kw_only=True)
class KernelSums:
    """The kernel sums of an evaluated set and a reference, by song.

    Attributes:
        xx: evaluated with evaluated, shape (s, s).
        yy: reference with reference, shape (t, t).
        xy: evaluated with reference, shape (s, t).
        x_counts: vectors of each evaluated song, shape (s,).
        y_counts: vectors of each reference song, shape (t,).
    """

    xx: Array
    yy: Array
    xy: Array
    x_counts: Array
    y_counts: Array

    @classmethod
    def of(
        cls, x: Sequence[npt.NDArray[np.floating]], y: Sequence[npt.NDArray[np.floating]], bandwidth: float
    ) -> KernelSums:
        """The sums for songs given as arrays (n_i, d)."""
        return cls(
            xx=kernel_sums(x, x, bandwidth),
            yy=kernel_sums(y, y, bandwidth),
            xy=kernel_sums(x, y, bandwidth),
            x_counts=np.array([len(song) for song in x], np.float64),
            y_counts=np.array([len(song) for song in y], np.float64),
        )

    def without(self, songs: Sequence[int]) -> KernelSums:
        """The sums without these evaluated songs."""
        remaining = [i for i in range(len(self.x_counts)) if i not in set(songs)]
        return KernelSums(
            xx=self.xx[np.ix_(remaining, remaining)],
            yy=self.yy,
            xy=self.xy[remaining],
            x_counts=self.x_counts[remaining],
            y_counts=self.y_counts,
        )

    def mmd2(self, *, across_songs: bool = False) -> float | None:
        """The unbiased squared maximum mean discrepancy.

        Args:
            across_songs: compare only vectors of different songs within a set. Vectors of one song resemble each other;
                counting such pairs makes a set of few songs look denser than the distribution it came from.

        Returns:
            The estimate, around 0 for equal distributions and possibly below, at most 2; None when a set has no pair.

        Source: Gretton et al., "A kernel two-sample test", JMLR 2012, equation 3.
        """
        inner = [
            _mean_of_pairs(sums, counts, across_songs)
            for sums, counts in ((self.xx, self.x_counts), (self.yy, self.y_counts))
        ]
        if inner[0] is None or inner[1] is None:
            return None
        return inner[0] + inner[1] - 2 * float(self.xy.sum() / (self.x_counts.sum() * self.y_counts.sum()))

    def kad(self, *, across_songs: bool = False) -> float | None:
        """The kernel audio distance, 100 times `mmd2`: about 0 at best, at most 200; None where that is None."""
        discrepancy = self.mmd2(across_songs=across_songs)
        return None if discrepancy is None else KAD_SCALE * discrepancy


def _mean_of_pairs(sums: Array, counts: Array, across_songs: bool) -> float | None:
    """The mean kernel over pairs of different vectors, or of vectors of different songs.

    Args:
        sums: of the kernel over each pair of songs, shape (s, s).
        counts: vectors of each song, shape (s,).
        across_songs: leave out pairs within a song.

    Returns:
        In [0, 1]; None where there is no pair.
    """
    n = float(counts.sum())
    if across_songs:
        total, pairs = float(sums.sum() - np.trace(sums)), n**2 - float((counts**2).sum())
    else:
        total, pairs = float(sums.sum()) - n, n * (n - 1)  # each vector's kernel with itself is 1
    return total / pairs if pairs > 0 else None


@dataclass(frozen=True, kw_only=True)
class KernelAudioDistance:
    """KAD of a set of songs to a reference.

    Attributes:
        kad: 100 times the unbiased squared maximum mean discrepancy, at most 200; about 0, and possibly below, for sets
            from one distribution.
        kad_across: the same, comparing only embeddings of different songs within a set, which is unbiased over songs;
            None where a side is a single song.
        bandwidth: of the kernel, in the unit of the embeddings.
    """

    kad: float
    kad_across: float | None
    bandwidth: float


def kad(songs: Embeddings, reference: Embeddings, *, bandwidth: float | None = None) -> KernelAudioDistance:
    """The kernel audio distance of a set of songs to reference songs.

    100 times the unbiased squared maximum mean discrepancy with the kernel exp(-|x - y|^2 / (2 bandwidth^2)), as the
    metrics ``kad@…`` have it. Numbers on embeddings of different models, or with different bandwidths, cannot be
    compared.

    Args:
        songs: embeddings of the evaluated songs: one array (n_i, d) per song, one array (songs, n, d), or one array
            (n, d) of all songs together, which then has no `kad_across`.
        reference: embeddings of the reference songs by the same model, likewise.
        bandwidth: > 0; None: the median distance within the reference (`median_distance`).

    Returns:
        The distance in both forms.

    Raises:
        InputError: for shapes that do not fit, NaN, infinity, fewer than 2 embeddings on a side, a bandwidth that is
            not above 0, or a reference most of whose embeddings are equal, which gives none.

    Source: Chung et al., "KAD: No More FAD!", arXiv 2502.15602; estimator: Gretton et al., "A kernel two-sample test",
    JMLR 2012. The authors' code takes the bandwidth from the evaluated set, which gives every system another scale.

    Example:
        Two sets from one distribution, and one that is 0.5 away in each of 8 dimensions.

        >>> import numpy as np
        >>> rng = np.random.default_rng(0)
        >>> reference, near, far = (rng.standard_normal((20, 50, 8)) for _ in range(3))
        >>> print(f"{kad(near, reference).kad:.2f} {kad(far + 0.5, reference).kad:.2f}")
        -0.03 6.89
    """
    evaluated, target = two_sets(songs, reference)
    width = median_distance(np.concatenate(target)) if bandwidth is None else bandwidth
    if not 0 < width < np.inf:
        raise InputError(
            f"The bandwidth must be above 0 and finite, not {width}."
            if bandwidth is not None
            else "Most embeddings of the reference are equal, so that their median distance gives the kernel no width."
        )
    sums = KernelSums.of(evaluated, target, width)
    distance = sums.kad()
    assert distance is not None, "two embeddings on each side have a pair"
    return KernelAudioDistance(kad=distance, kad_across=sums.kad(across_songs=True), bandwidth=width)
