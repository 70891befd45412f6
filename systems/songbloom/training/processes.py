"""Lightning Fabric as the settings ask for it: device, processes, precision, sharing of weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from songbench.domain.errors import InputError, UnavailableError
from systems.songbloom import loading
from systems.songbloom.training.settings import ComputeSettings
from systems.songbloom.training.sinks import require_fabric

if TYPE_CHECKING:
    from lightning_fabric import Fabric

_PRECISIONS: dict[str, Any] = {"float32": "32-true", "bfloat16": "bf16-mixed"}


def launched_fabric(settings: ComputeSettings, loggers: Sequence[Any] = ()) -> Fabric:
    """A Fabric whose processes run; with several, each is this program again from its beginning.

    Args:
        settings: where and how.
        loggers: for its own log calls.

    Raises:
        UnavailableError: Lightning Fabric or the device is not here.
        InputError: settings that do not go together.
    """
    require_fabric()
    device = settings.device or loading.best_device()
    if absent := loading.absent_device(device):
        raise UnavailableError(absent)
    several = settings.devices * settings.nodes > 1
    if settings.strategy == "fsdp" and several and device != "cuda":
        raise InputError(
            "Weights are shared out over CUDA devices only.",
            field="compute.strategy",
            cure="Set compute.strategy=ddp.",
        )
    from lightning_fabric import Fabric

    fabric = Fabric(
        accelerator="gpu" if device == "cuda" else device,
        devices=settings.devices,
        num_nodes=settings.nodes,
        strategy=_strategy(settings) if several else "auto",
        precision=_PRECISIONS[settings.precision],
        loggers=list(loggers),
    )
    fabric.launch()
    return fabric


def _strategy(settings: ComputeSettings) -> Any:
    if settings.strategy == "ddp":
        from lightning_fabric.strategies.ddp import DDPStrategy

        # Where all songs of a pass have lost their conditions, the embeddings of these get no gradient.
        return DDPStrategy(find_unused_parameters=True)
    from lightning_fabric.strategies.fsdp import FSDPStrategy

    from systems.songbloom.layers import DecoderLayer

    return FSDPStrategy(auto_wrap_policy={DecoderLayer}, use_orig_params=True, state_dict_type="full")
