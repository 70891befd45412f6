"""JAM: what its program does in silence when it is used as it comes, and what becomes of that here."""

import json
from dataclasses import replace

import pytest
from shared_files import shared

from songbench.domain.errors import UnsupportedError
from songbench.domain.lyric_timing import RULE
from songbench.domain.lyrics import parse_lyrics
from songbench.domain.prompt import FileAsset, Prompt
from systems.jam.card import card_of
from systems.jam.environment import CHECKOUT, ENVIRONMENT
from systems.jam.rendering import LONGEST_SECONDS, JamCall, given_word, invocation

PROMPT = Prompt(
    id="p",
    lyrics=parse_lyrics("[intro] [intro]\n\n[verse]\nMorning comes at 21 Baker Street\nover the railway line\n"),
    style="pop, piano {out}",
    prompt_audio=FileAsset("clip.wav"),
)
TEXT = JamCall(style="text", steps=50, style_guidance=4.7, lyrics_guidance=2.6)
AUDIO = replace(TEXT, style="audio")
FRAME_SECONDS = 2048 / 44_100 / 4
"""The program drops words that are shorter."""


def call_of(prompt=PROMPT, call=TEXT, **facts):
    return invocation(replace(prompt, **facts), call)


def song(invocation):
    (entry,) = json.loads(invocation.files["songs.json"])
    return entry


def words(invocation):
    return json.loads(invocation.files["lyrics.json"])["word"]


def verses(count, line="We walked along the river in the evening"):
    return parse_lyrics("\n\n".join(["[verse]\n" + "\n".join([line] * 8)] * count))


def test_every_word_has_a_time_of_the_published_rule_which_is_marked_as_predicted():
    result = call_of()
    entries = words(result)
    assert " ".join(entry["word"] for entry in entries) == (
        "morning comes at twenty one baker street over the railway line"
    )
    assert result.rendering.lyrics == "morning comes at twenty one baker street\nover the railway line"
    assert entries[0]["start"] == pytest.approx(2.0)  # after the intro
    assert all(entry["end"] - entry["start"] > FRAME_SECONDS for entry in entries)
    assert result.rendering.timing == f"{RULE}, predicted"
    assert [start for start, _ in result.rendering.times] == [entry["start"] for entry in entries]


def test_no_word_is_shorter_than_a_lyric_frame_however_many_there_are():
    natural = call_of(lyrics=verses(1)).rendering.seconds
    entries = words(call_of(lyrics=verses(1), seconds=0.45 * natural))
    assert min(entry["end"] - entry["start"] for entry in entries) > 5 * FRAME_SECONDS


def test_tags_are_left_out_and_recorded():
    assert call_of().rendering.tags == {"intro": None, "verse": None}


def test_its_phonemizer_gets_letters_that_it_reads_as_the_word():
    assert [given_word(word) for word in ("LOVE", "St", "co", "Hon", "honey", "naïve", "Straße", "don't")] == [
        *("love", "s't", "c'o", "ho'n", "honey", "naive", "strasse", "don't"),
    ]
    for line in ("夜が来る now", "сердце", "سلام"):
        with pytest.raises(UnsupportedError, match="it cannot read"):
            call_of(lyrics=parse_lyrics(f"[verse]\nHello\n{line}"))


def test_a_line_without_words_is_reported():
    assert call_of(lyrics=parse_lyrics("[verse]\nHello\n...\n")).rendering.dropped == ("...",)


def test_words_always_start_within_the_song():
    for seconds in (None, 6.0, 12.0, 100.0, 500.0):
        result = call_of(seconds=seconds)
        assert song(result)["duration"] == result.rendering.seconds <= LONGEST_SECONDS
        assert words(result)[-1]["end"] < result.rendering.seconds


