"""What Mureka is, as its documentation and its vendor's own client say."""

from __future__ import annotations

from songbench.plugin import Pitfall, SystemCard
from songbench.resources.hosted import Price, Service

SERVICE = Service(
    name="Mureka",
    address="https://api.mureka.ai",
    address_variable="MUREKA_API_URL",
    key_variable="MUREKA_API_KEY",
    key_page="https://platform.mureka.ai/apiKeys",
    poll_s=3.0,
)

PRICE = Price(source="https://platform.mureka.ai/pricing; --set system.mureka.price=… shows the sum")

LYRICS_CHARACTERS = 3000
STYLE_CHARACTERS = 1024

CARD = SystemCard(
    name="mureka",
    version="1",
    summary="A hosted song generator; songs from lyrics and a style in words.",
    licence="paid service; its terms allow commercial use of what the API gives",
    languages=("en", "zh", "ja", "ko", "pt", "es", "de", "fr", "it", "ru"),
    conditions=("lyrics", "style text"),
    citation="https://platform.mureka.ai/docs",
    upstream="https://api.mureka.ai",
    code_licence="closed",
    weights_licence="closed",
    lyric_rules=(
        f"At most {LYRICS_CHARACTERS} characters, tags included.",
        "Sections under tags such as [Verse] and [Chorus]; a song without words is asked of another API.",
    ),
    length_rule="the service decides",
    seed_rule="not reachable",
    output="FLAC, WAV or MP3 by its own address",
    pitfalls=(
        Pitfall(
            "The model 'auto' is another model as time goes by.",
            "The model is named, 'mureka-9' by default, and the model that answered stands in the song's notes.",
        ),
        Pitfall(
            "One order gives two songs or more, each of which is paid for.",
            "One is asked for (setting n); of several the first is taken, never the best, and their number is noted.",
        ),
        Pitfall("Songs cannot be made again: there is no seed.", "Records say that the seed was not honoured."),
        Pitfall(
            "A paid task is lost when its client ends while it polls.",
            "The task is written down before it is asked about, and picked up by the next run.",
        ),
        Pitfall(
            "A song may end with five seconds of an audible watermark.",
            "It is kept as it is, and its notes say so.",
        ),
        Pitfall(
            "HTTP 429 means too many orders, and also that the credit is used up.",
            "The message decides: the first is tried again, the second ends the run's orders.",
        ),
        Pitfall(
            "A task that runs out of time ends as 'timeouted'.",
            "It is a failure with that cause, and can be ordered anew.",
        ),
        Pitfall(
            "The lengths of parts without words cannot be asked for.",
            "Their tags are given once; the record says so.",
        ),
    ),
    verified="not against the service: against a stand-in that answers by the documented schema",
)
