"""An experiment: a suite, systems and metrics, all built and checked before work starts."""

from __future__ import annotations

import functools
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple, TypeGuard

from songbench.contracts import registry
from songbench.contracts.cards import READY, Availability, MetricCard, SystemCard
from songbench.contracts.metric import Metric
from songbench.contracts.system import OTHER_REFERENCE, System
from songbench.domain.errors import InputError, SongbenchError, UnavailableError, one_line
from songbench.domain.hashing import Json
from songbench.domain.prompt import Asset, CutAsset, FileAsset, Prompt
from songbench.domain.remark import Remark
from songbench.domain.song import Request
from songbench.domain.suite import Suite, load_suite
from songbench.execution.keys import reference_key, take_seed
from songbench.execution.limits import unsupported_reason
from songbench.execution.recorded_keys import RecordedKeys
from songbench.execution.sections import metric_parameters, system_parameters
from songbench.execution.settings import EngineSettings
from songbench.execution.sound_checks import SoundCheck, SoundChecks
from songbench.execution.tracks import check_system_tracks
from songbench.resources import needs
from songbench.resources.language_memory import LanguageMemory


@dataclass(frozen=True)
class ConfiguredSystem:
    """A system with its settings.

    Attributes:
        spec: as the user wrote it: ``name``, ``name:variant``, ``name:variant=source``.
        parameters: the keywords it was built with.
        plugin: what was built.
        availability: not ready only where an earlier run is read: then its songs lie where the record says.
    """

    spec: str
    parameters: Mapping[str, Json]
    plugin: System
    availability: Availability = READY

    @property
    def card(self) -> SystemCard:
        """What the system says about itself."""
        return self.plugin.card

    @property
    def name(self) -> str:
        """Its row in the leaderboard."""
        return self.card.name


@dataclass(frozen=True)
class ConfiguredMetric:
    """A metric with its settings.

    Attributes:
        id: ``name@backend``, as registered.
        parameters: the keywords it was built with.
        plugin: what was built.
        availability: whether it can run here, else why not.
    """

    id: str
    parameters: Mapping[str, Json]
    plugin: Metric
    availability: Availability

    @property
    def card(self) -> MetricCard:
        """What the metric says about itself."""
        return self.plugin.card


