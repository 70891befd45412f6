"""Whether what a metric gave is what its card declares: only then is it stored."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from songbench.contracts.cards import Field, MetricCard
from songbench.contracts.feature import Features
from songbench.contracts.metric import SetMetric, SongMetric, Verdict
from songbench.domain.errors import StoreError
from songbench.domain.score import NotApplicable, Scores
from songbench.domain.song import Failure, Song
from songbench.execution.plain import ContractError, json_value, number, short_repr, text

ROUNDING = 1e-6
"""How far beyond a bound rounding may carry a value, as a share of the bound, or of 1 where the bound is smaller."""


def checked_verdict(
    verdict: object, card: MetricCard, *, songs: int = 1, prompts: Collection[str] | None = None
) -> Verdict:
    """The verdict in plain types, values that rounding carried over a bound brought back to it.

    Args:
        verdict: what the metric gave.
        card: what it declares.
        songs: how many songs it was asked about.
        prompts: set metrics: the prompts of these songs; None for a song metric.

    Raises:
        ContractError: when it is no verdict, or not one that the card allows.
    """
    if isinstance(verdict, Failure):
        return Failure("score", text(verdict.cause, "the cause of a failure"), str(verdict.detail))
    if isinstance(verdict, NotApplicable):
        return NotApplicable(text(verdict.reason, "the reason why it does not apply"))
    if not isinstance(verdict, Scores):
        kind = type(verdict).__name__
        raise ContractError(f"gave {short_repr(verdict)} ({kind}) instead of Scores, NotApplicable or Failure")
    fields = {field.name: field for field in card.fields}
    values = _values(verdict.values, fields, "values")
    missing = {
        name: text(why, f"the reason why '{name}' is missing")
        for name, why in _declared_only(verdict.missing, fields, "missing").items()
    }
    _complete(values, missing, fields)
    return Scores(
        values=values,
        weights=_weights(verdict.weights, fields),
        n=_count(verdict.n, songs),
        leave_one_out=_leave_one_out(verdict.leave_one_out, fields, prompts),
        detail=json_value(_mapping(verdict.detail, "detail"), "detail"),
        missing=missing,
    )


def verdicts_on(metric: SongMetric, songs: Sequence[Song], features: Features) -> Iterator[Verdict | Exception]:
    """One verdict per song in plain types, or the exception that it met.

    A batch that does not come out whole is asked about again song by song: a verdict does not depend on the others, so
    nothing good is lost, and nothing is taken for the verdict on another song.

    Raises:
        StoreError: the store can no longer be used.
    """
    try:
        verdicts = _as_many(metric.score(songs, features), len(songs))
    except StoreError:
        raise
    except Exception as error:
        if len(songs) == 1:
            yield error
        else:
            for song in songs:
                yield from verdicts_on(metric, [song], features)
        return
    for verdict in verdicts:
        try:
            yield checked_verdict(verdict, metric.card)
        except ContractError as error:
            yield error


def verdict_on_set(
    metric: SetMetric, songs: Sequence[Song], references: Sequence[Song], features: Features
) -> Verdict | Exception:
    """The verdict on a system's songs in plain types, or the exception that it met.

    Raises:
        StoreError: the store can no longer be used.
    """
    try:
        verdict = metric.score_set(songs, references, features)
        return checked_verdict(verdict, metric.card, songs=len(songs), prompts={song.prompt.id for song in songs})
    except StoreError:
        raise
    except Exception as error:
        return error


def _as_many(answer: object, songs: int) -> list[object]:
    """As many verdicts as songs; of more or fewer nobody knows which belongs to which song.

    Raises:
        ContractError: when there are more or fewer.
    """
    if isinstance(answer, str) or not isinstance(answer, Iterable):
        raise ContractError(f"gave {short_repr(answer)} ({type(answer).__name__}) instead of one verdict per song")
    verdicts = list(islice(answer, songs + 1))
    if len(verdicts) != songs:
        count = f"more than {songs}" if len(verdicts) > songs else str(len(verdicts))
        raise ContractError(f"gave {count} verdicts for {songs} song{'s' * (songs != 1)}")
    return verdicts


def _mapping(value: object, subject: str) -> Mapping[Any, Any]:
    if not isinstance(value, Mapping):
        raise ContractError(f"gave {short_repr(value)} ({type(value).__name__}) for {subject}; a mapping is expected")
    return value


def _declared_only(value: object, fields: Mapping[str, Field], subject: str) -> Mapping[str, Any]:
    mapping = _mapping(value, subject)
    if strange := [name for name in mapping if name not in fields]:
        names = ", ".join(map(short_repr, strange))
        raise ContractError(f"gave {subject} for {names}, which its card does not declare ({', '.join(fields)})")
    return mapping


def _values(value: object, fields: Mapping[str, Field], subject: str) -> dict[str, float]:
    mapping = _declared_only(value, fields, subject)
    return {name: _in_range(number(one, f"the value '{name}'"), fields[name]) for name, one in mapping.items()}


def _in_range(value: float, field: Field) -> float:
    for bound, word, beyond in ((field.low, "below", -1), (field.high, "above", 1)):
        if bound is None or (value - bound) * beyond <= 0:
            continue
        if (value - bound) * beyond > ROUNDING * max(1.0, abs(bound)):
            raise ContractError(f"gave {value!r} for '{field.name}', {word} {bound:g}, the bound its card declares")
        return bound
    return value


def _complete(values: Mapping[str, float], missing: Mapping[str, str], fields: Mapping[str, Field]) -> None:
    """Every field has a value or a reason why it has none."""
    if twice := values.keys() & missing.keys():
        raise ContractError(f"gave a value for '{min(twice)}' and said that it is missing")
    if lost := [name for name in fields if name not in values and name not in missing]:
        raise ContractError(f"gave no value for '{lost[0]}' and no reason in Scores.missing")


def _weights(value: object, fields: Mapping[str, Field]) -> dict[str, float]:
    mapping = _declared_only(value, fields, "weights")
    weights = {name: number(weight, f"the weight '{name}'") for name, weight in mapping.items()}
    for name, weight in weights.items():
        if weight <= 0:
            raise ContractError(f"gave the weight {weight!r} for '{name}'; weights are above 0")
    return weights


def _count(value: object, songs: int) -> int:
    n = number(value, "n")
    if n != int(n) or not 1 <= n <= songs:
        allowed = f"1 to {songs}" if songs > 1 else "1"
        raise ContractError(f"gave n = {n!r}; its values can rest on {allowed} of the songs it was asked about")
    return int(n)


def _leave_one_out(
    value: object, fields: Mapping[str, Field], prompts: Collection[str] | None
) -> dict[str, dict[str, float]]:
    mapping = _mapping(value, "leave_one_out")
    if mapping and prompts is None:
        raise ContractError("gave leave_one_out, which belongs to metrics of sets")
    if strange := [name for name in mapping if name not in (prompts or ())]:
        raise ContractError(f"gave leave_one_out for {short_repr(strange[0])}, a prompt that none of its songs has")
    return {name: _values(values, fields, f"leave_one_out '{name}'") for name, values in mapping.items()}
