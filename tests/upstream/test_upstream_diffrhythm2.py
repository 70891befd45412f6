"""DiffRhythm 2's own reader of lyrics, with its own tokenizer, on what our adapter gives it."""

import json
import subprocess
from dataclasses import replace

import pytest
from layers import HERE, environment_folder, layered_environment, python_of, upstream_folder
from prompts import prompts

from songbench.contracts.registry import build_system
from songbench.domain.song import Request
from systems.diffrhythm2.environment import CHECKOUT, ENVIRONMENT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

FIRST_TAG, STOP = 500, 511
"""Tags have the numbers from 500 on; a line ends with the one of [stop]."""


@pytest.fixture(scope="module")
def read(tmp_path_factory):
    """A function that reads lyrics."""
    checkout = upstream_folder(CHECKOUT)
    environment = layered_environment(
        environment_folder(ENVIRONMENT),
        tmp_path_factory.mktemp("diffrhythm2") / "environment",
        {"sitecustomize.py": HERE / "cpu_site.py"},
    )

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
