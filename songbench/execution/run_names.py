"""One name, one question: what a command with the name of an earlier run adds to it, or why it cannot.

A run is a suite, systems, metrics, takes and a seed. More systems, metrics or takes under its name extend it, and what
it has already stays in it. Anything else would be another question whose answers stood in one table with the old ones:
another suite or seed, a system or metric of other parameters or another version, other audio under an imported name,
other settings of the statistics.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from songbench.contracts import registry
from songbench.contracts.registry import SystemSpec
from songbench.domain.errors import InputError, StoreWriteError
from songbench.execution.checksums import SUMS
from songbench.execution.damage import REPORT_FILES, SONG_FILES
from songbench.execution.experiment import Experiment, build_metrics, build_systems
from songbench.execution.plan import Planner
from songbench.execution.record import JOURNAL, RECORD, read_record
from songbench.execution.recorded import recorded_config
from songbench.execution.settings import Settings, read_settings
from songbench.execution.store import Store

LISTENING = "listening"
"""Where results of listening tests lie in a run's folder."""
_NAMED = 6


@dataclass(frozen=True)
class _Earlier:
    """A run of the name that is there already."""

    record: Mapping[str, Any]
    settings: Settings

    @property
    def systems(self) -> dict[str, str]:
        """Its systems as they were written, by name, in order."""
        names = {facts["spec"]: name for name, facts in self.record["systems"].items()}
        specs = self.record["config"]["systems"]
        return {names[old]: new for old, new in zip(specs, self.settings.systems, strict=True) if old in names}

    @property
    def metrics(self) -> list[str]:
        """The ids of its metrics, in order."""
        recorded = self.record["metrics"]
        identifiers = [identifier for name in self.settings.selected_metrics for identifier in _ids(name)]
        return [identifier for identifier in dict.fromkeys(identifiers) if identifier in recorded]


def continued(experiment: Experiment, *, anew: bool = False) -> Experiment:
    """The experiment, with what an earlier run of its name has already; a remark says what is added and what is kept.

    Args:
        experiment: what is asked for now.
        anew: the earlier run is to be replaced (`start_anew`), so it does not matter.

    Raises:
        InputError: when the earlier run asked another question: naming what differs, and the two ways out.
        UnavailableError: when a system of the earlier run cannot run here.
    """
    path = experiment.folder / RECORD
    if anew or not path.exists():
        return experiment
    try:
        record = read_record(path)
    except InputError as error:
        return replace(experiment, remarks=(*experiment.remarks, f"{error.message} {path} is written anew."))
    earlier = _Earlier(record, read_settings(recorded_config(record, experiment.folder), file=str(path)))
    if differences := [*_settings_differ(experiment, earlier), *_parts_differ(experiment, record)]:
        raise _other_question(experiment.name, differences)
    combined = _with_kept(experiment, earlier)
    if differences := [*_parts_differ(combined, record), *_audio_differs(combined, record)]:
        raise _other_question(experiment.name, differences)
    return replace(combined, remarks=(*combined.remarks, *_remarks(experiment, combined, earlier)))


def start_anew(folder: Path) -> None:
    """Remove everything a run wrote into its folder; the store is left alone, so nothing has to be made again.

    Results of listening tests cost people's time, so they are put aside and not removed: below ``listening/replaced``,
    where no leaderboard looks for them.

    Raises:
        StoreWriteError: when a file cannot be removed.
    """
    try:
        for path in (folder / LISTENING).glob("*.json"):
            aside = folder / LISTENING / "replaced" / path.name
            aside.parent.mkdir(exist_ok=True)
            path.replace(aside)
        for pattern in (*REPORT_FILES, *SONG_FILES, SUMS, JOURNAL, RECORD):
            for path in folder.glob(pattern):
                if path.is_file():
                    path.unlink()
        shutil.rmtree(folder / "logs", ignore_errors=True)
    except OSError as error:
        raise StoreWriteError(f"The run folder '{folder}' cannot be written: {error.strerror}.") from error


