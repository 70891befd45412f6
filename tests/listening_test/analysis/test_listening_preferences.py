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
            for n, (one, two) in enumerate((x, y) for i, x in enumerate(systems) for y in systems[i + 1 :]):
                first, second = (one, two) if (r + p + n) % 2 else (two, one)
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
    found = scale_of(rows)
    one = found.outcomes[0]
    assert (one.first_wins, one.second_wins, one.ties, one.both_bad, one.mean) == (2, 1, 1, 1, None)
    strengths = {s.system: s for s in found.strengths}
    assert strengths["a"].win_rate == pytest.approx(2.5 / 4) and strengths["b"].win_rate == pytest.approx(1.5 / 4)
    assert strengths["a"].both_bad == pytest.approx(0.2)
    assert (strengths["a"].n, strengths["a"].n_raters, strengths["a"].n_items) == (5, 2, 3)
    assert found.position.n == 3 and found.position.first_share == pytest.approx(2 / 3, abs=0.2)


@pytest.mark.parametrize("form", ["preference", "ccr"])
def test_clear_differences_are_found_and_ordered(form):
    found = scale_of(judged(form, raters=12, prompts=10), form)
    assert all(one.significant for one in found.outcomes) and found.connected
    order = sorted(found.strengths, key=lambda one: -one.strength)
    assert [one.system for one in order] == ["c", "b", "a"]
    assert [(one.rank, one.group) for one in order] == [((1, 1), "a"), ((2, 2), "b"), ((3, 3), "c")]
    assert sum(one.strength for one in found.strengths) == pytest.approx(0, abs=1e-9)
    assert all(one.low < one.strength < one.high for one in found.strengths)


def test_ccr_means_are_signed_for_the_first_and_strengths_average_over_opponents():
    rows = [
        comparison(f"r{r}", *((x, y) if (r + p) % 2 else (y, x)), f"p{p}", -v if (r + p) % 2 else v)
        for r in range(4)
        for p in range(4)
        for x, y, v in (("a", "b", 1), ("a", "c", 3), ("b", "c", 2))
    ]
    found = scale_of(rows, "ccr")
    assert {(o.first, o.second): o.mean for o in found.outcomes} == pytest.approx(
        {("a", "b"): 1.0, ("a", "c"): 3.0, ("b", "c"): 2.0}
    )
    # against both opponents: a (1 + 3) / 2, b (-1 + 2) / 2, c (-3 - 2) / 2
    assert [one.strength for one in found.strengths] == pytest.approx([2.0, 0.5, -2.5])


def test_a_favoured_slot_is_reported_and_does_not_move_the_systems():
    found = scale_of(judged(gap=0.0, slot=0.8, raters=12))
    assert found.position.low > 0.5
    assert not any(one.significant for one in found.outcomes)


def test_systems_that_nothing_links_have_no_strengths():
    rows = [
        comparison(f"r{r}", x, y, f"p{p}", (-1) ** (r + p))
        for r in range(3)
        for p in range(3)
        for x, y in (("a", "b"), ("c", "d"))
    ]
    found = scale_of(rows)
    assert not found.connected and all(one.strength is None and one.group == "" for one in found.strengths)
    assert len(found.outcomes) == 2 and "no strengths" in " ".join(found.notes)


def test_unanimity_of_few_is_not_certainty():
    rows = [comparison(f"r{r}", "a", "b", f"p{p}", -1) for r in range(3) for p in range(5)]
    one = scale_of(rows).outcomes[0]
    assert one.p == 0.25 and not one.significant
    ties = scale_of([{**row, **comparison(row["rater"], "a", "b", row["prompt"], 0)} for row in rows])
    assert ties.outcomes[0].p == 1.0 and ties.position.n == 0 and ties.position.first_share is None
    assert [one.strength for one in ties.strengths] == pytest.approx([0.0, 0.0])


