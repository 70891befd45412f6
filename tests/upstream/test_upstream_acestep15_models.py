"""ACE-Step 1.5's own code through the adapter: all but the diffusion transformer is real, with tiny weights.

The checkout is named by ``SONGBENCH_UPSTREAM_ACESTEP15``, a virtual environment with torch, torchaudio, transformers,
diffusers, loguru, numba and soundfile by ``SONGBENCH_ENV_ACESTEP15``.
"""

import subprocess
from collections import Counter

import numpy as np
import pytest
from layers import HERE, environment_folder, layered_environment, plant, python_of, upstream_folder

from songbench.domain.audio import Audio, MemoryAudio
from songbench.domain.lyrics import parse_lyrics
from songbench.domain.prompt import FileAsset, Prompt
from songbench.domain.song import Failure, Request, Song
from songbench.resources import checkouts
from systems.acestep15 import environment as acestep15_needs
from systems.acestep15.revision import present_revision
from systems.acestep15.system import AceStep15

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

LYRICS = "[verse]\nThe wind is singing in the trees\nand all the leaves are turning\n"


def request(lyrics=LYRICS, seed=5, audio=None, **facts):
    asset = None if audio is None else FileAsset("style.wav")
    prompt = Prompt(
        id="p",
        lyrics=parse_lyrics(lyrics),
        **{"style": "warm folk, guitar", "seconds": 12.0, "prompt_audio": asset, **facts},
    )
    return Request(prompt=prompt, take=0, seed=seed, prompt_audio=audio)


def music(seconds, level=0.25, rate=48_000):
    time = np.arange(round(seconds * rate)) / rate
    wave = level * np.sin(2 * np.pi * (110 + 20 * time) * time)
    return MemoryAudio(Audio(np.stack([wave, wave]).astype("float32"), rate))


def states(folder):
    """How often files of each kind are in a folder; by their size, so that a change of one shows."""
    return Counter((path.name, path.stat().st_size) for path in folder.rglob("*") if path.is_file())


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    """A function that gives the adapter, by its settings, before the real code."""
    source, real = upstream_folder(acestep15_needs.CHECKOUT), environment_folder(acestep15_needs.ENVIRONMENT)
    root = tmp_path_factory.mktemp("acestep15")
    environment = layered_environment(real, root / "environment", {"sitecustomize.py": HERE / "cpu_site.py"})
    command = [python_of(environment), "-X", "utf8", HERE / "tiny_acestep15.py", root / "tiny"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    before, systems = states(source), {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SONGBENCH_WEIGHTS", str(root / "weights"))
        patch.setenv("SONGBENCH_ENVIRONMENTS", str(root / "environments"))
        patch.setenv("SONGBENCH_ENV_ACESTEP15", str(environment))

        def system(lm="none", **settings):
            key = (lm, *sorted(settings.items()))
            if key not in systems:
                systems[key] = AceStep15(lm=lm, device="cpu", **settings)
                plant(systems[key], {name: root / "tiny" / place for name, place in acestep15_needs.PLACES.items()})
            return systems[key]

        yield system
        for built in systems.values():
            built.close()
    assert states(source) == before, "nothing is written into the checkout"


def test_seed_length_and_settings_reach_the_real_code(bench):
    first, repetition, second = bench().generate([request(), request(), request(seed=6)])
    assert isinstance(first, Song), first
    assert first.audio.rate == 48_000 and first.audio.seconds == pytest.approx(12.0, abs=0.05)
    assert (first.audio.samples == repetition.audio.samples).all()
    assert not np.allclose(first.audio.samples, second.audio.samples)
    settings = first.record.settings
    assert settings["seed"] == 5 and settings["shift"] == 3.0 and settings["inference_steps"] == 8
    assert settings["attention"] == "sdpa" and settings["dtype"] == "torch.float32" and not first.record.notes
    assert first.record.stages["dit_total_time_cost"] > 0
    if present_revision().later:
        assert settings["enable_normalization"] is False


def test_style_and_lyrics_reach_the_real_text_encoder(bench):
    plain, style, lyrics = bench().generate([request(), request(style="loud metal"), request(LYRICS + "again\n")])
    assert not np.allclose(plain.audio.samples, style.audio.samples)
    assert not np.allclose(plain.audio.samples, lyrics.audio.samples)


def test_reference_audio_longer_than_its_crops_gives_one_song_per_seed(bench):
    audio = music(40.0)
    first, repetition = bench(style="audio").generate([request(audio=audio), request(audio=audio)])
    assert isinstance(first, Song), first
    assert (first.audio.samples == repetition.audio.samples).all() and first.audio.seconds > 11.9
    (silent,) = bench(style="audio").generate([request(audio=music(10.0, level=0.0))])
    assert isinstance(silent, Failure) and "reference audio is silent" in silent.cause


def test_real_limits_of_tokens(bench):
    """The tiny tokenizer takes bytes for tokens."""
    (song,) = bench().generate([request(style="a" * 400)])
    assert song.record.notes[0].startswith("of the style text with its instruction 256 of ")
    (failure,) = bench().generate([request("[verse]\n" + "la la la la la la la\n" * 120)])
    assert isinstance(failure, Failure) and "of which 2048 are read" in failure.cause


def test_the_real_clamp_of_lengths_is_noted(bench):
    """On a CPU 180 s at most, in the pinned state."""
    if present_revision().later:
        pytest.skip("later states do not cut lengths there")
    (song,) = bench().generate([request(seconds=200.0)])
    assert song.audio.seconds == pytest.approx(180.0, abs=0.05)
    assert song.record.notes == ("200 s were asked for, and 180.0 s made, as its code rates this device 'tier1'",)


def test_the_real_language_model_samples_by_the_seed(bench):
    """Its authors' code does not seed it."""
    first, repetition, second = bench(lm="0.6B").generate([request(), request(), request(seed=6)])
    assert isinstance(first, Song), first
    assert (first.audio.samples == repetition.audio.samples).all()
    assert not np.allclose(first.audio.samples, second.audio.samples)
    settings = first.record.settings
    assert settings["thinking"] is True and settings["lm_backend"] == "pt"
    assert settings["lm_metadata"] == {"duration": 12} and first.record.stages["lm_phase2_time"] > 0
    assert first.audio.seconds == pytest.approx(12.0, abs=0.05)


def test_the_state_of_the_real_code(bench):
    revision = present_revision()
    commit = checkouts.commit_at(checkouts.path_of(acestep15_needs.CHECKOUT))
    assert revision.commit == (commit or "")
