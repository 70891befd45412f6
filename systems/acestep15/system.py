"""ACE-Step 1.5 as a system: its models, with or without a language model, from a style in words or sound."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from songbench.domain.errors import InputError
from songbench.domain.hashing import Json
from songbench.plugin import Availability, IsolatedSystem, VocalFile, unavailable
from songbench.resources import checkouts
from systems.acestep15.card import LANGUAGES, card_of
from systems.acestep15.environment import CHECKOUT, ENVIRONMENT, PLACES, TEXT_ENCODER, VAE
from systems.acestep15.rendering import LONGEST_SECONDS, render, render_completion
from systems.acestep15.revision import present_revision
from systems.acestep15.variants import (
    LANGUAGE_MODELS,
    TURBO_STEPS,
    LanguageModel,
    Model,
    Release,
    Style,
    Track,
    Variant,
    variant_named,
)

Share = Annotated[float, Field(ge=0, le=1)]

GUIDANCE = 7.0
"""Its authors' value for models that are guided."""

BAND: tuple[Track, ...] = ("drums", "bass", "guitar", "keyboard")
"""What is added to a vocal where nobody says it."""


class AceStep15(IsolatedSystem):
    """Songs of ACE-Step 1.5; settings have the names and defaults of its authors' parameters.

    Args:
        variant: model, language model and style in one, e.g. ``sft-lm-4b-audio``; ``complete``, ``complete-audio`` and
            ``complete-both``: the accompaniment of a vocal by the base model without a language model.
        model: the diffusion transformer.
        lm: the language model that plans a song; ``none``: the diffusion transformer alone.
        style: what of the prompt counts: its text, its audio as a reference of timbre, or both.
        inference_steps: diffusion steps; None: 8 for turbo, 50 for the others.
        guidance_scale: strength of the guidance, not for turbo; None: 7.
        shift: of the time steps, 1 to 5; None: as advised for the model.
        infer_method: deterministic solver or stochastic.
        tracks: what is added to a vocal; None: drums, bass, guitar and keyboard. Only for the accompaniment of one.
        use_adg: another form of guidance, for base alone.
        cfg_interval_start: part of the steps before guidance begins.
        cfg_interval_end: part of the steps at which it ends.
        lm_temperature: of the language model.
        lm_cfg_scale: guidance of the language model; 1: none.
        lm_top_k: of the language model; 0: all.
        lm_top_p: of the language model; 1: all.
        use_cot_metas: let the language model choose tempo, key and metre.
        use_cot_caption: let it rewrite the style text, which then is another prompt; needs `use_cot_metas`.
        use_cot_language: let it choose the language of the words; needs `use_cot_metas`.
        backend: of the language model; ``vllm`` has to be installed into the environment besides.
        device: ``auto``, ``cpu``, ``cuda``, ``mps`` or ``xpu``.
        use_flash_attention: has to be installed into the environment besides.
        compile_model: compile the model; slower to start.
        offload_to_cpu: keep models that are not at work in main memory.
        offload_dit_to_cpu: the diffusion transformer, too.

    Raises:
        InputError: an unknown variant, or settings that mean nothing together.
    """

    def __init__(
        self,
        variant: str | None = None,
        model: Model | None = None,
        lm: LanguageModel | None = None,
        style: Style | None = None,
        inference_steps: Annotated[int, Field(ge=1, le=200)] | None = None,
        guidance_scale: Annotated[float, Field(ge=1, le=15)] | None = None,
        shift: Annotated[float, Field(ge=1, le=5)] | None = None,
        infer_method: Literal["ode", "sde"] = "ode",
        tracks: tuple[Track, ...] | None = None,
        use_adg: bool = False,
        cfg_interval_start: Share = 0.0,
        cfg_interval_end: Share = 1.0,
        lm_temperature: Annotated[float, Field(ge=0, le=2)] = 0.85,
        lm_cfg_scale: Annotated[float, Field(ge=1, le=10)] = 2.0,
        lm_top_k: Annotated[int, Field(ge=0)] = 0,
        lm_top_p: Annotated[float, Field(gt=0, le=1)] = 0.9,
        use_cot_metas: bool = False,
        use_cot_caption: bool = False,
        use_cot_language: bool = False,
        backend: Literal["pt", "vllm"] = "pt",
        device: Literal["auto", "cpu", "cuda", "mps", "xpu"] = "auto",
        use_flash_attention: bool = False,
        compile_model: bool = False,
        offload_to_cpu: bool = False,
        offload_dit_to_cpu: bool = False,
    ) -> None:
        # 1. which models, and whether the settings fit them
        parts = _variant(variant, model, lm, style)
        release, planner = parts.release, LANGUAGE_MODELS[parts.lm]
        if parts.model != "base" and use_adg:
            raise InputError("use_adg is for the model base alone.", field="use_adg")
        _check_cot(parts, use_cot_metas, use_cot_caption=use_cot_caption, use_cot_language=use_cot_language)
        sampling = _sampling(release, parts.model, inference_steps, guidance_scale, shift)
        completes = parts.task == "complete"
        if tracks is not None and not (completes and tracks):
            reason = "Nothing would be added to the vocal." if completes else "Only the variant 'complete' adds tracks."
            raise InputError(reason, field="tracks")
        added = tracks or BAND
        # 2. the system
        self._variant, self._revision = parts, present_revision()
        self._placing: Mapping[str, Json] = {
            "places": dict(PLACES),
            "device": device,
            "offload_to_cpu": offload_to_cpu,
            "offload_dit_to_cpu": offload_dit_to_cpu,
        }
        super().__init__(
            card=card_of(parts, self._revision),
            environment=ENVIRONMENT,
            upstream=CHECKOUT,
            weights=(VAE, TEXT_ENCODER, release.weights, *(() if planner is None else (planner,))),
            worker=Path(__file__).with_name("acestep15_worker.py"),
            settings={
                "style": parts.style,
                "model": PLACES[release.weights.name],
                "lm": None if planner is None else PLACES[planner.name],
                **({"tracks": list(added)} if completes else {}),
                "backend": backend,
                "use_flash_attention": use_flash_attention,
                "compile_model": compile_model,
                "parameters": {
                    **sampling,
                    "infer_method": infer_method,
                    "use_adg": use_adg,
                    "cfg_interval_start": cfg_interval_start,
                    "cfg_interval_end": cfg_interval_end,
                    "lm_temperature": lm_temperature,
                    "lm_cfg_scale": lm_cfg_scale,
                    "lm_top_k": lm_top_k,
                    "lm_top_p": lm_top_p,
                    "use_cot_metas": use_cot_metas,
                    "use_cot_caption": use_cot_caption,
                    "use_cot_language": use_cot_language,
                },
            },
            render=partial(render_completion, style=parts.style, tracks=added, languages=LANGUAGES)
            if completes
            else partial(render, style=parts.style),
            vocal=VocalFile(rate=48_000, most_s=LONGEST_SECONDS) if completes else None,
        )

    def worker_settings(self) -> Mapping[str, Json]:
        """Where files and models lie, which changes no song."""
        return self._placing

    def availability(self) -> Availability:
        """Whether all is here, and the code in use knows the model."""
        if self._variant.release.xl and not self._revision.xl:
            return unavailable(
                f"ACE-Step 1.5 at {self._revision.commit[:7] or 'this state'} does not know its XL models",
                f"name a later checkout in {checkouts.override_variable(CHECKOUT)}",
            )
        return super().availability()


