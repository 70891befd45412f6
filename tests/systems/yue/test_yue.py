"""YuE: what its program does in silence when it is used as it comes, and what becomes of that here."""

import re
from dataclasses import replace

import pytest

from songbench.domain.errors import InputError, UnsupportedError
from songbench.domain.lyrics import parse_lyrics
from songbench.domain.prompt import FileAsset, Prompt
from songbench.domain.song import Request
from systems.yue.rendering import LONGEST_GENRE, render_genre
from systems.yue.system import YuE

PROMPT = Prompt(
    id="p",
    lyrics=parse_lyrics("[intro] [intro]\n\n[verse]\nMorning comes in slowly\n\n[inst]\n\n[chorus]\nHold the line\n"),
    style="pop, piano",
    prompt_audio=FileAsset("clip.wav"),
)


def ask(**changes):
    return Request(prompt=replace(PROMPT, **changes), take=0, seed=77)


def argument(invocation, name):
    return next(word.partition("=")[2] for word in invocation.arguments if word.startswith(f"{name}="))


def sung_by_the_program(invocation):
    """What the program sings, by its own rule: all sections but the last, as many as it is asked for."""
    sections = re.findall(r"\[(\w+)\](.*?)(?=\[|\Z)", invocation.files["lyrics.txt"], re.DOTALL)
    count = min(int(argument(invocation, "--run_n_segments")) + 1, len(sections)) - 1
    return [(label, words.split()) for label, words in sections[:count]]


def test_the_last_section_is_sung_because_another_follows():
    invocation = YuE().invoke(ask())
    assert [label for label, _ in sung_by_the_program(invocation)] == ["verse", "chorus"]
    assert len(invocation.rendering.added) == 1 and invocation.rendering.lyrics.endswith("\n\n[end]\n")


def test_lyrics_of_one_section_are_sung():
    invocation = YuE().invoke(ask(lyrics=parse_lyrics("[verse]\nMorning comes in slowly\n")))
    assert sung_by_the_program(invocation) == [("verse", ["Morning", "comes", "in", "slowly"])]


def test_sections_without_words_are_left_out_and_recorded():
    rendering = YuE().invoke(ask()).rendering
    assert rendering.tags == {"intro": None, "inst": None}
    assert "does not" not in rendering.lyrics and "[inst]" not in rendering.lyrics
    assert "sung" in YuE().unsupported(ask(lyrics=parse_lyrics("[inst] [inst]")))


def test_a_tag_that_is_sung_keeps_its_label():
    rendering = YuE().invoke(ask(lyrics=parse_lyrics("[intro]\nHello again\n\n[verse]\nMorning\n"))).rendering
    assert rendering.lyrics.startswith("[intro]\nHello again\n\n[verse]") and not rendering.tags


def test_the_genre_can_be_part_of_a_file_name():
    genre, notes = render_genre("dream pop/shoegaze, female_itrack, 80s|90s")
    assert genre == "dream pop shoegaze female itrack 80s 90s" and notes == ()
    genre, notes = render_genre("an evening " * 20)
    assert len(genre) <= LONGEST_GENRE and notes == (
        "style text cut after 18 of 40 words, as it becomes a file's name",
    )
    genre, _ = render_genre("温柔 的 歌 " * 20)
    assert len(genre.encode()) <= LONGEST_GENRE
    with pytest.raises(UnsupportedError, match="a word of more than"):
        render_genre("x" * 101)


def test_a_section_with_too_many_words_is_named():
    lines = "\n".join(["We walked along the river in the evening"] * 16)
    (note,) = YuE().invoke(ask(lyrics=parse_lyrics(f"[verse]\n{lines}\n"))).rendering.notes
    assert re.fullmatch(r"section 1, \[verse\], may need \d\d s; it is cut off at 30 s", note)
    assert not YuE(max_new_tokens=6000).invoke(ask()).rendering.notes


def test_the_seed_goes_in_and_the_folder_is_relative():
    invocation = YuE().invoke(ask())
    assert argument(invocation, "--seed") == "77"
    assert argument(invocation, "--output_dir") == "{relative_out}"
    assert invocation.outputs["mix"] == "*_mixed.mp3" and invocation.lossy == "mp3"


def test_options_are_written_out():
    from systems.yue.card import PITFALLS

    assert any("Abbreviated" in pitfall.pitfall for pitfall in PITFALLS)
    assert all(word.startswith("--") for word in YuE("icl").invoke(ask()).arguments)


def test_a_language_has_its_checkpoint():
    zh = ask(language="zh", lyrics=parse_lyrics("[verse]\n早晨慢慢来\n"))
    assert argument(YuE().invoke(zh), "--stage1_model") == "{weights:yue-s1-7b-zh-cot}"
    assert argument(YuE().invoke(ask()), "--stage1_model") == "{weights:yue-s1-7b-en-cot}"
    ja = ask(language="ja", lyrics=parse_lyrics("[verse]\nあの日の夢\n"))
    assert YuE().unsupported(ja) == "it does not sing ja"
    japanese = YuE(languages=("ja", "ko"))
    assert argument(japanese.invoke(ja), "--stage1_model") == "{weights:yue-s1-7b-jp-kr-cot}"
    assert japanese.unsupported(ask()) == "it does not sing en"
    assert {weights.name for weights in japanese.weights} == {"yue-s1-7b-jp-kr-cot", "yue-s2-1b", "yue-xcodec-mini"}
    with pytest.raises(InputError, match="no checkpoint for 'fr'"):
        YuE(languages=("fr",))


def test_a_clip_needs_the_checkpoint_that_takes_it():
    invocation = YuE("icl").invoke(ask())
    assert "--use_audio_prompt" in invocation.arguments
    assert argument(invocation, "--stage1_model") == "{weights:yue-s1-7b-en-icl}"
    assert invocation.rendering.style == "both" and YuE().invoke(ask()).rendering.style == "text"
    assert "--use_audio_prompt" not in YuE().invoke(ask()).arguments
    assert "style audio" in YuE("icl").unsupported(ask(prompt_audio=None))
