"""Pairs of songs from the takes of a run: real songs by rules, and scores of every kind."""

import json
from types import SimpleNamespace

import pandas
import pytest
import torch
from songbloom_random import SMALL, random_checkpoint

import songbench as songbench_api
from songbench.domain.errors import InputError
from songbench.domain.hashing import file_digest
from songbench.domain.suite import parse_prompt
from systems.songbloom.checkpoint_files import CheckpointFiles
from systems.songbloom.training.preference.pair_files import read_pairs, write_pairs
from systems.songbloom.training.preference.pair_songs import PreparedPairs
from systems.songbloom.training.preference.preparation import prepare_pairs, prepared_dataset
from systems.songbloom.training.preference.selection import choose_pairs, evaluation_warning, find_criteria
from systems.songbloom.training.tokenizer.codebook import CodebookTokenizer
from systems.songbloom.training.tokenizer.mel import BANDS, MelFeatures

RULES = "[verse]\n月亮代表我的心"


@pytest.fixture(scope="module")
def finished_run(tmp_path_factory):
    """Two takes of two prompts by rules, one of them with style audio, which these songs do not follow."""
    folder = tmp_path_factory.mktemp("finished")
    rows = [{"suite": "small", "version": "1"}]
    rows += [{"id": f"p{number}", "lyrics": RULES, "language": "zh", "seconds": 5.0} for number in range(2)]
    rows[1]["prompt_wav"] = {"render": "rulebased", "seed": 1}
    suite = folder / "small.jsonl"
    suite.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return songbench_api.run(
        suite=suite,
        systems=["rulebased", "silence"],
        metrics=["level", "spread"],
        takes=2,
        store=folder / "store",
        runs=folder / "runs",
        overrides=["engine=inline"],
    )


def test_the_command_pairs_takes_of_a_run(songbench_here, tmp_path, finished_run):
    out = tmp_path / "pairs.jsonl"
    words = ["pairs", str(finished_run.folder), "--by", "level", "--margin", "level=0.0001", "--out", str(out)]
    process = songbench_here("train", *words, folders=False)
    assert process.returncode == 0, process.stderr
    pairs = read_pairs(out)
    assert f"rulebased, zh: {len(pairs)} pairs of 2 prompts, {2 - len(pairs)} pairs of takes left out" in process.stdout
    assert "silence" not in process.stdout
    warning = " ".join(process.stderr.split())
    assert "reward level@probe. Never score the final evaluation with the same metric alone" in warning
    levels = finished_run.scores.query("field == 'level' and not sanity").set_index(["prompt", "take"])["value"]
    assert {pair.prompt for pair in pairs} == {"p0", "p1"}
    for pair in pairs:
        score = pair.scores["level@probe"]
        assert score.winner == levels[pair.prompt, pair.winner.take] > levels[pair.prompt, pair.loser.take]
        assert score.winner - score.loser >= score.margin == 0.0001
        assert (pair.system, pair.language, pair.run, pair.style) == ("rulebased", "zh", "small", None)
        assert pair.parsed_lyrics == finished_run.results.suite.prompts[0].lyrics
        for song in (pair.winner, pair.loser):
            assert file_digest(song.audio) == song.digest
    again = songbench_here("train", *words, folders=False)
    assert again.returncode == 2 and "is there already. Add --overwrite" in " ".join(again.stderr.split())
    words[4:6] = ["--margin", "level=1"]
    strict = songbench_here("train", *words, "--overwrite", folders=False)
    assert strict.returncode == 2 and "far enough apart" in strict.stderr
    assert "left out 2: a tie: level differs by less than 1" in strict.stdout
    assert read_pairs(out) == pairs


