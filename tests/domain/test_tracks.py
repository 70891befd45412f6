"""The rules of the track v2a for suites: what a prompt must have, and what may not leak."""

import json

import numpy as np
import pytest
import soundfile

from songbench.domain.errors import InputError
from songbench.domain.prompt import CutAsset, FileAsset, RenderAsset
from songbench.domain.suite import load_suite, parse_prompt
from songbench.suites import CORE, V2A_CORE, V2A_DEMO
from songbench.suites.vocal_suite import vocal_suite

RECIPE = {"render": "rulebased", "seed": 5}
VOCAL = {**RECIPE, "stem": "vocals"}
TRUTH = {**RECIPE, "stem": "accompaniment"}
LYRICS = "[verse]\nHello my friend"


def row(**fields):
    return {"id": "p", "track": "v2a", "lyrics": LYRICS, "vocal": VOCAL, **fields}


def sound(path, seconds=3.0, rate=8000):
    soundfile.write(path, 0.1 * np.random.default_rng(0).standard_normal(round(seconds * rate)), rate)
    return path.name


def test_a_song_has_no_vocal_and_an_accompaniment_needs_one():
    with pytest.raises(InputError, match=r"field 'vocal'.*track song has no vocal.*\"track\": \"v2a\""):
        parse_prompt({"id": "p", "lyrics": LYRICS, "vocal": VOCAL})
    with pytest.raises(InputError, match=r"field 'vocal'.*needs the vocal to accompany"):
        parse_prompt({"id": "p", "lyrics": LYRICS, "track": "v2a"})


def test_a_suite_is_of_one_track(tmp_path):
    path = tmp_path / "s.jsonl"
    song = {"id": "a", "lyrics": LYRICS}
    path.write_text("\n".join(json.dumps(one) for one in ({"suite": "s"}, song, row(), {**song, "id": "b"})))
    with pytest.raises(InputError, match=r"one track.*song in line 2, 4; v2a in line 3.*a suite for each track"):
        load_suite(path)
    path.write_text(json.dumps(row()))
    assert load_suite(path).track == "v2a"


def test_a_recorded_vocal_needs_no_lyrics_and_gives_the_length(tmp_path):
    name = sound(tmp_path / "v.wav", 3.25)
    prompt = parse_prompt({"id": "p", "track": "v2a", "vocal": name}, folder=tmp_path)
    assert (prompt.seconds, prompt.lyrics_known, prompt.lyrics.tags) == (3.25, False, ("inst",))
    assert parse_prompt(json.loads(json.dumps(prompt.to_json()))) == prompt
    with_words = parse_prompt({"id": "p", "track": "v2a", "vocal": name, "lyrics": LYRICS}, folder=tmp_path)
    assert with_words.lyrics_known and with_words.lyrics.lines == ("Hello my friend",) and with_words.seconds == 3.25
    with pytest.raises(InputError, match=r"field 'seconds'.*lasts 3\.25 s, not 9 s"):
        parse_prompt({"id": "p", "track": "v2a", "vocal": name, "seconds": 9}, folder=tmp_path)


def test_lyrics_that_nobody_gives_are_missing():
    with pytest.raises(InputError, match=r"field 'lyrics'.*A rendered vocal sings"):
        parse_prompt({"id": "p", "track": "v2a", "vocal": VOCAL})
    with pytest.raises(InputError, match=r"field 'lyrics'.*A rendered vocal sings"):
        parse_prompt(row(lyrics_known=False))
    with pytest.raises(InputError, match=r"field 'lyrics'.*missing"):
        parse_prompt({"id": "p"})
    with pytest.raises(InputError, match=r"field 'lyrics'.*missing"):
        parse_prompt({"id": "p", "track": "v2a", "vocal": "absent.wav"})


