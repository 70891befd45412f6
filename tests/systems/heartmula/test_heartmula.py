"""HeartMuLa: what its program is given, and what becomes of its pitfalls."""

import sys
from dataclasses import replace

import pytest

from songbench.contracts.card_checks import faults_of_system
from songbench.contracts.conflicts import dependences_of
from songbench.domain.errors import InputError
from songbench.domain.lyrics import parse_lyrics
from songbench.domain.prompt import Prompt
from songbench.domain.song import Failure, Request, Song
from systems.heartmula.environment import CODEC, GENERAL, HAPPY_NEW_YEAR, RL
from systems.heartmula.rendering import style_tags
from systems.heartmula.system import HeartMuLa

LYRICS = """[intro] [intro]

[verse]
Der Wind sings IN the {out} trees
lyrics.txt

[inst] [inst]

[silence]

[outro]
Goodbye
"""

PROGRAM = """
import argparse, os, random, struct, sys, wave
import heartlib

parser = argparse.ArgumentParser()
for name in ("model_path", "lyrics", "tags", "save_path"):
    parser.add_argument("--" + name, required=True)
for name in ("version", "mula_device", "codec_device", "mula_dtype", "codec_dtype", "lazy_load"):
    parser.add_argument("--" + name)
parser.add_argument("--max_audio_length_ms", type=int, default=240000)
parser.add_argument("--topk", type=int)
parser.add_argument("--temperature", type=float)
parser.add_argument("--cfg_scale", type=float)
args = parser.parse_args()
for name in ("HeartMuLa-oss-" + args.version + "/config.json", "HeartCodec-oss/config.json", "tokenizer.json"):
    assert os.path.isfile(os.path.join(args.model_path, name)), name
lyrics = open(args.lyrics, encoding="utf-8").read()
assert lyrics == lyrics.lower() and os.path.isfile(args.tags)
frames = args.max_audio_length_ms // 80 + 1 if "endless" in lyrics else 3
if "nothing" in lyrics:
    sys.exit(0)
with wave.open(args.save_path, "wb") as file:
    file.setnchannels(2)
    file.setsampwidth(2)
    file.setframerate(48000)
    file.writeframes(struct.pack("<hh", random.randrange(1, 9999), 5) * (frames * 3840))
print("Generated music saved to", args.save_path)
"""

TORCH = """
from types import SimpleNamespace

cuda = SimpleNamespace(is_available=lambda: False)

def manual_seed(seed):
    print("torch seeded with", seed)
"""
"""In the place of the real one, which takes seconds to import."""


def request(lyrics=LYRICS, seed=5, **facts):
    prompt = Prompt(id="p", lyrics=parse_lyrics(lyrics), **{"style": "Warm Folk,  guitar", **facts})
    return Request(prompt=prompt, take=0, seed=seed)


@pytest.fixture(scope="module")
def invocation():
    return HeartMuLa().invoke(request())


def option(invocation, name):
    return invocation.arguments[invocation.arguments.index(name) + 1]


def test_card():
    assert not faults_of_system(HeartMuLa().card) and HeartMuLa().card.name == "heartmula"
    assert {dependence.family for dependence in dependences_of("heartmula")} == {
        "muq-mulan",
        "songeval",
        "audiobox-aesthetics",
    }


def test_words_that_name_a_file_are_given_as_a_file_and_in_lower_case(invocation):
    assert option(invocation, "--lyrics") == "{in}/lyrics.txt" and option(invocation, "--tags") == "{in}/tags.txt"
    text = invocation.rendering.lyrics
    assert "lyrics.txt\n" in text and "der wind sings in the {out} trees\n" in text and text == text.lower()
    assert "{brace}out}" in invocation.files["lyrics.txt"], "what people wrote is no placeholder"
    assert "lyrics in lower case" in invocation.rendering.notes


def test_only_plain_section_tags_are_given_as_others_are_sung(invocation):
    assert invocation.rendering.lyrics == (
        "[intro]\n\n[verse]\nder wind sings in the {out} trees\nlyrics.txt\n\n[outro]\ngoodbye\n"
    )
    assert invocation.rendering.tags == {"inst": None, "silence": None}


