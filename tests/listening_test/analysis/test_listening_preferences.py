"""Pairs: tests of pairs, strengths, positions."""

import math

import numpy as np
import pytest
from answered import collected, comparison

from listening_test.analysis.analyse import analyse


def scale_of(rows, form="preference", **more):
    return analyse(collected(rows, form, **more)).everyone[0]


def judged(form="preference", raters=8, prompts=6, gap=1.0, systems=("a", "b", "c"), seed=0, slot=0.0):
    """Each rater hears each pair on each prompt, sides in turn; later systems are better by `gap`."""
    rng, rows = np.random.default_rng(seed), []
    for r in range(raters):
        for p in range(prompts):
            for n, (system, opponent) in enumerate((x, y) for i, x in enumerate(systems) for y in systems[i + 1 :]):
                first, second = (system, opponent) if (r + p + n) % 2 else (opponent, system)
                ahead = gap * (systems.index(second) - systems.index(first)) + rng.normal(0, 1.2) - slot
                value = np.clip(round(ahead), -3, 3) if form == "ccr" else 0 if abs(ahead) < 0.3 else np.sign(ahead)
                rows.append(comparison(f"r{r}", first, second, f"p{p}", int(value), page=n))
    return rows


def test_outcomes_are_counted_wherever_the_systems_stood():
    rows = [
        comparison("r1", "a", "b", "p1", -1),
        comparison("r1", "b", "a", "p2", 1),
        comparison("r2", "b", "a", "p1", -1),
        comparison("r2", "a", "b", "p2", 0),
        comparison("r2", "a", "b", "p3", None),
    ]
    result = scale_of(rows)
    outcome = result.outcomes[0]
    assert (outcome.first_wins, outcome.second_wins, outcome.ties, outcome.both_bad, outcome.mean) == (2, 1, 1, 1, None)
    strengths = {s.system: s for s in result.strengths}
    assert strengths["a"].win_rate == pytest.approx(2.5 / 4) and strengths["b"].win_rate == pytest.approx(1.5 / 4)
    assert strengths["a"].both_bad == pytest.approx(0.2)
    assert (strengths["a"].n, strengths["a"].n_raters, strengths["a"].n_items) == (5, 2, 3)
    assert result.position.n == 3 and result.position.first_share == pytest.approx(2 / 3, abs=0.2)


@pytest.mark.parametrize("form", ["preference", "ccr"])
def test_clear_differences_are_found_and_ordered(form):
    result = scale_of(judged(form, raters=12, prompts=10), form)
    assert all(outcome.significant for outcome in result.outcomes) and result.connected
    order = sorted(result.strengths, key=lambda estimate: -estimate.strength)
    assert [estimate.system for estimate in order] == ["c", "b", "a"]
    assert [(estimate.rank, estimate.group) for estimate in order] == [((1, 1), "a"), ((2, 2), "b"), ((3, 3), "c")]
    assert sum(estimate.strength for estimate in result.strengths) == pytest.approx(0, abs=1e-9)
    assert all(estimate.low < estimate.strength < estimate.high for estimate in result.strengths)


def test_ccr_means_are_signed_for_the_first_and_strengths_average_over_opponents():
    rows = [
        comparison(f"r{r}", *((x, y) if (r + p) % 2 else (y, x)), f"p{p}", -v if (r + p) % 2 else v)
        for r in range(4)
        for p in range(4)
        for x, y, v in (("a", "b", 1), ("a", "c", 3), ("b", "c", 2))
    ]
    result = scale_of(rows, "ccr")
    assert {(o.first, o.second): o.mean for o in result.outcomes} == pytest.approx(
        {("a", "b"): 1.0, ("a", "c"): 3.0, ("b", "c"): 2.0}
    )
    # against both opponents: a (1 + 3) / 2, b (-1 + 2) / 2, c (-3 - 2) / 2
    assert [estimate.strength for estimate in result.strengths] == pytest.approx([2.0, 0.5, -2.5])


def test_a_favoured_slot_is_reported_and_does_not_move_the_systems():
    result = scale_of(judged(gap=0.0, slot=0.8, raters=12))
    assert result.position.low > 0.5
    assert not any(outcome.significant for outcome in result.outcomes)


def test_systems_that_nothing_links_have_no_strengths():
    rows = [
        comparison(f"r{r}", x, y, f"p{p}", (-1) ** (r + p))
        for r in range(3)
        for p in range(3)
        for x, y in (("a", "b"), ("c", "d"))
    ]
    result = scale_of(rows)
    assert not result.connected and all(
        estimate.strength is None and estimate.group == "" for estimate in result.strengths
    )
    assert len(result.outcomes) == 2 and "no strengths" in " ".join(result.notes)


def test_unanimity_of_few_is_not_certainty():
    rows = [comparison(f"r{r}", "a", "b", f"p{p}", -1) for r in range(3) for p in range(5)]
    outcome = scale_of(rows).outcomes[0]
    assert outcome.p == 0.25 and not outcome.significant
    ties = scale_of([{**row, **comparison(row["rater"], "a", "b", row["prompt"], 0)} for row in rows])
    assert ties.outcomes[0].p == 1.0 and ties.position.n == 0 and ties.position.first_share is None
    assert [estimate.strength for estimate in ties.strengths] == pytest.approx([0.0, 0.0])


def test_one_rater_one_prompt_and_a_silent_system():
    for rows in (judged(raters=1), judged(prompts=1)):
        result = scale_of(rows)
        assert all(estimate.low is None and estimate.strength is not None for estimate in result.strengths)
        assert all(math.isnan(outcome.p) for outcome in result.outcomes)
    result = scale_of(judged(), systems=("a", "b", "c", "silent"))
    assert result.strengths[-1].strength is None and "silent" in " ".join(result.notes)
    both_bad = scale_of([comparison("r", "a", "b", "p", None)])
    assert both_bad.strengths[0].both_bad == 1.0 and both_bad.strengths[0].win_rate is None


