"""What systems cannot take, in words: the same before a run, in its status and under its leaderboard."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from songbench.execution.results import SongId

MOST_REASONS = 3
"""How many reasons a line of one system gives."""
MOST_PROMPTS = 8
"""How many prompts are named for one reason."""


class UnsupportedSong(NamedTuple):
    """A song that was not asked for, as its system cannot take the prompt."""

    system: str
    prompt: str
    take: int
    reason: str


def by_system(reasons: Mapping[SongId, str]) -> dict[str, list[UnsupportedSong]]:
    """The unsupported songs of each system that has any, in the order given."""
    songs: dict[str, list[UnsupportedSong]] = {}
    for name, reason in reasons.items():
        songs.setdefault(name.system, []).append(UnsupportedSong(*name, reason))
    return songs


def counted_reasons(songs: Iterable[UnsupportedSong]) -> str:
    """Why songs are unsupported, the most frequent reason first, e.g. ``cannot sing ko (×2); longer than 285 s``."""
    groups = [f"{reason} (×{len(group)})" if len(group) > 1 else reason for reason, group in _by_reason(songs)]
    more = len(groups) - MOST_REASONS
    return "; ".join([*groups[:MOST_REASONS], *([f"and {more} more"] if more > 0 else [])])


def sentence(songs: Sequence[UnsupportedSong], total: int) -> str:
    """One line on the unsupported songs of one system, e.g. ``yue: 3 of 12 songs unsupported: cannot sing ko (×3)``.

    Args:
        songs: at least one.
        total: how many songs are asked of the system.
    """
    return f"{songs[0].system}: {_share(len(songs), total)} unsupported: {counted_reasons(songs)}"


def listed(songs: Iterable[UnsupportedSong]) -> list[str]:
    """One line per reason, with the prompts; the songs are those of one system."""
    return [f"{group[0].system}: {reason} ({len(group)}×: {_prompts(group)})" for reason, group in _by_reason(songs)]


def _share(count: int, total: int) -> str:
    return f"all {total} songs" if count == total else f"{count} of {total} songs"


def _by_reason(songs: Iterable[UnsupportedSong]) -> list[tuple[str, list[UnsupportedSong]]]:
    groups: dict[str, list[UnsupportedSong]] = {}
    for song in songs:
        groups.setdefault(song.reason, []).append(song)
    return sorted(groups.items(), key=lambda item: -len(item[1]))


def _prompts(songs: Iterable[UnsupportedSong]) -> str:
    prompts = list(dict.fromkeys(song.prompt for song in songs))
    more = len(prompts) - MOST_PROMPTS
    return ", ".join(prompts[:MOST_PROMPTS]) + (f" and {more} more" if more > 0 else "")
