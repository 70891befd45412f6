"""Everything a training is told, checked: what `composition` reads from the files in ``conf`` and from ``--set``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from songbench.domain.checking import Flag, Number, Schema, Whole
from songbench.domain.errors import InputError

Share = Annotated[Number, Field(ge=0, le=1)]
Count = Annotated[Whole, Field(ge=1)]
Interval = Annotated[Whole, Field(ge=0)]
"""Steps from one to the next; 0: never."""

SINKS = ("tensorboard", "wandb", "mlflow")
"""Where figures can be sent to beside ``log.jsonl``."""


class ModelSettings(Schema):
    """The model that is trained from scratch; a checkpoint that is gone on from has sizes of its own.

    Attributes:
        preset: of `systems.songbloom.presets.PRESETS`.
        sizes: fields of `systems.songbloom.config.ModelConfig` that are otherwise than in the preset.
        seconds: the longest songs; None: the preset's.
    """

    preset: str = "tiny"
    sizes: Mapping[str, Any] = Field(default_factory=dict)
    seconds: Annotated[Number, Field(gt=0)] | None = None


class OptimiserSettings(Schema):
    """AdamW and the learning rate by step.

    Attributes:
        lr: the peak.
        betas: of AdamW.
        eps: of AdamW.
        weight_decay: of all trained weights, norms and biases too, as upstream's forks have it.
        clip: the largest norm of a step's gradient.
        warm_up: steps of the linear rise from 0.
        schedule: half a cosine down to 0 at the last step, or the peak to the end.
    """

    lr: Annotated[Number, Field(gt=0)] = 1e-4
    betas: tuple[Share, Share] = (0.9, 0.95)
    eps: Annotated[Number, Field(gt=0)] = 1e-8
    weight_decay: Annotated[Number, Field(ge=0)] = 0.1
    clip: Annotated[Number, Field(gt=0)] = 1.0
    warm_up: Annotated[Whole, Field(ge=0)] = 2000
    schedule: Literal["cosine", "constant"] = "cosine"


class BatchSettings(Schema):
    """How many songs make a step: ``songs · accumulation · devices``.

    Attributes:
        songs: of one pass on one device.
        accumulation: passes of a step on each device.
    """

    songs: Count = 1
    accumulation: Count = 1


class CropChoice(Schema):
    """Which piece of a song is shown.

    Attributes:
        max_seconds: its longest; None: what the model is trained for.
        place: the beginning of the song, a section, or anywhere in it.
        style_place: likewise, of the style prompt; see `systems.songbloom.training.data.crops.CropSettings`.
    """

    max_seconds: Annotated[Number, Field(gt=0)] | None = None
    place: Literal["start", "random", "section"] = "section"
    style_place: Literal["start", "random"] = "random"


class ComputeSettings(Schema):
    """Where and how it is computed; none of it changes what is trained, but for rounding.

    Attributes:
        device: ``cpu``, ``cuda`` or ``mps``; None: the best there is.
        devices: how many, a process each.
        nodes: machines.
        strategy: of several devices: the whole model on each (``ddp``), or its weights shared out (``fsdp``).
        precision: of the passes; trained weights stay in float32.
        checkpointing: keep only the layers' inputs and compute the rest again for the gradient.
        compiled: pass the layers through `torch.compile`.
    """

    device: Literal["cpu", "cuda", "mps"] | None = None
    devices: Count = 1
    nodes: Count = 1
    strategy: Literal["ddp", "fsdp"] = "ddp"
    precision: Literal["float32", "bfloat16"] = "float32"
    checkpointing: Flag = False
    compiled: Flag = False


class SavingSettings(Schema):
    """What is kept.

    Attributes:
        interval: steps between states.
        keep: states, the latest.
    """

    interval: Count = 1000
    keep: Count = 2


class ValidationSettings(Schema):
    """How the model is compared with songs it is not trained on.

    Attributes:
        interval: steps.
        songs: of the validation split, at most.
        bins: of the diffusion time.
    """

    interval: Interval = 1000
    songs: Count = 64
    bins: Count = 5


class SongSettings(Schema):
    """Songs that are sung with the weights of the moment, and scored.

    Attributes:
        interval: steps.
        suite: whose first prompts are sung: a registered one or a file.
        prompts: how many.
        metrics: that score them, as after ``songbench run --metrics``.
        overrides: further settings of these runs, as after ``songbench run --set``.
    """

    interval: Interval = 0
    suite: str = "demo"
    prompts: Annotated[Whole, Field(ge=1, le=16)] = 3
    metrics: tuple[str, ...] = ("per", "ser", "similarity")
    overrides: tuple[str, ...] = ()


class LogSettings(Schema):
    """What is told, and where.

    Attributes:
        interval: steps from one line of ``log.jsonl`` to the next.
        to: further places.
        project: of Weights & Biases, experiment of MLflow.
        name: of the run there; None: the folder's.
    """

    interval: Count = 10
    to: tuple[Literal["tensorboard", "wandb", "mlflow"], ...] = ()
    project: str = "songbench"
    name: str | None = None


class TrainingSettings(Schema):
    """A whole training.

    Attributes:
        steps: of the optimiser.
        seed: everything random follows from it.
        average: decay of the moving average of the weights, which is then what is validated, sung with and handed out;
            0: none.
        model: what is trained from scratch.
        objective: fields of `systems.songbloom.training.objective.SongBloomObjective`.
        optimiser: how.
        batch: on how many songs at a time.
        crop: on which pieces of them.
        compute: on what.
        saving: what is kept.
        validation: how it is compared.
        songs: what is sung meanwhile.
        log: what is told.
    """

    steps: Count = 1000
    seed: Annotated[Whole, Field(ge=0, lt=2**63)] = 0
    average: Annotated[Number, Field(ge=0, lt=1)] = 0.0
    model: ModelSettings = ModelSettings()
    objective: Mapping[str, Any] = Field(default_factory=dict)
    optimiser: OptimiserSettings = OptimiserSettings()
    batch: BatchSettings = BatchSettings()
    crop: CropChoice = CropChoice()
    compute: ComputeSettings = ComputeSettings()
    saving: SavingSettings = SavingSettings()
    validation: ValidationSettings = ValidationSettings()
    songs: SongSettings = SongSettings()
    log: LogSettings = LogSettings()

    @property
    def songs_per_step(self) -> int:
        """Songs of all passes on all devices."""
        return self.batch.songs * self.batch.accumulation * self.compute.devices * self.compute.nodes

    def binding(self) -> dict[str, Any]:
        """What a training has to keep when it goes on: everything that changes the weights it ends with.

        How a step's songs are spread over passes and devices is left out, as only their number counts.
        """
        facts = self.model_dump(include={"steps", "seed", "average", "objective", "optimiser", "crop"}, mode="json")
        return {**facts, "precision": self.compute.precision, "songs_per_step": self.songs_per_step}

    def check_schedule(self) -> None:
        """Refuse a warm-up that is longer than the training.

        Raises:
            InputError: naming the cure.
        """
        if self.optimiser.warm_up >= self.steps:
            raise InputError(
                f"{self.steps} steps have no room for {self.optimiser.warm_up} steps of warm-up.",
                field="optimiser.warm_up",
                cure=f"Set it to fewer, such as --set optimiser.warm_up={max(0, self.steps // 20)}.",
            )
