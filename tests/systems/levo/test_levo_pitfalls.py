"""What goes wrong in silence when LeVo's program is used as it comes."""

import json
import re

import pytest
from test_levo_rendering import request, song_of

from songbench.domain.errors import UnsupportedError
from songbench.domain.prompt import FileAsset
from songbench.plugin import build_system
from songbench.resources.upstream.script_worker import Worker
from systems.levo.environment import ENVIRONMENT, RUNTIME
from systems.levo.releases import RELEASES


def option(invocation, name):
    return invocation.arguments[invocation.arguments.index(name) + 1]


@pytest.mark.parametrize("name", RELEASES)
def test_the_generation_follows_from_the_folder_that_the_model_is_given(name):
    """The program takes the part after the last slash, in small letters with underscores."""
    table = {"songgeneration_base": 1, "songgeneration_base_new": 1, "songgeneration_base_full": 1}
    table |= {"songgeneration_large": 1, "songgeneration_v2_large": 2}
    system = build_system(f"levo:{name}")
    path = option(system.invoke(request(language="zh")), "--ckpt_path")
    assert table[path.split("/")[-1].lower().replace("-", "_")] == RELEASES[name].generation
    assert system.layout.links[path] == f"levo-{name}"


def test_the_memory_mode_cannot_change_unseen():
    normal = build_system("levo").invoke(request())
    assert any(re.search(pattern, "reserved memory: 20.0GB\nuse generate_lowmem") for pattern in normal.refusals)
    assert not any(re.search(pattern, "reserved memory: 79.1GB\nuse generate\n") for pattern in normal.refusals)
    low = build_system("levo", {"memory": "low"}).invoke(request())
    assert "--low_mem" in low.arguments and not low.refusals


def test_the_time_is_that_of_both_models_where_it_is_printed():
    line = "processsong, lm cost 101.25s, diffusion cost 20.5"
    match = re.search(build_system("levo").invoke(request()).compute_pattern, line)
    assert sum(map(float, match.groups())) == 121.75


def test_seeds_reach_all_but_the_choice_of_a_library_clip():
    assert build_system("levo").invoke(request()).seed_honoured
    assert build_system("levo").card.seed_rule == "set by the worker"
    automatic = build_system("levo", {"style": "auto"})
    assert not automatic.invoke(request()).seed_honoured and automatic.card.seed_rule == "not reachable"


def test_no_song_finds_vocals_of_another_clip(tmp_path):
    (tmp_path / "checkout").mkdir()
    layout = {"links": {}, "hub": {}, "hub_folder": "hub", "cwd": ".", "script": "generate.py", "variables": {}}
    worker = Worker({"upstream": str(tmp_path / "checkout"), "weights": {}, "scratch": str(tmp_path), **layout})
    (worker.cwd / "tmp").mkdir()
    (worker.cwd / "tmp" / "prompt_vocals.flac").write_bytes(b"the old vocals")
    (tmp_path / "song").mkdir()
    worker.places(tmp_path / "song")
    assert not (worker.cwd / "tmp").exists()


def test_one_kind_of_style_is_given():
    two_styles = request(prompt_audio=FileAsset("x.wav"))
    for spec, absent in (("levo", "prompt_audio_path"), ("levo:audio", "descriptions")):
        song = song_of(build_system(spec).invoke(two_styles))
        assert absent not in song and "auto_prompt_audio_type" not in song


def test_separators_inside_a_line_are_commas():
    text = song_of(build_system("levo").invoke(request("[verse]\nstay; go；now\n")))["gt_lyric"]
    assert text == "[verse] stay, go,now."


def test_the_list_is_one_line_of_ascii_with_a_plain_name():
    text = build_system("levo:base").invoke(request("[verse]\n再见\n", language="zh")).files["songs.jsonl"]
    assert text.isascii() and text.count("\n") == 1 and json.loads(text)["idx"] == "song"
    assert "  " not in json.loads(text)["gt_lyric"]


def test_lyrics_in_braces_are_no_placeholders():
    invocation = build_system("levo").invoke(request("[verse]\nsing {out} loud\n", style="{in}"))
    assert "{out}" not in invocation.files["songs.jsonl"] and "{in}" not in invocation.files["songs.jsonl"]


def test_songs_are_looked_for_where_the_program_writes_them():
    assert build_system("levo").invoke(request()).outputs == {"mix": "audios/song.flac"}


def test_text_that_was_cut_is_noted():
    warning = "UserWarning: Max len limit (300) Exceed!               [['<|im_start|>']] will be cut!"
    notes = build_system("levo").invoke(request()).notes
    assert [match.expand(note) for pattern, note in notes.items() if (match := re.search(pattern, warning))] == [
        "lyrics or description were cut at 300 tokens"
    ]


def test_instrumental_mode_is_not_used():
    with pytest.raises(UnsupportedError):
        build_system("levo").invoke(request("[inst] [inst]"))
    assert option(build_system("levo").invoke(request()), "--generate_type") == "mixed"


def test_packages_that_contradict_each_other_come_without_their_dependencies():
    (step,) = ENVIRONMENT.steps
    assert step.no_deps and {"hydra-core==1.0.7", "omegaconf==2.2.0"} <= set(step.requirements)
    assert "setuptools==80.9.0" in ENVIRONMENT.requirements


def test_all_of_the_runtime_is_fetched_and_laid_out_at_the_root():
    assert [file.name for file in RUNTIME.files] == ["ckpt/", "third_party/"]
    assert build_system("levo").layout.links["."] == RUNTIME.name


def test_every_pitfall_says_what_is_done():
    pitfalls = build_system("levo").card.pitfalls
    assert len(pitfalls) >= 15
    assert all(entry.pitfall.endswith(".") and entry.handling.endswith(".") for entry in pitfalls)
