import numpy as np
import pytest

from metrics.functional.extrapolation import extrapolate
from metrics.functional.frechet_distance import Gaussian, Moments, frechet, upper_triangle
from metrics.functional.kernel_distance import KernelSums, kernel_sums, median_distance


def exact(mean, covariance):
    """A normal distribution with exactly these parameters."""
    mean, covariance = np.asarray(mean, float), np.asarray(covariance, float)
    n = 10**6
    return Gaussian(Moments(n, n * mean, upper_triangle((n - 1) * covariance + n * np.outer(mean, mean))))


def vectors(n, d=8, seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, d)) @ rng.standard_normal((d, d)) + rng.standard_normal(d)


def test_frechet_of_a_unit_shift_is_the_dimension():
    for d in (1, 3, 200):
        result = frechet(exact(np.zeros(d), np.eye(d)), exact(np.ones(d), np.eye(d)))
        assert result.distance == pytest.approx(d, rel=1e-9)
        assert (result.mean_term, result.covariance_term) == (pytest.approx(d), pytest.approx(0, abs=1e-6))


def test_frechet_of_scaled_covariances():
    # (sqrt(4) - sqrt(9))^2 per dimension
    assert frechet(exact(np.zeros(5), 4 * np.eye(5)), exact(np.zeros(5), 9 * np.eye(5))).distance == pytest.approx(5)
    # without full rank: only the first dimension varies, (sqrt(2) - sqrt(8))^2
    flat = [np.diag([x, 0, 0]) for x in (2.0, 8.0)]
    assert frechet(exact(np.zeros(3), flat[0]), exact(np.zeros(3), flat[1])).distance == pytest.approx(2)


def test_frechet_of_covariances_that_do_not_commute():
    from scipy.linalg import sqrtm

    a, b = np.array([[2.0, 0.5], [0.5, 1.0]]), np.array([[1.0, -0.3], [-0.3, 3.0]])
    expected = np.trace(a + b - 2 * sqrtm(a @ b).real)
    assert frechet(exact([0, 0], a), exact([0, 0], b)).distance == pytest.approx(expected, rel=1e-9)


def test_frechet_is_symmetric_never_negative_and_0_for_equal_sets():
    for n in (3, 10, 300):  # with fewer vectors than dimensions too
        a, b = Gaussian(Moments.of(vectors(n, 30))), Gaussian(Moments.of(vectors(n, 30, seed=1)))
        assert frechet(a, b).distance == pytest.approx(frechet(b, a).distance, rel=1e-6)
        assert 0 <= frechet(a, a).distance < 1e-4
        assert frechet(a, b).clipped < 1e-10


def test_merged_moments_are_the_moments_of_all():
    x = vectors(50)
    parts = [Moments.of(part) for part in (x[:7], x[7:8], x[8:])]
    for order in ([0, 1, 2], [2, 0, 1]):
        merged = Gaussian(Moments.joined(parts[i] for i in order))
        np.testing.assert_allclose(merged.mean, x.mean(axis=0))
        np.testing.assert_allclose(merged.covariance, np.cov(x.T), rtol=1e-10, atol=1e-12)
    assert parts[0].n == 7, "joining must not change the parts"


def test_moments_refuse_what_has_no_covariance():
    with pytest.raises(ValueError, match="at least 2"):
        Gaussian(Moments.of(vectors(1)))
    with pytest.raises(ValueError, match="shape"):
        Moments.of(np.zeros(3))


def test_extrapolation_finds_the_limit_of_a_line_in_1_over_n():
    result = extrapolate(lambda numbers: 3 + 7 / len(numbers), list(range(20)))
    assert result is not None
    assert (result.value, result.slope, result.r2) == (pytest.approx(3), pytest.approx(7), pytest.approx(1))
    assert [size for size, _ in result.points] == [10, 11, 13, 16, 20]
    assert extrapolate(lambda numbers: 1.0, [0, 1]) is None


def test_extrapolation_uses_each_song_about_equally_often_and_no_song_twice():
    draws = []
    extrapolate(lambda numbers: float(len(set(numbers)) == len(numbers) and not draws.extend(numbers)), list(range(12)))
    assert np.ptp(np.bincount(draws)) <= 3


