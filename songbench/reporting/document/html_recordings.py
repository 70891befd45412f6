"""Recordings of the same song as HTML: one below the other on one time axis, each with a player of its own.

Where scripts run, ``recordings.js`` puts one player in place of these, which keeps the place when another recording is
chosen.
"""

from __future__ import annotations

from collections.abc import Sequence

from songbench.domain.tags import by_tag
from songbench.reporting.document.html_text import address, escaped
from songbench.reporting.document.recordings import SectionStrip, Waveform

_COLOURS = by_tag(
    {
        "intro": "edge",
        "verse": "first",
        "chorus": "second",
        "bridge": "third",
        "inst": "fourth",
        "outro": "edge",
        "silence": "empty",
    },
    "the table of the colours of sections (songbench.reporting.document.html_recordings)",
)
"""The class of each tag's colour; its name stands in it, too."""


def strip(block: SectionStrip, seconds: float, width: str) -> str:
    """Sections in a row.

    Args:
        block: the sections.
        seconds: how long the song is.
        width: of the whole row, in percent of the place.
    """
    parts = "".join(
        f'<svg x="{_percent(section.start, seconds)}" width="{_percent(section.end - section.start, seconds)}">'
        f'<rect class="{_COLOURS.get(section.tag, "edge")}" width="100%" height="100%"></rect>'
        f'<text x="5" y="14">{escaped(section.tag)}</text></svg>'
        for section in block.sections
    )
    words = ", ".join(
        section.tag if block.free else f"{section.tag} {section.start:.0f} to {section.end:.0f} s"
        for section in block.sections
    )
    kind = "strip free" if block.free else "strip"
    label = escaped(f"{block.title}: {words}")
    return f'<svg class="{kind}" width="{width}" role="img" aria-label="{label}">{parts}</svg>'


def waveform(wave: Waveform, title: str, width: str) -> str:
    """The outline as a shape: how far the samples reach, and inside of it how strong they are."""
    shapes = f'<path class="peaks" d="{_outline(wave.peaks)}"></path><path d="{_outline(wave.levels)}"></path>'
    return (
        f'<svg class="waveform" width="{width}" role="img" aria-label="{escaped(title)}" '
        f'viewBox="0 0 {len(wave.peaks)} 102" '
        f'preserveAspectRatio="none">{shapes}</svg>'
    )


def _outline(amplitudes: Sequence[int]) -> str:
    """A shape around the middle line, a thin line where there is nothing."""
    upper = "".join(map(_UPPER.__getitem__, amplitudes))
    lower = "".join(map(_LOWER.__getitem__, reversed(amplitudes)))
    return f"M0 51{upper}{lower}z"


_HEIGHTS = [max(1, round(amplitude * 50 / 255)) for amplitude in range(256)]
_UPPER = [f"V{51 - height}h1" for height in _HEIGHTS]
_LOWER = [f"V{51 + height}h-1" for height in _HEIGHTS]


def _percent(seconds: float, length: float) -> str:
    return f"{100 * seconds / length:.2f}%" if length > 0 else "0"


def player(path: str, title: str) -> str:
    """A plain player, which loads nothing before it is used."""
    return f'<audio controls preload="none" src="{address(path)}" aria-label="{escaped(title)}"></audio>'