def test_songs_of_a_run_are_prepared_as_pairs(finished_run, tmp_path):
    choice = choose_pairs(finished_run, find_criteria(finished_run.scores, ["level"], {}))
    random_checkpoint(tmp_path / "base")
    centres = torch.randn(SMALL.model.sketch_vocabulary, BANDS, generator=torch.Generator().manual_seed(0))
    tokenizer = CodebookTokenizer(MelFeatures(), centres)
    assert prepare_pairs(tmp_path / "songs", choice.pairs, CheckpointFiles.find(tmp_path / "base"), tokenizer) == ()
    prepared = PreparedPairs(choice.pairs, prepared_dataset(tmp_path / "songs"), SMALL)
    assert len(prepared) == len(choice.pairs) == 2
    pair = prepared.pair(0)
    assert pair.winner.lyrics == pair.loser.lyrics and not torch.equal(pair.winner.latents, pair.loser.latents)


def test_style_prompts_of_a_run(finished_run):
    (row,) = finished_run.assets.to_dict("records")
    assert (row["prompt"], row["asset"]) == ("p0", "prompt_wav") and file_digest(row["audio"]) == row["digest"]


@pytest.mark.parametrize(
    ("by", "margins", "message"),
    [
        (["levle"], {}, "no score 'levle'. Did you mean 'level'"),
        (["spread"], {}, "all songs of a system together"),
        (["level"], {"per": 1.0}, "a margin for 'per', by which nothing is preferred"),
        (["level"], {"level": -1.0}, "0 or more"),
        ([], {}, "Name the scores"),
    ],
)
def test_scores_that_cannot_be_preferred_by(finished_run, by, margins, message):
    with pytest.raises(InputError, match=message):
        find_criteria(finished_run.scores, by, margins)


def test_unknown_systems(finished_run):
    criteria = find_criteria(finished_run.scores, ["level"], {})
    with pytest.raises(InputError, match=r"no system 'rulesbased'. Did you mean 'rulebased'"):
        choose_pairs(finished_run, criteria, ["rulesbased"])


# -- scores of every kind -------------------------------------------------------------------------------------------

PER = {"column": "per@a", "field": "per", "unit": "%", "direction": "lower", "kind": "song"}
SIMILARITY = {"column": "similarity", "field": "similarity", "unit": "", "direction": "higher", "kind": "song"}


def table_run(*prompts, takes=2):
    """A run of one system whose songs have these (per, similarity) by take; a text is a status instead of a number."""
    songs, scores = [], []
    for number, rows in enumerate(prompts):
        for take, row in enumerate(rows):
            song = {"system": "tenor", "prompt": f"p{number}", "take": take}
            state = row if isinstance(row, str) else "made"
            record = SimpleNamespace(conditions=("lyrics", "prompt audio"))
            facts = {"sanity": False, "state": state, "digest": f"{number}{take}", "audio": f"{take}.flac"}
            songs.append({**song, **facts, "record": record})
            for names, value in zip((PER, SIMILARITY), ("pending",) * 2 if state == row else row, strict=True):
                scored = not isinstance(value, str)
                status = {"value": value if scored else None, "status": "scored" if scored else value}
                scores.append({**song, **names, **status})
    parsed = [parse_prompt({"id": f"p{number}", "lyrics": RULES}) for number in range(len(prompts))]
    results = SimpleNamespace(takes=takes, suite=SimpleNamespace(prompts=parsed))
    assets = pandas.DataFrame([("p0", "prompt_wav", "d", "style.flac")], columns=["prompt", "asset", "digest", "audio"])
    return SimpleNamespace(
        name="table", results=results, songs=pandas.DataFrame(songs), scores=pandas.DataFrame(scores), assets=assets
    )


def choice_of(run, by=("per", "similarity"), **margins):
    return choose_pairs(run, find_criteria(run.scores, by, margins))


