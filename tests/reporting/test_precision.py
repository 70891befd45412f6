"""What a leaderboard says of its own power, of its variance, and of each prompt."""

import json
import re

import pytest
from made_up_run import simple_board, simple_run

from songbench.domain.score import Scores
from songbench.execution.results import SongId
from songbench.reporting import export, tables
from songbench.reporting.leaderboard import build_leaderboard
from songbench.reporting.precision import precision_blocks


@pytest.fixture(scope="module")
def text(board):
    return tables.to_markdown(board)


def section(text, title):
    return " ".join(re.split(r"^## ", text.partition(f"## {title}\n")[2], maxsplit=1, flags=re.MULTILINE)[0].split())


def test_each_column_says_what_it_can_find_and_what_the_rest_would_take(board, text):
    pairs = [pair for pair in board.comparisons if pair.column == "similarity@musicnn"]
    pair = next(pair for pair in pairs if {pair.first, pair.second} == {"yue_7b", "\u6211\u7684\u6a21\u578b"})
    assert not pair.significant and pair.prompts_needed > pair.n_prompts
    sentences = section(text, "What this run can find")
    assert f"would take {pair.prompts_needed} prompts." in sentences and "- similarity@musicnn: " in sentences
    assert f"| {pair.difference:.3f} | {pair.detectable:.3f} | {pair.prompts_needed} |" in sentences
    assert "| songbloom | rulebased | 8 |" in sentences and "noise" not in sentences, "of competitors"
    assert sentences.count("significant |") == sum(
        pair.significant
        for pair in board.comparisons
        if f"| {pair.column} | {pair.first} | {pair.second} |" in sentences
    )


def test_more_pairs_ask_for_more(board):
    values = {"a": [1.0, 2.0, 4.0, 3.0, 5.0], "b": [1.5, 2.5, 3.0, 3.5, 4.0], "c": [1.2, 2.7, 3.3, 3.1, 4.4]}
    two = simple_board({name: values[name] for name in "ab"}).comparisons[0]
    three = simple_board(values).comparisons[0]
    assert (two.first, two.second) == (three.first, three.second) and two.difference == three.difference
    assert three.detectable > two.detectable and three.prompts_needed > two.prompts_needed


def test_where_nothing_varies_nothing_is_said():
    board = simple_board({"a": [1.0, 1.0, 1.0], "b": [2.0, 2.0, 2.0]})
    assert precision_blocks(board) == []
    assert "detectable" not in json.loads(export.to_json(board))["comparisons"][0]


def test_the_variance_is_told_apart_where_prompts_have_several_takes(board, text):
    split = board.variances
    assert "lufs" not in split and split["peak_gib"].take == 0, "ranked columns"
    row = re.search(r"\| peak_gib \| (\d+) % \| (\d+) % \| 0 % \| 4 \| 7 \| 100 % \| 71 % \|", text)
    assert sum(map(int, row.groups())) == 100
    assert "0 %\\*: the estimate is below 0" in section(text, "Where the variance lies")
    assert json.loads(export.to_json(board))["variance"]["peak_gib"]["systems"] == 4
    single = simple_board({"a": [1.0, 2.0, 4.0], "b": [2.0, 2.0, 3.0]})
    assert single.variances == {} and "variance" not in json.loads(export.to_json(single))


def test_each_prompt_shows_what_is_compared():
    run = simple_run({"a": [1.0, 2.0, None], "b": [0.5, 2.5, 3.0], "anchor": [0.0, 0.0, 0.0]}, sanity=["anchor"])
    run.metrics[0].songs[SongId("a", "p02", 0)] = Scores(values={"m": 2.25})
    rows = section(tables.to_markdown(build_leaderboard(run, replicates=10)), "Prompt by prompt")
    assert "| prompt | a | b | a − b |" in rows
    assert "| p01 | 1.00 | 0.50 | 0.50 | | p02 | 2.25 | 2.50 | -0.25 | | p03 | | 3.00 | |" in rows
    assert section(tables.to_markdown(simple_board({"a": [1.0, 2.0]})), "Prompt by prompt") == ""
