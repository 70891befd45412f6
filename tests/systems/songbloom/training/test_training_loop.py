"""Steps of the loop: the same however songs are spread, going on as if nothing had happened, and clear stops."""

import errno
import json
import resource

import pytest
import torch
from songbloom_clips import random_songs, small
from training_cases import fresh, one_process, parts, settings, song_steps

from songbench.domain.errors import InputError, StoreWriteError
from systems.songbloom.checkpoint import load_checkpoint
from systems.songbloom.checkpoint_files import CheckpointFiles
from systems.songbloom.training import state_files
from systems.songbloom.training.baselines import Baselines
from systems.songbloom.training.fit import fit
from systems.songbloom.training.loop import TrainingLoop
from systems.songbloom.training.memory import explained_memory
from systems.songbloom.training.objective import SongBloomObjective
from systems.songbloom.training.processes import launched_fabric
from systems.songbloom.training.state_files import StateFiles
from systems.songbloom.training.trained import trained_parameters
from systems.songbloom.training.validation import SongValidation

LITTLE = small(dim=32, heads=1, lm_layers=1, dit_layers=1, patch=4, prompt_frames=4, lyrics_length=8)
SONGS = random_songs(6, LITTLE.model)
OBJECTIVE = SongBloomObjective()
DROPPING = SongBloomObjective(hidden_dropout=0.3, joint_dropout=0.2, condition_dropout=0.3)


def loop_of(training, objective=OBJECTIVE, config=LITTLE):
    steps = song_steps(SONGS, config, training, objective)
    return TrainingLoop(one_process(), fresh(config), steps, training)


def weights(model):
    return {name: one.detach().clone() for name, one in trained_parameters(model).items()}


def equal(first, second):
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def validation():
    return SongValidation(SONGS[:3], OBJECTIVE, Baselines.of(SONGS, LITTLE.model), bins=4)


@pytest.mark.parametrize(("songs", "accumulation"), [(1, 4), (2, 2)])
def test_passes_of_a_step_make_the_same_step_as_one_large_batch(songs, accumulation):
    """Songs of different lengths, so that means of passes weigh differently."""
    large, spread = (loop_of(settings(songs=a, accumulation=b), DROPPING) for a, b in ((4, 1), (songs, accumulation)))
    for _ in range(2):
        first, second = large.advance(), spread.advance()
        assert second.loss == pytest.approx(first.loss, rel=1e-6)
        assert second.gradient == pytest.approx(first.gradient, rel=1e-5)
        assert second.counts == first.counts
        assert second.numbers == pytest.approx(first.numbers, rel=1e-6)
    for name, weight in large.parameters.items():
        torch.testing.assert_close(spread.parameters[name], weight, rtol=0, atol=1e-6)


def test_gradients_of_passes_add_up_to_those_of_one_batch():
    large, spread = (
        loop_of(settings(songs=a, accumulation=b, lr=1.0, warm_up=3), DROPPING) for a, b in ((4, 1), (1, 4))
    )
    large.advance(), spread.advance()  # the first step has a learning rate of 0, so gradients belong to equal weights
    for name, weight in large.parameters.items():
        torch.testing.assert_close(spread.parameters[name].grad, weight.grad, rtol=1e-4, atol=1e-6)


def test_the_first_step_changes_nothing_and_the_rate_follows_upstreams_schedule():
    loop = loop_of(settings(steps=6, warm_up=2, lr=1e-3))
    before = weights(loop.model)
    rates = [loop.advance().learning_rate]
    assert equal(weights(loop.model), before)
    rates += [loop.advance().learning_rate for _ in range(5)]
    assert rates == pytest.approx([0, 5e-4, 1e-3, 8.5355339e-4, 5e-4, 1.4644661e-4])


def test_autoencoder_and_padding_stay_as_they_are():
    loop = loop_of(settings())
    before = {name: one.clone() for name, one in loop.model.state_dict().items()}
    loop.run()
    after = loop.model.state_dict()
    untouched = [name for name in before if name.startswith("autoencoder.") or name == "conditioning.blank"]
    assert all(torch.equal(before[name], after[name]) for name in untouched)
    assert not torch.equal(before["sketch_lm.bos"], after["sketch_lm.bos"])


