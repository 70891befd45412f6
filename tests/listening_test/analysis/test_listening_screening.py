"""Who is left out, and why; a rule without data judges nobody."""

import numpy as np
import pytest
from answered import collected, comparison, rating

from listening_test.analysis.analyse import analyse
from listening_test.analysis.screening import screen


def screening_by_rater(data):
    return {screening.rater: screening for screening in screen(data)}


def check(rater, correct, kind="trap"):
    return {"rater": rater, "check": kind, "page": 0, "expected": "2", "given": "2", "correct": correct}


def songs(raters=8, prompts=12, seed=0):
    """Attentive raters who hear the same songs: two systems far apart."""
    rng = np.random.default_rng(seed)
    luck = rng.normal(0, 0.6, (prompts, 2))
    return [
        rating(f"r{r}", s, f"p{p}", int(np.clip(round(2.3 + 1.4 * n + luck[p, n] + rng.normal(0, 0.7)), 1, 5)))
        for r in range(raters)
        for p in range(prompts)
        for n, s in enumerate("ab")
    ]


def changed(rows, rater, change):
    return [{**row, "value": float(change(row, n))} if row["rater"] == rater else row for n, row in enumerate(rows)]


def test_attentive_raters_stay_and_their_figures_are_told():
    screenings = screening_by_rater(collected(songs(), checks=[check(f"r{n}", True) for n in range(8)]))
    assert all(screening.included and not screening.reasons for screening in screenings.values())
    assert screenings["r0"].figures["traps_wrong"] == 0 and screenings["r0"].figures["agreement"] > 0.5
    assert "anchor_violations" not in screenings["r0"].figures and "side_bias" not in screenings["r0"].figures


def test_a_wrong_trap_and_the_headphone_check():
    checks = [check("r0", True), check("r1", False), check("r1", True)]
    checks += [check("r2", n < 3, "headphones") for n in range(6)]
    screenings = screening_by_rater(collected(songs(), checks=checks, screening={"headphones_correct": 5}))
    assert screenings["r1"].reasons == ("traps wrong: 1 (at most 0)",)
    assert screenings["r2"].reasons == ("headphone check right: 3 (at least 5)",)
    assert screenings["r0"].included and screenings["r3"].included  # no data, no verdict
    assert screening_by_rater(collected(songs(), checks=checks, screening={"traps_wrong": 1}))["r1"].included


def test_straight_liners_and_inverted_scales_are_found():
    rows = changed(songs(), "r0", lambda row, n: 3)
    rows = changed(rows, "r1", lambda row, n: 6 - row["value"])
    screenings = screening_by_rater(collected(rows))
    assert "hardly vary" in screenings["r0"].reasons[0]
    assert "agreement" in screenings["r1"].reasons[0] and screenings["r1"].figures["agreement"] < 0
    assert sum(screening.included for screening in screenings.values()) == 6


def test_agreement_needs_six_raters_and_a_clear_distance():
    rows = changed(songs(raters=5), "r1", lambda row, n: 6 - row["value"])
    assert all("agreement" not in screening.figures for screening in screening_by_rater(collected(rows)).values())
    noise = np.random.default_rng(0)
    everyone = [{**row, "value": float(noise.integers(1, 6))} for row in songs()]
    screenings = screening_by_rater(collected(everyone))  # nobody agrees with anybody: nobody stands out
    assert sum(screening.included for screening in screenings.values()) >= 7


def test_anchors_count_from_two_on():
    def with_anchors(values):
        low = [rating("r0", "low", f"p{n}", v, role="anchor", kind="anchor") for n, v in enumerate(values)]
        return screening_by_rater(collected([*songs(), *low], systems=("a", "b"), screening={"agreement": None}))["r0"]

    assert with_anchors([5]).included and "anchor_violations" not in with_anchors([5]).figures
    assert with_anchors([5, 1]).included
    assert not with_anchors([5, 5, 1]).included


def test_anchors_that_may_be_good_accuse_nobody():
    high = [rating("r0", "reference-song", f"p{n}", 5, role="anchor", kind="anchor") for n in range(4)]
    screening = screening_by_rater(collected([*songs(), *high], systems=("a", "b")))["r0"]
    assert screening.included and "anchor_violations" not in screening.figures


def test_repetitions_must_be_off_by_more_than_chance():
    rows, again = songs(), []
    for r in range(8):
        for n, row in enumerate([row for row in rows if row["rater"] == f"r{r}"][:5]):
            value = row["value"] + (1 if row["value"] < 3 and n == 0 else 0)
            if r == 0:
                value = 5 if row["value"] <= 3 else 1
            repeat_fields = {"kind": "repeat", "repeats": row["trial"], "trial": f"{row['trial']}-again"}
            again.append({**row, **repeat_fields, "value": float(value)})
    screenings = screening_by_rater(collected([*rows, *again]))
    assert any("repeats off" in reason for reason in screenings["r0"].reasons)
    assert all(screening.included for name, screening in screenings.items() if name != "r0")
    assert screenings["r1"].figures["repeat_deviation"] <= 0.05 + 1e-9


