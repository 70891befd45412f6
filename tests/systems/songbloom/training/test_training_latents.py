"""Songs encoded piece by piece: as if at once, with one draw of noise, by the autoencoder of the checkpoint alone."""

from copy import deepcopy

import numpy as np
import pytest
import torch
from prepared_cases import tone
from songbloom_random import SMALL, random_checkpoint, random_model

from songbench.domain.audio import Audio
from systems.songbloom.autoencoder import Autoencoder
from systems.songbloom.config import AutoencoderConfig
from systems.songbloom.training.data import latents
from systems.songbloom.training.data.latents import LatentEncoder, load_autoencoder, reach

TINY = AutoencoderConfig(
    sample_rate=1600, channels=4, multiples=(1, 2, 2), strides=(2, 4, 8), latent_channels=3, audio_channels=2
)
"""64 samples a frame."""


def random_autoencoder(config, seed=0):
    generator = torch.Generator().manual_seed(seed)
    autoencoder = Autoencoder(config).requires_grad_(False)
    for parameter in autoencoder.parameters():
        if parameter.ndim > 1:
            parameter.normal_(0, parameter[0].numel() ** -0.5, generator=generator)
    return autoencoder


@pytest.fixture(scope="module")
def encoder():
    return LatentEncoder(random_autoencoder(TINY))


def noise_audio(samples, channels=2, rate=1600, seed=0):
    draws = np.random.default_rng(seed)
    return Audio((0.3 * draws.standard_normal((channels, samples))).astype(np.float32), rate)


@pytest.mark.parametrize("frames", [1, 9, 10, 11, 40, 57])
@pytest.mark.parametrize("batch", [1, 3])
def test_pieces_are_the_whole(encoder, monkeypatch, frames, batch):
    monkeypatch.setattr(latents, "PIECE_FRAMES", 10)
    samples = encoder.samples(noise_audio(64 * frames + 63))
    assert samples.shape == (2, 64 * frames)
    # In double precision, as the sines magnify rounding, which depends on the company in a batch.
    double = LatentEncoder(deepcopy(encoder.autoencoder).double(), batch=batch)
    pieces = double.encode(samples.double(), seed=5)
    monkeypatch.setattr(latents, "PIECE_FRAMES", 1000)
    song = double.encode(samples.double(), seed=5)
    assert pieces.shape == (frames, 3)
    torch.testing.assert_close(pieces, song, rtol=1e-10, atol=1e-10)


def test_a_frame_depends_on_no_more_than_the_reach(encoder):
    frames, at = 60, 30
    samples = encoder.samples(noise_audio(64 * frames))
    changed = samples.clone()
    changed[:, 64 * at : 64 * (at + 1)] += 1
    difference = (encoder.encode(samples, seed=0) - encoder.encode(changed, seed=0)).abs().amax(dim=1)
    near = difference.nonzero()[:, 0]
    assert at in near
    assert int(near.min()) >= at - reach(TINY)
    assert int(near.max()) <= at + reach(TINY)


def test_noise_is_of_the_bottleneck_and_follows_from_the_seed(encoder):
    samples = encoder.samples(noise_audio(64 * 500))
    mean, deviation = encoder.autoencoder.moments(samples[None])
    first, second = (encoder.encode(samples, seed=seed) for seed in (1, 2))
    assert torch.equal(first, encoder.encode(samples, seed=1))
    standard = (first - mean[0].T) / deviation[0].T
    assert abs(float(standard.mean())) < 0.1
    assert float(standard.std()) == pytest.approx(1, abs=0.1)
    assert not torch.equal(first, second)


def test_mono_is_doubled_and_many_channels_are_mixed(encoder):
    mono = noise_audio(640, channels=1)
    assert torch.equal(encoder.samples(mono), torch.from_numpy(mono.samples).expand(2, -1))
    surround = noise_audio(640, channels=6)
    torch.testing.assert_close(encoder.samples(surround)[1], torch.from_numpy(surround.samples.mean(axis=0)))
    stereo = encoder.samples(noise_audio(640))
    together = stereo.mean(dim=0, keepdim=True).expand(2, -1)
    mono_latents = encoder.encode(stereo, seed=3, mono=True)
    assert torch.equal(mono_latents, encoder.encode(together, seed=3, mono=True))


def test_other_rates_are_resampled(encoder):
    samples = encoder.samples(noise_audio(8000, rate=8000))
    assert samples.shape == (2, 1600)


def test_the_autoencoder_of_a_checkpoint_alone(tmp_path):
    files = random_checkpoint(tmp_path)
    loaded, model = load_autoencoder(files), random_model(SMALL)
    for name, tensor in model.autoencoder.state_dict().items():
        torch.testing.assert_close(loaded.state_dict()[name], tensor, rtol=1e-5, atol=1e-6)
    assert LatentEncoder(loaded).digest == LatentEncoder(load_autoencoder(files)).digest
    assert LatentEncoder(loaded).digest != LatentEncoder(random_autoencoder(TINY)).digest
    audio = Audio(np.ascontiguousarray(tone(0.4).T), 48_000)
    encoder = LatentEncoder(loaded)
    assert encoder.encode(encoder.samples(audio), seed=0).shape == (10, 8)


def test_the_reach_of_the_released_autoencoder_is_four_tenths_of_a_second():
    assert reach(AutoencoderConfig()) == 10
