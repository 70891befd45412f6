"""The contract of a song generator."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol, runtime_checkable

from songbench.contracts.cards import Availability, SystemCard
from songbench.domain.hashing import Json
from songbench.domain.prompt import Prompt
from songbench.domain.song import Failure, Request, Song

OTHER_REFERENCE = "another reference song"
"""The condition of a sanity system that is given the reference of another prompt (`Request.other_reference`)."""


@runtime_checkable
class System(Protocol):
    """A song generator.

    A system is built by calling the object its entry point names with keyword arguments: ``variant`` when the user
    wrote ``name:variant``, ``source`` when they wrote ``name=source``, and what ``--set system.<name>.<key>=<value>``
    gives. Building must be cheap: models are loaded when `generate` is first iterated. It is dropped when its work is
    done.
    """

    @property
    def card(self) -> SystemCard:
        """What it is."""

    @property
    def parameters(self) -> Mapping[str, Json]:
        """Every setting that can change the samples; part of every song's key."""

    def availability(self) -> Availability:
        """Whether it can run here. Must not load a model."""

    def generate(self, requests: Sequence[Request]) -> Iterator[Song | Failure]:
        """Make the songs, yielding each as soon as it is done, in any order.

        Samples must follow from the request alone: not from the batch, the order or the device count.

        Args:
            requests: what is asked, at least one.

        Returns:
            One answer per request: a `Song` (float32 samples, finite, shape (channels, n)) or, where it cannot be made,
            a `Failure` with its request; the others go on.
        """


def conditions_of(card: SystemCard, request: Request) -> tuple[str, ...]:
    """Which of the conditions that a system takes a request offers, for `GenerationRecord.conditions`.

    Args:
        card: of the system.
        request: with or without a vocal, lyrics, a style text and prompt audio.
    """
    absent = {
        "vocal": request.vocal is None,
        "lyrics": not request.prompt.lyrics_known,
        "style text": not request.prompt.style,
        "prompt audio": request.prompt_audio is None,
    }
    return tuple(condition for condition in card.conditions if not absent.get(condition, False))


@runtime_checkable
class Fingerprinted(Protocol):
    """A system whose songs also depend on something outside the request, such as files that were imported."""

    def fingerprint(self, request: Request) -> Json:
        """What else the song of a request depends on, as JSON; part of its key."""


@runtime_checkable
class SystemWithRemarks(Protocol):
    """A system with something to say about a suite before a run begins, such as which imported files are missing."""

    def remarks(self, prompts: Sequence[Prompt], takes: int) -> Sequence[str]:
        """What people should know before the run.

        Args:
            prompts: of the suite.
            takes: how many songs are to be made of each.

        Returns:
            One line each.
        """


@runtime_checkable
class SystemWithLimits(Protocol):
    """A system that knows beforehand which requests it cannot take, so that they are planned out."""

    def unsupported(self, request: Request) -> str | None:
        """Why a request cannot be taken, as one clause, or None when it can.

        That is no failure: such songs are not asked for, and every table says so. Must be cheap and load no model. The
        request's audio may not be there yet, so nothing is read of it.

        Args:
            request: its `prompt_audio` may be None where the prompt has some.
        """


@runtime_checkable
class SystemWithCosts(Protocol):
    """A system whose songs cost money, so that nobody buys any without having said so."""

    def check_costs(self, requests: Sequence[Request]) -> None:
        """Refuse to make songs that the user has not allowed to be bought. Asked before a run does anything.

        Args:
            requests: all songs that the run is going to ask for; those that are stored are not among them.

        Raises:
            InputError: naming how many songs, for how much, and the setting that allows them.
        """


@runtime_checkable
class SystemWithSelfCheck(Protocol):
    """A system that can show, in seconds and without making a song, that what was set up for it works."""

    def self_check(self, say: Callable[[str], None]) -> None:
        """Start what the system stands on, such as the worker and the program in it, and end it again.

        ``songbench setup`` calls it when everything the system needs is here.

        Args:
            say: called with one line per step.

        Raises:
            SongbenchError: something does not start; with the end of what it printed.
        """
