"""SongFormer: the same numbers as its authors' code gave on small random models (golden/make_songformer.py)."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from golden import songformer_cases as cases
from placed_weights import setup_weights

from metrics.features import songformer, songformer_network
from metrics.features.muq import MUQ, RATE, build_muq
from metrics.features.songformer import (
    MUSICFM,
    SONGFORMER,
    SongFormer,
    load_musicfm,
    load_songformer,
    states,
    without_snippets,
)
from songbench.contracts.feature import Extractor
from songbench.domain.audio import Audio, AudioFile, MemoryAudio
from songbench.domain.errors import SongbenchError, UnavailableError
from songbench.domain.song import Failure
from songbench.resources import weights

golden = json.loads((Path(__file__).parent / "golden/songformer.json").read_text(encoding="utf-8"))

FIXED = ("mel_stft", "inv_freq", "frequencies", "num_batches_tracked", "quantizer")
UPSTREAM = (  # names of our network's tensors in the released file
    ("frequencies", "transformer.transformer.rotary_pos_emb.inv_freq"),
    ("final_norm.weight", "transformer.transformer.final_norm.gamma"),
    ("input_proj.", "transformer.input_proj."),
    ("boundary_head.", "boundary_head.net.0."),
    ("function_head.", "function_head.net.0."),
)


def upstream_name(name):
    for prefix, upstream_prefix in UPSTREAM:
        if name.startswith(prefix):
            return name.replace(prefix, upstream_prefix)
    if name.startswith("layers."):
        _, number, part = name.split(".", 2)
        part = {"norm.weight": "0.0.gamma"}.get(part, f"1.{part}")
        part = part.replace("widen.", "ff.0.0.").replace("narrow.", "ff.2.")
        return f"transformer.transformer.layers.{number}.{part}"
    return name


def state_dict(state, rename=lambda name: name):
    """A state dict filled from the tensors' names; what is computed rather than learnt stays."""
    import torch

    return {
        name: value
        if any(part in name for part in FIXED)
        else torch.from_numpy(cases.tensor(rename(name), value.shape)).to(value.dtype)
        for name, value in state.items()
    }


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """The extractor with small models of the real classes, set up in a folder of weights."""
    import torch
    from safetensors.torch import save_file
    from transformers import Wav2Vec2ConformerConfig

    scratch = tmp_path_factory.mktemp("songformer")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SONGBENCH_WEIGHTS", str(scratch / "weights"))
        patch.setattr(songformer, "MUSICFM_SIZES", cases.SIZES)
        patch.setattr(songformer_network, "STATES", 4 * cases.WIDTH)
        conformer = json.loads(Wav2Vec2ConformerConfig(**cases.SIZES["w2v2_config"]).to_json_string(use_diff=False))
        config = {**cases.SIZES, "stat": cases.STATISTICS, "w2v2_config": conformer}
        state = build_muq(config).state_dict()
        muq = setup_weights(
            MUQ,
            {
                "config.json": lambda path: path.write_text(json.dumps(config)),
                "model.safetensors": lambda path: save_file(state_dict(state), path),
            },
            scratch,
        )
        as_musicfm = state_dict(state, lambda name: name.removeprefix("model."))
        musicfm = setup_weights(
            MUSICFM,
            {
                "msd_stats.json": lambda path: path.write_text(json.dumps(cases.STATISTICS)),
                "pretrained_msd.pt": lambda path: torch.save({"state_dict": as_musicfm}, path),
            },
            scratch,
        )
        network = songformer_network.SongFormerNetwork()
        network.frequencies.copy_(1 / 10_000 ** (torch.arange(0, 32, 2) / 32))
        filled = state_dict(network.state_dict(), upstream_name)
        tensors = {f"ema_model.{upstream_name(name)}": value for name, value in filled.items()}
        tensors |= {"initted": torch.tensor(True), "step": torch.tensor(1)}
        network_weights = setup_weights(
            SONGFORMER, {"SongFormer.safetensors": lambda path: save_file(tensors, path)}, scratch
        )
        yield SongFormer(network_weights, muq, musicfm)


def audio(samples, rate=RATE):
    return MemoryAudio(Audio(np.atleast_2d(samples).astype(np.float32), rate))


def noise(seconds, rate=RATE, channels=1, level=0.1):
    return audio(level * np.random.default_rng(0).standard_normal((channels, round(seconds * rate))), rate)


# --- parity


def test_sections_are_those_of_the_authors_code(small):
    (feature,) = small.extract([audio(cases.song())])
    labels, *times = zip(*feature.data["segments"], strict=True)
    expected, *expected_times = zip(*golden["segments"], strict=True)
    assert labels == expected
    np.testing.assert_allclose(times, expected_times, atol=1e-9)


