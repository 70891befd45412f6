"""An experiment: a suite, the systems that enter, the metrics that judge; all built and checked before work starts."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from songbench.contracts import registry
from songbench.contracts.cards import Availability
from songbench.contracts.metric import Metric
from songbench.contracts.system import System
from songbench.domain.errors import InputError, UnavailableError
from songbench.domain.hashing import Json
from songbench.domain.prompt import Asset, FileAsset, RenderAsset
from songbench.domain.remark import Remark
from songbench.domain.suite import Suite, load_suite
from songbench.execution.sections import metric_parameters, system_parameters
from songbench.execution.settings import EngineSettings
from songbench.resources import needs


@dataclass(frozen=True)
class Entrant:
    """A system that enters, as it was asked for and as it was built."""

    spec: str
    parameters: Mapping[str, Json]
    system: System

    @property
    def name(self) -> str:
        """Its row in the leaderboard."""
        return self.system.card.name


@dataclass(frozen=True)
class Judge:
    """A metric that judges, as it was asked for and as it was built."""

    id: str
    parameters: Mapping[str, Json]
    metric: Metric
    availability: Availability


class AssetRemark(NamedTuple):
    """Something odd about audio that a suite brings.

    Attributes:
        prompt: the id of the prompt.
        field: ``prompt_wav`` or ``reference``.
        remark: what.
    """

    prompt: str
    field: str
    remark: Remark

    def belongs_to(self, prompt: str, field: str) -> bool:
        """Whether it is about this audio."""
        return (self.prompt, self.field) == (prompt, field)


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """Everything that decides a run.

    Attributes:
        name: of the run and its folder.
        suite: the prompts.
        entrants: the systems, in order.
        judges: the metrics, in order.
        takes: songs per prompt and system.
        seed: from which the seeds of all takes follow.
        store: the store's URL.
        runs: the folder of run folders.
        engine: how work is done.
        statistics: keywords of the leaderboard (confidence, replicates, seed).
        remarks: what people should know before the run starts.
        asset_remarks: what is odd about the audio that the suite brings.
        config: the resolved configuration, for the record.
    """

    name: str
    suite: Suite
    entrants: tuple[Entrant, ...]
    judges: tuple[Judge, ...]
    takes: int
    seed: int
    store: str
    runs: Path
    engine: EngineSettings
    statistics: Mapping[str, Any] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    asset_remarks: tuple[AssetRemark, ...] = ()
    config: Mapping[str, Any] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """The run's folder."""
        return self.runs / self.name

    @property
    def ready_judges(self) -> tuple[Judge, ...]:
        """The metrics that can run here."""
        return tuple(judge for judge in self.judges if judge.availability.ready)


def find_suite(source: str) -> Suite:
    """A suite by its registered name or by the path of its file.

    Raises:
        InputError: when it is neither, or the file is broken.
    """
    if source in registry.names(registry.SUITES):
        return load_suite(Path(registry.load(registry.SUITES, source)))
    if source.endswith((".jsonl", ".json")) or "/" in source:
        return load_suite(source)
    raise InputError(
        f"There is no suite '{source}'.",
        field="suite",
        given=source,
        allowed=registry.names(registry.SUITES),
        cure="Or give the path of a .jsonl file.",
    )


def enter(specs: Sequence[str], parameters: Mapping[str, Mapping[str, Json]]) -> tuple[Entrant, ...]:
    """Build the systems.

    Args:
        specs: as the user wrote them.
        parameters: per registered system name, its keywords.

    Raises:
        InputError: for an unknown name or parameter, or two systems of one name.
        UnavailableError: when one cannot run here, with the cure.
    """
    entrants: list[Entrant] = []
    for text in specs:
        spec = registry.SystemSpec.parse(text)
        own = system_parameters(spec.name, parameters.get(spec.name, {}))
        with _named(f"system.{spec.name}", own):
            entrant = Entrant(text, own, registry.build_system(spec, own))
        if any(entrant.name == other.name for other in entrants):
            raise InputError(
                f"Two systems are called '{entrant.name}'.",
                field="systems",
                cure="Give imported audio a name of its own: imported:NAME=PATH.",
            )
        entrants.append(entrant)
    states = [(entrant.spec, _availability(entrant)) for entrant in entrants]
    if missing := [(spec, state) for spec, state in states if not state.ready]:
        raise UnavailableError(_missing("system", missing))
    return tuple(entrants)


def _availability(entrant: Entrant) -> Availability:
    return needs.of_plugin(registry.SYSTEMS, registry.SystemSpec.parse(entrant.spec).name, entrant.system)


def without_unfed(entrants: Sequence[Entrant], suite: Suite) -> tuple[tuple[Entrant, ...], tuple[str, ...]]:
    """Leave out the systems that live on something no prompt of the suite has, such as copies of prompt audio.

    Returns:
        The others, and a line for people per system that was left out.
    """
    has = {
        "prompt audio": any(prompt.prompt_audio for prompt in suite.prompts),
        "reference song": any(prompt.reference for prompt in suite.prompts),
    }
    kept, remarks = [], []
    for entrant in entrants:
        conditions = entrant.system.card.conditions
        if conditions and not any(has.get(condition, True) for condition in conditions):
            remarks.append(f"without {entrant.name}: no prompt of the suite has a {' or '.join(conditions)}")
        else:
            kept.append(entrant)
    return tuple(kept), tuple(remarks)


