"""A prompt as the authors' program takes it: a vocal whose file is called by the song's id, a text, a style clip."""

from __future__ import annotations

from dataclasses import dataclass

from songbench.domain.limits import require_prompt_audio, style_text_of
from songbench.domain.rendering import Rendering, StyleUse
from songbench.domain.song import Request
from songbench.plugin import Invocation, literal
from systems.ladaband.upstream.environment import CHECKPOINT_FILE, PRETRAINED

NAME_CHARACTERS = 20
"""So much of a text becomes a part of the name of the file that is written."""

TRAINED_SECONDS = 163.84


@dataclass(frozen=True, kw_only=True)
class LadaBandCall:
    """The settings of a call, by the program's own names.

    Attributes:
        style: ``text``, ``audio`` or ``both``: what it is told beside the vocal.
        sampling_steps: passes of the predictor.
        top_k: tokens that are drawn from.
        top_p: share of the probability that is drawn from.
        temperature: of the draw.
        mask_temperature: of the choice of the tokens that are masked again.
        remask_schedule: how many of them in each pass.
        remask_strategy: which.
    """

    style: StyleUse
    sampling_steps: int
    top_k: int
    top_p: float
    temperature: float
    mask_temperature: float
    remask_schedule: str
    remask_strategy: str


def invocation(request: Request, call: LadaBandCall) -> Invocation:
    """The call of ``infer.py`` for a request.

    Raises:
        UnsupportedError: the prompt has no style of the kind that the call is about.
    """
    prompt = request.prompt
    text, notes = "", ["in the place of the text it hears the vector of an empty one"]
    if call.style != "audio":
        text, notes = style_text_of(prompt), []
    if call.style == "text":
        text, notes = savable_text(text)
    else:
        require_prompt_audio(prompt)
    if prompt.seconds is not None and prompt.seconds > TRAINED_SECONDS:
        notes.append(f"longer than the {TRAINED_SECONDS:g} s that it was trained with")
    return Invocation(
        arguments=(
            f"--model_fp={{upstream}}/{PRETRAINED}/checkpoint/{CHECKPOINT_FILE}",
            "--config=lada_band/conf/infer_1B.yaml",
            "--output_dir={out}",
            *("--seg_time", "0", "-1"),
            "--acc_only",
            "--save_format=wav",
            "--vocal_fps={vocal}",
            *([f"--texts={literal(text)}"] if text else []),
            *(["--ref_audios={prompt_audio}"] if call.style != "text" else []),
            f"--seed={request.seed}",
            f"--sampling_steps={call.sampling_steps}",
            f"--top_k={call.top_k}",
            f"--top_p={call.top_p}",
            f"--temperature={call.temperature}",
            f"--mask_temperature={call.mask_temperature}",
            f"--remask_schedule={call.remask_schedule}",
            f"--remask_strategy={call.remask_strategy}",
        ),
        outputs={"mix": "generated_acc/*.wav"},
        rendering=Rendering(style=call.style, style_text=text, notes=tuple(notes)),
        reports=("generation_results_*.json",),
        compute_pattern=r'"generation_time_seconds": ([0-9.]+)',
        refusals={r'"status": "failed"': "the program reports that the song has failed, exit code 0"},
    )


def savable_text(text: str) -> tuple[str, list[str]]:
    """The text with no slash where it becomes a part of a file's name, in which the program cannot save one.

    Returns:
        The text, and what is to be noted.

    >>> savable_text("pop/rock, 4/4, a song about rain/wind")
    ('pop-rock, 4-4, a song about rain/wind', ['the first slashes of the text are given as hyphens'])
    """
    head, tail = text[:NAME_CHARACTERS], text[NAME_CHARACTERS:]
    notes = ["the first slashes of the text are given as hyphens"] if "/" in head else []
    return head.replace("/", "-") + tail, notes