def test_hidden_states_and_logits_are_those_of_the_authors_code(small):
    import torch

    musicfm = load_musicfm(weights.path(small.musicfm))
    hidden = states(musicfm, cases.song()[: 12 * RATE])[0][1].numpy()
    assert list(hidden.shape) == golden["hidden"]["shape"]
    np.testing.assert_allclose(hidden[golden["hidden"]["frames"]], golden["hidden"]["values"], atol=1e-4)

    muq = songformer.load_muq(weights.path(small.muq), layers=10)
    ((muq_short, muq_long),) = states(muq, cases.song())
    ((musicfm_short, musicfm_long),) = states(musicfm, cases.song())
    network = load_songformer(weights.path(small.weights))
    with torch.inference_mode():
        boundary, labels = network(torch.cat([musicfm_short, muq_short, musicfm_long, muq_long], dim=1))
    assert len(boundary) == golden["count"]
    np.testing.assert_allclose(boundary[golden["frames"]].numpy(), golden["boundary"], atol=1e-4)
    np.testing.assert_allclose(labels[:, golden["frames"]].T.numpy(), golden["labels"], atol=1e-4)


def test_short_ends_are_joined_as_in_the_authors_code():
    before = [tuple(row) for row in golden["before joining"]]
    assert [list(row) for row in without_snippets(before)] == golden["segments"]
    assert without_snippets([("a", 0, 0.5)]) == [("a", 0, 0.5)]
    assert without_snippets([("a", 0, 0.5), ("b", 0.5, 0.9), ("c", 0.9, 40)]) == [("c", 0, 40)]
    assert without_snippets([("a", 0, 20), ("b", 20, 39.5), ("c", 39.5, 40)]) == [("a", 0, 20), ("b", 20, 40)]
    assert without_snippets([("a", 0, 9), ("a", 9, 20), ("a", 20, 31)]) == [("a", 0, 20), ("a", 20, 31)]


# --- checkpoints


def test_every_tensor_is_consumed_and_none_may_be_missing():
    import torch

    network = songformer_network.SongFormerNetwork()
    network.frequencies.fill_(1)
    state = {f"ema_model.{upstream_name(name)}": value for name, value in network.state_dict().items()}
    songformer_network.SongFormerNetwork.from_checkpoint(state)
    del state["ema_model.input_norm.weight"]
    state["ema_model.another"] = torch.zeros(1)
    with pytest.raises(SongbenchError, match=r"missing: input_norm\.weight; unknown: another"):
        songformer_network.SongFormerNetwork.from_checkpoint(state)


# --- the extractor


def test_odd_songs(small, tmp_path):
    assert isinstance(small, Extractor)
    broken = tmp_path / "broken.wav"
    soundfile.write(broken, np.full(4000, np.nan), 8000, subtype="FLOAT")
    songs = [noise(0.3), AudioFile(broken), noise(4, 44_100, 2), noise(4, level=0), noise(0.05), noise(4, 8000)]
    short, nan, usual, silent, tiny, low = small.extract(songs)
    assert silent.data["segments"] == [["silence", 0.0, 4.0]]
    assert isinstance(nan, Failure) and "NaN" in nan.cause
    assert isinstance(tiny, Failure) and "0.05 s are too short" in tiny.cause
    for feature, seconds in ((short, 0.3), (usual, 4), (low, 4)):
        rows = feature.data["segments"]
        assert rows[0][1] == 0 and rows[-1][2] == pytest.approx(seconds, abs=0.13)
    (alone,) = small.extract(songs[2:3])
    assert alone == usual, "whatever else is in the batch"


def test_long_songs_are_heard_in_pieces(monkeypatch):
    import torch

    seconds = []

    def hidden_state(model, wave):
        seconds.append(len(wave) / RATE)
        return torch.zeros(len(wave) // 960, 4)

    monkeypatch.setattr(songformer, "hidden_state", hidden_state)
    feature = states(None, np.zeros(round(445.02 * RATE), np.float32))
    assert [tuple(map(len, pair)) for pair in feature] == [(10_500, 10_500), (625, 625)]
    assert seconds == [*[30] * 14, 420, pytest.approx(25.02), pytest.approx(25.02)]
    assert len(states(None, np.zeros(round(420.04 * RATE), np.float32))) == 1, "a rest too short for a frame"


def test_without_weights_it_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setenv("SONGBENCH_WEIGHTS", str(tmp_path))
    with pytest.raises(UnavailableError, match="songbench setup muq-large-msd-iter --accept-licence"):
        list(SongFormer().extract([noise(1)]))
