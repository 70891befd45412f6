"""MuseControlLite as a system."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from songbench.domain.hashing import Json
from songbench.plugin import IsolatedSystem, Pitfall, SystemCard, VocalFile
from systems.musecontrollite.environment import (
    ADAPTERS,
    ADAPTERS_LICENCE,
    BASE,
    BASE_LICENCE,
    BASE_REPOSITORY,
    CHECKOUT,
    ENVIRONMENT,
    LICENCE,
)
from systems.musecontrollite.rendering import CONDITION_TYPES, Following, render

LONGEST_SECONDS = 2_097_152 / 44_100

PITFALLS = (
    Pitfall(
        "It makes 47.55 s, however long the vocal is, and hears no more of it.",
        "Longer vocals are unsupported; of a shorter one the rest is cut off.",
    ),
    Pitfall(
        "The curves of a vocal that is shorter than that are stretched to it, but for the melody of a mono mix.",
        "The vocal is followed by silence up to that length.",
    ),
    Pitfall(
        "What it follows is a melody, a beat and a loudness curve, so that the band doubles the singer's melody.",
        "That is what it does; the row of a table says which of them it followed.",
    ),
    Pitfall(
        "The melody above middle C alone is followed: what lies below is filtered away.", "Left as it was trained."
    ),
    Pitfall("There are no options: settings are a file of its code.", "Its functions are called with the same names."),
    Pitfall("The seed is 42 for every song.", "The generator that the pipeline is given has the song's own seed."),
    Pitfall(
        "The stereo melody of a mono file fails.",
        "The vocal is written with two channels, the same in both if need be.",
    ),
    Pitfall(
        "Audio is turned upside down at random before its beat is looked for.",
        "The generator behind that is seeded before each song.",
    ),
    Pitfall(
        "An adapter for audio itself is named in the settings, and was not released with this state.",
        "It cannot be asked for.",
    ),
    Pitfall("It fetches the base model from the hub.", "What was set up is laid out for it, and nothing is fetched."),
    Pitfall(
        "It is compared in papers after a training of its own on another base model, which was not released.",
        "This is the release, and its numbers are not those.",
    ),
)


class MuseControlLite(IsolatedSystem):
    """MuseControlLite by its authors' own functions.

    Args:
        variant: what of the vocal is followed instead of melody, rhythm and dynamics: ``melody`` alone, or
            ``melody_stereo``, that of each channel.
        steps: of the sampler.
        text_guidance: towards the text.
        condition_guidance: towards what is followed.
        dtype: of the base model.
        timeout_s: how long one song may take, in seconds, the first with the loading of the model.
    """

    def __init__(
        self,
        variant: Literal["melody", "melody_stereo"] | None = None,
        steps: Annotated[int, Field(ge=1, le=1000)] = 50,
        text_guidance: Annotated[float, Field(ge=0, le=100)] = 7.0,
        condition_guidance: Annotated[float, Field(ge=0, le=100)] = 1.5,
        dtype: Literal["fp16", "fp32"] = "fp16",
        timeout_s: Annotated[float, Field(gt=0)] = 3600.0,
    ) -> None:
        following: Following = variant or "all"
        super().__init__(
            card=SystemCard(
                name="musecontrollite" if variant is None else f"musecontrollite:{variant}",
                version="1",
                summary="Stable Audio Open with adapters that follow "
                + ("melody, rhythm and dynamics." if variant is None else "the melody."),
                licence=f"code: {LICENCE}; adapters: {ADAPTERS_LICENCE}; base model: {BASE_LICENCE}",
                languages=(),
                conditions=("vocal", "style text"),
                vocals=False,
                max_seconds=LONGEST_SECONDS,
                sample_rate=44_100,
                citation="Tsai et al., MuseControlLite: Multifunctional Music Generation with Lightweight Conditioners,"
                " ICML 2025, arXiv 2506.18729",
                tracks=("v2a",),
                upstream=f"{CHECKOUT.repository}@{CHECKOUT.commit[:7]}",
                code_licence=LICENCE,
                weights_licence=f"adapters: {ADAPTERS_LICENCE}; base model: {BASE_LICENCE}",
                style_rule="text",
                length_rule="always 47.55 s, cut to the vocal's; longer vocals are unsupported",
                vocal_rule="left out",
                seed_rule="honoured",
                output="WAV, 44.1 kHz, stereo, 32 bit float",
                pitfalls=PITFALLS,
                verified=(
                    "A stand-in with the names and signatures of its functions, as they were read; never its networks,"
                    " and never the released adapters."
                ),
            ),
            environment=ENVIRONMENT,
            upstream=CHECKOUT,
            weights=(ADAPTERS, BASE),
            worker=Path(__file__).with_name("musecontrollite_worker.py"),
            settings={
                "condition_type": list(CONDITION_TYPES[following]),
                "sampling": {
                    "denoise_step": steps,
                    "guidance_scale_text": text_guidance,
                    "guidance_scale_con": condition_guidance,
                    "weight_dtype": dtype,
                },
            },
            render=render,
            vocal=VocalFile(rate=44_100, most_s=LONGEST_SECONDS),
            timeout_s=timeout_s,
        )

    def worker_settings(self) -> Mapping[str, Json]:
        """Which weights are what, which changes no song."""
        return {"adapters": ADAPTERS.name, "base": BASE.name, "base_repository": BASE_REPOSITORY}
