"""What the page on training says about memory and time follows from the arithmetic."""

import re
from pathlib import Path

import pytest

from systems.songbloom.costs import training_flops
from systems.songbloom.lora.config import LoraConfig
from systems.songbloom.presets import PRESETS
from systems.songbloom.training.memory_costs import GIB, MemorySettings, training_memory

PAGE = (Path(__file__).parents[4] / "docs/training.md").read_text(encoding="utf-8")
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
