"""docs/systems-hosted.md: its recipe for services without an API, its example of an adapter, its table."""

import re
import shlex
from pathlib import Path

import pytest
from http_service import http_service, sound

from songbench.contracts.registry import build_system
from songbench.domain.lyrics import parse_lyrics
from songbench.domain.prompt import Prompt
from songbench.domain.song import Request, Song
from songbench.resources.hosted import Terms

PAGE = (Path(__file__).parents[2] / "docs/systems-hosted.md").read_text(encoding="utf-8")


def block(kind, beginning=""):
    """The first code block of a kind that begins so."""
    blocks = re.findall(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL)
    return next(text for text in blocks if text.startswith(beginning))


def test_the_recipe_for_songs_made_by_hand(tmp_path, songbench_here):
    (tmp_path / "suno.csv").write_text(block("csv"))
    (tmp_path / "udio.jsonl").write_text(block("json"))
    for number, name in enumerate(re.findall(r"\w+/[\w-]+\.(?:mp3|wav)", block("csv") + block("json"))):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(sound(name[-3:], hertz=200.0 + 10 * number))
    rows = [f'{{"id": "{name}", "lyrics": "[verse]\\nla la la"}}\n' for name in ("window", "letter")]
    (tmp_path / "my_prompts.jsonl").write_text("".join(rows))
    program, command, *words = shlex.split(block("text", "songbench run --suite"))
    assert (program, command, words[-4:]) == ("songbench", "run", ["--metrics", "audio", "--name", "services"])
    process = songbench_here("generate", *words[:-4], "--set", "engine=inline")  # scores take longer and add nothing
    output = " ".join((process.stdout + process.stderr).split())
    assert process.returncode == 1, output
    assert "suno-v5: 4 of 4 songs found" in output
    assert "udio: 3 of 4 songs found" in output and "no file for letter take 1" in output
    assert "1 songs or scores failed" in output


def test_the_example_of_an_adapter(tmp_path, monkeypatch):
    source = block("python")
    assert len(source.strip().splitlines()) <= 60
    names = {}
    exec(compile(source, "systems-hosted.md", "exec"), names)
    monkeypatch.setenv("SONGBENCH_HOSTED", str(tmp_path))
    monkeypatch.setenv("FAR_SINGER_KEY", "secret")
    with http_service() as service:
        monkeypatch.setenv("FAR_SINGER_URL", service.address)
        service.route("POST", "/songs")({"id": "t1"})
        service.route("GET", "/songs/t1")({"state": "done", "url": f"{service.address}/file"})
        service.route("GET", "/file")(sound("flac"))
        prompt = Prompt(id="p", lyrics=parse_lyrics("[verse]\nla la la"), style="pop")
        (song,) = names["FarSinger"](max_songs=1).generate([Request(prompt=prompt, take=0, seed=1)])
    assert isinstance(song, Song) and song.record.rendering.style_text == "pop"


@pytest.mark.parametrize("name", ["mureka", "minimax", "elevenlabs_music"])
def test_the_page_names_every_setting_and_variable(name):
    system = build_system(name)
    settings = [*Terms.model_fields, *(key for key in system.settings if key != "model")]
    variables = [system.service.key_variable, system.service.address_variable]
    assert [word for word in (*settings, *variables) if f"`{word}`" not in PAGE] == []
