"""The authors' SongBloom as a system."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from songbench.domain.errors import InputError
from songbench.plugin import Dependence, Layout, Pitfall, ScriptSystem, SystemCard
from systems.songbloom.releases import AUTOENCODER, FULL_150S, FULL_150S_DPO, FULL_240S
from systems.songbloom.upstream.environment import CHECKOUT, CHECKOUT_240S, ENVIRONMENT, LICENCE
from systems.songbloom.upstream.rendering import UpstreamCall, invocation, merge

VARIANTS = {"full_150s": FULL_150S, "full_150s_dpo": FULL_150S_DPO, "full_240s": FULL_240S}

PITFALLS = (
    Pitfall("There is no option for the seed.", "All generators are seeded before the program starts."),
    Pitfall(
        "The program asks the model hub for its files at every start.",
        "The files that were set up lie where it looks, and it is told that there is no network.",
    ),
    Pitfall("The name of a song becomes a file's name unchecked.", "Names are ids of prompts, which are file names."),
    Pitfall(
        "A tag that touches a word is sung, and unknown letters vanish.",
        "Lyrics are written as for our own SongBloom, and refused where that refuses them.",
    ),
    Pitfall("[intro] and [outro] are known without words only.", "Their words are sung as [verse], which is recorded."),
    Pitfall("Two takes are made for each line.", "One is asked for; takes are songs of their own."),
    Pitfall(
        "The state for the 240 s model loads weights without checking that all are there.",
        "Weights come from the authors' repository, and their checksums are recorded.",
    ),
)


class UpstreamSongBloom(ScriptSystem):
    """SongBloom by its authors' own program, for parity with ours on the released weights.

    Args:
        variant: ``full_150s``, ``full_150s_dpo`` or ``full_240s``.
        dtype: ``float32`` or ``bfloat16``.
        device: for the 240 s model, whose program has an option for it; the other one uses CUDA.
        songs_per_call: how many songs one start of the program makes. More than one saves loading the model, and their
            samples depend on each other, which the record says.
        timeout_s: how long one call may take, in seconds.

    Raises:
        InputError: an unknown variant, or a device where the program has no option for it.
    """

    def __init__(
        self,
        variant: Literal["full_150s", "full_150s_dpo", "full_240s"] | None = None,
        dtype: Literal["float32", "bfloat16"] = "float32",
        device: str | None = None,
        songs_per_call: Annotated[int, Field(ge=1, le=256)] = 1,
        timeout_s: Annotated[float, Field(gt=0)] = 7200.0,
    ) -> None:
        name = variant or "full_150s"
        if name not in VARIANTS:
            raise InputError(f"SongBloom has no release '{name}'.", field="variant", value=name, allowed=VARIANTS)
        long = name == "full_240s"
        if device is not None and not long:
            raise InputError("This state of the program has no option for the device.", field="device")
        call = UpstreamCall(
            model=f"songbloom_{name}",
            dtype=dtype,
            seconds_per_tag=5.0 if long else 1.0,
            device=device or ("cuda:0" if long else None),
        )
        checkout = CHECKOUT_240S if long else CHECKOUT
        shared = {f"cache/{file.name}": f"{AUTOENCODER.name}/{file.name}" for file in AUTOENCODER.files}
        super().__init__(
            card=SystemCard(
                name="songbloom_upstream" if variant in (None, "full_150s") else f"songbloom_upstream:{name}",
                version="1",
                summary="SongBloom by its authors' own program, which ours is compared with.",
                licence=LICENCE,
                languages=("en", "zh", "mixed"),
                conditions=("lyrics", "prompt audio"),
                max_seconds=250.0 if long else 170.0,
                sample_rate=48_000,
                citation="Yang et al., SongBloom, NeurIPS 2025, arXiv 2506.07634",
                depends_on=(
                    Dependence("muq", "its sketch tokens come from MuQ"),
                    Dependence(
                        "allin1", "learnt its section tags from this analyser's labels; its authors chose it for SER"
                    ),
                ),
                upstream=f"{checkout.repository}@{checkout.commit[:7]}",
                code_licence=LICENCE,
                weights_licence=LICENCE,
                style_rule="audio, 10 s",
                lyric_rules=("One line: sections parted by a comma, sentences by a full stop, tags as durations.",),
                length_rule="the model decides; parts without words as long as their tags are repeated",
                seed_rule="set by the worker",
                output="FLAC, 48 kHz, stereo",
                pitfalls=PITFALLS,
                verified=(
                    "Both states of its unmodified program from the argument parser to the file they write, with the "
                    "model absent: the words of every prompt reach it; never with the released weights."
                ),
            ),
            environment=ENVIRONMENT,
            upstream=checkout,
            script="infer.py",
            weights=(VARIANTS[name], AUTOENCODER),
            layout=Layout(links={"cache": VARIANTS[name].name, **shared}),
            invoke=lambda request: invocation(request, call),
            merge=merge,
            batch=songs_per_call,
            settings={"model": call.model, "dtype": dtype, "songs_per_call": songs_per_call},
            prompt_most_s=10.0,
            timeout_s=timeout_s,
        )
