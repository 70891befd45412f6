"""How songs were made, in tables: kinds of style apart, and a note on each fact that no number tells."""

import dataclasses
import json

import pytest
from made_up_run import simple_run

from songbench.domain.rendering import Rendering
from songbench.domain.song import GenerationRecord
from songbench.execution.results import SongId
from songbench.reporting import export, tables
from songbench.reporting.conditions import style_of
from songbench.reporting.generation_notes import generation_notes
from songbench.reporting.leaderboard import build_leaderboard

TEXT = GenerationRecord(seconds=1.0, conditions=("lyrics", "style text"))
AUDIO = GenerationRecord(seconds=1.0, conditions=("lyrics", "prompt audio"))
PLAIN = GenerationRecord(seconds=1.0)
ELSEWHERE = GenerationRecord(conditions=(), seed_honoured=False)
ROW = [1.0, 2.0, 4.0]


def rendered(record=TEXT, style="text", **fields):
    return dataclasses.replace(record, rendering=Rendering(style=style, **fields))


def made_up(records, hears=("style",), sanity=()):
    """Each system with one record for all songs, or with one for each."""
    run = simple_run(dict.fromkeys(records, ROW), sanity=sanity)
    generation = {}
    for system, record in records.items():
        records_of_songs = record if isinstance(record, list) else [record] * len(ROW)
        for prompt, of_song in zip(run.suite.prompts, records_of_songs, strict=False):
            generation[SongId(system, prompt.id, 0)] = of_song
    card = dataclasses.replace(run.metrics[0].card, hears=hears)
    metrics = (dataclasses.replace(run.metrics[0], card=card),)
    return dataclasses.replace(run, metrics=metrics, generation=generation)


@pytest.mark.parametrize(
    ("record", "style"),
    [
        (TEXT, "text"),
        (AUDIO, "audio"),
        (GenerationRecord(seconds=1.0, conditions=("style text", "prompt audio")), "both"),
        (PLAIN, "none"),
        (ELSEWHERE, None),
        (rendered(TEXT, "audio"), "audio"),
        (rendered(ELSEWHERE, "text"), "text"),
    ],
)
def test_the_style_is_what_was_given_and_not_what_could_have_been(record, style):
    assert style_of(record) == style


class TestMarks:
    def test_competitors_of_different_kinds_are_marked_and_the_columns_named(self):
        run = made_up({"yue": TEXT, "levo": [TEXT, PLAIN, TEXT], "bloom": AUDIO, "suno": ELSEWHERE, "anchor": PLAIN})
        run = dataclasses.replace(
            run, systems=tuple(dataclasses.replace(card, sanity=card.name == "anchor") for card in run.systems)
        )
        board = build_leaderboard(run, replicates=10)
        assert {row.system.name: row.condition for row in board.rows} == {
            "yue": "text",
            "levo": "text",
            "bloom": "audio",
            "suno": "not known",
            "anchor": "none",
        }
        (note,) = [note for note in board.notes if "kinds of style" in note]
        assert "(style as text: yue, levo (text 2, none 1); style as audio: bloom; style not known: suno)" in note
        assert note.endswith(
            "m@b holds songs against a style or a set of references, so between these kinds the "
            "numbers are not comparable: --facet condition makes a table of each."
        )
        text = tables.to_text(board)
        assert "condition: the kind of style" in text
        (row,) = [line.split() for line in text.splitlines() if line.split()[:1] == ["bloom"]]
        assert row[2] == "audio"
        assert json.loads(export.to_json(board))["conditions"]["bloom"] == "audio"
        assert board.to_frame().set_index("system")["condition"]["suno"] == "not known"

    @pytest.mark.parametrize("records", [{"a": TEXT, "b": TEXT}, {"a": TEXT, "b": ELSEWHERE}, {"a": AUDIO}])
    def test_nothing_is_said_where_they_are_of_one_kind(self, records):
        board = build_leaderboard(made_up(records), replicates=10)
        bare = build_leaderboard(dataclasses.replace(made_up(records), generation={}), replicates=10)
        for render in (export.to_json, export.to_csv, tables.to_text, tables.to_markdown, tables.to_latex):
            assert render(board) == render(bare)

    def test_a_system_of_both_kinds_is_mixed(self):
        board = build_leaderboard(made_up({"levo": [TEXT, AUDIO, AUDIO], "b": AUDIO}), replicates=10)
        assert board.rows[0].condition == "mixed" and "levo (audio 2, text 1)" in " ".join(board.notes)


class TestFacts:
    def notes(self, **systems):
        return [note for note in generation_notes(made_up(systems)) if "kinds of style" not in note]

    def test_each_kind_of_fact_is_one_counted_note(self):
        run = made_up({"a": PLAIN})
        run = dataclasses.replace(
            run,
            suite=dataclasses.replace(
                run.suite, prompts=tuple(dataclasses.replace(prompt, seconds=100.0) for prompt in run.suite.prompts)
            ),
            generation={
                SongId("a", "p01", 0): rendered(seconds=95.0, added=("a last line",), tags={"intro": None}),
                SongId("a", "p02", 0): rendered(seconds=130.4, added=("a last line",)),
                SongId("a", "p03", 0): rendered(seconds=100.4, dropped=("la",)),
            },
        )
        assert generation_notes(run) == [
            "Songs asked for at another length than the prompt's: 2 of 3 of a (up to 30 s longer, up to 5 s shorter).",
            "Songs whose prompt was given in another form (all of it: songs.json): 3 of 3 of a (tags 1, additions 2, "
            "lines left out 1).",
        ]

    def test_what_the_records_say_is_told(self):
        facts = self.notes(
            levo=dataclasses.replace(TEXT, best_of=4, lossy="mp3"),
            yue=[dataclasses.replace(TEXT, fake_stereo=True), dataclasses.replace(TEXT, loading_included=True), TEXT],
            hosted=[rendered(ELSEWHERE)],
            suno=ELSEWHERE,
        )
        assert facts == [
            "Songs chosen among several of the same prompt: 3 of 3 of levo (best of 4).",
            "Songs that the system wrote with a lossy codec: 3 of 3 of levo (mp3).",
            "Songs whose second channel is made of the first, judged by the first alone, in mono: 1 of 3 of yue.",
            "Songs whose time holds the loading of the model, so that it is no speed: 1 of 3 of yue.",
            "Songs that come out differently another time, as the seed is not honoured: 1 of 1 of hosted.",
        ]

    def test_ordinary_songs_call_for_none(self):
        assert self.notes(a=TEXT, b=TEXT, suno=ELSEWHERE) == []
