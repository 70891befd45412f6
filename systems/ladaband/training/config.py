"""Settings of a training and those of the public configuration files, by name."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

from songbench.domain.errors import InputError
from systems.ladaband.config import FRAME_RATE
from systems.ladaband.training.masking import Curriculum, MaskingConfig
from systems.ladaband.training.objective import ObjectiveConfig
from systems.training.learning_rate import CosineSchedule

TrainingPrecision: TypeAlias = Literal["float32", "bfloat16"]

SEED = 114514
"""Of the released training."""


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """How a model is trained; the defaults are ``s2_config_1B.yaml``.

    Attributes:
        steps: of the optimiser; with the last one the learning rate reaches 0.
        batch: pairs per pass.
        accumulation: passes per step, whose gradients are averaged.
        window_seconds: the most of a song that a pass sees; None: all of it.
        reference_seconds: of a reference that its vector is made of; for whoever prepares pairs, as `fit` is given
            vectors. Upstream's are longer than most songs, so that the reference holds the very music that is to be
            predicted.
        learning_rate: its peak.
        warm_up: steps to the peak.
        hold: steps at the peak, or None; see `systems.training.learning_rate.CosineSchedule`.
        weight_decay: of all parameters.
        clip: the largest norm of a step's gradient.
        condition_dropout: chance of each condition vector to be dropped.
        equaliser_chance: of an accompaniment to be filtered before it is encoded; likewise, for
            `systems.ladaband.training.pairs.encode_pair`.
        curriculum: which tokens are hidden, by step.
        objective: what is minimised.
        precision: of the passes; parameters stay in float32.
        seed: of masks, order and dropout of attention; Sobol sequence and condition dropout have upstream's seeds.
    """

    steps: int = 10_000
    batch: int = 2
    accumulation: int = 2
    window_seconds: float | None = 163.84
    reference_seconds: float = 184.32
    learning_rate: float = 1e-5
    warm_up: int = 5000
    hold: int | None = None
    weight_decay: float = 0.01
    clip: float = 1.0
    condition_dropout: float = 0.5
    equaliser_chance: float = 0.7
    curriculum: Curriculum = field(default_factory=Curriculum)
    objective: ObjectiveConfig = field(default_factory=ObjectiveConfig)
    precision: TrainingPrecision = "bfloat16"
    seed: int = SEED

    def __post_init__(self) -> None:
        """Refuse what cannot be run."""
        for name in ("steps", "batch", "accumulation", "learning_rate", "clip"):
            if not getattr(self, name) > 0:
                raise InputError(f"A training whose {name} is {getattr(self, name)} cannot be.", field=name)
        for name in ("condition_dropout", "equaliser_chance"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"A chance cannot be {getattr(self, name)}.", field=name)
        self.schedule  # noqa: B018 (raises for a warm-up that does not fit)

    @property
    def schedule(self) -> CosineSchedule:
        """The learning rate as a share of its peak."""
        return CosineSchedule(total=self.steps, warm_up=self.warm_up, hold=self.hold)

    @property
    def frames(self) -> int | None:
        """The most frames of a pass."""
        return None if self.window_seconds is None else round(self.window_seconds * FRAME_RATE) + 1


_S2_1B = TrainingConfig()
_3B = replace(_S2_1B, batch=1, accumulation=8)

PRESETS = {
    # s1_config_1B.yaml: the only stage without condition dropout
    "s1_1b": replace(_S2_1B, window_seconds=102.4, reference_seconds=245.44, condition_dropout=0.0),
    # s2_config_1B.yaml: goes on from stage 1
    "s2_1b": _S2_1B,
    # exp1_config.yaml: the configuration of the inference that is released
    "exp1_1b": replace(_S2_1B, batch=1, equaliser_chance=0.0),
    # config_1B_dj.yaml
    "dj_1b": replace(_S2_1B, window_seconds=184.32, reference_seconds=245.44, condition_dropout=0.0),
    # s1_config_3B.yaml
    "s1_3b": replace(_3B, steps=100_000, window_seconds=20.48),
    # s2_config_3B.yaml
    "s2_3b": _3B,
    # s2_1B_ar_ablation.yaml: the autoregressive ablation
    "ar_ablation_1b": replace(
        _S2_1B,
        steps=3000,
        warm_up=500,
        learning_rate=3e-6,
        batch=8,
        window_seconds=20.48,
        curriculum=Curriculum(MaskingConfig(strategy="autoregressive")),
        objective=ObjectiveConfig(rtd=False),
    ),
    # our own: learns a few songs by heart in a minute on a CPU, with the "tiny" model
    "overfit": TrainingConfig(
        steps=80,
        batch=8,
        accumulation=1,
        window_seconds=None,
        learning_rate=8e-3,
        warm_up=20,
        condition_dropout=0.0,
        equaliser_chance=0.0,
        precision="float32",
    ),
}
"""By name. ``config_dj.yaml`` is left out: it trains low-rank adapters, which are not built here."""