class AssetRemark(NamedTuple):
    """Something odd about audio that a suite brings.

    Attributes:
        prompt: the id of the prompt.
        field: one of `songbench.domain.prompt.ASSETS`.
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
        systems: the systems, in order.
        metrics: the metrics, in order.
        takes: songs per prompt and system.
        seed: from which the seeds of all takes follow.
        store: the store's URL.
        runs: the folder of run folders.
        engine: how work is done.
        statistics: keywords of the leaderboard (confidence, replicates, seed).
        remarks: what people should know before the run starts.
        asset_remarks: what is odd about the audio that the suite brings.
        config: the resolved configuration, for the record.
        recorded_keys: of an earlier run that is read; None where one is planned.
    """

    name: str
    suite: Suite
    systems: tuple[ConfiguredSystem, ...]
    metrics: tuple[ConfiguredMetric, ...]
    takes: int
    seed: int
    store: str
    runs: Path
    engine: EngineSettings
    statistics: Mapping[str, Any] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    asset_remarks: tuple[AssetRemark, ...] = ()
    config: Mapping[str, Any] = field(default_factory=dict)
    recorded_keys: RecordedKeys | None = None

    @property
    def folder(self) -> Path:
        """The run's folder."""
        return self.runs / self.name

    @functools.cached_property
    def requests(self) -> dict[tuple[str, str, int], tuple[ConfiguredSystem, Request]]:
        """Every song that is asked for, by system, prompt and take: of whom, and the request."""
        return {
            (system.name, prompt.id, take): (
                system,
                Request(
                    prompt=prompt,
                    take=take,
                    seed=take_seed(self.seed, prompt, take),
                    other_prompt=self._other_prompt(system.card, prompt),
                ),
            )
            for system in self.systems
            for prompt in self.suite.prompts
            for take in range(self.takes)
        }

    def _other_prompt(self, card: SystemCard, prompt: Prompt) -> Prompt | None:
        return self._other_prompts.get(prompt.id) if OTHER_REFERENCE in card.conditions else None

    @functools.cached_property
    def _other_prompts(self) -> dict[str, Prompt]:
        """Per prompt id, the next prompt of the suite, around its end, whose reference is another recording."""
        prompts = self.suite.prompts
        references = {prompt.id: reference_key(prompt) for prompt in prompts if prompt.reference is not None}
        neighbours: dict[str, Prompt] = {}
        later: Prompt | None = None  # the nearest later prompt with a reference, and with another than that one's
        later_other: Prompt | None = None
        for prompt in reversed((*prompts, *prompts)):
            reference = references.get(prompt.id)
            if later is not None:
                neighbour = later if references[later.id] != reference else later_other
                if neighbour is not None:
                    neighbours[prompt.id] = neighbour
            if reference is not None:
                if later is not None and references[later.id] != reference:
                    later_other = later
                later = prompt
        return neighbours

    @functools.cached_property
    def unsupported(self) -> dict[tuple[str, str, int], str]:
        """The songs whose systems say that they cannot take the prompt, each with the reason; asked once.

        Raises:
            PluginError: when a system cannot say it.
        """
        return {
            name: reason
            for name, (system, request) in self.requests.items()
            if (reason := self._unsupported(system, request)) is not None
        }

    def _unsupported(self, system: ConfiguredSystem, request: Request) -> str | None:
        if self.recorded_keys and not system.availability.ready:
            return self.recorded_keys.unsupported(system.name, request.prompt, request.take)
        return unsupported_reason(system.plugin, system.spec, request)

    @property
    def ready_metrics(self) -> tuple[ConfiguredMetric, ...]:
        """The metrics that can run here."""
        return tuple(metric for metric in self.metrics if metric.availability.ready)


def find_suite(source: str) -> Suite:
    """A suite by its registered name or by the path of its file.

    Raises:
        InputError: when it is neither, or the file is broken.
    """
    if source in registry.names(registry.SUITES):
        return load_suite(Path(registry.load(registry.SUITES, source)), detect=LanguageMemory().detect)
    if source.endswith((".jsonl", ".json")) or "/" in source:
        return load_suite(source, detect=LanguageMemory().detect)
    raise InputError(
        f"There is no suite '{source}'.",
        field="suite",
        value=source,
        allowed=registry.names(registry.SUITES),
        cure="Or give the path of a .jsonl file.",
    )


def build_systems(
    specs: Sequence[str],
    parameters: Mapping[str, Mapping[str, Json]],
    *,
    suite: Suite | None = None,
    recorded_keys: RecordedKeys | None = None,
) -> tuple[ConfiguredSystem, ...]:
    """Build the systems.

    Args:
        specs: as the user wrote them.
        parameters: per registered system name, its keywords.
        suite: whose track they have to enter; None: any.
        recorded_keys: of an earlier run that is only read: a system that cannot run here is no error then.

    Raises:
        InputError: for an unknown name or parameter, two systems of one name, or a system of another track.
        UnavailableError: when one cannot run here, with the cure.
    """
    systems: list[ConfiguredSystem] = []
    for place, text in enumerate(specs):
        try:
            system = _configured_system(text, parameters)
        except SongbenchError as error:
            if recorded_keys is None:
                raise
            absent = recorded_keys.system(place, one_line(str(error)))
            system = ConfiguredSystem(text, absent.parameters, absent, absent.availability())
        if any(system.name == other.name for other in systems):
            raise InputError(
                f"Two systems are called '{system.name}'.",
                field="systems",
                cure="Give imported audio a name of its own: imported:NAME=PATH.",
            )
        systems.append(system)
    if suite is not None and recorded_keys is None:  # before anybody is sent for weights that will not help
        check_system_tracks({system.spec: system.card for system in systems}, suite)
    states = [
        (system.spec, _availability(system) if system.availability.ready else system.availability) for system in systems
    ]
    missing = [(spec, state) for spec, state in states if not state.ready]
    if missing and recorded_keys is None:
        raise UnavailableError(_missing("system", missing))
    return tuple(replace(system, availability=state) for system, (_, state) in zip(systems, states, strict=True))


