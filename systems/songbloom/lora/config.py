"""What low-rank adapters are like and where they go."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

from songbench.domain.errors import InputError

Trained = Literal["adapters", "tables", "all"]

ASSUMED_ALPHA = 32.0
"""What the fork's ``infer.py`` takes where no alpha is given; its files hold none."""

_SETTINGS = ("rank", "alpha", "dropout", "targets", "train")


@dataclass(frozen=True, kw_only=True)
class LoraConfig:
    """How a model is adapted.

    Attributes:
        rank: rows of each A and columns of each B.
        alpha: B A is multiplied by ``alpha / rank``.
        dropout: share of an adapter's inputs that is zeroed in training, 0 to below 1.
        targets: parts of names of linear maps, as upstream calls them (``q_proj``, ``to_qkv``, ``nar_dit``) or as they
            are called here (``attention.qkv``, ``acoustic_dit``). A map is adapted when its name holds one of them;
            of a fused matrix, those of its slices. Default: queries and values of the language model, as in the fork,
            and those with the keys of the diffusion transformer, so that both learn.
        train: ``adapters`` alone; ``tables``: also the embedding and the classifier of the sketch tokens, whole, which
            tokens of another codebook need; ``all``: also everything else that training from scratch would change.
    """

    rank: int = 16
    alpha: float = ASSUMED_ALPHA
    dropout: float = 0.05
    targets: tuple[str, ...] = ("q_proj", "v_proj", "to_qkv")
    train: Trained = "adapters"

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        if self.rank < 1:
            raise InputError(
                f"Adapters cannot have rank {self.rank}.", field="rank", cure="Give a whole number from 1."
            )
        if not 0 < self.alpha < math.inf:
            raise InputError(f"An alpha of {self.alpha} cannot be.", field="alpha", cure="Give a number above 0.")
        if not 0 <= self.dropout < 1:
            raise InputError(f"A dropout of {self.dropout} cannot be.", field="dropout", cure="Give 0 to below 1.")
        if not self.targets or not all(self.targets):
            raise InputError("Nothing is named to be adapted.", field="targets", cure="Name some: q_proj+v_proj.")
        if self.train not in get_args(Trained):
            raise InputError(
                f"Unknown choice '{self.train}'.", field="train", value=self.train, allowed=get_args(Trained)
            )

    @classmethod
    def parse(cls, text: str) -> LoraConfig:
        """Read the written form, ``rank=16,alpha=32,dropout=0.05,targets=q_proj+v_proj,train=tables``; all optional.

        Raises:
            InputError: an unknown setting, or a value that cannot be.
        """
        values: dict[str, object] = {}
        for part in filter(None, (part.strip() for part in text.split(","))):
            name, _, value = (piece.strip() for piece in part.partition("="))
            if name not in _SETTINGS:
                raise InputError(f"Adapters have no setting '{name}'.", field="--lora", value=name, allowed=_SETTINGS)
            try:
                values[name] = _READERS.get(name, str)(value)
            except ValueError:
                raise InputError(f"'{value}' is no {name}.", field="--lora", cure="Such as rank=16,alpha=32.") from None
        return cls(**values)  # type: ignore[arg-type]  # checked by __post_init__

    def __str__(self) -> str:
        return (
            f"rank={self.rank},alpha={self.alpha:g},dropout={self.dropout:g},targets={'+'.join(self.targets)},"
            f"train={self.train}"
        )


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split("+"))


_READERS: dict[str, Callable[[str], object]] = {"rank": int, "alpha": float, "dropout": float, "targets": _names}
