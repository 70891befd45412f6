"""What is drawn, what is dropped, what the losses say song by song, and what learns at all."""

import math
from dataclasses import replace

import pytest
import torch
from songbloom_batches import random_batch
from songbloom_random import SMALL, random_model

from songbench.domain.errors import InputError
from systems.songbloom.initialisation import DEVIATION, initialise
from systems.songbloom.model import SongBloom
from systems.songbloom.solver import ddim, ddim_grid
from systems.songbloom.training.conditions import prefixes
from systems.songbloom.training.draws import TrainingDraws, diffusion_times
from systems.songbloom.training.losses import batch_losses, losses, noised
from systems.songbloom.training.objective import SongBloomObjective
from systems.songbloom.training.trained import freeze_untrained, trained_parameters

USUAL = SongBloomObjective()
NOTHING_DROPPED = SongBloomObjective(hidden_dropout=0, sketch_dropout=0, condition_dropout=0, style_dropout=0)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def model():
    return random_model()


@pytest.fixture(scope="module")
def batch():
    return random_batch()


class TestDraws:
    def test_they_follow_from_a_generator(self, model, batch):
        first, second, third = (TrainingDraws.make(model, batch, USUAL, seeded(seed)) for seed in (3, 3, 4))
        for name in ("times", "noise", "blank_hidden", "blank_sketch"):
            assert torch.equal(getattr(first, name), getattr(second, name))
        assert (first.drop_lyrics, first.drop_style) == (second.drop_lyrics, second.drop_style)
        assert not torch.equal(first.noise, third.noise)
        assert first.noise.shape == (5, SMALL.model.patch, SMALL.model.latent_channels)

    def test_validation_drops_nothing_and_spreads_its_times(self, model, batch):
        everything = SongBloomObjective(hidden_dropout=1, joint_dropout=1, condition_dropout=1, time_sampler="uniform")
        first, second = (TrainingDraws.validation(model, batch, everything, seeded()) for _ in range(2))
        assert torch.equal(first.noise, second.noise)
        assert first.blank_hidden is None
        assert first.drop_lyrics == first.drop_style == ()
        assert sorted((first.times * 5).long().tolist()) == [0, 1, 2, 3, 4]

    @pytest.mark.parametrize(
        ("settings", "hidden", "sketch", "together"),
        [
            ({}, 0.05, 0.05, 0.0025),
            ({"hidden_dropout": 0.5, "sketch_dropout": 0.2}, 0.5, 0.2, 0.1),
            ({"hidden_dropout": 0.0, "sketch_dropout": 0.0, "joint_dropout": 0.3}, 0.3, 0.3, 0.3),
            ({"hidden_dropout": 0.5, "sketch_dropout": 0.0, "joint_dropout": 0.5}, 0.75, 0.5, 0.5),
        ],
    )
    def test_shares_of_blanked_patches(self, model, batch, settings, hidden, sketch, together):
        many = replace(batch, lengths=torch.tensor([16 * 20_000, 0]))
        draws = TrainingDraws.make(model, many, SongBloomObjective(**settings), seeded())
        shares = [one.float().mean().item() for one in (draws.blank_hidden, draws.blank_sketch)]
        assert shares == pytest.approx([hidden, sketch], abs=0.01)
        assert (draws.blank_hidden & draws.blank_sketch).float().mean().item() == pytest.approx(together, abs=0.01)

    def test_conditions_are_dropped_song_by_song_or_by_the_batch(self, model):
        songs = random_batch((1,) * 400)
        by_song = SongBloomObjective(condition_dropout=0.2, style_dropout=0.5, lyrics_dropout=0.1)
        draws = TrainingDraws.make(model, songs, by_song, seeded())
        shares = [sum(flags) / 400 for flags in (draws.drop_style, draws.drop_lyrics)]
        assert shares == pytest.approx([1 - 0.8 * 0.5, 1 - 0.8 * 0.9], abs=0.08)
        by_call = replace(by_song, dropout_by="call")
        for seed in range(20):
            draws = TrainingDraws.make(model, songs, by_call, seeded(seed))
            assert len(set(draws.drop_style)) == len(set(draws.drop_lyrics)) == 1

    def test_dropped_conditions_are_those_of_guidance(self, model, batch):
        draws = TrainingDraws.make(model, batch, NOTHING_DROPPED, seeded())
        dropped = replace(draws, drop_lyrics=(True, False), drop_style=(True, True))
        plain, reduced = (prefixes(model.conditioning, batch, one) for one in (draws, dropped))
        null, styles = model.conditioning.null_prefix(), SMALL.model.prompt_frames
        assert torch.equal(reduced[0], null)
        assert torch.equal(reduced[1, :styles], null[:styles])
        assert torch.equal(reduced[1, styles:], plain[1, styles:])
        assert torch.equal(plain[0], model.conditioning.prefix(batch.lyrics[0], batch.styles[0]))