def _configured_system(text: str, parameters: Mapping[str, Mapping[str, Json]]) -> ConfiguredSystem:
    spec = registry.SystemSpec.parse(text)
    keywords = system_parameters(spec.name, parameters.get(spec.name, {}))
    with _errors_in_section(f"system.{spec.name}", keywords):
        system = registry.build_system(spec, keywords)
        registry.property_of(system, "parameters", registry.SYSTEMS, spec.name)  # of every song's key
        return ConfiguredSystem(text, keywords, system)


def _availability(system: ConfiguredSystem) -> Availability:
    return needs.of_plugin(registry.SYSTEMS, registry.SystemSpec.parse(system.spec).name, system.plugin)


def usable_systems(
    systems: Sequence[ConfiguredSystem], suite: Suite
) -> tuple[tuple[ConfiguredSystem, ...], tuple[str, ...]]:
    """Leave out the systems that live on something no prompt of the suite has, such as copies of prompt audio.

    Returns:
        The others, and a line for people per system that was left out.
    """
    has = {
        "prompt audio": any(prompt.prompt_audio for prompt in suite.prompts),
        "reference song": any(prompt.reference for prompt in suite.prompts),
        OTHER_REFERENCE: sum(prompt.reference is not None for prompt in suite.prompts) > 1,
    }
    usable, remarks = [], []
    for system in systems:
        conditions = system.card.conditions
        if conditions and not any(has.get(condition, True) for condition in conditions):
            remarks.append(f"without {system.name}: no prompt of the suite has a {' or '.join(conditions)}")
        else:
            usable.append(system)
    return tuple(usable), tuple(remarks)


def build_metrics(
    names: Sequence[str],
    parameters: Mapping[str, Mapping[str, Json]],
    *,
    required: Collection[str] = (),
    without: Collection[str] = (),
) -> tuple[ConfiguredMetric, ...]:
    """Build the metrics.

    Args:
        names: ids, or bare names that stand for all their backends.
        parameters: per bare metric name, its keywords.
        required: the wanted names for which it is an error when none of the backends they stand for is available;
            unavailable metrics are otherwise reported in the leaderboard.
        without: ids that are left out, as they judge another track.

    Raises:
        InputError: for an unknown id or parameter.
        UnavailableError: when a required one cannot run here, with the cure.
    """
    metrics: dict[str, ConfiguredMetric] = {}
    missing: list[ConfiguredMetric] = []
    identifiers = {
        name: [identifier for identifier in registry.metric_ids(name) if identifier not in without] for name in names
    }
    keywords = _parameters_of_each([identifier for ids in identifiers.values() for identifier in ids], parameters)
    for name in names:
        backends = [_configured_metric(identifier, keywords[identifier]) for identifier in identifiers[name]]
        metrics |= {metric.id: metric for metric in backends}
        if name in required and not any(metric.availability.ready for metric in backends):
            missing += backends
    _refuse_equal_cards(list(metrics.values()))
    if missing:
        raise UnavailableError(_missing("metric", [(metric.id, metric.availability) for metric in missing]))
    return tuple(metrics.values())


def _parameters_of_each(
    identifiers: Sequence[str], parameters: Mapping[str, Mapping[str, Json]]
) -> dict[str, dict[str, Json]]:
    """The keywords of every metric, of the sections by bare name."""
    backends: dict[str, list[str]] = {}
    for identifier in dict.fromkeys(identifiers):
        backends.setdefault(identifier.partition("@")[0], []).append(identifier)
    keywords: dict[str, dict[str, Json]] = {}
    for name, siblings in backends.items():
        keywords |= metric_parameters(siblings, name, parameters.get(name, {}))
    return keywords