def test_a_winner_is_better_by_the_margins_and_worse_in_nothing():
    run = table_run(
        ((30.0, 0.5), (20.0, 0.5)),  # better by exactly the usual ten points, equal in the other
        ((20.0, 0.6), (30.0, 0.5)),
        ((20.0, 0.4), (30.0, 0.5)),
        ((20.0, 0.5), (29.0, 0.4)),
        ((20.0, 0.5), (20.0, 0.5)),
        ((20.0, 0.5), (20.0, 0.4)),
        ((20.0, "not applicable"), (0.0, 0.5)),
        ((20.0, 0.5), "failed"),
    )
    choice = choice_of(run)
    assert [(pair.prompt, pair.winner.take, pair.loser.take) for pair in choice.pairs] == [("p0", 1, 0), ("p1", 0, 1)]
    assert choice.pairs[0].style.audio == "style.flac" and choice.pairs[1].style is None
    score = choice.pairs[0].scores["per@a"]
    assert (score.winner, score.loser, score.margin, score.better) == (20.0, 30.0, 10.0, "lower")
    assert choice.left_out == {
        "a contradiction: each is better by another score": 1,
        "a tie: per differs by less than 10": 2,
        "a tie: all scores are equal": 1,
        "a song has no similarity (not applicable)": 1,
        "a song was not made (failed)": 1,
    }
    assert choice.table() == [("tenor", "zh", 2, 2, 6)]


def test_without_any_margin_one_better_score_is_enough():
    run = table_run(((20.0, 0.5), (20.0, 0.4)), ((20.0, 0.5), (20.0, 0.5)))
    assert [pair.winner.take for pair in choice_of(run, per=0).pairs] == [0]
    assert not choice_of(run, per=0, similarity=0.2).pairs


def test_more_takes_give_every_pair_that_differs():
    run = table_run(((0.0, 0.5), (15.0, 0.5), (30.0, 0.5), (33.0, 0.5)), takes=4)
    pairs = {(pair.winner.take, pair.loser.take) for pair in choice_of(run).pairs}
    assert pairs == {(0, 1), (0, 2), (0, 3), (1, 2), (1, 3)}


def test_a_run_of_one_take_has_no_pairs():
    with pytest.raises(InputError, match="--takes 2"):
        choice_of(table_run(((0.0, 0.5),), takes=1))


def test_a_score_of_several_backends_has_to_be_named_in_full():
    run = table_run(((0.0, 0.5), (20.0, 0.5)))
    second = run.scores[run.scores["field"] == "per"].assign(column="per@b", value=[30.0, 0.0])
    run.scores = pandas.concat([run.scores, second], ignore_index=True)
    with pytest.raises(InputError, match=r"'per' could be several scores. Allowed: per@a, per@b"):
        choice_of(run, by=("per",))
    assert choice_of(run, by=("per@a",)).pairs[0].winner.take == 0
    assert choice_of(run, by=("per@b",)).pairs[0].winner.take == 1
    assert not choice_of(run, by=("per@a", "per@b")).pairs
    assert "other recognisers" in evaluation_warning(["per@a"])


# -- the file -------------------------------------------------------------------------------------------------------


def test_files_of_pairs_are_read_back_and_refused_with_their_line(tmp_path):
    pairs = choice_of(table_run(((0.0, 0.5), (15.0, 0.5)), ((0.0, 0.5), (15.0, 0.5)))).pairs
    path = tmp_path / "pairs.jsonl"
    write_pairs(path, pairs)
    read = read_pairs(path)
    assert [pair.winner.audio for pair in read] == [str(tmp_path / "0.flac")] * 2
    assert read[0].style.audio == str(tmp_path / "style.flac") and read[1].style is None
    assert read[0].scores == pairs[0].scores
    lines = path.read_text().splitlines()
    for change, message in (
        ({"winner": {"take": 0, "audio": "0.flac"}}, r"line 2, field 'winner.digest'"),
        ({"loser": json.loads(lines[1])["winner"]}, "line 2: Winner and loser are the same audio"),
        ({"lyrics": {"sections": []}}, "line 2.*lyrics are empty"),
    ):
        path.write_text(lines[0] + "\n" + json.dumps(json.loads(lines[1]) | change) + "\n")
        with pytest.raises(InputError, match=message):
            read_pairs(path)
    path.write_text("\n")
    with pytest.raises(InputError, match="no pairs in this file"):
        read_pairs(path)
