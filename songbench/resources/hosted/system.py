"""A system that is a service: songs are ordered over HTTP, paid for, waited for and fetched."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from songbench.contracts.cards import Availability, SystemCard
from songbench.contracts.system import conditions_of
from songbench.domain.audio import MemoryAudio, read_audio_with_remarks
from songbench.domain.checking import checked, field_names
from songbench.domain.errors import InputError, SongbenchError, UnsupportedError, one_line
from songbench.domain.hashing import Json, content_key
from songbench.domain.limits import require_language
from songbench.domain.prompt import Prompt
from songbench.domain.rendering import Rendering
from songbench.domain.song import Failure, GenerationRecord, Request, Song
from songbench.resources.authoring.failures import failure_of
from songbench.resources.files import write_atomically
from songbench.resources.hosted.errors import ServiceError, error_of_status
from songbench.resources.hosted.orders import Order, OrderBook, now, orders_folder
from songbench.resources.hosted.pace import Pace
from songbench.resources.hosted.service import Service, address_of, key_of, key_state
from songbench.resources.hosted.terms import Price, Terms

if TYPE_CHECKING:  # what speaks HTTP takes as long to load as all cards of such systems
    from songbench.resources.hosted.client import HttpClient

_OF_ALL_SONGS = ("key", "quota")
"""Trouble that the next order would meet as well."""

_ORDER_GONE = ("content", "input", "failed", "unknown task")
"""Trouble after which there is no order any more: the next try is a new one."""

_NOT_ORDERED = ("key", "quota", "content", "input", "rate", "server", "unreached", "failed", "unknown task", "stopped")
"""Trouble with an order that was certainly not taken."""


@dataclass(frozen=True, kw_only=True)
class HostedInput:
    """A request in a service's own form.

    Attributes:
        body: the JSON that is sent.
        rendering: what became of the prompt in it.
    """

    body: Mapping[str, Json]
    rendering: Rendering


@dataclass(frozen=True, kw_only=True)
class HostedSong:
    """A song that a service has made: either its address or its bytes.

    Attributes:
        url: where it can be fetched without a key.
        data: the sound file itself.
        returned: how many songs the service made of the order; this is the first of them.
        notes: what it said of it.
    """

    url: str = ""
    data: bytes = b""
    returned: int = 1
    notes: tuple[str, ...] = ()


class HostedSystem:
    """A `System` behind an HTTP API; an adapter is a card, a `Service` and the methods `render`, `order` and `ask`.

    What it does for all of them:

    - The key comes from an environment variable, goes to the service alone, and stands in no message and no record.
    - Nothing is asked of the service before songs are made: not in listings, plans, dry runs or by `availability`.
    - Songs cost money: `remarks` says how much, and none is ordered beyond the setting ``max_songs``.
    - Orders keep to the service's pace, also those of other processes; what failed for a while is tried again.
    - An order is written down on disk before its task is asked about, and forgotten when its song was taken. A run that
      is killed picks up what is paid for.
    - The first song is taken where a service makes several. Its file is checked to be a whole sound file.

    Args:
        card: what it is.
        service: where it is, and the key it wants.
        price: of a song, as far as it is known.
        settings: every setting that can change the samples; part of every song's key.
        terms: the fields of `Terms` that the user has set.

    Raises:
        InputError: a setting is unknown or out of range, or the address is none.
    """

    def __init__(
        self,
        *,
        card: SystemCard,
        service: Service,
        price: Price | None = None,
        settings: Mapping[str, Json],
        terms: Mapping[str, Any],
    ) -> None:
        if unknown := next((name for name in terms if name not in Terms.model_fields), None):
            raise InputError(
                "There is no such setting.",
                field=unknown,
                value=unknown,
                allowed=[*settings, *field_names(Terms)],
            )
        self.card, self.service, self.settings = card, service, dict(settings)
        self.terms = checked(Terms, terms)
        self.price = price or Price()
        if self.terms.price is not None:
            self.price = replace(self.price, amount=self.terms.price, source="as set")
        self._address = address_of(service, self.terms.address)
        self._barred: ServiceError | None = None

    # -- an adapter's own part -----------------------------------------------------------------------------------------

    def render(self, request: Request) -> HostedInput:
        """The request in the service's own form: pure, and without reading its audio.

        Raises:
            UnsupportedError: the service cannot take it.
        """
        raise NotImplementedError

    def order(self, client: HttpClient, body: Mapping[str, Json]) -> str | HostedSong:
        """Order a song: one call of `HttpClient.post`.

        Returns:
            The service's name for the task, or the song where the service makes it while we wait.

        Raises:
            ServiceError: the service refuses.
        """
        raise NotImplementedError

    def ask(self, client: HttpClient, task: str) -> HostedSong | None:
        """What has become of a task: the song, or None while it is being made.

        Raises:
            ServiceError: it failed (trouble ``failed`` or ``content``: the order is forgotten).
        """
        raise NotImplementedError

    def problem(self, status: int, payload: Json) -> ServiceError | None:
        """What an answer says went wrong, or None.

        Args:
            status: of HTTP.
            payload: the decoded JSON, or None.
        """
        return error_of_status(status, message_in(payload))

    # -- a system ------------------------------------------------------------------------------------------------------

    @property
    def parameters(self) -> Mapping[str, Json]:
        """The settings; and the address, where it is another than the service's own."""
        return {**self.settings, **({} if self._address == self.service.address else {"address": self._address})}

    def availability(self) -> Availability:
        """Ready when there is a key; whether the service takes it shows when the first song is made."""
        return key_state(self.service)

    def unsupported(self, request: Request) -> str | None:
        """Why the service cannot take a request, or None when it can."""
        try:
            require_language(request.prompt, self.card.languages)
            self.render(request)
        except UnsupportedError as error:
            return one_line(str(error)).rstrip(".")
        return None

    def remarks(self, prompts: Sequence[Prompt], takes: int) -> list[str]:
        """What the songs cost, whether they may be bought, and which orders of earlier runs are open."""
        requests = [Request(prompt=prompt, take=take, seed=0) for prompt in prompts for take in range(takes)]
        billable = [request for request in requests if self.unsupported(request) is None]
        name = self.card.name
        rows = [f"{name} costs money: {self._bill(billable)}; songs that are stored already cost nothing"]
        if self.terms.max_songs < len(billable):
            allowed = f"at most {self.terms.max_songs}" if self.terms.max_songs else "none"
            rows.append(f"{name}: {allowed} may be bought; for all: {self._permission(len(billable))}")
        if open_orders := self._book.open_orders():
            rows.append(
                f"{name}: {open_orders} paid orders of earlier runs are picked up where they are asked for again"
            )
        return rows

    def check_costs(self, requests: Sequence[Request]) -> None:
        """Refuse to buy more songs than the user allows; those that are ordered already are not counted.

        Raises:
            InputError: naming how many, for how much, and the setting that allows them.
        """
        supported = (request for request in requests if self.unsupported(request) is None)
        missing = [request for request in supported if not self._is_ordered(request)]
        if len(missing) > self.terms.max_songs:
            allowed = self.terms.max_songs
            raise InputError(
                f"{self.card.name} would buy {self._bill(missing)}, and "
                + (f"{allowed} may be bought." if allowed else "none may be bought unless you say so."),
                field="max_songs",
                cure=f"Nothing was sent. To allow it: {self._permission(len(missing))}",
            )

    def generate(self, requests: Sequence[Request]) -> Iterator[Song | Failure]:
        """The songs, each as soon as it is there."""
        self.check_costs(requests)
        self._barred = None
        stop = threading.Event()
        pool = ThreadPoolExecutor(min(self._at_once, len(requests)) or 1, thread_name_prefix=self.card.name)
        try:
            futures = [pool.submit(self._song, request, stop) for request in requests]
            for future in as_completed(futures):
                outcome = future.result()
                yield outcome
                if isinstance(outcome, Song):  # whoever asked has it now
                    self._book.remove(self._key(outcome.request))
        finally:
            stop.set()
            pool.shutdown(cancel_futures=True)

    # -- money ---------------------------------------------------------------------------------------------------------

    def _bill(self, requests: Sequence[Request]) -> str:
        """How many songs, the price of each, and the sum."""
        costs = [self.price.cost(self._longest(request)) for request in requests]
        number = f"{len(requests)} song" + ("" if len(requests) == 1 else "s")
        if any(cost is None for cost in costs):
            return f"{number}, {self.price}"
        total = sum(cost for cost in costs if cost is not None)
        return f"{number}, {self.price}, {self.price.currency} {total:.2f} at most"

    def _longest(self, request: Request) -> float | None:
        try:
            seconds = self.render(request).rendering.seconds
        except SongbenchError:
            seconds = None
        return seconds or self.card.max_seconds

    def _permission(self, songs: int) -> str:
        return f"--set system.{self.card.name.partition(':')[0]}.max_songs={songs}"

    # -- orders --------------------------------------------------------------------------------------------------------

    @property
    def _at_once(self) -> int:
        return self.terms.at_once or self.service.at_once

    @property
    def _book(self) -> OrderBook:
        return OrderBook(self._folder)

    @property
    def _folder(self) -> Path:
        return orders_folder() / self.card.name.replace(":", "-")

    @property
    def _pace(self) -> Pace:
        """One for all variants, as the account is one."""
        name = self.card.name.partition(":")[0]
        interval_s = self.service.interval_s if self.terms.interval_s is None else self.terms.interval_s
        return Pace(orders_folder() / "pace" / name, self._at_once, interval_s)

    def _key(self, request: Request) -> str:
        return content_key(
            "hosted song",
            {"system": self.card.name, "version": self.card.version, "parameters": dict(self.parameters)},
            request.prompt.key(),
            {"take": request.take, "seed": request.seed},
        )

    def _is_ordered(self, request: Request) -> bool:
        key = self._key(request)
        order = self._book.find(key)
        return (order is not None and bool(order.task)) or self._book.audio(key).is_file()

    def _client(self, stop: threading.Event) -> HttpClient:
        from songbench.resources.hosted.client import HttpClient

        key = key_of(self.service)
        return HttpClient(
            self._address,
            {self.service.key_header: self.service.key_prefix + key},
            secret=key,
            judge=self.problem,
            stop=stop,
            first_wait_s=self.service.first_wait_s,
        )

    def _song(self, request: Request, stop: threading.Event) -> Song | Failure:
        try:
            hosted_input, key = self.render(request), self._key(request)
            order = self._book.find(key)
            if not self._book.audio(key).is_file():
                with self._pace.place(stop):
                    order = self._delivered(request, hosted_input, key, order, stop)
            return self._read(request, hosted_input.rendering, key, order)
        except ServiceError as error:
            if error.trouble in _OF_ALL_SONGS:
                self._barred = error
            check = f" (see {self.service.key_variable} and your account)" if error.trouble in _OF_ALL_SONGS else ""
            return Failure("generate", one_line(f"{self.service.name}: {error}{check}"), request=request)
        except SongbenchError as error:
            return Failure("generate", one_line(str(error)), request=request)
        except Exception as error:
            return failure_of(error, "generate", request)

    def _delivered(
        self, request: Request, hosted_input: HostedInput, key: str, order: Order | None, stop: threading.Event
    ) -> Order:
        """Have the song's file on this machine: order it, unless that was done, wait for it and fetch it."""
        client, book = self._client(stop), self._book
        song: HostedSong | None = None
        # 1. the order, written down before and after it is given
        if order is None or not order.task:
            order, song = self._order_song(client, request, hosted_input.body, key, order, stop)
        # 2. the song
        if song is None:
            song = self._finished(client, key, order.task, stop)
        # 3. its file
        order = order.model_copy(update={"returned": song.returned, "notes": (*order.notes, *song.notes)})
        book.save(key, order)
        if song.data:
            write_atomically(book.audio(key), song.data, mode=0o600)
        else:
            client.download(song.url, book.audio(key))
        return order

    def _order_song(
        self,
        client: HttpClient,
        request: Request,
        body: Mapping[str, Json],
        key: str,
        earlier: Order | None,
        stop: threading.Event,
    ) -> tuple[Order, HostedSong | None]:
        """Order a song."""
        book = self._book
        self._pace.turn(stop)
        if self._barred is not None:
            raise self._barred
        notes: tuple[str, ...] = ()
        if earlier is not None:
            notes = (f"ordered again: an order of {earlier.sent} was never answered, and may cost as well",)
        order = Order(prompt=request.prompt.id, take=request.take, sent=now(), notes=notes)
        book.save(key, order)
        try:
            answer = self.order(client, body)
        except ServiceError as error:
            if error.trouble in _NOT_ORDERED and earlier is None:
                book.remove(key)
            raise
        if isinstance(answer, HostedSong):
            return order, answer
        order = order.model_copy(update={"task": answer})
        book.save(key, order)
        return order, None

    def _finished(self, client: HttpClient, key: str, task: str, stop: threading.Event) -> HostedSong:
        """Wait for a task."""
        deadline_s = time.monotonic() + self.terms.timeout_s
        poll_s = self.service.poll_s if self.terms.poll_s is None else self.terms.poll_s
        while True:
            try:
                song = self.ask(client, task)
            except ServiceError as error:
                if error.trouble in _ORDER_GONE:
                    self._book.remove(key)
                raise
            if song is not None:
                return song
            if time.monotonic() + poll_s > deadline_s:
                raise ServiceError(
                    "late",
                    f"task {task} was not done after {self.terms.timeout_s:g} s; the order is kept, and picked up by"
                    " a run with --retry-failed",
                )
            if stop.wait(poll_s):
                raise ServiceError("stopped", "the run ended")

    def _read(self, request: Request, rendering: Rendering, key: str, order: Order | None) -> Song:
        """The song in the downloaded file.

        Raises:
            InputError: it is no whole sound file. It is fetched again next time; ordered anew where there was no task.
        """
        path = self._book.audio(key)
        try:
            audio, remarks = read_audio_with_remarks(path)
            lossy = lossy_codec(path)
        except InputError as error:
            path.unlink(missing_ok=True)
            if order is None or not order.task:
                self._book.remove(key)
            raise InputError(f"{self.service.name}: {str(error).replace(str(path), 'the song')}") from None
        notes = () if order is None else order.notes
        if order is not None and order.returned > 1:
            notes = (f"the first of {order.returned} songs that one order gave", *notes)
        record = GenerationRecord(
            device=f"{self.service.name} (hosted)",
            conditions=conditions_of(self.card, request),
            seed_honoured=False,
            notes=notes,
            rendering=rendering,
            settings=self.settings,
            lossy=lossy,
        )
        return Song(request=request, source=MemoryAudio(audio), record=record, remarks=remarks)


def lossy_codec(path: Path) -> str:
    """The codec of a sound file that loses something, such as ``mp3``, ``vorbis`` or ``opus``; "" for others."""
    import soundfile

    subtype = str(soundfile.info(path).subtype)
    return "mp3" if subtype.startswith("MPEG") else subtype.lower() if subtype in ("VORBIS", "OPUS") else ""


def message_in(payload: Json) -> str:
    """What a service says in the usual places of an error: ``error``, ``detail``, ``message``; "" where nowhere."""
    if isinstance(payload, str):
        return one_line(payload)
    if isinstance(payload, Mapping):
        return next((text for name in ("error", "detail", "message") if (text := message_in(payload.get(name)))), "")
    return ""
