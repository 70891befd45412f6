"""`songbench listen report` as a user meets it: sources of answers, refusals, columns in the run's leaderboard."""

import dataclasses
import json
import os
import shutil
from contextlib import closing

import command_line
import pandas as pd
import pytest
from made_up import good_answer, made_up_test
from made_up_answers import POINTS

from listening_test.answer_sheets import AnswerSheet, Entry
from listening_test.answers import accept
from listening_test.collection.database import Database, default_url
from listening_test.pages import public_page, session_pages
from listening_test.prepared import load_test, save_test
from listening_test.reporting.sources import find_answers
from songbench.domain.errors import InputError

SCALE = [{"id": "MUS-V", "label": "Voice", "points": POINTS}]


def answered(test, seat, rater, value):
    """A whole session; `value` is asked for every answer: stimuli → text."""
    entries = []
    for index, page in enumerate(session_pages(test, seat)[:-1]):
        printed = public_page(test, seat, index, "en", lambda slot, stimulus: f"/audio/{slot}")
        message = page.step and test.trials[page.step.trial].spoken
        options = None if page.kind != "trial" else "2" if message else value(page.step.order[0])
        answer = accept(test, seat, index, "en", good_answer(printed, value=options))
        entries.append(Entry(index, answer, 1.7e9 + 20 * index, 1.7e9 + 20 * index + 15))
    return AnswerSheet(
        test=test.digest(),
        rater=rater,
        seat=seat,
        language="en",
        started=1.7e9,
        finished=entries[-1].answered,
        entries=tuple(entries),
    )


def sheets_of(test, key, names):
    def judged(stimulus, lift):
        stimulus_key = key.stimuli[stimulus]
        return str(min(5, {"probe": 4, "silence": 1}.get(stimulus_key.system or "", 3) + lift))

    return [answered(test, n, name, lambda item, n=n: judged(item, n % 2)) for n, name in enumerate(names)]


