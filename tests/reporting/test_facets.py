"""A run in parts: by language, section plan, tags and condition, each with tests of its own."""

import dataclasses
import json

import pytest
from made_up_run import full_run, simple_run
from test_conditions import AUDIO, PLAIN, TEXT, made_up

from songbench import statistics
from songbench.contracts.cards import Field
from songbench.domain.errors import InputError
from songbench.domain.lyrics import parse_lyrics
from songbench.execution.results import SongId
from songbench.reporting import export, tables
from songbench.reporting.facets import OF_ALL_SONGS, facet_names, facet_value_text, prompt_facet, results_by_facet
from songbench.reporting.file_names import safe_names
from songbench.reporting.leaderboard import build_leaderboard
from songbench.reporting.report import part_names, write_report
from songbench.reporting.run_report import facets_in

GENRES = [
    "pop/\u6447\u6eda",
    "pop/\u6447\u6eda",
    "Pop-\u6447\u6eda",
    "pop/\u6447\u6eda",
    "..",
    "..",
    "",
    "pop/\u6447\u6eda",
]
LANGUAGES = ["en", "en", "zh", "zh", "zh", "en", "zh", "zh"]


def tagged(results, **tags):
    """The same results with languages, and one value of each tag for each prompt; "": without the tag."""
    prompts = (
        dataclasses.replace(
            prompt,
            language=language,
            tags={tag: values[place] for tag, values in tags.items() if values[place]},
            lyrics=parse_lyrics("[intro] , [verse] la. , [verse] la. , [chorus] la.") if not place else prompt.lyrics,
        )
        for place, (prompt, language) in enumerate(zip(results.suite.prompts, LANGUAGES, strict=True))
    )
    return dataclasses.replace(results, suite=dataclasses.replace(results.suite, prompts=tuple(prompts)))


@pytest.fixture(scope="module")
def run():
    return tagged(full_run(), genre=GENRES, language=["x"] * 8)


@pytest.fixture(scope="module")
def board(run):
    return build_leaderboard(run, replicates=50, facet="language")


class TestNames:
    def test_properties_and_tags_are_facets(self, run):
        assert facet_names(run) == ("language", "section_plan", "genre", "tag.language", "condition")

    def test_neighbouring_sections_of_one_tag_are_one_part_of_the_plan(self, run):
        assert prompt_facet(run.suite, "section_plan") == {
            prompt.id: "verse" if place else "intro verse chorus" for place, prompt in enumerate(run.suite.prompts)
        }

    def test_the_property_and_the_tag_of_one_name_are_two_facets(self, run):
        assert [prompt_facet(run.suite, name)["p03"] for name in ("language", "tag.language")] == ["zh", "x"]

    def test_an_unknown_one_is_refused_with_those_of_the_suite(self, run):
        with pytest.raises(
            InputError, match=r"has no facet 'genres'\. Did you mean 'genre'\? Allowed: language, section_plan, genre"
        ):
            build_leaderboard(run, facet="genres")


