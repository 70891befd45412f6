"""What the page on training says about memory and time follows from the arithmetic."""

import json
import re
from pathlib import Path

import pytest

from systems.songbloom.costs import training_flops
from systems.songbloom.lora.config import LoraConfig
from systems.songbloom.presets import PRESETS
from systems.songbloom.training.memory_costs import GIB, MemorySettings, training_memory

ROOT = Path(__file__).parents[4]
PAGE = (ROOT / "docs/training.md").read_text(encoding="utf-8")
SHARE = 0.4
CARD, H100, A100 = 165e12, 989e12, 312e12


def rows(heading):
    table = PAGE.split(heading)[1].split("\n\n")[1]
    for line in table.splitlines()[2:]:
        name, *cells = (cell.strip() for cell in line.strip("|").split("|"))
        yield re.findall("`([a-z0-9_]+)`", name)[0], [float(re.match(r"[\d.]+", cell)[0]) for cell in cells]


def operations(name):
    """Of one song of the longest, with layers computed again: a forward pass more."""
    config = PRESETS[name]
    frames = config.trained_seconds * config.autoencoder.frame_rate // config.model.patch * config.model.patch
    return training_flops(config.model, 1, int(frames)) * 4 / 3


def test_memory():
    for name, (everything, adapters) in rows("## Memory and time"):
        config = PRESETS[name]
        settings = MemorySettings(seconds=config.trained_seconds)
        assert training_memory(config, settings, None).total / GIB == pytest.approx(everything, abs=0.06)
        assert training_memory(config, settings, LoraConfig()).total / GIB == pytest.approx(adapters, abs=0.06)


def test_time():
    for name, (tera, card, h100, a100) in rows("<!-- hours -->"):
        step = operations(name)
        assert step / 1e12 == pytest.approx(tera, rel=0.02)
        hours = 2000 * 8 * step / SHARE / 3600
        assert hours / CARD == pytest.approx(card, rel=0.05)
        assert hours / H100 == pytest.approx(h100, rel=0.15)
        days = 150_000 * 128 * step / SHARE / 3600 / 24
        assert days / (16 * A100) == pytest.approx(a100, rel=0.05)


def measurements(name):
    lines = (ROOT / "results/songbloom_training" / name).read_text(encoding="utf-8").splitlines()
    return {row["system"]: row for row in map(json.loads, lines)}


def test_the_speed_is_the_measured_one():
    measured = measurements("cpu.jsonl")
    for system, name in (("upstream", "upstream's classes"), ("songbench", "songbench")):
        row = measured[system]
        cells = re.search(rf"^\| {name} \|(.*)\|$", PAGE, re.MULTILINE)[1].split("|")
        seconds, tokens, share, peak = (float(re.match(r" *([\d.]+)", cell)[1]) for cell in cells)
        assert seconds == round(row["seconds_per_step"], 1)
        assert tokens == round(row["tokens_per_second"])
        assert share == round(100 * row["roofline_share"])
        assert peak == round(row["peak_gib"], 1)
    songbench, upstream = measured["songbench"], measured["upstream"]
    assert f"{songbench['times_faster']:.2f} times as fast" in PAGE
    assert songbench["losses"] == pytest.approx(upstream["losses"], abs=2e-6)


@pytest.mark.parametrize("name", ["cpu.jsonl", "cpu_checkpointing.jsonl", "cpu_amd_epyc.jsonl"])
def test_every_measurement_is_told_with_its_rounds(name):
    speed = measurements(name)["songbench"]
    low, high = min(speed["times_faster_each_round"]), max(speed["times_faster_each_round"])
    phrase = rf"{speed['times_faster']:.2f} times[^(]*\({low:.2f} (and|to) {high:.2f}"
    assert re.search(phrase, PAGE), phrase
    assert measurements(name)["machine"]["checkpointing"] == (name == "cpu_checkpointing.jsonl")
