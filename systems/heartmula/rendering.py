"""A prompt as HeartMuLa's program takes it: lyrics under section tags, a style in tags, each in a file."""

from __future__ import annotations

import re
from dataclasses import dataclass

from songbench.domain.limits import require_words, style_text_of
from songbench.domain.rendering import Rendering
from songbench.domain.section_blocks import section_blocks
from songbench.domain.song import Request
from songbench.domain.tags import by_tag
from songbench.plugin import Invocation, literal

FRAME_SECONDS = 0.08

HEADINGS = by_tag(
    {
        "intro": "intro",
        "verse": "verse",
        "chorus": "chorus",
        "bridge": "bridge",
        "inst": None,
        "outro": "outro",
        "silence": None,
    },
    "the section tags of HeartMuLa (systems/heartmula/rendering.py)",
)
"""Those that its authors show. Others are sung, so an instrumental section cannot be asked for."""


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """Options of its program.

    Attributes:
        max_seconds: where a song is cut that has not ended by itself.
        topk: candidates for each token.
        temperature: of the choice.
        cfg_scale: guidance; exactly 1: none.
        mula_dtype: precision of the language model.
        codec_dtype: precision of the codec.
    """

    max_seconds: float
    topk: int
    temperature: float
    cfg_scale: float
    mula_dtype: str
    codec_dtype: str

    @property
    def longest_seconds(self) -> float:
        """The longest song that can come: the program counts its limit after the first frame."""
        return (round(self.max_seconds * 1000) // 80 + 1) * FRAME_SECONDS


def style_tags(style: str) -> str:
    """A style text as tags: separated by commas without blanks, in lower case.

    >>> style_tags("Bright pop, piano and drums,  female voice.")
    'bright pop,piano and drums,female voice'
    """
    tags = (tag.strip(" .") for tag in re.split(r"[,，;；、]", style.lower()))
    return ",".join(tag for tag in tags if tag)


def invoke(request: Request, sampling: Sampling, placing: tuple[str, ...]) -> Invocation:
    """The call of the program.

    Args:
        request: the song.
        sampling: how it is sampled.
        placing: options that say where the models run.

    Raises:
        UnsupportedError: the prompt has no style in words, or nothing is sung in it.
    """
    prompt = request.prompt
    require_words(prompt)
    tags = style_tags(style_text_of(prompt))
    text, headings = section_blocks(prompt.lyrics, HEADINGS)
    lyrics = text.lower()
    rendering = Rendering(
        lyrics=lyrics,
        style="text",
        style_text=tags,
        tags=headings,
        notes=("lyrics in lower case",) if lyrics != text else (),
    )
    return Invocation(
        arguments=(
            *("--model_path", "{upstream}/ckpt", "--version", "3B"),
            *("--lyrics", "{in}/lyrics.txt", "--tags", "{in}/tags.txt", "--save_path", "{out}/song.wav"),
            *("--max_audio_length_ms", str(round(sampling.max_seconds * 1000))),
            *("--topk", str(sampling.topk), "--temperature", str(sampling.temperature)),
            *("--cfg_scale", str(sampling.cfg_scale)),
            *("--mula_dtype", sampling.mula_dtype, "--codec_dtype", sampling.codec_dtype),
            *placing,
        ),
        files={"lyrics.txt": literal(lyrics), "tags.txt": literal(tags)},
        outputs={"mix": "song.wav"},
        rendering=rendering,
    )
