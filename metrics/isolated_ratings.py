"""Song metrics whose numbers come from their authors' own code, in an environment of its own.

The code is a checkout of their repository at one commit and is never changed. A worker script calls it once per song
(`IsolatedRatings.worker`); what it would fetch from a model hub is put where it looks for it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from metrics.features.models import require
from metrics.song_inputs import Input, mixes
from songbench.domain.audio import AudioSource, MemoryAudio
from songbench.domain.errors import InputError, UnavailableError
from songbench.domain.hashing import Json
from songbench.domain.score import NotApplicable, Scores
from songbench.domain.song import Failure, Song
from songbench.plugin import READY, Availability, Features, MetricCard, Verdict
from songbench.resources import checkouts, cpu_imports, needs
from songbench.resources.checkouts import Checkout
from songbench.resources.environments import Environment, IsolatedWorker, IsolationError, write_wav
from songbench.resources.weights import Weights

TIMEOUT_SECONDS = 1800.0
"""For one song; loading the models is part of the first."""

SHORTEST_SECONDS = 0.1
"""Less audio than that is nothing that a model could rate."""

SCRIPTS = Path(__file__).with_name("isolated")
"""The folder of the workers' scripts."""


@dataclass(frozen=True, kw_only=True)
class IsolatedRatings:
    """A `SongMetric`: what a worker says of each song.

    The worker's ``Worker.rate(file)`` is given a float32 wav at the rate of the song, with its channels, and returns
    ``{"values": …}``, a number per field of the card, with ``detail`` where there is more to say; or
    ``{"unheard": …}``, why there is nothing to rate. Its settings are ``upstream`` (the folder of the checkout),
    ``weights`` (folders by name) and ``cpu_imports`` (the file of `songbench.resources.cpu_imports`, which it runs
    before it imports torchaudio).

    Attributes:
        card: what it is; `needs` of the card are the names of what follows.
        environment: whose Python runs the worker.
        checkout: the authors' code.
        worker: the script.
        weights: what the authors' code would fetch.
        input: which audio of a song it is given.
    """

    card: MetricCard
    environment: Environment
    checkout: Checkout
    worker: Path
    weights: tuple[Weights, ...] = ()
    input: Input = mixes

    def availability(self) -> Availability:
        """Whether environment, code and weights are here; of several that are missing, the first is named."""
        requirements: list[needs.Need] = [self.environment, self.checkout, *self.weights]
        states = (needs.availability(requirement) for requirement in requirements)
        return next((state for state in states if not state.ready), READY)

    def score(self, songs: Sequence[Song], features: Features) -> Iterator[Verdict]:
        """One verdict per song, in order."""
        with tempfile.TemporaryDirectory(prefix="songbench-ratings-") as folder:
            for source in self.input(songs, features):
                if isinstance(source, NotApplicable | Failure):
                    yield source
                else:
                    yield self._rate(source, Path(folder) / "song.wav")

    def _rate(self, source: AudioSource, path: Path) -> Verdict:
        try:
            audio = source.load()
            if audio.seconds < SHORTEST_SECONDS:
                return NotApplicable(f"the audio is shorter than {SHORTEST_SECONDS:g} s")
            answer: Any = self._process.call("rate", file=str(write_wav(MemoryAudio(audio), path)))
        except IsolationError as error:
            return error.failure("score")
        except InputError as error:
            return Failure("feature", str(error))
        finally:
            path.unlink(missing_ok=True)
        if "unheard" in answer:
            return NotApplicable(str(answer["unheard"]))
        names = [field.name for field in self.card.fields]
        if sorted(answer["values"]) != sorted(names):
            answered = ", ".join(sorted(answer["values"])) or "nothing"
            return Failure("score", f"{self.card.id}: the code gave {answered}, not {', '.join(names)}")
        detail = {
            **answer.get("detail", {}),
            "code": checkouts.identity_of(self.checkout),
            "packages": dict(self._process.packages),
        }
        return Scores(values={name: float(answer["values"][name]) for name in names}, detail=detail)

    @cached_property
    def _process(self) -> IsolatedWorker:
        upstream = checkouts.path_of(self.checkout)
        if upstream is None:
            missing = checkouts.availability(self.checkout)
            raise UnavailableError(f"{missing.reason}. To get it: {missing.cure}")
        settings: dict[str, Json] = {
            "upstream": str(upstream),
            "weights": {entry.name: str(require(entry)) for entry in self.weights},
            "cpu_imports": cpu_imports.__file__,
        }
        return IsolatedWorker(self.environment, self.worker, settings, timeout_s=TIMEOUT_SECONDS)
