"""HeartMuLa's unmodified program through our adapter, with all of its models, random and small."""

import numpy as np
import pytest
from layers import HERE, environment_folder, layered_environment, plant, upstream_folder, write_weights

from songbench.contracts.registry import build_system
from songbench.domain.lyrics import parse_lyrics
from songbench.domain.prompt import Prompt
from songbench.domain.song import Request, Song
from systems.heartmula.environment import CHECKOUT, ENVIRONMENT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

PLACES = {"heartmula-gen": "general", "heartmula-3b-happy-new-year": "model", "heartmula-codec": "codec"}


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """The user's environment, in which the sizes of the language models are small."""
    modules = {
        "sitecustomize.py": HERE / "sites" / "heartmula_tiny_site.py",
        "cpu_site.py": HERE / "cpu_site.py",
    }
    upstream_folder(CHECKOUT)
    return layered_environment(environment_folder(ENVIRONMENT), tmp_path_factory.mktemp("heartmula") / "it", modules)


def test_songs_come_out_of_the_unmodified_program_and_follow_from_the_seed(environment, set_folders, tmp_path):
    folder = write_weights("tiny_heartmula.py", environment, upstream_folder(CHECKOUT), tmp_path / "tiny")
    devices = {"mula_device": "cpu", "codec_device": "cpu", "mula_dtype": "float32"}
    system = build_system("heartmula", {"max_seconds": 2.0, **devices})
    set_folders(system, environment, upstream_folder(CHECKOUT))
    plant(system, {name: folder / place for name, place in PLACES.items()})
    prompt = Prompt(id="p", lyrics=parse_lyrics("[verse]\nHello little world"), style="pop, piano")
    songs = list(system.generate([Request(prompt=prompt, take=0, seed=seed) for seed in (3, 3, 4)]))
    system.close()
    for song in songs:
        assert isinstance(song, Song), song.cause + song.detail
    first, again, later = (song.source.load() for song in songs)
    assert first.rate == 48_000
    assert 0.08 <= first.seconds <= 2.08  # 25 frames after the first one, unless it ends by itself
    assert first.samples.std() > 0
    assert np.array_equal(first.samples, again.samples)
    assert first.samples.shape != later.samples.shape or not np.allclose(first.samples, later.samples, atol=1e-3)
