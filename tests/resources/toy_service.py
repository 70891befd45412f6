"""A hosted system as an author would write it, for a service that exists in tests only."""

from songbench.domain.errors import UnsupportedError
from songbench.domain.lyrics import render_block
from songbench.domain.rendering import Rendering
from songbench.plugin import HostedSystem, SystemCard
from songbench.resources.hosted import HostedInput, HostedSong, Price, Service, ServiceError

CARD = SystemCard(
    name="toy",
    version="1",
    summary="A toy.",
    licence="CC0-1.0",
    conditions=("lyrics", "style text"),
    seed_rule="not reachable",
)
SERVICE = Service(
    name="Toy",
    address="https://toy.invalid",
    address_variable="TOY_URL",
    key_variable="TOY_KEY",
    key_page="https://toy.invalid/keys",
    at_once=2,
    poll_s=0.02,
    first_wait_s=0.01,
)


class Toy(HostedSystem):
    def __init__(self, model="first", **terms):
        super().__init__(
            card=CARD,
            service=SERVICE,
            price=Price(amount=0.25, source="toy.invalid/prices, May 2026"),
            settings={"model": model},
            terms=terms,
        )

    def render(self, request):
        lyrics = render_block(request.prompt.lyrics)
        if len(lyrics) > 60:
            raise UnsupportedError(f"the lyrics have {len(lyrics)} characters, Toy takes 60")
        body = {"lyrics": lyrics, "style": request.prompt.style, **self.settings}
        return HostedInput(body=body, rendering=Rendering(lyrics=lyrics, style="text", style_text=request.prompt.style))

    def order(self, client, body):
        answer = client.post("/songs", body).mapping()
        return answer["id"]

    def ask(self, client, task):
        answer = client.get(f"/songs/{task}").mapping()
        if answer["status"] in ("failed", "cancelled"):
            raise ServiceError("failed", f"the task {answer['status']}")
        if answer["status"] != "done":
            return None
        return HostedSong(url=answer["songs"][0], returned=len(answer["songs"]))


class InstantToy(Toy):
    """The same, for a service that gives the song as the answer."""

    def order(self, client, body):
        return HostedSong(data=client.post("/instant", body).data)
