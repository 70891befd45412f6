"""Systems behind a program of other people's."""

import ast
import re
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from songbench.domain.audio import Audio, MemoryAudio, read_audio
from songbench.domain.lyrics import parse_lyrics
from songbench.domain.prompt import Prompt
from songbench.domain.rendering import Rendering
from songbench.domain.song import Failure, Request, Song
from songbench.plugin import Checkout, Invocation, Layout, ScriptSystem, SystemCard, literal, merged
from songbench.resources.environments import Environment
from songbench.resources.upstream import script_worker
from songbench.resources.weights import WeightFile, Weights

SCRIPT = """
import argparse, json, os, random, struct, sys, time, wave
from helper import loudness

parser = argparse.ArgumentParser()
parser.add_argument("--lyrics")
parser.add_argument("--style")
parser.add_argument("--out")
parser.add_argument("--many")
parser.add_argument("--fake", action="store_true")
args = parser.parse_args()
print("loading", flush=True)

def write(path, rows, rate=8000):
    with wave.open(path, "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(b"".join(struct.pack("<hh", *row) for row in rows))

def sing(name, words):
    if "crash" in words:
        raise ValueError("cannot sing this")
    if "killed" in words:
        os.kill(os.getpid(), 9)
    if "forgets" in words:
        return
    if "memory" in words:
        print("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB", flush=True)
        sys.exit(1)
    level = random.randrange(1000, 9000)
    write(os.path.join(args.out, name + ".wav"), [(level, -level)] * 800)
    write(os.path.join(args.out, name + "_voice.wav"), [(loudness, 0)] * 400)

if args.many:
    for line in open(args.many, encoding="utf-8"):
        row = json.loads(line)
        print("clip of", row["name"], os.path.exists(row["clip"]), row["clip"][-12:])
        try:
            sing(row["name"], row["lyrics"])
        except ValueError as error:
            print(error)
else:
    text = open(args.lyrics, "rb").read()
    assert not text.startswith(b"\\xef\\xbb\\xbf") and b"\\r" not in text
    if b"hangs" in text:
        time.sleep(600)
    assert not os.path.exists("written-in-the-work-tree"), "left by an earlier song"
    open("written-in-the-work-tree", "w").close()
    cached = "hub/models--a--b/snapshots/" + "0" * 40 + "/x.bin"
    print("weights:", open("models/base/model.bin").read(), open(cached).read())
    print("style", args.style, "offline", os.environ["HF_HUB_OFFLINE"], "mode", os.environ["MODE"])
    sing("song", text.decode())
    print("took 0.25 seconds")
    if b"late" in text:
        sys.exit(3)
"""

ENVIRONMENT = Environment(name="toy-program", summary="A toy.", requirements=(), licence="CC0-1.0")
CODE = Checkout(
    name="toy-program",
    summary="A toy.",
    repository="nobody/toy",
    commit="0" * 40,
    licence="CC0-1.0",
    files=("bin/sing.py",),
)
BASE = Weights(
    name="toy-base", version="1", summary="", licence="CC0-1.0", files=(WeightFile("model.bin"),), sources=()
)
OTHER = Weights(name="toy-other", version="1", summary="", licence="CC0-1.0", files=(WeightFile("x.bin"),), sources=())


def invoke(request):
    name = f"{request.prompt.id}-{request.take}"
    lines = "".join(f"{line}\n" for line in request.prompt.lyrics.lines)
    return Invocation(
        arguments=("--lyrics", "{in}/lyrics.txt", f"--style={literal(request.prompt.style)}", "--out", "{out}"),
        files={"lyrics.txt": literal(lines)},
        outputs={"mix": "song.wav", "voice": "*_voice.wav"},
        rendering=Rendering(lyrics=lines, style="text", style_text=request.prompt.style, added=(name,)),
        compute_pattern=r"took ([\d.]+) seconds",
        fake_stereo=request.prompt.style == "fake",
        settings={"steps": 3},
    )


@pytest.fixture
def places(tmp_path, monkeypatch):
    """A checkout, an environment and weights of the toy's."""
    checkout = tmp_path / "checkout"
    (checkout / "bin").mkdir(parents=True)
    (checkout / "bin" / "sing.py").write_text(SCRIPT)
    (checkout / "bin" / "helper.py").write_text("loudness = 3000\n")
    monkeypatch.setenv("SONGBENCH_UPSTREAM_TOY_PROGRAM", str(checkout))
    monkeypatch.setenv("SONGBENCH_ENV_TOY_PROGRAM", getattr(sys, "_base_executable", sys.executable))
    monkeypatch.setenv("SONGBENCH_ENVIRONMENTS", str(tmp_path / "environments"))
    for weights, file in ((BASE, "model.bin"), (OTHER, "x.bin")):
        folder = tmp_path / "weights" / weights.name
        folder.mkdir(parents=True)
        (folder / file).write_text(f"bytes of {weights.name}")
    return tmp_path