def _other_question(name: str, differences: Sequence[str]) -> InputError:
    more = len(differences) - _NAMED
    text = "; ".join(differences[:_NAMED]) + (f"; and {more} more" if more > 0 else "")
    return InputError(
        f"The run '{name}' asked another question: {text}.",
        field="name",
        cure="--name OTHER keeps both; --replace starts this run anew (nothing stored is lost).",
    )


# -- what differs --------------------------------------------------------------------------------------------------


def _settings_differ(experiment: Experiment, earlier: _Earlier) -> Iterator[str]:
    suite, then = experiment.suite, earlier.record["suite"]
    if suite.key() != then["key"]:
        yield from _suite_differs({prompt.id: prompt.key() for prompt in suite.prompts}, earlier.record["prompts"])
        for field, now in (("name", suite.name), ("version", suite.version)):
            if then[field] != now:
                yield f"{field} of the suite: {then[field]} → {now}"
    if earlier.settings.seed != experiment.seed:
        yield f"seed: {earlier.settings.seed} → {experiment.seed}"
    yield from _values_differ("statistics", earlier.settings.statistics.model_dump(), experiment.statistics)


def _suite_differs(now: Mapping[str, str], then: Mapping[str, str]) -> Iterator[str]:
    for kind, ids in (
        ("added", [prompt for prompt in now if prompt not in then]),
        ("gone", [prompt for prompt in then if prompt not in now]),
        ("changed", [prompt for prompt in now if then.get(prompt, now[prompt]) != now[prompt]]),
    ):
        if ids:
            yield f"prompts {kind} in the suite: {_listed(ids)}"


def _parts_differ(experiment: Experiment, record: Mapping[str, Any]) -> Iterator[str]:
    """Systems and metrics that are in both, and are not the same."""
    for system in experiment.systems:
        then = record["systems"].get(system.name)
        if then:
            kind, before = SystemSpec.parse(system.spec).name, SystemSpec.parse(then["spec"]).name
            if kind != before:
                yield f"the system '{system.name}' was {before} and is {kind}"
            yield from _versions_differ(f"system {system.name}", then, system.card.version)
            yield from _values_differ(f"system {system.name}", then["parameters"], system.plugin.parameters)
    for metric in experiment.metrics:
        then = record["metrics"].get(metric.id)
        if then:
            yield from _versions_differ(f"metric {metric.id}", then, metric.card.version)
            yield from _values_differ(f"metric {metric.id}", then["parameters"], metric.parameters)


def _versions_differ(subject: str, then: Mapping[str, Any], now: str) -> Iterator[str]:
    if then["version"] != now:
        yield f"{subject}: version {then['version']} → {now}"


