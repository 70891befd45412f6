"""Which tokens are hidden in training, and how that changes over time."""

import pytest
import torch

from songbench.domain.errors import InputError
from systems.ladaband.training.masking import (
    Curriculum,
    MaskingConfig,
    Milestone,
    ShareSequence,
    draw_mask,
    share_of,
)


def generator():
    return torch.Generator().manual_seed(3)


def runs(row):
    """How many spans a row of a mask has."""
    padded = torch.cat([torch.zeros(1, dtype=torch.bool), row])
    return int((padded[1:] & ~padded[:-1]).sum())


def test_shares_fall_from_all_to_none():
    shares = share_of(torch.tensor([0.0, 0.5, 1.0]))
    assert shares.tolist() == pytest.approx([1.0, 0.70710678, 0.0], abs=1e-6)
    shares = share_of(ShareSequence().draw(1024))
    assert float(shares.mean()) == pytest.approx(2 / torch.pi, abs=1e-3)


def test_independent_draws_follow_the_share_and_leave_the_end_alone():
    valid = torch.arange(4000).expand(2, -1) < torch.tensor([[4000], [3000]])
    mask = draw_mask(torch.tensor([0.25, 0.9]), valid, MaskingConfig(), generator())
    assert not (mask & ~valid).any()
    assert mask.sum(dim=1).tolist() == pytest.approx([1000, 2700], rel=0.05)


@pytest.mark.parametrize("strategy", ["exact_random", "span", "mixed"])
def test_exact_numbers_are_at_least_one(strategy):
    config = MaskingConfig(strategy=strategy)
    valid = torch.ones(3, 20, dtype=torch.bool)
    mask = draw_mask(torch.tensor([1e-10, 0.5, 1.0]), valid, config, generator())
    assert mask.sum(dim=1).tolist() == [1, 10, 20]
    empty = draw_mask(torch.tensor([0.5]), torch.zeros(1, 20, dtype=torch.bool), config, generator())
    assert not empty.any()


def test_spans_are_few_and_may_touch():
    config = MaskingConfig(strategy="span", fewest_spans=2, most_spans=4)
    valid = torch.ones(200, 300, dtype=torch.bool)
    mask = draw_mask(torch.full((200,), 0.2), valid, config, generator())
    numbers = [runs(row) for row in mask]
    assert set(mask.sum(dim=1).tolist()) == {60}
    assert max(numbers) == 4
    assert set(numbers) >= {2, 3, 4}


def test_mixed_songs_are_some_in_spans_and_some_not():
    valid = torch.ones(60, 100, dtype=torch.bool)
    mask = draw_mask(torch.full((60,), 0.5), valid, MaskingConfig(strategy="mixed"), generator())
    in_spans = sum(runs(row) <= 3 for row in mask)
    assert 15 < in_spans < 45


def test_the_same_generator_hides_the_same_tokens():
    valid = torch.ones(4, 50, dtype=torch.bool)
    first, second = (
        draw_mask(torch.full((4,), 0.5), valid, MaskingConfig(strategy="mixed"), generator()) for _ in range(2)
    )
    assert torch.equal(first, second)


def test_later_milestones_are_laid_over_earlier_ones():
    curriculum = Curriculum(
        MaskingConfig(most_spans=2),
        (Milestone(200, {"least": 0.5}), Milestone(100, {"strategy": "span", "least": 0.15})),
    )
    assert curriculum.at(99) == MaskingConfig(most_spans=2)
    assert curriculum.at(100) == MaskingConfig(strategy="span", least=0.15, most_spans=2)
    assert curriculum.at(1000) == MaskingConfig(strategy="span", least=0.5, most_spans=2)


@pytest.mark.parametrize(
    "changes",
    [{"strategy": "spans"}, {"least": 0.9, "most": 0.1}, {"span_chance": 2.0}, {"fewest_spans": 4}],
)
def test_impossible_masking_is_refused(changes):
    with pytest.raises(InputError):
        MaskingConfig(**changes)
    with pytest.raises(InputError):
        Curriculum(milestones=(Milestone(10, changes),))


def test_a_misspelt_milestone_is_refused_before_training():
    with pytest.raises(InputError, match="Did you mean 'most_spans'"):
        Curriculum(milestones=(Milestone(10, {"most_span": 4}),))
