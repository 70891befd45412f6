"""What is missing, as units of work. Planning reads keys only; nothing is computed."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias, TypeVar

from songbench.contracts.metric import Conditional, SetMetric
from songbench.domain.hashing import Json, KeyPrefix, file_digest
from songbench.domain.prompt import ASSETS, FileAsset, Prompt
from songbench.domain.remark import Remark, remarks_to_json
from songbench.domain.song import Request
from songbench.domain.suite import Suite
from songbench.execution.experiment import ConfiguredMetric, ConfiguredSystem, Experiment
from songbench.execution.intact_records import IntactRecords
from songbench.execution.keys import SongKeys, asset_key, feature_keys, renderer_of, score_keys, set_score_key
from songbench.execution.results import SongId
from songbench.execution.store import Store
from songbench.execution.store_layout import Kind
from songbench.resources.garbage import no_search

T = TypeVar("T")
_Audio: TypeAlias = tuple[str, Callable[[], dict[str, Any]]]
"""A label for people, and what gives what a worker needs to know about a song or reference."""


@dataclass(frozen=True)
class WorkItem:
    """The smallest thing that succeeds or fails: one song, one score.

    Attributes:
        key: under which its result is stored.
        label: for people.
        data: what the worker needs to know about it.
    """

    key: str
    label: str
    data: dict[str, Any]

    @property
    def subject(self) -> str:
        """The key of what is made or looked at: two runs that work on one subject would do the same work twice."""
        assets = self.data.get("assets", {}) if "field" in self.data else {}
        return self.data.get("song") or assets.get("reference") or assets.get("vocal") or self.key


@dataclass(frozen=True)
class Job:
    """Items that one worker does together with one model.

    Attributes:
        kind: ``asset``, ``generate``, ``score``, ``features`` or ``score_set``.
        common: what all items share: which system or metric, its parameters.
        items: at least one.
        attempt: 0 for the first try.
    """

    kind: str
    common: dict[str, Any]
    items: tuple[WorkItem, ...]
    attempt: int = 0

    @property
    def model(self) -> tuple[str, ...]:
        """What a worker must hold to do it: the system or metric with its parameters."""
        return ("asset",) if self.kind == "asset" else tuple(f"{name}: {self.common[name]}" for name in self.common)

    def shares_model(self, job: Job) -> bool:
        """Whether the worker that did this job holds what this one needs."""
        return self.model == job.model

    def to_json(self) -> dict[str, Json]:
        """What is sent to a worker."""
        items = [{"key": item.key, **item.data} for item in self.items]
        return {"kind": self.kind, **self.common, "items": items}

    def singly(self) -> list[Job]:
        """The same work with one item per job, as another attempt: a crash then hits only its cause."""
        return [replace(self, items=(item,), attempt=self.attempt + 1) for item in self.items]


@dataclass(frozen=True)
class Stage:
    """Jobs that can run side by side.

    Attributes:
        title: for people.
        jobs: what is missing.
        total: how many items the experiment has at this stage, done ones included; without those that can never be
            done, as all they need has failed.
        waiting: items that cannot be planned yet because they need songs that are not made yet.
    """

    title: str
    jobs: tuple[Job, ...]
    total: int
    waiting: int = 0

    @property
    def missing(self) -> int:
        """Items to do."""
        return sum(len(job.items) for job in self.jobs)

    @property
    def settled(self) -> int:
        """Items that are settled already."""
        return self.total - self.missing - self.waiting


class Planner:
    """Plans an experiment against a store.

    Args:
        experiment: what is wanted.
        store: what is there.
        group: how many prompts (or songs) a job holds at most; `group_size` gives a good one.

    Attributes:
        records: what of the store is whole; nothing else counts as stored.
    """

    def __init__(self, experiment: Experiment, store: Store, group: int = 1) -> None:
        self.experiment, self.store, self.group = experiment, store, group
        self.records = IntactRecords(store)
        self._prompt_keys: dict[str, str] = {}
        self._score_keys: dict[str, dict[SongId, str]] = {}
        self._scores_seen = False

    # -- identities ------------------------------------------------------------------------------------------------

    @functools.cached_property
    def asset_keys(self) -> dict[str, dict[str, str]]:
        """Per prompt id and field, the key of every asset that has to be rendered or cut."""
        return asset_keys(self.experiment.suite)

    @functools.cached_property
    def requests(self) -> dict[SongId, tuple[ConfiguredSystem, Request]]:
        """Every song the experiment asks for: of whom, and the request."""
        return {SongId(*name): request for name, request in self.experiment.requests.items()}

    @functools.cached_property
    def unsupported(self) -> dict[SongId, str]:
        """The songs whose systems say that they cannot take the prompt, each with the reason.

        Raises:
            PluginError: when a system cannot say it.
        """
        return {SongId(*name): reason for name, reason in self.experiment.unsupported.items()}

    @functools.cached_property
    @no_search()
    def songs(self) -> dict[SongId, tuple[ConfiguredSystem, Request, str]]:
        """Every song that is to be made: who makes it, the request, its key; those that are unsupported are not."""
        song_keys = {system.name: SongKeys(system.plugin) for system in self.experiment.systems}
        return {
            name: (system, request, self._recorded_key(system, request) or self._key(song_keys[system.name], request))
            for name, (system, request) in self.requests.items()
            if name not in self.unsupported
        }

    @functools.cached_property
    def _song_keys(self) -> list[str]:
        return [key for _, _, key in self.songs.values()]

    @functools.cached_property
    def songs_by_system(self) -> dict[str, list[tuple[SongId, Request, str]]]:
        """The same by the name of the system, in suite order; every system is there."""
        songs: dict[str, list[tuple[SongId, Request, str]]] = {system.name: [] for system in self.experiment.systems}
        for name, (system, request, key) in self.songs.items():
            songs[system.name].append((name, request, key))
        return songs

    def _recorded_key(self, system: ConfiguredSystem, request: Request) -> str | None:
        keys = self.experiment.recorded_keys
        if keys is None or system.availability.ready:
            return None
        return keys.of_song(system.name, request.prompt, request.take)

    def _key(self, song_keys: SongKeys, request: Request) -> str:
        prompt = request.prompt.id
        if prompt not in self._prompt_keys:
            self._prompt_keys[prompt] = request.prompt.key()
        return song_keys.of(request, self._prompt_keys[prompt])

    def song_data(self, request: Request) -> dict[str, Any]:
        """A request as it is sent to a worker."""
        neighbour = request.other_prompt
        data = {
            "prompt": request.prompt.to_json(),
            "take": request.take,
            "seed": request.seed,
            "assets": self.asset_keys[request.prompt.id],
        }
        if neighbour is not None:
            data["other"] = {"prompt": neighbour.to_json(), "assets": self.asset_keys[neighbour.id]}
        return data

    def reference_data(self, prompt: Prompt) -> dict[str, Any]:
        """A prompt's reference song as it is sent to a worker."""
        remarks = self._reference_remarks.get(prompt.id, [])
        return {**self.song_data(Request(prompt=prompt, take=0, seed=0)), "remarks": remarks_to_json(remarks)}

    @functools.cached_property
    def _reference_remarks(self) -> dict[str, list[Remark]]:
        remarks: dict[str, list[Remark]] = {}
        for of_asset in self.experiment.asset_remarks:
            if of_asset.field == "reference":
                remarks.setdefault(of_asset.prompt, []).append(of_asset.remark)
        return remarks

    # -- stages ----------------------------------------------------------------------------------------------------

    def assets(self) -> Stage:
        """Vocals, references and prompt audio that are rendered or cut; one job per prompt, in order of `ASSETS`."""
        stored_keys = self.records.intact("assets", {key for keys in self.asset_keys.values() for key in keys.values()})
        jobs, total = [], 0
        for prompt in self.experiment.suite.prompts:
            keys = self.asset_keys[prompt.id]
            total += len(keys)
            order = [name for name in ASSETS if keys.get(name, "") not in {*stored_keys, ""}]
            if order:
                data = {"prompt": prompt.to_json(), "assets": keys}
                items = tuple(WorkItem(keys[name], f"{prompt.id} {name}", {**data, "field": name}) for name in order)
                jobs.append(Job("asset", {}, items))
        return Stage("prompt audio and references", tuple(jobs), total)

    def generation(self, system: ConfiguredSystem) -> Stage:
        """The songs of one system that are neither stored nor failed."""
        requests = self.songs_by_system[system.name]
        open_keys = self._open("songs", [key for _, _, key in requests])
        items = [
            WorkItem(key, f"{name.prompt} take {name.take}", {"system": system.name, **self.song_data(request)})
            for name, request, key in (requests if open_keys else ())
            if key in open_keys
        ]
        common = {"system": system.spec, "parameters": dict(system.parameters)}
        return Stage(f"songs of {system.name}", self._jobs("generate", common, items), len(requests))

    def scoring(self, metric: ConfiguredMetric) -> Stage:
        """The scores of one song metric; songs of one prompt stay in one job, as they share features of its audio."""
        songs = self._song_keys
        lacking, failed = self.records.lacking("songs", songs), self.records.intact("failures", songs)
        self.look_at_scores()
        keys = self.song_score_keys(metric)
        open_keys = self._open("scores", keys.values())
        groups: dict[str, list[WorkItem]] = {}
        waiting = hopeless = 0
        for name, key in keys.items() if lacking or open_keys else ():
            _, request, song = self.songs[name]
            if song in lacking:
                waiting, hopeless = waiting + (song not in failed), hopeless + (song in failed)
                continue
            if key not in open_keys:
                continue
            data = {"song": song, "system": name.system, **self.song_data(request)}
            item = WorkItem(key, f"{name.system} {name.prompt} take {name.take}", data)
            groups.setdefault(name.prompt, []).append(item)
        jobs = [
            Job("score", self._metric_json(metric), tuple(item for items in part for item in items))
            for part in _chunks(list(groups.values()), max(1, self.group // 4))
        ]
        return Stage(f"scores of {metric.id}", tuple(jobs), len(self.songs) - hopeless, waiting)

    def features(self, metric: ConfiguredMetric) -> Stage:
        """What a set metric will ask of each song and reference, so that it is computed side by side beforehand."""
        assert isinstance(metric.plugin, SetMetric)
        scores = set(self.set_keys(metric).values())
        waiting = sum(map(self._unsettled, self.experiment.systems))
        if self._settled("scores", scores) == scores:
            return Stage(f"features for {metric.id}", (), waiting, waiting)
        audio = self._scorable_audio(metric.plugin)
        prefixes = _feature_keys(metric.plugin)
        keys_of = {digest: [prefix.key(digest) for prefix in prefixes] for digest in audio}
        stored_keys = self.records.features(key for keys in keys_of.values() for key in keys)
        items = [
            WorkItem(keys_of[digest][0], label, {**data(), "features": keys_of[digest]})
            for digest, (label, data) in audio.items()
            if not stored_keys.issuperset(keys_of[digest])
        ]
        jobs = self._jobs("features", self._metric_json(metric), items)
        return Stage(f"features for {metric.id}", jobs, len(audio) + waiting, waiting)

    def feature_keys(self, metric: ConfiguredMetric) -> list[str]:
        """The keys of every feature that a set metric asks of what is stored."""
        assert isinstance(metric.plugin, SetMetric)
        prefixes = _feature_keys(metric.plugin)
        return [prefix.key(digest) for digest in self._audio() for prefix in prefixes]

    def _scorable_audio(self, metric: SetMetric) -> dict[str, _Audio]:
        """What the metric can score, by digest: the songs of such systems, and the references if there is any."""
        if not isinstance(metric, Conditional):
            return self._audio()
        reference = self._reference_audio()
        digests = [digest for digest, _ in reference]
        scorable = [
            songs
            for songs in map(self._song_audio, self.experiment.systems)
            if metric.not_applicable([digest for digest, _ in songs], digests) is None
        ]
        return _first_of_each([audio for songs in [*scorable, reference] for audio in songs]) if scorable else {}

    def _audio(self) -> dict[str, _Audio]:
        """Every stored song and reference by the digest of its audio."""
        sides = [*map(self._song_audio, self.experiment.systems), self._reference_audio()]
        return _first_of_each([audio for side in sides for audio in side])

    def _song_audio(self, system: ConfiguredSystem) -> list[tuple[str, _Audio]]:
        songs = self.songs_by_system[system.name]
        blobs = self.records.audio("songs", [key for *_, key in songs])

        def data(song: str, request: Request) -> dict[str, Any]:
            return {"song": song, **self.song_data(request)}

        return [
            (blobs[key].digest, (f"{name.system} {name.prompt}", functools.partial(data, key, request)))
            for name, request, key in songs
            if key in blobs
        ]

    def _reference_audio(self) -> list[tuple[str, _Audio]]:
        stored_keys = [keys["reference"] for keys in self.asset_keys.values() if "reference" in keys]
        blobs = self.records.audio("assets", stored_keys)

        def data(prompt: Prompt) -> dict[str, Any]:
            return {"song": None, **self.reference_data(prompt)}

        audio: list[tuple[str, _Audio]] = []
        for prompt in self.referenced:
            if isinstance(prompt.reference, FileAsset):
                digest = file_digest(prompt.reference.path)
            elif blob := blobs.get(self.asset_keys[prompt.id]["reference"]):
                digest = blob.digest
            else:
                continue
            audio.append((digest, (f"reference of {prompt.id}", functools.partial(data, prompt))))
        return audio

    def set_scoring(self, metric: ConfiguredMetric) -> Stage:
        """The scores of one set metric: one per system of which a song is made, on those that are."""
        keys = self.set_keys(metric)
        settled = self._settled("scores", keys.values())
        jobs, waiting, hopeless = [], 0, 0
        for system in self.experiment.systems:
            generated, more = self.made_by(system), self._unsettled(system) > 0
            if not generated or keys[system.name] in settled:
                waiting, hopeless = waiting + more, hopeless + (not generated and not more)
            else:
                data = {
                    "system": system.name,
                    "songs": [{"song": song, **self.song_data(request)} for request, song in generated],
                    "references": [self.reference_data(prompt) for prompt in self.referenced],
                }
                jobs.append(
                    Job("score_set", self._metric_json(metric), (WorkItem(keys[system.name], system.name, data),))
                )
        return Stage(f"scores of {metric.id}", tuple(jobs), len(self.experiment.systems) - hopeless, waiting)

    # -- helpers ---------------------------------------------------------------------------------------------------

    @functools.cached_property
    def referenced(self) -> list[Prompt]:
        """The prompts that have a reference song."""
        return [prompt for prompt in self.experiment.suite.prompts if prompt.reference]

    def made_by(self, system: ConfiguredSystem) -> list[tuple[Request, str]]:
        """The stored songs of a system, in suite order."""
        songs = self.songs_by_system[system.name]
        stored_keys = self.records.intact("songs", [key for _, _, key in songs])
        return [(request, key) for _, request, key in songs if key in stored_keys]

    def song_score_keys(self, metric: ConfiguredMetric) -> dict[SongId, str]:
        """Per song, the key of its score."""
        if metric.id not in self._score_keys:
            self._score_keys[metric.id] = self._keys_of_scores(metric)
        return self._score_keys[metric.id]

    def look_at_scores(self) -> None:
        """Look at the stored scores of all song metrics together, once: the index gives neighbours at little cost."""
        if not self._scores_seen:
            self._scores_seen = True
            metrics = [metric for metric in self.experiment.metrics if not isinstance(metric.plugin, SetMetric)]
            self.records.look("scores", [key for metric in metrics for key in self.song_score_keys(metric).values()])

    @no_search()
    def _keys_of_scores(self, metric: ConfiguredMetric) -> dict[SongId, str]:
        keys = self.experiment.recorded_keys
        if keys and not metric.availability.ready:
            recorded_keys = {
                name: keys.of_score(metric.card, metric.parameters, name.system, request.prompt, name.take, song)
                for name, (_, request, song) in self.songs.items()
            }
            return {name: key for name, key in recorded_keys.items() if key}
        prefix = score_keys(metric.card, metric.parameters)
        return dict(zip(self.songs, prefix.keys(self._song_keys), strict=True))

    def set_keys(self, metric: ConfiguredMetric) -> dict[str, str]:
        """Per system that made at least one song, the key of its set score."""
        keys = self.experiment.recorded_keys
        if keys and not metric.availability.ready:
            recorded_sets = {}
            for system in self.experiment.systems:
                songs = {"/".join(map(str, name)): key for name, _, key in self.songs_by_system[system.name]}
                recorded_sets[system.name] = keys.of_set_score(
                    metric.card, metric.parameters, system.name, self.experiment.suite.prompts, songs
                )
            return {name: key for name, key in recorded_sets.items() if key}
        references = [self._reference_identity(prompt) for prompt in self.referenced]
        return {
            system.name: set_score_key(metric.card, metric.parameters, [key for _, key in generated], references)
            for system in self.experiment.systems
            if (generated := self.made_by(system))
        }

    def _settled(self, kind: Kind, keys: Iterable[str]) -> set[str]:
        """Those of the keys under which a result or a failure is stored."""
        distinct = set(keys)
        return self.records.intact(kind, distinct) | self.records.intact("failures", distinct)

    def _open(self, kind: Kind, keys: Collection[str]) -> set[str]:
        """Those of the keys under which neither a result nor a failure is stored."""
        return self.records.lacking(kind, keys) - self.records.intact("failures", keys)

    def _unsettled(self, system: ConfiguredSystem) -> int:
        """How many songs of a system are neither made nor failed."""
        return len(self._open("songs", [key for _, _, key in self.songs_by_system[system.name]]))

    def _reference_identity(self, prompt: Prompt) -> str:
        keys = self.asset_keys[prompt.id]
        assert prompt.reference is not None
        return keys.get("reference") or asset_key(prompt.reference, prompt)

    def _metric_json(self, metric: ConfiguredMetric) -> dict[str, Any]:
        return {"metric": metric.id, "parameters": dict(metric.parameters)}

    def _jobs(self, kind: str, common: dict[str, Any], items: Sequence[WorkItem]) -> tuple[Job, ...]:
        return tuple(Job(kind, common, tuple(part)) for part in _chunks(list(items), self.group))


def asset_keys(suite: Suite) -> dict[str, dict[str, str]]:
    """Per prompt id and field, the key of every asset of a suite that has to be rendered or cut."""
    keys: dict[str, dict[str, str]] = {}
    for prompt in suite.prompts:
        keys[prompt.id] = {}
        for name, asset in prompt.assets.items():
            if not isinstance(asset, FileAsset):
                keys[prompt.id][name] = asset_key(asset, prompt, renderer_of(asset, prompt))
    return keys


def _feature_keys(metric: SetMetric) -> list[KeyPrefix]:
    """What gives the keys of the features that a metric asks for, from the digest of their audio."""
    return [feature_keys(extractor.name, extractor.identity) for extractor in metric.extractors]


def _first_of_each(audio: Sequence[tuple[str, _Audio]]) -> dict[str, _Audio]:
    """By digest, in order; what occurs twice is told of where it comes first."""
    first: dict[str, _Audio] = {}
    for digest, facts in audio:
        first.setdefault(digest, facts)
    return first


def _chunks(things: list[T], size: int) -> list[list[T]]:
    return [things[start : start + size] for start in range(0, len(things), size)]


def group_size(items: int, workers: int, accelerator: bool, batch: int | None) -> int:
    """How many songs a job should hold: large batches feed an accelerator, small ones balance CPU cores."""
    if batch:
        return batch
    return 16 if accelerator else max(1, items // (4 * workers))
