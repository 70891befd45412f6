"""What a listening test is made of: the songs, prompts and references of a run, wherever they lie."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, field

from songbench.domain.audio import AudioFile, AudioSource
from songbench.domain.errors import InputError
from songbench.domain.prompt import Asset, FileAsset, Prompt
from songbench.domain.song import Song
from songbench.domain.vocal_mix import VocalMix
from songbench.execution.experiment import Experiment
from songbench.execution.plan import Planner
from songbench.execution.recorded import stored_songs
from songbench.execution.results import SongId
from songbench.execution.songs import StoredAudio
from songbench.execution.store import Store
from songbench.execution.store_layout import Blob


@dataclass(frozen=True)
class Contestant:
    """A system of the run.

    Attributes:
        name: in tables.
        conditions: what it takes, as on its card.
        sanity: whether it is an anchor of the scale rather than a competitor.
    """

    name: str
    conditions: tuple[str, ...] = ("lyrics",)
    sanity: bool = False


@dataclass(frozen=True, kw_only=True)
class Material:
    """Everything that a test can be made of.

    Attributes:
        run: the name of the run.
        runs: the folder of run folders.
        systems: in the order of tables.
        prompts: by id, in the order of the suite.
        songs: every song that was asked for; None: it was not made.
        keys: of these songs in the store.
        prompt_audio: by prompt, the style samples there are.
        references: by prompt, the reference songs there are; in track ``v2a`` the true accompaniments.
        vocals: by prompt, the vocals of track ``v2a``; empty in the track ``song``.
        pending: songs that were neither made nor failed: the run has not finished.
    """

    run: str
    runs: str
    systems: tuple[Contestant, ...]
    prompts: Mapping[str, Prompt]
    songs: Mapping[SongId, Song | None]
    keys: Mapping[SongId, str] = field(default_factory=dict)
    prompt_audio: Mapping[str, AudioSource] = field(default_factory=dict)
    references: Mapping[str, AudioSource] = field(default_factory=dict)
    vocals: Mapping[str, AudioSource] = field(default_factory=dict)
    pending: tuple[SongId, ...] = ()

    @property
    def takes(self) -> tuple[int, ...]:
        """The numbers of the takes of the run."""
        return tuple(sorted({name.take for name in self.songs}))

    @property
    def track(self) -> str:
        """The track of the run."""
        return next((prompt.track for prompt in self.prompts.values()), "song")


def gather_material(experiment: Experiment, store: Store, runs: str) -> Material:
    """The songs, style samples and references of a run that was done before. Nothing is decoded yet.

    Args:
        experiment: as recorded.
        store: where its results are.
        runs: the folder of run folders, as it was given.
    """
    songs, settled = stored_songs(experiment, store), store.keys("failures")
    cards = [system.card for system in experiment.systems]
    prompts = {prompt.id: prompt for prompt in experiment.suite.prompts}
    return Material(
        run=experiment.name,
        runs=runs,
        systems=tuple(Contestant(card.name, card.conditions, card.sanity) for card in cards),
        prompts=prompts,
        songs={name: song for name, (song, _) in songs.items()},
        keys={name: key for name, (_, key) in songs.items() if key},
        prompt_audio=_assets(experiment, store, "prompt_wav"),
        references=_assets(experiment, store, "reference"),
        vocals=_assets(experiment, store, "vocal"),
        pending=tuple(name for name, (song, key) in songs.items() if key and song is None and key not in settled),
    )


def _assets(experiment: Experiment, store: Store, name: str) -> dict[str, AudioSource]:
    keys = Planner(experiment, store).asset_keys
    sources: dict[str, AudioSource] = {}
    for prompt in experiment.suite.prompts:
        asset: Asset | None = prompt.assets.get(name)
        if isinstance(asset, FileAsset):
            sources[prompt.id] = AudioFile(asset.path)
        elif asset is not None and (record := store.get("assets", keys[prompt.id][name])):
            sources[prompt.id] = StoredAudio(store, Blob(record["audio"]))
    return sources


def where(source: AudioSource) -> str:
    """The file of a source, for messages; of a mix that of the accompaniment."""
    if isinstance(source, VocalMix):
        return where(source.accompaniment)
    if isinstance(source, AudioFile):
        return str(source.path)
    return f"{source.store.url}, {source.blob.name}" if isinstance(source, StoredAudio) else "audio in memory"


def seconds_of(source: AudioSource) -> float:
    """The length of a source; of files only the head is decoded.

    Raises:
        InputError: when it is gone or cannot be decoded, naming it.
    """
    import soundfile

    if isinstance(source, VocalMix):
        return max(seconds_of(source.vocal), seconds_of(source.accompaniment))
    try:
        if isinstance(source, StoredAudio):
            return float(soundfile.info(io.BytesIO(source.store.read_blob(source.blob))).duration)
        if isinstance(source, AudioFile) and source.path.is_file():
            return float(soundfile.info(source.path).duration)
    except soundfile.SoundFileError as error:
        raise InputError(f"The audio cannot be decoded ({error}).", file=where(source)) from None
    return source.load().seconds
