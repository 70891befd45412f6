"""On a CUDA device: captured graphs, streams and bfloat16 against the same songs decoded on a CPU."""

import warnings

import pytest
import torch
from songbloom_cases import calm_model
from songbloom_random import SMALL, random_model

from systems.songbloom.audio_stream import AudioStream
from systems.songbloom.decoding import DecodingEngine, DecodingInput, Patch
from systems.songbloom.draws import SeededDraws
from systems.songbloom.singing import Chunk, SongInput, SongSummary, generate
from systems.songbloom.text import EncodedLyrics

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]

END_BIAS = -0.2

FIRM_SEEDS = (2, 11, 17)
"""No draw of these comes closer than 2e-4 to the border between two tokens, at which rounding would tip it."""


def orders(count):
    for song in range(count):
        generator = torch.Generator().manual_seed(song)
        lyrics = torch.randint(8, 330, (20 + 40 * song,), generator=generator).tolist()
        prompt = torch.randn(SMALL.model.prompt_frames, SMALL.model.latent_channels, generator=generator)
        yield DecodingInput(lyrics, prompt, SeededDraws(100 + song, SMALL))


def songs_of(engine, count=8):
    """Tokens and latents of every song, on the CPU."""
    songs = {}
    for event in engine.decode(orders(count)):
        if isinstance(event, Patch):
            tokens, latents = songs.setdefault(event.song, ([], []))
            tokens.append(event.tokens)
            latents.append(event.latents.cpu())
    return {song: (torch.cat(tokens), torch.cat(latents)) for song, (tokens, latents) in songs.items()}


@pytest.fixture(scope="module")
def on_cpu():
    return songs_of(DecodingEngine(random_model(end_bias=END_BIAS).for_decoding()))


@pytest.mark.parametrize("slots", [1, 3, 8])
@pytest.mark.parametrize("capture", [False, True], ids=["eager", "captured"])
@pytest.mark.parametrize("compiled", [False, True], ids=["", "compiled"])
def test_the_same_songs_as_on_a_cpu(on_cpu, slots, capture, compiled):
    model = random_model(end_bias=END_BIAS).for_decoding("cuda")
    songs = songs_of(DecodingEngine(model, slots=slots, capture=capture, compiled=compiled))
    assert songs.keys() == on_cpu.keys()
    for song, (tokens, latents) in on_cpu.items():
        assert torch.equal(songs[song][0], tokens), f"song {song}"
        torch.testing.assert_close(songs[song][1], latents, rtol=1e-3, atol=1e-3)


def test_the_host_waits_once_a_patch():
    """torch itself names every wait; the first song captures graphs, which waits more often."""
    engine = DecodingEngine(random_model(end_bias=-50).for_decoding("cuda"), slots=2)
    songs_of(engine, 2)
    events = engine.decode(orders(2))
    [next(events) for _ in range(2)]
    torch.cuda.set_sync_debug_mode("warn")
    try:
        for _ in range(engine.longest - 2):
            with warnings.catch_warnings(record=True) as waits:
                warnings.simplefilter("always")
                next(events), next(events)
            assert len([wait for wait in waits if "synchroniz" in str(wait.message)]) == 1
    finally:
        torch.cuda.set_sync_debug_mode("default")


def quiet_model():
    """With an encoder whose latents are small, too; else they are in the hundreds, and so is what rounding makes."""
    model = calm_model(SMALL, end_bias=-50)
    for parameter in model.autoencoder.encoder.parameters():
        if parameter.ndim > 1:
            parameter.mul_(0.5)
    return model


def test_audio_decoded_beside_the_next_patch():
    """Pieces from the side stream are the audio made on a CPU."""
    sounds = {}
    for device in ("cpu", "cuda"):
        model = quiet_model().for_decoding(device)
        prompt = torch.randn(SMALL.model.prompt_frames * 1920, generator=torch.Generator().manual_seed(0))
        songs = [SongInput(EncodedLyrics((), (1, 20, 30), ()), prompt, seed) for seed in FIRM_SEEDS]
        pieces = {}
        for event in generate(DecodingEngine(model, slots=2), songs, chunk_patches=2):
            if isinstance(event, Chunk):
                pieces.setdefault(event.song, []).append(torch.from_numpy(event.samples))
            elif isinstance(event, SongSummary):
                assert set(event.stages) == {"prompt", "prefix", "sketch", "acoustic", "audio"}
        sounds[device] = pieces
    for song, pieces in sounds["cpu"].items():
        for piece, actual in zip(pieces, sounds["cuda"][song], strict=True):
            assert (actual - piece).norm() < 1e-3 * piece.norm()


def test_audio_of_the_same_latents():
    """Pieces of several songs from the side stream, while the main one goes on, are what a CPU decodes at once."""
    on_cpu = calm_model().for_decoding()
    model = calm_model().for_decoding("cuda")
    generator = torch.Generator().manual_seed(0)
    latents = torch.randn(3, 96, SMALL.model.latent_channels, generator=generator)
    streams = [AudioStream(model.autoencoder, 32) for _ in latents]
    pieces = [[] for _ in latents]
    for begin in range(0, 96, 16):
        for song, stream in enumerate(streams):
            patch = latents[song, begin : begin + 16].cuda()
            pieces[song] += stream.push(patch)
            patch.fill_(torch.nan)  # what is pushed belongs to the stream
    for song, stream in enumerate(streams):
        sound = torch.cat([*pieces[song], *stream.finish()], dim=1)
        expected = on_cpu.autoencoder.decode(latents[song].T[None])[0]
        torch.testing.assert_close(sound, expected, rtol=1e-4, atol=1e-5)


def test_bfloat16_decodes():
    songs = songs_of(DecodingEngine(random_model(end_bias=-50).for_decoding("cuda", torch.bfloat16), slots=4), 4)
    assert all(torch.isfinite(latents).all() for _, latents in songs.values())
