"""Notes on the sound of songs: what is odd about them, which are the same recording, which a set metric left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from songbench.contracts.exclusion import LEFT_OUT, LEFT_OUT_REFERENCES
from songbench.domain.score import Scores
from songbench.domain.sound import KINDS
from songbench.execution.experiment import AssetRemark
from songbench.execution.results import RunResults, SongId
from songbench.reporting.asset_titles import asset_titles

NAMED = 4
"""How many songs a note names; the rest is counted."""


def sound_notes(results: RunResults) -> list[str]:
    """What a reader of a leaderboard must know of the sound behind it, in a fixed order.

    Sanity systems are silent, noisy or the same for every prompt on purpose, so nothing is said of them, save of the
    reference songs.
    """
    return [
        *_odd_songs(results),
        *_same_recordings(results),
        *_left_out(results),
        *_doubts(results),
        *asset_notes(results.asset_remarks, results.suite.track),
    ]


def asset_notes(remarks: Sequence[AssetRemark], track: str) -> list[str]:
    """One line per field of a suite of this track and kind of remark."""
    return [
        f"{heading} {phrase}: {_abridged(prompts)}."
        for field, heading in asset_titles(track, many=True).items()
        for code, phrase in KINDS.items()
        if (prompts := [one.prompt for one in remarks if (one.field, one.remark.code) == (field, code)])
    ]


def _odd_songs(results: RunResults) -> Iterator[str]:
    """One line per kind of remark: how many songs of which systems."""
    judged = [card.name for card in results.systems if card.ceiling or not card.sanity]
    counts = Counter(song.system for song in results.sounds)
    odd: dict[tuple[str, str], list[SongId]] = {}
    for song, sound in results.sounds.items():
        for code in {remark.code for remark in sound.remarks}:
            odd.setdefault((code, song.system), []).append(song)
    for code, phrase in KINDS.items():
        parts = []
        for system in judged:
            if songs := odd.get((code, system)):
                parts.append(f"{len(songs)} of {counts[system]} of {system} ({_abridged(map(_label, songs))})")
        if parts:
            yield f"Songs {phrase}: {', '.join(parts)}."


def _same_recordings(results: RunResults) -> Iterator[str]:
    """One line per competitor with one recording for several songs, and per pair of competitors that share some."""
    recordings: dict[str, dict[str, list[SongId]]] = {card.name: {} for card in results.systems if not card.sanity}
    for song, sound in results.sounds.items():
        if song.system in recordings:
            recordings[song.system].setdefault(sound.digest, []).append(song)
    owners: dict[str, dict[str, list[SongId]]] = {}
    for system, of_system in recordings.items():
        for digest, songs in of_system.items():
            owners.setdefault(digest, {})[system] = songs
    repeated: dict[str, list[list[SongId]]] = {}
    for owner in owners.values():
        for system, songs in owner.items():
            if len(songs) > 1:
                repeated.setdefault(system, []).append(songs)
    for card in results.systems:
        if groups := repeated.get(card.name):
            repeats = "; ".join(" = ".join(map(_label, songs[:NAMED])) + _more(len(songs)) for songs in groups[:NAMED])
            yield (
                f"{card.name}: the same recording under several ids: {repeats}{_more(len(groups))}. Metrics of whole"
                " sets count it once; the others hold it against the words of each."
            )
    shared: dict[tuple[str, str], list[str]] = {}
    for owner in owners.values():
        names = list(owner)
        for number, first in enumerate(names):
            for second in names[number + 1 :]:
                shared.setdefault((first, second), []).append(_label(owner[first][0]))
    for (first, second), labels in shared.items():
        yield f"{first} and {second} share {_counted(labels, 'recording')} ({_abridged(labels)})."


def _left_out(results: RunResults) -> Iterator[str]:
    """One line per metric, system and reason; references once where all systems lack the same."""
    for metric in results.metrics:
        references: dict[str, list[str]] = {}
        for system, verdict in metric.sets.items():
            detail = verdict.detail if isinstance(verdict, Scores) else {}
            for reason, songs in _by_reason(detail.get(LEFT_OUT)).items():
                count = _counted(songs, "song")
                yield f"{metric.card.id} leaves out {count} of {system} ({_abridged(songs)}): {reason}."
            for reason, songs in _by_reason(detail.get(LEFT_OUT_REFERENCES)).items():
                text = f"{_counted(songs, 'reference song')} ({_abridged(songs)}): {reason}"
                references.setdefault(text, []).append(system)
        for text, systems in references.items():
            for_systems = "" if len(systems) == len(metric.sets) else f" for {', '.join(systems)} only"
            yield f"{metric.card.id} leaves out{for_systems} {text}."


def _doubts(results: RunResults) -> Iterator[str]:
    """One line per metric and doubt: on which prompts."""
    for metric in results.metrics:
        doubts: dict[str, list[str]] = {}
        for song, verdict in metric.songs.items():
            if isinstance(verdict, Scores) and verdict.doubt:
                doubts.setdefault(verdict.doubt, []).append(song.prompt)
        for doubt, prompts in doubts.items():
            yield f"{metric.card.id} is doubtful where {doubt}: {_abridged(prompts)}."


def _by_reason(entries: Any) -> Mapping[str, list[str]]:
    reasons: dict[str, list[str]] = {}
    for entry in entries or ():
        take = f" take {entry['take']}" if entry["take"] else ""
        reasons.setdefault(entry["reason"].rstrip("."), []).append(entry["prompt"] + take)
    return reasons


def _counted(things: Sequence[object], noun: str) -> str:
    return f"{len(things)} {noun}{'s' * (len(things) != 1)}"


def _label(song: SongId) -> str:
    return song.prompt + (f" take {song.take}" if song.take else "")


def _abridged(names: Iterable[str]) -> str:
    listed = list(dict.fromkeys(names))
    return ", ".join(listed[:NAMED]) + _more(len(listed))


def _more(count: int) -> str:
    return f" and {count - NAMED} more" if count > NAMED else ""
