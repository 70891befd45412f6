"""The arithmetic of memory against what a small model really holds."""

from dataclasses import replace

import pytest
import torch
from command_here import run
from songbloom_batches import random_batch
from songbloom_random import SMALL, random_model

from systems.songbloom.lora.adapters import add_adapters
from systems.songbloom.lora.config import LoraConfig
from systems.songbloom.training.draws import TrainingDraws
from systems.songbloom.training.losses import batch_losses
from systems.songbloom.training.memory_costs import MemorySettings, training_memory
from systems.songbloom.training.objective import SongBloomObjective
from systems.songbloom.training.trained import freeze_untrained

CONFIG = replace(SMALL, model=replace(SMALL.model, lm_layers=3, dit_layers=4, lyrics_length=30))
SETTINGS = MemorySettings(
    songs=2, seconds=3.01 * CONFIG.patch_seconds, precision="float32", checkpointing=False, device="cpu"
)
LORA = LoraConfig(rank=4, dropout=0.0)


def prepared(lora):
    model = freeze_untrained(random_model(CONFIG)).train()
    if lora:
        add_adapters(model, lora)
    return model


def total(model):
    objective, batch = SongBloomObjective(), random_batch((3, 3), CONFIG.model)
    draws = TrainingDraws.make(model, batch, objective, torch.Generator().manual_seed(0))
    return batch_losses(model, batch, draws, objective).total


def graph_bytes(model):
    """Bytes of the tensors that autograd keeps, each memory once and without the weights."""
    weights = {one.untyped_storage().data_ptr() for one in (*model.parameters(), *model.buffers())}
    tensors = {}

    def pack(tensor):
        if (place := tensor.untyped_storage().data_ptr()) not in weights:
            tensors[place] = tensor
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        loss = total(model)
    assert loss.requires_grad
    return sum(tensor.untyped_storage().nbytes() for tensor in tensors.values())


@pytest.mark.parametrize("lora", [None, LORA, replace(LORA, train="tables")], ids=["whole", "adapters", "tables"])
def test_weights_gradients_and_optimiser_exactly(lora):
    model, cost = prepared(lora), training_memory(CONFIG, SETTINGS, lora)
    parameters = [one for one in model.parameters() if one.requires_grad]
    assert cost.trained == sum(one.numel() for one in parameters)
    assert cost.weights == sum(one.nbytes for one in (*model.parameters(), *model.buffers()))
    optimiser = torch.optim.AdamW(parameters)
    total(model).backward()
    optimiser.step()
    assert cost.gradients == sum(one.grad.nbytes for one in parameters)
    moments = [one[name] for one in optimiser.state.values() for name in ("exp_avg", "exp_avg_sq")]
    assert cost.optimiser == sum(one.nbytes for one in moments)
    assert training_memory(CONFIG, replace(SETTINGS, average=True), lora).weights == cost.weights + cost.gradients


@pytest.mark.parametrize(
    "lora",
    [None, LORA, replace(LORA, dropout=0.1), replace(LORA, targets=("attention.", "feed_forward."))],
    ids=["whole", "adapters", "dropout", "every matrix"],
)
@pytest.mark.parametrize("checkpointing", [False, True], ids=["plain", "checkpointing"])
def test_activations_nearly(lora, checkpointing):
    model = prepared(lora)
    model.checkpoint_layers(checkpointing)
    cost = training_memory(CONFIG, replace(SETTINGS, checkpointing=checkpointing), lora)
    assert cost.activations == pytest.approx(graph_bytes(model), rel=0.05)
    assert (cost.recomputed > 0) == checkpointing


def test_what_saves_memory():
    everything = training_memory(CONFIG, SETTINGS)
    assert training_memory(CONFIG, SETTINGS, LORA).total < everything.total
    assert training_memory(CONFIG, replace(SETTINGS, checkpointing=True)).activations < everything.activations / 5
    half = training_memory(CONFIG, replace(SETTINGS, precision="bfloat16"))
    assert half.activations < everything.activations
    assert half.casts > 0


class TestCommand:
    def test_table(self):
        answer = run(["train", "memory", "--config", "tiny", "--lora", "rank=4"])
        assert answer.returncode == 0, answer.stderr
        assert answer.stdout.count("bfloat16") == 2
        assert "numbers are trained; 1 x 60 s a pass" in answer.stdout

    def test_an_unknown_configuration(self):
        answer = run(["train", "memory", "--config", "full"])
        assert answer.returncode == 2
        assert "neither a preset nor a checkpoint" in answer.stderr