class TestTimes:
    UNIFORM = (torch.arange(100_000, dtype=torch.float64) + 0.5) / 100_000

    def test_logit_normal(self):
        times = diffusion_times(self.UNIFORM, SongBloomObjective(time_mean=0.5, time_deviation=2.0))
        logits = torch.logit(times)
        assert [logits.mean().item(), logits.std().item()] == pytest.approx([0.5, 2.0], abs=1e-3)

    def test_uniform(self):
        assert torch.equal(diffusion_times(self.UNIFORM, SongBloomObjective(time_sampler="uniform")), self.UNIFORM)

    def test_truncated_logit_normal(self):
        """The share of all times below a stretched one is its share of the plain times that were kept."""
        objective = SongBloomObjective(time_sampler="truncated_logit_normal")
        times = diffusion_times(self.UNIFORM, objective)
        plain = diffusion_times(self.UNIFORM, SongBloomObjective())
        most = 1 - objective.time_truncation
        expected = plain[plain <= most] / most
        assert times.max() <= 1
        for time in (0.1, 0.5, 0.9):
            shares = [(one < time).double().mean().item() for one in (times, expected)]
            assert shares[0] == pytest.approx(shares[1], abs=1e-3)
        complete = diffusion_times(self.UNIFORM, replace(objective, time_truncation=0.0))
        torch.testing.assert_close(complete, plain, atol=1e-6, rtol=1e-6)

    @pytest.mark.parametrize("sampler", ["logit_normal", "uniform", "truncated_logit_normal"])
    def test_the_ends_are_times(self, sampler):
        ends = diffusion_times(torch.tensor([0.0, 1.0]), SongBloomObjective(time_sampler=sampler))
        torch.testing.assert_close(ends, torch.tensor([0.0, 1.0]))


class TestLosses:
    @pytest.fixture(scope="class")
    def step(self, model, batch):
        draws = TrainingDraws.make(model, batch, NOTHING_DROPPED, seeded())
        return batch_losses(model, batch, draws, SongBloomObjective(velocity_weight=0.3))

    def test_the_weight_is_the_objectives(self, step):
        assert step.total.item() == pytest.approx(step.sketch.item() + 0.3 * step.velocity.item())

    def test_songs_add_up_to_the_batch(self, step, batch):
        assert step.song_targets.tolist() == [one + 1 for one in batch.lengths.tolist()]
        mean = -step.song_log_probabilities.sum() / step.song_targets.sum()
        assert mean.item() == pytest.approx(step.sketch.item(), rel=1e-5)
        weighted = (step.song_velocity_errors * step.song_patches).sum() / step.song_patches.sum()
        assert weighted.item() == pytest.approx(step.velocity.item(), rel=1e-5)

    def test_a_song_is_what_it_is_alone(self, model, step, batch):
        """The second song is shorter, so it is padded in the batch."""
        draws = TrainingDraws.make(model, batch, NOTHING_DROPPED, seeded())
        alone = random_batch()
        frames = int(batch.lengths[1])
        alone = replace(
            alone,
            ids=alone.ids[1:],
            sketch=alone.sketch[1:, :frames],
            latents=alone.latents[1:, :frames],
            lengths=alone.lengths[1:],
            lyrics=alone.lyrics[1:],
            styles=alone.styles[1:],
        )
        apart = batch_losses(
            model,
            alone,
            replace(
                draws,
                times=draws.times[3:],
                noise=draws.noise[3:],
                blank_hidden=None,
                blank_sketch=None,
                drop_lyrics=(),
                drop_style=(),
            ),
            USUAL,
        )
        torch.testing.assert_close(apart.song_log_probabilities[0], step.song_log_probabilities[1])
        torch.testing.assert_close(apart.song_velocity_errors[0], step.song_velocity_errors[1])

    def test_accuracy_counts_targets_only(self, step):
        targets, counted = step.targets, step.targets != SMALL.model.ignored
        right = step.logits.argmax(-1) == targets
        assert step.accuracy.item() == pytest.approx(right[counted].float().mean().item())
        exact = torch.nn.functional.one_hot(targets.clamp(max=SMALL.model.end), SMALL.model.end + 1).float()
        assert replace(step, logits=exact).accuracy == 1

    def test_errors_by_time(self, step):
        sums, counts = step.velocity_by_time(4)
        assert counts.sum() == len(step.times)
        assert (sums.sum() / counts.sum()).item() == pytest.approx(step.velocity.item(), rel=1e-5)
        for place in range(4):
            inside = (step.times >= place / 4) & (step.times < (place + 1) / 4)
            assert counts[place] == inside.sum()
            torch.testing.assert_close(sums[place], step.patch_velocity_errors[inside].sum())

    def test_blanked_patches_read_zeros(self, model, batch):
        """What is blanked has no influence: other sketch embeddings in the transformer change nothing there."""
        draws = TrainingDraws.validation(model, batch, USUAL, seeded())
        all_patches = torch.ones(5, dtype=torch.bool)
        read = []
        hook = model.acoustic_dit.register_forward_pre_hook(lambda _, inputs: read.append(inputs))
        batch_losses(model, batch, replace(draws, blank_hidden=all_patches, blank_sketch=~all_patches), USUAL)
        batch_losses(model, batch, replace(draws, blank_hidden=~all_patches, blank_sketch=all_patches), USUAL)
        hook.remove()
        (_, _, no_hidden, sketch, _), (_, _, hidden, no_sketch, _) = read
        assert not no_hidden.any()
        assert not no_sketch.any()
        assert sketch.any()
        assert hidden.any()

    @pytest.mark.parametrize("objective", ["rectified_flow", "v"])
    def test_targets_lead_back_to_the_music(self, objective):
        """What the transformer is to predict, predicted exactly, is followed by the solver from noise to music."""
        clean, noise = torch.randn(2, 1, 16, 4, generator=seeded(5))
        for time in (0.1, 0.5, 0.9):
            noisy, target = noised(clean, TrainingDraws(times=torch.tensor([time]), noise=noise), objective)
            if objective == "rectified_flow":
                torch.testing.assert_close(noisy - time * target, clean)
            else:
                angle = time * math.pi / 2
                torch.testing.assert_close(noisy * math.cos(angle) - target * math.sin(angle), clean)
        if objective == "v":
            grid = ddim_grid(8)

            def field(_, step):
                return noised(clean, TrainingDraws(times=grid[step : step + 1], noise=noise), "v")[1]

            torch.testing.assert_close(ddim(field, noise, 8), clean)


