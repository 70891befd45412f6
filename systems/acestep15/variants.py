"""The released models of ACE-Step 1.5, the language models beside them, and how a pair of both is called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from songbench.domain.errors import InputError
from songbench.resources.weights import Weights
from systems.acestep15 import environment

Model: TypeAlias = Literal[
    "turbo", "turbo-shift1", "turbo-shift3", "turbo-continuous", "sft", "base", "xl-turbo", "xl-sft", "xl-base"
]
LanguageModel: TypeAlias = Literal["none", "0.6B", "1.7B", "4B"]
Style: TypeAlias = Literal["text", "audio", "both"]
Task: TypeAlias = Literal["song", "complete"]
Track: TypeAlias = Literal[
    "woodwinds",
    "brass",
    "fx",
    "synth",
    "strings",
    "percussion",
    "keyboard",
    "guitar",
    "bass",
    "drums",
    "backing_vocals",
]
"""What can be added to a vocal: its track classes, but for the vocal itself."""

TURBO_STEPS = 8
"""More are cut to this by the authors' code."""


@dataclass(frozen=True, kw_only=True)
class Release:
    """A diffusion transformer.

    Attributes:
        weights: of it.
        steps: usual number of them.
        shift: of the time steps, as advised.
        shifts: those it was made for; None: any from 1 to 5.
        turbo: distilled, so that guidance does nothing and steps above `TURBO_STEPS` are cut.
        xl: has 4 B parameters; only later states of the authors' code know it.
    """

    weights: Weights
    steps: int
    shift: float
    shifts: tuple[float, ...] | None = None
    turbo: bool = False
    xl: bool = False


def _turbo(
    weights: Weights, shifts: tuple[float, ...] | None = None, *, shift: float = 3.0, xl: bool = False
) -> Release:
    return Release(weights=weights, steps=TURBO_STEPS, shift=shift, shifts=shifts, turbo=True, xl=xl)


RELEASES: Mapping[str, Release] = {
    "turbo": _turbo(environment.TURBO, (1.0, 2.0, 3.0)),
    "turbo-shift1": _turbo(environment.TURBO_SHIFT1, (1.0,), shift=1.0),
    "turbo-shift3": _turbo(environment.TURBO_SHIFT3, (3.0,)),
    "turbo-continuous": _turbo(environment.TURBO_CONTINUOUS),
    "sft": Release(weights=environment.SFT, steps=50, shift=1.0),
    "base": Release(weights=environment.BASE, steps=50, shift=1.0),
    "xl-turbo": _turbo(environment.XL_TURBO, xl=True),
    "xl-sft": Release(weights=environment.XL_SFT, steps=50, shift=1.0, xl=True),
    "xl-base": Release(weights=environment.XL_BASE, steps=50, shift=1.0, xl=True),
}
LANGUAGE_MODELS: Mapping[str, Weights | None] = {
    "none": None,
    "0.6B": environment.LM_0_6B,
    "1.7B": environment.LM_1_7B,
    "4B": environment.LM_4B,
}


@dataclass(frozen=True)
class Variant:
    """What is compared: a model, the language model that plans for it, the style it is given, and what it has to do.

    Attributes:
        model: the diffusion transformer.
        lm: the language model.
        style: what of the prompt's style counts.
        task: ``song``: from lyrics; ``complete``: the accompaniment of a vocal, which only the base model knows.
    """

    model: Model = "turbo"
    lm: LanguageModel = "1.7B"
    style: Style = "text"
    task: Task = "song"

    @property
    def name(self) -> str:
        """As it is written behind ``acestep15:``, "" for the usual one."""
        if self.task == "complete":
            return "complete" + ("" if self.style == "text" else f"-{self.style}")
        planned = {"1.7B": "", "none": "-no-lm"}.get(self.lm, f"-lm-{self.lm.lower()}")
        ending = planned + ("" if self.style == "text" else f"-{self.style}")
        return f"{self.model}{ending}" if ending or self.model != "turbo" else ""

    @property
    def release(self) -> Release:
        """The facts of its model."""
        return RELEASES[self.model]


VARIANTS: Mapping[str, Variant] = {
    variant.name or "turbo": variant
    for variant in (
        *(
            Variant(model, lm, style)
            for model in get_args(Model)
            for lm in get_args(LanguageModel)
            for style in get_args(Style)
        ),
        *(Variant("base", "none", style, "complete") for style in get_args(Style)),
    )
}
"""By name, e.g. ``sft``, ``base-no-lm``, ``turbo-lm-4b-audio``."""


def variant_named(name: str | None) -> Variant:
    """The variant of a name; None: the usual one.

    Raises:
        InputError: there is none of that name.
    """
    if name is None:
        return Variant()
    if name not in VARIANTS:
        raise InputError(
            f"ACE-Step 1.5 has no variant '{name}'.",
            value=name,
            allowed=(*get_args(Model), "complete"),
            cure="Behind the model may stand -no-lm, -lm-0.6b or -lm-4b, then -audio or -both, e.g. sft-lm-4b-audio.",
        )
    return VARIANTS[name]
