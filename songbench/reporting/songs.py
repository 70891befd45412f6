"""The songs of a run, a row each: what became of it, and what its system was really given."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from songbench.domain.prompt import Prompt
from songbench.domain.song import Failure, GenerationRecord
from songbench.execution.results import RunResults, SongId, SongState, Unsupported
from songbench.reporting.conditions import style_of
from songbench.reporting.document.blocks import Block, Fragment, Heading, Table, TableColumn, TableRow, Text

SCHEMA = "songbench.songs/1"
State: TypeAlias = Literal["made", "failed", "unsupported", "pending"]


@dataclass(frozen=True, kw_only=True)
class SongRow:
    """One song that a run asks for.

    Attributes:
        song: whose, of which prompt, which take.
        state: what became of it.
        reason: why it was not made; "" where it was.
        seed: as asked.
        prompt_seconds: the length that the prompt asks for, or None.
        record: how it came about; None where it was not made.
        remarks: what is odd about its sound.
    """

    song: SongId
    state: State
    reason: str = ""
    seed: int | None = None
    prompt_seconds: float | None = None
    record: GenerationRecord | None = None
    remarks: tuple[str, ...] = ()

    @property
    def changes(self) -> tuple[str, ...]:
        """What its prompt became on the way, one clause each; empty where it was given as it stands."""
        return self.record.rendering.changes if self.record and self.record.rendering else ()


def song_rows(results: RunResults) -> list[SongRow]:
    """Every song of a run: systems as asked, then prompts and takes."""
    prompts = {prompt.id: prompt for prompt in results.suite.prompts}
    place = {card.name: number for number, card in enumerate(results.systems)}
    order = {prompt: number for number, prompt in enumerate(prompts)}
    songs = sorted(results.songs, key=lambda song: (place[song.system], order[song.prompt], song.take))
    return [_row(song, results, prompts) for song in songs]


def _row(song: SongId, results: RunResults, prompts: Mapping[str, Prompt]) -> SongRow:
    state, reason = _state(results.songs[song])
    sound = results.sounds.get(song)
    return SongRow(
        song=song,
        state=state,
        reason=reason,
        seed=results.seeds.get(song),
        prompt_seconds=prompts[song.prompt].seconds,
        record=results.generation.get(song),
        remarks=tuple(remark.text for remark in sound.remarks) if sound else (),
    )


def _state(state: SongState) -> tuple[State, str]:
    if isinstance(state, Failure):
        return "failed", state.cause
    if isinstance(state, Unsupported):
        return "unsupported", state.reason
    return ("made", "") if state == "done" else ("pending", "")


# -- for programs --------------------------------------------------------------------------------------------------


def songs_to_json(rows: Sequence[SongRow]) -> str:
    """Everything the rows say; of a song that was made, its whole generation record."""
    # song by song: of a large run, all pieces of the text at once take more memory than anything else
    texts = [json.dumps(song_to_json(row), indent=1, ensure_ascii=False).replace("\n", "\n  ") for row in rows]
    songs = "[\n  " + ",\n  ".join(texts) + "\n ]" if texts else "[]"
    return f'{{\n "schema": "{SCHEMA}",\n "songs": {songs}\n}}\n'


def song_to_json(row: SongRow) -> dict[str, object]:
    """The same of one row."""
    facts: dict[str, object] = {
        **row.song._asdict(),
        "state": row.state,
        "reason": row.reason,
        "seed": row.seed,
        "prompt_seconds": row.prompt_seconds,
        "remarks": list(row.remarks),
    }
    if row.record is None:
        return facts
    rendering = row.record.rendering
    record = {
        **vars(row.record),
        "style": style_of(row.record),
        "rendering": None if rendering is None else {**rendering.to_json(), "changes": list(rendering.changes)},
    }
    return {**facts, "record": {name: _plain(value) for name, value in record.items()}}


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else dict(value) if isinstance(value, Mapping) else value


def song_to_csv_row(row: SongRow) -> dict[str, object]:
    """A flat record of the same: lists joined, settings as JSON, invented times a line each."""
    record = row.record or GenerationRecord(conditions=())
    rendering = record.rendering
    exists = row.record is not None
    return {
        **row.song._asdict(),
        "state": row.state,
        "reason": row.reason,
        "style": (style_of(record) or "not known") if exists else "",
        "seed": row.seed,
        "seed_honoured": record.seed_honoured if exists else "",
        "prompt_seconds": row.prompt_seconds,
        "asked_seconds": rendering.seconds if rendering else None,
        "compute_seconds": record.seconds,
        "loading_included": record.loading_included if exists else "",
        "device": record.device if exists else "",
        "best_of": record.best_of if exists else "",
        "lossy": record.lossy,
        "fake_stereo": record.fake_stereo if exists else "",
        "changes": "; ".join(row.changes),
        "lyrics": rendering.lyrics if rendering else "",
        "style_text": rendering.style_text if rendering else "",
        "times": "\n".join(f"{seconds:g} {text}" for seconds, text in rendering.times) if rendering else "",
        "settings": json.dumps(record.settings, ensure_ascii=False, sort_keys=True) if record.settings else "",
        "notes": "; ".join(record.notes),
        "remarks": "; ".join(row.remarks),
    }


# -- for people ----------------------------------------------------------------------------------------------------


def songs_table(rows: Iterable[SongRow]) -> Table:
    """A row per song: what became of it, and what of its prompt was given otherwise."""
    columns = ("song", "state", "style", "seed", "length", "given otherwise")
    return Table(
        title="songs",
        columns=tuple(TableColumn(name=name) for name in columns),
        rows=tuple(
            TableRow(
                (_name(row), row.state, _style(row), _seed(row), _length(row), row.reason or "; ".join(row.changes))
            )
            for row in rows
        ),
    )


def song_sheet(row: SongRow) -> list[Block]:
    """All that is known of one song, with the lyrics as its system was given them."""
    facts: dict[str, str] = {
        "state": row.state + (f": {row.reason}" if row.reason else ""),
        "seed": _seed(row),
        "length asked": _length(row),
        "style": _style(row),
    }
    record = row.record
    rendering = record.rendering if record else None
    if record:
        facts |= {
            "style as given": rendering.style_text if rendering else "",
            "given otherwise": "; ".join(row.changes),
            "settings": ", ".join(f"{name}={value}" for name, value in sorted(record.settings.items())),
            "best of": str(record.best_of) if record.best_of > 1 else "",
            "lossy": record.lossy,
            "fake stereo": "second channel made of the first" if record.fake_stereo else "",
            "device": record.device,
            "compute": _compute(record),
            "notes": "; ".join(record.notes),
        }
    facts["remarks"] = "; ".join(row.remarks)
    rows = tuple(TableRow(((Fragment(name, "strong"),), text)) for name, text in facts.items() if text)
    blocks: list[Block] = [Heading(_name(row)), Table(columns=(TableColumn(name=""), TableColumn(name="")), rows=rows)]
    if rendering and rendering.lyrics:
        blocks += [Heading("Lyrics as given"), Text(rendering.lyrics)]
    if rendering and rendering.times:
        times = "\n".join(f"{seconds:7.2f} {text}" for seconds, text in rendering.times)
        blocks += [Heading(f"Invented times ({rendering.timing})"), Text(times)]
    return blocks


def _name(row: SongRow) -> str:
    return f"{row.song.system} {row.song.prompt}" + (f" take {row.song.take}" if row.song.take else "")


def _style(row: SongRow) -> str:
    return "" if row.record is None else style_of(row.record) or "not known"


def _seed(row: SongRow) -> str:
    text = "" if row.seed is None else str(row.seed)
    return f"{text} (not honoured)" if row.record and not row.record.seed_honoured else text


def _length(row: SongRow) -> str:
    of_prompt = "" if row.prompt_seconds is None else f"{row.prompt_seconds:g} s"
    seconds = row.record.rendering.seconds if row.record and row.record.rendering else None
    if seconds is None or seconds == row.prompt_seconds:
        return of_prompt
    return f"{seconds:g} s" + (f" for {of_prompt}" if of_prompt else "")


def _compute(record: GenerationRecord) -> str:
    if record.seconds is None:
        return ""
    return f"{record.seconds:.1f} s" + (", loading included" if record.loading_included else "")