def test_style_is_a_list_of_tags(invocation):
    assert invocation.files["tags.txt"] == invocation.rendering.style_text == "warm folk,guitar"
    assert style_tags("Jazz；soft, slow.，") == "jazz,soft,slow"


def test_limit_and_format_are_always_given(invocation):
    assert option(invocation, "--max_audio_length_ms") == "240000" and option(invocation, "--save_path").endswith(
        ".wav"
    )
    assert option(HeartMuLa(max_seconds=90.0).invoke(request()), "--max_audio_length_ms") == "90000"


def test_releases_are_variants_with_weights_of_their_own():
    rl = HeartMuLa(variant="rl")
    assert rl.card.name == "heartmula:rl" and RL in rl.weights and HAPPY_NEW_YEAR not in rl.weights
    assert rl.parameters["weights"].keys() != HeartMuLa().parameters["weights"].keys()
    with pytest.raises(InputError, match="has no release 'r1'"):
        HeartMuLa(variant="r1")


def test_loading_on_demand_is_refused_for_two_devices():
    with pytest.raises(InputError, match="one device"):
        HeartMuLa(lazy_load=True, mula_device="cuda:0", codec_device="cuda:1")


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"style": ""}, "no style in words"),
        ({"language": "fr"}, "does not sing fr"),
        ({"lyrics": "[inst] [inst]\n\n[outro]\n"}, "nothing is sung"),
    ],
)
def test_unsupported_prompts(facts, reason):
    assert reason in HeartMuLa().unsupported(request(**facts))


def test_prompt_audio_is_not_used():
    assert "prompt audio" not in HeartMuLa().card.conditions


@pytest.fixture(scope="module")
def system(tmp_path_factory):
    """The adapter before a stand-in for its program, in this Python."""
    root = tmp_path_factory.mktemp("heartmula")
    files = {
        "examples/run_music_generation.py": PROGRAM,
        "src/heartlib/__init__.py": "",
        "src/heartlib/pipelines/music_generation.py": "",
        "src/numpy.py": "from types import SimpleNamespace\nrandom = SimpleNamespace(seed=lambda seed: None)\n",
        "src/torch.py": TORCH,
    }
    for name, text in files.items():
        path = root / "checkout" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SONGBENCH_ENVIRONMENTS", str(root / "environments"))
        patch.setenv("SONGBENCH_ENV_HEARTMULA", sys.executable)
        patch.setenv("SONGBENCH_UPSTREAM_HEARTMULA", str(root / "checkout"))
        built = HeartMuLa(max_seconds=1.0, mula_device="cpu", codec_device="cpu")
        built.weights = tuple(fake_weights(entry, root, patch) for entry in (GENERAL, HAPPY_NEW_YEAR, CODEC))
        yield built
        built.close()


def fake_weights(entry, root, patch):
    """Weights of a few bytes, in their place."""
    from songbench.resources import weights

    patch.setenv("SONGBENCH_WEIGHTS", str(root / "weights"))
    small = replace(entry, files=tuple(replace(file, sha256=EMPTY, size=0) for file in entry.files))
    for file in small.files:
        path = weights.folder_of(small) / file.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return small


EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_songs_of_a_stand_in(system):
    """The seed is set from outside; a song at its limit is noted; exit code 0 without a file is a failure."""
    endless = request("[verse]\nAn endless song\n", seed=7)
    song, repetition, cut, absent = system.generate([request(), request(), endless, request("[verse]\nnothing\n")])
    assert isinstance(song, Song) and song.audio.rate == 48_000 and song.audio.seconds == pytest.approx(0.24)
    assert (song.audio.samples == repetition.audio.samples).all(), "one seed, one song"
    assert cut.audio.samples[0, 0] != song.audio.samples[0, 0]
    assert song.record.loading_included and song.record.own_process and not song.record.lossy
    assert song.record.settings["cfg_scale"] == 1.5 and song.record.rendering.style == "text"
    assert any("cut there" in note for note in cut.record.notes) and not any(
        "cut" in note for note in song.record.notes
    )
    assert isinstance(absent, Failure) and "song.wav" in absent.cause
