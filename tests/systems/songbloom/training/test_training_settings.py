"""Settings of a training from Hydra's tree, recipes and ``--set``."""

import re

import pytest

from songbench.domain.errors import InputError
from systems.songbloom.training.composition import choices, compose_settings, objective_settings


@pytest.mark.parametrize("recipe", choices("recipe"))
def test_every_recipe_is_valid(recipe):
    settings = compose_settings(recipe)
    assert settings.optimiser.warm_up < settings.steps
    objective_settings(settings)


def test_the_papers_step_is_128_songs():
    for recipe in ("tiny", "full_150s", "full_240s"):
        assert compose_settings(recipe).songs_per_step == 128
        assert compose_settings(recipe).steps == 150_000


def test_presets_of_the_optimiser():
    misty = compose_settings("tiny", ["optimiser=misty"]).optimiser
    assert (misty.lr, misty.betas, misty.weight_decay, misty.warm_up) == (1e-4, (0.9, 0.95), 0.1, 2000)
    ayutaz = compose_settings("fine_tuning", ["optimiser=ayutaz", "optimiser.clip=0.5"]).optimiser
    assert (ayutaz.lr, ayutaz.betas, ayutaz.weight_decay) == (1e-4, (0.9, 0.999), 0.01)
    assert (ayutaz.schedule, ayutaz.clip) == ("constant", 0.5)


def test_single_settings_win():
    settings = compose_settings("laptop", ["steps=50", "model.sizes.dim=96", "log.to=[tensorboard]"])
    assert settings.steps == 50 and settings.log.to == ("tensorboard",)
    assert settings.model.sizes["dim"] == 96 and settings.model.sizes["lm_layers"] == 3
    objective = objective_settings(compose_settings("laptop", ["objective.joint_dropout=0.05"]))
    assert objective.joint_dropout == 0.05


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("optimizer.lr=1", "'optimiser'"),
        ("optimiser=ayutax", "'ayutaz'"),
        ("log.to=[wandbb]", "'wandb'"),
        ("steps=0", ">= 1"),
        ("steps=10", "no room for 30 steps"),
        ("compute.precision=fp16", "bfloat16"),
    ],
)
def test_wrong_settings_are_named(change, message):
    with pytest.raises(InputError, match=re.escape(message)):
        compose_settings("laptop", [change])


def test_unknown_recipes_and_objectives_are_named():
    with pytest.raises(InputError, match="Did you mean 'laptop'"):
        compose_settings("labtop")
    with pytest.raises(InputError, match="Did you mean 'style_dropout'"):
        objective_settings(compose_settings("laptop", ["objective.stile_dropout=0.1"]))


def test_how_a_step_is_spread_does_not_bind_a_training():
    plain, spread = (
        compose_settings("laptop", overrides).binding()
        for overrides in ([], ["batch.songs=2", "batch.accumulation=2", "compute.checkpointing=true"])
    )
    assert plain == spread
    assert compose_settings("laptop", ["batch.accumulation=2"]).binding() != plain
