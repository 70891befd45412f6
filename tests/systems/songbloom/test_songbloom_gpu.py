"""On a CUDA device: captured graphs, streams and bfloat16 against the same songs decoded on a CPU."""

import pytest
import torch
from songbloom_random import SMALL, random_model

from systems.songbloom.decoding import Engine, Order, Patch
from systems.songbloom.draws import SeededDraws
from systems.songbloom.generation import Chunk, Finished, SongInput, generate
from systems.songbloom.text import EncodedLyrics

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]

END_BIAS = -0.2


def orders(count):
    for song in range(count):
        generator = torch.Generator().manual_seed(song)
        lyrics = torch.randint(8, 330, (20 + 40 * song,), generator=generator).tolist()
        prompt = torch.randn(SMALL.model.prompt_frames, SMALL.model.latent_channels, generator=generator)
        yield Order(lyrics, prompt, SeededDraws(100 + song, SMALL))


def songs_of(engine, count=8):
    """Tokens and latents of every song, on the CPU."""
    found = {}
    for event in engine.decode(orders(count)):
        if isinstance(event, Patch):
            tokens, latents = found.setdefault(event.song, ([], []))
            tokens.append(event.tokens)
            latents.append(event.latents.cpu())
    return {song: (torch.cat(tokens), torch.cat(latents)) for song, (tokens, latents) in found.items()}


@pytest.fixture(scope="module")
def on_cpu():
    return songs_of(Engine(random_model(end_bias=END_BIAS).for_decoding()))


@pytest.mark.parametrize("slots", [1, 3, 8])
@pytest.mark.parametrize("capture", [False, True], ids=["eager", "captured"])
@pytest.mark.parametrize("compiled", [False, True], ids=["", "compiled"])
def test_the_same_songs_as_on_a_cpu(on_cpu, slots, capture, compiled):
    model = random_model(end_bias=END_BIAS).for_decoding("cuda")
    made = songs_of(Engine(model, slots=slots, capture=capture, compiled=compiled))
    assert made.keys() == on_cpu.keys()
    for song, (tokens, latents) in on_cpu.items():
        assert torch.equal(made[song][0], tokens), f"song {song}"
        torch.testing.assert_close(made[song][1], latents, rtol=1e-3, atol=1e-3)


def test_whole_attention_gives_the_same_as_split_attention(on_cpu, monkeypatch):
    monkeypatch.setattr("systems.songbloom.sketch_lm.FEW_HEADS", 0)
    monkeypatch.setattr("systems.songbloom.decoding.FEW_HEADS", 0)
    made = songs_of(Engine(random_model(end_bias=END_BIAS).for_decoding("cuda"), slots=8))
    for song, (tokens, _) in on_cpu.items():
        assert torch.equal(made[song][0], tokens), f"song {song}"


def test_audio_decoded_beside_the_next_patch():
    """Pieces from the side stream, joined, are the audio decoded on a CPU."""
    sounds = {}
    for device in ("cpu", "cuda"):
        model = random_model(end_bias=-50).for_decoding(device)
        prompt = torch.randn(SMALL.model.prompt_frames * 1920, generator=torch.Generator().manual_seed(0))
        songs = [SongInput(EncodedLyrics((), (1, 20, 30), ()), prompt, seed) for seed in range(3)]
        pieces = {}
        for event in generate(Engine(model, slots=2), songs, chunk_patches=2):
            if isinstance(event, Chunk):
                pieces.setdefault(event.song, []).append(torch.from_numpy(event.samples))
            elif isinstance(event, Finished):
                assert set(event.stages) == {"prompt", "prefix", "sketch", "acoustic", "audio"}
        sounds[device] = {song: torch.cat(found, dim=1) for song, found in pieces.items()}
    for song, sound in sounds["cpu"].items():
        torch.testing.assert_close(sounds["cuda"][song], sound, rtol=1e-3, atol=1e-3)


def test_bfloat16_decodes():
    made = songs_of(Engine(random_model(end_bias=-50).for_decoding("cuda", torch.bfloat16), slots=4), 4)
    assert all(torch.isfinite(latents).all() for _, latents in made.values())
