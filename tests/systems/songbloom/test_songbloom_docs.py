"""The worked example of docs/songbloom.md, run as it stands on a small random checkpoint."""

import json
import re
from pathlib import Path

import numpy as np
import soundfile
from songbloom_random import random_checkpoint

from systems.songbloom import loading

PAGE = Path(__file__).parents[3] / "docs" / "songbloom.md"


RESULTS = PAGE.parents[1] / "results" / "songbloom_speed"


def measured(name):
    return [json.loads(row) for row in (RESULTS / name).read_text(encoding="utf-8").splitlines()]


def test_the_speeds_are_the_measured_ones():
    """The table of the page and the sentence of the README are those of the committed results."""
    rows = measured("cpu.jsonl")
    by_songs = {row["songs"]: row for row in rows if row["system"] == "songbench" and row["size"] == "mid"}
    (upstream,) = [row for row in rows if row["system"] == "upstream" and row["size"] == "mid"]
    assert upstream["same_tokens"]
    assert upstream["largest_latent_difference"] < 1e-5
    table = PAGE.read_text(encoding="utf-8").split("<!-- speed -->")[1].split("<!-- /speed -->")[0]
    table_rows = re.findall(r"^\| (\d) together \| ([\d.]+) \|.* ([\d.]+)x \|$", table, re.M)
    assert [int(songs) for songs, _, _ in table_rows] == sorted(by_songs)
    for songs, seconds, times in table_rows:
        row = by_songs[int(songs)]
        assert float(seconds) == round(row["seconds_per_patch_and_song"], 2)
        assert float(times) == round(row["times_upstream_this_run"], 1)
    readme = (PAGE.parents[1] / "README.md").read_text(encoding="utf-8")
    single, eight = (round(by_songs[songs]["times_upstream_this_run"], 1) for songs in (1, 8))
    assert (
        f"is {single} times as fast as the released code for one song and {eight} times for eight together"
        in " ".join(readme.split())
    )


def test_the_speeds_on_other_processors_are_the_measured_ones():
    """A row for each file of a CPU, that of the first machine before the others."""
    table = (
        PAGE.read_text(encoding="utf-8").split("<!-- speed by machine -->")[1].split("<!-- /speed by machine -->")[0]
    )
    lines = [line.strip("| ").split(" | ") for line in table.strip().splitlines()[2:]]
    files = ["cpu.jsonl", *sorted(path.name for path in RESULTS.glob("cpu_*.jsonl"))]
    assert len(lines) == len(files)
    readme = " ".join((PAGE.parents[1] / "README.md").read_text(encoding="utf-8").split())
    for (_, products, single, eight, _), name in zip(lines, files, strict=True):
        rows = [row for row in measured(name) if row["size"] == "mid"]
        (machine,) = [row for row in rows if row["system"] == "machine"]
        assert products == f"{machine['flops_per_second'] / 1e9:.0f} GFLOP/s"
        for cell, songs in ((single, 1), (eight, 8)):
            (row,) = [row for row in rows if row["system"] == "songbench" and row["songs"] == songs]
            times, *rounds = (float(number) for number in re.findall(r"[\d.]+", cell))
            decimals = len(cell.split("x")[0].split(".")[1])
            assert times == round(row["times_upstream_this_run"], decimals)
            assert rounds == row.get("times_faster_each_round", []) or not rounds
            assert f"{times:g}" in readme or f"{times}" in readme