@pytest.fixture
def toy(places, monkeypatch):
    """Builds the toy system; its weights are what lies in the folder."""
    systems = []
    monkeypatch.setattr("songbench.resources.weights.verified", lambda entry: places / "weights" / entry.name)
    monkeypatch.setattr("songbench.resources.weights.path", lambda entry: places / "weights" / entry.name)

    def build(**options):
        system = ScriptSystem(
            card=SystemCard(
                name="toy",
                version="1",
                summary="A toy.",
                licence="CC0-1.0",
                conditions=("lyrics", "style text"),
                seed_rule="set by the worker",
            ),
            environment=ENVIRONMENT,
            upstream=CODE,
            script="bin/sing.py",
            weights=(BASE, OTHER),
            layout=Layout(links={"models/base": "toy-base"}, hub={"a/b": "toy-other"}),
            **{"invoke": invoke, "variables": {"MODE": "quiet"}, **options},
        )
        systems.append(system)
        return system

    yield build
    for system in systems:
        system.close()


def request(words="la la", seed=7, take=0, style="pop {out}"):
    prompt = Prompt(id="p", lyrics=parse_lyrics(f"[verse]\n{words}\n"), style=style)
    return Request(prompt=prompt, take=take, seed=seed)


def test_a_program_sings_in_a_work_tree_of_its_own(toy, places):
    before = sorted(str(path) for path in (places / "checkout").rglob("*"))
    system = toy()
    system.self_check(print)
    song, repetition, variation = list(
        system.generate([request("sing {in} loud"), request("sing {in} loud"), request(seed=8)])
    )
    assert isinstance(song, Song), song
    assert sorted(str(path) for path in (places / "checkout").rglob("*")) == before
    assert np.array_equal(song.audio.samples, repetition.audio.samples)
    assert not np.array_equal(song.audio.samples, variation.audio.samples)
    assert set(song.stems) == {"voice"}
    assert song.record.rendering.lyrics == "sing {in} loud\n"
    assert song.record.seconds == 0.25 and not song.record.loading_included and song.record.own_process
    assert song.record.device == "cpu" and song.record.peak_gib > 0
    assert song.record.settings == {"steps": 3}
    printed = system._worker.printed()
    assert "weights: bytes of toy-base bytes of toy-other" in printed
    assert "style pop {out} offline 1 mode quiet" in printed


def test_what_the_time_holds_is_said(toy):
    def untimed(request):
        invocation = invoke(request)
        return Invocation(**{**vars(invocation), "compute_pattern": ""})

    (song,) = toy(invoke=untimed).generate([request()])
    assert song.record.loading_included and song.record.seconds == song.record.stages["process"] > 0


def test_of_fake_stereo_the_left_channel_is_kept(toy):
    (song,) = toy().generate([request(style="fake")])
    assert song.record.fake_stereo
    assert song.audio.samples.shape[0] == 1 and song.audio.samples.min() > 0


CAUSES = {
    "crash": r"^bin/sing\.py ended with exit code 1 \(ValueError: cannot sing this\), without song\.wav \(it wrote no",
    "killed": r"^bin/sing\.py was ended by SIGKILL \(out of memory\?\) \(.*\), without song\.wav",
    "forgets": r"ended with exit code 0 \(took 0\.25 seconds\), without song\.wav",
    "memory": r"ended with exit code 1 \(torch\.OutOfMemoryError: CUDA out of memory",
}


def test_a_failure_says_how_it_ended_and_the_next_song_is_made(toy):
    system = toy()
    *failures, song = system.generate([*map(request, CAUSES), request()])
    for failure, (words, cause) in zip(failures, CAUSES.items(), strict=True):
        assert isinstance(failure, Failure), words
        assert re.search(cause, failure.cause), failure.cause
        assert "loading" in failure.detail
    assert isinstance(song, Song)
    system._worker._timeout_s = 0.3
    (failure,) = system.generate([request("hangs")])
    assert "no answer after 0.3 s; it was ended" in failure.cause and "loading" in failure.detail


def test_files_count_and_exit_codes_are_noted(toy):
    (song,) = toy().generate([request("late")])
    assert song.record.notes == (
        "bin/sing.py ended with exit code 3 (took 0.25 seconds), after it had written the song",
    )


def test_what_is_printed_counts(toy):
    def reported(request):
        options = {
            "compute_pattern": r"took ([\d.])([\d.]+) seconds",
            "notes": {"^(load)ing": r"it was \1ed", "never": "never", "RIFF": "it is a wav"},
            "reports": ("*_voice.wav",),
            "refusals": {"mode loud": "it was loud"},
            "seed_honoured": False,
        }
        return Invocation(**{**vars(invoke(request)), **options})

    system = toy(invoke=reported)
    (song,) = system.generate([request()])
    assert song.record.seconds == 0 + 0.25 and not song.record.loading_included
    assert song.record.notes == ("it was loaded", "it is a wav") and not song.record.seed_honoured
    (failure,) = toy(invoke=reported, variables={"MODE": "loud"}).generate([request()])
    assert isinstance(failure, Failure) and "it was loud" in failure.cause


