"""Where a run's results are stored, as its record says: for systems and metrics that are not on this machine.

The key of a song follows from the system that makes it, which elsewhere may lack its weights, its program or its files.
A run can be read all the same: its record names every key. They hold while prompt and metric are the recorded ones.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from songbench.contracts.cards import Availability, MetricCard, SystemCard, unavailable
from songbench.domain.errors import InputError, UnavailableError
from songbench.domain.hashing import Json, content_key
from songbench.domain.prompt import Prompt
from songbench.domain.song import Failure, Request, Song


def words_key(prompt: Prompt) -> str:
    """What a prompt says, as a digest: for machines that lack its audio."""
    return content_key("words of a prompt", prompt.words_to_json())


@dataclass(frozen=True)
class RecordedKeys:
    """The keys of a run record.

    Attributes:
        record: of the run.
    """

    record: Mapping[str, Any]

    def of_song(self, system: str, prompt: Prompt, take: int) -> str | None:
        """The key of a song; None when the run asked for no such song, or the prompt has changed since."""
        key: str | None = self.record["songs"].get(f"{system}/{prompt.id}/{take}")
        return key if key and self._is_recorded(prompt) else None

    def unsupported(self, system: str, prompt: Prompt, take: int) -> str | None:
        """Why a song was never asked for; None when it was."""
        reason: str | None = self.record.get("unsupported", {}).get(f"{system}/{prompt.id}/{take}")
        return reason

    def of_score(
        self, metric: MetricCard, parameters: Mapping[str, Json], system: str, prompt: Prompt, take: int, song: str
    ) -> str | None:
        """The key of the score of a song, whose own key is `song`.

        None when the run has no such score, or scored another song under this name: its system, the prompt or the
        metric have changed since.
        """
        if not self._is_metric(metric, parameters) or not self._is_recorded(prompt):
            return None
        name = f"{system}/{prompt.id}/{take}"
        if self.record["songs"].get(name) != song:
            return None
        key: str | None = self.record["scores"].get(f"{metric.id}/{name}")
        return key

    def of_set_score(
        self,
        metric: MetricCard,
        parameters: Mapping[str, Json],
        system: str,
        prompts: Sequence[Prompt],
        songs: Mapping[str, str],
    ) -> str | None:
        """The key of the score of a system's songs together.

        None when the run has no such score, or it is of other songs or held against other references than those of now.

        Args:
            metric: whose score.
            parameters: of the metric.
            system: the name of the system.
            prompts: of the suite as it is now.
            songs: the keys of the system's songs as they are now, by ``SYSTEM/PROMPT/TAKE``.
        """
        recorded_songs = self._songs_by_system.get(system, {})
        equality = {prompt.id for prompt in prompts} == set(self.record["prompts"]) and songs == recorded_songs
        if not equality or not self._is_metric(metric, parameters) or not all(map(self._is_recorded, prompts)):
            return None
        key: str | None = self.record["scores"].get(f"{metric.id}/{system}")
        return key

    def _is_metric(self, metric: MetricCard, parameters: Mapping[str, Json]) -> bool:
        facts = self.record["metrics"].get(metric.id)
        return bool(facts) and (facts["version"], facts["parameters"]) == (metric.version, dict(parameters))

    @functools.cached_property
    def _songs_by_system(self) -> dict[str, dict[str, str]]:
        songs: dict[str, dict[str, str]] = {}
        for name, key in self.record["songs"].items():
            songs.setdefault(name.partition("/")[0], {})[name] = key
        return songs

    @functools.cached_property
    def _verdicts(self) -> dict[str, tuple[Prompt, bool]]:
        """Per prompt id, the prompt that was looked at last and whether it is the recorded one."""
        return {}

    def _is_recorded(self, prompt: Prompt) -> bool:
        """Asked for every song and score of a prompt; its key is computed once."""
        prompt_then, verdict = self._verdicts.get(prompt.id, (None, False))
        if prompt_then is not prompt:
            verdict = self._matches(prompt)
            self._verdicts[prompt.id] = prompt, verdict
        return verdict

    def _matches(self, prompt: Prompt) -> bool:
        try:
            return bool(self.record["prompts"].get(prompt.id) == prompt.key())
        except InputError:  # its audio is not here either; its words must be the same all the same
            return bool(self.record.get("words", {}).get(prompt.id) == words_key(prompt))

    def system(self, place: int, cause: str) -> AbsentSystem:
        """What stands for a system that cannot even be built here.

        Args:
            place: of the system among those of the run.
            cause: why it cannot be built.

        Raises:
            UnavailableError: the record does not know it either.
        """
        specs = self.record["config"]["systems"]
        for name, facts in self.record["systems"].items():
            if place < len(specs) and facts["spec"] == specs[place]:
                summary, sanity = "It is not on this machine.", bool(facts.get("sanity", False))
                card = SystemCard(name=name, version=facts["version"], summary=summary, licence="", sanity=sanity)
                return AbsentSystem(card, facts["parameters"], cause)
        raise UnavailableError(cause)


@dataclass(frozen=True)
class AbsentSystem:
    """A system of an earlier run of which this machine has the songs only.

    Attributes:
        card: what the record says of it.
        parameters: as they were.
        cause: why it cannot be built here.
    """

    card: SystemCard
    parameters: Mapping[str, Json]
    cause: str

    def availability(self) -> Availability:
        """Never ready."""
        return unavailable(self.cause, "its songs and scores can be read; to make more, run it where it is")

    def generate(self, requests: Sequence[Request]) -> Iterator[Song | Failure]:
        """It makes nothing."""
        return (Failure("generate", self.cause, request=request) for request in requests)
