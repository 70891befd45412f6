"""SongGen's own processor through our adapter and worker; sites/songgen_site.py says what is real."""

import json
from dataclasses import replace

import numpy as np
import pytest
from layers import HERE, layered_environment, plant, upstream_folder
from prompts import prompts
from tokenizers import Tokenizer

from songbench.contracts.registry import build_system
from songbench.domain.lyrics import parse_lyrics
from songbench.domain.prompt import Prompt
from songbench.domain.song import Request, Song
from systems.songgen.environment import CHECKOUT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

LYRICS = parse_lyrics("[verse]\nI love you, hon\ncafé girl at the Co\n[chorus]\nLa la la.")
STYLE_SIGNS = "abcdefghijklmnopqrstuvwxyz ,"


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """This Python, with stand-ins for the models."""
    upstream_folder(CHECKOUT)
    names = {"sitecustomize.py": HERE / "sites" / "songgen_site.py"}
    names |= {name: HERE / name for name in ("absent.py", "cpu_site.py")}
    return layered_environment(None, tmp_path_factory.mktemp("songgen") / "environment", names)


def write_tokenizer(folder):
    """A tokenizer of single letters, as transformers loads it."""
    vocabulary = {"<pad>": 0, "</s>": 1, "<unk>": 2, **{sign: 3 + place for place, sign in enumerate(STYLE_SIGNS)}}
    tokenizer = {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "normalizer": None,
        "pre_tokenizer": {"type": "Split", "pattern": {"Regex": "."}, "behavior": "Isolated", "invert": False},
        "post_processor": None, "decoder": None,
        "model": {"type": "WordLevel", "vocab": vocabulary, "unk_token": "<unk>"},
    }  # fmt: skip
    names = {"pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"}
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_input_names": ["input_ids", "attention_mask"],
        **names,
    }
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer), encoding="utf-8")
    (folder / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")


@pytest.fixture
def built(environment, set_folders, tmp_path, monkeypatch):
    """A function that builds a variant: the system, and a function that reads what the models were given."""
    path = tmp_path / "notes.jsonl"
    monkeypatch.setenv("SONGBENCH_TEST_NOTES", str(path))
    systems = []

    def build(variant=None):
        system = build_system("songgen", {"variant": variant} if variant else {})
        set_folders(system, environment, upstream_folder(CHECKOUT))
        folders = {entry.name: tmp_path / "sources" / entry.name for entry in system.weights}
        for folder in folders.values():
            folder.mkdir(parents=True)
            (folder / "config.json").write_text("{}", encoding="utf-8")
            (folder / "preprocessor_config.json").write_text(
                '{"feature_extractor_type": "Wav2Vec2FeatureExtractor", "sampling_rate": 24000}', encoding="utf-8"
            )
        write_tokenizer(folders[system.weights[0].name])
        plant(system, folders)
        systems.append(system)
        return system

    def notes(kind):
        lines = map(json.loads, path.read_text(encoding="utf-8").splitlines())
        return [value for name, value in lines if name == kind]

    yield build, notes
    for system in systems:
        system.close()


def lyric_tokens(entries):
    """The tokens of its own vocabulary as text."""
    vocabulary = Tokenizer.from_file(str(upstream_folder(CHECKOUT) / "songgen/lyrics_utils/vocab.json"))
    return "".join(vocabulary.id_to_token(entry) for entry in entries[1:-1]).replace("[SPACE]", " ")


def test_a_song_is_made_from_what_its_processor_reads(built):
    build, notes = built
    system = build()
    request = Request(prompt=Prompt(id="p", lyrics=LYRICS, style="pop, piano"), take=0, seed=3)
    first, second = system.generate([request, request])
    for song in (first, second):
        assert isinstance(song, Song), song.cause + song.detail
    assert np.array_equal(first.source.load().samples, second.source.load().samples)
    assert lyric_tokens(notes("lyrics")[0]) == "[en]i love you, hon .café girl at the co .la la la"
    assert "".join(STYLE_SIGNS[entry - 3] for entry in notes("style")[0]) == "pop, piano"
    assert notes("settings")[0] == {"do_sample": True}
    ((kind, attention, files),) = notes("model")
    assert (kind, attention) == ("Mixed", "sdpa") and "tokenizer.json" in files
    assert "xcodec_hubert_general_audio_v2.pth" in notes("codec")[0]
    assert notes("separator")[0][0] == "htdemucs" and "955717e8-8726e21a.th" in notes("separator")[0][1]


def test_two_tracks_come_as_stems(built):
    build, notes = built
    (song,) = build("dual").generate([Request(prompt=Prompt(id="p", lyrics=LYRICS, style="pop"), take=0, seed=3)])
    assert isinstance(song, Song), song.cause + song.detail
    assert set(song.stems) == {"vocals", "accompaniment"} and notes("model")[0][0] == "Dual"


def test_its_vocabulary_has_every_letter_of_every_prompt(built):
    build, notes = built
    system = build()
    requests = [
        Request(prompt=replace(prompt, style=prompt.style or "pop"), take=0, seed=0) for prompt in prompts().values()
    ]
    requests = [request for request in requests if system.unsupported(request) is None]
    songs = list(system.generate(requests))
    assert len(songs) > 20 and all(isinstance(song, Song) for song in songs)
    unknown = Tokenizer.from_file(str(upstream_folder(CHECKOUT) / "songgen/lyrics_utils/vocab.json")).token_to_id(
        "[UNK]"
    )
    for request, entries in zip(requests, notes("lyrics"), strict=True):
        signs = {sign for line in request.prompt.lyrics.lines for sign in line if not sign.isalnum()}
        assert unknown not in entries or signs & set("{}<>~|^_`\\"), request.prompt.lyrics.lines
