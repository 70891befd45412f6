"""What YuE2's command line is given, and what goes wrong in silence when it is used as it comes."""

import json
import re
from dataclasses import replace

import pytest

from songbench.domain.errors import InputError
from songbench.domain.lyrics import parse_lyrics
from songbench.domain.prompt import Prompt
from songbench.domain.song import Request
from songbench.plugin import build_system
from systems.yue2.environment import CHECKOUT, MODEL, VAE, VAE_LEGACY
from systems.yue2.rendering import Yue2Call, merge

LYRICS = "[intro]\n\n[verse]\nMorning  comes in\n\n[inst]\n\n[chorus]\nHold the line\n\n[silence]\n"


def request(text=LYRICS, style="warm piano, female vocal", seed=5, **prompt):
    return Request(prompt=Prompt(id="p", lyrics=parse_lyrics(text), style=style, **prompt), take=0, seed=seed)


def request_of(invocation):
    return json.loads(invocation.files["request.json"])


def option(invocation, name):
    return invocation.arguments[invocation.arguments.index(name) + 1]


def test_every_song_has_a_request_of_its_own():
    """Asked for nothing, the program sings a Mandarin example."""
    invocation = build_system("yue2").invoke(request())
    assert request_of(invocation) == {
        "id": "p-0",
        "style": "English, warm piano, female vocal",
        "lyrics": "[Intro]\n[Verse]\nMorning comes in\n[Instrumental]\n[Chorus]\nHold the line",
        "cot": "full",
        "seed": 5,
    }
    assert invocation.arguments[:2] == ("generate", "--request") and option(invocation, "--output") == "{out}"
    assert invocation.outputs == {"mix": "p-0/audio.flac"}
    assert invocation.rendering.tags["silence"] is None and invocation.rendering.tags["verse"] == "[Verse]"


def test_the_request_has_no_field_that_its_protocol_does_not_know():
    allowed = {"style", "tags", "lyrics", "cot", "seed", "abc", "cfg_scale", "id", "abc_sampling", "semantic_sampling"}
    assert set(request_of(build_system("yue2", {"cfg_scale": 1.2}).invoke(request()))) <= allowed


def test_the_request_is_ascii():
    text = build_system("yue2").invoke(request("[verse]\n晚风轻轻\n", language="zh")).files["request.json"]
    assert text.isascii() and json.loads(text)["lyrics"] == "[Verse]\n晚风轻轻"


@pytest.mark.parametrize(
    ("style", "language", "text"),
    [
        ("piano pop", "en", "English, piano pop"),
        ("Mandarin, piano pop", "zh", "Mandarin, piano pop"),
        ("piano pop", "mixed", "piano pop"),
    ],
)
def test_the_style_text_names_the_language(style, language, text):
    rendering = build_system("yue2").invoke(request(style=style, language=language)).rendering
    assert rendering.style_text == text and bool(rendering.added) is (style != text)


def test_texts_in_braces_are_no_placeholders():
    text = build_system("yue2").invoke(request("[verse]\nsing {out}\n", style="{in}")).files["request.json"]
    assert "{out}" not in text and "{in}" not in text


RESULT = {
    "status": "complete",
    "truncated": {"abc": False, "semantic": False},
    "timing": {
        "abc": {"seconds": 10.5, "prefill_seconds": 0.1, "execution": "cuda_graph"},
        "semantic": {"seconds": 40.0, "output_tps": 99.0},
        "nar_seconds": 15.25,
        "vae_seconds": 2.0,
        "load": {"mot_load_seconds": 7.0},
        "e2e_seconds": 75.0,
    },
}


def test_a_song_that_was_cut_short_is_noted():
    invocation = build_system("yue2").invoke(request())
    ((pattern, note),) = invocation.notes.items()
    cut = json.dumps({**RESULT, "truncated": {"abc": False, "semantic": True}})
    assert re.search(pattern, cut).expand(note).endswith('limit of tokens: {"abc": false, "semantic": true}')
    assert not re.search(pattern, json.dumps(RESULT, indent=2)) and invocation.reports == ("p-0/result.json",)


