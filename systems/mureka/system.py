"""Mureka as a system."""

from __future__ import annotations

import urllib.parse
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from songbench.domain.errors import one_line
from songbench.domain.hashing import Json
from songbench.domain.song import Request
from songbench.plugin import HostedSystem
from songbench.resources.hosted import (
    HostedInput,
    HostedSong,
    ServiceError,
    error_of_status,
    message_in,
)
from systems.mureka.card import CARD, PRICE, SERVICE
from systems.mureka.rendering import render

if TYPE_CHECKING:
    from songbench.resources.hosted.client import HttpClient

MODEL = "mureka-9"
"""The newest that the documentation names."""

_AT_WORK = ("preparing", "queued", "running", "streaming", "reviewing")
_GIVEN_UP = ("failed", "timeouted", "cancelled")


class Mureka(HostedSystem):
    """Songs from lyrics and a style in words.

    Args:
        variant: the model, for ``mureka:mureka-8``, which has a row of its own.
        n: how many songs one order makes; each is paid for, and the first is taken.
        file: the kind of file that is fetched. Where a song has no such address, its mp3 is.
        **terms: what may be spent, and how fast: `songbench.resources.hosted.Terms`.
    """

    def __init__(
        self,
        variant: str | None = None,
        n: Annotated[int, Field(ge=1, le=3)] = 1,
        file: Literal["flac", "wav", "mp3"] = "flac",
        **terms: Any,
    ) -> None:
        card = CARD if variant in (None, MODEL) else replace(CARD, name=f"{CARD.name}:{variant}")
        settings: dict[str, Json] = {"model": variant or MODEL, "n": n, "file": file}
        super().__init__(card=card, service=SERVICE, price=PRICE, settings=settings, terms=terms)

    def render(self, request: Request) -> HostedInput:
        """See `systems.mureka.rendering.render`."""
        return render(request.prompt, self.settings)

    def order(self, client: HttpClient, body: Mapping[str, Json]) -> str:
        """The id of the task."""
        task = client.post("/v1/song/generate", body).mapping().get("id")
        if not task:
            raise ServiceError("answer", "took an order without naming its task")
        return str(task)

    def ask(self, client: HttpClient, task: str) -> HostedSong | None:
        """The first of the songs, once there are any."""
        answer = client.get(f"/v1/song/query/{urllib.parse.quote(task, safe='')}").mapping()
        status = answer.get("status")
        if status in _AT_WORK:
            return None
        if status in _GIVEN_UP:
            reason = one_line(str(answer.get("failed_reason") or ""))
            raise ServiceError("failed", f"the task {status}" + (f": {reason}" if reason else ""))
        if status != "succeeded":
            raise ServiceError("answer", f"says that the task is {one_line(repr(status), 40)}")
        return _song(answer, str(self.settings["file"]))

    def problem(self, status: int, payload: Json) -> ServiceError | None:
        """Of two kinds of status 429, one is cured by waiting."""
        message = message_in(payload)
        if status == 429 and ("quota" in message.lower() or "balance" in message.lower()):
            return ServiceError("quota", f"HTTP 429: {message}")
        return error_of_status(status, message)


def _song(answer: Mapping[str, Any], file: str) -> HostedSong:
    choices = [choice for choice in answer.get("choices") or () if isinstance(choice, Mapping)]
    choices.sort(key=lambda choice: index if isinstance(index := choice.get("index"), int) else len(choices))
    if not choices:
        raise ServiceError("failed", "the task succeeded without a song")
    url = choices[0].get(f"{file}_url") or choices[0].get("url")
    if not isinstance(url, str):
        raise ServiceError("answer", "named no address of the song")
    notes = [f"made by the model {one_line(str(answer['model']), 60)}"] if answer.get("model") else []
    if answer.get("watermarked"):
        notes.append("the service says that it ends with 5 s of watermark")
    return HostedSong(url=url, returned=len(choices), notes=tuple(notes))
