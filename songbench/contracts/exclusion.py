"""Which songs a metric can judge: none that vanish in mono where it hears mono, and no recording twice in a set."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from songbench.contracts.cards import MetricCard
from songbench.contracts.metric import Verdict
from songbench.domain.hashing import Json
from songbench.domain.score import NotApplicable, Scores
from songbench.domain.song import Song

LEFT_OUT = "left_out"
"""In the detail of a set metric's scores: the songs it does not rest on, each with its prompt, take and reason."""

LEFT_OUT_REFERENCES = "left_out_references"
"""The same of the reference songs."""


def not_judged(card: MetricCard, song: Song) -> NotApplicable | None:
    """Why a metric cannot judge a song, or None when it can.

    Args:
        card: of the metric.
        song: with the remarks it was stored with.
    """
    if card.compares_lyrics and not song.prompt.lyrics_known:
        return NotApplicable("nothing says what the song should sing")
    loss = next((remark.text for remark in song.remarks if remark.code == "antiphase"), None)
    if card.mono and loss is not None:
        return NotApplicable(f"the channels cancel each other in mono ({loss}), which is what this metric hears")
    return None


@dataclass(frozen=True)
class SongSelection:
    """The songs of a set that a metric is given, and those it is not.

    Attributes:
        songs: in their order, no recording twice unless its card has `repeats`.
        left_out: the others.
    """

    songs: tuple[Song, ...]
    left_out: tuple[Mapping[str, Json], ...]


def select_songs(card: MetricCard, songs: Iterable[Song]) -> SongSelection:
    """Choose the songs of a set that a set metric can judge, each recording once unless its card has `repeats`.

    A recording that stands under several ids would weigh as many songs as it has ids. Silence is no recording: two
    silent songs are two songs. Songs that are merely bad stay: without them the set would look better than it is.

    Args:
        card: of the metric.
        songs: with the remarks they were stored with.
    """
    recordings: dict[str, Song] = {}
    left_out = []
    for number, song in enumerate(songs):
        several = card.repeats or any(remark.code == "silent" for remark in song.remarks)
        digest = f"song {number}" if several else song.source.digest
        if refusal := not_judged(card, song):
            left_out.append(leave_out(song, refusal.reason))
        elif digest in recordings:
            left_out.append(leave_out(song, f"the same recording as {_name(recordings[digest])}"))
        else:
            recordings[digest] = song
    return SongSelection(tuple(recordings.values()), tuple(left_out))


def leave_out(song: Song, reason: str, *, failed: bool = False) -> Mapping[str, Json]:
    """An entry of `LEFT_OUT` or `LEFT_OUT_REFERENCES`.

    Args:
        song: the one that is left out.
        reason: why, as a clause.
        failed: it could not be processed, rather than should not.
    """
    return {"prompt": song.prompt.id, "take": song.request.take, "reason": reason, "failed": failed}


def with_left_out(
    verdict: Verdict, songs: Sequence[Mapping[str, Json]], references: Sequence[Mapping[str, Json]]
) -> Verdict:
    """The verdict on a set with more entries in its lists of songs left out; a refusal says how many they are.

    Args:
        verdict: of a set metric.
        songs: entries of `LEFT_OUT`.
        references: entries of `LEFT_OUT_REFERENCES`.
    """
    left_out = [entry for entry in ((LEFT_OUT, songs), (LEFT_OUT_REFERENCES, references)) if entry[1]]
    if isinstance(verdict, Scores):
        detail = dict(verdict.detail)
        for name, entries in left_out:
            before = detail.get(name)
            detail[name] = [*entries, *(before if isinstance(before, list | tuple) else ())]
        return replace(verdict, detail=detail)
    if isinstance(verdict, NotApplicable) and left_out:
        counts = "; ".join(_count(entries) for _, entries in left_out)
        return NotApplicable(f"{verdict.reason} ({counts})")
    return verdict


def _count(entries: Sequence[Mapping[str, Json]]) -> str:
    several = len({entry["reason"] for entry in entries}) > 1
    return f"{len(entries)} left out{', for example' if several else ''}: {entries[0]['reason']}"


def _name(song: Song) -> str:
    return song.prompt.id + (f" take {song.request.take}" if song.request.take else "")
