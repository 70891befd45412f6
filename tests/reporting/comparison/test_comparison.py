"""Two runs, or two systems of one, on the prompts they share."""

import json
from dataclasses import replace

import pytest
from made_up_run import make_suite, simple_run

from songbench.contracts.cards import Field
from songbench.domain.errors import InputError
from songbench.reporting.comparison import RunSide, compare_sides, matching_systems
from songbench.reporting.comparison.blocks import answers, comparison_blocks
from songbench.reporting.comparison.files import write_comparison
from songbench.reporting.document.terminal import to_text


def side(values, name="before", **changes):
    results = simple_run(values, Field("m", unit="%", direction="lower", decimals=1))
    return RunSide(name=name, results=replace(results, **changes), metric_parameters={})


def compared(first, second, *systems, **options):
    return compare_sides(matching_systems(first, second, *systems), **options)


BEFORE = {"a": [30.0, 28.0, 35.0, 31.0, 40.0, 29.0, 33.0, 36.0]}
BETTER = {"a": [20.0, 19.0, 24.0, 22.0, 28.0, 18.0, 24.0, 25.0]}
OPEN = {"a": [31.0, 26.0, 37.0, 30.0, 38.0, 31.0, 32.0, 38.0]}


def test_the_second_run_is_better_where_its_interval_leaves_out_no_change():
    (difference,) = compared(side(BEFORE), side(BETTER, "after")).differences
    mean = sum(BETTER["a"]) / 8 - sum(BEFORE["a"]) / 8
    assert difference.test.difference == pytest.approx(mean) and difference.test.high < 0
    assert (difference.verdict, difference.significant) == ("better", True)
    (backwards,) = compared(side(BETTER), side(BEFORE, "after")).differences
    assert backwards.verdict == "worse" and backwards.test.difference == pytest.approx(-mean)


def test_what_could_not_be_shown_says_what_could_have_been_found():
    comparison = compared(side(BEFORE), side(OPEN, "after"))
    (difference,) = comparison.differences
    assert difference.verdict == "open" and difference.detectable > abs(difference.test.difference)
    assert difference.prompts_needed > difference.test.n == 8
    assert answers(comparison)[0].startswith("No difference between after:a and before:a could be shown")
    text = to_text(comparison_blocks(comparison))
    assert str(difference.prompts_needed) in text
    assert "Paired on the 8 prompts that both have. Intervals: 95 % of the difference" in " ".join(text.split())


def test_a_difference_that_no_number_of_prompts_would_settle_says_so():
    """Nothing would read as where it is settled."""
    nearly = [value + (0.01 if n % 2 else -0.0099) * (n + 1) * 100 for n, value in enumerate(BEFORE["a"])]
    shift = sum(nearly) / 8 - sum(BEFORE["a"]) / 8 - 1e-4
    comparison = compared(side(BEFORE), side({"a": [value - shift for value in nearly]}, "after"))
    assert comparison.differences[0].prompts_needed is None and comparison.differences[0].detectable > 1
    assert "more than 100,000" in to_text(comparison_blocks(comparison))


def test_p_is_corrected_over_all_pairs_of_the_comparison():
    values = {"a": BEFORE["a"], "b": OPEN["a"]}
    changed = {"a": OPEN["a"], "b": BEFORE["a"]}
    pair = compared(side(values), side(changed, "after")).differences
    alone = compared(side(values), side(changed, "after"), "a", "a").differences
    assert [d.second.system for d in pair] == ["a", "b"]
    assert pair[0].p_adjusted == pytest.approx(min(1.0, 2 * alone[0].p_adjusted))


def test_prompts_that_are_others_under_the_same_name_are_left_out_and_named():
    suite = make_suite(8, ())
    prompts = [replace(prompt, style="another style") if n < 2 else prompt for n, prompt in enumerate(suite.prompts)]
    comparison = compared(side(BEFORE), side(BETTER, "after", suite=replace(suite, prompts=tuple(prompts))))
    assert comparison.prompts == comparison.differences[0].test.n == 6
    names = ", ".join(prompt.id for prompt in suite.prompts[:2])
    assert f"left out, as prompts of these names differ between the runs: {names}" in comparison.notes


def test_what_is_not_the_same_measure_is_not_compared():
    newest = side(BETTER, "after")
    (metric,) = newest.results.metrics
    newer = replace(metric, card=replace(metric.card, version="2"))
    (difference,) = compared(
        side(BEFORE), replace(newest, results=replace(newest.results, metrics=(newer,)))
    ).differences
    assert difference.verdict == "not compared" and "has version 1 in one run and 2 in the other" in difference.reason
    (difference,) = compared(
        side(BEFORE), replace(newest, metric_parameters={metric.card.id: {"language": "en"}})
    ).differences
    assert "had other settings" in difference.reason


def test_which_systems_are_meant_has_to_be_clear():
    two = side({"a": BEFORE["a"], "b": OPEN["a"]})
    assert [(a.label, b.label) for a, b in matching_systems(two, side(BETTER, "after"))] == [("before:a", "after:a")]
    with pytest.raises(InputError, match=r"Which system .*before:a.*Write RUN:SYSTEM"):
        matching_systems(two, two)
    with pytest.raises(InputError, match="has no system 'c'"):
        matching_systems(two, two, "c", "a")
    ((first, second),) = matching_systems(two, two, "a", "b")
    assert (first.system, second.system) == ("a", "b")


@pytest.mark.parametrize("ending", ["md", "html", "tex", "txt", "csv", "json"])
def test_a_comparison_is_a_file_of_the_format_that_its_ending_names(ending, tmp_path):
    comparison = compared(side(BEFORE), side(BETTER, "after"))
    write_comparison(comparison, tmp_path / f"c.{ending}")
    text = (tmp_path / f"c.{ending}").read_text(encoding="utf-8")
    assert "better" in text
    if ending == "json":
        assert json.loads(text)["differences"][0]["verdict"] == "better"
    with pytest.raises(InputError, match=r"'c\.doc' names no format"):
        write_comparison(comparison, tmp_path / "c.doc")
