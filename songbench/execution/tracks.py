"""What can enter a run on a suite of a track, and what does where nothing is named."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from importlib.resources import files
from typing import Any

from songbench.contracts import registry
from songbench.contracts.cards import MetricCard, SystemCard
from songbench.domain.errors import InputError, SongbenchError
from songbench.domain.prompt import TRACKS
from songbench.domain.suite import Suite
from songbench.domain.tracks import in_words


def track_defaults(track: str) -> Mapping[str, Any]:
    """The systems and the metric preset of a track: its file in ``songbench/conf/track``.

    Returns:
        ``systems`` and ``metrics``; empty for the track song, whose defaults stand in ``songbench/conf/config.yaml``.
    """
    import yaml

    file = files("songbench.conf") / "track" / f"{track}.yaml"
    defaults: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8")) if file.is_file() else {}
    return defaults


def check_system_tracks(cards: Mapping[str, SystemCard], suite: Suite) -> None:
    """Refuse systems that do not enter the track of a suite.

    Args:
        cards: by what the user wrote.
        suite: of one track.

    Raises:
        InputError: naming the track, and the systems that enter it.
    """
    for spec, card in cards.items():
        if suite.track not in card.tracks:
            raise InputError(
                _refusal("system", spec, card.tracks, suite),
                field="systems",
                cure=f"Systems of this track: {', '.join(systems_of_track(suite.track))}.",
            )


def metrics_of_other_tracks(
    names: Sequence[str], suite: Suite, required: Collection[str]
) -> tuple[list[str], list[str]]:
    """The metrics among these that judge other tracks than that of a suite.

    Args:
        names: ids, or bare names that stand for all their backends.
        suite: of one track.
        required: those that the user named: each has to stand for a metric of the track.

    Returns:
        Their ids, and a line for people on them.

    Raises:
        InputError: a required one judges another track, or is not known.
    """
    foreign: dict[str, MetricCard] = {}
    for name in names:
        strangers = {}
        identifiers = registry.metric_ids(name)
        for identifier in identifiers:
            card = _metric_card(identifier)
            if card is not None and suite.track not in card.tracks:
                strangers[identifier] = card
        if name in required and len(strangers) == len(identifiers):
            tracks = next(iter(strangers.values())).tracks
            raise InputError(
                _refusal("metric", name, tracks, suite),
                field="metrics",
                cure=f"'songbench metrics --track {suite.track}' lists those of this track.",
            )
        foreign |= strangers
    remark = f"without {', '.join(foreign)}: not of the track {in_words(suite.track)}"
    return list(foreign), [remark] if foreign else []


def systems_of_track(track: str | None) -> list[str]:
    """The registered systems that enter a track, without those of broken plug-ins; None: all that are registered.

    A system that enters it by a variant alone is named with that, such as ``acestep15:complete``.
    """
    names = registry.names(registry.SYSTEMS)
    if track is None:
        return names
    _check_name(track)
    fitting = []
    for name in names:
        with suppress(SongbenchError):
            card = registry.build_system(name).card
            candidates = {name: card, **{spec: registry.build_system(spec).card for spec in card.track_variants}}
            fitting += [spec for spec, variant in candidates.items() if track in variant.tracks]
    return fitting


def registered_metrics(track: str | None) -> list[str]:
    """The ids of registered metrics that judge a track, without those of broken plug-ins; None: all."""
    identifiers = registry.names(registry.METRICS)
    if track is None:
        return identifiers
    _check_name(track)
    cards = {identifier: _metric_card(identifier) for identifier in identifiers}
    return [identifier for identifier, card in cards.items() if card is not None and track in card.tracks]


def _check_name(track: str) -> None:
    if track not in TRACKS:
        raise InputError(f"There is no track '{track}'.", field="--track", value=track, allowed=TRACKS)


def _metric_card(identifier: str) -> MetricCard | None:
    """None for a broken plug-in, which is told of when it is built to be used."""
    try:
        card: MetricCard = registry.build_metric(identifier).card
    except SongbenchError:
        return None
    return card


def _refusal(kind: str, name: str, tracks: Sequence[str], suite: Suite) -> str:
    return (
        f"The {kind} '{name}' is of the track {' and '.join(map(in_words, tracks))}, and the suite '{suite.name}' is of"
        f" the track {in_words(suite.track)}."
    )
