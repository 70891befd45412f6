"""Which figure stands beside which table, and the songs to listen to."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from listening_test.prepared import PreparedKey, PreparedTest
from listening_test.reporting.facts import Report
from listening_test.reporting.songs import song_ratings, win_shares
from listening_test.reporting.wording import counted, decimals_of, number, percent
from songbench.reporting.document.blocks import AudioPlayer, Block, Figure, Fold, Heading, SideBySide, Text


class Pictures:
    """The figures of a report, each placed once.

    Args:
        figures: all of them.
    """

    def __init__(self, figures: Iterable[Figure] = ()) -> None:
        """None is placed yet."""
        self._left = {figure.name: figure for figure in figures}

    def beside(self, block: Block, *names: str) -> Block:
        """A table with its figures beside it; the table alone where there are none."""
        figures = tuple(self._left.pop(name) for name in names if name in self._left)
        return SideBySide(((block,), figures)) if figures else block

    @property
    def rest(self) -> tuple[Figure, ...]:
        """Those that were placed nowhere."""
        return tuple(self._left.values())


@dataclass(frozen=True, kw_only=True)
class HeardSong:
    """A stimulus whose name is told, with where its audio lies.

    Attributes:
        system: whose song, or which anchor.
        prompt: its id.
        take: of the song.
        excerpt: the number of the protocol's excerpt.
        path: of the audio, seen from the report.
    """

    system: str
    prompt: str
    take: int
    excerpt: int
    path: str


def heard_songs(test: PreparedTest, key: PreparedKey, folder: Path) -> tuple[HeardSong, ...]:
    """Every song that raters heard, as files that a report in this folder can play.

    Args:
        test: the public half, whose audio lies beside it.
        key: the other half, which says whose each is.
        folder: of the report.

    Returns:
        Sorted by prompt, take and excerpt; systems in the order of tables. Empty where the report does not lie in the
        folder of the test: a link to audio elsewhere would break as soon as either is moved.
    """
    place = test.folder.resolve()
    if not folder.resolve().is_relative_to(place):
        return ()
    songs = []
    for name, stimulus in key.stimuli.items():
        if stimulus.role == "system" and stimulus.system in key.systems and stimulus.prompt and name in test.stimuli:
            path = Path(os.path.relpath(place / test.stimuli[name].file, folder.resolve())).as_posix()
            songs.append(
                HeardSong(
                    system=stimulus.system,
                    prompt=stimulus.prompt,
                    take=stimulus.take,
                    excerpt=stimulus.excerpt,
                    path=path,
                )
            )
    order = {system: place for place, system in enumerate(key.systems)}
    return tuple(sorted(songs, key=lambda song: (song.prompt, song.take, song.excerpt, order[song.system])))


def song_blocks(report: Report, songs: Iterable[HeardSong]) -> list[Block]:
    """A shut part per prompt with a player for each system, and what raters said of the song."""
    groups: defaultdict[tuple[str, int, int], list[HeardSong]] = defaultdict(list)
    for song in songs:
        groups[song.prompt, song.take, song.excerpt].append(song)
    if not groups:
        return []
    verdicts = _verdicts(report)
    takes, excerpts = (len({key[place] for key in groups}) > 1 for place in (1, 2))
    blocks: list[Block] = [
        Heading(f"Songs{report.mark}"),
        Text("As raters heard them, brought to one loudness. The files lie beside this report, in the test's folder."),
    ]
    for (prompt, take, excerpt), entries in groups.items():
        title = prompt + (f", take {take}" if takes else "") + (f", excerpt {excerpt + 1}" if excerpts else "")
        players = [
            AudioPlayer(song.path, f"{song.system}{verdicts.get((song.system, prompt, take, excerpt), '')}")
            for song in entries
        ]
        blocks.append(Fold(title, tuple(players)))
    return blocks


def _verdicts(report: Report) -> Mapping[tuple[str, str, int, int], str]:
    """What raters said of each song on the primary scale, in a few words: by system, prompt, take and excerpt."""
    protocol, data = report.data.protocol, report.counted_data
    answers = win_shares(data, protocol.primary) if protocol.pairwise else song_ratings(data, protocol.primary)
    groups = answers.astype({"value": float}).groupby([*_SONG], sort=True, observed=True)["value"]
    rows = groups.agg(value="mean", n="size").reset_index().to_dict("records")
    return {
        (str(row["system"]), str(row["prompt"]), int(row["take"]), int(row["excerpt"])): _verdict(
            report, float(row["value"]), int(row["n"])
        )
        for row in rows
    }


def _verdict(report: Report, value: float, n: int) -> str:
    protocol = report.data.protocol
    if protocol.pairwise:
        return f": won {percent(value)} of {counted(n, 'comparison')}"
    return f": {protocol.primary} {number(value, decimals_of(protocol))}, {counted(n, 'answer')}"


_SONG = ("system", "prompt", "take", "excerpt")
