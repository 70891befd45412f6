"""The condition vectors against the released procedure, step by step on transformers' own networks."""

import numpy as np
import pytest
import torch
from ladaband_conditions import JOINT, WIDTH, SmallNetworks

from songbench.domain.audio import Audio
from songbench.domain.errors import InputError, SongbenchError, UnavailableError
from systems.ladaband.conditions.encoder import ConditionConfig, ConditionEncoder
from systems.ladaband.conditions.files import CLAMP3, MERT, REFERENCE_NEEDS, TEXT_MODEL, TEXT_NEEDS, NetworkFiles

EXACT = ConditionConfig(rounding="right")


@pytest.fixture(scope="module")
def networks():
    return SmallNetworks()


@pytest.fixture(scope="module")
def files(networks, tmp_path_factory):
    folder = tmp_path_factory.mktemp("networks")
    networks.write(folder)
    return NetworkFiles(folder)


def music(seconds, rate=48_000, channels=2):
    time = np.arange(round(seconds * rate)) / rate
    tones = [np.sin(2 * np.pi * frequency * time) * 0.2 for frequency in (220, 331)[:channels]]
    noise = np.random.default_rng(0).standard_normal((channels, len(time))) * 0.05
    return Audio((np.stack(tones) + noise).astype(np.float32), rate)


def mert_states(networks, wave):
    """Mean of the hidden states, shape (frames, width), of a wave brought to zero mean and unit variance."""
    wave = (wave - wave.mean()) / np.sqrt(wave.var() + 1e-7)
    with torch.inference_mode():
        hidden = networks.mert(torch.from_numpy(wave)[None], output_hidden_states=True).hidden_states
    return torch.stack(hidden)[:, 0].mean(dim=0)


def joint(networks, states):
    """CLaMP 3's vector of a short sequence of states."""
    with torch.inference_mode():
        return networks.audio_proj(networks.audio_model(inputs_embeds=states[None]).last_hidden_state[0].mean(dim=0))


def test_text_is_the_mean_over_its_tokens(networks, files):
    from transformers import XLMRobertaTokenizerFast

    style = "slow piano pop"
    (vector,) = ConditionEncoder(EXACT, files=files).texts([style])
    tokens = XLMRobertaTokenizerFast.from_pretrained(files.folder(TEXT_MODEL))(style, return_tensors="pt")
    with torch.inference_mode():
        expected = networks.text_proj(networks.text_model(tokens.input_ids).last_hidden_state[0].mean(dim=0))
    assert vector.shape == (JOINT,)
    assert (vector - expected).abs().max() < 1e-5


def test_texts_do_not_depend_on_each_other_and_are_cut_at_128_tokens(files):
    encoder = ConditionEncoder(EXACT, files=files)
    long = "dark fast drums " * 100
    together = encoder.texts([long, "pop", long + "bright piano"])
    assert (together[1] - encoder.texts(["pop"])[0]).abs().max() < 1e-6
    assert torch.equal(together[0], together[2])


def test_empty_text_is_no_absent_text(files):
    upstream = ConditionEncoder(EXACT, files=files)
    assert torch.equal(upstream.style(""), upstream.texts([""])[0])
    right = ConditionEncoder(ConditionConfig(rounding="right", empty_text="right"), files=files)
    assert torch.equal(right.style(""), torch.zeros(JOINT))
    assert torch.equal(right.style("pop"), upstream.style("pop"))


def test_reference_is_heard_at_half_speed_as_one_mean(networks, files):
    clip = music(2.0)
    vector = ConditionEncoder(EXACT, files=files).reference(clip)
    states = mert_states(networks, clip.samples.mean(axis=0))
    assert len(states) == pytest.approx(4.0 * 75, abs=2)
    assert (vector - joint(networks, states.mean(dim=0)[None])).abs().max() < 1e-4


def test_long_references_are_heard_in_pieces_and_a_rest_too_short_is_left_out(networks, files):
    piece = 60 * 24_000
    clip = music(30.0 + 100 / 48_000, channels=1)
    assert clip.samples.shape[1] == piece + 100
    states = mert_states(networks, clip.samples[0, :piece])
    vector = ConditionEncoder(EXACT, files=files).reference(clip)
    assert (vector - joint(networks, states.mean(dim=0)[None])).abs().max() < 1e-4


def test_reference_heard_the_right_way(networks, files):
    config = ConditionConfig(rounding="right", reference_rate="right", reference_pieces="right")
    clip = music(11.5)
    vector = ConditionEncoder(config, files=files).reference(clip)
    wave = clip.mono().at(24_000).samples[0]
    wave = (wave - wave.mean()) / np.sqrt(wave.var() + 1e-7)
    with torch.inference_mode():
        parts = torch.from_numpy(wave).split(5 * 24_000)
        hidden = [torch.stack(networks.mert(part[None], output_hidden_states=True).hidden_states) for part in parts]
    states = torch.stack([torch.zeros(WIDTH), *(levels.mean(dim=(0, 1, 2)) for levels in hidden), torch.zeros(WIDTH)])
    assert len(parts) == 3
    assert (vector - joint(networks, states)).abs().max() < 1e-4


def test_vectors_are_rounded_as_upstream(files):
    exact, rounding = ConditionEncoder(EXACT, files=files), ConditionEncoder(files=files)
    assert torch.equal(rounding.style("pop"), exact.style("pop").to(torch.bfloat16).float())
    assert torch.equal(rounding.reference(music(1.0)), rounding.reference(music(1.0)).to(torch.bfloat16).float())
    assert not torch.equal(rounding.reference(music(1.0)), exact.reference(music(1.0)))


def test_silent_references_have_a_vector_and_empty_ones_an_error(files):
    encoder = ConditionEncoder(files=files)
    assert torch.isfinite(encoder.reference(Audio(np.zeros((2, 48_000), np.float32), 48_000))).all()
    with pytest.raises(InputError, match="fewer than the 400"):
        encoder.reference(music(0.005))


def test_checkpoints_are_loaded_whole_or_not_at_all(networks, files, tmp_path):
    networks.write(tmp_path)
    checkpoint = tmp_path / CLAMP3 / "clamp3_saas.pth"
    state = networks.clamp3_state()
    state["text_proj.scale"] = state.pop("text_proj.bias")
    torch.save({"model": state}, checkpoint)
    with pytest.raises(SongbenchError, match=r"missing: text_proj\.bias"):
        ConditionEncoder(files=NetworkFiles(tmp_path)).style("pop")
    preparation = tmp_path / MERT / "preprocessor_config.json"
    preparation.write_text(preparation.read_text().replace("24000", "16000"))
    torch.save({"model": networks.clamp3_state()}, checkpoint)
    with pytest.raises(SongbenchError, match="sampling_rate = 16000"):
        ConditionEncoder(files=NetworkFiles(tmp_path)).reference(music(1.0))


def test_absent_weights_are_named_with_their_commands(tmp_path, monkeypatch):
    monkeypatch.setenv("SONGBENCH_WEIGHTS", str(tmp_path))
    state = NetworkFiles().missing(REFERENCE_NEEDS)
    assert not state.ready
    assert all(f"songbench setup {name}" in state.cure for name in REFERENCE_NEEDS)
    with pytest.raises(UnavailableError, match="songbench setup"):
        ConditionEncoder().style("pop")
    assert MERT not in NetworkFiles().missing(TEXT_NEEDS).reason


def test_other_ways_are_refused():
    with pytest.raises(InputError, match="upstream, right"):
        ConditionConfig(reference_rate="wrong")
