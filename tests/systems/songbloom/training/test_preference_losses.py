"""The terms of preference training on numbers small enough to reckon by hand."""

import math

import pytest
import torch

from songbench.domain.errors import InputError
from systems.songbloom.training.preference.losses import SongEvidence, preference_losses
from systems.songbloom.training.preference.objective import PreferenceObjective

TIMES = (0.5, 0.2, 0.8, 0.5, 0.2)


def evidence(log_probabilities, errors, targets=(49, 33)):
    """Of a winner of three patches and a loser of two."""
    return SongEvidence(
        log_probabilities=torch.tensor(log_probabilities),
        targets=torch.tensor(targets),
        patch_errors=torch.tensor(errors),
        times=torch.tensor(TIMES),
        patches=torch.tensor([3, 2]),
    )


POLICY = evidence((-90.0, -70.0), (1.0, 2.0, 3.0, 2.0, 4.0))
REFERENCE = evidence((-98.0, -66.0), (1.5, 2.5, 3.5, 1.0, 4.0))


def terms(**settings):
    return preference_losses(POLICY, REFERENCE, PreferenceObjective(**settings))


def surprise(margin):
    return math.log(1 + math.exp(-margin))


def test_tokens_by_sums_and_by_means():
    assert terms().token.item() == pytest.approx(surprise(0.1 * (8 + 4)))
    assert terms(token_beta=0.2).token_margin.item() == pytest.approx(0.2 * 12)
    assert terms(token_scale="mean").token.item() == pytest.approx(surprise(8 / 49 + 4 / 33))
    assert (terms().token_win.item(), terms().token_lose.item()) == pytest.approx((0.8, -0.4))


def test_velocities_of_songs_of_unlike_length():
    assert terms(flow_beta=2).flow_margin.item() == pytest.approx(0.5 + 0.5)
    assert terms(flow_beta=2, flow_patches="common").flow_margin.item() == pytest.approx(0.5 + 0.5)
    early = {"policy": (0.0, 0.0, 9.0, 0.0, 0.0), "reference": (0.0, 0.0, 0.0, 0.0, 0.0)}
    outputs = [evidence((0.0, 0.0), errors) for errors in early.values()]
    last = preference_losses(*outputs, PreferenceObjective(flow_beta=2)).flow_margin
    assert last.item() == pytest.approx(-3)  # the winner's third patch counts unless only common ones do
    common = PreferenceObjective(flow_beta=2, flow_patches="common")
    assert preference_losses(*outputs, common).flow_margin.item() == 0


def test_a_beta_that_falls_with_time_weighs_each_patch():
    win = sum(0.5 * (1 - time) ** 2 for time in TIMES[:3]) / 3
    lose = (1.0 * (1 - TIMES[3]) ** 2) / 2
    assert terms(flow_beta=2, flow_schedule="quadratic").flow_margin.item() == pytest.approx(win + lose)


def test_the_total_and_the_winners_cross_entropy():
    pair = terms(flow_weight=0.3, sft_weight=0.5)
    assert pair.sft.item() == pytest.approx(90 / 49)
    assert pair.total.item() == pytest.approx(pair.token.item() + 0.3 * pair.flow.item() + 0.5 * 90 / 49)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"token_scale": "product"}, r"no token_scale 'product'.*Allowed: sum, mean"),
        ({"flow_beta": 0}, "beta is above 0"),
        ({"token_beta": float("inf")}, "beta is above 0"),
        ({"sft_weight": -1}, "weight is 0 or more"),
        ({"time_sampler": "dice"}, "no time_sampler 'dice'"),
    ],
)
def test_settings_that_cannot_be(settings, message):
    with pytest.raises(InputError, match=message):
        PreferenceObjective(**settings)


def test_songs_that_are_no_pairs():
    alone = SongEvidence(
        log_probabilities=torch.zeros(1),
        targets=torch.ones(1),
        patch_errors=torch.zeros(1),
        times=torch.zeros(1),
        patches=torch.ones(1, dtype=torch.int64),
    )
    with pytest.raises(ValueError, match="1 songs are no pairs"):
        preference_losses(alone, alone, PreferenceObjective())
