"""Battles of Music Arena: the logs of its gateway, or the simplified records that it publishes.

A log (JSON object): ``uuid``; ``vote`` with ``preference`` (``A``, ``B``, ``TIE``, ``BOTH_BAD``), ``preference_time``,
``a_listen_data`` and ``b_listen_data`` (lists of events), ``feedback``, ``a_feedback``, ``b_feedback``;
``a_metadata`` and ``b_metadata`` with ``system_key: {system_tag, variant_tag}`` and ``duration``; ``prompt_detailed``
with ``overall_prompt``, ``instrumental``, ``lyrics``; ``vote_user``, ``prompt_user`` (salted addresses) and
``vote_session``, ``prompt_session``.

A published record: ``battle_uuid, preference, system_a, system_b, prompt, lyrics, is_instrumental, user_pseudonym,
timestamp, total_listening_time_a, total_listening_time_b, listen_data_a, listen_data_b, duration_a, duration_b,
feedback``; in it the events are text that holds JSON.

An event is ``[event, time]`` or ``{"action": event, "time": time}``. Files: one object, a list of them, one object per
line, or a folder of ``.json`` and ``.jsonl`` files, as a download leaves it: what lies in hidden folders and what is
not of these names is not looked at. A battle counts once, however often its ``uuid`` is there. Battles without a vote
are left out and counted. Two prompts are the same when their text and lyrics are.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from listening_test.importers.build import ImportedRatings, Rows, check_form, collected
from listening_test.importers.options import DEFAULTS, Options
from listening_test.protocol import Protocol, load_protocol
from listening_test.reporting.wording import counted
from songbench.domain.errors import InputError
from songbench.domain.hashing import content_key
from songbench.domain.reading import decode_json, json_lines, read_text

OUTCOMES = {"A": ("first", -1.0, "A"), "B": ("second", 1.0, "B"), "TIE": ("tie", 0.0, "tie")}
_BOTH_BAD = ("both_bad", float("nan"), "both_bad")
_PLAY, _STOPS, _TICK = "PLAY", ("PAUSE", "STOP"), "TICK"


class _Place(NamedTuple):
    file: str
    line: int | None


class _Battle(NamedTuple):
    """What both kinds of record say."""

    uuid: str
    preference: str
    systems: tuple[tuple[str, str], tuple[str, str]]
    rater: str
    prompt: str
    instrumental: bool
    answered: float
    seconds_heard: tuple[float, float]
    durations: tuple[float, float]
    comment: str


def read_music_arena(path: Path, protocol: Protocol | None = None, options: Options = DEFAULTS) -> ImportedRatings:
    """Read battles.

    Args:
        path: of a JSON or JSON Lines file, or a folder of them.
        protocol: screening and analysis; None: the preset ``preference``, named after the arena.
        options: none are for battles.

    Raises:
        InputError: naming file and line.
    """
    check_form(protocol, "preference", 1, "Battles")
    declared = protocol or load_protocol("preference", {"name": "music-arena", "source": "Music Arena"})
    battles, without, copies = _battles(path)
    if not battles:
        raise InputError("Not one battle here has a vote.", file=str(path))
    rows = Rows()
    if without:
        rows.notes.append(f"{counted(without, 'battle')} without a vote left out.")
    if copies:
        rows.notes.append(f"{counted(copies, 'record')} of battles that were there already left out.")
    rows.notes.append("Raters of Music Arena chose the prompts themselves and heard each as often as they liked.")
    variants = _variants(battles)
    orders: Counter[str] = Counter()
    for battle in battles:
        orders[battle.rater] += 1
        rows.pairs.append(_row(battle, declared.scales[0].id, orders[battle.rater], variants))
    return collected(declared, rows)


def _battles(path: Path) -> tuple[list[_Battle], int, int]:
    """Every battle with a vote, once; how many have none; how many records there were of battles that count already.

    Raises:
        InputError: when two records of one battle disagree.
    """
    voted: dict[str, tuple[_Battle, _Place]] = {}
    without: set[str] = set()
    copies = 0
    for record, place in _records(path):
        battle = _battle(record, place)
        if not battle.preference:
            without.add(battle.uuid)
        elif battle.uuid not in voted:
            voted[battle.uuid] = battle, place
        else:
            _check_same_vote(battle, place, *voted[battle.uuid])
            copies += 1
    return [battle for battle, _ in voted.values()], len(without - set(voted)), copies


def _check_same_vote(battle: _Battle, place: _Place, before: _Battle, first_place: _Place) -> None:
    """A log and its published record name variants differently; the vote and the systems are the same in both."""

    def vote(record: _Battle) -> tuple[str, list[str]]:
        return record.preference, [tag for tag, _ in record.systems]

    if vote(battle) != vote(before):
        line = f", line {first_place.line}" if first_place.line else ""
        raise InputError(
            f"The battle '{battle.uuid}' is also in {first_place.file}{line}, with another vote or other systems.",
            file=place.file,
            line=place.line,
            cure="Leave out the record that is wrong.",
        )


def _records(path: Path) -> Iterator[tuple[Mapping[str, Any], _Place]]:
    files = sorted(_data_files(path)) if path.is_dir() else [path]
    if not files:
        raise InputError("No .json or .jsonl file in this folder.", file=str(path))
    for file in files:
        yield from _of_file(file)


def _data_files(folder: Path) -> Iterator[Path]:
    """A download keeps locks, unfinished files and notes of its own beside the data, mostly in ``.cache``."""
    for file in folder.rglob("*"):
        hidden = any(part.startswith((".", "__MACOSX")) for part in file.relative_to(folder).parts)
        if file.suffix in (".json", ".jsonl") and not hidden and file.is_file():
            yield file


def _of_file(file: Path) -> Iterator[tuple[Mapping[str, Any], _Place]]:
    text = read_text(file)
    if not text.strip():
        raise InputError("The file is empty.", file=str(file), line=1)
    by_line = file.suffix == ".jsonl"
    values = json_lines(text, file=str(file)) if by_line else iter([(None, _decoded(text, file))])
    for number, value in values:
        for record in value if isinstance(value, list) else [value]:
            if not isinstance(record, dict):
                raise InputError("A battle is a JSON object.", file=str(file), line=number)
            yield record, _Place(str(file), number)


def _decoded(text: str, file: Path) -> Any:
    try:
        return decode_json(text, file=str(file))
    except InputError as error:
        cure = error.cure or "Files with one object per line end in .jsonl."
        raise InputError(error.message, file=str(file), field=error.field, cure=cure) from None


def _battle(record: Mapping[str, Any], place: _Place) -> _Battle:
    """With an empty preference where nobody voted."""
    try:
        battle = _published(record) if "battle_uuid" in record else _logged(record)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(
            f"This is not a battle of Music Arena ({error!r}).", file=place.file, line=place.line
        ) from None
    if not battle.preference:
        return battle
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
        uuid=_uuid(record, "uuid"),
        preference=vote.get("preference") or "",
        systems=_two([(str(key.get("system_tag") or ""), str(key.get("variant_tag") or "")) for key in keys]),
        rater=_rater(record),
        prompt=_prompt(prompt, lyrics),
        instrumental=_truth(detail.get("instrumental")),
        answered=_number(vote.get("preference_time")),
        seconds_heard=_two([_seconds_played(vote.get(f"{side}_listen_data") or []) for side in "ab"]),
        durations=_two([_number(side.get("duration")) for side in sides]),
        comment=" | ".join(str(text) for text in feedback if text),
    )


def _published(record: Mapping[str, Any]) -> _Battle:
    user = record.get("user_pseudonym") or _uuid(record, "battle_uuid")
    return _Battle(
        uuid=_uuid(record, "battle_uuid"),
        preference=record["preference"] or "",
        systems=((str(record["system_a"] or ""), ""), (str(record["system_b"] or ""), "")),
        rater=_opaque(str(user)),
        prompt=_prompt(record.get("prompt") or "", record.get("lyrics") or ""),
        instrumental=_truth(record.get("is_instrumental")),
        answered=_number(record.get("timestamp")),
        seconds_heard=_two([_published_time(record, side) for side in "ab"]),
        durations=_two([_number(record.get(f"duration_{side}")) for side in "ab"]),
        comment=str(record.get("feedback") or ""),
    )


def _uuid(record: Mapping[str, Any], name: str) -> str:
    """What tells battles apart; where it is not recorded, all that the record holds."""
    return str(record.get(name) or content_key("music arena battle", dict(record)))


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
    return _opaque(_uuid(record, "uuid"))


def _opaque(name: str) -> str:
    return f"user-{content_key('music arena user', name)[:12]}"


def _prompt(text: str, lyrics: str) -> str:
    return f"prompt-{content_key('music arena prompt', text, lyrics)[:12]}"


def _truth(value: object) -> bool:
    return value.lower() == "true" if isinstance(value, str) else bool(value)


def _number(value: object) -> float:
    return float("nan") if value is None else float(str(value))


def _published_time(record: Mapping[str, Any], side: str) -> float:
    """As published, or from the events, which are text there."""
    total = record.get(f"total_listening_time_{side}")
    if total is not None:
        return _number(total)
    events = record.get(f"listen_data_{side}")
    return float("nan") if not events else _seconds_played(json.loads(events) if isinstance(events, str) else events)


def _seconds_played(events: Sequence[Any]) -> float:
    """Seconds of playing: from PLAY, or from a TICK, of which there is one every so often, to TICK, PAUSE or STOP."""
    total, since = 0.0, None
    for event, time in map(_event, events):
        if event not in (_PLAY, _TICK, *_STOPS):
            continue
        if since is not None and event != _PLAY:
            total += max(time - since, 0.0)
        if event in _STOPS:
            since = None
        elif event == _TICK or since is None:
            since = time
    return total


def _event(event: Any) -> tuple[str, float]:
    """Both forms there are."""
    if isinstance(event, Mapping):
        return str(event["action"]), float(event["time"])
    action, time = event
    return str(action), float(time)


def _variants(battles: list[_Battle]) -> dict[str, set[str]]:
    by_tag: dict[str, set[str]] = {}
    for battle in battles:
        for tag, variant in battle.systems:
            by_tag.setdefault(tag, set()).add(variant)
    return by_tag


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
        "heard_first": battle.seconds_heard[0],
        "heard_second": battle.seconds_heard[1],
        "duration_first": battle.durations[0],
        "duration_second": battle.durations[1],
        "tag_instrumental": "yes" if battle.instrumental else "no",
    }
