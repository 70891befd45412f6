"""Battles of Music Arena: the logs of its gateway, or the simplified records that it publishes.

A log (JSON object): ``uuid``; ``vote`` with ``preference`` (``A``, ``B``, ``TIE``, ``BOTH_BAD``), ``preference_time``,
``a_listen_data`` and ``b_listen_data`` (lists of ``[event, time]``), ``feedback``, ``a_feedback``, ``b_feedback``;
``a_metadata`` and ``b_metadata`` with ``system_key: {system_tag, variant_tag}`` and ``duration``; ``prompt_detailed``
with ``overall_prompt``, ``instrumental``, ``lyrics``; ``vote_user``, ``prompt_user`` (salted addresses) and
``vote_session``, ``prompt_session``.

A published record: ``battle_uuid, preference, system_a, system_b, prompt, lyrics, is_instrumental, user_pseudonym,
timestamp, total_listening_time_a, total_listening_time_b, duration_a, duration_b, feedback``.

Files: one object, a list of them, one object per line, or a folder of ``.json`` files. Battles without a vote are left
out and counted. Two prompts are the same when their text and lyrics are.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from listening_test.importers.build import Imported, Rows, check_form, collected
from listening_test.protocol import Protocol, load_protocol
from songbench.domain.errors import InputError
from songbench.domain.hashing import content_key

OUTCOMES = {"A": ("first", -1.0, "A"), "B": ("second", 1.0, "B"), "TIE": ("tie", 0.0, "tie")}
_BOTH_BAD = ("both_bad", float("nan"), "both_bad")
_PLAY, _STOPS, _TICK = "PLAY", ("PAUSE", "STOP"), "TICK"


class _Place(NamedTuple):
    file: str
    line: int | None


class _Battle(NamedTuple):
    """What both kinds of record say."""

    preference: str
    systems: tuple[tuple[str, str], tuple[str, str]]
    rater: str
    prompt: str
    instrumental: bool
    answered: float
    heard: tuple[float, float]
    durations: tuple[float, float]
    comment: str


def read_music_arena(path: Path, protocol: Protocol | None = None) -> Imported:
    """Read battles.

    Args:
        path: of a JSON or JSON Lines file, or a folder of them.
        protocol: screening and analysis; None: the preset ``preference``, named after the arena.

    Raises:
        InputError: naming file and line.
    """
    check_form(protocol, "preference", 1, "Battles")
    used = protocol or load_protocol("preference", {"name": "music-arena", "source": "Music Arena"})
    battles, without = [], 0
    for record, place in _records(path):
        battle = _battle(record, place)
        without += battle is None
        battles += [battle] if battle else []
    if not battles:
        raise InputError("Not one battle here has a vote.", file=str(path))
    rows = Rows()
    if without:
        rows.notes.append(f"{without} battles without a vote are left out.")
    rows.notes.append("Raters of Music Arena chose the prompts themselves and heard each as often as they liked.")
    variants = _variants(battles)
    orders: Counter[str] = Counter()
    for battle in battles:
        orders[battle.rater] += 1
        rows.pairs.append(_row(battle, used.scales[0].id, orders[battle.rater], variants))
    return collected(used, rows)


def _records(path: Path) -> Iterator[tuple[Mapping[str, Any], _Place]]:
    files = sorted(one for one in path.rglob("*.json*") if one.is_file()) if path.is_dir() else [path]
    if not files:
        raise InputError("No .json or .jsonl file in this folder.", file=str(path))
    for file in files:
        yield from _of_file(file)


def _of_file(file: Path) -> Iterator[tuple[Mapping[str, Any], _Place]]:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"The file cannot be read ({error}).", file=str(file)) from None
    if not text.strip():
        raise InputError("The file is empty.", file=str(file), line=1)
    by_line = file.suffix == ".jsonl"
    for number, part in enumerate(text.split("\n") if by_line else [text], start=1):
        if part.strip():
            value = _parsed(part, file, number)
            for one in value if isinstance(value, list) else [value]:
                if not isinstance(one, dict):
                    raise InputError("A battle is a JSON object.", file=str(file), line=number)
                yield one, _Place(str(file), number if by_line else None)


def _parsed(text: str, file: Path, first: int) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(
            f"This is not valid JSON ({error.msg}).",
            file=str(file),
            line=first + error.lineno - 1,
            cure="Files with one object per line end in .jsonl.",
        ) from None


def _battle(record: Mapping[str, Any], place: _Place) -> _Battle | None:
    """None for a battle that nobody voted on."""
    try:
        battle = _published(record) if "battle_uuid" in record else _logged(record)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(
            f"This is not a battle of Music Arena ({error!r}).", file=place.file, line=place.line
        ) from None
    if not battle.preference:
        return None
    if battle.preference not in (*OUTCOMES, "BOTH_BAD"):
        raise InputError(
            f"'{battle.preference}' is not a vote.",
            file=place.file,
            line=place.line,
            field="preference",
            allowed=[*OUTCOMES, "BOTH_BAD"],
        )
    if not all(tag for tag, _ in battle.systems):
        raise InputError("A battle does not name its systems.", file=place.file, line=place.line, field="system_key")
    return battle


def _logged(record: Mapping[str, Any]) -> _Battle:
    vote, detail = record.get("vote") or {}, record.get("prompt_detailed") or {}
    sides = [record["a_metadata"] or {}, record["b_metadata"] or {}]
    keys = [side.get("system_key") or {} for side in sides]
    prompt = (record.get("prompt") or {}).get("prompt") or detail.get("overall_prompt") or ""
    lyrics = detail.get("lyrics") or ""
    feedback = [vote.get(name) for name in ("feedback", "a_feedback", "b_feedback")]
    return _Battle(
        preference=vote.get("preference") or "",
        systems=_two([(str(key.get("system_tag") or ""), str(key.get("variant_tag") or "")) for key in keys]),
        rater=_rater(record),
        prompt=_prompt(prompt, lyrics),
        instrumental=_truth(detail.get("instrumental")),
        answered=_number(vote.get("preference_time")),
        heard=_two([_heard(vote.get(f"{side}_listen_data") or []) for side in "ab"]),
        durations=_two([_number(side.get("duration")) for side in sides]),
        comment=" | ".join(str(text) for text in feedback if text),
    )


def _published(record: Mapping[str, Any]) -> _Battle:
    who = record.get("user_pseudonym") or record["battle_uuid"]
    return _Battle(
        preference=record["preference"] or "",
        systems=((str(record["system_a"] or ""), ""), (str(record["system_b"] or ""), "")),
        rater=_opaque(str(who)),
        prompt=_prompt(record.get("prompt") or "", record.get("lyrics") or ""),
        instrumental=_truth(record.get("is_instrumental")),
        answered=_number(record.get("timestamp")),
        heard=_two([_number(record.get(f"total_listening_time_{side}")) for side in "ab"]),
        durations=_two([_number(record.get(f"duration_{side}")) for side in "ab"]),
        comment=str(record.get("feedback") or ""),
    )


def _two(values: list[Any]) -> tuple[Any, Any]:
    first, second = values
    return first, second


def _rater(record: Mapping[str, Any]) -> str:
    """Who voted; where no user is known the session; a battle by itself where that is not known either."""
    for name in ("vote_user", "prompt_user"):
        user = record.get(name) or {}
        if user.get("salted_ip") or user.get("salted_fingerprint"):
            return _opaque(f"{user.get('salted_ip')} {user.get('salted_fingerprint')}")
    for name in ("vote_session", "prompt_session"):
        if (record.get(name) or {}).get("uuid"):
            return _opaque(str(record[name]["uuid"]))
    return _opaque(str(record["uuid"]))


def _opaque(name: str) -> str:
    return f"user-{content_key('music arena user', name)[:12]}"


def _prompt(text: str, lyrics: str) -> str:
    return f"prompt-{content_key('music arena prompt', text, lyrics)[:12]}"


def _truth(value: object) -> bool:
    return value.lower() == "true" if isinstance(value, str) else bool(value)


def _number(value: object) -> float:
    return float("nan") if value is None else float(str(value))


def _heard(events: list[Any]) -> float:
    """Seconds of playing: from PLAY or TICK to the next TICK, PAUSE or STOP."""
    total, since = 0.0, None
    for event, time in events:
        if since is not None and (event == _TICK or event in _STOPS):
            total += max(float(time) - since, 0.0)
        if event == _PLAY:
            since = float(time) if since is None else since
        else:
            since = float(time) if event == _TICK and since is not None else None
    return total


def _variants(battles: list[_Battle]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for battle in battles:
        for tag, variant in battle.systems:
            found.setdefault(tag, set()).add(variant)
    return found


def _row(battle: _Battle, scale: str, order: int, variants: Mapping[str, set[str]]) -> dict[str, Any]:
    first, second = (tag if len(variants[tag]) == 1 else f"{tag}:{variant}" for tag, variant in battle.systems)
    outcome, value, answer = OUTCOMES.get(battle.preference, _BOTH_BAD)
    return {
        "rater": battle.rater,
        "order": order,
        "trial": battle.prompt,
        "prompt": battle.prompt,
        "scale": scale,
        "value": value,
        "answer": answer,
        "answered": battle.answered,
        "comment": battle.comment,
        "first": first,
        "second": second,
        "outcome": outcome,
        "heard_first": battle.heard[0],
        "heard_second": battle.heard[1],
        "duration_first": battle.durations[0],
        "duration_second": battle.durations[1],
        "tag_instrumental": "yes" if battle.instrumental else "no",
    }