def test_lengths_are_filled_as_far_as_words_stretch():
    assert call_of(seconds=9.0).rendering.notes == ()
    assert call_of(seconds=60.0).rendering.notes == ("the last section ends at 10.7 s of 60 s",)
    (cut, rest) = call_of(seconds=500.0).rendering.notes
    assert cut == "500 s were asked for; the model makes 230 s at most" and rest.startswith("the last section ends")
    with pytest.raises(UnsupportedError, match="3 s are too short"):
        call_of(seconds=3.0)


def test_more_words_than_fit_into_the_longest_song_are_unsupported():
    hurried = call_of(lyrics=verses(8))
    assert hurried.rendering.seconds == LONGEST_SECONDS
    with pytest.raises(UnsupportedError, match="230 s are too short"):
        call_of(lyrics=verses(30))


def test_a_song_without_words_is_an_instrumental_and_says_so():
    result = call_of(lyrics=parse_lyrics("[inst] " * 20))
    assert words(result) == [] and result.rendering.timing == ""
    assert result.rendering.notes == ("no words are given: it makes an instrumental",)


def test_a_style_in_words_is_given_whole_or_not_at_all():
    result = call_of()
    assert "evaluation.use_prompt_style=true" in result.arguments
    assert result.files["style.txt"] == "pop, piano {brace}out}"
    assert song(result)["prompt_path"] == "{in}/style.txt" and song(result)["audio_path"] == ""
    with pytest.raises(UnsupportedError, match="301 characters"):
        call_of(style="x" * 301)
    with pytest.raises(UnsupportedError, match="no style in words"):
        call_of(style="")


def test_a_style_in_sound_is_the_prompt_audio():
    result = call_of(call=AUDIO)
    assert "evaluation.use_prompt_style=false" in result.arguments and "style.txt" not in result.files
    assert song(result)["audio_path"] == "{prompt_audio}" and "prompt_path" not in song(result)
    with pytest.raises(UnsupportedError, match="no style audio"):
        call_of(call=AUDIO, prompt_audio=None)


def test_file_names_do_not_depend_on_the_prompt():
    result = call_of(id="p.one_two")
    assert song(result)["id"] == "song" and result.outputs == {"mix": "generated/song.mp3"}
    assert result.lossy == "mp3"


def test_its_options_are_those_of_its_configuration():
    contract = json.loads(shared("facts/systems/jam.json").read_text(encoding="utf-8"))
    options = {option["flag"]: option for option in contract["options"]}
    options_set = dict(argument.split("=", 1) for argument in call_of().arguments)
    guidance = options_set.pop("evaluation.sample_kwargs.dual_cfg")
    assert json.loads(guidance) == options["evaluation.sample_kwargs.dual_cfg"]["default"]
    assert int(options_set["evaluation.sample_kwargs.steps"]) == options["evaluation.sample_kwargs.steps"]["default"]
    assert set(options_set) <= set(options)
    assert options["evaluation.sample_kwargs.batch_infer_num"]["default"] == 1
    assert options["evaluation.sample_kwargs_2"]["default"] is None
    assert options["evaluation.random_crop_style"]["default"] is False
    assert {option for option, facts in options.items() if facts["required"]} <= set(options_set)
    assert set(song(call_of(call=AUDIO))) | set(song(call_of())) == set(contract["input"]["manifest"]["keys"])


def test_pins_are_those_of_its_authors():
    contract = json.loads(shared("facts/systems/jam.json").read_text(encoding="utf-8"))
    assert CHECKOUT.commit == contract["commit"] and CHECKOUT.repository == contract["repo"] and CHECKOUT.submodules
    exact = {pin for pin in contract["pins"] if "==" in pin}
    assert exact <= set(ENVIRONMENT.requirements)


def test_every_quirk_of_its_contract_is_on_the_card():
    contract = json.loads(shared("facts/systems/jam.json").read_text(encoding="utf-8"))
    for style in ("text", "audio"):
        assert len(card_of(style).pitfalls) >= len(contract["quirks"])