class TestParts:
    def test_each_holds_its_prompts_and_every_system(self, run):
        parts = results_by_facet(run, "genre")
        assert list(parts) == ["pop/\u6447\u6eda", "Pop-\u6447\u6eda", "..", ""]
        assert [len(part.suite.prompts) for part in parts.values()] == [4, 1, 2, 1]
        assert sum(len(part.songs) for part in parts.values()) == len(run.songs)
        assert {part.systems for part in parts.values()} == {run.systems}

    def test_the_figures_are_those_of_a_run_of_these_prompts_alone(self):
        values = {"a": [1.0, 5.0, 2.0, 9.0, 4.0, 7.0, 3.0, 8.0], "b": [0.0, 3.0, 3.0, 8.0, 1.0, 4.0, 2.0, 6.0]}
        board = build_leaderboard(tagged(simple_run(values)), replicates=100, facet="language")
        english = [place for place, language in enumerate(LANGUAGES) if language == "en"]
        alone = simple_run({name: [row[place] for place in english] for name, row in values.items()})
        bare = build_leaderboard(alone, replicates=100)
        for row, of_part in zip(bare.rows, board.tables["en"].rows, strict=True):
            cell, expected = of_part.cells["m@b"], row.cells["m@b"]
            assert (cell.value, cell.low, cell.high, cell.group) == (
                expected.value,
                expected.low,
                expected.high,
                expected.group,
            )
        assert board.tables["en"].comparisons[0].p_adjusted == bare.comparisons[0].p_adjusted

    def test_no_figure_of_the_whole_stands_under_the_name_of_a_part(self, board):
        assert board.rows[0].cells["fad@musicnn"].value is not None
        for table in board.tables.values():
            for row in table.rows:
                cell = row.cells["fad@musicnn"]
                assert (cell.value, cell.not_applicable) in ((None, (OF_ALL_SONGS,)), (None, ()))
            assert f"fad@musicnn: {OF_ALL_SONGS} (" in tables.to_markdown(table)
            assert not [note for note in table.failures if note.prompt is None]

    def test_a_facet_of_one_value_is_the_whole(self, run):
        (part,) = results_by_facet(run, "tag.language").values()
        assert part is run

    def test_each_column_is_corrected_over_all_parts_as_well(self, board):
        pairs = [
            pair for table in board.tables.values() for pair in table.comparisons if pair.column == "similarity@musicnn"
        ]
        adjusted = statistics.holm([pair.p for pair in pairs])
        assert [pair.p_over_parts for pair in pairs] == pytest.approx(adjusted.tolist())
        assert all(pair.p_over_parts is None for pair in board.comparisons)

    def test_the_frame_has_the_rows_of_the_parts(self, board):
        frame = board.to_frame()
        assert list(frame.columns[:2]) == ["facet", "facet_value"]
        assert len(frame) == 2 * len(board.rows) * len(board.columns)
        assert "facet" not in board.tables["en"].rows[0].cells


class TestTexts:
    def test_the_whole_says_how_large_the_parts_are_and_what_outlasts(self, board):
        text = " ".join(tables.to_markdown(board).split())
        assert "## Parts by language - 2 parts: language en (3 prompts), language zh (5 prompts)." in text
        assert "Fewer than 6 prompts: language en, language zh." in text
        assert "Holm's correction over all parts" in text

    def test_what_the_suite_says_of_itself_is_not_said_of_a_part(self, board):
        assert board.notes[0] == "Prompts are synthetic."
        assert board.tables["zh"].notes[0] == "Of the whole suite: Prompts are synthetic."

    def test_a_tag_that_is_called_like_a_property_keeps_its_word(self):
        assert [facet_value_text("tag.language", value) for value in ("x", "")] == [
            "tag language x",
            "no tag language given",
        ]
        assert facet_value_text("section_plan", "verse") == "section plan verse"

    def test_a_part_says_that_there_are_others(self, board):
        text = " ".join(tables.to_markdown(board.tables["zh"]).split())
        assert "5 prompts × 2 takes, language zh" in text and "One of 2 parts by language" in text
        assert "p (Holm, all parts)" in text and "p (Holm, all parts)" not in tables.to_markdown(board)
        value = json.loads(export.to_json(board.tables["zh"]))
        assert (value["facet"], value["facet_value"]) == ("language", "zh")

    def test_the_parts_are_printed(self, board, capsys):
        tables.print_leaderboard(board)
        printed = capsys.readouterr().out
        assert printed.count("Leaderboard: suite") == 2 and printed.count("Parts by language") == 1

    def test_what_is_said_of_all_parts_is_printed_once(self, board, capsys):
        tables.print_leaderboard(board)
        printed = " ".join(capsys.readouterr().out.split())
        assert printed.count("One of 2 parts by language") == printed.count("Notes, in all parts") == 1
        assert printed.count("takes nested") == 1 and printed.count("Intervals rest on") == 2


