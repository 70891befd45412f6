"""Pairs among the takes of a run: the better of two songs for one prompt, where several scores agree which it is."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from songbench.domain.errors import InputError
from systems.songbloom.training.preference.pair_files import PairAudio, PairScore, PairSong, PreferencePair

if TYPE_CHECKING:
    from songbench.api import Run

USUAL_MARGINS: Mapping[str, float] = {"per": 10.0}
"""Of fields for which none is given: ten points of phoneme errors are more than what takes differ by chance in a song
of a few dozen words."""

_AUDIO = "prompt audio"
"""The condition of songs that followed their style prompt."""


@dataclass(frozen=True, kw_only=True)
class PreferenceCriterion:
    """A score by which songs are preferred.

    Attributes:
        column: of the run, such as ``per@whisper-base-stem``.
        field: the number of its metric, such as ``per``.
        unit: of the score.
        better: ``higher`` or ``lower``.
        margin: by how much the winner must be better; 0: it must not be worse.
    """

    column: str
    field: str
    unit: str
    better: str
    margin: float

    def gain(self, first: float, second: float) -> float:
        """By how much the first score is the better one."""
        return first - second if self.better == "higher" else second - first


@dataclass(frozen=True)
class PairChoice:
    """What was chosen.

    Attributes:
        pairs: systems as in the run, then prompts and takes.
        left_out: how many pairs of takes were left out, by reason.
        left_out_by: the same by system and language.
    """

    pairs: list[PreferencePair] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    left_out_by: Counter[tuple[str, str]] = field(default_factory=Counter)

    def table(self) -> list[tuple[str, str, int, int, int]]:
        """Rows of system, language, pairs, prompts with a pair, and pairs of takes that were left out."""
        pairs = Counter((pair.system, pair.language) for pair in self.pairs)
        prompts = Counter(group for group, _ in {((pair.system, pair.language), pair.prompt) for pair in self.pairs})
        groups = dict.fromkeys([*pairs, *self.left_out_by])
        return [(*group, pairs[group], prompts[group], self.left_out_by[group]) for group in groups]


def find_criteria(scores: Any, names: Sequence[str], margins: Mapping[str, float]) -> tuple[PreferenceCriterion, ...]:
    """The scores that names stand for.

    Args:
        scores: `songbench.api.Run.scores`.
        names: of columns, or of fields that a single column has.
        margins: by the same names; `USUAL_MARGINS` where there is none.

    Raises:
        InputError: a name is unknown or could be several columns, the score is of a whole system or of no direction, a
            margin is below 0 or for no score that is named.
    """
    rows = _rows(scores.drop_duplicates("column"))
    if not names:
        raise InputError("Name the scores to prefer by.", field="--by", cure="For example --by per,ser.")
    criteria: dict[str, PreferenceCriterion] = {}
    for name in names:
        row = _column(name, rows)
        margin = margins.get(name, USUAL_MARGINS.get(row["field"], 0.0))
        if not 0 <= margin < float("inf"):
            raise InputError(f"A margin is 0 or more, not {margin}.", field="--margin", value=name)
        facts = {key: str(row[key]) for key in ("column", "field", "unit")}
        criteria[row["column"]] = PreferenceCriterion(**facts, better=str(row["direction"]), margin=margin)
    if strange := [name for name in margins if name not in names]:
        raise InputError(
            f"There is a margin for '{strange[0]}', by which nothing is preferred.",
            field="--margin",
            value=strange[0],
            allowed=names,
        )
    return tuple(criteria.values())


def _column(name: str, rows: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    matches = [row for row in rows if row["column"] == name] or [row for row in rows if row["field"] == name]
    usable = [row for row in rows if row["kind"] == "song" and row["direction"] in ("higher", "lower")]
    if not matches:
        allowed = dict.fromkeys(str(row[key]) for row in usable for key in ("field", "column"))
        raise InputError(f"The run has no score '{name}'.", field="--by", value=name, allowed=allowed)
    if len(matches) > 1:
        raise InputError(
            f"'{name}' could be several scores.", field="--by", allowed=[str(row["column"]) for row in matches]
        )
    row = matches[0]
    if row["kind"] != "song":
        raise InputError(f"'{name}' judges all songs of a system together, not single ones.", field="--by")
    if row["direction"] not in ("higher", "lower"):
        raise InputError(f"'{name}' only describes: neither more nor less of it is better.", field="--by")
    return row


def choose_pairs(run: Run, criteria: Sequence[PreferenceCriterion], systems: Sequence[str] = ()) -> PairChoice:
    """The pairs of takes of which one is better by every margin and worse by no score.

    Where no score has a margin, the winner must be better by one of them at least. Songs of sanity systems, songs that
    were not made, and songs that lack a score are in no pair.

    Args:
        run: with two takes or more.
        criteria: from `find_criteria`.
        systems: whose songs; empty: of all.

    Raises:
        InputError: the run has one take only, or no such system.
    """
    if run.results.takes < 2:
        raise InputError(
            f"The run '{run.name}' has one take of each song, and pairs need two.",
            field="RUN",
            cure="Run it with --takes 2 or more.",
        )
    songs = [row for row in _rows(run.songs) if not row["sanity"]]
    present = list(dict.fromkeys(row["system"] for row in songs))
    for name in systems:
        if name not in present:
            raise InputError(f"The run has no system '{name}'.", field="--systems", value=name, allowed=present)
    columns = {criterion.column for criterion in criteria}
    scores = {
        (row["system"], row["prompt"], row["take"], row["column"]): row
        for row in _rows(run.scores[run.scores["column"].isin(columns)])
    }
    assets = run.assets
    style_rows = _rows(assets[assets["asset"] == "prompt_wav"])
    styles = {row["prompt"]: PairAudio(audio=row["audio"], digest=row["digest"]) for row in style_rows}
    prompts = {prompt.id: prompt for prompt in run.results.suite.prompts}
    choice = PairChoice()
    rows = [row for row in songs if row["system"] in (systems or present)]
    for (system, prompt), group in itertools.groupby(rows, key=lambda row: (row["system"], row["prompt"])):
        language = prompts[prompt].language
        for first, second in itertools.combinations(list(group), 2):
            compared = _compared(first, second, criteria, scores)
            if isinstance(compared, str):
                choice.left_out[compared] += 1
                choice.left_out_by[system, language] += 1
                continue
            winner, loser, values = compared
            followed = all(_AUDIO in row["record"].conditions for row in (winner, loser))
            choice.pairs.append(
                PreferencePair(
                    run=run.name,
                    system=system,
                    prompt=prompt,
                    language=language,
                    lyrics=prompts[prompt].lyrics.to_json(),
                    style=styles.get(prompt) if followed else None,
                    winner=_song(winner),
                    loser=_song(loser),
                    scores=values,
                )
            )
    return choice


_Row: TypeAlias = Mapping[str, Any]


def _rows(frame: Any) -> list[_Row]:
    rows: list[_Row] = frame.to_dict("records")
    return rows


def _compared(
    first: _Row, second: _Row, criteria: Sequence[PreferenceCriterion], scores: Mapping[tuple[Any, ...], _Row]
) -> tuple[_Row, _Row, dict[str, PairScore]] | str:
    """Winner, loser and their scores, or why there is no pair."""
    songs = (first, second)
    for song in songs:
        if song["state"] != "made":
            return f"a song was not made ({song['state']})"
    if first["digest"] == second["digest"]:
        return "both takes are the same audio"
    values = []
    for criterion in criteria:
        rows = [scores[song["system"], song["prompt"], song["take"], criterion.column] for song in songs]
        if absent := [str(row["status"]) for row in rows if row["status"] != "scored"]:
            return f"a song has no {criterion.field} ({absent[0]})"
        values.append([float(row["value"]) for row in rows])
    gains = [criterion.gain(*pair) for criterion, pair in zip(criteria, values, strict=True)]
    if not any(gains):
        return "a tie: all scores are equal"
    if min(gains) < 0 < max(gains):
        return "a contradiction: each is better by another score"
    for criterion, gain in zip(criteria, gains, strict=True):
        if abs(gain) < criterion.margin:
            return f"a tie: {criterion.field} differs by less than {criterion.margin:g}"
    turn = -1 if min(gains) < 0 else 1
    winner, loser = songs[::turn]
    pair_scores = {
        criterion.column: PairScore(
            winner=pair[::turn][0],
            loser=pair[::turn][1],
            unit=criterion.unit,
            better=criterion.better,
            margin=criterion.margin,
        )
        for criterion, pair in zip(criteria, values, strict=True)
    }
    return winner, loser, pair_scores


def _song(row: _Row) -> PairSong:
    return PairSong(take=int(row["take"]), audio=str(row["audio"]), digest=str(row["digest"]))


def evaluation_warning(columns: Iterable[str]) -> str:
    """What has to be said whenever songs are preferred by scores, by the columns of these."""
    return (
        f"These pairs reward {', '.join(columns)}. Never score the final evaluation with the same metric alone: a model"
        " that is trained on a score learns what pleases it, its mistakes included. Judge it by other recognisers or"
        " other metrics beside these, on prompts that are in no pair, and by listening."
    )
