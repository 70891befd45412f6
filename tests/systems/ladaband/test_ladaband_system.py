"""LaDA-Band as a system: models of one's own, what it takes and refuses, what it says of what it did."""

import json
from dataclasses import replace

import numpy as np
import pytest
from ladaband_band import RATE, band, request, small_model, voice
from ladaband_conditions import SmallNetworks

from songbench.domain.audio import Audio
from songbench.domain.errors import InputError
from songbench.domain.song import Failure, Song
from songbench.plugin import build_system
from systems.ladaband.model_folder import FACTS_FILE, PREDICTOR_FILE, ModelFacts, ModelFiles, write_facts
from systems.ladaband.system import LadaBandSystem

SONGS = [(voice(2, seed), band(2, seed)) for seed in range(2)]
JOINT = 48


@pytest.fixture(scope="module")
def untrained(tmp_path_factory):
    """A model that gives noise made of the songs' blocks."""
    return small_model(tmp_path_factory.mktemp("untrained"), SONGS, steps=0)


@pytest.fixture(scope="module")
def listening(tmp_path_factory):
    """A model that is told text and clip, with its networks beside it."""
    folder = tmp_path_factory.mktemp("told")
    small_model(folder, SONGS, steps=0, facts=ModelFacts(trained_seconds=1.5), condition_dim=JOINT)
    SmallNetworks(JOINT).write(folder / "conditions")
    return folder


def system(folder, **settings):
    return build_system(f"ladaband={folder}", {"steps": 3, "device": "cpu", **settings})


def answer(folder, song_request, **settings):
    (song,) = system(folder, **settings).generate([song_request])
    return song


def test_time_is_told_by_stage(untrained):
    song = answer(untrained, request(SONGS[0][0]))
    assert set(song.record.stages) == {"read", "encode", "generate", "decode"}
    assert song.record.seconds == pytest.approx(sum(song.record.stages.values()))
    assert song.record.conditions == ("vocal",)


def test_no_vocal_sounds_in_what_it_gives(untrained):
    """Every block that is given is one of the codec's, none of them is the vocal's own beside a band's."""
    vocal, _ = SONGS[0]
    song = answer(untrained, request(vocal))
    silent_codec = answer(untrained, request(Audio(vocal.samples * 0.5, RATE)))
    assert song.audio.samples.shape == silent_codec.audio.samples.shape
    assert not np.allclose(song.audio.samples[0], vocal.samples[0], atol=0.05)


def test_samples_follow_from_the_request_alone(untrained):
    requests = [request(vocal, f"song-{number}", seed=number) for number, (vocal, _) in enumerate(SONGS)]
    together = list(system(untrained).generate(requests))
    alone = [answer(untrained, single, batch=1) for single in reversed(requests)][::-1]
    for first, second in zip(together, alone, strict=True):
        assert np.array_equal(first.audio.samples, second.audio.samples)
    other_seed = answer(untrained, replace(requests[0], seed=5))
    other_name = answer(untrained, request(SONGS[0][0], "renamed", seed=0))
    assert not np.array_equal(other_seed.audio.samples, together[0].audio.samples)
    assert not np.array_equal(other_name.audio.samples, together[0].audio.samples)


@pytest.mark.parametrize(
    ("vocal", "length"),
    [
        (Audio(voice(0.3, 1).samples, RATE), 14_400),
        (voice(2, 1, rate=8_000), 96_000),
        (Audio(np.clip(voice(1, 1).samples * 9, -1, 1), RATE), 48_000),
        (Audio(np.repeat(voice(1, 1, rate=44_100).samples, 2, axis=0), 44_100), 48_000),
        (Audio(voice(0.001, 1).samples, RATE), 48),
    ],
    ids=["0.3 s", "mono 8 kHz", "clipped", "44.1 kHz stereo", "1 ms"],
)
def test_odd_vocals_have_answers_of_their_length(untrained, vocal, length):
    song = answer(untrained, request(vocal))
    assert isinstance(song, Song)
    assert song.audio.samples.shape == (2, length)
    assert song.audio.rate == RATE
    assert ("the vocal is clipped" in song.record.notes) == (np.mean(np.abs(vocal.samples) >= 0.999) > 0.001)


@pytest.mark.slow
def test_twelve_minutes_have_an_answer(untrained):
    twelve = Audio(np.tile(SONGS[0][0].samples, (1, 360)), RATE)
    song = answer(untrained, request(twelve), steps=1)
    assert song.audio.samples.shape == (2, 720 * RATE)
    assert "the vocal lasts 720 s, and the model was trained on 163.84 s" in song.record.notes


