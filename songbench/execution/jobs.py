"""What a worker does with a job: the only place where systems and metrics are run."""

from __future__ import annotations

import sys
import time
import traceback
import typing
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

from songbench.contracts import registry
from songbench.contracts.exclusion import not_judged, select_songs, with_left_out
from songbench.contracts.memory import MemoryNeed
from songbench.contracts.metric import SetMetric, SongMetric, Verdict
from songbench.contracts.system import System
from songbench.domain.audio import Audio, AudioFile, AudioSource, MemoryAudio
from songbench.domain.errors import InputError, StoreError, cause_of, one_line
from songbench.domain.prompt import ACCOMPANIMENT, ASSETS, Asset, CutAsset, FileAsset, Prompt, RenderAsset
from songbench.domain.remark import remarks_from_json
from songbench.domain.score import NotApplicable, ScoreError, Scores
from songbench.domain.song import Failure, Request, Song
from songbench.domain.suite import parse_prompt
from songbench.execution.basis import asset_digests, score_basis
from songbench.execution.features import StoredFeatures
from songbench.execution.intact_records import BASIS
from songbench.execution.outcomes import answers
from songbench.execution.plain import ContractError
from songbench.execution.sidework import Sidework
from songbench.execution.songs import asset_source, audio_basis, in_memory, load_song, put_audio, save_song
from songbench.execution.store import Store
from songbench.execution.verdicts import verdict_on_set, verdicts_on
from songbench.resources.memory import set_share, share_bytes
from songbench.resources.numba_cache import take_numba_cache
from songbench.resources.residency import RESIDENT, free

DETAIL_CHARACTERS = 4000
BESIDE_S = 30.0
"""A song that took longer is stored before the next one is begun, spare core or not: that takes a hundredth of its
time, and people see at once that it is done."""

Status: TypeAlias = Literal["done", "failed", "error", "damaged", "stray"]
STATUSES: tuple[Status, ...] = typing.get_args(Status)


@dataclass(frozen=True, kw_only=True)
class Event:
    """What became of one item.

    Attributes:
        status: ``done``: stored; ``failed``: the system or metric says so itself, or broke its contract, final (also of
            an item that was done, which is then no longer stored); ``error``: an exception, which may be tried again;
            ``damaged``: something stored that it needs is damaged and was removed, so that it is made again;
            ``stray``: the plug-in broke its contract beside what it was asked for.
        key: the item's key; for ``stray`` that of any item of the job.
        cause: one line of at most 300 characters, for all but ``done``.
        detail: the end of the traceback.
        seconds: since the previous event of the job.
    """

    status: Status
    key: str
    cause: str = ""
    detail: str = ""
    seconds: float = 0.0

    @classmethod
    def from_json(cls, value: Any) -> Event:
        """What a worker process sends.

        Raises:
            ValueError: when it is no event.
        """
        try:
            event = cls(**value)
        except TypeError:
            raise ValueError(f"no event: {repr(value)[:80]}") from None
        texts = (event.key, event.cause, event.detail)
        if event.status not in STATUSES or not all(isinstance(text, str) for text in texts):
            raise ValueError(f"no event: {repr(value)[:80]}")
        return event


