"""The models of the paper's table 4 and other patch sizes: training and decoding leave out the same, and both work."""

from dataclasses import replace

import pytest
import torch
import yaml
from songbloom_batches import random_batch
from songbloom_random import SMALL, random_model

from songbench.domain.errors import InputError
from systems.songbloom.checkpoint import load_checkpoint, save_checkpoint
from systems.songbloom.config import ModelConfig
from systems.songbloom.costs import cache_bytes, lm_weights
from systems.songbloom.decoding import DecodingEngine, DecodingInput, Patch, SongEnd
from systems.songbloom.draws import SeededDraws
from systems.songbloom.initialisation import initialise
from systems.songbloom.model import SongBloom
from systems.songbloom.presets import TABLE_4
from systems.songbloom.training.draws import TrainingDraws
from systems.songbloom.training.losses import batch_losses
from systems.songbloom.training.objective import SongBloomObjective
from systems.songbloom.training.trained import freeze_untrained, trained_parameters

USUAL = SongBloomObjective()
PATCHES = 3

VARIANTS = {
    "H+C+S": {},
    "H+C": {"dit_sketch": False},
    "H": {"dit_sketch": False, "dit_context": False},
    "C+S": {"dit_hidden": False},
    "no sketch": {"sketch": False},
    "no sketch, H": {"sketch": False, "dit_context": False},
    "patch of 8": {"patch": 8},
    "no sketch, patch of 4": {"sketch": False, "patch": 4},
}


def variant(name):
    model = replace(SMALL.model, lyrics_length=20, **VARIANTS[name])
    config = replace(SMALL, model=model)
    seconds = PATCHES * config.patch_seconds
    return replace(config, decoding=config.decoding.changed({"max_seconds": seconds}))


@pytest.fixture(params=VARIANTS, scope="module")
def config(request):
    return variant(request.param)


GREEDY = {"guidance": 1.0, "sampling": False, "penalise_repetition": False}


def decoded(model, settings, batch, capture=False):
    """Patches and end of the batch's first song."""
    engine = DecodingEngine(model, model.config.decoding.changed(settings), capture=capture)
    source = DecodingInput(batch.lyrics[0], batch.styles[0], SeededDraws(5, model.config))
    events = list(engine.decode([source]))
    assert isinstance(events[-1], SongEnd)
    patches = [event for event in events if isinstance(event, Patch)]
    assert len(patches) == events[-1].patches
    return patches, events[-1]


def watch_context(model, contexts):
    """Collect what the diffusion transformer is given beside noise and time."""
    compute = model.acoustic_dit.context

    def watched(*inputs):
        contexts.append(compute(*inputs))
        return contexts[-1]

    model.acoustic_dit.context = watched


@pytest.mark.parametrize("capture", [False, True], ids=["each", "fixed shapes"])
def test_training_reads_what_decoding_read(config, capture):
    """A decoded song, given back as training data, must give the same choices and the same view of every patch."""
    sizes = config.model
    model = random_model(config, end_bias=-20.0)
    contexts = []
    watch_context(model, contexts)
    batch = random_batch((1,), sizes)
    patches, end = decoded(model, GREEDY, batch, capture)
    assert end.ending == "longest length"
    assert len(patches) == len(contexts) == PATCHES
    assert all(len(patch.tokens) == sizes.sketch_tokens for patch in patches)
    while_decoding = torch.cat(contexts)
    contexts.clear()

    latents = torch.cat([patch.latents for patch in patches])
    sketch = torch.cat([patch.tokens for patch in patches])
    if not sizes.sketch:  # data have one; the model must not look at it
        sketch = torch.randint(0, sizes.sketch_vocabulary, (len(latents),))
    song = replace(batch, sketch=sketch[None], latents=latents[None], lengths=torch.tensor([len(latents)]))
    step = batch_losses(model, song, TrainingDraws.validation(model, song, USUAL, torch.Generator()), USUAL)
    torch.testing.assert_close(contexts[0], while_decoding, rtol=1e-4, atol=1e-4)
    assert contexts[0].shape[1] == sizes.dit_tokens - 1 - sizes.patch
    choices = step.logits.argmax(-1)[0, :-1]  # what came after the last patch was not asked for while decoding
    assert torch.equal(choices, sketch if sizes.sketch else torch.zeros(PATCHES, dtype=torch.long))
    assert step.song_targets.tolist() == [PATCHES * (sizes.patch if sizes.sketch else 1) + 1]
    assert step.targets[0, -1] == sizes.end


