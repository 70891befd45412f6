"""The scores of a run as one tidy frame: a row for every song and field, with the reason where there is no number."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from songbench.execution.results import MetricResults, RunResults, SongId
from songbench.reporting.board import Cell, Column, Point
from songbench.reporting.conditions import style_of
from songbench.reporting.leaderboard import columns_of
from songbench.reporting.songs import song_rows
from songbench.reporting.system_scores import outcome_of_song, scores_of_set

if TYPE_CHECKING:
    import pandas as pd

SCORE_COLUMNS = (
    *("system", "sanity", "prompt", "take", "language", "section_plan", "condition", "seconds"),
    *("column", "metric", "backend", "field", "unit", "direction", "kind", "headline"),
    *("status", "reason", "value", "weight", "n"),
)
"""The columns of `scores_frame`, before one named ``tag.NAME`` for every tag of the suite."""


def scores_frame(results: RunResults) -> pd.DataFrame:
    """Every score of a run.

    Args:
        results: what the run stored so far.

    Returns:
        The columns `SCORE_COLUMNS` and the prompt's tags. A field of a song metric has a row for each song that the
        run asks for, a field of a set metric one for each system, without prompt and take. ``status`` is one of
        ``scored``, ``not applicable``, ``failed``, ``pending`` and ``unsupported``, ``reason`` why there is no number;
        ``seconds`` is the length of the song, ``weight`` how much it counts in the mean of its system, and ``n`` on how
        many songs the value rests.
    """
    import pandas as pd

    tags = [f"tag.{name}" for name in tag_names(results)]
    frame = pd.DataFrame(list(_records(results)), columns=[*SCORE_COLUMNS, *tags])
    return frame.astype({"take": "Int64", "value": "float64", "weight": "float64", "seconds": "float64", "n": "Int64"})


def songs_frame(results: RunResults, addresses: Mapping[SongId, str]) -> pd.DataFrame:
    """Every song that a run asks for, with how it came about.

    Args:
        results: what the run stored so far.
        addresses: the path or URL of the sound of every song that was made.

    Returns:
        A row per song: ``system``, ``prompt``, ``take``, ``state`` (``made``, ``failed``, ``unsupported``,
        ``pending``), ``reason``, the facts of the prompt as in `scores_frame`, ``seed``, ``digest`` and ``audio``
        (its address, "" without one), ``remarks`` on its sound, and ``record``, a
        `songbench.domain.song.GenerationRecord` or None.
    """
    import pandas as pd

    sanity = {card.name: card.sanity for card in results.systems}
    facts_of_songs = _facts(results)
    rows: list[dict[str, Any]] = []
    for row in song_rows(results):
        sound = results.sounds.get(row.song)
        state = {"system": row.song.system, "sanity": sanity[row.song.system], "state": row.state, "reason": row.reason}
        sound_facts = {
            "seed": row.seed,
            "digest": sound.digest if sound else "",
            "audio": addresses.get(row.song, ""),
            "remarks": list(row.remarks),
        }
        rows.append({**state, **facts_of_songs[row.song], **sound_facts, "record": row.record})
    return pd.DataFrame(rows)


def transcripts_frame(results: RunResults) -> pd.DataFrame:
    """What recognisers wrote down of every song, beside the lyrics they were compared with.

    Args:
        results: what the run stored so far.

    Returns:
        A row per song and metric that transcribes: ``system``, ``prompt``, ``take``, ``language``, ``metric``,
        ``backend``, ``lyrics``, ``transcript``.
    """
    import pandas as pd

    prompts = {prompt.id: prompt for prompt in results.suite.prompts}
    rows = [
        {
            **song._asdict(),
            "language": prompts[song.prompt].language,
            "metric": metric.card.name,
            "backend": metric.card.backend,
            "lyrics": detail["reference"],
            "transcript": detail["hypothesis"],
        }
        for metric in results.metrics
        for song, verdict in sorted(metric.songs.items())
        if "hypothesis" in (detail := getattr(verdict, "detail", {}))
    ]
    names = ("system", "prompt", "take", "language", "metric", "backend", "lyrics", "transcript")
    return pd.DataFrame(rows, columns=list(names))


def tag_names(results: RunResults) -> list[str]:
    """The tags that any prompt of the suite has, in the order in which they first appear."""
    return list(dict.fromkeys(name for prompt in results.suite.prompts for name in prompt.tags))


def _records(results: RunResults) -> Iterator[dict[str, Any]]:
    songs = [row.song for row in song_rows(results)]
    facts = _facts(results)
    sanity = {card.name: card.sanity for card in results.systems}
    numbers: dict[str, Any]
    for metric, column in columns_of(results):
        names = _names(column)
        if column.kind == "set":
            for card in results.systems:
                system_songs = [song for song in songs if song.system == card.name]
                numbers = _of_set(results, metric, column.field.name, system_songs)
                yield {
                    "system": card.name,
                    "sanity": card.sanity,
                    **names,
                    **_of_set(results, metric, column.field.name, system_songs),
                }
            continue
        for song in songs:
            verdict = metric.songs.get(song)
            outcome = outcome_of_song(song, results.songs[song], verdict, column.field.name)
            if isinstance(outcome, Point):
                numbers = {"status": "scored", "reason": "", "value": outcome.value, "weight": outcome.weight, "n": 1}
            else:
                numbers = {"status": outcome[0], "reason": outcome[1]}
            yield {"system": song.system, "sanity": sanity[song.system], **facts[song], **names, **numbers}


def _of_set(results: RunResults, metric: MetricResults, field_name: str, songs: list[SongId]) -> dict[str, Any]:
    verdict = metric.sets.get(songs[0].system) if songs else None
    scores = scores_of_set(songs, results.songs, verdict, field_name)
    cell = Cell(
        value=scores.figure,
        n_not_applicable=scores.count("not applicable"),
        n_failed=scores.count("failed"),
        n_pending=scores.count("pending"),
        n_unsupported=scores.count("unsupported"),
    )
    return {"status": cell.status, "reason": scores.reason, "value": scores.figure, "n": scores.n}


def _names(column: Column) -> dict[str, Any]:
    return {
        "column": column.name,
        "metric": column.metric.name,
        "backend": column.metric.backend,
        "field": column.field.name,
        "unit": column.field.unit,
        "direction": column.field.direction,
        "kind": column.kind,
        "headline": column.field.headline,
    }


def _facts(results: RunResults) -> dict[SongId, dict[str, Any]]:
    """What is known of each song beside its scores."""
    prompts = {prompt.id: prompt for prompt in results.suite.prompts}
    facts: dict[SongId, dict[str, Any]] = {}
    for song in results.songs:
        prompt, record, sound = prompts[song.prompt], results.generation.get(song), results.sounds.get(song)
        facts[song] = {
            "prompt": song.prompt,
            "take": song.take,
            "language": prompt.language,
            "section_plan": prompt.section_plan,
            "condition": (style_of(record) or "not known") if record else "",
            "seconds": sound.seconds if sound else None,
            **{f"tag.{name}": tag for name, tag in prompt.tags.items()},
        }
    return facts
