"""ACE-Step v1's own pipeline, unchanged, through our adapter and worker, on random weights of tiny sizes.

The checkout is named by ``SONGBENCH_UPSTREAM_ACESTEP``, a virtual environment with its packages by
``SONGBENCH_ENV_ACESTEP``.
"""

import ast
import subprocess

import numpy as np
import pytest
from layers import HERE, environment_folder, layered_environment, plant, python_of, upstream_folder

from songbench.domain.lyrics import parse_lyrics
from songbench.domain.prompt import Prompt
from songbench.domain.song import Request, Song
from systems.acestep.card import LANGUAGES
from systems.acestep.environment import CHECKOUT, ENVIRONMENT, WEIGHTS
from systems.acestep.system import AceStep

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

LYRICS = "[verse]\nHello little world\n风在歌唱\n\n[inst]\n\n[chorus]\nWe sing along\n"


def request(lyrics=LYRICS, seed=5, **facts):
    prompt = Prompt(
        id="p", lyrics=parse_lyrics(lyrics), language="mixed", **{"style": "bright pop, piano", "seconds": 6.0, **facts}
    )
    return Request(prompt=prompt, take=0, seed=seed)


@pytest.fixture(scope="module")
def system(tmp_path_factory):
    """The adapter before the real code, of which nothing may be written."""
    source, real = upstream_folder(CHECKOUT), environment_folder(ENVIRONMENT)
    root = tmp_path_factory.mktemp("acestep")
    modules = {"sitecustomize.py": HERE / "sites" / "acestep_site.py", "cpu_site.py": HERE / "cpu_site.py"}
    environment = layered_environment(real, root / "environment", modules)
    command = [python_of(environment), "-B", "-X", "utf8", HERE / "tiny_acestep.py", root / "tiny"]
    run = subprocess.run(command, cwd=source, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    files = sorted(source.rglob("*"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SONGBENCH_WEIGHTS", str(root / "weights"))
        patch.setenv("SONGBENCH_ENVIRONMENTS", str(root / "environments"))
        patch.setenv("SONGBENCH_ENV_ACESTEP", str(environment))
        built = AceStep(infer_step=3, dtype="float32")
        plant(built, {WEIGHTS.name: root / "tiny"})
        yield built
        built.close()
    assert sorted(source.rglob("*")) == files, "nothing is written into the checkout"


def test_seed_length_and_settings_reach_the_real_pipeline(system):
    first, repetition, second = system.generate([request(), request(), request(seed=6, seconds=9.0)])
    assert isinstance(first, Song), first
    assert first.audio.rate == 48_000 and first.audio.samples.shape[0] == 2
    assert first.audio.seconds == pytest.approx(6.0, abs=0.15) and second.audio.seconds == pytest.approx(9.0, abs=0.15)
    assert (first.audio.samples == repetition.audio.samples).all()
    settings = first.record.settings
    assert settings["infer_step"] == 3 and settings["audio_duration"] == 6.0 and settings["dtype"] == "torch.float32"
    assert settings["line_languages"] == {"en": 2, "zh": 1} and not first.record.notes
    assert set(first.record.stages) == {"preprocess", "diffusion", "latent2audio"}


def test_style_and_lyrics_reach_the_real_models(system):
    plain, style, lyrics = system.generate([request(), request(style="loud metal"), request(LYRICS + "once more\n")])
    assert not np.array_equal(plain.audio.samples, style.audio.samples)
    assert not np.array_equal(plain.audio.samples, lyrics.audio.samples)


def test_a_style_text_that_the_real_tokenizer_cuts_is_noted(system):
    (song,) = system.generate([request(style="a" * 300)])
    assert song.record.notes == ("of the style text 256 of 300 tokens were read",)


def test_a_line_that_the_real_tokenizer_reads_in_another_language_is_noted(system):
    (song,) = system.generate([request("[verse]\nПривет маленький мир, мы поём вместе\n")])
    assert song.record.notes == ("lines read in another language: 1 as ru",)


def test_its_languages_are_those_of_the_card():
    source = (upstream_folder(CHECKOUT) / "acestep" / "pipeline_ace_step.py").read_text(encoding="utf-8")
    table = next(
        node.value
        for node in ast.parse(source).body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "SUPPORT_LANGUAGES"
    )
    assert set(ast.literal_eval(table)) | {"mixed"} == set(LANGUAGES)
