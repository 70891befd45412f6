"""SongBloom in real runs: worker processes, a store, a leaderboard, and what is said before work when it cannot be."""

import json

import numpy as np
import pandas
import pytest
import soundfile
from songbloom_cases import ENDS_SOMEWHERE, NEVER_ENDS, calm_checkpoint, needs_text, request, write_suite

from systems.songbloom.system import SongBloomSystem

METRICS = ["--metrics", "rtf"]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return calm_checkpoint(tmp_path_factory.mktemp("calm"), end_bias=NEVER_ENDS).weights


def records(tmp_path, kind="songs"):
    return [json.loads(file.read_text()) for file in (tmp_path / "store/records" / kind).rglob("*.json")]


@needs_text
def test_a_run_with_failures_and_again(songbench_here, tmp_path, checkpoint):
    suite = write_suite(
        tmp_path,
        5,
        p1={"prompt_wav": None},
        p3={"lyrics": "[verse]\n" + "月亮代表我的心\n" * 60},
        p4={"lyrics": "[verse]\n사랑해", "style": "bright pop"},
    )
    words = ["--suite", suite, "--systems", f"songbloom:mine={checkpoint},silence", *METRICS]
    process = songbench_here("run", *words, "--workers", "1", "--set", "engine.batch=1")
    assert process.returncode == 1, process.stderr
    assert "Traceback" not in process.stderr
    message = " ".join(process.stderr.split())
    assert f"songbloom:mine is the checkpoint {checkpoint}" in message
    assert "songbloom:mine needs prompt_wav, 10 s of music; 1 prompt has none: p1" in message

    frame = pandas.read_csv(tmp_path / "runs/small/leaderboard.csv")
    assert set(frame["system"]) == {"songbloom:mine", "silence"}
    causes = {song["label"].split()[0]: song["cause"] for song in records(tmp_path, "failures")}
    assert causes.keys() == {"p1", "p3", "p4"}
    assert "this prompt has none. Give it 1 s of music" in causes["p1"]
    assert "the model reads at most 400" in causes["p3"]
    assert "cannot sing '사'" in causes["p4"]

    songs = [song for song in records(tmp_path) if "prompt audio" in song["system_record"]["conditions"]]
    assert {song["prompt"] for song in songs} == {"p0", "p2"}
    outcomes = SongBloomSystem("mine", source=str(checkpoint), device="cpu").generate(
        [request(int(song["prompt"][1:]), seed=song["seed"]) for song in songs]
    )
    in_process = {song.prompt.id: song.audio.samples for song in outcomes}
    for song in songs:
        facts = song["system_record"]
        assert set(facts["stages"]) == {"prompt", "prefix", "sketch", "acoustic", "audio"}
        assert facts["conditions"] == ["lyrics", "prompt audio"]
        assert facts["notes"] == ["ended by the longest length"]
        assert facts["seed_honoured"] is True
        samples, rate = soundfile.read(next((tmp_path / "store/blobs").rglob(song["audio"])), always_2d=True)
        assert rate == 48_000
        assert np.abs(samples.T - in_process[song["prompt"]]).max() < 1e-5, "one by one in a worker or all at once"

    again = songbench_here("generate", *words)
    assert again.returncode == 1
    assert "nothing to compute" in again.stderr


@needs_text
@pytest.mark.slow
def test_the_demo_suite(songbench, tmp_path):
    checkpoint = calm_checkpoint(tmp_path / "calm", end_bias=ENDS_SOMEWHERE).weights
    words = ["--suite", "demo", "--systems", "songbloom,rulebased", *METRICS]
    process = songbench("run", *words, "--set", f"system.songbloom.checkpoint={checkpoint}")
    assert process.returncode in (0, 1), process.stderr
    frame = pandas.read_csv(tmp_path / "runs/demo/leaderboard.csv")
    assert set(frame["system"]) == {"songbloom", "rulebased"}
    assert all("another seed may help" in one["cause"] for one in records(tmp_path, "failures"))
    again = songbench("run", *words, "--set", f"system.songbloom.checkpoint={checkpoint}", "--workers", "1")
    assert "nothing to compute" in again.stderr
    assert again.stdout == process.stdout


class TestBeforeAnyWork:
    @pytest.fixture
    def refused(self, songbench_here, tmp_path):
        suite = write_suite(tmp_path, 1)

        def run(code, *words, **keywords):
            process = songbench_here("run", "--suite", suite, *METRICS, *words, **keywords)
            assert process.returncode == code, process.stderr
            assert "Traceback" not in process.stderr
            assert not (tmp_path / "store").exists()
            return " ".join(process.stderr.split())

        return run

    def test_without_weights(self, songbench_here, refused, tmp_path):
        bare = {"SONGBENCH_WEIGHTS": str(tmp_path / "none")}
        cure = "songbench setup songbloom:full_150s --accept-licence"
        missing = ("songbloom-full-150s' (about 8.2 GB", "songbloom-autoencoder' (about 675 MB", cure)
        listed = songbench_here("systems", folders=False, env=bare)
        assert listed.returncode == 0
        message = refused(4, "--systems", "songbloom", env=bare)
        for text in (message, " ".join(listed.stdout.split())):
            assert all(word in text for word in missing)

    @needs_text
    def test_a_corrupt_checkpoint(self, refused, tmp_path, checkpoint):
        for file in checkpoint.parent.iterdir():
            (tmp_path / file.name).write_bytes(file.read_bytes()[: -1000 if file == checkpoint else None])
        broken = tmp_path / checkpoint.name
        message = refused(2, "--systems", "songbloom", "--set", f"system.songbloom.checkpoint={broken}")
        assert f"{broken}: The checkpoint (" in message
        assert "damaged, cut short or not a checkpoint" in message

    @pytest.mark.parametrize(
        ("words", "message"),
        [
            (["--systems", "songbloom:full_150"], "Did you mean 'full_150s'?"),
            (["--systems", "songbloom", "--set", "system.songbloom.stepz=3"], "Did you mean 'steps'?"),
            (
                ["--systems", "songbloom", "--set", "system.songbloom.steps=0"],
                "songbloom.steps': Expected a number >= 1",
            ),
            (["--systems", "songbloom", "--set", "system.songbloom.device=gpu"], "Allowed: cpu, cuda, cuda:0, mps"),
        ],
    )
    def test_mistakes(self, refused, words, message):
        assert message in refused(2, *words)

    @needs_text
    def test_lyrics_with_an_unknown_tag(self, songbench_here, tmp_path, checkpoint):
        suite = write_suite(tmp_path, 2, p1={"lyrics": "[vrese]\n月亮"})
        process = songbench_here("run", "--suite", suite, "--systems", f"songbloom:mine={checkpoint}", *METRICS)
        assert process.returncode == 2
        assert "line 3" in process.stderr
        assert "Did you mean 'verse'?" in process.stderr
