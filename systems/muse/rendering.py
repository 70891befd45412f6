"""A prompt as Muse's program is given it: a style, then section by section a label, a description and the lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from songbench.domain.errors import UnsupportedError
from songbench.domain.hashing import Json
from songbench.domain.limits import require_words, style_text_of
from songbench.domain.rendering import Rendering
from songbench.domain.sections import Section
from songbench.domain.song import Request
from songbench.domain.tags import by_tag
from songbench.plugin import WorkerInput

SUNG = by_tag(
    {
        "intro": "Verse {}",
        "verse": "Verse {}",
        "chorus": "Chorus{}",
        "bridge": "Bridge{}",
        "inst": None,
        "outro": "Chorus (Outro){}",
        "silence": None,
    },
    "the table of Muse's sung sections (systems.muse.rendering)",
)
"""Labels of its examples, numbered as there. Their intros have no words, and of a hundred outros one has."""

WORDLESS = by_tag(
    {
        "intro": "Intro",
        "verse": None,
        "chorus": None,
        "bridge": None,
        "inst": None,
        "outro": "Outro",
        "silence": None,
    },
    "the table of Muse's sections without words (systems.muse.rendering)",
)
"""Its examples know no other."""

_ALWAYS_NUMBERED = ("Verse {}", "Chorus{}")


@dataclass(frozen=True)
class MuseSection:
    """A turn of the conversation with the model.

    Attributes:
        label: in square brackets.
        description: what is to be heard.
        lines: to be sung, none in an instrumental section.
    """

    label: str
    description: str
    lines: tuple[str, ...] = ()


def sections_of(sections: tuple[Section, ...], style: str) -> tuple[tuple[MuseSection, ...], dict[str, str | None]]:
    """The turns for the sections of a song, and what became of their tags.

    Args:
        sections: of the lyrics.
        style: the style text, which describes every section, as prompts describe none.
    """
    patterns = [SUNG[section.tag] if section.vocal else WORDLESS[section.tag] for section in sections]
    totals, counts = Counter(patterns), Counter[str]()
    turns, tags = list[MuseSection](), dict[str, str | None]()
    for section, pattern in zip(sections, patterns, strict=True):
        label = None
        if pattern is not None:
            counts[pattern] += 1
            numbered = pattern in _ALWAYS_NUMBERED or totals[pattern] > 1
            label = pattern.format(counts[pattern] if numbered else "")
            turns.append(MuseSection(label, style, tuple(" ".join(line.split()) for line in section.lines)))
        tags[section.tag] = f"[{pattern.format('')}]".replace(" ]", "]") if pattern else tags.get(section.tag)
    return tuple(turns), tags


def render(request: Request) -> WorkerInput:
    """What the worker is given for a song.

    Raises:
        UnsupportedError: nothing is sung, there is no style text, or a text holds square brackets.
    """
    prompt = request.prompt
    require_words(prompt)
    style = style_text_of(prompt)
    if set("[]\n") & set(style):
        raise UnsupportedError("the style text has square brackets, which part the sections")
    turns, tags = sections_of(prompt.lyrics.sections, style)
    added = ["the style text as the description of every section"]
    if turns[0].label != "Intro":
        turns = (MuseSection("Intro", style), *turns)
        added.append("[Intro] before the first section, with which every song of its examples begins")
    song: Mapping[str, Json] = {"style": style, "sections": [asdict(turn) for turn in turns]}
    text = "\n\n".join("\n".join([f"[{turn.label}]", *turn.lines]) for turn in turns)
    rendering = Rendering(lyrics=text, style="text", style_text=style, tags=tags, added=tuple(added))
    return WorkerInput({"song": song}, rendering)