@pytest.mark.parametrize("stop", [1, 2, 3, 5])
def test_a_training_that_goes_on_ends_with_the_same_numbers(tmp_path, stop):
    training = settings(steps=6, average=0.9)

    def train(folder, until=None):
        steps = song_steps(SONGS, LITTLE, training, DROPPING)
        training_parts = parts(folder, 6, validate=validation())

        class Stop(Exception):
            pass

        def stop_there(record):
            if record.step == until:
                raise Stop

        training_parts.display.step = stop_there
        try:
            return fit(one_process(), fresh(LITTLE), steps, training, training_parts)
        except Stop:
            return None

    through = train(tmp_path / "whole")
    assert train(tmp_path / "parts", until=stop) is None
    resumed = train(tmp_path / "parts")
    assert equal(weights(resumed.model), weights(through.model))
    assert equal(resumed.average.tensors, through.average.tensors)
    before, after = (loop.state_dict()["optimiser"]["state"] for loop in (through, resumed))
    assert all(equal(before[key], after[key]) for key in before)
    lines = [
        [json.loads(line) for line in (tmp_path / name / "log.jsonl").read_text().splitlines()]
        for name in ("whole", "parts")
    ]
    for line, again in zip(*lines, strict=True):
        timeless = [
            {key: value for key, value in record.get("train", record.get("validation")).items() if "second" not in key}
            for record in (line, again)
        ]
        assert timeless[0] == timeless[1]


def test_the_folder_is_a_checkpoint_with_the_average_and_the_best_is_another(tmp_path):
    training = settings(steps=4, average=0.5, saving=2, keep=1)
    loop = fit(
        one_process(),
        fresh(LITTLE),
        song_steps(SONGS, LITTLE, training),
        training,
        parts(tmp_path, 4, validate=validation()),
    )
    saved = load_checkpoint(CheckpointFiles.find(tmp_path))
    assert all(torch.equal(saved.state_dict()[name], tensor) for name, tensor in loop.average.tensors.items())
    assert not equal(weights(loop.model), loop.average.tensors)
    load_checkpoint(CheckpointFiles.find(tmp_path / "best"))
    assert [path.name for path in (tmp_path / "training").iterdir()] == ["state_00000004.pt"]


def test_a_folder_of_another_training_is_refused(tmp_path):
    training = settings(steps=2)
    fit(one_process(), fresh(LITTLE), song_steps(SONGS, LITTLE, training), training, parts(tmp_path, 2))
    faster = settings(steps=2, lr=2e-3)
    with pytest.raises(InputError, match="another optimiser"):
        fit(one_process(), fresh(LITTLE), song_steps(SONGS, LITTLE, faster), faster, parts(tmp_path, 2))
    with pytest.raises(InputError, match="another data: 'songs in memory', now 'others'"):
        fit(
            one_process(),
            fresh(LITTLE),
            song_steps(SONGS, LITTLE, training),
            training,
            parts(tmp_path, 2, origin={"data": "others"}),
        )


def test_a_loss_that_is_no_number_stops_before_the_step():
    loop = loop_of(settings())
    with torch.no_grad():
        loop.parameters["sketch_lm.bos"][0] = float("nan")
    before = weights(loop.model)
    with pytest.raises(InputError, match=r"At step 1 the loss is nan .* lower learning rate"):
        loop.advance()
    assert all(torch.equal(one.nan_to_num(), before[name].nan_to_num()) for name, one in weights(loop.model).items())


@pytest.mark.parametrize(
    ("changes", "cure"),
    [
        ({"songs": 4}, "batch.songs=2 batch.accumulation=2"),
        ({"songs": 1}, "compute.checkpointing=true"),
        ({"songs": 1, "compute": {"checkpointing": True}}, "compute.precision=bfloat16"),
        ({"songs": 1, "compute": {"checkpointing": True, "precision": "bfloat16"}}, "--lora"),
    ],
)
def test_running_out_of_memory_names_the_cure(changes, cure):
    with pytest.raises(InputError, match="Memory ran out at step 7") as error, explained_memory(settings(**changes), 7):
        torch.empty(2**60, dtype=torch.uint8)
    assert cure in str(error.value)


