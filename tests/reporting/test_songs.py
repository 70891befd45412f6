"""The songs of a run as a table: what each system was really given."""

import csv
import dataclasses
import io
import json

import pytest
from made_up_run import simple_run

from songbench.domain.rendering import Rendering
from songbench.domain.song import Failure, GenerationRecord
from songbench.execution.results import SongId, Unsupported
from songbench.reporting import export
from songbench.reporting.document.terminal import to_text
from songbench.reporting.leaderboard import build_leaderboard
from songbench.reporting.songs import SCHEMA, SongRow, song_sheet, song_to_json, songs_table, songs_to_json

RENDERING = Rendering(
    lyrics="[00:10.00]la la\n[00:12.50]o",
    style="text",
    style_text="slow pop",
    tags={"intro": None},
    timing="syllables",
    times=((10.0, "la la"), (12.5, "o")),
    seconds=95.0,
)
RECORD = GenerationRecord(
    seconds=30.0, rendering=RENDERING, settings={"steps": 32, "cfg": 4.0}, seed_honoured=False, loading_included=True
)


@pytest.fixture(scope="module")
def board():
    unmade = {
        ("s", "p02"): Failure("generate", "time-out"),
        ("s", "p03"): Unsupported("cannot sing ko"),
        ("s", "p04"): "pending",
    }
    run = simple_run({"s": [1.0, None, None, None]}, unmade=unmade)
    song = SongId("s", "p01", 0)
    return build_leaderboard(dataclasses.replace(run, generation={song: RECORD}, seeds={song: 7}), replicates=10)


def test_every_song_has_a_row_whatever_became_of_it(board):
    rows = list(csv.DictReader(io.StringIO(export.songs_to_csv(board))))
    assert [(row["prompt"], row["state"]) for row in rows] == [
        ("p01", "made"),
        ("p02", "failed"),
        ("p03", "unsupported"),
        ("p04", "pending"),
    ]
    assert rows[1]["reason"] == "time-out" and rows[2]["reason"] == "cannot sing ko"
    first = rows[0]
    assert (first["seed"], first["seed_honoured"], first["asked_seconds"], first["style"]) == (
        "7",
        "False",
        "95.0",
        "text",
    )
    assert first["lyrics"] == RENDERING.lyrics and first["times"] == "10 la la\n12.5 o"
    assert json.loads(first["settings"]) == RECORD.settings
    assert first["changes"] == "tags: [intro] left out; times by the rule syllables"


def test_the_json_holds_the_whole_record(board):
    first, *rest = json.loads(songs_to_json(board.songs))["songs"]
    assert first["record"]["rendering"]["times"] == [[10.0, "la la"], [12.5, "o"]]
    assert first["record"]["rendering"]["lyrics"] == RENDERING.lyrics and first["record"]["settings"]["steps"] == 32
    assert all("record" not in other for other in rest)


def test_people_read_what_was_given(board):
    table = to_text([songs_table(board.songs)])
    assert "7 (not honoured)" in table and "95 s" in table and "[intro] left out" in table and "cannot sing ko" in table
    sheet = to_text(song_sheet(board.songs[0]))
    for text in ("[00:12.50]o", "12.50 o", "cfg=4.0, steps=32", "slow pop", "30.0 s, loading included"):
        assert text in sheet


def test_the_json_is_that_of_one_object():
    rows = [
        SongRow(song=SongId("a\n\u2028", "p", take), state="made", remarks=("two\nlines",), record=RECORD)
        for take in range(2)
    ]
    for part in (rows, rows[:1], []):
        document = {"schema": SCHEMA, "songs": list(map(song_to_json, part))}
        assert songs_to_json(part) == json.dumps(document, indent=1, ensure_ascii=False) + "\n"
