"""A prompt as the authors' program takes it: a line of JSON with the lyrics in one line and a path to the clip."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from songbench.domain.errors import InputError, UnsupportedError
from songbench.domain.limits import require_prompt_audio
from songbench.domain.rendering import Rendering
from songbench.domain.song import Request
from songbench.domain.tags import INSTRUMENTAL_TAGS
from songbench.plugin import Invocation, literal, merged
from systems.songbloom.text.line import check_line, one_line, retagged

SONGS = "songs.jsonl"


@dataclass(frozen=True, kw_only=True)
class UpstreamCall:
    """The settings of a call.

    Attributes:
        model: the name of the checkpoint, as the program knows it.
        dtype: ``float32`` or ``bfloat16``.
        seconds_per_tag: how long the model plays for one tag of a part without singing.
        device: where it runs; None: where the program wants to, as it has no option for it.
    """

    model: str
    dtype: str
    seconds_per_tag: float
    device: str | None


def invocation(request: Request, call: UpstreamCall) -> Invocation:
    """The call of ``infer.py`` for a request.

    Raises:
        UnsupportedError: no prompt audio, or lyrics that the model would misread without a word.
    """
    prompt = request.prompt
    require_prompt_audio(prompt)
    line = one_line(prompt.lyrics, call.seconds_per_tag)
    try:
        check_line(line)
    except InputError as error:
        raise UnsupportedError(error.message) from None
    name = f"{prompt.id}-{request.take}"
    sung = {section.tag for section in prompt.lyrics.sections if section.vocal and section.tag in INSTRUMENTAL_TAGS}
    note = retagged(prompt.lyrics)
    return Invocation(
        arguments=_arguments(call),
        files={SONGS: _row(name, line)},
        outputs={"mix": f"{name}_s0.flac"},
        rendering=Rendering(
            lyrics=line,
            style="audio",
            tags=dict.fromkeys(sorted(sung), "[verse]"),
            notes=(note,) if note else (),
        ),
        settings={"cfg": 1.5, "top_k": 200, "temperature": 0.9, "solver": "euler", "steps": 36},
    )


def _arguments(call: UpstreamCall) -> tuple[str, ...]:
    return (
        f"--model-name={call.model}",
        "--local-dir=./cache",
        f"--input-jsonl={{in}}/{SONGS}",
        "--output-dir={out}",
        "--n-samples=1",
        f"--dtype={call.dtype}",
        *((f"--device={call.device}",) if call.device else ()),
    )


def _row(name: str, line: str) -> str:
    """One line of the file; braces of its own are no placeholders, that of the clip is."""
    song = json.dumps({"idx": name, "lyrics": line, "prompt_wav": "CLIP"}, ensure_ascii=False)
    return literal(song).removesuffix('"CLIP"}') + '"{prompt_audio}"}\n'


def merge(invocations: Sequence[Invocation]) -> Invocation:
    """One call for several songs: the program reads a file with one line for each."""
    rows = "".join(invocation.files[SONGS] for invocation in invocations)
    return merged(invocations, arguments=invocations[0].arguments, files={SONGS: rows})
