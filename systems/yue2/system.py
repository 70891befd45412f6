"""YuE2 as a songbench system."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, cast

from pydantic import Field

from songbench.domain.errors import InputError
from songbench.plugin import ScriptSystem
from systems.yue2.card import card_of
from systems.yue2.environment import CHECKOUT, ENVIRONMENT, MODEL
from systems.yue2.rendering import DECODERS, PLANS, SCRIPT, VARIABLES, Backend, Decoder, Plan, Yue2Call, invoke, merge


class Yue2(ScriptSystem):
    """Full songs from lyrics and a style text, by its authors' own command line.

    Args:
        variant: the kind of plan, ``melody`` or ``off``; None: ``full``.
        cot: the same as a setting; None: as the variant says.
        cfg_scale: guidance by the text; None: the program's own value.
        vae: the decoder: ``standard`` for listening, ``legacy`` behind its published scores.
        budget: GiB of device memory that it may use; at 12 or less it decodes in smaller pieces.
        backend: ``torch``, or ``torch-eager`` without CUDA graphs.
        offload: keep on the CPU what is not in use, which saves device memory.
        songs_per_call: how many songs are made in one call, so that the models are loaded once for all of them.
        timeout_s: how long one call may take, in seconds.

    Raises:
        InputError: an unknown variant.
    """

    def __init__(
        self,
        variant: str | None = None,
        cot: Plan | None = None,
        cfg_scale: Annotated[float, Field(gt=0, le=20)] | None = None,
        vae: Decoder = "standard",
        budget: Annotated[float, Field(gt=2, le=1000)] = 24.0,
        backend: Backend = "torch",
        offload: bool = True,
        songs_per_call: Annotated[int, Field(ge=1, le=1000)] = 1,
        timeout_s: Annotated[float, Field(gt=0)] = 7200.0,
    ) -> None:
        """Choose; nothing is loaded."""
        if variant is not None and variant not in PLANS:
            raise InputError(f"YuE2 has no plan '{variant}'.", field="variant", value=variant, allowed=PLANS)
        call = Yue2Call(
            cot=cot or cast(Plan, variant or "full"),
            cfg_scale=cfg_scale,
            vae=vae,
            budget=budget,
            backend=backend,
            offload=offload,
        )
        super().__init__(
            card=card_of(f"yue2:{variant}" if variant else "yue2"),
            environment=ENVIRONMENT,
            upstream=CHECKOUT,
            script=SCRIPT,
            variables=VARIABLES,
            weights=(MODEL, DECODERS[vae]),
            invoke=lambda request: invoke(request, call),
            merge=lambda invocations: merge(invocations, call),
            batch=songs_per_call,
            settings=asdict(call),
            check_arguments=("doctor", "--offline"),
            timeout_s=timeout_s,
        )