def _configured_metric(identifier: str, keywords: Mapping[str, Json]) -> ConfiguredMetric:
    with _errors_in_section(f"metric.{identifier.partition('@')[0]}", keywords):
        metric = registry.build_metric(identifier, keywords)
    return ConfiguredMetric(identifier, keywords, metric, needs.of_metric(identifier, metric))


@contextmanager
def _errors_in_section(section: str, keywords: Mapping[str, Json]) -> Iterator[None]:
    """Errors of a plug-in about one of its settings name the setting as people write it."""
    try:
        yield
    except InputError as error:
        raise (
            error.within(section) if error.field and re.split(r"[.\[]", error.field)[0] in keywords else error
        ) from None


def _refuse_equal_cards(metrics: Sequence[ConfiguredMetric]) -> None:
    """Two metrics under one card would be one column, and take each other's scores out of the store."""
    by_card: dict[str, ConfiguredMetric] = {}
    for metric in metrics:
        namesake = by_card.setdefault(metric.card.id, metric)
        if namesake is not metric:
            plugins = " and the ".join(registry.plugin_name(registry.METRICS, one.id) for one in (namesake, metric))
            raise InputError(
                f"The cards of the {plugins} both say '{metric.card.id}'.",
                field="metrics",
                cure="Leave one of them out, or have its author change name or backend.",
            )


def _missing(kind: str, things: Sequence[tuple[str, Availability]]) -> str:
    rows = [f"  {name}: {state.reason}. To get it: {state.cure}" for name, state in things]
    return f"Asked for, but not available here ({kind}):\n" + "\n".join(rows)


def check_assets(suite: Suite) -> tuple[AssetRemark, ...]:
    """Look at every audio file the suite names, so that a broken one is found before any work starts.

    One that was decoded before and is as it was is not decoded again.

    Returns:
        What is odd about those that can be used.

    Raises:
        InputError: naming the file and the prompt.
    """
    checks = {
        (prompt.id, name): SoundCheck(asset, excerpt=isinstance(asset, CutAsset) or name == "prompt_wav")
        for prompt in suite.prompts
        for name, asset in prompt.assets.items()
        if _is_of_file(asset)
    }
    remarks = []
    with SoundChecks(checks.values(), _sound_remarks) as outcomes:
        for prompt in suite.prompts:
            _refuse_leak(prompt)
            for name in prompt.assets:
                if (check := checks.get((prompt.id, name))) is None:
                    continue
                try:
                    remarks += [AssetRemark(prompt.id, name, remark) for remark in outcomes.remarks(check)]
                except InputError as error:
                    raise error.located(field=f"{name}' of prompt '{prompt.id}") from None
    return tuple(remarks)


def _is_of_file(asset: Asset) -> TypeGuard[FileAsset | CutAsset]:
    return isinstance(asset.recording if isinstance(asset, CutAsset) else asset, FileAsset)


def _refuse_leak(prompt: Prompt) -> None:
    """Refuse a vocal or a style clip with the content of the true accompaniment, under whatever name."""
    if prompt.track != "v2a" or not isinstance(prompt.reference, FileAsset):
        return
    for name in ("vocal", "prompt_wav"):
        asset = prompt.assets.get(name)
        if isinstance(asset, FileAsset) and asset.identity(prompt) == prompt.reference.identity(prompt):
            raise InputError(
                "This is the true accompaniment, which is held back from systems, under another name.",
                file=str(asset.path),
                field=f"{name}' of prompt '{prompt.id}",
            )


def _sound_remarks(check: SoundCheck) -> tuple[Remark, ...]:
    """What is odd about the sound of a file, or of what is cut from one."""
    from songbench.domain.audio import read_audio_with_remarks
    from songbench.domain.sound import sound_remarks

    sound, of_file = read_audio_with_remarks(check.path)
    if isinstance(check.asset, CutAsset):
        sound = sound.cut(check.asset.start, check.asset.seconds)
    return (*of_file, *sound_remarks(sound, excerpt=check.excerpt))
