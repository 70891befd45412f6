"""The training loop: passes, gradients, optimiser, and a state to go on from.

It stands on Lightning Fabric: one call each for devices, processes, mixed precision, sharded weights and gradients that
are not exchanged before a step's last pass, while loop, checkpoints and their formats stay this project's own. The
full Lightning trainer would own the loop and the files; accelerate would be a further package, where Fabric comes with
Lightning, which WhisperX needs anyway.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, Protocol

import torch
from torch import Tensor, nn

from songbench.domain.errors import InputError
from songbench.domain.hashing import derived_seed
from systems.songbloom.model import SongBloom
from systems.songbloom.training.memory import explained_memory
from systems.songbloom.training.settings import OptimiserSettings, TrainingSettings
from systems.songbloom.training.step_objective import StepBatch, StepObjective
from systems.songbloom.training.trained import trained_parameters
from systems.training.averaging import WeightAverage
from systems.training.learning_rate import CosineSchedule

if TYPE_CHECKING:
    from lightning_fabric import Fabric


@dataclass(frozen=True, kw_only=True)
class StepRecord:
    """What a step came to.

    Attributes:
        step: its number, from 1.
        loss: what was minimised.
        numbers: the objective's, by name, over all songs of the step.
        counts: its units, likewise.
        gradient: norm of the gradient before it was clipped.
        learning_rate: that it was taken with.
        seconds: that it took.
    """

    step: int
    loss: float
    numbers: Mapping[str, float]
    counts: Mapping[str, int]
    gradient: float
    learning_rate: float
    seconds: float


class StepHook(Protocol):
    """What is done after steps: validation, songs, saving, logs."""

    def __call__(self, record: StepRecord) -> None:
        """After each step, in every process, with the weights of that step."""


class TrainingLoop(Generic[StepBatch]):
    """Trains a model in place.

    Args:
        fabric: launched.
        model: with plain weights in float32; what is to be trained requires a gradient. It is moved to the device.
        objective: what is minimised.
        settings: how.

    Attributes:
        step: steps that are done.
        average: of the weights; None: none is kept.

    Raises:
        InputError: settings that do not go together.
    """

    def __init__(
        self, fabric: Fabric, model: SongBloom, objective: StepObjective[StepBatch], settings: TrainingSettings
    ) -> None:
        if settings.average and settings.compute.strategy == "fsdp" and fabric.world_size > 1:
            raise InputError(
                "Weights that are shared out cannot be averaged here.", field="average", cure="Set average=0."
            )
        settings.check_schedule()
        self.fabric, self.model, self.objective, self.settings = fabric, model, objective, settings
        if settings.compute.checkpointing:
            model.checkpoint_layers()
        if settings.compute.compiled:
            for layer in (*model.sketch_lm.layers, *model.acoustic_dit.layers):
                layer.compile()
        self._module = fabric.setup_module(_Pass(model))
        self.parameters = trained_parameters(model)
        self._optimiser = _adamw(self.parameters.values(), settings.optimiser)
        self._fabric_optimiser: Any = fabric.setup_optimizers(self._optimiser)
        self._rate = _learning_rate(settings)
        self.average = WeightAverage(self.parameters, settings.average) if settings.average else None
        self.step = 0

    def run(self, hooks: Sequence[StepHook] = ()) -> None:
        """All steps that are left; the model is left in evaluation mode.

        Args:
            hooks: called in this order after each step.

        Raises:
            InputError: the loss is not finite any more, or memory ran out; the model is as after the step before.
        """
        device = self.fabric.device
        with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
            while self.step < self.settings.steps:
                record = self.advance()
                for hook in hooks:
                    hook(record)
        self.model.eval()

    def advance(self) -> StepRecord:
        """One step; see `run`."""
        began, settings, number = time.perf_counter(), self.settings, self.step + 1
        self.model.train()
        torch.manual_seed(derived_seed(settings.seed, "dropout", self.step, self.fabric.global_rank))
        rate = self._rate(self.step)
        for group in self._optimiser.param_groups:
            group["lr"] = rate
        self._optimiser.zero_grad(set_to_none=True)
        with explained_memory(settings, number):
            numbers, counts = self._gradients()
            gradient = self.fabric.clip_gradients(
                self._module,
                self._fabric_optimiser,
                max_norm=settings.optimiser.clip,
                error_if_nonfinite=False,
            )
            norm = float(gradient) if gradient is not None else math.nan
            loss = sum(weight * numbers[name] for name, weight in self.objective.weights.items())
            if not (math.isfinite(loss) and math.isfinite(norm)):
                raise _not_finite(number, loss, norm, settings)
            self._fabric_optimiser.step()
        if self.average:
            self.average.update()
        self.step = number
        return StepRecord(
            step=number,
            loss=loss,
            numbers=numbers,
            counts=counts,
            gradient=norm,
            learning_rate=rate,
            seconds=time.perf_counter() - began,
        )

    def compute(self, function: Callable[[SongBloom], Mapping[str, Tensor]]) -> dict[str, Tensor]:
        """Numbers of the model as it is, in its precision and without gradients.

        Every process has to ask for the same.

        Args:
            function: gives tensors by name.
        """
        self.model.eval()
        with torch.no_grad():
            computed: dict[str, Tensor] = self._module(function)
        return computed

    def _gradients(self) -> tuple[dict[str, float], dict[str, int]]:
        """Leave the step's gradient in the parameters; its numbers and counts over all passes and processes."""
        fabric, objective = self.fabric, self.objective
        batches = objective.batches(self.step, fabric.global_rank)
        local = [objective.counts(batch) for batch in batches]
        total = self._summed({unit: sum(counts[unit] for counts in local) for unit in local[0]})
        sums = {name: torch.zeros((), device=fabric.device) for name in objective.units}
        for place, (batch, counts) in enumerate(zip(batches, local, strict=True)):
            exchanged = fabric.world_size == 1 or place == len(batches) - 1
            with nullcontext() if exchanged else fabric.no_backward_sync(self._module):
                means = self._module(partial(objective.losses, batch=batch))
                shares = {name: counts[unit] / total[unit] for name, unit in objective.units.items() if total[unit]}
                terms = [
                    weight * shares[name] * means[name] for name, weight in objective.weights.items() if name in shares
                ]
                # Fabric averages gradients over processes, where a sum of the shares is wanted.
                fabric.backward(fabric.world_size * torch.stack(terms).sum())
            for name, share in shares.items():
                sums[name] += share * means[name].detach()
        stacked: Any = fabric.all_reduce(torch.stack(list(sums.values())), reduce_op="sum")
        return dict(zip(sums, stacked.tolist(), strict=True)), total

    def _summed(self, counts: dict[str, int]) -> dict[str, int]:
        """The counts of all processes together."""
        if self.fabric.world_size == 1:
            return counts
        local = torch.tensor(list(counts.values()), device=self.fabric.device)
        total: Any = self.fabric.all_reduce(local, reduce_op="sum")
        return dict(zip(counts, map(int, total.tolist()), strict=True))

    # -- the state ----------------------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """All that `load_state_dict` needs to go on as if nothing had happened; to be asked for in every process."""
        weights, optimiser = self._full_state()
        average = self.average.state_dict() if self.average else None
        return {"step": self.step, "weights": weights, "optimiser": optimiser, "average": average}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a state of the same training."""
        self._scatter(state["weights"], state["optimiser"])
        if self.average:
            self.average.load_state_dict(**state["average"])
        self.step = int(state["step"])

    def whole_model(self) -> SongBloom:
        """The model with all its weights where they can be read: itself, or a copy of what processes share out.

        To be asked for in every process; where weights are shared out, only the first one's copy has them.
        """
        if not self._sharded:
            return self.model
        from torch.distributed.checkpoint.state_dict import StateDictOptions, get_model_state_dict

        weights = get_model_state_dict(self.model, options=StateDictOptions(full_state_dict=True, cpu_offload=True))
        copy = SongBloom(self.model.config).requires_grad_(False)
        if self.fabric.is_global_zero:
            copy.load_state_dict(weights)
        return copy

    @property
    def _sharded(self) -> bool:
        return self.settings.compute.strategy == "fsdp" and self.fabric.world_size > 1

    def _full_state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        if not self._sharded:
            return {name: one.detach() for name, one in self.parameters.items()}, self._optimiser.state_dict()
        from torch.distributed.checkpoint.state_dict import StateDictOptions, get_state_dict

        options = StateDictOptions(full_state_dict=True, cpu_offload=True, ignore_frozen_params=True)
        weights: Any
        weights, optimiser = get_state_dict(self.model, self._optimiser, options=options)
        return dict(weights), optimiser

    @torch.no_grad()
    def _scatter(self, weights: Mapping[str, Tensor], optimiser: dict[str, Any]) -> None:
        if not self._sharded:
            for name, parameter in self.parameters.items():
                parameter.copy_(weights[name])
            self._optimiser.load_state_dict(optimiser)
            return
        from torch.distributed.checkpoint.state_dict import StateDictOptions, set_state_dict

        set_state_dict(
            self.model,
            self._optimiser,
            model_state_dict=dict(weights),
            optim_state_dict=optimiser,
            options=StateDictOptions(full_state_dict=True, strict=False),
        )


class _Pass(nn.Module):
    """The model, with whatever is computed with it as its `forward`, so that Fabric's wrappers see each pass."""

    def __init__(self, model: SongBloom) -> None:
        super().__init__()
        self.model = model

    def forward(self, compute: Callable[[SongBloom], Mapping[str, Tensor]]) -> dict[str, Tensor]:
        """The numbers that a function gives of the model."""
        return dict(compute(self.model))


def _adamw(parameters: Iterable[nn.Parameter], settings: OptimiserSettings) -> torch.optim.AdamW:
    return torch.optim.AdamW(
        parameters, lr=settings.lr, betas=settings.betas, eps=settings.eps, weight_decay=settings.weight_decay
    )


def _learning_rate(settings: TrainingSettings) -> Callable[[int], float]:
    """By step, from 0."""
    optimiser = settings.optimiser
    if optimiser.schedule == "cosine":
        schedule = CosineSchedule(total=settings.steps, warm_up=optimiser.warm_up)
        return lambda step: optimiser.lr * schedule(step)
    return lambda step: optimiser.lr * min(1.0, step / optimiser.warm_up if optimiser.warm_up else 1.0)


def _not_finite(step: int, loss: float, norm: float, settings: TrainingSettings) -> InputError:
    cure = "Train with a lower learning rate (optimiser.lr)"
    if settings.compute.precision != "float32":
        cure += " or with compute.precision=float32"
    return InputError(
        f"At step {step} the loss is {loss:g} and the norm of its gradient {norm:g}; the step was not taken.",
        field="optimiser.lr",
        cure=f"{cure}, into another folder; if it happens at the first steps, look at the data.",
    )