def test_the_speeds_in_bfloat16_are_the_measured_ones():
    """Ours in both precisions, the released code in bfloat16."""
    page = PAGE.read_text(encoding="utf-8")
    table = page.split("<!-- bfloat16 -->")[1].split("<!-- /bfloat16 -->")[0]
    cells = {row[0]: row[1:] for row in re.findall(r"^\| (\d) \| ([\d.]+) \| ([\d.]+) \| (\S+) \|$", table, re.M)}
    for place, name in enumerate(("cpu_emerald_rapids.jsonl", "bfloat16_emerald_rapids.jsonl")):
        seconds = {
            str(row["songs"]): row["seconds_per_patch_and_song"]
            for row in measured(name)
            if row["system"] == "songbench"
        }
        assert {songs: float(row[place]) for songs, row in cells.items()} == {
            songs: round(value, 2) for songs, value in seconds.items()
        }
    (upstream,) = [row for row in measured("bfloat16_emerald_rapids.jsonl") if row["system"] == "upstream"]
    assert [row[2] for row in cells.values()] == [f"{upstream['seconds_per_patch_and_song']:.2f}", "–", "–"]


def test_the_speeds_on_a_gpu_are_the_measured_ones():
    """Row by row, in the order of the committed results."""
    rows = [row for row in measured("cuda.jsonl") if row["size"] == "full_150s" and row["system"] != "machine"]
    page = PAGE.read_text(encoding="utf-8")
    table = page.split("<!-- speed on a GPU -->")[1].split("<!-- /speed on a GPU -->")[0]
    table_rows = [line.strip("| ").split(" | ") for line in table.splitlines() if re.match(r"\| (\d|released)", line)]
    assert len(table_rows) == len(rows)
    for (songs, *figures), row in zip(table_rows, rows, strict=True):
        assert songs.startswith("released code, one song" if row["system"] == "upstream" else str(row["songs"]))
        assert songs.endswith("compiled") is bool(row.get("compiled"))
        assert songs.endswith("first 10 s") is (row["patches"] < 20)
        seconds, stages = row["seconds_per_patch_and_song"], row["stages_per_patch_and_song"]
        measurements = [seconds, stages["sketch"], stages["acoustic"], stages.get("audio")]
        share = f"{row['roofline_share']:.0%}".replace("%", " %") if "roofline_share" in row else "–"
        assert figures == [
            *("–" if one is None else f"{one:.3f}" for one in measurements),
            f"{0.64 / seconds:.1f}x",
            share,
        ]
    (short_run,) = [row for row in rows if row["patches"] == 16]
    times = f"{short_run['times_upstream_this_run']:.1f} times as fast as"
    assert f"One song is decoded {times} by the released code" in page
    assert f"one song {times} the released code" in (PAGE.parents[1] / "README.md").read_text(encoding="utf-8")
    (exact,) = [row for row in measured("cuda.jsonl") if row["system"] == "upstream" and row["precision"] == "float32"]
    assert exact["same_tokens"]
    assert exact["largest_latent_difference"] < 5e-7


def test_the_reading_map_names_every_module():
    """Each file that the page names is there, and each module is named (those of text and training by their folder)."""
    page = PAGE.read_text(encoding="utf-8").split("## Reading the code")[1]
    folder = PAGE.parents[1] / "systems" / "songbloom"
    names = set(re.findall(r"`((?:training/)?\w+\.py)`", page))
    for name in names:
        assert (folder / name).is_file() or (folder / "text" / name).is_file(), name
    assert {path.name for path in folder.glob("*.py")} - names == {"__init__.py"}


def test_the_python_example(tmp_path, monkeypatch, capsys):
    page = PAGE.read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", page, re.S)
    (lyrics,) = re.findall(r"```text\n(\[intro\].*?)```", page, re.S)
    monkeypatch.chdir(tmp_path)
    Path("my-song.txt").write_text(lyrics, encoding="utf-8")
    noise = np.random.default_rng(0).normal(0, 0.1, (11 * 48000, 2))
    soundfile.write("style.wav", noise, 48000)
    files = random_checkpoint(tmp_path / "checkpoint", end_bias=-50)
    monkeypatch.setattr(loading, "find", lambda name: files)
    exec(compile(example, str(PAGE), "exec"), {})
    sound = soundfile.info("song.flac")
    assert (sound.samplerate, sound.channels) == (48000, 2)
    assert sound.frames == 8 * 16 * 1920
    assert "5.1 s at 48000 Hz" in capsys.readouterr().out
