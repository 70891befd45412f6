"""A system behind a program of other people's: an adapter is a card, an environment, a checkout and a rendering."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from songbench.contracts.cards import SystemCard
from songbench.domain.hashing import Json
from songbench.domain.song import Request
from songbench.resources.checkouts import Checkout
from songbench.resources.environments import Environment
from songbench.resources.environments.worker import SILENCE_SECONDS
from songbench.resources.isolated_system import IsolatedSystem, WorkerInput
from songbench.resources.upstream.invocation import Invocation
from songbench.resources.vocals import VocalFile
from songbench.resources.weights import Weights

WORKER = Path(__file__).with_name("upstream") / "script_worker.py"

SONG_TIMEOUT_SECONDS = 7200.0
"""How long one call may take where an adapter does not say otherwise: some need minutes for ten seconds of song."""

_NO_SETTINGS: Mapping[str, Json] = {}
_NO_VARIABLES: Mapping[str, str] = {}


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Where a program looks for its files, below the work tree.

    Attributes:
        links: place → the name of weights whose folder is linked there, or ``NAME/FILE`` for one file of it.
        hub: id on the model hub → the name of weights that are laid out there as the hub's own cache would.
        hub_folder: where that cache is; the variable ``HF_HUB_CACHE`` names it too.
        cwd: the folder that the program runs in.
    """

    links: Mapping[str, str] = field(default_factory=dict)
    hub: Mapping[str, str] = field(default_factory=dict)
    hub_folder: str = "hub"
    cwd: str = "."


class ScriptSystem(IsolatedSystem):
    """A `System` that runs an unmodified program for each song, in a process of its own.

    The program runs in a work tree: links to the checkout, weights at their places. Python's, NumPy's and torch's
    generators are seeded before it starts, so that a program without an option for it honours the seed too. Success is
    judged by the files it wrote. Failures name how it ended and its last words, whatever its exit code was.

    Args:
        card: what it is.
        environment: whose Python runs the program.
        upstream: its code; None where it is installed in the environment.
        weights: what it loads, or the names of those that belong to another plug-in.
        layout: where it looks for them.
        script: the Python file in the checkout that is run, or ``-m MODULE``.
        variables: environment variables of the program; placeholders are replaced as in an `Invocation`.
        invoke: how it is called for a request: a pure function, which raises `UnsupportedError` for what it cannot
            take. It reads no audio.
        merge: for programs that make several songs in one call: puts the invocations of single songs together. File
            names and output patterns of single songs have to be unique then.
        batch: how many songs are made in one call. More than one makes loading cheaper, and the samples of a program
            without a seed option depend on their neighbours, which the record says.
        settings: every setting that can change the samples; part of every song's key.
        check_arguments: with which the program does nothing but start; for `self_check`.
        prompt_rate, prompt_least_s, prompt_most_s, vocal, timeout_s: as `IsolatedSystem` explains them.

    Raises:
        ValueError: a batch without `merge`.
    """

    def __init__(
        self,
        *,
        card: SystemCard,
        environment: Environment,
        upstream: Checkout | None,
        script: str,
        invoke: Callable[[Request], Invocation],
        variables: Mapping[str, str] = _NO_VARIABLES,
        weights: Sequence[Weights | str] = (),
        layout: Layout | None = None,
        merge: Callable[[Sequence[Invocation]], Invocation] | None = None,
        batch: int = 1,
        settings: Mapping[str, Json] = _NO_SETTINGS,
        check_arguments: tuple[str, ...] = ("--help",),
        prompt_rate: int | None = None,
        prompt_least_s: float = 0.0,
        prompt_most_s: float | None = None,
        vocal: VocalFile | None = None,
        timeout_s: float = SONG_TIMEOUT_SECONDS,
    ) -> None:
        if batch > 1 and merge is None:
            raise ValueError(f"{card.name} makes one song in a call; a batch of {batch} needs a function to merge them")
        super().__init__(
            card=card,
            environment=environment,
            worker=WORKER,
            weights=weights,
            settings=settings,
            render=self._render,
            upstream=upstream,
            prompt_rate=prompt_rate,
            prompt_least_s=prompt_least_s,
            prompt_most_s=prompt_most_s,
            vocal=vocal,
            batch=batch,
            timeout_s=timeout_s,
            silence_s=SILENCE_SECONDS,
        )
        self.invoke, self.layout = invoke, layout or Layout()
        self.program, self.variables = script, dict(variables)
        self._merge, self._check_arguments = merge, check_arguments

    def worker_settings(self) -> Mapping[str, Json]:
        """Which program is run, in which surroundings."""
        layout = {
            name: dict(value) if isinstance(value, Mapping) else value for name, value in vars(self.layout).items()
        }
        return {**layout, "script": self.program, "variables": self.variables}

    def together(self, requests: Sequence[Request]) -> Mapping[str, Json]:
        """The one call that makes all songs."""
        assert self._merge is not None
        invocations = [self.invoke(request).numbered(number) for number, request in enumerate(requests)]
        return {"invocation": self._merge(invocations).to_json()}

    def _render(self, request: Request) -> WorkerInput:
        invocation = self.invoke(request)
        return WorkerInput({"invocation": invocation.to_json()}, invocation.rendering)

    def self_check(self, say: Callable[[str], None]) -> None:
        """Start the worker and the program with arguments that make it do nothing.

        Args:
            say: called with one line per step.

        Raises:
            SongbenchError: environment, code or weights are not here, or the program does not start.
        """
        say(f"{self.card.name}: running {self.program} {' '.join(self._check_arguments)}")
        self.call("check", arguments=list(self._check_arguments))