def test_other_errors_are_not_taken_for_memory():
    with pytest.raises(RuntimeError, match="shapes"), explained_memory(settings(), 1):
        raise RuntimeError("shapes")


def test_a_full_disk_leaves_the_state_before(tmp_path, monkeypatch):
    training = settings(steps=4, saving=2)
    real = state_files.whole_file

    class FullAtTheSecond:
        count = 0

        def __call__(self, path):
            FullAtTheSecond.count += 1
            if FullAtTheSecond.count == 2:
                raise OSError(errno.ENOSPC, "No space left on device")
            return real(path)

    monkeypatch.setattr(state_files, "whole_file", FullAtTheSecond())
    with pytest.raises(StoreWriteError, match=r"No space left on device.* the state of step 2 is kept"):
        fit(one_process(), fresh(LITTLE), song_steps(SONGS, LITTLE, training), training, parts(tmp_path, 4))
    monkeypatch.undo()
    loop = fit(one_process(), fresh(LITTLE), song_steps(SONGS, LITTLE, training), training, parts(tmp_path, 4))
    assert loop.step == 4
    through = fit(
        one_process(), fresh(LITTLE), song_steps(SONGS, LITTLE, training), training, parts(tmp_path / "whole", 4)
    )
    assert equal(weights(loop.model), weights(through.model))


def test_what_the_disk_says_is_told_although_torch_hides_it(tmp_path):
    """A file may have 50 kB here: torch's own error would be of positions in the archive."""
    states = StateFiles(tmp_path, keep=2)
    states.save(1, {"step": 1, "weights": torch.zeros(10)})
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, hard))
    try:
        with pytest.raises(StoreWriteError, match=r"File too large.* the state of step 1 is kept"):
            states.save(2, {"step": 2, "weights": torch.zeros(100_000)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert [path.name for path in tmp_path.iterdir()] == ["state_00000001.pt"]
    assert states.latest()["step"] == 1


def test_a_damaged_state_is_named(tmp_path):
    (tmp_path / "state_00000003.pt").write_bytes(b"no archive")
    with pytest.raises(InputError, match=r"state_00000003.pt.*Remove the file"):
        StateFiles(tmp_path, keep=2).latest()


def test_checkpointed_layers_give_the_same_steps():
    plain = loop_of(settings())
    again = loop_of(settings(compute={"checkpointing": True}))
    for _ in range(2):
        assert again.advance().loss == pytest.approx(plain.advance().loss, rel=1e-6)


def test_mixed_precision_gives_nearly_the_same_steps_and_trains_weights_in_float32():
    plain = loop_of(settings())
    training = settings(compute={"precision": "bfloat16", "device": "cpu"})
    steps = song_steps(SONGS, LITTLE, training, OBJECTIVE)
    mixed = TrainingLoop(launched_fabric(training.compute), fresh(LITTLE), steps, training)
    for _ in range(3):
        assert mixed.advance().loss == pytest.approx(plain.advance().loss, rel=0.02)
    assert all(one.dtype == torch.float32 for one in mixed.parameters.values())
    assert not torch.equal(mixed.parameters["sketch_lm.bos"], plain.parameters["sketch_lm.bos"])


def test_validation_is_the_same_whenever_it_is_asked_for_and_knows_what_is_known_without_learning():
    loop = loop_of(settings())
    check = validation()
    first = check(loop.compute)
    assert check(loop.compute) == first
    assert first["loss"] == pytest.approx(first["sketch"] + 0.1 * first["velocity"])
    assert 0 <= first["accuracy"] <= 1
    assert first["sketch"] == pytest.approx(4.1744, abs=0.2)  # ln 65: nothing is learnt
    baseline = check.baseline(loop.model)
    assert baseline["velocity"] == pytest.approx(first["velocity"], rel=0.5)
    assert set(baseline) - {"unigram", "bigram"} <= set(first)
