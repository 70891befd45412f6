"""DiffRhythm: what its program does in silence when it is used as it comes, and what becomes of that here."""

from dataclasses import replace

import pytest

from songbench.domain.errors import InputError, UnsupportedError
from songbench.domain.lyrics import parse_lyrics
from songbench.domain.prompt import FileAsset, Prompt
from songbench.domain.song import Request
from systems.diffrhythm.environment import ENVIRONMENT
from systems.diffrhythm.rendering import LONGEST_SECONDS, check_line, render_lrc
from systems.diffrhythm.system import DiffRhythm

PROMPT = Prompt(
    id="p",
    lyrics=parse_lyrics("[intro] [intro]\n\n[verse]\nMorning comes in slowly\nover the railway line\n"),
    style="pop, piano",
    prompt_audio=FileAsset("clip.wav"),
)


def ask(prompt=PROMPT, **changes):
    return Request(prompt=replace(prompt, **changes), take=0, seed=5)


def long_prompt(verses, **facts):
    lines = "\n".join(["We walked along the river in the evening"] * 8)
    return replace(PROMPT, lyrics=parse_lyrics("\n\n".join([f"[verse]\n{lines}"] * verses)), **facts)


def test_tags_are_left_out_and_recorded():
    rendering = DiffRhythm().invoke(ask()).rendering
    assert rendering.tags == {"intro": None, "verse": None}
    assert "[verse" not in rendering.lyrics and "[intro" not in rendering.lyrics


def test_every_line_has_the_time_of_the_published_rule():
    rendering = DiffRhythm().invoke(ask()).rendering
    assert rendering.timing.startswith("songbench-timing")
    assert [text for _, text in rendering.times] == list(PROMPT.lyrics.lines)
    assert rendering.times[0][0] == pytest.approx(2.0)  # after the intro
    assert rendering.lyrics.splitlines()[0] == "[00:02.00]Morning comes in slowly"


def test_the_last_line_of_the_base_model_is_one_nobody_asked_for():
    base, full = DiffRhythm().invoke(ask()), DiffRhythm("full").invoke(ask())
    assert base.rendering.lyrics.splitlines()[-1] == "[01:34.99]la" and len(base.rendering.added) == 1
    assert full.rendering.lyrics.splitlines()[-1].endswith("over the railway line") and not full.rendering.added


@pytest.mark.parametrize("line", ["123", "...", "\N{PARTY POPPER}", "사랑해"])
def test_a_line_without_a_letter_is_named(line):
    with pytest.raises(UnsupportedError, match="has no letter that it sings"):
        check_line(line)
    lyrics = replace(PROMPT.lyrics.sections[1], lines=("Morning", line))
    prompt = replace(PROMPT, lyrics=replace(PROMPT.lyrics, sections=(lyrics,)))
    assert line in DiffRhythm().unsupported(ask(prompt))


def test_letters_that_would_vanish_are_named():
    with pytest.raises(UnsupportedError, match="would drop 'の'"):
        check_line("夢の中")
    for line in ("Café del mar", "你好 hello", "I am 17 today"):
        check_line(line)


def test_stamps_stand_in_their_columns_without_a_mark():
    text = render_lrc([(0.004, "a"), (59.996, "b"), (284.5, "  c   d ")])
    assert text == "[00:00.00]a\n[01:00.00]b\n[04:44.50]c d\n"
    assert all(line[1:9].count(":") == 1 and line[9] == "]" for line in text.splitlines())
    assert not DiffRhythm().invoke(ask()).files["lyrics.lrc"].startswith("\ufeff")


def test_the_base_model_is_asked_for_its_length_and_the_full_one_for_the_nearest_it_has():
    def length(system, **changes):
        invocation = system.invoke(ask(**changes))
        return invocation.rendering.seconds, invocation.rendering.notes

    assert length(DiffRhythm(), seconds=30.0) == (95.0, ("30 s were asked for; the model makes 95 s",))
    assert length(DiffRhythm("full"), seconds=30.0)[0] == 96.0
    assert length(DiffRhythm("full"), seconds=120.0) == (120.0, ())
    assert length(DiffRhythm("full"), seconds=400.0)[0] == LONGEST_SECONDS
    assert "--audio-length=120" in DiffRhythm("full").invoke(ask(seconds=120.0)).arguments


def test_no_line_lies_behind_the_end():
    rendering = DiffRhythm().invoke(ask(long_prompt(3))).rendering
    assert rendering.times[-1][0] < 95.0 and len(rendering.times) == 24
    reason = DiffRhythm().unsupported(ask(long_prompt(7)))
    assert "diffrhythm:full" in reason
    assert DiffRhythm("full").unsupported(ask(long_prompt(7))) is None
    assert DiffRhythm("full").unsupported(ask(long_prompt(40)))
    longer = DiffRhythm("full").invoke(ask(long_prompt(7), seconds=96.0)).rendering
    assert longer.seconds > 96.0 and longer.notes == (f"96 s were asked for; the model makes {longer.seconds:.0f} s",)


def test_exactly_one_kind_of_style_is_given():
    text, audio = DiffRhythm().invoke(ask()), DiffRhythm("base-audio").invoke(ask())
    assert "--ref-prompt=pop, piano" in text.arguments and text.rendering.style == "text"
    assert "--ref-audio-path={prompt_audio}" in audio.arguments and audio.rendering.style == "audio"
    assert not any(word.startswith("--ref-prompt") for word in audio.arguments) and not audio.rendering.style_text
    assert DiffRhythm().card.conditions == ("lyrics", "style text")
    assert DiffRhythm("base-audio").card.conditions == ("lyrics", "prompt audio")


def test_a_style_text_is_a_style_text_whatever_it_looks_like():
    (word,) = [w for w in DiffRhythm().invoke(ask(style="--edit {out}")).arguments if w.startswith("--ref-prompt")]
    assert word == "--ref-prompt=--edit {brace}out}"


def test_an_instrumental_has_no_lyrics_file():
    invocation = DiffRhythm().invoke(ask(lyrics=parse_lyrics("[inst] [inst] [inst]")))
    assert "--lrc-path" not in invocation.arguments and not invocation.files and not invocation.rendering.added


def test_candidates_are_recorded():
    invocation = DiffRhythm(candidates=3).invoke(ask())
    assert "--batch-infer-num=3" in invocation.arguments
    assert invocation.rendering.notes == ("one of 3 candidates, whichever it is",) and invocation.best_of == 1
    assert DiffRhythm(candidates=3).parameters["candidates"] == 3


def test_what_its_authors_do_not_pin_is_pinned():
    assert {"py3langid==0.3.0", "transformers==4.49.0"} <= set(ENVIRONMENT.requirements)


def test_an_unknown_variant_is_refused():
    with pytest.raises(InputError, match="no variant 'large'"):
        DiffRhythm("large")