def appoint(
    wanted: Sequence[str], parameters: Mapping[str, Mapping[str, Json]], *, required: Collection[str] = ()
) -> tuple[Judge, ...]:
    """Build the metrics.

    Args:
        wanted: ids, or bare names that stand for all their backends.
        parameters: per bare metric name, its keywords.
        required: the wanted names for which it is an error when none of the backends they stand for is available;
            unavailable metrics are otherwise reported in the leaderboard.

    Raises:
        InputError: for an unknown id or parameter.
        UnavailableError: when a required one cannot run here, with the cure.
    """
    judges: dict[str, Judge] = {}
    missing: list[Judge] = []
    own = _parameters_of_each([identifier for name in wanted for identifier in registry.metric_ids(name)], parameters)
    for name in wanted:
        found = [_judge(identifier, own[identifier]) for identifier in registry.metric_ids(name)]
        judges |= {judge.id: judge for judge in found}
        if name in required and not any(judge.availability.ready for judge in found):
            missing += found
    _refuse_equal_cards(list(judges.values()))
    if missing:
        raise UnavailableError(_missing("metric", [(judge.id, judge.availability) for judge in missing]))
    return tuple(judges.values())


def _parameters_of_each(
    identifiers: Sequence[str], parameters: Mapping[str, Mapping[str, Json]]
) -> dict[str, dict[str, Json]]:
    """The keywords of every metric, of the sections by bare name."""
    backends: dict[str, list[str]] = {}
    for identifier in dict.fromkeys(identifiers):
        backends.setdefault(identifier.partition("@")[0], []).append(identifier)
    own: dict[str, dict[str, Json]] = {}
    for name, these in backends.items():
        own |= metric_parameters(these, name, parameters.get(name, {}))
    return own


def _judge(identifier: str, own: Mapping[str, Json]) -> Judge:
    with _named(f"metric.{identifier.partition('@')[0]}", own):
        metric = registry.build_metric(identifier, own)
    return Judge(identifier, own, metric, needs.of_metric(identifier, metric))


@contextmanager
def _named(section: str, given: Mapping[str, Json]) -> Iterator[None]:
    """Errors of a plug-in about one of its settings name the setting as people write it."""
    try:
        yield
    except InputError as error:
        raise error.within(section) if error.field and re.split(r"[.\[]", error.field)[0] in given else error from None


def _refuse_equal_cards(judges: Sequence[Judge]) -> None:
    """Two metrics under one card would be one column, and take each other's scores out of the store."""
    by_card: dict[str, Judge] = {}
    for judge in judges:
        other = by_card.setdefault(judge.metric.card.id, judge)
        if other is not judge:
            both = " and the ".join(registry.plugin_name(registry.METRICS, one.id) for one in (other, judge))
            raise InputError(
                f"The cards of the {both} both say '{judge.metric.card.id}'.",
                field="metrics",
                cure="Leave one of them out, or have its author change name or backend.",
            )


def _missing(kind: str, things: Sequence[tuple[str, Availability]]) -> str:
    rows = [f"  {name}: {state.reason}. To get it: {state.cure}" for name, state in things]
    return f"Asked for, but not available here ({kind}):\n" + "\n".join(rows)


def check_assets(suite: Suite) -> tuple[AssetRemark, ...]:
    """Decode every audio file the suite names, so that a broken one is found before any work starts.

    Returns:
        What is odd about those that can be used.

    Raises:
        InputError: naming the file and the prompt.
    """
    from songbench.domain.audio import read_audio_with_remarks
    from songbench.domain.sound import sound_remarks

    known: dict[tuple[Path, str], tuple[Remark, ...]] = {}
    remarks = []
    for prompt in suite.prompts:
        for name, asset in (("prompt_wav", prompt.prompt_audio), ("reference", prompt.reference)):
            if not isinstance(asset, FileAsset):
                continue
            if (asset.path, name) not in known:
                try:
                    audio, of_file = read_audio_with_remarks(asset.path)
                except InputError as error:
                    raise error.located(field=f"{name}' of prompt '{prompt.id}") from None
                known[asset.path, name] = (*of_file, *sound_remarks(audio, excerpt=name == "prompt_wav"))
            remarks += [AssetRemark(prompt.id, name, remark) for remark in known[asset.path, name]]
    return tuple(remarks)


def renderer_of(asset: Asset | None, reference: Asset | None) -> System | None:
    """The system that renders an asset, or the reference an asset is cut from; None for plain files.

    Raises:
        InputError: when the suite names an unknown system.
    """
    source = asset if isinstance(asset, RenderAsset | FileAsset) else reference
    return registry.build_system(source.system, source.parameters) if isinstance(source, RenderAsset) else None