def save(path, sheets):
    path.write_text("".join(json.dumps(item.to_json()) + "\n" for item in sheets), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    folder = tmp_path_factory.mktemp("test") / "arena"
    prepared = made_up_test(
        folder, "acr", systems=("probe", "silence"), prompts=4, seats=6, seconds=1.1, scales=SCALE, name="arena"
    )
    return prepared


@pytest.fixture(scope="module")
def sheets(prepared):
    return sheets_of(*prepared, [f"r{n}" for n in range(6)])


class TestSources:
    def test_files_and_folders_of_them_are_read(self, prepared, sheets, tmp_path):
        folder = tmp_path / "returned"
        folder.mkdir()
        for sheet in sheets[:2]:
            (folder / f"{sheet.rater}.json").write_text(json.dumps(sheet.to_json()))
        rest = save(tmp_path / "rest.jsonl", sheets[2:])
        sheets = find_answers(prepared[0], None, [folder, rest])
        assert {item.rater for item in sheets.sheets} == {f"r{n}" for n in range(6)} and not sheets.simulated
        assert sheets.sources == ("r0.json (1 rater)", "r1.json (1 rater)", "rest.jsonl (4 raters)")

    def test_without_answers_it_says_how_to_get_some(self, prepared):
        with pytest.raises(InputError, match=r"no answers yet.*listen serve"):
            find_answers(prepared[0], None, [])

    def test_people_and_programs_are_not_mixed(self, prepared, sheets, tmp_path):
        real = save(tmp_path / "answers.jsonl", sheets[:3])
        played = [dataclasses.replace(item, rater=f"simulated-{item.rater}") for item in sheets[3:]]
        with pytest.raises(InputError, match=r"3 of 6 raters are simulated.*never mixed"):
            find_answers(prepared[0], None, [real, save(tmp_path / "s.jsonl", played)])
        with pytest.raises(InputError, match="never mixed"):
            find_answers(prepared[0], None, [save(tmp_path / "both.jsonl", [*sheets[:3], *played])])
        assert find_answers(prepared[0], None, [save(tmp_path / "only.jsonl", played)]).simulated

    def test_a_file_may_say_that_it_is_simulated(self, prepared, sheets, tmp_path):
        by_name = save(tmp_path / "simulated.jsonl", sheets[:2])
        assert find_answers(prepared[0], None, [by_name]).simulated
        marked = tmp_path / "marked.jsonl"
        marked.write_text(json.dumps({**sheets[0].to_json(), "simulated": True}) + "\n")
        assert find_answers(prepared[0], None, [marked]).simulated

    def test_more_raters_than_seats_are_welcome(self, prepared, tmp_path):
        late = dataclasses.replace(answered(prepared[0], 1, "late", lambda item: "3"), seat=7)
        sheets = find_answers(prepared[0], None, [save(tmp_path / "late.jsonl", [late])])
        assert [item.seat for item in sheets.sheets] == [1]

    def test_sheets_from_outside_are_checked_again(self, prepared, sheets, tmp_path):
        where = next(n for n, item in enumerate(sheets[0].entries) if "ratings" in item.answer)
        entry = sheets[0].entries[where]
        forged = {**entry.answer, "ratings": [{**entry.answer["ratings"][0], "answer": "99"}]}
        entries = tuple(
            dataclasses.replace(item, answer=forged) if n == where else item for n, item in enumerate(sheets[0].entries)
        )
        bad = save(tmp_path / "forged.jsonl", [dataclasses.replace(sheets[0], entries=entries)])
        with pytest.raises(InputError, match=r"forged\.jsonl"):
            find_answers(prepared[0], None, [bad])

    def test_the_database_of_the_folder_is_read_unless_only_simulated_answers_are_named(
        self, prepared, sheets, tmp_path
    ):
        from listening_test.collection.sessions import Sessions
        from listening_test.collection.tokens import Signer

        test = dataclasses.replace(prepared[0], folder=tmp_path / "copy")
        save_test(test, prepared[1])
        with closing(Database(default_url(test.folder), test)) as database:
            Sessions(test, database, Signer(b"s" * 32, test.digest())).open_session(language="en")
        path = save(tmp_path / "more.jsonl", sheets[:2])
        assert len(find_answers(test, None, [path]).sheets) == 3
        alone = find_answers(test, None, [save(tmp_path / "simulated.jsonl", sheets[:2])])
        assert alone.simulated and len(alone.sheets) == 2


class Place:
    """A folder with a run of two systems and a listening test made from it, and the command line in it."""

    def __init__(self, folder):
        self.folder, self.run = folder, folder / "runs/small"
        self.test, self.listening = folder / "listening/arena", folder / "runs/small/listening"

    def call(self, *words, run=command_line.run):
        return run([str(word) for word in words], cwd=self.folder, env={**os.environ, "COLUMNS": "120"})

    def listen(self, *words, **more):
        return self.call("listen", "report", self.test, *words, **more)

    def report(self):
        return self.call("report", "small", "--store", "store", "--runs", "runs")

    def boards(self):
        return {path.name: path.read_bytes() for path in self.run.glob("leaderboard.*")}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    place = Place(tmp_path_factory.mktemp("place"))
    rows = [{"suite": "small", "version": "1"}]
    ids = ("en-prompt-0", "zh-prompt-1", "en-prompt-2", "zh-prompt-3")
    rows += [{"id": item, "lyrics": "[verse]\nla la la", "seconds": 1.0} for item in ids]
    (place.folder / "small.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    words = ("--suite", "small.jsonl", "--systems", "probe,silence", "--metrics", "level@probe")
    process = place.call("run", *words, "--store", "store", "--runs", "runs")
    assert process.returncode == 0, process.stderr
    _, key = made_up_test(
        place.test, "acr", systems=("probe", "silence"), prompts=4, seats=6, seconds=1.1, scales=SCALE, name="arena",
        screening={"agreement": None, "minimum_sd": None},
    )  # fmt: skip
    save_test(load_test(place.test), dataclasses.replace(key, run="small", runs="runs"))
    names = [f"r{n}" for n in range(6)]
    save(place.folder / "answers.jsonl", sheets_of(load_test(place.test), key, names))
    return place


@pytest.fixture(autouse=True)
def _no_panels_left(request):
    yield
    if "place" in request.fixturenames:
        shutil.rmtree(request.getfixturevalue("place").listening, ignore_errors=True)


def test_from_answers_to_columns_of_the_leaderboard(place):
    before = place.boards()
    process = place.listen("--answers", "answers.jsonl", "--store", "store", run=command_line.fresh)
    assert process.returncode == 0, process.stderr
    assert "MUS-V: Voice (1 to 5)" in process.stdout and "\x1b" not in process.stdout
    assert "level@probe" in process.stdout, "metrics are compared with the raters"
    assert (place.test / "report/report.html").exists() and (place.test / "report/figures/means-MUS-V.svg").exists()
    result = json.loads((place.listening / "arena.json").read_text())
    systems = result["scales"][0]["systems"]
    assert systems["probe"]["value"] > systems["silence"]["value"]

    board = place.report()
    assert board.returncode == 0, board.stderr
    assert "MUS-V@arena" in board.stdout and "6r 4s" in board.stdout and "6 raters after screening" in board.stdout
    row = pd.read_csv(place.run / "leaderboard.csv").set_index(["column", "system"]).loc[("MUS-V@arena", "probe")]
    assert (row["kind"], row["n_raters"], row["n"]) == ("panel", 6, 4)
    assert row["value"] == pytest.approx(systems["probe"]["value"])

    (place.listening / "arena.json").unlink()
    assert place.report().returncode == 0
    assert place.boards() == before, "without a result nothing of the leaderboard changes"


def test_simulated_answers_are_marked_everywhere(place):
    shutil.copy(place.folder / "answers.jsonl", place.folder / "simulated.jsonl")
    process = place.listen("--answers", "simulated.jsonl", "--store", "store")
    assert process.returncode == 0, process.stderr
    assert "SIMULATED: a program answered" in process.stdout
    assert (place.test / "report-simulated/report.md").exists()
    assert [path.name for path in place.listening.iterdir()] == ["arena.simulated.json"]
    board = place.report()
    assert "(simulated)" in board.stdout and "SIMULATED: the columns @arena (simulated)" in board.stdout
    names = set(pd.read_csv(place.run / "leaderboard.csv")["column"])
    assert "MUS-V@arena (simulated)" in names and "MUS-V@arena" not in names


def test_what_cannot_be_is_refused_with_a_cure(place):
    assert "Give the folder of a prepared test, or --import" in place.call("listen", "report").stderr
    twice = place.listen("--answers", "answers.jsonl", "--answers", "answers.jsonl")
    assert twice.returncode == 2 and "there twice" in twice.stderr and "Traceback" not in twice.stderr
    place.listening.mkdir()
    (place.listening / "x.json").write_text('{"schema": 1}')
    board = place.report()
    assert board.returncode == 2 and "x.json" in board.stderr and "not the result of a listening test" in board.stderr
    blocked = place.listen("--answers", "answers.jsonl", "--no-leaderboard", "--to", "small.jsonl")
    assert blocked.returncode == 2 and "This is a file, not a folder" in blocked.stderr
    quiet = place.listen("--answers", "answers.jsonl", "--no-leaderboard", "--to", "out")
    assert quiet.returncode == 0 and not (place.listening / "arena.json").exists()
    assert (place.folder / "out/report.json").exists()