class TestTraining:
    def test_what_learns(self):
        model = freeze_untrained(random_model())
        learning = trained_parameters(model)
        frozen = {name for name, _ in model.named_parameters()} - learning.keys()
        assert {name for name in frozen if not name.startswith("autoencoder.")} == {"conditioning.blank"}
        assert any(name.startswith("autoencoder.") for name in frozen)
        before = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
        batch = random_batch()
        optimiser = torch.optim.AdamW(learning.values(), lr=1e-3, weight_decay=0.0)
        batch_losses(model, batch, TrainingDraws.make(model, batch, NOTHING_DROPPED, seeded()), USUAL).total.backward()
        optimiser.step()
        after = dict(model.named_parameters())
        for name in frozen:
            assert torch.equal(after[name], before[name]), name
        assert {name for name in learning if torch.equal(after[name], before[name])} == set()
        for table in ("symbols", "sentences"):
            name = f"conditioning.{table}.weight"
            assert before[name][0].any()  # a padding row need not be zero in a file; it only never learns
            assert torch.equal(after[name][0], before[name][0])

    @pytest.mark.parametrize("objective", ["rectified_flow", "v"])
    def test_a_few_steps_lower_the_loss(self, objective):
        """On one small batch, repeated, from upstream's initial weights: the objective can be followed."""
        config = replace(SMALL, model=replace(SMALL.model, objective=objective))
        model = freeze_untrained(initialise(SongBloom(config), seeded()))
        batch = random_batch()
        draws = TrainingDraws.validation(model, batch, USUAL, seeded())
        optimiser = torch.optim.AdamW(trained_parameters(model).values(), lr=3e-3)
        values = []
        for _ in range(20):
            step = batch_losses(model, batch, draws, USUAL)
            optimiser.zero_grad()
            step.total.backward()
            optimiser.step()
            values.append((step.sketch.item(), step.velocity.item()))
        assert values[-1][0] < 0.8 * values[0][0]
        assert values[-1][1] < 0.95 * values[0][1]

    @pytest.mark.parametrize("frozen", [False, True], ids=["all weights", "inner weights alone"])
    def test_gradients_with_layers_computed_again_are_the_same(self, frozen):
        """Also when, as with adapters, nothing before the layers learns: re-entrant checkpointing gives them none."""
        batch, gradients, calls = random_batch(), [], []
        for checkpoint in (False, True):
            model = freeze_untrained(random_model())
            if frozen:
                for name, parameter in model.named_parameters():
                    parameter.requires_grad_("attention.qkv" in name)
            model.checkpoint_layers(checkpoint)
            for layers in (model.sketch_lm.layers, model.acoustic_dit.layers):
                layers[0].register_forward_pre_hook(lambda *_, checkpoint=checkpoint: calls.append(checkpoint))
            draws = TrainingDraws.make(model, batch, USUAL, seeded())
            batch_losses(model, batch, draws, USUAL).total.backward()
            gradients.append({name: one.grad for name, one in trained_parameters(model).items()})
        assert calls.count(True) == 2 * calls.count(False) == 4
        plain, again = gradients
        assert plain.keys() == again.keys()
        for name, gradient in plain.items():
            assert gradient is not None, name
            assert gradient.any(), name
            torch.testing.assert_close(again[name], gradient, msg=name)

    def test_mixed_precision_stays_near(self, model, batch):
        """With products in bfloat16; angles of the diffusion time and the losses stay in float32."""
        draws = TrainingDraws.make(model, batch, NOTHING_DROPPED, seeded())
        exact = batch_losses(model, batch, draws, USUAL)
        with torch.autocast("cpu", torch.bfloat16):
            features = model.acoustic_dit.time_features(draws.times)
            mixed = batch_losses(model, batch, draws, USUAL)
        assert torch.equal(features, model.acoustic_dit.time_features(draws.times))
        assert mixed.total.dtype == torch.float32
        assert mixed.sketch.item() == pytest.approx(exact.sketch.item(), rel=0.03)
        assert mixed.velocity.item() == pytest.approx(exact.velocity.item(), rel=0.03)

    def test_low_and_high_level_agree(self, model, batch):
        draws = TrainingDraws.make(model, batch, NOTHING_DROPPED, seeded())
        prefix = prefixes(model.conditioning, batch, draws)
        low = losses(model, prefix, batch.sketch, batch.latents, batch.lengths, draws)
        assert torch.equal(low.total, batch_losses(model, batch, draws, USUAL).total)


