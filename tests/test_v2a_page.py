"""The page from a vocal to a table, as its reader goes: the files it shows, then its commands in their order."""

import json
import os
import re
import shlex

import command_line
import numpy as np
import pytest
import soundfile
from documented import ROOT

PAGE = (ROOT / "docs/v2a.md").read_text(encoding="utf-8")
RATE = 16_000


def blocks(kind):
    return re.findall(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL)


def voice(number, seconds=9.0):
    """A tone that glides and pauses."""
    time = np.arange(round(seconds * RATE)) / RATE
    pitch = 220 * 2 ** (number / 12 + np.sin(time) / 12)
    return 0.2 * np.sin(2 * np.pi * np.cumsum(pitch) / RATE) * (np.sin(np.pi * time) > -0.5)


def band(number, seconds=9.0):
    """Chords that are struck twice a second, and noise."""
    time = np.arange(round(seconds * RATE)) / RATE
    chord = sum(np.sin(2 * np.pi * 110 * 2 ** ((number + step) / 12) * time) for step in (0, 4, 7))
    return 0.1 * chord * np.exp(-6 * (time % 0.5)) + 0.01 * np.random.default_rng(number).standard_normal(len(time))


def test_the_anchors_are_those_of_the_committed_results():
    (table,) = re.findall(r"<!-- anchors -->\n\n(.*?)\n\n<!-- /anchors -->", PAGE, re.DOTALL)
    head, _, *lines = ([part.strip() for part in line.strip("|").split("|")] for line in table.splitlines())
    board = json.loads((ROOT / "results/v2a_demo/leaderboard.json").read_text(encoding="utf-8"))
    cells = {row["system"]["name"]: row["cells"] for row in board["rows"]}
    assert {line[0].strip("`") for line in lines} == set(cells) - {"silence"}
    for name, *texts in lines:
        figures = {column.partition("@")[0]: cell["value"] for column, cell in cells[name.strip("`")].items()}
        assert texts == [f"{figures[field]:.0f} %" for field in head[1:]], name


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_page_leads_from_vocals_to_a_table_and_a_listening_test(tmp_path):
    (suite,) = blocks("json")
    (tmp_path / "vocals.jsonl").write_text(suite, encoding="utf-8")
    for number, name in enumerate(re.findall(r"[a-z]+(?:-vocal|-band)?\.wav", suite)):
        sound = voice(number) if "vocal" in name else band(number)
        soundfile.write(tmp_path / name, sound.astype(np.float32), RATE)
    commands = [line for block in blocks("text") for line in block.splitlines() if line.startswith("songbench")]
    assert len(commands) == 6
    for line in commands:
        process = command_line.run(shlex.split(line)[1:], cwd=tmp_path, env=dict(os.environ))
        assert process.returncode == 0, f"{line}\n{process.stderr}\n{process.stdout}"
    table = (tmp_path / "results/runs/vocals/leaderboard.md").read_text(encoding="utf-8")
    for phrase in ("onset_f1_ref@librosa", "songbench setup fad@clap-2023", "Published elsewhere: ladaband-table1"):
        assert phrase in table
    report = next((tmp_path / "listening/vocals").rglob("report.md")).read_text(encoding="utf-8")
    assert "raters by level" in report and "SIMULATED" in report
