"""The first sentence of a report: what was found, how sure that is, and what must not be concluded."""

from dataclasses import replace

import pytest
from made_up_run import full_run, make_suite, simple_board, simple_run

from songbench.contracts.cards import READY, Field
from songbench.domain.song import Failure
from songbench.execution.results import MetricResults, RunResults, SongId, Unsupported
from songbench.reporting.leaderboard import build_leaderboard
from songbench.reporting.page.answer import answer
from songbench.reporting.page.column_leads import column_leads

LOWER = Field("m", unit="%", direction="lower", decimals=1)
FAR = {"a": [9.0, 9.1, 9.2, 9.4, 9.3, 9.2, 9.1, 9.0], "b": [1.0, 1.2, 1.1, 1.3, 1.2, 1.1, 1.0, 1.2]}
CLOSE = {"a": [1.0, 3.0, 2.0, 4.0, 2.5, 3.5], "b": [2.0, 1.0, 4.0, 2.0, 3.4, 3.3]}


def sentence(board):
    return answer(board).sentence


def limits(board):
    return " ".join(answer(board).limits)


def test_of_two_systems_the_better_one_is_named_with_its_lead_and_the_other():
    text = sentence(simple_board(FAR))
    assert text.startswith("On 8 prompts, a is significantly better than b in the only headline column: m@b (by 8.")
    assert text.endswith(" over b).") and "[" not in text
    turned = sentence(simple_board(FAR, LOWER))
    assert (
        turned.startswith("On 8 prompts, b is significantly better than a")
        and "(by 8." in turned
        and " % over a" in turned
    )


def test_a_difference_that_may_be_chance_leaves_it_open():
    board = simple_board(CLOSE)
    assert sentence(board) == (
        "On 6 prompts, no system is significantly better than every other one in the only headline column: which is "
        "best is open."
    )
    assert "does not mean equal" in limits(board) and "6 prompts are few" in limits(board)
    assert column_leads(board)[0].certainty == "open"


def test_better_than_one_of_two_rivals_is_not_best():
    board = simple_board({**FAR, "c": [9.1, 9.0, 9.3, 9.3, 9.2, 9.3, 9.0, 9.2]})
    assert "no system is significantly better" in sentence(board)
    margin = column_leads(board)[0].margins
    assert [part.rival for part in margin if not part.significant] in (["a"], ["c"])


def test_whoever_has_no_number_in_a_column_was_not_beaten_there():
    """As a system without a vocal stem."""
    run = simple_run({**FAR, "c": [5.0, 5.1, 5.2, 5.4, 5.3, 5.2, 5.1, 5.0]})
    (metric,) = run.metrics
    without = {song: verdict for song, verdict in metric.songs.items() if song.system != "c"}
    stem = replace(metric, card=replace(metric.card, backend="stem"), songs=without)
    assert "better than every other competitor in the" in sentence(build_leaderboard(run, replicates=200))
    board = build_leaderboard(replace(run, metrics=(metric, stem)), replicates=200)
    assert "a is significantly better than every other competitor with a number there in all 2" in sentence(board)


def test_of_several_with_as_many_best_numbers_none_is_singled_out():
    first, second = simple_run(CLOSE), simple_run({"a": CLOSE["b"], "b": CLOSE["a"]}, Field("n", direction="higher"))
    (metric,) = second.metrics
    second_metric = replace(metric, card=replace(metric.card, name="n"))
    board = build_leaderboard(replace(first, metrics=(*first.metrics, second_metric)), replicates=200)
    assert sentence(board).endswith(
        "which is best is open. a and b each have the best number in 1 of them, which may be chance."
    )


def test_a_tie_names_nobody():
    board = simple_board({"a": [1.0, 2.0, 3.0], "b": [3.0, 2.0, 1.0]})
    assert column_leads(board)[0].certainty == "tied" and column_leads(board)[0].best == ("a", "b")
    assert "which is best is open" in sentence(board)


def test_whoever_made_fewer_songs_is_not_best_by_the_easy_ones():
    board = simple_board(
        {"a": [9.0, 9.1, 9.2, None], "b": [1.0, 1.2, None, 1.3]},
        unmade={("a", "p04"): Failure("generate", "time-out"), ("b", "p03"): Failure("generate", "time-out")},
    )
    assert column_leads(board)[0].certainty == "not comparable" and "a is significantly" not in sentence(board)
    assert "a made 3 of 4 songs" in limits(board)


def test_a_system_alone_is_held_against_the_anchors():
    board = simple_board({**FAR, "reference": FAR["a"]}, sanity=["b", "reference"])
    text = sentence(board)
    assert text.startswith("a is the only competitor, so this run ranks nothing. On 8 prompts, it is")
    assert "significantly better than b in the only column," in text
    assert "not significantly better than reference in the only column" in text
    assert sentence(simple_board({"a": [1.0, 2.0]})).startswith("a is the only competitor")
    assert "1.50" in sentence(simple_board({"a": [1.0, 2.0]}))


def test_without_competitors_nothing_is_best():
    assert sentence(simple_board({"noise": [1.0, 2.0], "silence": [0.0, 0.0]}, sanity=["noise", "silence"])) == (
        "Nothing competes in this run: noise and silence only anchor the scale, so there is no best system."
    )


@pytest.mark.parametrize(
    ("state", "text"),
    [
        ("pending", "There is nothing to report yet: none of the 4 songs was made."),
        (Failure("generate", "x"), "There is nothing to report: none of the 4 songs was made (4 failed)."),
        (Unsupported("too long"), "There is nothing to report: none of the 4 songs was made (4 are unsupported)."),
    ],
)
def test_where_no_song_was_made_the_reason_is_said(state, text):
    unmade = {(system, prompt): state for system in "ab" for prompt in ("p01", "p02")}
    board = simple_board({"a": [None, None], "b": [None, None]}, unmade=unmade)
    assert sentence(board) == text and answer(board).limits == ()


def test_an_empty_run_says_so():
    results = simple_run({"a": [1.0]})
    empty = RunResults(suite=make_suite(0), takes=1, systems=results.systems, songs={}, metrics=results.metrics)
    assert sentence(build_leaderboard(empty)) == "This run asks for no song, so there is nothing to report."


def test_songs_without_scores_are_no_result():
    board = simple_board({"a": [None, None], "b": [None, None]})
    assert sentence(board) == "No competitor has a number yet: a made 2 of 2 songs and b made 2 of 2 songs."


def test_an_unfinished_run_is_provisional(board):
    assert sentence(board).startswith("So far, on 8 prompts with 2 takes each, songbloom is significantly better than ")
    assert "headline columns: " in sentence(board) and "rulebased is so in 1: peak_gib" in sentence(board)
    assert "2 of 128 songs are still to be made" in limits(board) and "yue_7b made 14 of 16 songs" in limits(board)


def test_one_competitor_of_several_with_numbers_is_said_to_be_that():
    results = full_run(4, 1)
    rtf = next(metric for metric in results.metrics if metric.card.name == "rtf")
    only = {song: lead for song, lead in rtf.songs.items() if song.system == "rulebased"}
    metrics = (MetricResults(card=rtf.card, availability=READY, songs=only, sets={}),)
    songs = {song: "done" if song.system == "rulebased" else Failure("generate", "x") for song in results.songs}
    partial = RunResults(suite=results.suite, takes=1, systems=results.systems, songs=songs, metrics=metrics)
    assert sentence(build_leaderboard(partial)).startswith("Of 4 competitors only rulebased has numbers yet, so")
    assert SongId("rulebased", "p01", 0) in songs