def test_guidance_and_sampling_work_and_songs_can_end(config):
    batch = random_batch((1,), config.model)
    patches, end = decoded(random_model(config, end_bias=-20.0).for_decoding(), {}, batch)
    assert (end.ending, len(patches)) == ("longest length", PATCHES)
    assert all(torch.isfinite(patch.latents).all() for patch in patches)
    model = random_model(config, end_bias=50.0).for_decoding()
    patches, end = decoded(model, {}, batch)
    assert (end.ending, patches) == ("end token", [])
    engine = DecodingEngine(model, config.decoding)
    assert engine.cache_bytes == cache_bytes(config, config.decoding, 4)


def test_it_can_be_trained(config):
    model = freeze_untrained(initialise(SongBloom(config), torch.Generator().manual_seed(0)))
    batch = random_batch((3, 1), config.model)
    draws = TrainingDraws.validation(model, batch, USUAL, torch.Generator().manual_seed(1))
    learning = trained_parameters(model)
    optimiser = torch.optim.AdamW(learning.values(), lr=3e-3)
    values = []
    for _ in range(20):
        step = batch_losses(model, batch, draws, USUAL)
        optimiser.zero_grad()
        step.total.backward()
        optimiser.step()
        values.append((step.sketch.item(), step.velocity.item()))
    assert values[-1][0] < 0.8 * values[0][0]
    assert values[-1][1] < 0.97 * values[0][1]
    assert all(parameter.grad is not None for parameter in learning.values())


def test_checkpoints_say_which_variant_they_are(config, tmp_path):
    model = random_model(config)
    files = save_checkpoint(model, tmp_path)
    assert files.read_config() == config
    loaded = load_checkpoint(files)
    state = loaded.state_dict()
    for name, tensor in model.state_dict().items():
        torch.testing.assert_close(state[name], tensor, msg=name)
    in_file = yaml.safe_load(files.config.read_text(encoding="utf-8"))["model"]
    switches = {"sketch", "dit_hidden", "dit_context", "dit_sketch"}
    assert {name: value for name, value in in_file.items() if name in switches} == {
        name: getattr(config.model, name) for name in switches if not getattr(config.model, name)
    }


def test_a_checkpoint_of_another_variant_is_refused(tmp_path):
    files = save_checkpoint(random_model(variant("no sketch")), tmp_path)
    settings = yaml.safe_load(files.config.read_text(encoding="utf-8"))
    del settings["model"]["sketch"]
    files.config.write_text(yaml.safe_dump(settings), encoding="utf-8")
    with pytest.raises(InputError, match="skeleton_emb"):
        load_checkpoint(files)


@pytest.mark.parametrize(
    ("name", "absent"),
    [("H+C+S", set()), ("H+C", {"sketch"}), ("H", {"sketch", "previous"}), ("C+S", {"hidden"})],
)
def test_what_is_left_out_has_no_influence(name, absent):
    model, generator = random_model(variant(name)), torch.Generator().manual_seed(1)
    sizes = model.config.model
    inputs = {
        "noisy": torch.randn(1, sizes.patch, sizes.latent_channels, generator=generator),
        "times": torch.tensor([0.5]),
        "hidden": torch.randn(1, sizes.dim, generator=generator),
        "sketch": torch.randn(1, sizes.patch, sizes.dim, generator=generator),
        "previous": torch.randn(1, sizes.patch, sizes.latent_channels, generator=generator),
    }
    velocity = model.acoustic_dit(**inputs)
    assert velocity.shape == (1, sizes.patch, sizes.latent_channels)
    for part in ("hidden", "sketch", "previous"):
        changed = model.acoustic_dit(**{**inputs, part: inputs[part] + 1})
        assert torch.equal(changed, velocity) is (part in absent), part


def test_the_tables_models():
    tokens = {name: model.dit_tokens for name, model in TABLE_4.items()}
    assert tokens == {"H + C + S": 50, "H + C": 34, "H": 18, "no sketch": 34}
    assert TABLE_4["no sketch"].steps == 1
    assert lm_weights(TABLE_4["H"]) - lm_weights(TABLE_4["no sketch"]) == 1536 * (16385 - 2)


def test_a_transformer_that_hears_nothing_is_refused():
    for changes in ({"dit_hidden": False, "dit_sketch": False}, {"dit_hidden": False, "sketch": False}):
        with pytest.raises(InputError, match="would know nothing"):
            ModelConfig(**changes)
