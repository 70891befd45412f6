"""The main job as a user meets it: the demo suite from nothing to a leaderboard, then every documented command.

All of it happens in one folder, which test processes share, as the later commands report on what the first one made.
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
import example_plugin
import numpy as np
import pandas
import pytest
import served
import soundfile
from filelock import FileLock

from songbench.contracts import registry
from songbench.domain.suite import load_suite
from songbench.execution import weights
from songbench.suites import DEMO

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]

pytestmark = [
    pytest.mark.timeout(900),
    pytest.mark.skipif(
        any(weights.path(registry.load(registry.WEIGHTS, name)) is None for name in ("whisper-base", "musicnn")),
        reason="the embedded weights are not here: songbench setup",
    ),
]


def command(folder, *words, python=sys.executable):
    """Run the command line as installed, without the plug-in of the tests."""
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return command_line.run(words, cwd=folder, env=env, python=python)


@pytest.fixture(scope="module")
def shared(tmp_path_factory, worker_id):
    """A folder that all test processes share, and a lock for whoever works in it."""
    base = tmp_path_factory.getbasetemp()
    base = base if worker_id == "master" else base.parent
    (base / "shared").mkdir(exist_ok=True)
    return base / "shared", FileLock(base / "shared.lock")


@pytest.fixture(scope="module")
def finished(shared):
    """The folder with a finished demo run and the files that the documentation's commands speak of."""
    folder, lock = shared
    with lock:
        if not (folder / "ready").exists():
            done = command(folder, "run")
            assert done.returncode == 0, done.stderr
            (folder / "downloads").mkdir()
            for prompt in load_suite(DEMO).prompts:
                soundfile.write(folder / f"downloads/{prompt.id}.wav", 0.1 * np.sin(np.arange(24000) * 0.1), 24000)
            prompt = {"id": "rain", "lyrics": "[verse]\nRain on the roof tonight", "seconds": 8}
            (folder / "my_prompts.jsonl").write_text(json.dumps(prompt) + "\n")
            (folder / "paste.txt").write_text("[Verse 1]\nRain on the roof tonight\n\n[Guitar Solo]\n")
            shutil.copytree(folder / "results/runs/demo", folder / "first")
            (folder / "ready").touch()
    return folder


@pytest.fixture
def folder(shared, finished):
    """The folder, for one test at a time."""
    with shared[1]:
        yield finished


@pytest.fixture(scope="module")
def board(finished):
    frame = pandas.read_csv(finished / "first/leaderboard.csv")
    return frame.pivot(index="system", columns="column", values="value")


@pytest.fixture(scope="module")
def songs(finished):
    return pandas.read_csv(finished / "first/scores.csv")


def test_every_song_and_score_came_about(folder, songs):
    state = command(folder, "status", "demo")
    assert state.returncode == 0
    assert set(songs["system"]) == {"rulebased", "reference", "copy_prompt", "noise", "silence"}
    assert songs.groupby("column")["prompt"].nunique().drop("rtf", errors="ignore").min() >= 5


def test_the_sung_words_are_intelligible(songs, board):
    stem = songs[(songs["column"] == "per@whisper-base-stem") & (songs["system"] == "rulebased")]
    english = stem[stem["prompt"].str.startswith("en-")]["value"]
    assert len(english) == 4
    assert english.mean() <= 35
    assert board.loc["rulebased", "per@whisper-base-mix"] < 60


def test_speech_is_heard_better_than_singing_and_wrong_words_hardly_at_all(tmp_path):
    """Benchmark script and claim at once: English and Mandarin apart, two prompts of each."""
    script, suite = ROOT / "benchmarks/intelligibility.py", tmp_path / "four.jsonl"
    head, *rows = DEMO.read_text(encoding="utf-8").splitlines()
    chosen = [[row for row in rows if json.loads(row)["language"] == language][:2] for language in ("en", "zh")]
    suite.write_text("\n".join([head, *chosen[0], *chosen[1]]) + "\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, script, "--suite", suite, "--out", tmp_path],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    report = json.loads((tmp_path / "intelligibility.json").read_text())
    per = {(row["language"], row["condition"]): row["per"] for row in report["rows"]}
    for language in ("en", "zh"):
        assert per[language, "speech"] < per[language, "vocals"] + 5, (
            "few words: singing may be heard as well as speech"
        )
        assert per[language, "vocals"] < per[language, "wrong"] - 30
    assert per["en", "vocals"] <= 35


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


def test_the_table_says_what_to_make_of_copying(finished):
    text = (finished / "first/leaderboard.md").read_text()
    assert re.search(r"copy_prompt .* is ahead of every competitor in .*similarity@musicnn", text)
    assert "by construction" in text


def test_a_second_run_recomputes_nothing(folder):
    before = {path: path.stat().st_mtime_ns for path in (folder / "results/store").rglob("*.*")}
    done = command(folder, "run")
    assert done.returncode == 0
    assert "nothing to compute" in done.stderr
    assert {path: path.stat().st_mtime_ns for path in (folder / "results/store").rglob("*.*")} == before
    for name in ("leaderboard.json", "leaderboard.md", "leaderboard.csv", "leaderboard.tex", "scores.csv"):
        assert (folder / "results/runs/demo" / name).read_bytes() == (folder / "first" / name).read_bytes()


def test_the_demo_can_be_listened_to(folder):
    """What ``make listen-demo`` does after the run: prepare, serve; and whoever comes is shown the first page."""
    recipe = subprocess.run(["make", "-n", "listen-demo"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    prepare, serve = (shlex.split(words) for words in re.findall(r"songbench (listen .*)", recipe.replace("\\\n", "")))
    assert serve == ["listen", "serve", prepare[-1]]
    prepared = command(folder, *prepare[:-1], "listening/opened")
    assert prepared.returncode == 0, prepared.stderr
    with served.start(folder / "listening/opened") as server:
        rater = served.Rater(server.url, language="zh")
        assert rater.open()["page"]["kind"] == "consent"
        assert rater.answer()["page"]["kind"] == "background"
    shutil.rmtree(folder / "listening/opened")


def documented():
    """Every line of every shell block of README and docs, with its page."""
    for page in PAGES:
        for block in re.findall(r"```bash\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
            for line in block.strip().splitlines():
                if line and not line.startswith("#"):
                    yield page.name, line


def test_every_documented_command_works(folder, tmp_path):
    """In the order of the pages; those about a plug-in in an environment where the documented one is installed."""
    with_example, installed = example_plugin.install(tmp_path, "--no-index", "--no-build-isolation")
    assert installed.returncode == 0, installed.stderr
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    done_already = set()
    for page, line in documented():
        words = shlex.split(line.removeprefix(".venv/bin/"))
        if words[0] == "make":
            assert set(words[1:]) <= targets, f"{page}: {line}"
        elif words[0] == "songbench" and line not in done_already:
            done = command(folder, *words[1:], python=with_example if page == "extending.md" else sys.executable)
            assert done.returncode == 0, f"{page}: {line}\n{done.stderr}\n{done.stdout}"
            done_already.add(line)
        elif words[0] == "pip":
            assert line.removeprefix(".venv/bin/") == example_plugin.COMMAND, f"{page}: {line}"
        else:
            assert words[0] in ("songbench", "git", "cd", "bash", "python"), f"{page}: {line} is not known to work"
    assert len(done_already) > 10