def test_of_a_batch_that_comes_in_part_the_rest_is_asked_for_alone(toy):
    def many(request):
        name = request.prompt.lyrics.lines[0].replace(" ", "-")
        return Invocation(
            arguments=("--many", "{in}/songs.jsonl", "--out", "{out}"),
            files={"songs.jsonl": f'{{"name": "{name}", "lyrics": "{name}", "clip": "{{prompt_audio}}"}}\n'},
            outputs={"mix": f"{name}.wav"},
            rendering=Rendering(lyrics=name),
        )

    def merge(invocations):
        rows = "".join(invocation.files["songs.jsonl"] for invocation in invocations)
        return merged(invocations, arguments=invocations[0].arguments, files={"songs.jsonl": rows})

    system = toy(invoke=many, merge=merge, batch=3)
    system.card = replace(system.card, conditions=("lyrics", "style text", "prompt audio"))
    clip = MemoryAudio(Audio(np.zeros((1, 80), dtype="float32"), 8000))
    songs = list(system.generate([replace(request(words), prompt_audio=clip) for words in ("a", "crash", "b")]))
    printed = system._worker.printed()
    clips = re.findall(r"clip of (\S+) True (\d)/prompt.wav", printed)
    assert clips[:3] == [("a", "0"), ("crash", "1"), ("b", "2")], "each song has the clip of its own prompt"
    assert [type(song).__name__ for song in songs] == ["Song", "Failure", "Song"]
    assert not songs[0].record.seed_honoured and not songs[2].record.seed_honoured
    assert songs[0].record.rendering.lyrics == "a"
    with pytest.raises(ValueError, match="same name"):
        merge([many(request("a")), many(request("a"))])


def test_a_batch_needs_a_way_to_merge(toy):
    with pytest.raises(ValueError, match="one song in a call"):
        toy(batch=2)


def test_the_prompt_audio_is_cut_or_refused(toy, tmp_path):
    def audible(request):
        return Invocation(**{**vars(invoke(request)), "outputs": {"mix": "song.wav"}})

    system = toy(invoke=audible, prompt_least_s=1.0, prompt_most_s=1.5)
    system.card = replace(system.card, conditions=("lyrics", "style text", "prompt audio"))

    def clip_request(seconds):
        audio = MemoryAudio(Audio(np.zeros((1, int(8000 * seconds)), dtype="float32"), 8000))
        return Request(prompt=request().prompt, take=0, seed=1, prompt_audio=audio)

    short, song = system.generate([clip_request(0.5), clip_request(2.0)])
    assert short.cause == "The prompt audio has 0.50 s; toy needs 1 s."
    assert isinstance(song, Song)
    assert read_audio(system._prompt_file(clip_request(2.0).prompt_audio, tmp_path)).seconds == 1.5


def test_the_work_tree_has_real_folders_only_where_something_is_put(tmp_path):
    source = tmp_path / "source"
    (source / "a" / "b").mkdir(parents=True)
    (source / "a" / "b" / "file").write_text("x")
    (source / ".git").mkdir()
    (source / "c").mkdir()
    tree = tmp_path / "tree"
    script_worker.link_children(source, tree)
    script_worker.link(tmp_path / "source" / "c", tree, "a/b/weights")
    assert not (tree / "a" / "b").is_symlink() and (tree / "a" / "b" / "file").is_symlink()
    assert (tree / "a" / "b" / "weights").is_symlink() and (tree / "c").is_symlink()
    assert not (tree / ".git").exists() and not (source / "a" / "b" / "weights").exists()


def test_placeholders_are_replaced_once():
    places = {"in": "{out}", "out": "/o", "brace": "{", "weights:x-y.1": "/w"}
    assert (
        script_worker.fill("{in} {out} {brace}out} {other} {weights:x-y.1} {}", places)
        == "{out} /o {out} {other} /w {}"
    )
    assert script_worker.fill(literal("{out} {in}"), places) == "{out} {in}"


def test_the_worker_runs_under_old_pythons():
    for path in (script_worker.__file__, script_worker.ENTRY_POINT):
        tree = ast.parse(Path(path).read_text(encoding="utf-8"), feature_version=(3, 8))
        modules = {
            alias.name.partition(".")[0]
            for node in ast.walk(tree)
            if isinstance(node, ast.Import)
            for alias in node.names
        }
        assert not {name for name in modules if name.startswith("songbench")}
        assert modules <= set(sys.stdlib_module_names) | {"numpy", "torch"}


def test_nothing_is_left_behind_when_a_worker_is_killed(toy, tmp_path, monkeypatch):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    system = toy()
    (song,) = system.generate([request()])
    assert isinstance(song, Song) and list(scratch.glob("songbench-worker-*/upstream-*"))
    system._worker._process.end()
    system.close()
    assert not list(scratch.iterdir())
