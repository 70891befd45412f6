"""``--metrics paper``: the columns of SongBloom's Table 2, in its order; what cannot run says so and stops nothing."""

import json

import pytest

from songbench.contracts import registry
from songbench.contracts.cards import READY, SystemCard
from songbench.contracts.metric import SetMetric
from songbench.domain.errors import InputError
from songbench.domain.lyrics import parse_lyrics
from songbench.domain.prompt import Prompt
from songbench.domain.score import Scores
from songbench.domain.suite import Suite
from songbench.execution.config import metric_presets, metric_selection
from songbench.execution.results import MetricResults, RunResults, SongId
from songbench.reporting import published, tables
from songbench.reporting.leaderboard import build_leaderboard
from songbench.reporting.wording import headline_columns

TABLE_2 = ["PER", "MCC", "FAD", "SER", "CE", "CU", "PC", "PQ", "RTF"]


def test_the_columns_are_those_of_the_paper_in_its_order():
    suite = Suite(
        name="s", version="1", prompts=tuple(Prompt(id=f"p{i}", lyrics=parse_lyrics("[verse]\nla")) for i in range(3))
    )
    songs = {SongId("mine", prompt.id, 0): "done" for prompt in suite.prompts}
    results = []
    for identifier in metric_selection(["paper"]):
        metric = registry.build_metric(identifier)
        scores = Scores(values={field.name: 1.0 for field in metric.card.fields})
        of_sets = isinstance(metric, SetMetric)
        verdicts, sets = ({}, {"mine": scores}) if of_sets else (dict.fromkeys(songs, scores), {})
        results.append(MetricResults(card=metric.card, availability=READY, songs=verdicts, sets=sets, of_sets=of_sets))
    card = SystemCard(name="mine", version="1", summary="Made up.", licence="MIT")
    board = build_leaderboard(RunResults(suite=suite, takes=1, systems=(card,), songs=songs, metrics=tuple(results)))
    names = [column.field.name for column in headline_columns(board)]
    assert [name.upper() for name in names if name != "peak_gib"] == TABLE_2
    assert all(column.metric.reference or not column.metric.backend for column in board.columns)
    table = published.load_published("songbloom-table2")
    assert [field for field, _, _ in table.fields] == TABLE_2
    directions = {column.field.name.upper(): column.field.direction for column in headline_columns(board)}
    assert {field: direction for field, _, direction in table.fields} == {f: directions[f] for f in TABLE_2}
    assert "stand-in" not in tables.to_text(board)


def test_ladaband_gives_the_columns_of_its_table_1_with_songeval_twice():
    cards = [registry.build_metric(name).card for name in metric_selection(["ladaband"])]
    assert all("v2a" in card.tracks for card in cards)
    columns = [card.column(field.name) for card in cards for field in card.fields if field.headline]
    ratings = ("coherence", "musicality", "memorability", "clarity", "naturalness")
    for backend in ("songeval", "songeval-mix"):
        assert [f"{rating}@{backend}" in [column.casefold() for column in columns] for rating in ratings] == [True] * 5
    columns_once = "fad@clap-2023 onset_f1_ref@librosa hpcp_frame_ref@own clamp3_text@clamp3-saas-text rtf"
    assert set(columns_once.split()) <= set(columns)
    paper_fields = {field.casefold() for field, _, _ in published.load_published("ladaband-table1").fields}
    covered_fields = {*ratings, "fad", "onset f1", "hpcp similarity", "clamp", "rtf"}
    assert paper_fields == covered_fields


def test_songbloom_is_the_preset_paper_by_another_name():
    presets = metric_presets()
    assert presets["songbloom"] == presets["paper"]
    with pytest.raises(InputError, match="ladaband") as error:
        metric_selection(["ladabnad"])
    assert "songbloom" in str(error.value)


def test_every_preset_names_metrics_that_exist():
    for preset in metric_presets():
        assert metric_selection([preset]) == [
            identifier for name in metric_presets()[preset]["select"] for identifier in registry.metric_ids(name)
        ]


def test_without_weights_the_rest_runs_and_each_column_says_how_to_get_it(songbench, suite_file, tmp_path):
    env = {"SONGBENCH_WEIGHTS": str(tmp_path / "none")}
    run = ("run", "--suite", suite_file(), "--systems", "probe")
    process = songbench(*run, "--metrics", "paper", env=env)
    assert process.returncode == 0, process.stderr
    missing = json.loads((tmp_path / "runs/small/leaderboard.json").read_text())["unavailable"]
    assert [gap["metric"] for gap in missing] == metric_selection(["paper"])[:-1]
    for gap in missing:
        assert gap["cure"].startswith("songbench setup "), gap
    assert "rtf" in process.stdout
    refusal = songbench(*run, "--metrics", "mcc@muq-mulan", env=env)
    assert refusal.returncode == 4, "a metric that is named has to be there"
    assert "songbench setup mcc@muq-mulan --accept-licence" in refusal.stderr.replace("\n", " ")
