"""From two takes of a run to a model that prefers the better ones, as people type it."""

import json
from dataclasses import replace

import pytest
import soundfile
import torch
from prepared_cases import LYRICS, tone
from songbloom_cases import NEVER_ENDS
from songbloom_random import SMALL, random_checkpoint

from songbench.domain.errors import InputError
from songbench.domain.hashing import file_digest
from songbench.domain.lyrics import parse_lyrics
from systems.songbloom import loading
from systems.songbloom.checkpoint import load_checkpoint
from systems.songbloom.training.preference.pair_files import (
    PairAudio,
    PairScore,
    PairSong,
    PreferencePair,
    read_pairs,
    write_pairs,
)
from systems.songbloom.training.preference.pair_songs import PairSongs, PreparedPairs, song_id
from systems.songbloom.training.preference.preparation import is_prepared, prepare_pairs, prepared_dataset
from systems.songbloom.training.tokenizer.codebook import CodebookTokenizer, load_tokenizer
from systems.songbloom.training.tokenizer.mel import BANDS, MelFeatures

CONFIG = replace(SMALL, model=replace(SMALL.model, lyrics_length=40, prompt_frames=25), trained_seconds=5.0)


@pytest.fixture(scope="module")
def material(tmp_path_factory):
    """A checkpoint, a codebook, and pairs of four prompts; the second without a style prompt."""
    folder = tmp_path_factory.mktemp("material")
    random_checkpoint(folder / "base", CONFIG, end_bias=NEVER_ENDS)
    centres = 2 * torch.randn(CONFIG.model.sketch_vocabulary, BANDS, generator=torch.Generator().manual_seed(0)) - 5
    CodebookTokenizer(MelFeatures(), centres).save(folder / "codes.safetensors", {})

    def audio(name, frequency, seconds=1.3):
        path = folder / f"{name}.flac"
        soundfile.write(path, tone(seconds, frequency=frequency), 48_000)
        return {"audio": path.name, "digest": file_digest(path)}

    style = PairAudio(**audio("style", 500, seconds=2))
    pairs = [
        PreferencePair(
            run="table",
            system="tenor",
            prompt=f"p{number}",
            language="zh",
            lyrics=parse_lyrics(LYRICS).to_json(),
            style=None if number == 1 else style,
            winner=PairSong(take=0, **audio(f"w{number}", 220 + 30 * number)),
            loser=PairSong(take=1, **audio(f"l{number}", 330 + 40 * number, seconds=2)),
            scores={"per@a": PairScore(winner=5, loser=20, better="lower", margin=10)},
        )
        for number in range(4)
    ]
    write_pairs(folder / "pairs.jsonl", pairs)
    return folder


@pytest.fixture
def preference(songbench_here, material):
    """A function that trains on the pairs, six steps."""

    def run(*words):
        usual = ["--data", str(material / "pairs.jsonl"), "--from", str(material / "base")]
        steps = "steps=6 optimiser.warm_up=0 optimiser.lr=5e-3 log.interval=1 saving.interval=3 validation.interval=3"
        compute = "compute.device=cpu compute.precision=float32 compute.checkpointing=false batch.accumulation=1"
        sets = [
            word
            for text in f"{steps} {compute} batch.songs=3 objective.flow_beta=20".split()
            for word in ("--set", text)
        ]
        process = songbench_here("train", "preference", *usual, *sets, *words, folders=False)
        assert "Traceback" not in process.stderr
        return process

    return run


def log_of(folder):
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def test_adapters_learn_to_prefer(preference, material, tmp_path, songbench_here):
    out = tmp_path / "better"
    words = ["--out", str(out), "--lora", "rank=4,alpha=8", "--validation", "0.5"]
    process = preference(*words)
    assert process.returncode == 2 and "codebook that the checkpoint was trained with" in process.stderr
    codes = ["--tokenizer", str(material / "codes.safetensors")]
    process = preference(*words, *codes)
    assert process.returncode == 0, process.stderr
    messages = " ".join(process.stderr.split())
    assert "Never score the final evaluation with the same metric alone" in messages and "reward per@a" in messages
    steps = [record["train"] for record in log_of(out) if "train" in record]
    judged = [record["validation"] for record in log_of(out) if "validation" in record]
    assert steps[0]["token_margin"] == 0 and steps[-1]["token_accuracy"] == 1
    assert steps[-1]["token"] < steps[0]["token"]
    assert {"loss", "flow", "flow_accuracy", "flow_margin", "token_win", "token_lose"} <= steps[0].keys()
    assert len(judged) == 2 and judged[1]["loss"] != judged[0]["loss"]
    assert (out / "better.lora").is_file()
    base, trained = (load_checkpoint(loading.find(place)) for place in (material / "base", out))
    for name, changed in (("sketch_lm.layers.0.attention.qkv", True), ("sketch_lm.layers.0.attention.out", False)):
        weights = [model.get_submodule(name).weight for model in (base, trained)]
        assert torch.equal(*weights) != changed
    # The same command has nothing left to do, and needs no codebook any more.
    again = preference(*words)
    assert again.returncode == 0 and "Going on from step 6" in again.stderr
    unlike = preference(*words, "--set", "objective.sft_weight=0.5")
    assert unlike.returncode == 2 and "another objective" in " ".join(unlike.stderr.split())
    for wrong, message in (
        (["--lora", "rank=4,dropout=0.1"], "nothing is dropped"),
        (["--set", "crop.max_seconds=3"], "has no settings 'crop'"),
        (["--set", "objective.velocity_weight=1"], "no setting 'velocity_weight'"),
    ):
        refused = preference(
            "--out", str(tmp_path / "refused"), *wrong, "--tokenizer", str(material / "codes.safetensors")
        )
        assert refused.returncode == 2 and message in " ".join(refused.stderr.split())


