"""A system whose model runs in an environment of its own: an adapter is a card, an environment and a worker script."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import Field

from songbench.contracts import registry
from songbench.contracts.cards import VOCAL_RULES, Availability, SystemCard
from songbench.contracts.system import conditions_of
from songbench.domain.audio import Audio, AudioSource, MemoryAudio, read_audio
from songbench.domain.checking import Schema, checked
from songbench.domain.errors import InputError, SongbenchError, UnavailableError, UnsupportedError, one_line
from songbench.domain.hashing import Json
from songbench.domain.limits import require_language, require_vocal
from songbench.domain.lyrics import render_block
from songbench.domain.remark import Remark
from songbench.domain.rendering import Rendering
from songbench.domain.song import UNKNOWN_DEVICE, Failure, GenerationRecord, Request, Song
from songbench.resources import checkouts, needs, vocals, weights
from songbench.resources.authoring.failures import failure_of
from songbench.resources.checkouts import Checkout
from songbench.resources.environments import Environment, IsolatedWorker, IsolationError, identity_of, write_wav
from songbench.resources.environments.worker import SILENCE_SECONDS, TIMEOUT_SECONDS
from songbench.resources.vocals import VocalFile
from songbench.resources.weights import Weights

_NO_SETTINGS: Mapping[str, Json] = {}
_RESERVED = frozenset(("environment", "weights", "upstream", "scratch"))


@dataclass(frozen=True)
class WorkerInput:
    """What an adapter's rendering gives: its own part of what the worker is told, and what that is for a reader.

    Attributes:
        inputs: replace or extend the entries of the request that `IsolatedSystem` describes.
        rendering: for the song's record.
    """

    inputs: Mapping[str, Json]
    rendering: Rendering | None = None


def render_nothing(request: Request) -> WorkerInput:
    """The rendering of an adapter that takes lyrics in block form and the style as it is."""
    return WorkerInput({})


class IsolatedSystem:
    """A `System` that asks a worker in another environment for each song.

    The worker is a script that defines ``class Worker``. It imports no songbench and has three methods:

    - ``__init__(self, settings)`` loads the model. `settings` are those given here, ``settings["weights"]`` the folder
      of each of `weights` by name, ``settings["scratch"]`` a folder for what it keeps meanwhile, removed with it.
    - ``describe(self)`` is called before each song, when the model is loaded, and returns at once, e.g.
      ``{"device": "cuda:0 NVIDIA H100"}``.
    - ``generate(self, request)`` makes a song and returns ``{"audio": "song.wav"}``, the name of a file that it wrote
      into ``request["folder"]``, at any rate and with any number of channels. It may add ``stems`` (names to files),
      ``seconds`` (compute time; measured from here otherwise), ``peak_gib``, ``device``, ``conditions``, ``stages``,
      ``seed_honoured``, ``notes``, ``settings``, ``lossy``, ``best_of``, ``fake_stereo`` and
      ``loading_included``, as `GenerationRecord` explains them, or say ``{"failure": "why there is no song"}``. Of fake
      stereo the left channel is kept, as the mean of both is a comb filter.

    A request is a mapping: ``id``, ``take``, ``seed``, ``language``, ``lyrics`` (text), ``style`` (text, or None where
    the prompt has none), ``vocal`` and ``prompt_audio`` (paths of float32 wavs, or None), ``seconds`` (or None),
    ``folder``, and whatever `render` returns. Inputs that the card's `conditions` do not name are None.

    Whatever goes wrong is a `Failure` of the song: the environment or weights are not here, an exception over there,
    the worker's death, its silence, a time-out, no file, a file that is no audio or holds no samples.

    Args:
        card: what it is; environment and weights are added to its `needs`.
        environment: whose Python runs the worker.
        worker: the script.
        weights: what the model is loaded from; those that belong to another plug-in by their name.
        settings: every setting that can change the samples; handed to the worker and part of every song's key.
        render: the adapter's own part of a request, such as its form of the lyrics: a pure function of the request,
            whose result, a `WorkerInput` or its `inputs` alone, replaces or extends the entries above. It raises
            `UnsupportedError` for what the system cannot take; it reads no audio, as that may not be there yet.
        upstream: other people's code, whose folder is ``settings["upstream"]``.
        prompt_rate: samples per second of the prompt audio's file; None: as the prompt has it.
        prompt_least_s: how long the prompt audio has to be, in seconds; shorter is a failure that says so.
        prompt_most_s: what is longer is cut from its beginning to this many seconds; None: left as it is.
        vocal: track ``v2a``: how the vocal is written and how long it may be; a request without one is not supported.
        batch: with more than 1, ``generate_batch(self, requests)`` is asked for so many songs at a time and returns a
            list of answers in order; when it fails, each song is asked for by ``generate``, and so is one whose answer
            is None.
        timeout_s: how long a call may take; loading the model is part of the first.
        silence_s: how long the worker may give no sign of life.

    Raises:
        ValueError: `batch` is below 1, or a setting has the name of something that the worker is told anyway.
    """

    def __init__(
        self,
        *,
        card: SystemCard,
        environment: Environment,
        worker: Path,
        weights: Sequence[Weights | str] = (),
        settings: Mapping[str, Json] = _NO_SETTINGS,
        render: Callable[[Request], WorkerInput | Mapping[str, Json]] = render_nothing,
        upstream: Checkout | None = None,
        prompt_rate: int | None = None,
        prompt_least_s: float = 0.0,
        prompt_most_s: float | None = None,
        vocal: VocalFile | None = None,
        batch: int = 1,
        timeout_s: float = TIMEOUT_SECONDS,
        silence_s: float = SILENCE_SECONDS,
    ) -> None:
        if batch < 1:
            raise ValueError(f"batch is {batch}; it must be at least 1")
        if reserved := _RESERVED & settings.keys():
            raise ValueError(f"no setting may be called '{min(reserved)}'")
        entries = tuple(registry.load(registry.WEIGHTS, e) if isinstance(e, str) else e for e in weights)
        sources = () if upstream is None else (upstream,)
        names = dict.fromkeys((environment.name, *(need.name for need in (*sources, *entries)), *card.needs))
        self.card = replace(card, needs=tuple(names))
        self.environment, self.script, self.weights = environment, Path(worker), entries
        self.settings, self.render, self.batch, self.upstream = dict(settings), render, batch, upstream
        self._prompt_rate, self._timeout_s, self._silence_s = prompt_rate, timeout_s, silence_s
        self._prompt_least_s, self._prompt_most_s, self._vocal = prompt_least_s, prompt_most_s, vocal
        self._worker: IsolatedWorker | None = None
        self._scratch: tempfile.TemporaryDirectory[str] | None = None
        self._device = UNKNOWN_DEVICE

    @property
    def parameters(self) -> Mapping[str, Json]:
        """The settings, the pins of the environment, the commit of other people's code, the weights' revisions."""
        revisions = {entry.name: weights.revision_of(entry) for entry in self.weights}
        code = {} if self.upstream is None else {"upstream": checkouts.identity_of(self.upstream)}
        return {**self.settings, "environment": identity_of(self.environment), "weights": revisions, **code}

    def availability(self) -> Availability:
        """Whether environment, code and weights are here, and the one command that gets what is not."""
        code = () if self.upstream is None else (self.upstream,)
        return needs.availability_together([self.environment, *code, *self.weights], self.card.name)

    def unsupported(self, request: Request) -> str | None:
        """Why the system cannot take a request: its language, a condition it needs, whatever `render` refuses."""
        try:
            if self._vocal is not None:
                require_vocal(request.prompt, most_s=self._vocal.most_s)
            require_language(request.prompt, self.card.languages)
            self._rendered(request)
        except UnsupportedError as error:
            return one_line(str(error)).rstrip(".")
        return None

    def generate(self, requests: Sequence[Request]) -> Iterator[Song | Failure]:
        """The songs, in order, each as soon as it is there."""
        try:
            worker = self._started()
        except Exception as error:  # then there is no song for any of them
            yield from (_failed(error, request) for request in requests)
            return
        for start in range(0, len(requests), self.batch):
            group = requests[start : start + self.batch]
            if len(group) > 1:
                yield from self._batch(worker, group)
            else:
                yield self._song(worker, group[0])

    def call(self, method: str, /, **arguments: Json) -> Json:
        """Call a method of the worker, which is started first where it does not run.

        Raises:
            SongbenchError: what it needs is not here, or it failed.
        """
        return self._started().call(method, **arguments)

    def self_check(self, say: Callable[[str], None]) -> None:
        """Start the worker with its model, which is the smallest thing that shows that all of it fits together.

        Args:
            say: called with one line per step.

        Raises:
            SongbenchError: what it needs is not here, or it does not start.
        """
        say(f"{self.card.name}: loading the model")
        self.call("describe")

    def close(self) -> None:
        """End the worker; the next song starts another."""
        if self._worker is not None:
            self._worker.close()
            self._worker = None
        if self._scratch is not None:
            self._scratch.cleanup()
            self._scratch = None

    def _started(self) -> IsolatedWorker:
        """The worker with its model loaded, so that no song's time holds that.

        Raises:
            SongbenchError: environment or weights are not here, or the worker cannot be built.
        """
        if self._worker is None:
            # the folder is ours, so that it goes even when the worker is killed
            self._scratch = self._scratch or tempfile.TemporaryDirectory(prefix="songbench-worker-")
            settings: dict[str, Json] = {
                **self.settings,
                **self.worker_settings(),
                "weights": {entry.name: _folder_of(entry) for entry in self.weights},
                "upstream": None if self.upstream is None else _code_of(self.upstream),
                "scratch": self._scratch.name,
            }
            worker = IsolatedWorker(
                self.environment, self.script, settings, timeout_s=self._timeout_s, silence_s=self._silence_s
            )
            self._device = _checked(_Description, worker.call("describe")).device
            self._worker = worker
        return self._worker

    def _song(self, worker: IsolatedWorker, request: Request) -> Song | Failure:
        with tempfile.TemporaryDirectory(prefix="songbench-song-") as folder:
            try:
                inputs = self._inputs(request, Path(folder))
                worker.call("describe")  # one that died meanwhile starts again here, not in the song's time
                begin = time.perf_counter()
                answer = worker.call("generate", request=inputs)
                return self._read(request, answer, Path(folder), time.perf_counter() - begin)
            except Exception as error:
                return _failed(error, request, worker.printed())

    def _batch(self, worker: IsolatedWorker, requests: Sequence[Request]) -> Iterator[Song | Failure]:
        """Several songs of one call; the time of each is its share."""
        with tempfile.TemporaryDirectory(prefix="songbench-songs-") as folder:
            folders = [Path(folder) / str(number) for number in range(len(requests))]
            try:
                for place in folders:
                    place.mkdir()
                inputs = [self._inputs(request, place) for request, place in zip(requests, folders, strict=True)]
                worker.call("describe")
                begin = time.perf_counter()
                answers = worker.call("generate_batch", requests=inputs, **self.together(requests))
                seconds = (time.perf_counter() - begin) / len(requests)
                if not isinstance(answers, list) or len(answers) != len(requests):
                    raise InputError(f"generate_batch gave no list of {len(requests)} answers.")
            except Exception:  # of whichever song it is: each is asked for again by itself
                answers = None
            for number, request in enumerate(requests):
                if answers is None or answers[number] is None:
                    yield self._song(worker, request)
                    continue
                try:
                    yield self._read(request, answers[number], folders[number], seconds)
                except Exception as error:
                    yield _failed(error, request, worker.printed())

    def worker_settings(self) -> Mapping[str, Json]:
        """What the worker is told beside the settings and cannot change the samples, such as where files lie."""
        return {}

    def together(self, requests: Sequence[Request]) -> Mapping[str, Json]:
        """What ``generate_batch`` is told beside the requests, as further keyword arguments."""
        return {}

    def _rendered(self, request: Request) -> WorkerInput:
        rendered = self.render(request)
        return rendered if isinstance(rendered, WorkerInput) else WorkerInput(rendered)

    def _prompt_file(self, source: AudioSource, folder: Path) -> str:
        """The prompt audio as a file in the folder.

        Raises:
            InputError: it cannot be decoded, or is too short.
        """
        audio = source.load()
        if audio.seconds < self._prompt_least_s:
            raise InputError(
                f"The prompt audio has {audio.seconds:.2f} s; {self.card.name} needs {self._prompt_least_s:g} s."
            )
        if self._prompt_most_s is not None and audio.seconds > self._prompt_most_s:
            audio = audio.cut(0.0, self._prompt_most_s)
        return str(write_wav(MemoryAudio(audio), folder / "prompt.wav", rate=self._prompt_rate))

    def _inputs(self, request: Request, folder: Path) -> dict[str, Json]:
        """What the worker is given, its vocal and prompt audio written into the folder.

        Raises:
            InputError: an audio cannot be decoded or has a length that the system does not take, or the prompt cannot
                be rendered.
        """
        conditions, prompt = conditions_of(self.card, request), request.prompt
        audio: str | None = None
        if "prompt audio" in conditions and request.prompt_audio is not None:
            audio = self._prompt_file(request.prompt_audio, folder)
        vocal = None if self._vocal is None else vocals.path_of(prompt, folder)
        if self._vocal is not None and vocal is not None:
            if request.vocal is None:
                raise InputError("The prompt has no vocal.")
            self._vocal.write(request.vocal, vocal)
        return {
            "id": prompt.id,
            "take": request.take,
            "seed": request.seed,
            "language": prompt.language,
            "lyrics": render_block(prompt.lyrics) if "lyrics" in conditions else None,
            "style": prompt.style if "style text" in conditions else None,
            "vocal": None if vocal is None else str(vocal),
            "prompt_audio": audio,
            "seconds": prompt.seconds,
            "folder": str(folder),
            **self._rendered(request).inputs,
        }

    def _read(self, request: Request, answer: Json, folder: Path, seconds: float) -> Song:
        """The song that an answer names.

        Raises:
            InputError: it is no answer, or a file of it is absent, unreadable or empty.
        """
        result = _checked(_Answer, answer)
        if result.failure:
            raise InputError(result.failure)
        source = _audio(folder, result.audio, left=result.fake_stereo)
        notes = [VOCAL_RULES[rule]] if (rule := self.card.vocal_rule) not in ("", "left out") else []
        if self._vocal is not None:
            audio, changes = self._vocal.fit(source.audio, vocals.path_of(request.prompt, folder))
            source, notes = MemoryAudio(audio), [*notes, *changes]
        record = GenerationRecord(
            seconds=seconds if result.seconds is None else result.seconds,
            device=result.device or self._device,
            peak_gib=result.peak_gib,
            conditions=conditions_of(self.card, request) if result.conditions is None else result.conditions,
            seed_honoured=result.seed_honoured,
            stages=result.stages,
            notes=(*notes, *result.notes),
            rendering=self._rendered(request).rendering,
            settings={**self.settings, **result.settings},
            lossy=result.lossy,
            best_of=result.best_of,
            fake_stereo=result.fake_stereo,
            loading_included=result.loading_included,
            own_process=True,
        )
        stems = {name: _audio(folder, file) for name, file in result.stems.items()}
        return Song(request=request, source=source, record=record, stems=stems, remarks=self._remarks(source))

    def _remarks(self, source: MemoryAudio) -> tuple[Remark, ...]:
        rate, usual = source.audio.rate, self.card.sample_rate
        if usual in (None, rate):
            return ()
        return (Remark("other rate", f"{rate:,} samples per second instead of {usual:,}"),)


class _Description(Schema):
    """What ``describe`` returns."""

    device: str = UNKNOWN_DEVICE


class _Answer(Schema):
    """What ``generate`` returns."""

    audio: str = ""
    failure: str = ""
    stems: Mapping[str, str] = Field(default_factory=dict)
    seconds: float | None = None
    peak_gib: float | None = None
    device: str | None = None
    conditions: tuple[str, ...] | None = None
    stages: Mapping[str, float] = Field(default_factory=dict)
    seed_honoured: bool = True
    notes: tuple[str, ...] = ()
    settings: Mapping[str, Any] = Field(default_factory=dict)
    lossy: str = ""
    best_of: int = 1
    fake_stereo: bool = False
    loading_included: bool = False


def _checked(model: type[Any], answer: Json) -> Any:
    try:
        return checked(model, answer)
    except InputError as error:
        raise InputError(f"The worker's answer cannot be used: {error}") from None


def _folder_of(entry: Weights) -> str:
    folder = weights.verified(entry)
    if folder is None:
        missing = weights.availability(entry)
        raise UnavailableError(f"{missing.reason}. To get it: {missing.cure}")
    return str(folder)


def _code_of(code: Checkout) -> str:
    folder = checkouts.path_of(code)
    if folder is None:
        missing = checkouts.availability(code)
        raise UnavailableError(f"{missing.reason}. To get it: {missing.cure}")
    return str(folder)


def _audio(folder: Path, file: str, *, left: bool = False) -> MemoryAudio:
    """The audio of a file in the folder, or its left channel, in memory, as the folder goes away."""
    path = folder / file
    if not path.is_file():
        files = ", ".join(sorted(entry.name for entry in folder.iterdir())) or "nothing"
        raise InputError(f"The worker names '{file}', which it did not write (there is {files}).")
    try:
        audio = read_audio(path)
    except InputError as error:
        raise InputError(str(error).replace(str(path), path.name)) from None
    return MemoryAudio(Audio(audio.samples[:1], audio.rate) if left else audio)


def _failed(error: Exception, request: Request, printed: str = "") -> Failure:
    if isinstance(error, IsolationError):
        return replace(error.failure("generate"), request=request)
    failure = failure_of(error, "generate", request)
    cause = one_line(str(error)) if isinstance(error, SongbenchError) else failure.cause
    return replace(failure, cause=cause, detail=failure.detail + printed)
