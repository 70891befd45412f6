"""What LeVo's program is given for a prompt."""

import json

import pytest

from songbench.domain.errors import InputError, UnsupportedError
from songbench.domain.lyrics import parse_lyrics
from songbench.domain.prompt import FileAsset, Prompt
from songbench.domain.song import Request
from songbench.plugin import build_system
from systems.levo.lyrics import render_lyrics
from systems.levo.releases import RELEASES
from systems.levo.rendering import SAMPLING, description_of

ENGLISH = "[intro] [intro]\n\n[verse]\nI open up; the window!\nand all the city...\n\n[chorus]\nTake my hand\n"
MANDARIN = "[intro] , [verse] 晚风轻轻吹过，窗前。 你还在 , [inst] [inst]"


def request(text=ENGLISH, style="Bright Pop, piano and drums", **prompt):
    return Request(prompt=Prompt(id="p", lyrics=parse_lyrics(text), style=style, **prompt), take=0, seed=3)


def song_of(invocation):
    return json.loads(invocation.files["songs.jsonl"])


def test_english_sentences_end_with_a_full_stop():
    invocation = build_system("levo:large").invoke(request())
    text = "[intro-short] ; [verse] I open up, the window. and all the city. ; [chorus] Take my hand."
    assert song_of(invocation) == {
        "idx": "song",
        "gt_lyric": text,
        "descriptions": "bright pop, piano and drums",
    }
    assert invocation.rendering.lyrics == text
    assert invocation.rendering.tags == {"intro": "[intro-short]"}
    assert invocation.rendering.style == "text" and invocation.rendering.style_text == "bright pop, piano and drums"


def test_mandarin_phrases_are_parted_and_the_last_has_no_full_stop():
    rendering = build_system("levo:base").invoke(request(MANDARIN, language="zh")).rendering
    assert rendering.lyrics == "[intro-short] ; [verse] 晚风轻轻吹过.窗前.你还在 ; [inst-short]"


def test_english_and_mandarin_in_one_section():
    prompt = request("[verse]\n等你回来\nstay with me\n[chorus]\nlove me\n再见\n").prompt
    assert render_lyrics(prompt).text == "[verse] 等你回来.stay with me. ; [chorus] love me. 再见"


@pytest.mark.parametrize(
    ("seconds", "name"), [(3, "short"), (10, "short"), (11, "medium"), (20, "medium"), (21, "long")]
)
def test_seconds_become_a_length(seconds, name):
    text = f"{'[inst] ' * seconds}\n\n[verse]\nla la\n"
    rendering = build_system("levo").invoke(request(text)).rendering
    assert rendering.lyrics.startswith(f"[inst-{name}] ; ") and rendering.tags["inst"] == f"[inst-{name}]"


def test_a_sung_outro_is_a_verse_and_a_silence_stays():
    text = "[silence]\n\n[verse]\nla la\n\n[outro]\nbye bye\n\n[outro] [outro]\n"
    rendering = build_system("levo").invoke(request(text)).rendering
    assert rendering.lyrics == "[silence] ; [verse] la la. ; [verse] bye bye. ; [outro-short]"
    assert rendering.tags == {"outro": "[verse] or [outro-short]"}


def test_lines_of_signs_alone_are_reported():
    rendering = build_system("levo").invoke(request("[verse]\nla la\n...\n")).rendering
    assert rendering.lyrics == "[verse] la la." and rendering.dropped == ("...",)


def test_generation_2_is_given_what_it_adds_itself():
    invocation = build_system("levo").invoke(request())
    assert song_of(invocation)["descriptions"] == "bright pop, piano and drums."
    assert invocation.rendering.style_text == "[Musicality-very-high], bright pop, piano and drums."
    assert invocation.rendering.added == ("[Musicality-very-high] before the description",)


def test_the_style_in_sound():
    system = build_system("levo:base-full-audio")
    invocation = system.invoke(request(prompt_audio=FileAsset("x.wav")))
    assert set(song_of(invocation)) == {"idx", "gt_lyric", "prompt_audio_path"}
    assert invocation.rendering.style == "audio" and invocation.rendering.style_text == ""
    assert system.card.conditions == ("lyrics", "prompt audio") and system.card.vram_gib == 24
    assert build_system("levo:base-full-audio", {"memory": "low"}).card.vram_gib == 18
    assert "style audio" in system.unsupported(request())
    assert build_system("levo:audio").invoke(request(prompt_audio=FileAsset("x"))).rendering.style_text.endswith(", .")


def test_a_clip_of_its_own_library():
    system = build_system("levo", {"style": "auto", "library": "Jazz"})
    invocation = system.invoke(request(style=""))
    assert song_of(invocation)["auto_prompt_audio_type"] == "Jazz"
    assert invocation.rendering.style == "none" and "of the type Jazz" in invocation.rendering.added[0]
    with pytest.raises(InputError, match="Hip-Hop"):
        build_system("levo", {"style": "auto", "library": "Hiphop"})


def test_sentences_in_a_style_text_are_noted():
    assert description_of("Sad POP; piano.\nmale voice") == ("sad pop, piano, male voice", ())
    rendering = build_system("levo").invoke(request(style="A dark song with a male singer, jazz")).rendering
    assert "'a dark song with a male singer' is a sentence" in rendering.notes[0]


def test_the_settings_in_force_are_named():
    low = build_system("levo", {"memory": "low", "stems": True, "flash_attention": True}).invoke(request())
    assert low.arguments[-2:] == ("--use_flash_attn", "--low_mem") and "separate" in low.arguments
    assert low.settings["temperature"] == 0.9 and low.settings["top_k"] == 50 and not low.compute_pattern
    assert set(low.outputs) == {"mix", "vocals", "accompaniment"} and "do not add up" in low.rendering.notes[0]
    normal = build_system("levo").invoke(request())
    assert "--low_mem" not in normal.arguments and normal.settings["top_k"] == SAMPLING["normal"]["top_k"] == 5000


def test_every_release_is_a_system():
    for name, release in RELEASES.items():
        card = build_system(f"levo:{name}").card
        assert card.max_seconds == release.max_seconds and card.languages == release.languages
        assert f"levo-{name}" in card.needs and "levo-runtime" in card.needs
    assert build_system("levo").card.name == "levo"
    with pytest.raises(InputError, match="base-new-audio"):
        build_system("levo:v2-medium")


def test_what_it_cannot_take():
    with pytest.raises(UnsupportedError, match="nothing is sung"):
        build_system("levo").invoke(request("[inst] [inst]"))
    assert build_system("levo:base").unsupported(request()) == "it does not sing en"
    assert "no style in words" in build_system("levo").unsupported(request(style=" "))
