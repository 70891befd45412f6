"""What Eleven Music is, as its API's schema and its vendor's own client say."""

from __future__ import annotations

from songbench.plugin import Pitfall, SystemCard
from songbench.resources.hosted import Price, Service

SERVICE = Service(
    name="ElevenLabs",
    address="https://api.elevenlabs.io",
    address_variable="ELEVENLABS_API_URL",
    key_variable="ELEVENLABS_API_KEY",
    key_page="https://elevenlabs.io/app/settings/api-keys",
    key_header="xi-api-key",
    key_prefix="",
)

PRICE = Price(amount=0.30, unit="minute", source="developer.puter.com, June 2026; plans differ")

STYLE_CHARACTERS = 4100
LINES_PER_SECTION, LINE_CHARACTERS, SECTIONS, STYLES = 30, 200, 30, 50
SECTION_SECONDS = (3.0, 120.0)
SONG_SECONDS = (3.0, 600.0)

CARD = SystemCard(
    name="elevenlabs_music",
    version="1",
    summary="Eleven Music as a service; songs from a composition plan with lyrics, or from a prompt.",
    licence="paid service; its terms restrict what may be done with the music",
    languages=("en", "es", "de", "ja", "fr", "it", "pt", "zh", "ko"),
    conditions=("lyrics", "style text"),
    max_seconds=SONG_SECONDS[1],
    citation="https://elevenlabs.io/docs/api-reference/music/compose",
    upstream="https://api.elevenlabs.io",
    code_licence="closed",
    weights_licence="closed",
    lyric_rules=(
        f"At most {SECTIONS} sections of at most {LINES_PER_SECTION} lines with at most {LINE_CHARACTERS} characters.",
        "Braces in the plan of newer models are directions, so lines that hold them are refused.",
        "Its documentation names English, Spanish, German and Japanese 'and more'; styles are best in English.",
    ),
    length_rule="asked for by the length of each section (3 to 120 s; the whole 3 to 600 s)",
    seed_rule="not promised",
    output="MP3, 44.1 or 48 kHz, stereo",
    pitfalls=(
        Pitfall(
            "A plan wants the length of every section, which lyrics do not have.",
            "Lengths follow from the published rule for line times; the record holds the rule.",
        ),
        Pitfall(
            "The same seed need not give the same song, and a prompt takes none.",
            "The seed is sent with plans, and records say that it was not honoured.",
        ),
        Pitfall(
            "The service's default model is its oldest.",
            "The model is always named.",
        ),
        Pitfall(
            "Plans of 'music_v1' are errors for newer models, and the other way round.",
            "The form of the plan follows the model.",
        ),
        Pitfall(
            "Words or styles that it takes for copyrighted are refused, with a rewritten plan as suggestion.",
            "It is a failure with that cause; the suggestion is never used, as it is another prompt.",
        ),
        Pitfall(
            "The song comes as the answer: a client that ends while it waits has paid for nothing.",
            "The order is written down before; the next run orders again and says that both may cost.",
        ),
        Pitfall("Used-up credit is said with status 401.", "The status inside the answer decides."),
    ),
    verified="not against the service: against a stand-in that answers by the schema of its own client",
)
