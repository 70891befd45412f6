"""What can be told of stimuli without listening to them or measuring their sound: sizes, bytes, numbers, headers."""

import io
import json
import re
import zipfile
from itertools import combinations

import numpy as np
import pytest
import soundfile
from made_up import good_answer
from small_material import RATE, music, small_material, small_protocol
from starlette.testclient import TestClient

from listening_test.bundle import TOP, write_bundle
from listening_test.collection.app import build
from listening_test.collection.database import Database, default_url
from listening_test.collection.sessions import Sessions
from listening_test.collection.tokens import Signer, load_secret
from listening_test.preparation.audio_files import LONGEST_TAIL, SHORTEST_TAIL, disguise, dithered, filled
from listening_test.preparation.build import prepare
from listening_test.preparation.sound import encoded, framed


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """Anchors, traps, repetitions, practice, checks, style samples: one song each may be there several times."""
    protocol = small_protocol(
        show={"lyrics": True, "prompt_audio": True},
        checks={"anchors": ["lowpass-3500", "mp3-64k"], "repeats": 0.5},
        listening={"rate": RATE, "minimum_seconds": 0.0},
    )
    return prepare(small_material(samples=True), protocol, tmp_path_factory.mktemp("blind"))


@pytest.fixture(scope="module")
def with_reference(tmp_path_factory):
    protocol = small_protocol("mushra", checks={"anchors": ["lowpass-3500"]})
    return prepare(small_material(prompts=4, references=True), protocol, tmp_path_factory.mktemp("mushra"))


def size(preparation, stimulus):
    return (preparation.test.folder / stimulus.file).stat().st_size


def one_rate(files):
    """Whether one number of bytes per second explains the sizes of files of these lengths, rounded up to bytes."""
    bounds = [((count - 1) / seconds, count / seconds) for count, seconds in files]
    return len(bounds) > 10 and max(low for low, _ in bounds) < min(high for _, high in bounds)


def same_song(preparation):
    """Pairs of stimuli that are the same song to the ear: repetitions, the open and the hidden reference."""
    groups = {}
    for name, key in preparation.key.stimuli.items():
        if key.role in ("system", "reference", "anchor"):
            groups.setdefault((key.role, key.system, key.anchor, key.prompt, key.excerpt, key.start), []).append(name)
    return [
        tuple(preparation.test.stimuli[name] for name in pair)
        for names in groups.values()
        for pair in combinations(names, 2)
    ]


