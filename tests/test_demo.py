"""The main job as a user meets it: the demo suite from nothing to a leaderboard, then every documented command.

All of it happens in one folder, as the later commands report on what the first one made; with what is sung in half of
the suite's prompts, and in the slow tests with all of them as they are.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import command_line
import documented
import nbclient
import nbformat
import numpy as np
import pandas
import pytest
import served
import soundfile

from songbench.contracts import registry
from songbench.domain.suite import load_suite
from songbench.resources import weights
from songbench.suites import DEMO

ROOT = Path(__file__).parents[1]
HALF = ("en-pop-window", "en-ballad-letter", "zh-electronic-city")
ALL = tuple(prompt.id for prompt in load_suite(DEMO).prompts)

pytestmark = [
    pytest.mark.timeout(900),
    pytest.mark.skipif(
        any(weights.path(registry.load(registry.WEIGHTS, name)) is None for name in ("whisper-base", "musicnn")),
        reason="the embedded weights are not here: songbench setup",
    ),
]


def command(folder, *words):
    """Run the command line as installed, without the plug-in of the tests, on the folder's demo suite."""
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return command_line.run(words, cwd=folder, env={**env, command_line.DEMO: str(folder / "demo.jsonl")})


def suite_of(names, path, instrumental=True):
    """Write the demo suite with these prompts only, and unless `instrumental`, without their instrumental parts."""
    head, *rows = map(json.loads, DEMO.read_text(encoding="utf-8").splitlines())
    prompts = [row for row in rows if row["id"] in names]
    for prompt in () if instrumental else prompts:
        sections = prompt["lyrics"].strip().split("\n\n")
        prompt["lyrics"] = "\n\n".join(section for section in sections if "\n" in section)
        prompt["seconds"] -= sum(section.count("[") for section in sections if "\n" not in section)
    path.write_text("".join(json.dumps(row) + "\n" for row in (head, *prompts)), encoding="utf-8")
    return path


@pytest.fixture(
    scope="module", params=[HALF, pytest.param(ALL, marks=pytest.mark.slow)], ids=["half the suite", "whole suite"]
)
def names(request):
    """The prompts of the suite."""
    return request.param


@pytest.fixture(scope="module")
def folder(tmp_path_factory, names):
    """A folder with a finished demo run and the files that the documentation's commands speak of."""
    folder = tmp_path_factory.mktemp("demo")
    suite_of(names, folder / "demo.jsonl", instrumental=names == ALL)
    process = command(folder, "run")
    assert process.returncode == 0, process.stderr
    (folder / "downloads").mkdir()
    for name in names:  # silence, as it takes a while to seek words in sound
        soundfile.write(folder / f"downloads/{name}.wav", np.zeros(24000), 24000)
    prompt = {"id": "rain", "lyrics": "[verse]\nRain on the roof tonight", "seconds": 8}
    (folder / "my_prompts.jsonl").write_text(json.dumps(prompt) + "\n")
    (folder / "paste.txt").write_text("[Verse 1]\nRain on the roof tonight\n\n[Guitar Solo]\n")
    shutil.copytree(folder / "results/runs/demo", folder / "first")
    return folder


@pytest.fixture(scope="module")
def board(folder):
    frame = pandas.read_csv(folder / "first/leaderboard.csv")
    return frame.pivot(index="system", columns="column", values="value")


@pytest.fixture(scope="module")
def songs(folder):
    return pandas.read_csv(folder / "first/scores.csv")


def test_every_song_and_score_came_about(folder, songs, names):
    state = command(folder, "status", "demo")
    assert state.returncode == 0
    assert set(songs["system"]) == {"rulebased", "reference", "copy_prompt", "noise", "silence"}
    assert songs.groupby("column")["prompt"].nunique().drop("rtf", errors="ignore").min() >= len(names) - 1


def test_the_sung_words_are_intelligible(songs, board, names):
    stem = songs[(songs["column"] == "per@whisper-base-stem") & (songs["system"] == "rulebased")]
    english = stem[stem["prompt"].str.startswith("en-")]["value"]
    assert len(english) == sum(name.startswith("en-") for name in names)
    assert english.mean() <= 35
    assert board.loc["rulebased", "per@whisper-base-mix"] < 60