def test_an_excerpt_of_a_pair_of_stems(tmp_path):
    names = [sound(tmp_path / f"{stem}.wav", 6) for stem in ("vocal", "band")]
    vocal, band = ({"cut": name, "start": 2, "seconds": 3} for name in names)
    prompt = parse_prompt({"id": "p", "track": "v2a", "vocal": vocal, "reference": band}, folder=tmp_path)
    assert prompt.vocal == CutAsset(2.0, 3.0, FileAsset(tmp_path / "vocal.wav"))
    assert prompt.seconds == 3.0
    assert parse_prompt(json.loads(json.dumps(prompt.to_json()))) == prompt
    late = {"cut": names[0], "start": 7, "seconds": 3}
    with pytest.raises(InputError, match=r"field 'vocal'.*no cut from 7 s on in 6\.0 s"):
        parse_prompt({"id": "p", "track": "v2a", "vocal": late}, folder=tmp_path)
    rendered = parse_prompt(row(vocal={"cut": VOCAL, "start": 1, "seconds": 2}))
    assert rendered.origin(rendered.vocal) == RenderAsset("rulebased", 5, {}, "vocals")


def test_what_a_cut_is_of_decides_its_identity_and_not_where_that_lies(tmp_path):
    cuts = []
    for folder in (tmp_path / "a", tmp_path / "b"):
        folder.mkdir()
        sound(folder / "v.wav")
        vocal = {"cut": "v.wav", "start": 1, "seconds": 1}
        cuts.append(parse_prompt({"id": "p", "track": "v2a", "vocal": vocal}, folder=folder))
    assert cuts[0].key() == cuts[1].key()
    (tmp_path / "b" / "v.wav").unlink()
    with pytest.raises(InputError, match=r"field 'vocal' of prompt 'p'.*No such audio file"):
        cuts[1].key()


@pytest.mark.parametrize(
    "value", [{"cut": "reference", "start": 1, "seconds": 1}, {"cut": 5, "start": 1, "seconds": 1}]
)
def test_a_vocal_is_no_cut_of_the_reference_nor_of_nonsense(value):
    with pytest.raises(InputError, match="field 'vocal'"):
        parse_prompt(row(vocal=value))


STYLES = {
    "the whole song": RECIPE,
    "another stem of it": {**RECIPE, "stem": "drums"},
    "a cut of the reference": {"cut": "reference", "start": 1, "seconds": 1},
    "a cut of the song": {"cut": RECIPE, "start": 1, "seconds": 1},
}


@pytest.mark.parametrize("style", STYLES.values(), ids=STYLES)
def test_a_style_clip_is_no_piece_of_the_true_accompaniment(style):
    with pytest.raises(InputError, match=r"field 'prompt_wav'.*a piece of the true accompaniment"):
        parse_prompt(row(reference=TRUTH, prompt_wav=style))


def test_another_song_or_another_part_may_be_the_style_clip(tmp_path):
    parse_prompt(row(reference=TRUTH, prompt_wav={**TRUTH, "seed": 6}))
    sound(tmp_path / "band.wav", 6)
    (tmp_path / "link.wav").symlink_to(tmp_path / "band.wav")
    parts = {"reference": {"cut": "band.wav", "start": 2, "seconds": 2}}
    before = {"cut": "link.wav", "start": 0, "seconds": 2}
    assert parse_prompt(row(**parts, prompt_wav=before), folder=tmp_path).prompt_audio is not None
    with pytest.raises(InputError, match="a piece of the true accompaniment"):
        parse_prompt(row(**parts, prompt_wav={**before, "seconds": 2.1}), folder=tmp_path)


def test_the_demo_of_the_track_is_what_it_says():
    suite = load_suite(V2A_DEMO)
    assert suite.track == "v2a" and len(suite.prompts) == 6 and not suite.remarks
    assert sorted(prompt.language for prompt in suite.prompts) == ["en"] * 4 + ["zh"] * 2
    assert all(20 <= prompt.seconds <= 30 and len(prompt.assets) == 3 for prompt in suite.prompts)
    assert len({prompt.tags["genre"] for prompt in suite.prompts}) == 6
    assert len({prompt.style.rpartition(", ")[2] for prompt in suite.prompts}) == 6  # tempi


def test_the_large_suite_of_the_track_is_made_from_the_large_suite_of_songs():
    rows = [json.loads(line) for line in V2A_CORE.read_text(encoding="utf-8").splitlines()]
    assert rows == vocal_suite(load_suite(CORE), "v2a-core")
    assert len({one["id"] for one in rows[1:]}) == 100
    assert all(one["prompt_wav"]["start"] + 10 < one["seconds"] <= 150 for one in rows[1:])
