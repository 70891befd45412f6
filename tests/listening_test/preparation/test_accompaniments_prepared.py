"""Tests of accompaniments: what is played is the mix, the vocal alone lies beside it, the truth is the reference."""

from dataclasses import replace

import numpy as np
import pytest
import soundfile
from small_material import RATE, accompaniments, ladaband_protocol, quick_protocol, small_material

from listening_test.analysis.analyse import analyse
from listening_test.collected import collect
from listening_test.pages import VOCAL, public_page, session_pages, slots
from listening_test.preparation.build import prepare
from listening_test.prepared import load_key, load_test
from listening_test.protocol import load_protocol
from listening_test.reporting.breakdown import breakdowns
from listening_test.simulation.population import Population
from listening_test.simulation.sheets import simulate
from songbench.domain.audio import Audio, MemoryAudio
from songbench.domain.errors import InputError
from songbench.domain.vocal_mix import VocalMix

WINDOW = [{"rule": "window", "start": 0.5, "seconds": 6}]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ladaband")
    material = accompaniments()
    protocol = ladaband_protocol(checks={"anchors": ["lowpass-3500", "reference-song"]})
    prepare(material, protocol, folder)
    return material, load_test(folder), load_key(load_test(folder))


def samples_of(test, name):
    samples, rate = soundfile.read(test.folder / test.stimuli[name].file, dtype="float32", always_2d=True)
    assert rate == RATE
    return samples.T


def likeness(sound, audio):
    """The correlation of a stimulus with the part of audio it was cut from."""
    part = audio.at(RATE).samples.mean(axis=0)[round(0.5 * RATE) :][: 6 * RATE]
    sound = sound.mean(axis=0)
    lags = [np.dot(sound[lag : lag + len(part)], part[: len(sound) - lag]) for lag in range(2300, 2500)]
    return max(lags) / np.linalg.norm(part) / np.linalg.norm(sound)


def test_every_song_is_heard_with_its_vocal_and_the_truth_is_hidden_among_them(prepared):
    material, test, key = prepared
    roles = set()
    for name, stimulus in key.stimuli.items():
        if stimulus.role == "prompt":
            expected = material.vocals[stimulus.prompt].load()
        elif stimulus.anchor == "lowpass-3500":
            continue
        else:
            songs = {(one.system, one.prompt): song.source for one, song in material.songs.items()}
            band = songs.get((stimulus.system, stimulus.prompt)) or material.references[stimulus.prompt]
            expected = VocalMix(material.vocals[stimulus.prompt], band).load()
            assert likeness(samples_of(test, name), band.load()) < 0.95, "not the accompaniment alone"
        roles.add(stimulus.anchor or stimulus.role)
        assert likeness(samples_of(test, name), expected) > 0.99
    assert roles == {"system", "reference-song", "prompt"}


def test_the_vocal_lies_beside_the_song_and_need_not_be_heard(prepared):
    _, test, _ = prepared
    page, number = next((page, n) for n, page in enumerate(session_pages(test, 0)) if page.step)
    page_content = public_page(test, 0, number, "en", lambda slot, name: f"{slot}/{name}")
    assert page_content["item"]["vocal"]["slot"] == VOCAL and page_content["item"]["vocal"]["seconds"] > 5
    assert [player["slot"] for player in page_content["stimuli"]] == ["A"]
    assert set(slots(test, page, "en")) == {"A", VOCAL}


def test_the_report_tells_professionals_from_amateurs(prepared):
    _, test, key = prepared
    systems = [*key.systems, "lowpass-3500", "reference-song"]
    effects = {scale.id: dict.fromkeys(systems, 3.0) for scale in test.protocol.scales}
    sheets = simulate(test, key, Population(effects=effects), raters=12, seed=3)
    data = collect(test, key, sheets, simulated=True)
    assert set(data.raters["background_level"]) == {"professional", "amateur"}
    facets = {facet.title: facet for facet in breakdowns(data, ["MA"], confidence=0.95)}
    assert facets["raters by level"].parts == ("amateur", "professional")
    assert {mean.system for mean in facets["raters by level"].means} == set(key.systems)
    assert analyse(data)


def test_a_mushra_reference_is_the_truth_with_the_vocal(tmp_path):
    material = accompaniments(prompts=2)
    protocol = quick_protocol("mushra", languages=["en"])
    assert protocol.tracks == ("song", "v2a")
    prepare(material, protocol, tmp_path)
    test = load_test(tmp_path)
    key = load_key(test)
    references = [name for name, stimulus in key.stimuli.items() if stimulus.role == "reference"]
    for name in references:
        prompt = key.stimuli[name].prompt
        truth = VocalMix(material.vocals[prompt], material.references[prompt]).load()
        assert likeness(samples_of(test, name), truth) > 0.99
    assert references and all(trial.vocal is None for trial in test.trials.values())


def test_questions_of_another_track_are_refused_with_the_presets_that_fit(tmp_path):
    with pytest.raises(InputError, match="'levo' asks about runs of the track song") as error:
        prepare(accompaniments(), quick_protocol(), tmp_path)
    assert "ladaband, mushra" in error.value.cure
    with pytest.raises(InputError, match="'ladaband' asks about runs of the track v2a") as error:
        prepare(small_material(), load_protocol("ladaband", {"excerpts": WINDOW}), tmp_path)
    assert "songbloom" in error.value.cure
    with pytest.raises(InputError, match="add v2a to tracks"):
        load_protocol("levo", {"show": {"vocal": True}})


def test_absent_and_silent_vocals_are_named(tmp_path):
    material = accompaniments()
    without_vocals = replace(
        material, vocals={}, prompts={n: replace(p, vocal=p.lyrics) for n, p in material.prompts.items()}
    )
    with pytest.raises(InputError, match="The vocal of prompt 'en-prompt-0' is not in the store"):
        prepare(without_vocals, ladaband_protocol(), tmp_path)
    silence = MemoryAudio(Audio(np.zeros((1, 9 * RATE), np.float32), RATE))
    with pytest.raises(InputError, match=r"The vocal of prompt '.*' is silent"):
        prepare(replace(material, vocals=dict.fromkeys(material.vocals, silence)), ladaband_protocol(), tmp_path)


def test_protocols_and_tests_of_songs_keep_their_digests():
    assert "tracks" not in load_protocol("levo").to_json() and "vocal" not in load_protocol("levo").to_json()["show"]
    assert load_protocol("ladaband").to_json()["tracks"] == ["v2a"]