def _values_differ(subject: str, then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    present = json.loads(json.dumps(dict(now), default=str))
    for name in sorted({*then, *present}):
        if then.get(name) != present.get(name):
            yield f"{subject}: {name} {_value(then.get(name))} → {_value(present.get(name))}"


def _audio_differs(experiment: Experiment, record: Mapping[str, Any]) -> Iterator[str]:
    """Songs that were stored for the run under another key: files that were replaced. Failed ones may be mended."""
    planner, stored_keys = Planner(experiment, Store(experiment.store)), record["stored"]["songs"]
    now = {"/".join(map(str, name)): key for name, (_, _, key) in planner.songs.items()}
    for system in record["systems"]:
        prompts = [
            name.split("/", 1)[1]
            for name, key in record["songs"].items()
            if name.startswith(f"{system}/") and key in stored_keys and now.get(name, key) != key
        ]
        if prompts:
            yield f"system {system}: other audio for {_listed(prompts)}"
    if prompts := [prompt for prompt, keys in record["assets"].items() if planner.asset_keys.get(prompt, keys) != keys]:
        yield f"prompt audio or reference rendered otherwise: {_listed(prompts)}"


# -- what is kept --------------------------------------------------------------------------------------------------


def _with_kept(experiment: Experiment, earlier: _Earlier) -> Experiment:
    """The experiment with the systems, metrics and takes of the earlier run; those come first, in their order."""
    now = read_settings(experiment.config)
    # 1. systems
    systems = {system.name: system for system in experiment.systems}
    system_names = {SystemSpec.parse(system.spec).name for system in experiment.systems}
    system_sections = _sections(now.system_sections, system_names, earlier.settings.system_sections)
    specs = [spec for name, spec in earlier.systems.items() if name not in systems]
    systems |= {system.name: system for system in build_systems(specs, system_sections)}
    # 2. metrics
    metrics = {metric.id: metric for metric in experiment.metrics}
    metric_names = {identifier.partition("@")[0] for identifier in metrics}
    metric_sections = _sections(now.metric_sections, metric_names, earlier.settings.metric_sections)
    identifiers = [identifier for identifier in earlier.metrics if identifier not in metrics]
    metrics |= {metric.id: metric for metric in build_metrics(identifiers, metric_sections)}
    # 3. the experiment of both
    ordered_systems = _ordered(systems, earlier.systems)
    ordered_metrics = _ordered(metrics, earlier.metrics)
    takes = max(experiment.takes, earlier.settings.takes)
    config = {
        **experiment.config,
        "systems": [system.spec for system in ordered_systems],
        "system": dict(system_sections),
        "metric": {**metric_sections, "select": [metric.id for metric in ordered_metrics]},
        "takes": takes,
    }
    return replace(experiment, systems=ordered_systems, metrics=ordered_metrics, takes=takes, config=config)


def _sections(now: Mapping[str, Any], names: set[str], earlier: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters per plug-in: as given now for what is asked for now, without any if none are given; else as then.

    What was kept is built of the same, so that a plug-in with two sets of parameters shows as a difference.
    """
    return {**now, **earlier, **{name: now.get(name, {}) for name in names if name in now or name in earlier}}


def _ordered(things: Mapping[str, Any], first: Iterable[str]) -> tuple[Any, ...]:
    names = [*(name for name in first if name in things), *things]
    return tuple(things[name] for name in dict.fromkeys(names))


def _ids(name: str) -> list[str]:
    try:
        return registry.metric_ids(name)
    except InputError:  # of a plug-in that is no longer installed
        return []


# -- in words ------------------------------------------------------------------------------------------------------


def _remarks(experiment: Experiment, combined: Experiment, earlier: _Earlier) -> Iterator[str]:
    new = [
        *_counted("system", [e.name for e in experiment.systems if e.name not in earlier.record["systems"]]),
        *_counted("metric", [j.id for j in experiment.metrics if j.id not in earlier.record["metrics"]]),
        *(
            [f"takes {earlier.settings.takes} → {experiment.takes}"]
            if experiment.takes > earlier.settings.takes
            else []
        ),
    ]
    system_names, metric_names = {e.name for e in experiment.systems}, {j.id for j in experiment.metrics}
    carried_over = [
        *_counted("system", [system.name for system in combined.systems if system.name not in system_names]),
        *_counted("metric", [metric.id for metric in combined.metrics if metric.id not in metric_names]),
        *([f"takes {combined.takes}"] if combined.takes > experiment.takes else []),
    ]
    if new:
        yield f"adds to the run '{experiment.name}': {', '.join(new)}"
    if carried_over:
        besides = ", ".join(carried_over)
        yield f"the run '{experiment.name}' keeps what it has besides: {besides} (--name OTHER makes another run)"


def _counted(kind: str, names: Sequence[str]) -> list[str]:
    return [f"{kind}{'s' if len(names) > 1 else ''} {_listed(names)}"] if names else []


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def _value(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return "(default)" if value is None else text if len(text) <= 60 else text[:59] + "…"
