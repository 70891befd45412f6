"""The arithmetic of decoding: by hand, by torch's own counter, and against what is really there."""

import pytest
import torch
from songbloom_random import SMALL, random_model
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from systems.songbloom.batches import KVCache, RaggedStep
from systems.songbloom.checkpoint import released_state_dict
from systems.songbloom.config import AutoencoderConfig, DecodingConfig, ModelConfig, SongBloomConfig
from systems.songbloom.costs import (
    autoencoder_weights,
    bytes_per_token,
    cache_bytes,
    decoding_need,
    dit_flops_per_patch,
    dit_weights,
    flops_per_patch,
    layer_weights,
    least_seconds_per_patch,
    lm_flops_per_patch,
    lm_weights,
    training_flops,
)
from systems.songbloom.decoding import DecodingEngine
from systems.songbloom.model import SongBloom
from systems.songbloom.presets import PRESETS
from systems.songbloom.singing import songs_at_once
from systems.songbloom.training.draws import TrainingDraws
from systems.songbloom.training.losses import losses
from systems.songbloom.training.trained import freeze_untrained

TINY = ModelConfig(
    dim=64,
    heads=2,
    lm_layers=3,
    dit_layers=2,
    latent_channels=8,
    sketch_vocabulary=100,
    patch=4,
    feed_forward_factor=2,
    prompt_frames=5,
    lyrics_length=7,
)
SETTINGS = DecodingConfig(steps=6, max_seconds=2.0)


def test_by_hand():
    """One layer: q, k, v, out are 4·64², gate, up, down 3·64·128, together 40,960."""
    assert layer_weights(TINY) == 40_960
    assert lm_weights(TINY) == 3 * 40_960 + 64 * 64 + 64 * 101
    assert dit_weights(TINY) == 2 * 40_960 + 2 * 64 * 8
    assert TINY.dit_tokens == 1 + 1 + 4 + 4 + 4
    # Two rows, five steps; attention reads 20 keys and 20 values of 64 in each of three layers.
    assert lm_flops_per_patch(TINY, SETTINGS, 20) == 2 * 5 * (2 * 133_440 + 3 * 2 * 2 * 64 * 20)
    assert bytes_per_token(TINY, songs=3, position=20, itemsize=2) == 2 * (133_440 + 3 * 2 * 2 * 3 * 64 * 20)
    # 2 s are 50 frames, 13 patches of 4; each takes 5 positions after the 12 of the prefix.
    config = SongBloomConfig(
        name="tiny", model=TINY, autoencoder=AutoencoderConfig(latent_channels=8), decoding=SETTINGS
    )
    assert cache_bytes(config, SETTINGS, 4) == 4 * 2 * 2 * 3 * 64 * (12 + 13 * 5)
    assert flops_per_patch(TINY, SETTINGS, 9) == lm_flops_per_patch(TINY, SETTINGS, 9) + dit_flops_per_patch(
        TINY, SETTINGS
    )


def test_rows_follow_the_guidance():
    unscaled, guided = SETTINGS.changed({"guidance": 1.0}), SETTINGS
    assert 2 * lm_flops_per_patch(TINY, unscaled, 10) == lm_flops_per_patch(TINY, guided, 10)
    assert 2 * dit_flops_per_patch(TINY, unscaled) == dit_flops_per_patch(TINY, guided)
    unguided = SETTINGS.changed({"guidance_mode": "none"})
    assert 2 * dit_flops_per_patch(TINY, unguided) == dit_flops_per_patch(TINY, guided)
    global_mode = SETTINGS.changed({"guidance_mode": "global", "guidance": 1.0})
    assert lm_flops_per_patch(TINY, global_mode, 10) == lm_flops_per_patch(TINY, guided, 10)
    assert dit_flops_per_patch(TINY, global_mode) == dit_flops_per_patch(TINY, guided)


def test_the_roofline_is_the_slower_of_arithmetic_and_traffic():
    def least(flops, traffic):
        return least_seconds_per_patch(
            TINY, SETTINGS, songs=2, position=20, itemsize=4, flops_per_second=flops, bytes_per_second=traffic
        )

    assert least(1.0, 1e30) == pytest.approx(2 * flops_per_patch(TINY, SETTINGS, 20))
    read = 5 * bytes_per_token(TINY, 2, 20, 4) + 6 * 4 * dit_weights(TINY)
    assert least(1e30, 1.0) == pytest.approx(read)


