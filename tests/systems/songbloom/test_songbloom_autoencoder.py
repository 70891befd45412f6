"""How far the decoder looks, which is what lies beside a piece of audio that is decoded by itself."""

import pytest
import torch

from systems.songbloom.autoencoder import Autoencoder, Snake
from systems.songbloom.config import AutoencoderConfig


def small_decoder(strides):
    torch.manual_seed(0)
    config = AutoencoderConfig(channels=2, strides=strides, multiples=(1,) * len(strides), latent_channels=4)
    autoencoder = Autoencoder(config).double().requires_grad_(False)
    for parameter in autoencoder.parameters():
        parameter.normal_(0, 0.5 if parameter.ndim > 1 else 0.1)
    return autoencoder


@pytest.mark.parametrize("strides", [(2, 4, 4, 6, 10), (2, 2), (4, 8, 2), (10, 6)])
def test_the_context_is_the_reach_of_the_decoder(strides):
    """A frame that is changed changes the audio of as many frames on either side, and of no more."""
    autoencoder = small_decoder(strides)
    hop, reach = autoencoder.config.hop, autoencoder.context
    middle = reach + 5
    latents = torch.randn(1, 4, 2 * middle + 1, dtype=torch.float64)
    changed = latents.clone()
    changed[..., middle] += 50
    difference = (autoencoder.decode(changed) - autoencoder.decode(latents)).abs().amax((0, 1))
    frames = difference.nonzero()[:, 0] // hop
    assert (middle - frames.min(), frames.max() - middle) == (reach, reach)


@pytest.mark.parametrize("strides", [(2, 2), (4, 8, 2)])
def test_pieces_of_any_strides_are_the_whole(strides):
    autoencoder = small_decoder(strides)
    latents = torch.randn(1, 4, 90, dtype=torch.float64)
    pieces = torch.cat(list(autoencoder.decode_chunked(latents, 7)), dim=-1)
    torch.testing.assert_close(pieces, autoencoder.decode(latents), rtol=1e-9, atol=1e-9)


def test_the_released_sizes_need_nine_frames():
    assert AutoencoderConfig().context == 9


def test_snake_leaves_its_input_and_is_the_formula():
    snake = Snake(3).requires_grad_(False)
    snake.alpha.normal_(), snake.beta.normal_()
    x = torch.randn(2, 3, 50)
    original, a, b = x.clone(), snake.alpha.exp()[:, None], snake.beta.exp()[:, None]
    assert torch.equal(snake(x), x + (x * a).sin() ** 2 / (b + 1e-9))
    assert torch.equal(x, original)


def test_snakes_of_all_sizes_are_compiled_as_one(monkeypatch):
    """torch compiles a function for eight cases and then goes on without; pieces and levels differ in every size."""
    compiled, graphs = torch.compile, []

    def backend(graph, examples):
        graphs.append(graph)
        return graph.forward

    monkeypatch.setattr(torch, "compile", lambda function, **options: compiled(function, backend=backend, **options))
    autoencoder = small_decoder((4, 8, 2)).float()
    latents = torch.randn(1, 4, 60)
    expected = autoencoder.decode(latents)
    autoencoder.compile_snakes()
    with torch.inference_mode():
        pieces = [autoencoder.decode_piece(latents, start, start + 10) for start in range(0, 60, 10)]
    torch.testing.assert_close(torch.cat(pieces, dim=-1), expected, rtol=1e-4, atol=1e-4)
    assert 1 <= len(graphs) <= 2
