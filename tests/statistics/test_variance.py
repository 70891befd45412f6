"""The parts of the variance, against an analysis of variance by hand and simulation."""

import numpy as np
import pytest

from songbench.statistics import Takes, VarianceParts, variance_parts


def scores(rng, prompt, residual, take, systems=3, prompts=8, takes=3, absent=0.0):
    """Of each system: a table of the model, some of whose takes are absent."""
    shared = rng.normal(0, prompt, prompts)
    table = shared[None, :, None] + rng.normal(0, residual, (systems, prompts, 1))
    table = table + rng.normal(0, take, (systems, prompts, takes)) + 5 * np.arange(systems)[:, None, None]
    present = rng.random(table.shape) >= absent
    present[:, :, 0] = True
    names = np.broadcast_to(np.arange(prompts)[:, None], (prompts, takes))
    return {
        str(system): Takes.of([str(name) for name in names[present[system]]], table[system][present[system]])
        for system in range(systems)
    }


def test_by_hand():
    first = Takes.of(["a", "a", "b", "b"], [1.0, 3.0, 5.0, 7.0])
    second = Takes.of(["a", "a", "b", "b"], [2.0, 2.0, 10.0, 10.0])
    parts = variance_parts({"first": first, "second": second})
    # within cells (2 + 2 + 0 + 0) / 4; means 2 6 / 2 10: residuals 1, so 4 / 1; prompts 2 * var(2, 8)
    assert parts == VarianceParts(prompt=(36 - 4) / 2, take=1.0, residual=4 - 1 / 2, systems=2, prompts=2)
    assert parts.shares()["prompt"] == pytest.approx(16 / 20.5)
    assert parts.error_ratio(2, more_takes=2) == pytest.approx(np.sqrt((3.5 + 1 / 4) / (3.5 + 1 / 2)))
    assert parts.error_ratio(2, more_prompts=4) == pytest.approx(0.5)


@pytest.mark.parametrize("absent", [0.0, 0.4])
def test_the_estimates_are_unbiased_also_where_takes_are_missing(absent):
    rng = np.random.default_rng(11)
    means = np.mean([variance_parts(scores(rng, 2.0, 1.0, 1.5, absent=absent))[:3] for _ in range(250)], axis=0)
    assert means == pytest.approx([4.0, 2.25, 1.0], rel=0.15)


def test_a_part_that_is_not_there_is_as_often_below_0_as_above():
    rng = np.random.default_rng(2)
    residuals = [variance_parts(scores(rng, 1.0, 0.0, 1.0)).residual for _ in range(100)]
    assert 25 < sum(residual < 0 for residual in residuals) < 75
    assert np.mean(residuals) == pytest.approx(0, abs=0.05)
    below = VarianceParts(prompt=1.0, take=1.0, residual=-0.5, systems=2, prompts=9)
    assert below.shares() == {"prompt": 0.5, "take": 0.5, "residual": 0.0}


def test_with_a_single_system_two_parts_can_be_told_apart():
    parts = variance_parts({"only": scores(np.random.default_rng(1), 2.0, 1.0, 0.5, prompts=400)["0"]})
    assert parts.residual is None and parts.error_ratio(3, more_takes=2) is None
    assert parts.prompt == pytest.approx(5.0, rel=0.25) and parts.take == pytest.approx(0.25, rel=0.25)


def test_without_second_takes_or_common_prompts_nothing_is_said():
    assert variance_parts({}) is None
    assert variance_parts({"a": Takes.of(["p", "q"], [1.0, 2.0])}) is None
    assert variance_parts({"a": Takes.of(["p", "p"], [1.0, 2.0]), "b": Takes.of(["q", "q"], [1.0, 2.0])}) is None
    constant = variance_parts({"a": Takes.of(["p", "p", "q", "q"], [1.0] * 4)})
    assert constant.shares() == {} and constant.error_ratio(2, more_takes=2) is None


def plainly(scores):
    """The same one prompt after the other."""
    tables = []
    for takes in scores.values():
        prompts = list(dict.fromkeys(takes.prompts.tolist()))
        tables.append({prompt: takes.values[takes.prompts == prompt] for prompt in prompts})
    common = sorted(set.intersection(*map(set, tables)))
    freedom = sum(len(values) - 1 for table in tables for values in table.values())
    if freedom < 1 or len(common) < 2:
        return None
    take = sum(float(np.sum((values - values.mean()) ** 2)) for table in tables for values in table.values()) / freedom
    means = np.array([[table[prompt].mean() for prompt in common] for table in tables])
    of_takes = take * float(np.mean([1 / len(table[prompt]) for table in tables for prompt in common]))
    systems, prompts = means.shape
    between = systems * float(np.var(means.mean(axis=0), ddof=1))
    if systems == 1:
        return between - of_takes, take, None, systems, prompts
    rest = means - means.mean(axis=0) - means.mean(axis=1, keepdims=True) + means.mean()
    within = float(np.sum(rest**2)) / ((systems - 1) * (prompts - 1))
    return (between - within) / systems, take, within - of_takes, systems, prompts


@pytest.mark.parametrize("most_takes", [1, 3, 30])
def test_all_prompts_at_once_are_to_the_bit_what_one_after_the_other_are(most_takes):
    rng = np.random.default_rng(most_takes)
    for _ in range(40):
        systems = {}
        for system in range(rng.integers(1, 5)):
            prompts = rng.choice(12, rng.integers(2, 9), replace=False)
            names = [f"p{prompt}" for prompt in prompts for _ in range(rng.integers(1, most_takes + 1))]
            systems[str(system)] = Takes.of(names, rng.normal(size=len(names)))
        assert variance_parts(systems) == plainly(systems)