class TestInitialWeights:
    @pytest.fixture(scope="class")
    def fresh(self):
        return initialise(SongBloom(SMALL), seeded())

    def test_their_distributions(self, fresh):
        for name, tensor in fresh.state_dict().items():
            if name.startswith("autoencoder."):
                continue
            if name == "acoustic_dit.time_frequencies":
                assert 0.5 < tensor.std() < 1.5
            elif name.endswith(("bias", "beta", "blank")):
                assert not tensor.any(), name
            elif "norm" in name:
                assert (tensor == 1).all(), name
            else:
                assert tensor.std().item() == pytest.approx(DEVIATION, rel=0.25), name
                assert abs(tensor.mean().item()) < 0.2 * DEVIATION, name
        assert not fresh.conditioning.symbols.weight[0].any()
        assert not fresh.conditioning.sentences.weight[0].any()
        assert fresh.sketch_embedding.weight[0].any()

    def test_they_follow_from_the_generator_and_leave_the_autoencoder(self, fresh):
        second = SongBloom(SMALL)
        before = {name: one.clone() for name, one in second.autoencoder.state_dict().items()}
        initialise(second, seeded())
        for name, tensor in second.state_dict().items():
            if not name.startswith("autoencoder."):
                assert torch.equal(tensor, fresh.state_dict()[name]), name
        assert all(torch.equal(one, before[name]) for name, one in second.autoencoder.state_dict().items())

    def test_a_model_not_yet_initialised_sees_the_time(self):
        assert SongBloom(SMALL).acoustic_dit.time_frequencies.any()


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"time_sampler": "sobol"}, "time_sampler"),
        ({"dropout_by": "batch"}, "dropout_by"),
        ({"hidden_dropout": 1.5}, "hidden_dropout"),
        ({"condition_dropout": -0.1}, "condition_dropout"),
        ({"velocity_weight": -1.0}, "velocity_weight"),
        ({"time_deviation": 0.0}, "time_deviation"),
        ({"time_truncation": 1.0}, "time_truncation"),
    ],
)
def test_what_cannot_be_is_refused(settings, field):
    with pytest.raises(InputError) as caught:
        SongBloomObjective(**settings)
    assert caught.value.field == field
