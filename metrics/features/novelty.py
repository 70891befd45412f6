"""Self-similarity and novelty: where a song changes, as pure functions on features over time."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


def self_similarity(features: npt.NDArray[np.floating]) -> Array:
    """How alike any two moments are.

    Args:
        features: shape (n, d), in units that make Euclidean distance meaningful.

    Returns:
        Shape (n, n), in (0, 1]: a Gaussian of the distance, as wide as the median distance of different moments; all 1
        when nothing ever changes.
    """
    from scipy.spatial.distance import pdist, squareform

    distances = pdist(np.asarray(features, np.float64))
    width = float(np.median(distances)) if len(distances) else 0.0
    if width == 0.0:
        width = float(distances.max(initial=0.0)) or 1.0
    similarity: Array = np.exp(-((squareform(distances) / width) ** 2))
    return similarity


def novelty(similarity: Array, half: int) -> Array:
    """Foote's novelty: how much the past `half` moments and the next differ while each is like itself.

    A checkerboard kernel with Gaussian taper slides along the diagonal. Beyond both ends the matrix is continued by its
    edge values, so that the start and the end of the audio are not novel in themselves.

    Args:
        similarity: shape (n, n).
        half: half the kernel's width in moments, >= 1.

    Returns:
        Shape (n + 1,): entry i is the novelty of a boundary before moment i; at most 1, 0 where nothing changes.

    Source: Foote, "Automatic audio segmentation using a measure of audio novelty", ICME 2000.
    """
    offsets = np.arange(-half, half) + 0.5
    taper = np.exp(-2 * (offsets / half) ** 2)
    kernel = np.outer(np.sign(offsets) * taper, np.sign(offsets) * taper)
    kernel /= np.abs(kernel).sum() / 2
    padded = np.pad(similarity, half, mode="edge")
    views = np.lib.stride_tricks.sliding_window_view(padded, (2 * half, 2 * half))
    curve: Array = np.einsum("iijk,jk->i", views, kernel)
    return curve


def pick_boundaries(curve: Array, gap: int, threshold: float) -> list[int]:
    """The highest peaks of a novelty curve that are far enough apart.

    Args:
        curve: shape (n + 1,), as `novelty` gives it.
        gap: the least distance between boundaries, and from both ends.
        threshold: peaks must exceed this.

    Returns:
        Sorted positions in 0 < i < n.
    """
    peaks: list[int] = []
    last = len(curve) - 1
    for place in np.argsort(-curve, kind="stable"):
        if curve[place] <= threshold:
            break
        if not gap <= place <= last - gap or curve[place] < curve[place - 1 : place + 2].max():
            continue
        if all(abs(place - peak) >= gap for peak in peaks):
            peaks.append(int(place))
    return sorted(peaks)


def best_diagonal(a: npt.NDArray[np.floating], b: npt.NDArray[np.floating], overlap: float = 0.6) -> float:
    """How well one passage repeats another: the best mean similarity at any shift in time.

    Args:
        a: unit vectors of one passage, shape (m, d).
        b: of the other, shape (n, d).
        overlap: the share of the shorter passage that has to be covered.

    Returns:
        The highest mean cosine along a diagonal, in [-1, 1].
    """
    products = a @ b.T
    need = max(1, int(np.ceil(overlap * min(products.shape))))
    shifts = range(-len(a) + need, len(b) - need + 1)
    return max(float(np.diagonal(products, shift).mean()) for shift in shifts)
