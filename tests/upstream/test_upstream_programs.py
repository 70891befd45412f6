"""Unmodified programs of other people's, from their first statement to the file they write, without their models.

The packages that need a GPU, and the models, are absent: modules of which anything can be asked (`absent`). Real are
the program, its argument parser, how it reads its files and cuts the lyrics, what it gives to the model, and where it
writes. Each is called as our adapter calls it, for every prompt.
"""

import json
import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
from layers import HERE, layered_environment, linked_checkout, plant, python_of, upstream_folder
from prompts import prompts

from songbench.contracts.registry import build_system
from songbench.domain.audio import Audio, MemoryAudio
from songbench.domain.lyrics import parse_lyrics
from songbench.domain.prompt import FileAsset, Prompt
from songbench.domain.song import Request, Song
from songbench.resources.script_system import WORKER

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

LYRICS = "[verse]\nHello little world\nWe sing along tonight\n[chorus]\nLa la la\n[verse]\nAnd on we go"
CLIP = FileAsset(Path("clip.wav"))


@dataclass(frozen=True, kw_only=True)
class Program:
    """A program and what is known of it.

    Attributes:
        site: whose models are absent.
        specs: variants of the adapter.
        sung: the words that the models were given, out of the notes of the absent ones.
        style: the kind and text of the style that they were given.
        files: name of weights → files with content, path → text.
        writes: whether it is followed to the file it writes.
    """

    site: str
    specs: tuple[str, ...]
    sung: Callable[[list], str]
    style: Callable[[list], str]
    files: dict = field(default_factory=dict)
    writes: bool = True


def notes_of(kind):
    return lambda notes: [value for name, value in notes if name == kind]


PROGRAMS = {
    "yue": Program(
        site="yue",
        specs=("yue", "yue:icl"),
        sung=lambda notes: "\n".join(notes_of("sections")(notes)[0]),
        style=lambda notes: notes_of("genre")(notes)[0],
        writes=False,
    ),
    "heartmula": Program(
        site="heartmula",
        specs=("heartmula",),
        sung=lambda notes: notes_of("text")(notes)[1],
        style=lambda notes: notes_of("text")(notes)[0].removeprefix("<tag>").removesuffix("</tag>"),
        files={"heartmula-gen": {"gen_config.json": "{}", "tokenizer.json": "{}"}},
    ),
    "levo": Program(
        site="levo",
        specs=("levo", "levo:audio", "levo:base-full", "levo:large-audio"),
        sung=lambda notes: notes_of("song")(notes)[0]["lyrics"][0],
        style=lambda notes: notes_of("song")(notes)[0]["style"][0] or "",
        files={
            "levo-runtime": {
                "ckpt/vae": "",
                **{f"third_party/demucs/ckpt/htdemucs.{end}": "" for end in ("pth", "yaml")},
            }
        },
    ),
    "diffrhythm2": Program(
        site="diffrhythm2",
        specs=("diffrhythm2", "diffrhythm2:audio"),
        sung=lambda notes: "\n".join(notes_of("sung")(notes)),
        style=lambda notes: "" if notes_of("style")(notes) == ["audio"] else notes_of("style")(notes)[0][0],
        files={"diffrhythm2-model": {"model.json": '{"mel_dim": 64, "block_size": 10}'}},
    ),
    "songbloom_upstream": Program(
        site="songbloom",
        specs=("songbloom_upstream", "songbloom_upstream:full_150s_dpo", "songbloom_upstream:full_240s"),
        sung=lambda notes: notes_of("song")(notes)[0]["lyrics"],
        style=lambda notes: "",
    ),
}
SPECS = [(name, spec) for name, program in PROGRAMS.items() for spec in program.specs]