@pytest.mark.parametrize("test", ["prepared", "with_reference"])
def test_the_same_song_twice_is_two_different_files(request, test):
    preparation = request.getfixturevalue(test)
    pairs = same_song(preparation)
    assert len(pairs) >= 4
    for first, second in pairs:
        assert first.sha256 != second.sha256 and first.peaks != second.peaks
        assert 0 < abs(first.seconds - second.seconds) < LONGEST_TAIL - SHORTEST_TAIL
        assert size(preparation, first) != size(preparation, second)
        sounds = [
            soundfile.read(preparation.test.folder / stimulus.file, dtype="int16")[0] for stimulus in (first, second)
        ]
        shared = slice(RATE // 2, 3 * RATE)  # different almost everywhere, by what nobody hears
        assert (sounds[0][shared] != sounds[1][shared]).mean() > 0.4
        assert np.allclose(sounds[0][shared], sounds[1][shared], rtol=0.01, atol=5)
    assert len({stimulus.sha256 for stimulus in preparation.test.stimuli.values()}) == len(preparation.test.stimuli)


@pytest.mark.parametrize("test", ["prepared", "with_reference"])
def test_the_size_of_a_file_tells_its_length_and_nothing_else(request, test):
    preparation = request.getfixturevalue(test)
    assert one_rate((size(preparation, stimulus), stimulus.seconds) for stimulus in preparation.test.stimuli.values())


def test_without_filling_the_low_pass_would_show():
    """The reason for it all: what is filled away is there."""
    masking, rich = disguise("00", 0), framed(music(6.0).samples, RATE)
    dull = np.repeat(np.convolve(rich[0], np.ones(64) / 64, "same")[None].astype("float32"), 2, axis=0)
    sizes = [len(encoded(dithered(sound, RATE, masking), RATE, "flac")) for sound in (rich, dull)]
    assert sizes[1] < 0.8 * sizes[0]


@pytest.mark.parametrize("spare", [4, 5, 100, 2**24 + 2, 2**24 + 3, 2**24 + 4, 2**24 + 10, 2**25 + 9])
def test_a_filled_file_has_exactly_that_size_and_the_same_sound(spare):
    sound = dithered(framed(music(1.0).samples, RATE), RATE, disguise("ab", 0))
    data = encoded(sound, RATE, "flac")
    seconds = 1.2
    full = filled(data, seconds, (len(data) + spare) / seconds)
    assert len(full) == len(data) + spare
    assert np.array_equal(soundfile.read(io.BytesIO(full), dtype="int16")[0], sound.T)


def test_wav_has_one_rate_by_itself(tmp_path):
    protocol = small_protocol(listening={"rate": RATE, "format": "wav", "minimum_seconds": 0.0}, checks={"traps": 0})
    preparation = prepare(small_material(prompts=3), protocol, tmp_path)
    for stimulus in preparation.test.stimuli.values():
        assert size(preparation, stimulus) == pytest.approx(44 + 4 * RATE * stimulus.seconds, abs=8)


def test_every_reply_with_sound_looks_alike(prepared):
    """A whole session: sizes follow from the lengths that the page tells, headers and dates are the same for all."""
    test = prepared.test
    database = Database(default_url(test.folder), test)
    sessions = Sessions(test, database, Signer(load_secret(test.folder), test.digest()))
    heads, tags, sizes = set(), set(), []
    with TestClient(build(sessions, "correct horse battery"), base_url="http://127.0.0.1:7860") as client:
        number = next(
            component["id"]
            for component in client.get("/config").json()["components"]
            if component["props"].get("server_fns")
        )

        def call(name, payload):
            body = {"data": payload, "component_id": number, "fn_name": name, "session_hash": "x"}
            return client.post("/gradio_api/component_server/", json=body).json()

        reply = call("open_session", {"language": "en"})
        token = reply["token"]
        while reply["page"]["kind"] != "thanks":
            for player in map(json.loads, re.findall(r'\{"slot": "\w", "url": [^{}]*\}', json.dumps(reply["page"]))):
                response = client.head("/" + player["url"])
                sizes.append((int(response.headers["content-length"]), player["seconds"]))
                tags.add(response.headers["etag"])
                hidden = ("content-length", "etag", "content-security-policy")
                heads.add(tuple(sorted((k, v) for k, v in response.headers.items() if k not in hidden)))
            reply = call(
                "answer", {"token": token, "page": reply["page"]["page"], "answer": good_answer(reply["page"])}
            )
    database.close()
    assert len(heads) == 1 and len(tags) == len(sizes) and one_rate(sizes)


def test_an_archive_does_not_tell_how_far_sounds_can_be_packed(prepared, tmp_path):
    _, archive = write_bundle(prepared.test, tmp_path / "bundle", archive=True)
    with zipfile.ZipFile(archive) as packed:
        sounds = [one for one in packed.infolist() if one.filename.startswith(f"{TOP}/audio/")]
        assert len(sounds) > 10 and all(one.compress_size == one.file_size for one in sounds)
        assert len({one.date_time for one in sounds}) == 1


def test_what_is_drawn_for_a_stimulus_is_its_own_and_small():
    disguises = [disguise(f"{n:016x}", 0) for n in range(200)]
    assert len({masking.gain_db for masking in disguises}) == len({masking.tail for masking in disguises}) == 200
    assert (
        max(abs(masking.gain_db) for masking in disguises) <= 0.04
        and min(masking.tail for masking in disguises) >= SHORTEST_TAIL
    )
    assert disguise("aa", 0, as_long_as="bb").tail == disguise("bb", 0).tail != disguise("aa", 0).tail
    assert disguises[0] == disguise("0" * 16, 0) != disguise("0" * 16, 1)
    silence = np.zeros((2, RATE), np.float32)
    noise = dithered(silence, RATE, disguises[0])
    assert set(np.unique(noise)) <= {-1, 0, 1} and noise[:, 2400:-2400].std() == pytest.approx(0.5, abs=0.01)