def test_silent_and_absent_vocals_fail_alone(untrained):
    silent = request(Audio(np.zeros((1, RATE), np.float32), RATE), "silent")
    songs = list(system(untrained).generate([silent, request(SONGS[0][0], "good"), request(None, "absent")]))
    causes = {song.request.prompt.id: song.cause for song in songs if isinstance(song, Failure)}
    assert "silent" in causes["silent"]
    assert "no vocal" in causes["absent"]
    assert [song.prompt.id for song in songs if isinstance(song, Song)] == ["good"]


def test_what_is_unsupported_is_said_before(untrained):
    wanted_song = request(SONGS[0][0])
    absent = replace(wanted_song, vocal=None, prompt=replace(wanted_song.prompt, vocal=None))
    long = replace(wanted_song, prompt=replace(wanted_song.prompt, seconds=4000.0))
    assert system(untrained).unsupported(wanted_song) is None
    assert "has none" in system(untrained).unsupported(absent)
    assert "4000 s" in system(untrained).unsupported(long)


def test_text_and_clip_are_heard_and_recorded(listening):
    vocal = SONGS[0][0]
    plain = answer(listening, request(vocal))
    complete = answer(listening, request(vocal, style="slow piano", clip=band(2, 5)))
    assert plain.record.conditions == ("vocal",)
    assert "no style in words: the model was told the empty text" in plain.record.notes
    assert "the vocal lasts 2 s, and the model was trained on 1.5 s" in plain.record.notes
    assert complete.record.conditions == ("vocal", "style text", "prompt audio")
    assert not np.array_equal(plain.audio.samples, complete.audio.samples)
    assert system(listening).card.needs == ("clamp3-saas", "xlm-roberta-base", "mert-v1-95m")
    for setting in ("reference_rate", "reference_pieces", "empty_text"):
        style = "" if setting == "empty_text" else "slow"
        right = answer(listening, request(vocal, style=style, clip=band(6, 5)), **{setting: "right"})
        assert isinstance(right, Song), setting


def test_conditions_that_a_model_does_not_hear_are_said(untrained):
    wanted_song = request(SONGS[0][0], style="pop", clip=band(1, 3))
    song = answer(untrained, wanted_song)
    assert song.record.conditions == ("vocal",)
    assert len([note for note in song.record.notes if "was not used" in note]) == 2
    remarks = system(untrained).remarks([replace(wanted_song.prompt, prompt_audio=wanted_song.prompt.vocal)], 1)
    assert "trained without style text and prompt audio" in remarks[1]


def test_settings_are_checked_and_part_of_the_songs_key(untrained):
    assert system(untrained).parameters != system(untrained, temperature=0.5).parameters
    assert system(untrained).parameters != system(untrained, vocal_level="right").parameters
    assert system(untrained).parameters["predictor"]
    for settings in ({"stepps": 3}, {"steps": 0}, {"windows": "none"}, {"reference_rate": "left"}, {"seed": 3}):
        with pytest.raises(InputError):
            build_system(f"ladaband={untrained}", settings)
    with pytest.raises(InputError, match="ladaband:mine=PATH"):
        build_system("ladaband:mine")
    assert build_system(f"ladaband:mine={untrained}").card.name == "ladaband:mine"


def test_the_released_checkpoint_is_told_how_to_get(tmp_path, monkeypatch):
    monkeypatch.setenv("SONGBENCH_WEIGHTS", str(tmp_path))
    state = LadaBandSystem().availability()
    assert not state.ready
    for part in ("request access at https://huggingface.co/sDuoluoluos/LaDA-Band", "hf auth login", "ladaband-1b"):
        assert part in state.cure
    assert "lada_band_lm1B_total3B.ckpt into FOLDER/ladaband-1b" in state.cure
    assert LadaBandSystem().card.needs[0] == "ladaband-1b"


def test_folders_that_are_no_model_are_refused(untrained, tmp_path):
    with pytest.raises(InputError, match="no checkpoint"):
        system(tmp_path).availability()
    with pytest.raises(InputError, match="exists"):
        system(tmp_path / "nowhere").availability()
    write_facts(ModelFacts(conditions=()), tmp_path)
    (tmp_path / PREDICTOR_FILE).write_bytes(b"no tensors")
    (tmp_path / "codec.safetensors").write_bytes(b"no tensors")
    with pytest.raises(InputError, match=r"damaged|cannot be read"):
        system(tmp_path).availability()
    assert system(untrained).availability().ready
    (tmp_path / FACTS_FILE).write_text(json.dumps({"conditions": ["vocals"]}))
    with pytest.raises(InputError, match="no condition 'vocals'"):
        ModelFiles.find(tmp_path)


def test_a_codec_of_another_model_is_refused(untrained, tmp_path):
    small_model(tmp_path, SONGS[:1], steps=0)
    (tmp_path / PREDICTOR_FILE).write_bytes((untrained / PREDICTOR_FILE).read_bytes())
    with pytest.raises(InputError, match="codec that the model was trained with"):
        list(system(tmp_path).generate([request(SONGS[0][0])]))