def test_the_time_is_that_of_the_parts_without_loading():
    text = json.dumps(RESULT, indent=2)
    for variant, total in (("full", 67.75), ("melody", 67.75), ("off", 57.25)):
        match = re.search(build_system(f"yue2:{variant}").invoke(request()).compute_pattern, text)
        assert sum(map(float, match.groups())) == total
    unplanned = json.dumps({**RESULT, "timing": {**RESULT["timing"], "abc": {}}}, indent=2)
    match = re.search(build_system("yue2:off").invoke(request()).compute_pattern, unplanned)
    assert sum(map(float, match.groups())) == 57.25


def test_several_songs_of_a_call_have_their_own_seeds():
    system = build_system("yue2", {"songs_per_call": 2})
    requests = [request(seed=seed) for seed in (1, 2)]
    invocations = [system.invoke(one) for one in (requests[0], replace(requests[1], take=1))]
    together = merge(invocations, Yue2Call())
    rows = [json.loads(row) for row in together.files["songs.jsonl"].splitlines()]
    assert [(row["id"], row["seed"]) for row in rows] == [("p-0", 1), ("p-1", 2)]
    assert together.arguments[:2] == ("batch", "--input") and all(entry.seed_per_song for entry in invocations)
    assert system.batch == 2


def test_the_decoder_is_named():
    standard, legacy = build_system("yue2"), build_system("yue2", {"vae": "legacy"})
    assert option(standard.invoke(request()), "--vae") == f"{{weights:{VAE.name}}}"
    assert option(legacy.invoke(request()), "--vae") == f"{{weights:{VAE_LEGACY.name}}}"
    assert legacy.invoke(request()).settings["vae"] == "yue2-vae-legacy"
    assert VAE_LEGACY.name in legacy.card.needs and VAE_LEGACY.name not in standard.card.needs


@pytest.mark.parametrize(("variant", "guidance"), [("full", 1.0), ("melody", 1.0), ("off", 1.01)])
def test_plan_and_guidance_in_force_are_named(variant, guidance):
    invocation = build_system(f"yue2:{variant}").invoke(request())
    assert request_of(invocation)["cot"] == variant and "cfg_scale" not in request_of(invocation)
    assert invocation.settings["cot"] == variant and invocation.settings["cfg_scale"] == guidance
    assert build_system("yue2", {"cfg_scale": 1.5}).invoke(request()).settings["cfg_scale"] == 1.5


def test_offloading_is_switched_off_by_the_only_flag_that_does():
    on, off = (build_system("yue2", {"offload": choice}).invoke(request()).arguments for choice in (True, False))
    assert "--offload-nar" not in (*on, *off) and "--no-offload-nar" in off and "--no-offload-nar" not in on


def test_audio_is_made_alone_offline_and_once():
    invocation = build_system("yue2").invoke(request())
    assert "--stage" not in invocation.arguments and "--resume" not in invocation.arguments
    assert "--offline" in invocation.arguments and invocation.best_of == 1


def test_another_seed_is_another_request():
    first, second = (request_of(build_system("yue2").invoke(request(seed=seed)))["seed"] for seed in (1, 2**40))
    assert (first, second) == (1, 2**40) and build_system("yue2").card.seed_rule == "honoured"


def test_licences_and_source():
    assert all(weights.restricted and weights.licence == "CC BY-NC 4.0" for weights in (MODEL, VAE, VAE_LEGACY))
    assert CHECKOUT.commit.startswith("08109c1") and CHECKOUT.licence == "Apache-2.0"


def test_what_it_cannot_take():
    system = build_system("yue2")
    assert "nothing is sung" in system.unsupported(request("[inst] [inst]"))
    assert "no style in words" in system.unsupported(request(style=""))
    assert system.unsupported(request(language="ja")) == "it does not sing ja"
    with pytest.raises(InputError, match="melody"):
        build_system("yue2:half")
    with pytest.raises(InputError, match="budget"):
        build_system("yue2", {"budget": 1})
