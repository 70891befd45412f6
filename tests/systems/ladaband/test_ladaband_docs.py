"""The page on LaDA-Band says what is so: its example runs, its settings and files are those of the code."""

import re
from dataclasses import fields
from pathlib import Path

from systems.ladaband.config import SamplerConfig

PAGE = Path(__file__).parents[3] / "docs/ladaband.md"
TEXT = PAGE.read_text(encoding="utf-8").split("## The model and the sampler")[1].split("\n## ")[0]


def section(title):
    return TEXT.split(f"### {title}")[1].split("\n### ")[0]


def test_the_example_of_the_sampler(tmp_path, monkeypatch, capsys):
    (example,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    exec(compile(example, str(PAGE), "exec"), {})
    output = capsys.readouterr().out.splitlines()
    assert output[0] == "pass 1 of 12"
    assert output[-1] == "[(251,), (90,)]"


def test_the_table_has_every_setting_with_its_default():
    rows = re.findall(r"^\| (`[^|]+) \| ([^|]+) \|", section("Settings of the sampler"), re.MULTILINE)
    table = {}
    for names, defaults in rows:
        values = [part.strip("` ") for part in defaults.split(",")]
        table |= dict(zip(re.findall(r"`(\w+)`", names), values, strict=True))
    config = SamplerConfig()
    expected = {field.name: getattr(config, field.name) for field in fields(config)}
    assert table == {name: str(value).lower() for name, value in expected.items()}


def test_the_other_ways_are_settings():
    names = {field.name for field in fields(SamplerConfig)}
    for name in re.findall(r"`(\w+): \w+`", section("Where upstream deviates from its paper, and from itself")):
        assert name in names, name


def test_the_files_are_there():
    folder = Path(__file__).parents[3] / "systems/ladaband"
    files = re.findall(r"`(\w+\.py)`", section("Reading the code"))
    assert len(files) == 11
    assert [name for name in files if not (folder / name).is_file()] == []