def test_extrapolation_removes_most_bias_of_a_small_frechet_distance():
    rng = np.random.default_rng(0)
    songs = [Moments.of(rng.standard_normal((20, 10))) for _ in range(30)]
    truth = exact(np.zeros(10), np.eye(10))

    def distance(numbers):
        return frechet(truth, Gaussian(Moments.joined(songs[i] for i in numbers))).distance

    result = extrapolate(distance, list(range(30)))
    assert distance(range(30)) > 0.03
    assert abs(result.value) < 0.015
    assert result.r2 > 0.9


def test_median_distance():
    assert median_distance(np.array([[0.0], [1.0], [3.0]])) == 2.0
    assert median_distance(np.zeros((5, 2))) == 0.0


def test_mmd_of_two_points_by_hand():
    x, y = [np.array([[0.0], [1.0]])], [np.array([[0.0], [2.0]])]
    near, far = np.exp(-0.5), np.exp(-2.0)  # kernels at distance 1 and 2 for width 1
    # within x: k(0, 1); within y: k(0, 2); across: k(0,0), k(0,2), k(1,0), k(1,2)
    expected = near + far - 2 * (1 + far + near + near) / 4
    assert KernelSums.of(x, y, 1.0).mmd2() == pytest.approx(expected)


def test_kernel_sums_do_not_depend_on_how_vectors_are_spread_over_songs():
    x, y = vectors(12), vectors(9, seed=1)
    undivided = KernelSums.of([x], [y], 2.0).mmd2()
    assert KernelSums.of([x[:5], x[5:6], x[6:]], [y[:4], y[4:]], 2.0).mmd2() == pytest.approx(undivided)
    direct = np.exp(-((x[:, None] - y) ** 2).sum(axis=2) / 8).sum()
    assert kernel_sums([x[:5], x[5:]], [y], 2.0).sum() == pytest.approx(direct)


def test_mmd_without_songs_is_that_of_the_remaining_songs():
    x, y = [vectors(4, seed=s) for s in range(4)], [vectors(5, seed=9), vectors(5, seed=10)]
    for across in (False, True):
        left = KernelSums.of(x, y, 3.0).without([1, 3]).mmd2(across_songs=across)
        assert left == pytest.approx(KernelSums.of([x[0], x[2]], y, 3.0).mmd2(across_songs=across))


def test_mmd_of_equal_distributions_is_0_on_average():
    rng = np.random.default_rng(0)

    def songs(n):  # half of the variance between songs
        return [rng.standard_normal(5) + rng.standard_normal((6, 5)) for _ in range(n)]

    draws = [KernelSums.of(songs(8), songs(8), 4.0) for _ in range(150)]
    across = np.array([sums.mmd2(across_songs=True) for sums in draws])
    assert abs(across.mean()) < 3 * across.std() / np.sqrt(len(across))
    plain = np.array([sums.mmd2() for sums in draws])
    assert plain.mean() > 10 * plain.std() / np.sqrt(len(plain)), "patches of one song are no independent samples"


def test_mmd_across_songs_needs_two_songs():
    assert KernelSums.of([vectors(4)], [vectors(4)], 1.0).mmd2(across_songs=True) is None


@pytest.mark.parametrize(("count", "plain", "extrapolated"), [(20, 51, 31), (40, 33, 17)])
def test_few_songs_inflate_the_distance_as_the_card_of_fad_says(count, plain, extrapolated):
    """Songs of 50 patches in 200 dimensions, half of the variance between songs, against their own distribution."""
    rng = np.random.default_rng(0)
    mixing = rng.standard_normal((200, 200)) / np.sqrt(200)
    truth = exact(np.zeros(200), mixing.T @ mixing)

    def song():
        return (np.sqrt(0.5) * (rng.standard_normal(200) + rng.standard_normal((50, 200)))) @ mixing

    songs = [Moments.of(song()) for _ in range(count)]

    def distance(numbers):
        return frechet(truth, Gaussian(Moments.joined(songs[i] for i in numbers))).distance

    assert distance(range(count)) == pytest.approx(plain, abs=4)
    assert extrapolate(distance, list(range(count))).value == pytest.approx(extrapolated, abs=4)
