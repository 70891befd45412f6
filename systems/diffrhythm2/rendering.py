"""A prompt as the program of DiffRhythm 2 is given it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Literal, TypeAlias

from songbench.domain.errors import UnsupportedError
from songbench.domain.limits import require_prompt_audio, require_words, style_text_of
from songbench.domain.rendering import Rendering
from songbench.domain.song import Request
from songbench.plugin import Invocation, literal
from songbench.resources.upstream.espeak import ESPEAK_VARIABLES
from systems.diffrhythm2.lyrics import render_lyrics

Style: TypeAlias = Literal["text", "audio"]

SCRIPT = "inference.py"
VARIABLES = {"PYTHONPATH": "{upstream}", **ESPEAK_VARIABLES}

REPOSITORY = "ASLP-lab/DiffRhythm2"
PROMPT_SECONDS = 10.0
"""A longer style clip is cut at random by the program, so that it is cut before."""
PROMPT_RATE = 24_000
"""Samples per second of the style clip: those of the encoder, so that nothing is rounded at its end."""
MOST_SECONDS = 210.0
_NAME = "song"
_FILE_NAME = re.compile(r"[\w./-]+\.\w{1,5}|LICENSE")


@dataclass(frozen=True, kw_only=True)
class DiffRhythm2Call:
    """How the program is called, whatever the song.

    Attributes:
        style: which kind of style it is given.
        cfg_strength: guidance.
        steps: of the solver, for each block.
        max_secs: the longest song in seconds; it ends earlier by itself.
        fake_stereo: write the second channel that the program makes out of the first.
    """

    style: Style = "text"
    cfg_strength: float = 2.0
    steps: int = 16
    max_secs: float = MOST_SECONDS
    fake_stereo: bool = True


def invoke(request: Request, call: DiffRhythm2Call) -> Invocation:
    """The call of the program for one song.

    Args:
        request: what is asked.
        call: what is the same for all songs.

    Raises:
        UnsupportedError: nothing is sung, a line cannot be read, or the style that this variant takes is not there or
            names a file.
    """
    prompt, text = request.prompt, ""
    require_words(prompt)
    lyrics = render_lyrics(prompt.lyrics)
    if call.style == "text":
        text = style_text_of(prompt)
        if _FILE_NAME.fullmatch(text):  # if there is such a file, it would be listened to
            raise UnsupportedError(f"the style text '{text[:40]}' looks like the name of a file")
    else:
        require_prompt_audio(prompt)
    song = {"song_name": _NAME, "style_prompt": literal(text) or "{prompt_audio}", "lyrics": "{in}/lyrics.txt"}
    return Invocation(
        arguments=(
            "--repo-id",
            REPOSITORY,
            "--output-dir",
            "{out}",
            "--input-jsonl",
            "{in}/songs.jsonl",
            "--cfg-strength",
            f"{call.cfg_strength:g}",
            "--max-secs",
            f"{call.max_secs:g}",
            "--steps",
            str(call.steps),
            "--fake-stereo",
            "True" if call.fake_stereo else "",  # anything but nothing is true
        ),
        files={"songs.jsonl": json.dumps(song) + "\n", "lyrics.txt": literal(lyrics.text)},
        outputs={"mix": f"{_NAME}.mp3"},
        lossy="mp3",
        fake_stereo=call.fake_stereo,
        rendering=Rendering(
            lyrics=lyrics.text,
            style="text" if text else "audio",
            style_text=text,
            tags=lyrics.tags,
            added=("[start] before the first section", "[end] after the last"),
        ),
    )
