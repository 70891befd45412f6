"""Eleven Music as a system."""

from __future__ import annotations

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
    Trouble,
    error_of_status,
    message_in,
)
from systems.elevenlabs_music.card import CARD, PRICE, SERVICE
from systems.elevenlabs_music.rendering import render

if TYPE_CHECKING:
    from songbench.resources.hosted.client import HttpClient

MODEL = "music_v2"

_STATUSES: Mapping[str, Trouble] = {
    "invalid_api_key": "key",
    "missing_permissions": "key",
    "quota_exceeded": "quota",
    "bad_prompt": "content",
    "bad_composition_plan": "content",
    "too_many_concurrent_requests": "rate",
    "system_busy": "rate",
}
"""Of ``detail.status``, which says more than HTTP's."""


class ElevenLabsMusic(HostedSystem):
    """Songs from lyrics and a style in words.

    Args:
        variant: the model, for ``elevenlabs_music:music_v1``, which has a row of its own.
        mode: ``plan``: sections with their words and lengths; ``prompt``: style and lyrics as two texts.
        output_format: of the sound file, by the service's name, such as ``mp3_48000_192``.
        **terms: what may be spent, and how fast: `songbench.resources.hosted.Terms`.
    """

    def __init__(
        self,
        variant: str | None = None,
        mode: Literal["plan", "prompt"] = "plan",
        output_format: Annotated[str, Field(pattern=r"^(auto|(mp3|opus)_\d+_\d+)$")] = "auto",
        **terms: Any,
    ) -> None:
        card = CARD if variant in (None, MODEL) else replace(CARD, name=f"{CARD.name}:{variant}")
        settings: dict[str, Json] = {"model": variant or MODEL, "mode": mode, "output_format": output_format}
        super().__init__(card=card, service=SERVICE, price=PRICE, settings=settings, terms=terms)

    def render(self, request: Request) -> HostedInput:
        """See `systems.elevenlabs_music.rendering.render`."""
        return render(request.prompt, request.seed, self.settings)

    def order(self, client: HttpClient, body: Mapping[str, Json]) -> HostedSong:
        """The song, which the service makes while we wait."""
        path = f"/v1/music?output_format={self.settings['output_format']}"
        return HostedSong(data=client.post(path, body, timeout_s=self.terms.timeout_s).data)

    def problem(self, status: int, payload: Json) -> ServiceError | None:
        """What stands in ``detail``: a status with a message, or a list of what is wrong with the request."""
        detail = payload.get("detail") if isinstance(payload, Mapping) else None
        if isinstance(detail, Mapping) and str(detail.get("status")) in _STATUSES:
            word = str(detail["status"])
            return ServiceError(_STATUSES[word], one_line(f"{word}: {message_in(detail)}"))
        if isinstance(detail, list) and detail and isinstance(detail[0], Mapping):
            place = ".".join(str(part) for part in detail[0].get("loc") or ())
            return error_of_status(status, one_line(f"{place}: {detail[0].get('msg')}"))
        return error_of_status(status, message_in(payload))