@pytest.mark.slow
@pytest.mark.parametrize(("language", "names"), [("en", ALL[:2]), ("zh", ALL[-2:])], ids=["en", "zh"])
def test_speech_is_heard_better_than_singing_and_wrong_words_hardly_at_all(tmp_path, language, names):
    """Benchmark script and claim at once, with two prompts."""
    script = ROOT / "benchmarks/intelligibility.py"
    suite = suite_of(names, tmp_path / "two.jsonl", instrumental=False)
    process = subprocess.run(
        [sys.executable, script, "--suite", suite, "--out", tmp_path, "--heard", "speech,vocals,wrong"],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    report = json.loads((tmp_path / "intelligibility.json").read_text())
    per = {(row["language"], row["condition"]): row["per"] for row in report["rows"]}
    reason = "few words: singing may be heard as well as speech"
    assert per[language, "speech"] < per[language, "vocals"] + 5, reason
    assert per[language, "vocals"] < per[language, "wrong"] - 30
    assert language == "zh" or per["en", "vocals"] <= 35


def test_the_anchors_lie_where_they_should(board):
    per, similarity = board["per@whisper-base-mix"], board["similarity@musicnn"]
    assert per["silence"] == 100
    assert per["noise"] >= 95
    assert per["copy_prompt"] > per["rulebased"] + 20
    assert per["copy_prompt"] > per["reference"] + 20
    assert similarity.idxmax() == "copy_prompt"
    assert similarity["noise"] == similarity.min()
    assert np.isnan(similarity["silence"])
    assert board.loc["copy_prompt", "copied@musicnn"] > 0.8 > 2 * board.loc["rulebased", "copied@musicnn"]
    for distance in (board["fad@musicnn"], board["kad@musicnn"]):
        assert np.isnan(distance["reference"]), "zero by construction is not a result"
        assert max(distance["rulebased"], distance["copy_prompt"]) < min(distance["noise"], distance["silence"])
    assert board.loc["silence", "ser@novelty"] == 100
    assert np.isnan(board.loc["silence", "lufs"])
    assert board["rtf"].dropna().index.tolist() == ["rulebased"]


def test_the_table_says_what_to_make_of_copying(folder):
    text = (folder / "first/leaderboard.md").read_text()
    assert re.search(r"copy_prompt .* is ahead of every competitor in .*similarity@musicnn", text)
    assert "by construction" in text


def test_a_second_run_recomputes_nothing(folder):
    before = {path: path.stat().st_mtime_ns for path in (folder / "results/store").rglob("*.*")}
    process = command(folder, "run")
    assert process.returncode == 0
    assert "nothing to compute" in process.stderr
    assert {path: path.stat().st_mtime_ns for path in (folder / "results/store").rglob("*.*")} == before
    for name in ("leaderboard.json", "leaderboard.md", "leaderboard.csv", "leaderboard.tex", "scores.csv"):
        assert (folder / "results/runs/demo" / name).read_bytes() == (folder / "first" / name).read_bytes()


@pytest.fixture(scope="module")
def documented_lines(folder):
    """Every documented command, run in the order of the pages; those about a plug-in have a test of their own.

    The pages whose figures and facets every later report of the run would repeat come last. Workers have made the run
    before; here they would only load everything again for each command.
    """
    pages = [page for page in documented.PAGES if page.name not in ("extending.md", "add-a-system.md")]
    pages.sort(key=lambda page: page.name in ("figures.md", "leaderboard.md"))
    lines = list(documented.commands(*pages))
    assert documented.check(lines, lambda *words: command(folder, *command_line.without_workers(words))) > 10
    return [line for _, line in lines]


def test_every_documented_command_works(documented_lines):
    assert "songbench run" in documented_lines


def test_the_demo_can_be_listened_to(folder, documented_lines):
    """What ``make listen-demo`` does after the run: prepare, serve; and whoever comes is shown the first page."""
    recipe = subprocess.run(["make", "-n", "listen-demo"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    prepare, serve = (shlex.split(words) for words in re.findall(r"songbench (listen .*)", recipe.replace("\\\n", "")))
    assert shlex.join(["songbench", *prepare]) in documented_lines
    assert serve == ["listen", "serve", prepare[-1]]
    with served.start(folder / prepare[-1]) as server:
        rater = served.Rater(server.url, language="zh")
        assert rater.open()["page"]["kind"] == "consent"
        assert rater.answer()["page"]["kind"] == "background"


@pytest.mark.parametrize(
    ("notebook", "files"), [("figure", ["intervals.pdf"]), ("compare", ["differences.pdf", "comparison.tex"])]
)
def test_the_notebooks_run(folder, notebook, files, tmp_path, monkeypatch):
    """In a kernel of their own, with the demo suite of the folder."""
    startup = tmp_path / "profile_default/startup"
    startup.mkdir(parents=True)
    suite = f"import songbench.suites as s, pathlib; s.DEMO = pathlib.Path({str(folder / 'demo.jsonl')!r})"
    (startup / "demo.py").write_text(suite)
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    book = nbformat.read(ROOT / f"docs/notebooks/{notebook}.ipynb", as_version=4)
    nbclient.NotebookClient(book, timeout=300, resources={"metadata": {"path": str(folder)}}).execute()
    outputs = [output["data"] for cell in book.cells for output in cell.get("outputs", ()) if "data" in output]
    assert any("<table" in data.get("text/html", "") for data in outputs)
    assert any("image/png" in data for data in outputs)
    assert all((folder / name).stat().st_size > 500 for name in files)
