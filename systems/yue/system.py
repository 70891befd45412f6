"""YuE as a system."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from songbench.domain.errors import InputError
from songbench.plugin import Layout, ScriptSystem
from systems.yue.card import card_of
from systems.yue.environment import CHECKOUT, CODEC, ENVIRONMENT, LANGUAGES, STAGE_1, STAGE_2
from systems.yue.rendering import YuECall, invocation

VARIANTS = ("cot", "icl")


class YuE(ScriptSystem):
    """YuE, first version: style in words (``cot``), or in words and a clip (``icl``).

    Args:
        variant: ``cot`` or ``icl``.
        languages: of the lyrics; each needs a checkpoint of 12.5 GB (Japanese and Korean the same one).
        max_new_tokens: of a section, at most; 100 are a second.
        repetition_penalty: of stage 1.
        stage2_batch_size: pieces of 6 s that go through stage 2 together.
        timeout_s: how long one song may take, in seconds; its authors needed 150 s for 30 s of song on an H800.

    Raises:
        InputError: an unknown variant or language.
    """

    def __init__(
        self,
        variant: Literal["cot", "icl"] | None = None,
        languages: tuple[str, ...] = ("en", "zh"),
        max_new_tokens: Annotated[int, Field(ge=100, le=6000)] = 3000,
        repetition_penalty: Annotated[float, Field(ge=1, le=2)] = 1.1,
        stage2_batch_size: Annotated[int, Field(ge=1, le=64)] = 4,
        timeout_s: Annotated[float, Field(gt=0)] = 14_400.0,
    ) -> None:
        kind = variant or "cot"
        if kind not in VARIANTS:
            raise InputError(f"YuE has no variant '{kind}'.", field="variant", value=kind, allowed=VARIANTS)
        if unknown := next((language for language in languages if language not in LANGUAGES), None):
            raise InputError(
                f"YuE has no checkpoint for '{unknown}'.", field="languages", value=unknown, allowed=LANGUAGES
            )
        if not languages:
            raise InputError("No language is left.", field="languages", allowed=LANGUAGES)
        call = YuECall(
            audio=kind == "icl",
            checkpoints={code: weights for (code, own), weights in STAGE_1.items() if own == kind},
            languages={language: LANGUAGES[language] for language in languages},
            max_new_tokens=max_new_tokens,
            repetition_penalty=repetition_penalty,
            stage2_batch_size=stage2_batch_size,
        )
        checkpoints = {call.checkpoints[code].name: call.checkpoints[code] for code in call.languages.values()}
        super().__init__(
            card=card_of(
                "yue" if kind == "cot" else f"yue:{kind}",
                audio=call.audio,
                languages=tuple(languages),
                max_new_tokens=max_new_tokens,
            ),
            environment=ENVIRONMENT,
            upstream=CHECKOUT,
            script="inference/infer.py",
            weights=(*checkpoints.values(), STAGE_2, CODEC),
            layout=Layout(links={"inference/xcodec_mini_infer": CODEC.name}, cwd="inference"),
            invoke=lambda request: invocation(request.prompt, request.seed, call),
            settings={
                "kind": kind,
                "max_new_tokens": max_new_tokens,
                "repetition_penalty": repetition_penalty,
                "stage2_batch_size": stage2_batch_size,
            },
            timeout_s=timeout_s,
        )
