"""Distances between sets of embeddings: Fréchet distance and kernel distance, built so that leaving songs out is cheap.

Both see a set as songs, each with several embeddings. What a song contributes (its moments, its kernel sums) is
computed once; any subset of the songs is then a sum of contributions.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

KAD_SCALE = 100.0
_MEDIAN_SAMPLES = 4000


@lru_cache(maxsize=2)
def _triangle(d: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Rows and columns of the upper triangle of a (d, d) matrix, row by row."""
    rows, columns = np.triu_indices(d)
    return rows, columns


def upper_triangle(matrix: Array) -> Array:
    """The upper triangle of a (d, d) matrix, row by row, shape (d * (d + 1) / 2,)."""
    return matrix[_triangle(len(matrix))]


@dataclass(frozen=True, eq=False)
class Moments:
    """What a Gaussian fit needs of a set of vectors. Sums of moments are the moments of the joined sets.

    Attributes:
        n: number of vectors.
        total: their sum, shape (d,).
        outer: the upper triangle, row by row, of the sum of their outer products, shape (d * (d + 1) / 2,).
    """

    n: int
    total: Array
    outer: Array

    def __len__(self) -> int:
        return self.n

    @classmethod
    def of(cls, vectors: npt.NDArray[np.floating]) -> Moments:
        """The moments of vectors of shape (n, d)."""
        wide = np.asarray(vectors, np.float64)
        if wide.ndim != 2:
            raise ValueError(f"Expected vectors of shape (n, d), not {wide.shape}.")
        return cls(len(wide), wide.sum(axis=0), upper_triangle(wide.T @ wide))

    @classmethod
    def joined(cls, parts: Iterable[Moments]) -> Moments:
        """The moments of all parts together; at least one part."""
        first, *rest = parts
        total, outer, n = first.total.copy(), first.outer.copy(), first.n
        for part in rest:
            n += part.n
            total += part.total
            outer += part.outer
        return cls(n, total, outer)

    def square(self) -> Array:
        """The sum of the outer products in full, shape (d, d)."""
        full = np.empty((self.total.size, self.total.size))
        rows, columns = _triangle(self.total.size)
        full[rows, columns] = self.outer
        full[columns, rows] = self.outer
        return full


class Gaussian:
    """A normal distribution fitted to a set of vectors.

    Attributes:
        mean: shape (d,).
        covariance: shape (d, d), with the divisor n - 1.
    """

    def __init__(self, moments: Moments) -> None:
        """Fit.

        Raises:
            ValueError: for fewer than two vectors, which have no covariance.
        """
        if moments.n < 2:
            raise ValueError(f"A covariance needs at least 2 vectors, not {moments.n}.")
        self.mean = moments.total / moments.n
        self.covariance = (moments.square() - moments.n * np.outer(self.mean, self.mean)) / (moments.n - 1)

    @cached_property
    def root(self) -> Array:
        """The symmetric square root of the covariance; eigenvalues that rounding made negative count as 0."""
        values, vectors = np.linalg.eigh(self.covariance)
        return np.asarray((vectors * np.sqrt(values.clip(min=0))) @ vectors.T)

    @property
    def rank(self) -> int:
        """Of the covariance, with the tolerance that is usual for matrices in double precision."""
        return int(np.linalg.matrix_rank(self.covariance, hermitian=True))


@dataclass(frozen=True)
class Frechet:
    """A Fréchet distance and its parts.

    Attributes:
        distance: the squared distance, >= 0.
        mean_term: the part that comes from the means.
        covariance_term: the part that comes from the covariances.
        clipped: how much of the spectrum was set to 0 because rounding had made it negative, as a share of the whole;
            of the order 1e-12 when all is well.
    """

    distance: float
    mean_term: float
    covariance_term: float
    clipped: float


def frechet(a: Gaussian, b: Gaussian) -> Frechet:
    """The squared Fréchet (2-Wasserstein) distance of two normal distributions.

    |m_a - m_b|^2 + tr(C_a + C_b - 2 (C_a C_b)^(1/2)). The trace of the root is the sum of the root eigenvalues of the
    symmetric matrix C_a^(1/2) C_b C_a^(1/2), which are real and, but for rounding, not negative; a general matrix root
    of C_a C_b can turn complex for covariances without full rank.

    Args:
        a: one distribution; its root is kept, so give the one that is used often first.
        b: the other, of the same dimension.

    Source: Dowson and Landau, "The Fréchet distance between multivariate normal distributions", 1982; as an audio
    measure Kilgour et al., "Fréchet Audio Distance", Interspeech 2019.
    """
    inner = a.root @ b.covariance @ a.root
    values = np.linalg.eigvalsh((inner + inner.T) / 2)
    positive = values.clip(min=0)
    mean_term = float(((a.mean - b.mean) ** 2).sum())
    covariance_term = float(np.trace(a.covariance) + np.trace(b.covariance) - 2 * np.sqrt(positive).sum())
    clipped = float((positive - values).sum() / max(float(positive.sum()), np.finfo(np.float64).tiny))
    return Frechet(max(mean_term + covariance_term, 0.0), mean_term, covariance_term, clipped)


