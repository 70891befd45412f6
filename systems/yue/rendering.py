"""A prompt as YuE takes it: sections in blocks, a genre in words, and for some checkpoints a clip as prompt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from songbench.domain.errors import UnsupportedError
from songbench.domain.language import MIXED, spoken_language
from songbench.domain.limits import require_prompt_audio, require_words, style_text_of
from songbench.domain.lyric_timing import time_lyrics
from songbench.domain.prompt import Prompt
from songbench.domain.rendering import Rendering
from songbench.domain.sections import Section
from songbench.plugin import Invocation, literal
from songbench.resources.weights import Weights

DUMMY = "end"
"""The label of a last section without words: the program never sings the last one."""

LONGEST_GENRE = 100
"""Bytes: the genre becomes a part of file names, which have at most 255."""

TOKENS_PER_SECOND = 100
"""Of both tracks together."""


@dataclass(frozen=True, kw_only=True)
class YuECall:
    """The settings of a call.

    Attributes:
        audio: the prompt audio goes in too (checkpoints ``icl``).
        checkpoints: stage 1 by checkpoint language.
        languages: checkpoint language by the language of the lyrics.
        max_new_tokens: of a section, at most.
        repetition_penalty: of stage 1.
        stage2_batch_size: pieces of 6 s that go through stage 2 together.
    """

    audio: bool
    checkpoints: Mapping[str, Weights]
    languages: Mapping[str, str]
    max_new_tokens: int
    repetition_penalty: float
    stage2_batch_size: int


def invocation(prompt: Prompt, seed: int, call: YuECall) -> Invocation:
    """The call of ``inference/infer.py`` for a prompt.

    Raises:
        UnsupportedError: it has no words, no style of the kind that is needed, or words in a language without a
            checkpoint.
    """
    require_words(prompt)
    if call.audio:
        require_prompt_audio(prompt)
    genre, genre_notes = render_genre(style_text_of(prompt))
    sections = [section for section in prompt.lyrics.sections if section.vocal]
    lyrics = render_lyrics(sections)
    checkpoint = call.checkpoints[checkpoint_language(prompt.language, call.languages)]
    clip = (
        "--use_audio_prompt",
        "--audio_prompt_path={prompt_audio}",
        "--prompt_start_time=0",
        "--prompt_end_time=30",
    )
    return Invocation(
        arguments=(
            f"--stage1_model={{weights:{checkpoint.name}}}",
            "--stage2_model={weights:yue-s2-1b}",
            "--genre_txt={in}/genre.txt",
            "--lyrics_txt={in}/lyrics.txt",
            f"--run_n_segments={len(sections)}",
            f"--max_new_tokens={call.max_new_tokens}",
            f"--repetition_penalty={call.repetition_penalty}",
            f"--stage2_batch_size={call.stage2_batch_size}",
            f"--seed={seed}",
            *(clip if call.audio else ()),
            "--output_dir={relative_out}",
        ),
        files={"genre.txt": literal(f"{genre}\n"), "lyrics.txt": literal(lyrics)},
        outputs={
            "mix": "*_mixed.mp3",
            "vocals": "vocoder/stems/vtrack.mp3",
            "accompaniment": "vocoder/stems/itrack.mp3",
        },
        rendering=Rendering(
            lyrics=lyrics,
            style="both" if call.audio else "text",
            style_text=genre,
            tags={section.tag: None for section in prompt.lyrics.sections if not section.vocal},
            added=(f"a last section [{DUMMY}] without words, which is not sung but stands in the model's header",),
            notes=(*genre_notes, *long_sections(prompt, call.max_new_tokens / TOKENS_PER_SECOND)),
        ),
        lossy="mp3",
        settings={"top_p": 0.93, "temperature": 1.0, "guidance": [1.5, 1.2], "checkpoint": checkpoint.name},
    )


def checkpoint_language(language: str, languages: Mapping[str, str]) -> str:
    """Which checkpoint sings a language; English mixed with Mandarin goes to the Mandarin one.

    Raises:
        UnsupportedError: none of those that are in use.
    """
    spoken = spoken_language(language)
    code = languages.get("zh" if spoken == MIXED else spoken)
    if code is None:
        raise UnsupportedError(f"no checkpoint in use sings {language}")
    return code


def render_lyrics(sections: list[Section]) -> str:
    """Blocks that a blank line sets apart, and a last one that is there not to be sung.

    >>> print(render_lyrics([Section("verse", ("Morning comes",))]), end="")
    [verse]
    Morning comes
    <BLANKLINE>
    [end]
    """
    blocks = ["\n".join([f"[{section.tag}]", *section.lines]) for section in sections]
    return "\n\n".join([*blocks, f"[{DUMMY}]"]) + "\n"


def render_genre(style: str) -> tuple[str, tuple[str, ...]]:
    """The style as words with blanks between them, short enough for file names.

    Returns:
        The genre, and what a reader should know of it.

    >>> render_genre("dream pop/shoegaze, female_voice")
    ('dream pop shoegaze female voice', ())
    """
    for sign in ",;/\\_|":
        style = style.replace(sign, " ")
    words = style.split()
    genre = " ".join(words)
    if len(genre.encode()) <= LONGEST_GENRE:
        return genre, ()
    kept_words: list[str] = []
    for word in words:
        if len(" ".join([*kept_words, word]).encode()) > LONGEST_GENRE:
            break
        kept_words.append(word)
    if not kept_words:
        raise UnsupportedError(f"the style text has a word of more than {LONGEST_GENRE} bytes")
    genre = " ".join(kept_words)
    return genre, (f"style text cut after {len(kept_words)} of {len(words)} words, as it becomes a file's name",)


def long_sections(prompt: Prompt, most: float) -> tuple[str, ...]:
    """Which sections probably have more words than the model can sing in its longest section.

    Args:
        prompt: to be sung.
        most: seconds that a section may last.
    """
    timed = time_lyrics(prompt.lyrics, prompt.language)
    return tuple(
        f"section {number}, [{section.tag}], may need {section.end - section.start:.0f} s; it is cut off at {most:g} s"
        for number, section in enumerate(timed.sections, 1)
        if prompt.lyrics.sections[number - 1].vocal and section.end - section.start > most
    )