def test_all_weights_against_a_second_model(preference, material, tmp_path):
    out = tmp_path / "whole"
    process = preference("--out", str(out), "--tokenizer", str(material / "codes.safetensors"), "--set", "steps=2")
    assert process.returncode == 0, process.stderr
    steps = [record["train"] for record in log_of(out) if "train" in record]
    assert steps[0]["token_margin"] == 0 != steps[1]["token_margin"]
    assert loading.find(out).read_config().model == CONFIG.model


class TestPreparedPairs:
    @pytest.fixture
    def pairs(self, material):
        return read_pairs(material / "pairs.jsonl")

    @pytest.fixture
    def prepare(self, material, tmp_path):
        def run(pairs):
            tokenizer = load_tokenizer(material / "codes.safetensors", None, "cpu")
            left_out = prepare_pairs(tmp_path / "out/songs", pairs, loading.find(material / "base"), tokenizer)
            return prepared_dataset(tmp_path / "out/songs"), left_out

        return run

    def test_whole_songs_with_shared_conditions(self, pairs, prepare, tmp_path):
        dataset, left_out = prepare(pairs)
        assert left_out == () and len(dataset) == 8 and is_prepared(tmp_path / "out/songs", pairs)
        assert not is_prepared(tmp_path / "out/songs", pairs[:1])
        prepared = PreparedPairs(pairs, dataset, CONFIG)
        assert prepared.left_out == [] and len(prepared) == 4
        for number in range(4):
            pair = prepared.pair(number)
            assert pair.winner.lyrics == pair.loser.lyrics and torch.equal(pair.winner.style, pair.loser.style)
            assert [len(song.sketch) for song in (pair.winner, pair.loser)] == [32, 48]  # 32 and 50 frames in patches
            assert pair.winner.style.shape == ((0 if number == 1 else 25), 8)
        assert prepared.split(0.0) == ([0, 1, 2, 3], [])
        trained, held_out = prepared.split(0.5)
        assert sorted(trained + held_out) == [0, 1, 2, 3] and prepared.split(0.5) == (trained, held_out)

    def test_songs_that_are_gone_changed_or_too_long(self, pairs, prepare):
        changed = pairs[0].model_copy(update={"winner": pairs[0].winner.model_copy(update={"digest": "0" * 64})})
        absent = pairs[1].model_copy(update={"loser": pairs[1].loser.model_copy(update={"audio": "/nowhere.flac"})})
        dataset, left_out = prepare([changed, absent, *pairs[2:]])
        assert "is not the file that was scored" in left_out[0].reason
        assert left_out[1].reason == "There is no file '/nowhere.flac'."
        prepared = PreparedPairs([changed, absent, *pairs[2:]], dataset, CONFIG)
        assert len(prepared) == 2
        assert [problem for _, problem in prepared.left_out] == [
            "take 0 could not be prepared",
            "take 1 could not be prepared",
        ]
        short = replace(CONFIG, trained_seconds=1.5, decoding=replace(CONFIG.decoding, max_seconds=1.5))
        with pytest.raises(InputError, match=r"None of the 2 pairs.*take 1: it lasts 2.0 s and must be cut to 1.5 s"):
            PreparedPairs(pairs[2:], dataset, short)

    def test_a_song_of_several_pairs_is_prepared_once(self, pairs):
        first = pairs[0]
        second = first.model_copy(update={"loser": pairs[2].loser})
        songs = [song.id for song in PairSongs([first, second]).songs()]
        assert songs == [song_id(first, song) for song in (first.winner, first.loser, second.loser)]
