"""What LaDA-Band is trained on: hidden tokens, and telling replaced tokens from true ones (RTD).

``loss = cross entropy + weight · RTD``. The cross entropy is the mean over the hidden tokens of a batch (the paper
writes a sum weighted by 1 / (t T); the released code does not). For RTD the hidden tokens are filled with the model's
own choice, a second pass reads the result, and the head says of each token whether it differs from the truth. In the
released training the second pass has no gradient, so that RTD trains nothing but its head and cannot change what the
model generates; `ObjectiveConfig.backbone_gradient` is what the paper describes.

Shapes: B songs, T frames, P prefix rows, V accompaniment tokens, C width of a condition vector.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor

from songbench.domain.errors import InputError
from systems.ladaband.predictor import MaskPredictor

Replacement = Literal["argmax", "multinomial"]


@dataclass(frozen=True, kw_only=True)
class ObjectiveConfig:
    """How the loss is put together; the defaults are those of the released training.

    Attributes:
        label_smoothing: of the cross entropy.
        rtd: whether replaced tokens are to be told at all; never where the model is trained to continue.
        rtd_weight: of that part.
        replacement: hidden tokens become the likeliest ones, or are drawn.
        replacement_temperature: of drawing.
        backbone_gradient: whether RTD trains the whole model instead of its head alone.
    """

    label_smoothing: float = 0.0
    rtd: bool = True
    rtd_weight: float = 0.2
    replacement: Replacement = "argmax"
    replacement_temperature: float = 1.0
    backbone_gradient: bool = False

    def __post_init__(self) -> None:
        """Refuse what cannot be computed."""
        if self.replacement not in get_args(Replacement):
            raise InputError(
                f"There is no replacement '{self.replacement}'.",
                field="replacement",
                value=str(self.replacement),
                allowed=get_args(Replacement),
            )
        if not self.replacement_temperature > 0:
            raise InputError("A temperature is above 0.", field="replacement_temperature")
        if not 0 <= self.label_smoothing < 1:
            raise InputError("Label smoothing is a share below 1.", field="label_smoothing")


@dataclass(frozen=True, kw_only=True)
class TrainingBatch:
    """Songs of one step.

    Attributes:
        vocal: token ids, (B, T).
        accompaniment: token ids, (B, T); padding where a song has ended.
        prefix: condition vectors, (B, P, C), or None; the text first, as in the released training.
    """

    vocal: Tensor
    accompaniment: Tensor
    prefix: Tensor | None = None


@dataclass(frozen=True, kw_only=True)
class MaskingLosses:
    """MaskingLosses of one step and what they were computed from.

    Attributes:
        masked: cross entropy of the hidden tokens, a scalar.
        replaced: binary cross entropy of RTD, a scalar; 0 where it is not trained.
        rtd_weight: of `replaced` in the total.
        inputs: accompaniment ids that the model was given, (B, T).
        labels: (B, P + T); padding where nothing is asked for.
        logits: (B, P + T, V).
        replacements: accompaniment ids of the second pass, (B, T); None without RTD.
        rtd_labels: 1 where they differ from the truth, (B, T), or None.
        rtd_logits: of the frames, (B, T), or None.
    """

    masked: Tensor
    replaced: Tensor
    rtd_weight: float
    inputs: Tensor
    labels: Tensor
    logits: Tensor
    replacements: Tensor | None = None
    rtd_labels: Tensor | None = None
    rtd_logits: Tensor | None = None

    @property
    def total(self) -> Tensor:
        """What is minimised, a scalar."""
        return self.masked + self.rtd_weight * self.replaced

    def accuracy(self, padding: int) -> float:
        """The share of the asked tokens of which the likeliest was right."""
        targets = self.labels != padding
        hits = self.logits.argmax(dim=-1)[targets] == self.labels[targets]
        return float(hits.float().mean()) if len(hits) else 0.0


def losses(
    model: MaskPredictor,
    batch: TrainingBatch,
    mask: Tensor | None,
    config: ObjectiveConfig | None = None,
    generator: torch.Generator | None = None,
) -> MaskingLosses:
    """The losses of a batch.

    Args:
        model: the predictor; with its RTD head if that is trained.
        batch: on the model's device.
        mask: which tokens are hidden, boolean (B, T), none of them padding; None: the model is trained to continue,
            each frame from those before it.
        config: how the loss is put together.
        generator: for drawn replacements, on the CPU.
    """
    config = config or ObjectiveConfig()
    sizes, truth = model.config, batch.accompaniment
    padding = sizes.accompaniment_pad
    valid = truth != padding
    if mask is None:
        inputs = F.pad(truth, (1, 0), value=sizes.mask)[:, :-1].masked_fill(~valid, padding)
        labels = truth
    else:
        mask = mask.to(truth.device)
        inputs = truth.masked_fill(mask, sizes.mask)
        labels = truth.masked_fill(~mask, padding)
    logits = model(batch.vocal, inputs, batch.prefix, valid, causal=mask is None)
    rows = logits.shape[1] - truth.shape[1]
    labels = F.pad(labels, (rows, 0), value=padding)
    masked = F.cross_entropy(
        logits.transpose(1, 2), labels, ignore_index=padding, label_smoothing=config.label_smoothing
    )
    first = MaskingLosses(
        masked=masked,
        replaced=torch.zeros_like(masked),
        rtd_weight=config.rtd_weight,
        inputs=inputs,
        labels=labels,
        logits=logits,
    )
    if mask is None or not config.rtd:
        return first
    replacements = torch.where(mask, _choices(logits[:, rows:].detach(), config, generator), truth)
    rtd_labels = ((replacements != truth) & valid).float()
    with torch.set_grad_enabled(config.backbone_gradient and torch.is_grad_enabled()):
        hidden = model.encode(batch.vocal, replacements, batch.prefix, valid)[:, rows:]
    rtd_logits = model.rtd_logits(hidden)
    return MaskingLosses(
        masked=masked,
        replaced=F.binary_cross_entropy_with_logits(rtd_logits[valid], rtd_labels[valid]),
        rtd_weight=config.rtd_weight,
        inputs=inputs,
        labels=labels,
        logits=logits,
        replacements=replacements,
        rtd_labels=rtd_labels,
        rtd_logits=rtd_logits,
    )


def _choices(logits: Tensor, config: ObjectiveConfig, generator: torch.Generator | None) -> Tensor:
    """Tokens that take the hidden ones' places, (B, T), of logits (B, T, V)."""
    if config.replacement == "argmax":
        return logits.argmax(dim=-1)
    shares = torch.softmax(logits.float().cpu() / config.replacement_temperature, dim=-1)
    tokens = torch.multinomial(shares.flatten(0, 1), 1, generator=generator)
    return tokens.view(logits.shape[:2]).to(logits.device)
