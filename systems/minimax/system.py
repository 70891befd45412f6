"""MiniMax's music API as a system."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

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
from systems.minimax.card import CARD, PRICE, SERVICE
from systems.minimax.rendering import render

if TYPE_CHECKING:
    from songbench.resources.hosted.client import HttpClient

MODEL = "music-3.0"

_DONE = 2
_CODES: Mapping[int, Trouble] = {
    1002: "rate",
    1004: "key",
    1008: "quota",
    1026: "content",
    1027: "content",
    1039: "rate",
    2013: "input",
    2049: "key",
    2153: "key",  # the account may not use it
}
"""Of ``base_resp.status_code``; others mean that it failed."""


class MiniMax(HostedSystem):
    """Songs from lyrics and a style in words.

    Args:
        variant: the model, for ``minimax:music-2.6``, which has a row of its own.
        format: of the sound file.
        sample_rate: in Hz.
        bitrate: of mp3, in bits per second.
        **terms: what may be spent, and how fast: `songbench.resources.hosted.Terms`.
    """

    def __init__(
        self,
        variant: str | None = None,
        format: Literal["wav", "mp3"] = "wav",
        sample_rate: Literal[16_000, 24_000, 32_000, 44_100] = 44_100,
        bitrate: Literal[32_000, 64_000, 128_000, 256_000] = 256_000,
        **terms: Any,
    ) -> None:
        card = CARD if variant in (None, MODEL) else replace(CARD, name=f"{CARD.name}:{variant}")
        settings: dict[str, Json] = {
            "model": variant or MODEL,
            "sample_rate": sample_rate,
            "bitrate": bitrate,
            "format": format,
        }
        super().__init__(card=card, service=SERVICE, price=PRICE, settings=settings, terms=terms)

    def render(self, request: Request) -> HostedInput:
        """See `systems.minimax.rendering.render`."""
        return render(request.prompt, self.settings)

    def order(self, client: HttpClient, body: Mapping[str, Json]) -> HostedSong:
        """The song, which the service makes while we wait."""
        answer = client.post("/v1/music_generation", body, timeout_s=self.terms.timeout_s).mapping()
        data = answer.get("data")
        if not isinstance(data, Mapping) or data.get("status", _DONE) != _DONE:
            raise ServiceError("answer", f"gave no finished song ({one_line(repr(data), 60)})")
        audio = str(data.get("audio") or "")
        if audio.startswith(("http://", "https://")):
            return HostedSong(url=audio)
        try:
            return HostedSong(data=bytes.fromhex(audio))
        except ValueError:
            raise ServiceError("answer", "gave a song that is neither an address nor hexadecimals") from None

    def problem(self, status: int, payload: Json) -> ServiceError | None:
        """What stands in ``base_resp``."""
        response = payload.get("base_resp") if isinstance(payload, Mapping) else None
        if not isinstance(response, Mapping) or response.get("status_code", 0) == 0:
            return error_of_status(status, message_in(payload))
        code = response["status_code"]
        trouble = _CODES.get(code, "failed") if isinstance(code, int) else "failed"
        return ServiceError(trouble, f"error {code}: {one_line(str(response.get('status_msg') or ''))}")