@dataclass(frozen=True)
class Extrapolation:
    """A value extrapolated to infinitely many songs.

    Attributes:
        value: the intercept of the line.
        slope: its slope over 1/n.
        r2: the share of the variance the line explains, in [0, 1]; low: the extrapolation is not to be trusted.
        points: (number of songs, mean value) of each subset size.
    """

    value: float
    slope: float
    r2: float
    points: tuple[tuple[int, float], ...]


def extrapolate(
    value: Callable[[Sequence[int]], float], order: Sequence[int], *, sizes: int = 5, draws: int = 6
) -> Extrapolation | None:
    """Remove the bias that a value has because it rests on few songs, by a straight line over 1/n.

    Subsets of n/2 to n songs are drawn without replacement as windows of `order`, closed to a ring, with starts evenly
    spaced, so that every song is in about equally many of them. The same order with a song taken out gives subsets that
    differ by one song at most, so leave-one-out values differ by the song and not by the luck of the draw.

    Args:
        value: the value of a subset, given as song numbers.
        order: all song numbers in random order (draw it with a recorded seed).
        sizes: how many subset sizes at most, evenly spaced in 1/n.
        draws: how many subsets of each size at most.

    Returns:
        The extrapolation, or None with fewer than 3 songs.

    Source: Chong and Forsyth, "Effectively unbiased FID and Inception Score", CVPR 2020; for audio Gui et al.,
    "Adapting Fréchet Audio Distance for generative music evaluation", ICASSP 2024. They draw vectors; here songs are
    drawn, as the vectors of one song depend on each other.
    """
    n = len(order)
    if n < 3:
        return None
    wanted = sorted({max(2, round(1 / x)) for x in np.linspace(1 / n, 2 / n, sizes)})
    ring = [*order, *order]
    points = []
    for size in wanted:
        starts = [0] if size == n else [k * n // min(draws, n) for k in range(min(draws, n))]
        points.append((size, float(np.mean([value(ring[start : start + size]) for start in starts]))))
    return _line([(size, 1 / size, mean) for size, mean in points])


def partitions(order: Sequence[int], levels: int = 3) -> list[list[list[int]]]:
    """All songs in one part, in two parts, in three … of equal size.

    Args:
        order: all song numbers in random order (draw it with a recorded seed).
        levels: into how many parts at most.
    """
    return [[list(order[k * len(order) // level : (k + 1) * len(order) // level]) for k in range(level)]
            for level in range(1, levels + 1)]  # fmt: skip


def extrapolate_parts(
    value: Callable[[tuple[int, ...]], float], parts: Sequence[Sequence[Sequence[int]]], without: Collection[int] = ()
) -> Extrapolation:
    """What `extrapolate` does, from few subsets, for values that take long to compute.

    The subsets are the parts of `partitions`. Leaving songs of one prompt out changes one part of each partition as
    long as they lie in one; with a `value` that remembers what it was asked, leave-one-out costs one value per
    partition and prompt. Fewer subsets scatter more than the windows of `extrapolate` do.

    Args:
        value: the value of a subset, given as song numbers.
        parts: partitions of all songs, at least two.
        without: songs to leave out; a part they make up entirely is dropped.

    Source: as `extrapolate`.
    """
    points = []
    for partition in parts:
        left = [kept for part in partition if (kept := tuple(i for i in part if i not in without))]
        sizes = [len(part) for part in left]
        share = float(np.mean([1 / size for size in sizes]))
        points.append((round(float(np.mean(sizes))), share, float(np.mean([value(part) for part in left]))))
    return _line(points)


def _line(points: Sequence[tuple[int, float, float]]) -> Extrapolation:
    """The straight line through (size, mean of 1/size, value)."""
    x, y = np.array([share for _, share, _ in points]), np.array([found for *_, found in points])
    slope, intercept = np.polyfit(x, y, 1)
    left, spread = float(((y - intercept - slope * x) ** 2).sum()), float(((y - y.mean()) ** 2).sum())
    shown = tuple((size, found) for size, _, found in points)
    return Extrapolation(float(intercept), float(slope), 1 - left / spread if spread > 0 else 1.0, shown)


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
        kept = [i for i in range(len(self.x_counts)) if i not in set(songs)]
        return KernelSums(
            xx=self.xx[np.ix_(kept, kept)],
            yy=self.yy,
            xy=self.xy[kept],
            x_counts=self.x_counts[kept],
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


def _mean_of_pairs(sums: Array, counts: Array, across_songs: bool) -> float | None:
    """The mean kernel over pairs of different vectors, or of vectors of different songs."""
    n = float(counts.sum())
    if across_songs:
        total, pairs = float(sums.sum() - np.trace(sums)), n**2 - float((counts**2).sum())
    else:
        total, pairs = float(sums.sum()) - n, n * (n - 1)  # each vector's kernel with itself is 1
    return total / pairs if pairs > 0 else None