def _variant(variant: str | None, model: Model | None, lm: LanguageModel | None, style: Style | None) -> Variant:
    """The variant of its name or of its parts.

    Raises:
        InputError: an unknown name, or a part that contradicts it.
    """
    usual = variant_named(variant)
    for field, value, meaning in (("model", model, usual.model), ("lm", lm, usual.lm), ("style", style, usual.style)):
        if variant is not None and value not in (None, meaning):
            raise InputError(f"The variant '{variant}' means {field} '{meaning}'.", field=field, value=value)
    return Variant(model or usual.model, lm or usual.lm, style or usual.style, usual.task)


def _check_cot(parts: Variant, use_cot_metas: bool, *, use_cot_caption: bool, use_cot_language: bool) -> None:
    """Refuse settings of a planning that does not take place.

    Raises:
        InputError: there is no language model, or it plans nothing.
    """
    flags = {
        "use_cot_metas": use_cot_metas,
        "use_cot_caption": use_cot_caption,
        "use_cot_language": use_cot_language,
    }
    field = next((name for name, flag in flags.items() if flag), None)
    if field and parts.lm == "none":
        raise InputError("Without a language model there is nothing that plans.", field=field)
    if field and not use_cot_metas:
        raise InputError("That is part of planning tempo, key and metre.", field=field, cure="Set use_cot_metas, too.")


def _sampling(
    release: Release, model: Model, steps: int | None, guidance: float | None, shift: float | None
) -> dict[str, Json]:
    """How the diffusion transformer is sampled.

    Raises:
        InputError: the model does not do that.
    """
    if release.turbo and guidance is not None:
        raise InputError(f"'{model}' takes no guidance.", field="guidance_scale")
    if release.turbo and steps is not None and steps > TURBO_STEPS:
        raise InputError(f"'{model}' makes at most {TURBO_STEPS} steps.", field="inference_steps")
    if shift is not None and release.shifts is not None and shift not in release.shifts:
        shifts = ", ".join(f"{value:g}" for value in release.shifts)
        raise InputError(f"'{model}' was made for shifts of {shifts}.", field="shift")
    return {
        "inference_steps": steps or release.steps,
        "guidance_scale": 1.0 if release.turbo else guidance or GUIDANCE,
        "shift": shift or release.shift,
    }