def pairs(raters=8, prompts=12, seed=0):
    """Most prefer b, on sides in turn."""
    rng = np.random.default_rng(seed)
    return [
        comparison(f"r{r}", *(("a", "b") if (r + p) % 2 else ("b", "a")), f"p{p}", better * (1 if (r + p) % 2 else -1))
        for r in range(raters)
        for p in range(prompts)
        for better in [1 if rng.random() < 0.8 else -1]
    ]


def reversed_pages(rows, rater, sign):
    """The rater's first six pairs again with sides exchanged; `sign` 1: the same side is chosen again."""
    return [
        comparison(
            rater, row["second"], row["first"], row["prompt"], sign * row["value"], kind="repeat", repeats=row["trial"]
        )
        for row in rows
        if row["rater"] == rater
    ][:6]


def test_pairs_one_side_reversals_and_anchors():
    rows = [
        {**row, "value": -1.0, "outcome": "first"} if row["rater"] == "r0" else row  # always the first
        for row in pairs()
    ]
    low = [comparison("r1", "a", "low", f"p{n}", 1, kind="anchor") for n in range(3)]
    again = reversed_pages(rows, "r2", 1) + reversed_pages(rows, "r3", -1)
    screenings = screening_by_rater(collected([*rows, *low, *again], "preference", systems=("a", "b")))
    assert any("one side in 100%" in reason for reason in screenings["r0"].reasons)
    assert any("anchors above" in reason for reason in screenings["r1"].reasons)
    assert any("repeats off by 1.00" in reason for reason in screenings["r2"].reasons)
    assert screenings["r3"].included and screenings["r3"].figures["repeat_deviation"] == 0


def test_the_rules_of_bs_1534():
    def page(rater, p, reference, low):
        return [
            rating(rater, "a", f"p{p}", 50 + p),
            rating(rater, "reference", f"p{p}", reference, role="reference"),
            rating(rater, "lowpass-3500", f"p{p}", low, role="anchor"),
        ]

    rows = [row for p in range(10) for row in page("good", p, 95, 20) + page("deaf", p, 80 if p < 2 else 95, 20)]
    rows += [row for p in range(10) for row in page("generous", p, 95, 95 if p < 2 else 20)]
    screenings = screening_by_rater(collected(rows, "mushra", systems=("a",)))
    assert screenings["good"].included
    assert "reference below 90 on 20%" in screenings["deaf"].reasons[0]
    assert "above 90 on 20%" in screenings["generous"].reasons[0]


def test_who_withdrew_or_left_early_is_not_included():
    rows = songs()
    raters = [{"rater": f"r{n}", "pages_asked": 24, "pages_answered": 24, "withdrawn": False} for n in range(8)]
    raters[0]["pages_answered"] = 11
    raters.append({"rater": "gone", "pages_asked": 24, "pages_answered": 0, "withdrawn": True})
    data = collected(rows, raters=raters)
    screenings = screening_by_rater(data)
    assert screenings["r0"].reasons == ("answered 46% of the pages (at least 50%)",)
    assert screenings["gone"].reasons[0] == "withdrew the consent" and not screenings["gone"].included
    result = analyse(data)
    assert result.scales[0].means[0].n_raters == 7 and result.everyone[0].means[0].n_raters == 8


def test_a_rule_that_is_not_declared_is_not_applied():
    rules = ("traps_wrong", "repeat_deviation", "minimum_sd", "side_bias", "anchor_violations", "agreement")
    off = dict.fromkeys((*rules, "incomplete"))
    rows = changed(songs(), "r0", lambda row, n: 3)
    screenings = screening_by_rater(collected(rows, checks=[check("r1", False)], screening=off))
    assert all(screening.included and not screening.figures for screening in screenings.values())


def test_nobody_and_nobody_left():
    empty = analyse(collected([], systems=("a", "b")))
    assert empty.screening == () and "Nobody answered." in empty.notes
    assert all(mean.mean is None for mean in empty.everyone[0].means)
    for form in ("preference", "ccr", "multistimulus"):
        assert analyse(collected([], form, systems=("a", "b"))).screening == ()
    failed = analyse(collected(songs(), checks=[check(f"r{n}", False) for n in range(8)]))
    assert failed.scales[0].means[0].mean is None and failed.everyone[0].means[0].mean is not None
    assert any("No rater passed" in note for note in failed.notes)


@pytest.mark.parametrize("seed", range(3))
def test_screening_does_not_depend_on_the_order_of_rows(seed):
    rows = changed(songs(), "r0", lambda row, n: 3)
    shuffled = [rows[n] for n in np.random.default_rng(seed).permutation(len(rows))]
    assert [(screening.rater, screening.included, screening.reasons) for screening in screen(collected(shuffled))] == [
        (screening.rater, screening.included, screening.reasons) for screening in screen(collected(rows))
    ]