@pytest.fixture
def built(set_folders, tmp_path):
    """A function that builds an adapter upon the real program without models: the system, and its Python."""
    systems = []

    def build(name, spec):
        variant = spec.partition(":")[2]
        system = build_system(name, {"variant": variant} if variant else {})
        source, checkout = upstream_folder(system.upstream), tmp_path / "checkout"
        absent = [file for file in system.upstream.files if not (source / file).exists()]  # large ones, submodules
        linked_checkout(source, checkout, dict.fromkeys(absent, ""))
        modules = {
            "sitecustomize.py": HERE / "sites" / f"{PROGRAMS[name].site}_site.py",
            "absent.py": HERE / "absent.py",
            **{path.name: path for path in (HERE / "sites" / "sound.py", HERE / "sites" / "gpu.py")},
        }
        environment = layered_environment(None, tmp_path / "environment", modules)
        set_folders(system, environment, checkout)
        sources = {}
        for entry in system.weights:
            sources[entry.name] = tmp_path / "sources" / entry.name
            sources[entry.name].mkdir(parents=True)
            for path, text in PROGRAMS[name].files.get(entry.name, {}).items():
                (sources[entry.name] / path).parent.mkdir(parents=True, exist_ok=True)
                (sources[entry.name] / path).write_text(text, encoding="utf-8")
        plant(system, sources)
        systems.append(system)
        return system, python_of(environment)

    yield build
    for system in systems:
        system.close()


def words(text):
    """The words, whatever stands between them; tags are none."""
    return re.findall(r"\w+", re.sub(r"\[[^\]\n]*\]", " ", text).lower())


@pytest.mark.parametrize(("name", "spec"), SPECS)
def test_it_takes_every_prompt_as_our_adapter_gives_it(built, tmp_path, name, spec):
    (system, python), program = built(name, spec), PROGRAMS[name]
    requests = {
        label: Request(prompt=replace(prompt, style=prompt.style or "pop", prompt_audio=CLIP), take=0, seed=3)
        for label, prompt in prompts().items()
    }
    requests = {label: request for label, request in requests.items() if system.unsupported(request) is None}
    invocations = [system.invoke(request) for request in requests.values()]
    settings = {
        **system.worker_settings(),
        "weights": {entry.name: str(folder) for entry, folder in folders(system)},
        "upstream": str(tmp_path / "checkout"),
        "scratch": str(tmp_path),
    }
    job = {"worker": str(WORKER), "settings": settings, "invocations": [entry.to_json() for entry in invocations]}
    run = subprocess.run(
        [python, "-X", "utf8", HERE / "many_calls.py"],
        check=False,
        input=json.dumps(job),
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout[-2000:] + run.stderr[-2000:]
    answers = json.loads(run.stdout.splitlines()[-1])
    assert len(answers) > 20
    for (label, request), invocation, answer in zip(requests.items(), invocations, answers, strict=True):
        assert answer["error"] is None, (label, answer["error"])
        assert answer["options"], label
        assert words(program.sung(answer["notes"])) == words("\n".join(request.prompt.lyrics.lines)), label
        assert program.style(answer["notes"]) == invocation.rendering.style_text, label


def folders(system):
    from songbench.resources.weights import folder_of

    return [(entry, folder_of(entry)) for entry in system.weights]


@pytest.mark.parametrize(("name", "spec"), [(name, spec) for name, spec in SPECS if PROGRAMS[name].writes])
def test_its_file_becomes_a_song(built, name, spec):
    time = np.arange(12 * 44_100) / 44_100
    clip = MemoryAudio(Audio(np.sin(2 * np.pi * 220 * time)[None].astype("f4"), 44_100))
    prompt = Prompt(id="p", lyrics=parse_lyrics(LYRICS), style="pop, piano", prompt_audio=CLIP)
    system, _ = built(name, spec)
    (song,) = system.generate([Request(prompt=prompt, take=0, seed=3, prompt_audio=clip)])
    assert isinstance(song, Song), song.cause + song.detail
    audio = song.source.load()
    assert audio.seconds == pytest.approx(0.3, abs=0.06)  # an MP3 has some silence around it
    assert np.abs(audio.samples).max() > 0.2