class JobContext:
    """What a worker holds between jobs: one metric, one system, and the models they share, as many as fit.

    Args:
        store: where everything is read from and written to.
        spare_core: there is a core that no generator needs: a song is stored there while the next one is made. Without
            one that would only slow the next song down, whose time is measured.
    """

    def __init__(self, store: Store, *, spare_core: bool = False) -> None:
        take_numba_cache()
        self.store, self.features = store, StoredFeatures(store)
        self.spare_core = spare_core
        self._metric: Any = None
        self._names: dict[str, Hashable] = {}  # of the metric, the system and whichever of them was used last
        self._need = MemoryNeed(0, 0)
        self._system_stays = False

    def divide(self, share: int, need: MemoryNeed) -> None:
        """Note what the next job may use: what it does not need for itself is for models to stay.

        Of a worker that is never told, a system does not stay when a metric is asked for.

        Args:
            share: bytes of the device that computes, at least what the job needs if there is as much.
            need: of the job, as far as it is known.
        """
        set_share(share)
        self._need = need
        RESIDENT.limit(max(0, share - need.working))

    def begin(self) -> None:
        """Begin a job: what it uses and what it finds damaged is noted from here on."""
        self.features.uses.clear()
        self.store.damage.clear()

    def system(self, spec: str, parameters: Mapping[str, Any]) -> System:
        """The system, built anew unless it is the one in use."""
        name = ("system", spec, repr(parameters))
        if name != self._names.get("system"):
            RESIDENT.drop(self._names.get("system"))
            self._names["system"] = name
        system: System = RESIDENT.hold(name, lambda: registry.build_system(spec, parameters), self._need.resident)
        self._system_stays = share_bytes() is not None and self._need.resident > 0
        self._turn_to(name)
        return system

    def metric(self, identifier: str, parameters: Mapping[str, Any]) -> Any:
        """The metric, built anew unless it is the one in use; a system of unknown size goes."""
        name = ("metric", identifier, repr(parameters))
        if not self._system_stays:
            RESIDENT.drop(self._names.get("system"))
        if name != self._names.get("metric"):
            self._metric = self._names["metric"] = None
            free()
            self._metric, self._names["metric"] = registry.build_metric(identifier, parameters), name
        self._turn_to(name)
        return self._metric

    def _turn_to(self, name: Hashable) -> None:
        """Make room where another system or metric is used than before; those of one encoder still find it."""
        if name != self._names.get("last") and share_bytes() is not None:
            RESIDENT.shrink(keep=name)
        self._names["last"] = name


def run_job(job: Mapping[str, Any], context: JobContext) -> Iterator[Event]:
    """Do a job, yielding an event per item as soon as its result is stored.

    Stored audio that turns out to be damaged is removed, and whatever needed it is not settled: a plan that is made
    anew makes the audio again first.

    Raises:
        StoreError: when the store can no longer be used; nothing sensible can go on then.
    """
    work = {"asset": _assets, "generate": _generate, "score": _score, "features": _features, "score_set": _score_set}
    left = [item["key"] for item in job["items"]]
    clock = time.perf_counter()
    context.begin()
    try:
        for event in work[job["kind"]](job, context):
            if context.store.damage and event.status != "done":
                break
            if event.key in left and event.status != "stray":
                left.remove(event.key)
            now = time.perf_counter()
            yield _storable(replace(event, seconds=round(now - clock, 4)))
            clock = now
        for key in [] if context.store.damage else left:
            yield Event(status="error", key=key, cause="ended without giving this result")
    except (StoreError, KeyboardInterrupt, GeneratorExit):
        raise
    except BaseException as error:  # whatever a plug-in raises is data about that plug-in, `sys.exit` too
        for key in [] if context.store.damage else left:
            yield _storable(_error_event(key, error))
    for damage in context.store.damage:
        context.store.remove(damage.place)
    for key in left if context.store.damage else []:
        yield Event(status="damaged", key=key, cause=str(context.store.damage[0]))


def _error_event(key: str, error: BaseException) -> Event:
    return Event(status="error", key=key, cause=cause_of(error), detail="".join(traceback.format_exception(error)))


def _storable(event: Event) -> Event:
    detail = event.detail.encode("utf-8", "replace").decode()[-DETAIL_CHARACTERS:]
    return replace(event, cause=one_line(event.cause), detail=detail)


# -- requests ------------------------------------------------------------------------------------------------------


def _prompt(item: Mapping[str, Any]) -> Prompt:
    return parse_prompt(item["prompt"])


def request_from_json(item: Mapping[str, Any], store: Store) -> Request:
    """A request as a planner sends it, with its vocal, prompt audio and reference ready to load.

    Raises:
        FileNotFoundError: when one of these is to be rendered and is not in the store yet.
    """
    prompt = _prompt(item)
    sources = {name: asset_source(store, prompt, name, item["assets"]) for name in ASSETS}
    neighbour = _prompt(item["other"]) if "other" in item else None
    return Request(
        prompt=prompt,
        take=item["take"],
        seed=item["seed"],
        vocal=sources["vocal"],
        prompt_audio=sources["prompt_wav"],
        reference=sources["reference"],
        other_prompt=neighbour,
        other_reference=asset_source(store, neighbour, "reference", item["other"]["assets"]) if neighbour else None,
    )


