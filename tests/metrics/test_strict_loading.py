import pytest
import torch
from safetensors.torch import save_file

from metrics.features.strict_loading import load_strictly, read_tensors
from songbench.domain.errors import InputError, SongbenchError


def state():
    return {"weight": torch.ones(2, 3), "bias": torch.zeros(2)}


@pytest.mark.parametrize("number", [float("nan"), float("-inf")])
def test_numbers_that_are_none_are_refused(number):
    broken = state()
    broken["bias"][1] = number
    with pytest.raises(SongbenchError, match=r"The toy holds numbers that are none \(NaN or infinity\), in bias\."):
        load_strictly(torch.nn.Linear(3, 2), broken, checkpoint="The toy")


def test_what_no_score_depends_on_may_hold_anything():
    load_strictly(
        torch.nn.Linear(3, 2), {**state(), "head.x": torch.tensor(float("nan"))}, checkpoint="x", unused=["head."]
    )


@pytest.mark.parametrize(
    "content",
    [
        state(),
        {"state_dict": state(), "epoch": 3},
        {"model": {f"module.{name}": tensor for name, tensor in state().items()}},
        {f"_orig_mod.{name}": tensor for name, tensor in state().items()},
    ],
)
def test_wrapped_checkpoints_give_the_same_tensors(tmp_path, content):
    torch.save(content, tmp_path / "x.pt")
    tensors = read_tensors(tmp_path / "x.pt")
    load_strictly(torch.nn.Linear(3, 2), tensors, checkpoint="x")
    save_file({f"module.{name}": tensor for name, tensor in state().items()}, tmp_path / "x.safetensors")
    assert read_tensors(tmp_path / "x.safetensors").keys() == tensors.keys() == state().keys()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ([1, 2], "other than named tensors: a list"),
        ({"weight": torch.ones(1), "epoch": 3}, "other than named tensors: epoch"),
        ({"ema": state(), "step": 1}, "other than named tensors: ema, step"),
        ({0: torch.ones(1)}, "called 0"),
        ({"a.b": torch.ones(1), "a._orig_mod.b": torch.ones(1)}, "some twice"),
    ],
)
def test_what_is_not_one_model_is_explained(tmp_path, content, reason):
    torch.save(content, tmp_path / "x.pt")
    with pytest.raises(InputError, match=reason):
        read_tensors(tmp_path / "x.pt")
