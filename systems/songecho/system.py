"""SongEcho as a system."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import Field

from songbench.domain.hashing import Json
from songbench.plugin import IsolatedSystem, Pitfall, SystemCard, VocalFile
from systems.songecho.environment import BASE, CHECKOUT, ENVIRONMENT, LICENCE, MELODY_FILE, PITCH_FILE, WEIGHTS
from systems.songecho.rendering import STYLE_CHARACTERS, render

SHORTEST_SECONDS, LONGEST_SECONDS = 3.0, 240.0
"""Shorter vocals would be padded and longer ones cut, but not their melody, which then runs at another speed."""

LANGUAGES = (
    *("en", "de", "fr", "es", "it", "pt", "pl", "tr", "ru", "cs", "nl", "ar", "zh", "ja", "hu", "ko", "hi"),
    "mixed",
)

PITFALLS = (
    Pitfall(
        "It makes covers: from melody, lyrics and style a new voice and a new band. It is no accompaniment.",
        "The card and every song say that a voice of its own sounds in it; nothing is taken away from it.",
    ),
    Pitfall("Without lyrics it still sings.", "Prompts without words, or of which nobody knows them, are unsupported."),
    Pitfall(
        "The numbers of steps, guidance and seed are parsed and ignored.",
        "Its functions are called with them; the usual ones are those in the code.",
    ),
    Pitfall(
        "All songs start from the noise of seed 1234.", "The generator that its sampler is given has the song's seed."
    ),
    Pitfall("It writes MP3.", "The samples are kept as floats before that."),
    Pitfall(
        "The melody comes from a file made beforehand from the whole song.",
        "It is found in the vocal by the same model, with the settings of its training data.",
    ),
    Pitfall(
        "A vocal below 3 s is padded and one above 240 s cut, but not its melody, which then runs at another speed.",
        "Such vocals are a failure or unsupported.",
    ),
    Pitfall(
        "A song that cannot be read is replaced by another one at random.",
        "The song's own methods are called, and what goes wrong in them is the cause of the failure.",
    ),
    Pitfall("Its evaluation puts a model onto CUDA when it is imported.", "It is left out."),
    Pitfall(f"A style text is cut after {STYLE_CHARACTERS} characters.", "A longer one is unsupported."),
    Pitfall("Lines that its tokenizer cannot read are left out.", "They are counted in the song's notes."),
)


class SongEcho(IsolatedSystem):
    """SongEcho by its authors' own classes.

    Args:
        infer_steps: of the sampler.
        guidance_scale: towards text, words and melody.
        omega_scale: of the sampler's mean shift.
        timeout_s: how long one song may take, in seconds, the first with the loading of the model.
    """

    def __init__(
        self,
        infer_steps: Annotated[int, Field(ge=1, le=1000)] = 60,
        guidance_scale: Annotated[float, Field(gt=1, le=100)] = 15.0,
        omega_scale: Annotated[float, Field(ge=0, le=100)] = 10.0,
        timeout_s: Annotated[float, Field(gt=0)] = 7200.0,
    ) -> None:
        super().__init__(
            card=SystemCard(
                name="songecho",
                version="1",
                summary="Covers by adapters on ACE-Step v1: a new voice sings the melody of the vocal with a new band.",
                licence=LICENCE,
                languages=LANGUAGES,
                conditions=("vocal", "lyrics", "style text"),
                max_seconds=LONGEST_SECONDS,
                sample_rate=48_000,
                citation="Li et al., SongEcho: Towards Cover Song Generation via Instance-Adaptive Element-wise Linear"
                " Modulation, ICLR 2026",
                tracks=("v2a",),
                upstream=f"{CHECKOUT.repository}@{CHECKOUT.commit[:7]}",
                code_licence=LICENCE,
                weights_licence=LICENCE,
                style_rule="text",
                lyric_rules=("Sections under tags such as [Verse] and [Chorus]; the words are sung again.",),
                length_rule=f"the vocal's, {SHORTEST_SECONDS:g} to {LONGEST_SECONDS:g} s",
                vocal_rule="sung anew",
                seed_rule="honoured",
                output="WAV, 48 kHz, stereo, 32 bit float",
                pitfalls=PITFALLS,
                verified=(
                    "A stand-in with the names and signatures of its classes, as they were read; never its networks,"
                    " and never the released adapters."
                ),
            ),
            environment=ENVIRONMENT,
            upstream=CHECKOUT,
            weights=(WEIGHTS, BASE),
            worker=Path(__file__).with_name("songecho_worker.py"),
            settings={
                "infer_steps": infer_steps,
                "guidance_scale": guidance_scale,
                "omega_scale": omega_scale,
            },
            render=render,
            vocal=VocalFile(least_s=SHORTEST_SECONDS, most_s=LONGEST_SECONDS),
            timeout_s=timeout_s,
        )

    def worker_settings(self) -> Mapping[str, Json]:
        """Which weights are what, which changes no song."""
        return {"base": BASE, "files": [WEIGHTS.name, MELODY_FILE, PITCH_FILE]}