def _stored_song(item: Mapping[str, Any], store: Store) -> Song:
    song = load_song(store, item["song"], request_from_json(item, store))
    if song is None:
        raise FileNotFoundError(f"the song {item['song'][:12]} is not in the store")
    return song


def _reference_song(item: Mapping[str, Any], store: Store) -> Song:
    request = request_from_json(item, store)
    assert request.reference is not None
    return Song(request=request, source=request.reference, remarks=remarks_from_json(item["remarks"]))


# -- the kinds of job ----------------------------------------------------------------------------------------------


def _assets(job: Mapping[str, Any], context: JobContext) -> Iterator[Event]:
    rendered: dict[str, Song | Failure] = {}  # a vocal and its accompaniment are stems of one song
    for item in job["items"]:
        prompt, store = _prompt(item), context.store
        asset = prompt.assets[item["field"]]
        source = _source_audio(prompt, asset, item, context, rendered)
        if isinstance(source, Failure):
            yield Event(status="failed", key=item["key"], cause=source.cause, detail=source.detail)
            continue
        audio = MemoryAudio(source.load().cut(asset.start, asset.seconds)) if isinstance(asset, CutAsset) else source
        facts = {"audio": put_audio(store, audio).blob.name, "prompt": prompt.id, "field": item["field"]}
        parents = asset_digests(store, _reference_keys(item) if _is_cut_of_reference(asset) else [])
        store.save("assets", item["key"], {**facts, BASIS: audio_basis(store, facts, parents)})
        yield Event(status="done", key=item["key"])


def _source_audio(
    prompt: Prompt,
    asset: Asset,
    item: Mapping[str, Any],
    context: JobContext,
    rendered: dict[str, Song | Failure],
) -> AudioSource | Failure:
    """What an asset is, or is cut from.

    Args:
        prompt: whose.
        asset: rendered or cut.
        item: of the job, with the keys of the prompt's assets.
        context: holds the renderer and the store.
        rendered: the songs of this job by recipe; more are added.
    """
    if _is_cut_of_reference(asset):
        reference = asset_source(context.store, prompt, "reference", item["assets"])
        assert reference is not None
        return reference
    origin = prompt.origin(asset)
    if isinstance(origin, FileAsset):
        return AudioFile(origin.path)
    recipe = repr(replace(origin, stem=""))
    if recipe not in rendered:
        rendered[recipe] = _rendered(prompt, origin, context)
    song = rendered[recipe]
    return song if isinstance(song, Failure) else _stem(song, origin.stem)


def _is_cut_of_reference(asset: Asset) -> bool:
    return isinstance(asset, CutAsset) and asset.recording is None


def _rendered(prompt: Prompt, asset: RenderAsset, context: JobContext) -> Song | Failure:
    """The song that a recipe describes."""
    bare = replace(prompt, vocal=None, prompt_audio=None, reference=None, track="song")
    system = context.system(asset.system, asset.parameters)
    name = registry.plugin_name(registry.SYSTEMS, registry.SystemSpec.parse(asset.system).name)
    request = (bare.id, 0)
    outcomes = dict(answers(system.generate([Request(prompt=bare, take=0, seed=asset.seed)]), [request], name))
    return outcomes.get(request) or outcomes.get(None) or Failure("generate", f"the {name} gave no song")


def _stem(song: Song, name: str) -> AudioSource | Failure:
    """The part of a rendered song that an asset asks for."""
    import numpy as np

    if not name:
        return song.source
    if name in song.stems:
        return song.stems[name]
    parts = [stem.load() for part, stem in sorted(song.stems.items()) if part != "vocals"]
    if name == ACCOMPANIMENT and parts and "vocals" in song.stems:
        return MemoryAudio(Audio(np.sum([part.samples for part in parts], axis=0), parts[0].rate))
    return Failure("generate", f"the song has no stem '{name}', but {', '.join(sorted(song.stems)) or 'none'}")


def _reference_keys(item: Mapping[str, Any]) -> list[str]:
    return [key for name, key in item["assets"].items() if name == "reference"]


def _asset_keys(item: Mapping[str, Any]) -> list[str]:
    """The keys of everything rendered or cut that a request gives to its system."""
    references = {name: key for name, key in item.get("other", {"assets": {}})["assets"].items() if name == "reference"}
    return [*item["assets"].values(), *references.values()]


