"""FAD on MS-CLAP 2023: fadtk's embeddings in its worker, our distance; random weights of the real size, no network."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from tiny_models import Direct, planted, song_of, sound

from metrics.fad import fad_ms_clap, frechet_scores_in_many_dimensions
from metrics.fadtk_environment import FADTK, SCRIPT
from metrics.features.models import require
from metrics.features.ms_clap import DIMENSIONS, MS_CLAP, MsClapWindows
from songbench.contracts.metric import SetMetric
from songbench.domain.audio import AudioFile
from songbench.domain.lyrics import parse_lyrics
from songbench.domain.prompt import Prompt
from songbench.domain.score import NotApplicable, Scores
from songbench.domain.song import Failure, Request, Song
from songbench.plugin import Feature
from songbench.resources.environments import IsolatedWorker, write_wav

RANDOM_MS_CLAP = """
import sys
from types import SimpleNamespace
from songbench.resources.cpu_imports import mend_cpu_imports
mend_cpu_imports()
import torch, transformers
transformers.AutoModel.from_pretrained = classmethod(lambda cls, *_, **__: torch.nn.Module())
from msclap.models.clap import CLAP
torch.manual_seed(0)
clap = CLAP("HTSAT", 44100, 1024, 320, 64, 50, 8000, 527, 768, "gpt2", 768, 1024)
state = clap.state_dict()
if sys.argv[2:]:
    state = {name: tensor for name, tensor in state.items() if "projection" not in name}
torch.save({"model": state}, sys.argv[1])
"""


def random_song(number, count, shift=0.0):
    """A song of prompt `number` whose embeddings are drawn, not computed."""
    rng = np.random.default_rng(number)
    vectors = (rng.standard_normal((count, DIMENSIONS)) + shift).astype(np.float16)
    prompt = Prompt(id=f"p{number}", lyrics=parse_lyrics("[verse]\nla"), track="v2a")
    song = Song(request=Request(prompt=prompt, take=0, seed=0), source=sound(0.2, seed=number))
    return song, vectors


class Drawn:
    """Features that were drawn."""

    def __init__(self, songs):
        self.vectors = {song.source.digest: vectors for song, vectors in songs}

    def of(self, extractor, sources):
        return [Feature({"vectors": self.vectors[source.digest]}) for source in sources]


def scored(songs, reference):
    return fad_ms_clap().score_set(
        [song for song, _ in songs], [song for song, _ in reference], Drawn([*songs, *reference])
    )


def test_windows_are_counted_and_the_interval_is_over_songs():
    reference = [random_song(number, 350) for number in range(10, 13)]
    near = scored([random_song(number, 350) for number in range(3)], reference)
    far = scored([random_song(number, 350, shift=0.5) for number in range(3)], reference)
    assert isinstance(near, Scores) and near.values["windows"] == 1050 and near.n == 3
    assert near.values["fad"] < far.values["fad"]
    assert set(near.leave_one_out) == {"p0", "p1", "p2"}
    assert all(set(values) == {"fad"} for values in near.leave_one_out.values()), "windows are counted, not estimated"
    assert near.detail["dimensions"] == DIMENSIONS and "fad_inf" in near.missing


@pytest.mark.parametrize(("songs", "reference", "side"), [(300, 600, "songs"), (600, 300, "reference songs")])
def test_fewer_windows_than_dimensions_have_no_distance(songs, reference, side):
    verdict = scored(
        [random_song(1, songs), random_song(2, songs)], [random_song(3, reference), random_song(4, reference)]
    )
    assert isinstance(verdict, NotApplicable)
    assert verdict.reason.startswith(f"600 windows of the {side} are fewer than the embedding's 1024 dimensions")
    assert "17 minutes" in verdict.reason


def test_card_and_availability(monkeypatch, tmp_path):
    metric = fad_ms_clap(loudness=None)
    assert isinstance(metric, SetMetric) and metric.card.id == "fad@clap-2023"
    assert metric.card.procedure.loudness == "as it is" and "v2a" in metric.card.tracks
    monkeypatch.setenv("SONGBENCH_ENV_FADTK", "")
    monkeypatch.setenv("SONGBENCH_ENVIRONMENTS", str(tmp_path))
    monkeypatch.setenv("SONGBENCH_WEIGHTS", str(tmp_path))
    assert metric.availability().cure == "songbench setup fadtk"
    monkeypatch.setenv("SONGBENCH_ENV_FADTK", sys.executable)
    assert MS_CLAP.name in metric.availability().cure
    assert MsClapWindows().identity != MsClapWindows(None).identity


@pytest.mark.slow
@pytest.mark.timeout(900)
class TestFadtk:
    """Through the real worker."""

    @pytest.fixture(scope="class")
    def weights(self, tmp_path_factory):
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("SONGBENCH_WEIGHTS", str(tmp_path_factory.mktemp("weights")))
            patch.setenv("SONGBENCH_ENV_FADTK", sys.executable)
            patch.setenv("SONGBENCH_ENVIRONMENTS", str(tmp_path_factory.mktemp("environments")))

            def random(path, *options):
                command = [sys.executable, "-c", RANDOM_MS_CLAP, path, *options]
                subprocess.run(command, check=True, capture_output=True)

            complete = planted(MS_CLAP, CLAP_weights_2023_pth=random)
            part = planted(replace(MS_CLAP, name="part"), CLAP_weights_2023_pth=lambda path: random(path, "part"))
            yield complete, part

    def test_the_distance_is_fadtk_s_on_its_own_embeddings(self, weights, tmp_path):
        metric = fad_ms_clap(loudness=None)
        metric = replace(metric, embedding=MsClapWindows(None, weights[0]), compare=frechet_scores_in_many_dimensions)
        sides = {"songs": (1, 2), "reference": (3, 4)}
        songs = {name: [song_of(sound(9.5, seed=seed)) for seed in seeds] for name, seeds in sides.items()}
        scores = metric.score_set(songs["songs"], songs["reference"], Direct())
        assert isinstance(scores, Scores) and scores.detail["windows"] == 20
        settings = {"model": "clap-2023", "weights": [str(require(weights[0]))]}
        with IsolatedWorker(FADTK, SCRIPT, settings) as worker:
            for name, side in songs.items():
                (tmp_path / name).mkdir()
                for number, song in enumerate(side):
                    worker.call("embed", file=str(write_wav(song.source, tmp_path / name / f"{number}.wav")))
            places = {name: str(tmp_path / name) for name in sides}
            assert scores.values["fad"] == pytest.approx(worker.call("distance", **places, seed=1)["fad"], rel=1e-3)

    def test_odd_songs_and_a_checkpoint_that_lacks_layers(self, weights, tmp_path):
        (tmp_path / "broken.wav").write_bytes(b"")
        short, broken = MsClapWindows(weights=weights[0]).extract([sound(0.3), AudioFile(tmp_path / "broken.wav")])
        assert short.arrays["vectors"].shape == (1, DIMENSIONS) and isinstance(broken, Failure)
        (refused,) = MsClapWindows(weights=weights[1]).extract([sound(0.3)])
        assert isinstance(refused, Failure) and "of another model" in refused.cause + refused.detail
