"""An adapter: makes a system of an unmodified program, here of docs/examples/drone."""

from typing import Annotated

from pydantic import Field

from songbench.domain.errors import UnsupportedError
from songbench.domain.limits import require_words, style_text_of
from songbench.domain.prompt import Prompt
from songbench.domain.rendering import Rendering
from songbench.plugin import Checkout, Invocation, Pitfall, ScriptSystem, SystemCard, literal
from songbench.resources.environments import Environment

LONGEST = 60
# The program needs nothing but Python. Others pin every package: requirements=("torch==2.8.0", …).
ENVIRONMENT = Environment(name="drone", summary="Python alone.", requirements=(), licence="PSF-2.0", python=">=3.8")
CHECKOUT = Checkout(
    name="drone",
    summary="The program of the paper.",
    repository="nobody/drone",
    commit="0123456789abcdef0123456789abcdef01234567",
    licence="CC0-1.0",
    files=("make_song.py",),
)
CARD = SystemCard(
    name="drone",
    version="1",
    summary="One note for each line.",
    licence="CC0-1.0",
    languages=(),
    conditions=("lyrics", "style text"),
    upstream=f"{CHECKOUT.repository}@{CHECKOUT.commit}",
    lyric_rules=("Sung lines alone, without section tags.",),
    length_rule="half a second for each line",
    seed_rule="set by the worker",
    output="WAV, 16 kHz, mono, 16 bit",
    pitfalls=(Pitfall(f"After a line of more than {LONGEST} characters it ends without a song.", "Refused."),),
    verified="Run by songbench's tests with the program itself.",
)


def call(prompt: Prompt, loudness: float) -> Invocation:
    """How the program is called for a prompt."""
    require_words(prompt)
    if any(len(line) > LONGEST for line in prompt.lyrics.lines):
        raise UnsupportedError(f"a line has more than {LONGEST} characters")
    lyrics, style = "\n".join(prompt.lyrics.lines), style_text_of(prompt)
    tags = {section.tag: None for section in prompt.lyrics.sections}
    words = ("--lyrics", "{in}/lyrics.txt", "--style", literal(style), "--loudness", str(loudness), "--folder", "{out}")
    return Invocation(
        arguments=words,
        files={"lyrics.txt": literal(lyrics)},
        outputs={"mix": "song.wav"},
        rendering=Rendering(lyrics=lyrics, style="text", style_text=style, tags=tags),
    )


class Drone(ScriptSystem):
    """One note for each line."""

    def __init__(self, loudness: Annotated[float, Field(gt=0, le=1)] = 0.5) -> None:
        super().__init__(
            card=CARD,
            environment=ENVIRONMENT,
            upstream=CHECKOUT,
            script="make_song.py",
            invoke=lambda request: call(request.prompt, loudness),
            settings={"loudness": loudness},
        )
