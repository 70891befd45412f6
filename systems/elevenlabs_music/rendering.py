"""A prompt as Eleven Music takes it: as a composition plan, or as prompt and lyrics."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from songbench.domain.errors import UnsupportedError
from songbench.domain.hashing import Json
from songbench.domain.limits import style_text_of
from songbench.domain.lyric_timing import RULE, tempo_of_style, time_lyrics
from songbench.domain.prompt import Prompt
from songbench.domain.rendering import Rendering
from songbench.domain.section_blocks import section_blocks
from songbench.domain.sections import Section
from songbench.domain.tags import by_tag
from songbench.resources.hosted import HostedInput
from systems.elevenlabs_music.card import (
    LINE_CHARACTERS,
    LINES_PER_SECTION,
    SECTION_SECONDS,
    SECTIONS,
    SONG_SECONDS,
    STYLE_CHARACTERS,
    STYLES,
)

FIRST_MODEL = "music_v1"
"""The model whose plans have sections; those of newer ones have chunks."""

_NAMES: Mapping[str, str | None] = by_tag(
    {
        "intro": "Intro",
        "verse": "Verse",
        "chorus": "Chorus",
        "bridge": "Bridge",
        "inst": "Instrumental",
        "outro": "Outro",
        "silence": None,
    },
    "the table of Eleven Music's section names",
)


def render(prompt: Prompt, seed: int, settings: Mapping[str, Json]) -> HostedInput:
    """The body of ``POST /v1/music``.

    Args:
        prompt: its style has to be given in words.
        seed: of the take; a prompt takes none.
        settings: ``model`` and ``mode``.

    Raises:
        UnsupportedError: it has no style, is too long, or holds more sections, lines or characters than a plan may.
    """
    style = style_text_of(prompt, most=STYLE_CHARACTERS)
    if settings["mode"] == "prompt":
        return _as_prompt(prompt, style, settings)
    return _as_plan(prompt, style, seed, settings)


def _as_prompt(prompt: Prompt, style: str, settings: Mapping[str, Json]) -> HostedInput:
    lyrics, tags = section_blocks(prompt.lyrics, _NAMES)
    body: dict[str, Json] = {"model_id": settings["model"], "prompt": style}
    if prompt.lyrics.lines:
        body["lyrics_text"] = lyrics.rstrip("\n")
    else:
        body["force_instrumental"] = True
    if prompt.seconds is not None:
        _check_length(prompt.seconds)
        body["music_length_ms"] = round(prompt.seconds * 1000)
    notes = ["no seed was sent: a prompt takes none"]
    if not all(section.vocal for section in prompt.lyrics.sections):
        notes.append("the lengths of parts without words were not asked for")
    rendering = Rendering(
        lyrics=str(body.get("lyrics_text", "")),
        style="text",
        style_text=style,
        tags=tags,
        seconds=prompt.seconds,
        notes=tuple(notes),
    )
    return HostedInput(body=body, rendering=rendering)


def _as_plan(prompt: Prompt, style: str, seed: int, settings: Mapping[str, Json]) -> HostedInput:
    # 1. how long each section lasts
    timed = time_lyrics(prompt.lyrics, prompt.language, seconds=prompt.seconds, tempo=tempo_of_style(style))
    lengths_s = [section.end - section.start for section in timed.sections]
    parts = [
        (section, length_s)
        for section, length_s in zip(prompt.lyrics.sections, lengths_s, strict=True)
        if _NAMES[section.tag]
    ]
    notes = [
        f"{_NAMES[part.tag]} lasts {SECTION_SECONDS[0]:g} s, the least" for part, s in parts if s < SECTION_SECONDS[0]
    ]
    parts = [(section, max(length_s, SECTION_SECONDS[0])) for section, length_s in parts]
    _check_parts(parts)
    # 2. the plan
    styles = [text for text in (part.strip() for part in re.split(r"[,;\n，；、]", style)) if text]
    if len(styles) > STYLES:
        raise UnsupportedError(f"the style names {len(styles)} things, a plan takes {STYLES}")
    first = settings["model"] == FIRST_MODEL
    plan: dict[str, Json] = (
        {
            "positive_global_styles": styles,
            "negative_global_styles": [],
            "sections": [_section(section, length_s) for section, length_s in parts],
        }
        if first
        else {"chunks": [_chunk(section, length_s, styles) for section, length_s in parts]}
    )
    body: dict[str, Json] = {"model_id": settings["model"], "composition_plan": plan, "seed": seed % 2**31}
    if first:
        body["respect_sections_durations"] = True
    seconds = sum(length_s for _, length_s in parts)
    rendering = Rendering(
        lyrics="\n\n".join(_text(section) for section, _ in parts),
        style="text",
        style_text=", ".join(styles),
        tags=section_blocks(prompt.lyrics, _NAMES)[1],
        timing=RULE,
        times=_starts(parts),
        seconds=round(seconds, 3),
        notes=(*notes, "the seed was sent; the service does not promise the same song again"),
    )
    return HostedInput(body=body, rendering=rendering)


def _check_parts(parts: Sequence[tuple[Section, float]]) -> None:
    """Refuse what no plan can hold."""
    if len(parts) > SECTIONS:
        raise UnsupportedError(f"the lyrics have {len(parts)} sections, a plan takes {SECTIONS}")
    for section, length_s in parts:
        if length_s > SECTION_SECONDS[1]:
            raise UnsupportedError(f"[{section.tag}] would last {length_s:.0f} s, a plan takes {SECTION_SECONDS[1]:g}")
        if len(section.lines) > LINES_PER_SECTION:
            raise UnsupportedError(f"[{section.tag}] has {len(section.lines)} lines, a plan takes {LINES_PER_SECTION}")
        for line in section.lines:
            if len(line) > LINE_CHARACTERS:
                raise UnsupportedError(f"a line has {len(line)} characters, a plan takes {LINE_CHARACTERS}")
            if "{" in line or "}" in line:
                raise UnsupportedError("a line holds braces, which Eleven Music takes for directions")
    _check_length(sum(length_s for _, length_s in parts))


def _check_length(seconds: float) -> None:
    if not SONG_SECONDS[0] <= seconds <= SONG_SECONDS[1]:
        raise UnsupportedError(
            f"it would last {seconds:.0f} s, Eleven Music takes {SONG_SECONDS[0]:g} to {SONG_SECONDS[1]:g}"
        )


def _section(section: Section, length_s: float) -> Json:
    """As the plans of the first model have it."""
    return {
        "section_name": _NAMES[section.tag],
        "positive_local_styles": [] if section.vocal else ["instrumental"],
        "negative_local_styles": [] if section.vocal else ["vocals"],
        "duration_ms": round(length_s * 1000),
        "lines": list(section.lines),
    }


def _chunk(section: Section, length_s: float, styles: Sequence[str]) -> Json:
    """As the plans of newer models have it."""
    return {
        "text": _text(section),
        "duration_ms": round(length_s * 1000),
        "positive_styles": [*styles, *([] if section.vocal else ["instrumental"])][:STYLES],
        "negative_styles": [] if section.vocal else ["vocals"],
    }


def _text(section: Section) -> str:
    return "\n".join([f"[{_NAMES[section.tag]}]", *section.lines])


def _starts(parts: Sequence[tuple[Section, float]]) -> tuple[tuple[float, str], ...]:
    """When each section begins."""
    starts, at_s = [], 0.0
    for section, length_s in parts:
        starts.append((round(at_s, 3), f"[{section.tag}]"))
        at_s += length_s
    return tuple(starts)
