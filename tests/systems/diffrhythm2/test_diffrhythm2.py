"""What DiffRhythm 2's program is given, and what goes wrong in silence when it is used as it comes."""

import json

import numpy as np
import pytest

from songbench.domain.audio import Audio, MemoryAudio, read_audio
from songbench.domain.errors import InputError, UnsupportedError
from songbench.domain.lyrics import parse_lyrics
from songbench.domain.prompt import FileAsset, Prompt
from songbench.domain.song import Request
from songbench.plugin import build_system
from systems.diffrhythm2.environment import CHECKOUT, ENVIRONMENT
from systems.diffrhythm2.lyrics import readable_line, render_lyrics

LYRICS = "[intro]\n\n[verse]\nMorning  comes in\n晚风轻轻\n\n[silence]\n\n[chorus]\nHold the line\n\n[outro]\n"


def request(text=LYRICS, style="Pop, Piano, Happy", **prompt):
    return Request(prompt=Prompt(id="p", lyrics=parse_lyrics(text), style=style, **prompt), take=0, seed=3)


def song_of(invocation):
    return json.loads(invocation.files["songs.jsonl"])


def option(invocation, name):
    return invocation.arguments[invocation.arguments.index(name) + 1]


def test_tags_and_lines_in_a_row_each():
    rendering = build_system("diffrhythm2").invoke(request()).rendering
    rows = rendering.lyrics.split("\n")
    assert rows[:5] == ["[start]", "[intro]", "[verse]", "Morning comes in", "晚风轻轻"]
    assert rows[5:] == ["[chorus]", "Hold the line", "[outro]", "[end]"]
    assert rendering.tags == {"silence": None} and len(rendering.added) == 2
    assert rendering.style == "text" and rendering.style_text == "Pop, Piano, Happy"


def test_every_tag_is_of_the_fixed_list():
    text = "".join(f"[{tag}]\n\n" for tag in ("intro", "inst", "outro")) + "".join(
        f"[{tag}]\nla\n\n" for tag in ("verse", "chorus", "bridge")
    )
    rows = render_lyrics(parse_lyrics(text)).text.split("\n")
    fixed = ["[start]", "[end]", "[intro]", "[verse]", "[chorus]", "[outro]", "[inst]", "[bridge]"]
    assert {row for row in rows if row.startswith("[")} == set(fixed)


def test_no_row_is_empty():
    """An empty one, also that after the last line end, raises "Unknown language"."""
    for text in (LYRICS, "[inst]\n\n[verse]\nla\n"):
        lyrics = build_system("diffrhythm2").invoke(request(text)).files["lyrics.txt"]
        assert all(lyrics.split("\n")) and lyrics.endswith("[end]") and "\r" not in lyrics


@pytest.mark.parametrize("line", ["123", "...", "♪ ♪", "사랑해", "Привет"])
def test_a_line_that_ends_the_run_is_unsupported(line):
    with pytest.raises(UnsupportedError, match="no Latin letter and no Chinese character"):
        readable_line(line)
    assert "ends the run" in build_system("diffrhythm2").unsupported(request(f"[verse]\nla la\n{line}\n"))


@pytest.mark.parametrize(("line", "letters"), [("去了カラOK", "カラ"), ("love Привет", "Привет")])
def test_letters_that_would_vanish_are_unsupported(line, letters):
    with pytest.raises(UnsupportedError, match=f"cannot read: {letters}"):
        readable_line(line)
    assert readable_line("café  on 5th, naïve") == "café on 5th, naïve"


def test_lyrics_are_a_file_and_the_list_is_ascii():
    invocation = build_system("diffrhythm2").invoke(request(style="流行, 钢琴"))
    assert song_of(invocation) == {"song_name": "song", "style_prompt": "流行, 钢琴", "lyrics": "{in}/lyrics.txt"}
    assert invocation.files["songs.jsonl"].isascii() and invocation.files["songs.jsonl"].count("\n") == 1
    assert invocation.outputs == {"mix": "song.mp3"}