def test_one_rater_one_prompt_and_a_silent_system():
    for rows in (judged(raters=1), judged(prompts=1)):
        found = scale_of(rows)
        assert all(one.low is None and one.strength is not None for one in found.strengths)
        assert all(math.isnan(one.p) for one in found.outcomes)
    found = scale_of(judged(), systems=("a", "b", "c", "silent"))
    assert found.strengths[-1].strength is None and "silent" in " ".join(found.notes)
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
    found = scale_of(rows)
    assert scale_of([rows[n] for n in np.random.default_rng(1).permutation(len(rows))]) == found
    swapped = [
        {
            **row,
            "first": {"a": "z"}.get(row["first"], row["first"]),
            "second": {"a": "z"}.get(row["second"], row["second"]),
        }
        for row in rows
    ]
    other = scale_of(swapped, systems=("z", "b", "c"))
    assert [one.strength for one in other.strengths] == pytest.approx([one.strength for one in found.strengths])
    assert [one.p for one in other.outcomes] == pytest.approx([one.p for one in found.outcomes])


PAIRS = [("a", "b"), ("a", "c"), ("b", "c")]


def test_raters_who_always_choose_one_side_say_nothing_about_systems_however_often_each_stood_there():
    rows = [
        comparison(f"r{r}", *(pair if i < 6 else pair[::-1]), f"p{i}", -1)
        for r in range(8)
        for pair in PAIRS
        for i in range(8)
    ]
    found = analyse(collected(rows, form="preference")).everyone[0]
    assert [(one.first_wins, one.second_wins) for one in found.outcomes] == [(48, 16)] * 3
    assert all(one.p == 1.0 and not one.significant for one in found.outcomes)
    assert all(one.low < 0 < one.high and one.rank == (1, 3) for one in found.strengths)


def test_ranks_follow_the_test_and_not_the_counts_of_a_busy_rater():
    busy = [
        comparison("r0", *sides, f"p{i}", -1 if sides[0] == "a" else 1)
        for i in range(20)
        for sides in (("a", "b"), ("b", "a"))
    ]
    others = [
        comparison(f"r{r}", *sides, f"p{(r + n) % 20}", 1 if sides[0] == "a" else -1)
        for r in range(1, 19)
        for n, sides in enumerate((("a", "b"), ("b", "a")))
    ]
    found = analyse(collected([*busy, *others], form="preference")).everyone[0]
    one, ranks = found.outcomes[0], {one.system: one.rank for one in found.strengths}
    assert one.first_wins > one.second_wins and one.significant
    assert ranks == {"b": (1, 1), "a": (2, 2)}


def test_unanimous_answers_do_not_make_a_strength_certain():
    rows = [
        comparison(f"r{r}", *(pair if (r + i) % 2 else pair[::-1]), f"p{i}", -1 if (r + i) % 2 else 1)
        for r in range(8)
        for i in range(8)
        for pair in PAIRS
    ]
    found = {one.system: one for one in analyse(collected(rows, form="preference")).everyone[0].strengths}
    assert found["b"].strength == pytest.approx(0.0, abs=1e-6)
    assert found["b"].low < -0.5 and found["b"].high > 0.5  # it met strength and weakness, each every time
    assert found["a"].high - found["a"].low > 3.0


def test_comparisons_that_never_vary_have_no_interval_and_a_note():
    rows = [comparison(f"r{r}", *pair, f"p{i}", 0) for r in range(6) for i in range(6) for pair in PAIRS]
    found = analyse(collected(rows, form="ccr")).everyone[0]
    assert all((one.strength, one.low, one.high) == (0.0, None, None) for one in found.strengths)
    assert "no certainty" in " ".join(found.notes)


def test_one_rater_who_compares_gives_strengths_without_intervals_and_a_note():
    rows = [comparison("r0", *pair, f"p{i}", (-1, 0, 1)[i % 3]) for i in range(6) for pair in PAIRS]
    found = analyse(collected(rows, form="preference")).everyone[0]
    assert all(one.strength is not None and one.low is None for one in found.strengths)
    assert "With one rater" in " ".join(found.notes)


def test_where_each_rater_had_one_order_the_slot_is_part_of_how_raters_differ():
    """Both find slot A better by two or three points; whether they would in the other order, nothing says."""
    rows = [comparison(f"r{r}", *("ab" if r else "ba"), f"p{i}", -2 - (r + i) % 2) for r in range(2) for i in range(8)]
    one = analyse(collected(rows, form="ccr")).everyone[0].outcomes[0]
    assert one.low < one.mean < one.high and 0 < one.p <= 1
    assert one.high - one.low > 10.0
