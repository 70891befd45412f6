"""The training loop: AdamW, clipped gradients, a learning rate by step, and checkpoints that it goes on from.

Whatever is drawn follows from the settings and the number of the step, so that a training that was interrupted ends
with the same numbers as one that was not, on the same machine.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from songbench.domain.errors import InputError
from songbench.domain.hashing import content_key
from songbench.resources.files import whole_path
from systems.ladaband.predictor import MaskPredictor
from systems.ladaband.training.config import TrainingConfig
from systems.ladaband.training.dropout import ConditionDropout
from systems.ladaband.training.masking import ShareSequence, draw_mask, share_of
from systems.ladaband.training.objective import MaskingLosses, TrainingBatch, losses
from systems.ladaband.training.pairs import PairBatches, TrainingPair

STATE_FILE = "training.pt"
"""What an interrupted training goes on from, in the folder given to `fit`."""

_STEP_SEED = 15_485_863


@dataclass(frozen=True, kw_only=True)
class TrainingStep:
    """What a step came to.

    Attributes:
        step: its number, from 1.
        steps: of how many.
        loss: the total, mean over the step's passes.
        masked: its cross entropy.
        replaced: its RTD part.
        accuracy: the share of hidden tokens of which the likeliest was right.
        gradient: the norm of the gradient before it was clipped.
        learning_rate: that it was taken with.
        seconds: since the training began or went on.
    """

    step: int
    steps: int
    loss: float
    masked: float
    replaced: float
    accuracy: float
    gradient: float
    learning_rate: float
    seconds: float

    def __str__(self) -> str:
        return (
            f"step {self.step}/{self.steps}: loss {self.loss:.4f} (masked {self.masked:.4f}, RTD {self.replaced:.4f}),"
            f" {100 * self.accuracy:.1f} % right, {self.seconds:.0f} s"
        )


Progress = Callable[[TrainingStep], None]


def fit(
    model: MaskPredictor,
    pairs: Sequence[TrainingPair],
    config: TrainingConfig,
    *,
    folder: Path | None = None,
    save_every: int = 1000,
    progress: Progress | None = None,
) -> list[TrainingStep]:
    """Train a model in place; it is left in evaluation mode.

    Args:
        model: on the device to train on, in float32.
        pairs: at least one.
        config: how.
        folder: where the state is kept every `save_every` steps and at the end; a state that lies there is gone on
            from. None: nothing is kept.
        save_every: steps from one to the next.
        progress: called after every step.

    Returns:
        The steps of this call.

    Raises:
        InputError: pairs that do not fit the model, or a state of another training.
        SongbenchError: the loss is not finite any more.
    """
    return _Training(model, pairs, config, folder, save_every).run(progress)


class _Training:
    def __init__(
        self,
        model: MaskPredictor,
        pairs: Sequence[TrainingPair],
        config: TrainingConfig,
        folder: Path | None,
        save_every: int,
    ) -> None:
        self.model, self.config, self.save_every = model, config, save_every
        self.device = model.to_logits.weight.device
        self.batches = PairBatches(pairs, model.config, config.batch, config.frames, config.seed)
        self.dropout, self.shares = ConditionDropout(config.condition_dropout), ShareSequence()
        model.requires_grad_(True)
        model.lm.embed_tokens.weight.requires_grad_(False)  # never used; upstream freezes it
        self.optimiser = torch.optim.AdamW(
            model.parameters(), lr=config.learning_rate, betas=(0.9, 0.999), eps=1e-8, weight_decay=config.weight_decay
        )
        self.file = None if folder is None else folder / STATE_FILE
        self.step = 0
        if self.file is not None:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            if self.file.is_file():
                self._resume(self.file)

    def run(self, progress: Progress | None) -> list[TrainingStep]:
        """All steps that are left."""
        self.model.train()
        history, began = [], time.perf_counter()
        with torch.random.fork_rng(devices=[self.device] if self.device.type == "cuda" else []):
            while self.step < self.config.steps:
                history.append(self._advance(began))
                if self.step % self.save_every == 0 or self.step == self.config.steps:
                    self._save()
                if progress:
                    progress(history[-1])
        self.model.eval().requires_grad_(False)
        return history

    def _advance(self, began: float) -> TrainingStep:
        config, rate = self.config, self.config.learning_rate * self.config.schedule(self.step)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        torch.manual_seed(config.seed + _STEP_SEED * self.step)  # dropout of attention draws from the global generator
        generator = torch.Generator().manual_seed(config.seed + _STEP_SEED * self.step)
        self.optimiser.zero_grad(set_to_none=True)
        passes = []
        for number in range(config.accumulation):
            batch = self._on_device(self.batches(self.step * config.accumulation + number, self.dropout))
            result = self._losses(batch, generator)
            (result.total / config.accumulation).backward()
            passes.append(self._numbers(result))
        gradient = float(torch.nn.utils.clip_grad_norm_(self.model.parameters(), config.clip))
        loss, masked, replaced, accuracy = (sum(values) / len(passes) for values in zip(*passes, strict=True))
        if not all(map(_finite, (loss, gradient))):
            raise InputError(
                f"At step {self.step + 1} the loss is {loss} and its gradient {gradient}.",
                field="learning_rate",
                cure="Train with a lower learning rate, or in float32.",
            )
        self.optimiser.step()
        self.step += 1
        return TrainingStep(
            step=self.step,
            steps=config.steps,
            loss=loss,
            masked=masked,
            replaced=replaced,
            accuracy=accuracy,
            gradient=gradient,
            learning_rate=rate,
            seconds=time.perf_counter() - began,
        )

    def _losses(self, batch: TrainingBatch, generator: torch.Generator) -> MaskingLosses:
        masking = self.config.curriculum.at(self.step)
        mask: Tensor | None = None
        if not masking.autoregressive:
            shares = share_of(self.shares.draw(len(batch.vocal)))
            mask = draw_mask(shares, batch.accompaniment != self.model.config.accompaniment_pad, masking, generator)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.config.precision == "bfloat16"):
            return losses(self.model, batch, mask, self.config.objective, generator)

    def _numbers(self, result: MaskingLosses) -> tuple[float, float, float, float]:
        accuracy = result.accuracy(self.model.config.accompaniment_pad)
        total, masked, replaced = (float(value.detach()) for value in (result.total, result.masked, result.replaced))
        return total, masked, replaced, accuracy

    def _on_device(self, batch: TrainingBatch) -> TrainingBatch:
        prefix = None if batch.prefix is None else batch.prefix.to(self.device)
        return TrainingBatch(
            vocal=batch.vocal.to(self.device), accompaniment=batch.accompaniment.to(self.device), prefix=prefix
        )

    @property
    def _key(self) -> str:
        """What a state has to have been made with, to be gone on from."""
        return content_key("ladaband training", repr(asdict(self.config)), repr(self.model.config), self.batches.size)

    def _save(self) -> None:
        if self.file is None:
            return
        state = {
            "training": self._key,
            "step": self.step,
            "model": self.model.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "dropout": self.dropout.generator.get_state(),
        }
        with whole_path(self.file) as scratch:
            torch.save(state, scratch)

    def _resume(self, file: Path) -> None:
        state: dict[str, Any] = torch.load(file, map_location="cpu", weights_only=True)
        if state.get("training") != self._key:
            raise InputError(
                "This is the state of a training with other settings.",
                file=str(file),
                cure="Give another folder, or remove the file to begin anew.",
            )
        self.step = int(state["step"])
        self.model.load_state_dict(state["model"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.dropout.generator.set_state(state["dropout"])
        for step in range(self.step):
            if not self.config.curriculum.at(step).autoregressive:
                self.shares.skip(self.config.accumulation * self.batches.size)


def _finite(value: float) -> bool:
    return value - value == 0