def _generate(job: Mapping[str, Any], context: JobContext) -> Iterator[Event]:
    """Songs, each told of when it is stored: where there is a core to spare, mostly when the next one has been made."""
    with Sidework[Event]() as sidework:
        try:
            yield from _songs(job, context, sidework)
        except (StoreError, KeyboardInterrupt, GeneratorExit):
            raise
        except BaseException:  # the system's; what it had made before is stored all the same
            yield from sidework.rest()
            raise


def _songs(job: Mapping[str, Any], context: JobContext, sidework: Sidework[Event]) -> Iterator[Event]:
    name = registry.plugin_name(registry.SYSTEMS, registry.SystemSpec.parse(job["system"]).name)
    requests = [request_from_json(item, context.store) for item in job["items"]]
    keys = {(r.prompt.id, r.take): item["key"] for r, item in zip(requests, job["items"], strict=True)}
    assets = {item["key"]: _asset_keys(item) for item in job["items"]}
    left = dict(keys)
    strays: dict[str, None] = {}
    system = context.system(job["system"], job["parameters"])
    begin_s = time.monotonic()
    for request, outcome in answers(system.generate(requests), keys, name):
        beside = context.spare_core and time.monotonic() - begin_s < BESIDE_S
        sidework.wait()  # no more than one song is on its way
        if request is None:
            assert isinstance(outcome, Failure)
            strays[outcome.cause] = None
            yield from sidework.results()
            continue
        if not left.pop(request, None):
            context.store.discard("songs", keys[request])
        key = keys[request]
        basis = asset_digests(context.store, assets[key])
        storage = _SongStorage(store=context.store, key=key, name=name, assets=basis, system=system.card.name)
        event = storage.refusal(outcome)
        if event is None:
            assert isinstance(outcome, Song)
            event = storage.begin(_with_peak_memory(outcome), sidework if beside else None)
        yield from sidework.results()
        if event is not None:
            yield event
        begin_s = time.monotonic()
    yield from sidework.rest()
    also = "".join(f"; {stray}" for stray in strays)
    yield from (
        Event(status="error", key=key, cause=f"the {name} ended without giving this song{also}")
        for key in left.values()
    )
    if strays and not left:
        yield Event(status="stray", key=next(iter(keys.values())), cause="; ".join(strays))


@dataclass(frozen=True, kw_only=True)
class _SongStorage:
    """Where a song goes.

    Attributes:
        store: the store.
        key: the song's.
        name: of the plug-in, for messages.
        assets: digests of what the song is made from, by key.
        system: the name on the system's card.
    """

    store: Store
    key: str
    name: str
    assets: Mapping[str, str]
    system: str

    def refusal(self, outcome: Song | Failure) -> Event | None:
        """Why there is no song; None where there is one."""
        if isinstance(outcome, Failure):
            return Event(status="failed", key=self.key, cause=outcome.cause, detail=outcome.detail)
        if self.store.damage:  # whatever the system made of it
            return Event(status="damaged", key=self.key, cause=str(self.store.damage[0]))
        return None

    def begin(self, song: Song, sidework: Sidework[Event] | None) -> Event | None:
        """Store a song, at once or beside what this thread does; returns what became of it, None if that is beside.

        Sound that is in the store already, or comes from who knows where, is not touched by another thread.
        """
        if sidework is None:
            return self.save(song)
        try:
            copy = in_memory(song)
        except InputError as error:
            return self._unkept(error)
        if copy is None:
            return self.save(song)
        sidework.begin(lambda: self.save_beside(copy))
        return None

    def save(self, song: Song) -> Event:
        """Store a song or say why it cannot be kept."""
        try:
            save_song(self.store, self.key, song, self.assets, system=self.system)
        except InputError as error:
            return self._unkept(error)
        return Event(status="done", key=self.key)

    def save_beside(self, song: Song) -> Event:
        """The same where another song is being made, which an error must not end.

        Raises:
            StoreError: nothing can be stored.
        """
        try:
            return self.save(song)
        except StoreError:
            raise
        except Exception as error:  # memory may end
            return _error_event(self.key, error)

    def _unkept(self, error: InputError) -> Event:
        return Event(status="failed", key=self.key, cause=f"the {self.name} gave a song that cannot be kept: {error}")