class TestFiles:
    def test_every_value_has_files_of_its_own_beside_the_whole(self, tmp_path):
        plain = tagged(simple_run({"a": [1.0] * 8}, Field("m", unit="", direction="none")), genre=GENRES)
        board = build_leaderboard(plain, replicates=10, facet="genre")
        paths = write_report(board, tmp_path)
        assert len({path.name.casefold() for path in paths if path.suffix == ".json"}) == 4 + 2
        assert all(path.parent == tmp_path for path in paths)
        assert (tmp_path / "leaderboard.none.json").exists()
        values = [json.loads(path.read_text()).get("facet_value") for path in tmp_path.glob("leaderboard*.json")]
        assert sorted(values, key=str) == sorted([None, *board.tables], key=str)
        write_report(dataclasses.replace(board, tables={}), tmp_path)
        assert [path.name for path in tmp_path.glob("*.json")] == ["leaderboard.json", "songs.json"]

    @pytest.mark.parametrize(
        "texts", [["a b", "a/b", "a-b", "A B"], ["x" * 300, "x" * 301], ["..", "/", "\u3002"], ["\u00e9", "e\u0301"]]
    )
    def test_names_are_safe_and_differ(self, texts):
        names = safe_names({text: text for text in texts}).values()
        assert len({name.casefold() for name in names}) == len(texts)
        assert all(name.replace("-", "").isalnum() and len(name.encode()) < 100 for name in names)

    def test_parts_by_several_facets_stand_beside_each_other(self, tmp_path):
        plain = simple_run({"a": [1.0] * 8}, Field("m", unit="", direction="none"))
        run = tagged(plain, genre=["en", "en", *["pop"] * 6])
        by_language, by_genre = (build_leaderboard(run, replicates=10, facet=name) for name in ("language", "genre"))
        write_report(by_language, tmp_path)
        write_report(by_genre, tmp_path, other_parts=[by_language])
        parts = [json.loads(path.read_text()) for path in tmp_path.glob("leaderboard.*.json")]
        assert sorted((part["facet"], part["facet_value"]) for part in parts) == [
            ("genre", "en"),
            ("genre", "pop"),
            ("language", "en"),
            ("language", "zh"),
        ]
        assert {"leaderboard.zh.json", "leaderboard.pop.json"} <= {path.name for path in tmp_path.glob("*.json")}
        (tmp_path / "leaderboard.odd.json").write_text("[]")
        assert set(facets_in(tmp_path)) == {"genre", "language"}

    def test_a_name_that_is_taken_is_left(self):
        assert safe_names({"tar": "tar", "pop": "pop"}, ["tar"])["pop"] == "pop"
        assert safe_names({"tar": "tar"}, ["tar"])["tar"].startswith("tar-")


class TestConditions:
    @pytest.fixture(scope="class")
    def board(self):
        records = {"yue": TEXT, "levo": TEXT, "bloom": AUDIO, "failed": [], "anchor": PLAIN}
        return build_leaderboard(made_up(records, sanity=("anchor",)), replicates=10, facet="condition")

    def test_each_kind_has_a_table_with_the_anchors(self, board):
        names = {condition: [row.system.name for row in table.rows] for condition, table in board.tables.items()}
        assert names == {"text": ["yue", "levo", "anchor"], "audio": ["bloom", "anchor"], "": ["failed", "anchor"]}
        assert {pair.first for pair in board.tables["text"].comparisons} == {"yue", "levo"}
        assert not board.tables["text"].conditions_differ and board.conditions_differ
        assert "competitors with style as audio" in tables.to_text(board.tables["audio"])
        assert "competitors with style as text (2 competitors)" in " ".join(tables.to_text(board).split())

    def test_set_metrics_keep_their_figures_as_every_system_is_whole(self):
        run = full_run(takes=1)
        run = dataclasses.replace(
            run, generation={SongId("songbloom", "p01", 0): TEXT, SongId("rulebased", "p01", 0): AUDIO}
        )
        parts = results_by_facet(run, "condition")
        (fad,) = (metric for metric in parts["text"].metrics if metric.card.name == "fad")
        (before,) = (metric for metric in run.metrics if metric.card.name == "fad")
        assert fad.sets["songbloom"] == before.sets["songbloom"] and "rulebased" not in fad.sets

    def test_the_parts_have_the_names_of_the_kinds(self, board):
        names = {value: name for (_, value), name in part_names([board], ["md"]).items()}
        assert names == {"text": "text", "audio": "audio", "": "no-song"}