def test_texts_in_braces_are_no_placeholders():
    invocation = build_system("diffrhythm2").invoke(request("[verse]\nsing {out}\n", style="{prompt_audio}"))
    assert "{out}" not in invocation.files["lyrics.txt"] and "{prompt_audio}" not in invocation.files["songs.jsonl"]


def test_the_style_in_sound_is_ten_seconds_at_the_rate_of_the_encoder(tmp_path):
    system = build_system("diffrhythm2:audio")
    invocation = system.invoke(request(prompt_audio=FileAsset("x.wav")))
    assert song_of(invocation)["style_prompt"] == "{prompt_audio}" and invocation.rendering.style == "audio"
    clip = MemoryAudio(Audio(np.ones((2, 8000 * 11), dtype="float32"), 8000))
    audio = read_audio(system._prompt_file(clip, tmp_path))
    assert audio.rate == 24_000 and audio.samples.shape[1] == 240_000, "not above 10 s, or it is cut at random"
    assert "style audio" in system.unsupported(request())


@pytest.mark.parametrize("style", ["README.md", "example/prompt/2.wav", "LICENSE"])
def test_a_style_text_that_names_a_file_is_unsupported(style):
    assert "name of a file" in build_system("diffrhythm2").unsupported(request(style=style))
    assert build_system("diffrhythm2").unsupported(request(style="R&B/Soul")) is None


def test_fake_stereo_is_the_left_channel_and_can_be_off():
    fake, mono = (build_system("diffrhythm2", {"fake_stereo": choice}).invoke(request()) for choice in (True, False))
    assert option(fake, "--fake-stereo") == "True" and fake.fake_stereo
    assert option(mono, "--fake-stereo") == "" and not mono.fake_stereo
    assert fake.lossy == mono.lossy == "mp3"


def test_its_settings():
    system = build_system("diffrhythm2", {"cfg_strength": 3.5, "steps": 32, "max_secs": 60})
    invocation = system.invoke(request())
    assert (option(invocation, "--cfg-strength"), option(invocation, "--steps")) == ("3.5", "32")
    assert option(invocation, "--max-secs") == "60" and option(invocation, "--repo-id") == "ASLP-lab/DiffRhythm2"
    assert system.parameters["cfg_strength"] == 3.5
    with pytest.raises(InputError, match="max_secs"):
        build_system("diffrhythm2", {"max_secs": 300})
    with pytest.raises(InputError, match="audio"):
        build_system("diffrhythm2:full")


def test_what_it_cannot_take():
    system = build_system("diffrhythm2")
    assert "nothing is sung" in system.unsupported(request("[inst] [inst]"))
    assert system.unsupported(request(language="ja")) == "it does not sing ja"


def test_weights_lie_where_the_program_and_its_packages_look():
    layout = build_system("diffrhythm2").layout
    assert layout.links == {"ckpt": "diffrhythm2-model"} and layout.hub_folder == "ckpt"
    assert set(layout.hub) == {"OpenMuQ/MuQ-MuLan-large", "OpenMuQ/MuQ-large-msd-iter", "xlm-roberta-base"}


def test_the_environment_pins_what_breaks_a_fresh_installation():
    pins = {"py3langid==0.2.2", "inflect==7.5.0", "setuptools==80.9.0", "transformers==4.47.1"}
    assert pins <= set(ENVIRONMENT.requirements)
    assert all("==" in pin for pin in ENVIRONMENT.requirements)


def test_the_commit_without_breakpoints_is_used():
    assert CHECKOUT.repository == "ASLP-lab/DiffRhythm2" and CHECKOUT.commit.startswith("d865f3e")


def test_seeds_come_from_outside():
    assert build_system("diffrhythm2").card.seed_rule == "set by the worker"
    assert build_system("diffrhythm2").invoke(request()).seed_honoured