def _with_peak_memory(song: Song) -> Song:
    """The song with the peak memory of this process, where it was made here and does not say that itself."""
    record = song.record
    if record.seconds is None or record.peak_gib is not None or record.own_process:
        return song
    return replace(song, record=replace(record, peak_gib=peak_memory_gib()))


def _score(job: Mapping[str, Any], context: JobContext) -> Iterator[Event]:
    metric: SongMetric = context.metric(job["metric"], job["parameters"])
    pairs = [(item, _stored_song(item, context.store)) for item in job["items"]]
    applicable = [(item, song) for item, song in pairs if not not_judged(metric.card, song)]
    songs = [song for _, song in applicable]
    for (item, song), verdict in zip(applicable, verdicts_on(metric, songs, context.features), strict=True):
        basis = score_basis(context.features, [item], [song], unrelated=songs)
        yield _settle(context.store, item["key"], verdict, _facts(job, item), basis)
    for item, song in pairs:
        if refusal := not_judged(metric.card, song):
            basis = score_basis(context.features, [item], [song], unrelated=[other for _, other in pairs])
            yield _settle(context.store, item["key"], refusal, _facts(job, item), basis)


def _facts(job: Mapping[str, Any], item: Mapping[str, Any]) -> dict[str, Any]:
    of = {"system": item["system"], "prompt": item["prompt"]["id"], "take": item["take"], "song": item["song"]}
    return {"metric": job["metric"], **of}


def _features(job: Mapping[str, Any], context: JobContext) -> Iterator[Event]:
    metric: SetMetric = context.metric(job["metric"], job["parameters"])
    sources = []
    for item in job["items"]:
        song = _stored_song(item, context.store) if item["song"] else _reference_song(item, context.store)
        sources.append(song.source)
    results = [context.features.of(extractor, sources) for extractor in metric.extractors]
    for item, *features in zip(job["items"], *results, strict=True):
        failure = next((one for one in features if isinstance(one, Failure)), None)
        yield (
            Event(status="failed", key=item["key"], cause=failure.cause, detail=failure.detail)
            if failure
            else Event(status="done", key=item["key"])
        )


def _score_set(job: Mapping[str, Any], context: JobContext) -> Iterator[Event]:
    metric: SetMetric = context.metric(job["metric"], job["parameters"])
    (item,) = job["items"]
    songs = [_stored_song(one, context.store) for one in item["songs"]]
    references = [_reference_song(one, context.store) for one in item["references"]]
    song_set, reference_set = select_songs(metric.card, songs), select_songs(metric.card, references)
    verdict = verdict_on_set(metric, song_set.songs, reference_set.songs, context.features)
    if not isinstance(verdict, Exception):
        verdict = with_left_out(verdict, song_set.left_out, reference_set.left_out)
    basis = score_basis(context.features, [*item["songs"], *item["references"]], [*songs, *references])
    yield _settle(context.store, item["key"], verdict, {"metric": job["metric"], "songs": len(songs)}, basis)


def _settle(
    store: Store, key: str, verdict: Verdict | Exception, facts: Mapping[str, Any], basis: Mapping[str, Any]
) -> Event:
    if store.damage:
        return Event(status="damaged", key=key, cause=str(store.damage[0]))
    if isinstance(verdict, ContractError | ScoreError):
        return Event(
            status="failed", key=key, cause=f"the {registry.plugin_name(registry.METRICS, facts['metric'])} {verdict}"
        )
    if isinstance(verdict, Exception):
        return _error_event(key, verdict)
    if isinstance(verdict, Failure):
        return Event(status="failed", key=key, cause=verdict.cause, detail=verdict.detail)
    content = verdict.to_json() if isinstance(verdict, Scores) else {"not_applicable": verdict.reason}
    store.save("scores", key, {**content, "of": dict(facts), BASIS: basis})
    return Event(status="done", key=key)


def verdict_from_record(record: Mapping[str, Any]) -> Scores | NotApplicable:
    """What a metric said, from its stored record."""
    if "not_applicable" in record:
        return NotApplicable(record["not_applicable"])
    return Scores.from_json(record)


def peak_memory_gib() -> float:
    """Peak memory of this process so far, in GiB: of the accelerator where one is in use, else resident memory."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available() and torch.cuda.is_initialized():
        return float(torch.cuda.max_memory_allocated() / 2**30)
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**30
