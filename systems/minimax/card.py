"""What MiniMax's music API is, as its documentation and pages about it say."""

from __future__ import annotations

from songbench.plugin import Pitfall, SystemCard
from songbench.resources.hosted import Price, Service

SERVICE = Service(
    name="MiniMax",
    address="https://api.minimax.io",
    address_variable="MINIMAX_API_URL",
    key_variable="MINIMAX_API_KEY",
    key_page="https://platform.minimax.io/user-center/basic-information/interface-key",
    interval_s=0.5,  # 120 orders a minute
)

PRICE = Price(amount=0.15, source="inference.sh for MiniMax Music 3.0, August 2026")

LYRICS_CHARACTERS = 3500
STYLE_CHARACTERS = 2000

CARD = SystemCard(
    name="minimax",
    version="1",
    summary="MiniMax Music as a service; songs from lyrics and a style in words.",
    licence="paid service",
    languages=("en", "zh"),
    conditions=("lyrics", "style text"),
    max_seconds=300.0,
    citation="https://platform.minimax.io/docs/api-reference/music-generation",
    upstream="https://api.minimax.io",
    code_licence="closed",
    weights_licence="closed; those of MiniMax Music 3 are published, see minimax_music",
    lyric_rules=(
        f"At most {LYRICS_CHARACTERS} characters, tags included.",
        "Fourteen tags, each on a line of its own; others are not known.",
        "Its languages are not documented; English and Mandarin are those of its examples.",
    ),
    length_rule="the service decides, up to about five minutes",
    seed_rule="not reachable",
    output="WAV or MP3, 44.1 kHz, stereo",
    pitfalls=(
        Pitfall(
            "HTTP status 200 says nothing: errors stand inside the answer, in base_resp.",
            "That is read first; its codes become causes.",
        ),
        Pitfall(
            "Without lyrics it writes words of its own and sings them.",
            "Prompts without words are unsupported, and lyrics_optimizer is off in every order.",
        ),
        Pitfall(
            "Words on the line of a tag may vanish in silence.",
            "Every tag stands on a line of its own.",
        ),
        Pitfall(
            "The song comes as the answer: a client that ends while it waits has paid for nothing.",
            "The order is written down before; the next run orders again and says that both may cost.",
        ),
        Pitfall(
            "Addresses of songs end after a day.",
            "They are fetched at once.",
        ),
        Pitfall(
            "Since August 2026 the API takes no new users, and its free models have ended (second hand).",
            "Its refusal (2153) is recorded as what it is; the published weights are the system minimax_music.",
        ),
        Pitfall("Songs cannot be made again: no seed is documented.", "Records say that the seed was not honoured."),
        Pitfall("The lengths of parts without words cannot be asked for.", "The record says so."),
    ),
    verified="not against the service: against a stand-in that answers by the documented schema",
)
