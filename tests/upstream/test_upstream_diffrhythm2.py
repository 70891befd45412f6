"""DiffRhythm 2's unmodified program through our adapter with small random models, and its own reader of lyrics."""

import json
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from layers import HERE, environment_folder, layered_environment, plant, python_of, upstream_folder, write_weights
from prompts import prompts

from songbench.contracts.registry import build_system
from songbench.domain.audio import Audio, MemoryAudio
from songbench.domain.lyrics import parse_lyrics
from songbench.domain.prompt import FileAsset, Prompt
from songbench.domain.song import Request, Song
from systems.diffrhythm2.environment import CHECKOUT, ENVIRONMENT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

FIRST_TAG, STOP = 500, 511
"""Tags have the numbers from 500 on; a line ends with the one of [stop]."""


WEIGHTS = {
    "diffrhythm2-model": "ASLP-lab--DiffRhythm2",
    "muq-mulan-large": "OpenMuQ--MuQ-MuLan-large",
    "muq-large-msd-iter": "OpenMuQ--MuQ-large-msd-iter",
    "xlm-roberta-base-model": "xlm-roberta-base",
}
"""Name of weights → the repository's folder, as `tiny_diffrhythm2` writes it."""


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """The user's environment, made fit for a CPU."""
    modules = {
        "sitecustomize.py": HERE / "sites" / "diffrhythm2_tiny_site.py",
        "cpu_site.py": HERE / "cpu_site.py",
    }
    upstream_folder(CHECKOUT)
    return layered_environment(environment_folder(ENVIRONMENT), tmp_path_factory.mktemp("diffrhythm2") / "it", modules)


@pytest.mark.parametrize(("variant", "style"), [(None, "text"), ("audio", "audio")])
def test_a_song_comes_out_of_the_unmodified_program(environment, set_folders, tmp_path, variant, style):
    folder = write_weights("tiny_diffrhythm2.py", environment, upstream_folder(CHECKOUT), tmp_path / "tiny")
    system = build_system("diffrhythm2", {"variant": variant, "max_secs": 6.0, "steps": 3})
    set_folders(system, environment, upstream_folder(CHECKOUT))
    plant(system, {name: folder / place for name, place in WEIGHTS.items()})
    time = np.arange(12 * 44_100) / 44_100
    clip = MemoryAudio(Audio(np.sin(2 * np.pi * 220 * time)[None].astype("f4"), 44_100))
    prompt = Prompt(
        id="p",
        lyrics=parse_lyrics("[verse]\nHello little world\n[chorus]\n你好 月亮"),
        language="mixed",
        style="pop, piano",
        prompt_audio=FileAsset(Path("clip.wav")),
    )
    (song,) = system.generate([Request(prompt=prompt, take=0, seed=3, prompt_audio=clip)])
    system.close()
    assert isinstance(song, Song), song.cause + song.detail
    audio = song.source.load()
    assert (audio.samples.shape[0], audio.rate) == (1, 48_000)  # the left channel
    assert audio.seconds == pytest.approx(6.0, abs=0.1)
    assert audio.samples.std() > 0
    record = song.record
    assert (record.lossy, record.fake_stereo, record.rendering.style) == ("mp3", True, style)


@pytest.fixture(scope="module")
def read(environment):
    """A function that reads lyrics."""
    checkout = upstream_folder(CHECKOUT)

    def answers(songs):
        command = [python_of(environment), "-X", "utf8", HERE / "diffrhythm2_tokens.py"]
        run = subprocess.run(
            command, check=False, cwd=checkout, input=json.dumps(songs), capture_output=True, text=True
        )
        assert run.returncode == 0, run.stdout + run.stderr
        return json.loads(run.stdout.splitlines()[-1])

    return answers


def test_it_reads_every_line_of_every_prompt_as_a_tag_or_as_words(read):
    system, requests = build_system("diffrhythm2", {}), {}
    for name, prompt in prompts().items():
        request = Request(prompt=replace(prompt, style=prompt.style or "pop"), take=0, seed=0)
        if system.unsupported(request) is None:
            requests[name] = request
    assert len(requests) > 20
    lyrics = [system.invoke(request).rendering.lyrics for request in requests.values()]
    for (name, request), text, answer in zip(requests.items(), lyrics, read(lyrics), strict=True):
        assert answer["error"] is None, (name, answer["error"])
        rows = list(zip(text.split("\n"), answer["lines"], strict=True))
        sung = [line for line, tokens in rows if tokens[0] < FIRST_TAG]
        assert sung == list(request.prompt.lyrics.lines), name
        for line, tokens in rows:
            assert tokens[-1] == STOP and len(tokens) > 1, (name, line)


def test_a_blank_line_or_one_without_a_letter_ends_the_run_and_other_tags_are_sung(read):
    blank, ended, figures, tag = read(["[verse]\n\nhello", "[verse]\nhello\n", "[verse]\n123", "[verse 1]"])
    assert "Unknown language" in blank["error"]
    assert "Unknown language" in ended["error"]  # a line end at the end makes an empty line
    assert "Unknown language" in figures["error"]
    assert len(tag["lines"][0]) > 2 and tag["lines"][0][0] < FIRST_TAG
