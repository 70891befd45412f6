"""What systems ask of a prompt, and the refusal where a prompt has it not."""

from __future__ import annotations

from collections.abc import Collection

from songbench.domain.errors import UnsupportedError
from songbench.domain.language import MIXED, spoken_language
from songbench.domain.prompt import CutAsset, Prompt


def style_text_of(prompt: Prompt, *, most: int | None = None) -> str:
    """The style in words, on one line.

    Args:
        prompt: to be sung.
        most: characters it may have.

    Raises:
        UnsupportedError: there is none, or it is longer.
    """
    text = " ".join(prompt.style.split())
    if not text:
        raise UnsupportedError("the prompt has no style in words")
    if most is not None and len(text) > most:
        raise UnsupportedError(f"the style text has {len(text)} characters, of which the system takes {most}")
    return text


def require_prompt_audio(prompt: Prompt) -> None:
    """Refuse a prompt without style audio.

    Raises:
        UnsupportedError: there is none.
    """
    if prompt.prompt_audio is None:
        raise UnsupportedError("the prompt has no style audio")


def require_vocal(prompt: Prompt, *, most_s: float | None = None) -> None:
    """Refuse a prompt without a vocal, and one whose vocal is known to be too long.

    Args:
        prompt: whose vocal is to be accompanied.
        most_s: seconds that it may have; None: any number. That of a vocal of which the prompt does not say it is seen
            when its audio is there.

    Raises:
        UnsupportedError: there is none, or it is longer.
    """
    if prompt.vocal is None:
        raise UnsupportedError("the prompt has no vocal")
    lengths = [prompt.seconds, prompt.vocal.seconds if isinstance(prompt.vocal, CutAsset) else None]
    seconds = min((length for length in lengths if length is not None), default=0.0)  # a cut may end with its recording
    if most_s is not None and seconds > most_s:
        raise UnsupportedError(f"the vocal has {seconds:g} s, of which the system takes {most_s:g}")


def require_language(prompt: Prompt, languages: Collection[str]) -> None:
    """Refuse a prompt in another language.

    Args:
        prompt: to be sung.
        languages: that the system sings, as codes without a region; empty: it does not look at the words.

    Raises:
        UnsupportedError: it is in none of them; English mixed with Mandarin needs both.
    """
    spoken = spoken_language(prompt.language)
    parts = ("en", "zh") if spoken == MIXED else (spoken,)
    if languages and prompt.language not in languages and not set(parts) <= set(languages):
        raise UnsupportedError(f"it does not sing {prompt.language}")


def require_words(prompt: Prompt) -> None:
    """Refuse a prompt in which nothing is sung.

    Raises:
        UnsupportedError: all its sections are instrumental.
    """
    if not prompt.lyrics.lines:
        raise UnsupportedError("nothing is sung in this prompt")