def test_anchors_get_a_strength_of_their_own():
    rows = judged()
    low = [
        comparison(
            f"r{r}",
            *(("a", "lowpass-3500") if r % 2 else ("lowpass-3500", "a")),
            "p0",
            -1 if r % 2 else 1,
            kind="anchor",
        )
        for r in range(8)
    ]
    with_anchor, without = scale_of([*rows, *low], systems=("a", "b", "c")), scale_of(rows)
    anchor = with_anchor.strengths[-1]
    assert (
        anchor.system == "lowpass-3500"
        and not anchor.competitor
        and anchor.strength < with_anchor.strengths[0].strength
    )
    assert with_anchor.strengths[:3] == without.strengths
    assert math.isnan(with_anchor.outcomes[-1].p) and with_anchor.outcomes[-1].first_wins == 8


def test_row_order_and_names_do_not_matter():
    rows = judged()
    result = scale_of(rows)
    assert scale_of([rows[n] for n in np.random.default_rng(1).permutation(len(rows))]) == result
    swapped = [
        {
            **row,
            "first": {"a": "z"}.get(row["first"], row["first"]),
            "second": {"a": "z"}.get(row["second"], row["second"]),
        }
        for row in rows
    ]
    swapped_result = scale_of(swapped, systems=("z", "b", "c"))
    assert [estimate.strength for estimate in swapped_result.strengths] == pytest.approx(
        [estimate.strength for estimate in result.strengths]
    )
    assert [outcome.p for outcome in swapped_result.outcomes] == pytest.approx(
        [outcome.p for outcome in result.outcomes]
    )


PAIRS = [("a", "b"), ("a", "c"), ("b", "c")]


def test_raters_who_always_choose_one_side_say_nothing_about_systems_however_often_each_stood_there():
    rows = [
        comparison(f"r{r}", *(pair if i < 6 else pair[::-1]), f"p{i}", -1)
        for r in range(8)
        for pair in PAIRS
        for i in range(8)
    ]
    result = analyse(collected(rows, form="preference")).everyone[0]
    assert [(outcome.first_wins, outcome.second_wins) for outcome in result.outcomes] == [(48, 16)] * 3
    assert all(outcome.p == 1.0 and not outcome.significant for outcome in result.outcomes)
    assert all(estimate.low < 0 < estimate.high and estimate.rank == (1, 3) for estimate in result.strengths)


def test_ranks_follow_the_test_and_not_the_counts_of_a_busy_rater():
    busy = [
        comparison("r0", *sides, f"p{i}", -1 if sides[0] == "a" else 1)
        for i in range(20)
        for sides in (("a", "b"), ("b", "a"))
    ]
    majority = [
        comparison(f"r{r}", *sides, f"p{(r + n) % 20}", 1 if sides[0] == "a" else -1)
        for r in range(1, 19)
        for n, sides in enumerate((("a", "b"), ("b", "a")))
    ]
    result = analyse(collected([*busy, *majority], form="preference")).everyone[0]
    outcome, ranks = result.outcomes[0], {estimate.system: estimate.rank for estimate in result.strengths}
    assert outcome.first_wins > outcome.second_wins and outcome.significant
    assert ranks == {"b": (1, 1), "a": (2, 2)}


def test_unanimous_answers_do_not_make_a_strength_certain():
    rows = [
        comparison(f"r{r}", *(pair if (r + i) % 2 else pair[::-1]), f"p{i}", -1 if (r + i) % 2 else 1)
        for r in range(8)
        for i in range(8)
        for pair in PAIRS
    ]
    estimates = {
        estimate.system: estimate for estimate in analyse(collected(rows, form="preference")).everyone[0].strengths
    }
    assert estimates["b"].strength == pytest.approx(0.0, abs=1e-6)
    assert estimates["b"].low < -0.5 and estimates["b"].high > 0.5  # it met strength and weakness, each every time
    assert estimates["a"].high - estimates["a"].low > 3.0


def test_comparisons_that_never_vary_have_no_interval_and_a_note():
    rows = [comparison(f"r{r}", *pair, f"p{i}", 0) for r in range(6) for i in range(6) for pair in PAIRS]
    result = analyse(collected(rows, form="ccr")).everyone[0]
    assert all((estimate.strength, estimate.low, estimate.high) == (0.0, None, None) for estimate in result.strengths)
    assert "no certainty" in " ".join(result.notes)


def test_one_rater_who_compares_gives_strengths_without_intervals_and_a_note():
    rows = [comparison("r0", *pair, f"p{i}", (-1, 0, 1)[i % 3]) for i in range(6) for pair in PAIRS]
    result = analyse(collected(rows, form="preference")).everyone[0]
    assert all(estimate.strength is not None and estimate.low is None for estimate in result.strengths)
    assert "With one rater" in " ".join(result.notes)


def test_where_each_rater_had_one_order_the_slot_is_part_of_how_raters_differ():
    """Both find slot A better by two or three points; whether they would in the other order, nothing says."""
    rows = [comparison(f"r{r}", *("ab" if r else "ba"), f"p{i}", -2 - (r + i) % 2) for r in range(2) for i in range(8)]
    outcome = analyse(collected(rows, form="ccr")).everyone[0].outcomes[0]
    assert outcome.low < outcome.mean < outcome.high and 0 < outcome.p <= 1
    assert outcome.high - outcome.low > 10.0
