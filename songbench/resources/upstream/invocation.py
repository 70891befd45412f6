"""How a program of other people is called for a song: its arguments, the files it reads and those it writes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace

from songbench.domain.hashing import Json
from songbench.domain.rendering import Rendering

PLACEHOLDERS: Mapping[str, str] = {
    "in": "the folder with the `files`",
    "out": "an empty folder for what is written",
    "relative_out": "the same, relative to the folder the program runs in",
    "prompt_audio": "the prompt's audio, a float32 wav",
    "vocal": "the prompt's vocal, a float32 wav called by the prompt's id",
    "vocal_folder": "the folder in which that lies alone",
    "site": "where the environment has its packages",
    "upstream": "the work tree: links to the checkout, with the weights at their places",
}
"""What `arguments` and `files` may hold in braces, beside ``{weights:NAME}``, the folder of weights."""

BRACE = "{brace}"
"""Stands for an opening brace."""


def literal(text: str) -> str:
    """Somebody's text, such as a line of lyrics, in which nothing is a placeholder.

    >>> literal("sing {out} loud")
    'sing {brace}out} loud'
    """
    return text.replace("{", BRACE)


@dataclass(frozen=True, kw_only=True)
class Invocation:
    r"""One call of a program for one song.

    Attributes:
        arguments: as on a command line; `PLACEHOLDERS` are replaced, so people's texts go through `literal`.
        files: name → text, written to ``{in}`` first: UTF-8 without a byte order mark, line ends as they are. As
            `arguments`.
        outputs: ``mix``, and each stem by its name → a glob pattern in ``{out}`` that exactly one file matches.
        rendering: what the system is given by all that.
        reports: glob patterns in ``{out}`` of text files in which the program says more of the song; they count as
            printed.
        compute_pattern: a regular expression whose groups add up to the compute time in seconds that the program
            prints; "": the time of the whole process is taken, which includes loading the model.
        notes: regular expression → what the song's record says where the program prints such a thing; ``\1`` is its
            first group.
        refusals: regular expression → why that is no song of this system, whatever was written.
        seed_honoured: the song follows from the seed.
        seed_per_song: also where several songs are made in one call, as the program is told the seed of each.
        lossy: the codec of what it writes, "" where nothing is lost.
        best_of: how many candidates it makes for one song.
        fake_stereo: its second channel is made out of the first.
        settings: those in force by its own names, beside those in the arguments.
    """

    arguments: tuple[str, ...]
    outputs: Mapping[str, str]
    rendering: Rendering
    files: Mapping[str, str] = field(default_factory=dict)
    reports: tuple[str, ...] = ()
    compute_pattern: str = ""
    notes: Mapping[str, str] = field(default_factory=dict)
    refusals: Mapping[str, str] = field(default_factory=dict)
    seed_honoured: bool = True
    seed_per_song: bool = False
    lossy: str = ""
    best_of: int = 1
    fake_stereo: bool = False
    settings: Mapping[str, Json] = field(default_factory=dict)

    def to_json(self) -> dict[str, Json]:
        """What a worker is told: all but the rendering."""
        return {name: value for name, value in asdict(self).items() if name != "rendering"}

    def numbered(self, number: int) -> Invocation:
        """The same as the part with this number of a call for several songs: its audio is its own.

        >>> Invocation(arguments=("{prompt_audio}",), outputs={}, rendering=Rendering()).numbered(2).arguments
        ('{prompt_audio:2}',)
        """

        def with_number(text: str) -> str:
            return re.sub(r"\{(prompt_audio|vocal|vocal_folder)\}", rf"{{\1:{number}}}", text)

        files = {name: with_number(text) for name, text in self.files.items()}
        return replace(self, arguments=tuple(map(with_number, self.arguments)), files=files)


def merged(invocations: Sequence[Invocation], *, arguments: tuple[str, ...], files: Mapping[str, str]) -> Invocation:
    """The one call that makes all songs.

    Args:
        invocations: of the songs alone, at least one.
        arguments: of the whole call.
        files: of the whole call.

    Raises:
        ValueError: the output patterns of two songs are the same.
    """
    patterns = [pattern for invocation in invocations for pattern in invocation.outputs.values()]
    if len(set(patterns)) < len(patterns):
        raise ValueError("two songs of one call would be looked for under the same name")
    return replace(invocations[0], arguments=arguments, files=files)