class TestAgainstTorch:
    """Sizes at which the products outweigh what is left out, as they do in the released models.

    Attention is done with plain products, as the counter does not see into fused kernels of a CPU.
    """

    CONFIG = SongBloomConfig(
        name="counted",
        model=ModelConfig(
            dim=256,
            heads=4,
            lm_layers=3,
            dit_layers=3,
            latent_channels=8,
            sketch_vocabulary=500,
            prompt_frames=25,
            lyrics_length=100,
        ),
        autoencoder=AutoencoderConfig(channels=4, latent_channels=8),
        decoding=DecodingConfig(steps=1, max_seconds=2.0),
    )

    @pytest.fixture(scope="class")
    def model(self):
        return random_model(self.CONFIG)

    @torch.inference_mode()
    def test_a_step_of_the_language_model(self, model):
        config, lm = self.CONFIG.model, model.sketch_lm
        cache = KVCache(config, 1, 2, 150, torch.device("cpu"), torch.float32, zeroed=False)
        cache.keys.zero_(), cache.values.zero_()
        position = 140
        with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
            step = RaggedStep(lm, cache, lm.rope(150, "cpu"), torch.tensor([position - 1]), [0])
            lm.logits(step.hidden(torch.ones(1, 2, config.dim)))
        expected = lm_flops_per_patch(config, self.CONFIG.decoding, position) / config.steps
        assert counter.get_total_flops() == pytest.approx(expected, rel=0.03)

    @torch.inference_mode()
    def test_a_velocity_of_the_diffusion_transformer(self, model):
        config, dit = self.CONFIG.model, model.acoustic_dit
        noisy, time = torch.ones(2, config.patch, config.latent_channels), torch.ones(1, config.dim)
        hidden, sketch = torch.ones(2, config.dim), torch.ones(2, config.patch, config.dim)
        context = dit.context(hidden, sketch, noisy)
        with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
            dit.velocity(noisy, time, context, dit.rope(torch.device("cpu")))
        expected = dit_flops_per_patch(config, self.CONFIG.decoding)
        assert counter.get_total_flops() == pytest.approx(expected, rel=0.05)


@pytest.mark.parametrize("guidance", [1.0, 1.5])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_cache_is_as_large_as_foretold(guidance, dtype):
    decoding = SMALL.decoding.changed({"guidance": guidance})
    model = random_model().for_decoding("cpu", dtype)
    engine = DecodingEngine(model, decoding, slots=3)
    assert engine.cache_bytes == 3 * cache_bytes(SMALL, decoding, dtype.itemsize)


class TestReleasedSizes:
    @pytest.fixture(scope="class")
    def model(self):
        with torch.device("meta"):
            return SongBloom(PRESETS["full_150s"])

    def count(self, part):
        return sum(parameter.numel() for parameter in part.parameters())

    def test_parameters(self, model):
        """The counts of the released model; its classifier and first embedding count apart from the language model."""
        lm = model.sketch_lm
        assert self.count(lm.layers) + self.count(lm.norm) == 1_359_066_624
        assert self.count(model.acoustic_dit.layers) == 453_021_696
        released = released_state_dict(model)  # its weight norms are apart from the weights there
        assert sum(tensor.numel() for name, tensor in released.items() if name.startswith("vae.")) == 168_695_426
        assert self.count(model) - self.count(model.autoencoder) == 1_872_372_929

    def test_the_formulas_count_the_same_matrices(self, model):
        config = model.config.model
        lm = model.sketch_lm
        matrices = [p for part in (lm.layers, lm.classifier) for p in part.parameters() if p.ndim > 1]
        assert lm_weights(config) == sum(matrix.numel() for matrix in matrices)
        dit = model.acoustic_dit
        parts = (dit.layers, dit.project_in, dit.project_out)
        assert dit_weights(config) == sum(p.numel() for part in parts for p in part.parameters() if p.ndim > 1)


def test_a_training_step_costs_what_torch_counts():
    """Up to attention, which torch counts in full where half of the square is masked."""
    model = freeze_untrained(random_model(SMALL))
    sizes = model.config.model
    frames = 4 * sizes.patch
    draws = TrainingDraws(times=torch.rand(8), noise=torch.randn(8, sizes.patch, sizes.latent_channels))
    prefix = torch.randn(2, sizes.prefix, sizes.dim, requires_grad=True)
    sketch = torch.randint(0, sizes.sketch_vocabulary, (2, frames))
    latents = torch.randn(2, frames, sizes.latent_channels)
    with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH):
        losses(model, prefix, sketch, latents, torch.full((2,), frames), draws).total.backward()
    positions = sizes.prefix + 1 + 4 * sizes.steps
    masked = 3 * 2 * 2 * sizes.lm_layers * sizes.dim * positions**2
    assert training_flops(sizes, 2, frames) + masked == pytest.approx(counter.get_total_flops(), rel=0.02)


@pytest.mark.parametrize("config", [PRESETS["full_150s"], PRESETS["tiny"]], ids=lambda config: config.name)
def test_a_loaded_model_is_as_large_as_declared(config):
    with torch.device("meta"):
        state = SongBloom(config).state_dict()
    numbers = sum(tensor.numel() for tensor in state.values())
    of_autoencoder = sum(tensor.numel() for name, tensor in state.items() if name.startswith("autoencoder."))
    assert autoencoder_weights(config.autoencoder) == pytest.approx(of_autoencoder, rel=0.02)
    assert decoding_need(config, config.decoding, 4).resident == pytest.approx(4 * numbers, rel=0.04)


def test_working_memory_is_a_cache_and_a_piece_of_audio():
    config = PRESETS["full_150s"]
    need = decoding_need(config, config.decoding, 2)
    audio = 16 * 1920 * 128 * 4 * (96 + 2 * 9)  # 16 activations of a piece and its context
    assert need.working == cache_bytes(config, config.decoding, 2) + audio


@pytest.mark.parametrize(("songs", "expected"), [(0.4, 1), (1, 1), (3.2, 3), (50, 8)])
def test_songs_are_decoded_together_as_far_as_the_share_of_a_worker_goes(monkeypatch, songs, expected):
    from systems.songbloom import singing

    model = random_model()
    need = decoding_need(SMALL, SMALL.decoding, 4)
    song = cache_bytes(SMALL, SMALL.decoding, 4)
    monkeypatch.setattr(singing, "share_bytes", lambda: int(need.total + (songs - 1) * song))
    assert songs_at_once(model, SMALL.decoding) == expected
