import csv
import json

import pandas
import pytest

SUITE = """{"suite": "two", "version": "1"}
{"id": "a", "lyrics": "[verse]\\nCome home\\n\\n[outro] [outro]", "seconds": 6}
{"id": "b", "lyrics": "[intro] [intro]\\n\\n[verse]\\nNot now", "seconds": 6}
{"id": "c", "lyrics": "[verse]\\nStay here\\n\\n[chorus]\\nSing it", "seconds": 6}
"""


@pytest.fixture
def suite(tmp_path):
    path = tmp_path / "two.jsonl"
    path.write_text(SUITE, encoding="utf-8")
    return path


def test_a_metric_from_elsewhere_is_examined_like_every_other(songbench, suite, tmp_path):
    words = ("--suite", suite, "--metrics", "level@probe,audio", "--damages", "loudness,prompt_copied")
    process = songbench("validate-metrics", *words, "--to", "out")
    assert process.returncode == 1, "the prompts have no audio to copy: those songs failed and are counted"
    assert "level@probe" in process.stdout
    columns = json.loads((tmp_path / "out/validation.json").read_text())["columns"]
    assert columns["level@probe"]["verdicts"]["loudness"] == "reacts aside", "it does not say what it hears"
    assert columns["lufs"]["verdicts"]["loudness"] == "reacts"
    assert columns["level@probe"]["verdicts"]["prompt_copied"] == "no answer"
    assert "the prompt has no audio to copy" in (tmp_path / "out/validation.md").read_text()
    frame = pandas.read_csv(tmp_path / "out/validation.csv")
    softer = frame[(frame["column"] == "lufs") & (frame["damage"] == "loudness") & (frame["strength"] == 3)]
    assert softer["change"].item() == pytest.approx(-12, abs=0.1)
    again = songbench("validate-metrics", *words, "--to", "again")
    assert "nothing to compute" in again.stderr
    assert (tmp_path / "again/validation.md").read_bytes() == (tmp_path / "out/validation.md").read_bytes()


def test_a_base_that_gives_no_stems_is_damaged_as_far_as_that_goes(songbench, suite, tmp_path):
    process = songbench(
        *("validate-metrics", "--suite", suite, "--base", "probe", "--metrics", "level@probe"),
        *("--damages", "noise,voice_removed", "--to", "out"),
    )
    assert process.returncode == 1
    verdicts = json.loads((tmp_path / "out/validation.json").read_text())["columns"]["level@probe"]["verdicts"]
    assert verdicts["noise"] == "reacts aside"
    assert verdicts["voice_removed"] == "no answer"


def test_mistakes_are_found_before_anything_is_made(songbench, suite, tmp_path):
    wrong = songbench("validate-metrics", "--suite", suite, "--damages", "noize")
    assert wrong.returncode == 2
    assert "Did you mean 'noise'?" in wrong.stderr
    wrong = songbench("validate-metrics", "--suite", suite, "--base", "rulbased")
    assert wrong.returncode == 2
    assert "rulebased" in wrong.stderr
    wrong = songbench("validate-metrics", "--track", "v2a", "--damages", "wrong_lyrics")
    assert wrong.returncode == 2 and "of the track v2a" in wrong.stderr
    wrong = songbench("validate-metrics", "--suite", suite, "--track", "v2a")
    assert wrong.returncode == 2 and "is of the track song" in wrong.stderr
    plan = songbench("validate-metrics", "--suite", suite, "--metrics", "audio", "--dry-run")
    assert plan.returncode == 0, plan.stderr
    assert "damaged:noise-1" in plan.stdout
    assert not (tmp_path / "store").exists()


def test_published_numbers_stand_apart_in_reports(songbench, suite_file, tmp_path):
    suite = suite_file()
    run = ("run", "--suite", suite, "--systems", "probe", "--metrics", "level@probe")
    assert songbench(*run, "--published", "songblom-table2").returncode == 2
    assert not (tmp_path / "store").exists(), "a misspelt name must not cost a run"
    process = songbench(*run, "--published", "songbloom-table2,songbloom-table3")
    assert process.returncode == 0, process.stderr
    for text in (process.stdout, (tmp_path / "runs/small/leaderboard.md").read_text()):
        board, _, publication = text.partition("Published elsewhere: songbloom-table2")
        assert "level@probe" in board
        assert "SongBloom-full-ft" in publication
        assert "SongBloom-full-ft" not in board
        assert "arXiv 2506.07634" in publication
    rows = csv.DictReader((tmp_path / "runs/small/leaderboard.csv").read_text().splitlines())
    assert {row["kind"] for row in rows if row["system"] == "SongBloom-full-ft"} == {"published"}
