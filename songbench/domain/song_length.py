"""The length that a system which wants to be told one is asked for."""

from __future__ import annotations

from songbench.domain.errors import UnsupportedError
from songbench.domain.lyric_timing import RULE, time_lyrics
from songbench.domain.prompt import Prompt


def asked_seconds(prompt: Prompt, *, least: float, most: float) -> tuple[float, str]:
    """How long a song is asked for, where its system cannot decide that itself.

    Args:
        prompt: what it wants counts; where it leaves the length open, its lyrics are timed by `lyric_timing.RULE`.
        least: the shortest song that the system makes, in seconds.
        most: the longest, in seconds.

    Returns:
        Seconds; and the rule by which they came about, "" where the prompt says them.

    Raises:
        UnsupportedError: the prompt wants a length that the system does not make, or its lyrics need one.
    """
    if prompt.seconds is not None:
        if not least <= prompt.seconds <= most:
            raise UnsupportedError(f"it makes songs of {least:g} to {most:g} s, and {prompt.seconds:g} s are wanted")
        return prompt.seconds, ""
    seconds = max(least, round(time_lyrics(prompt.lyrics, prompt.language).seconds, 1))
    if seconds > most:
        raise UnsupportedError(f"its longest song has {most:g} s, and the lyrics need about {seconds:.0f} s")
    return seconds, RULE
