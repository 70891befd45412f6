"""Runs on suites of the track v2a: what may enter, what is given to whom, what is rendered how often."""

import json
from dataclasses import replace

import numpy as np
import pytest
import soundfile

from songbench.contracts import registry
from songbench.domain.errors import InputError
from songbench.domain.song import Request
from songbench.domain.suite import load_suite
from songbench.execution.config import metric_presets, plan_experiment
from songbench.execution.experiment import check_assets
from songbench.execution.gather import gather
from songbench.execution.plan import Planner
from songbench.execution.recorded import recorded, stored_assets, stored_songs
from songbench.execution.results import SongId
from songbench.execution.runner import Runner
from songbench.execution.store import Store
from songbench.execution.tracks import systems_of_track
from systems.rulebased.system import RuleBased

RATE = 8000
ANCHORS = ("oracle", "shuffled_band", "click", "copy_vocal", "silence", "noise")


def write_pairs(folder, count=2, seconds=2.0):
    """Vocals of different lengths with their accompaniments, as files, and their suite."""
    rows = [{"suite": "pairs"}]
    for number in range(count):
        row = {"id": f"p{number}", "track": "v2a"}
        for rank, part in enumerate(("vocal", "reference")):
            noise = np.random.default_rng(10 * number + rank).standard_normal(round((seconds + number) * RATE))
            soundfile.write(folder / f"{part}{number}.wav", 0.1 * noise, RATE)
            row[part] = f"{part}{number}.wav"
        rows.append(row)
    path = folder / "pairs.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    return path


def plan(path, tmp_path, **options):
    places = {"store": tmp_path / "store", "runs": tmp_path / "runs"}
    return plan_experiment(suite=path, **places, **{"overrides": ["engine=inline"], **options})


def finish(experiment):
    store = Store(experiment.store)
    outcome = Runner(experiment, store).run()
    return {name: song for name, (song, _) in stored_songs(experiment, store).items()}, outcome, store


def test_anchors_are_as_long_as_the_vocal_and_what_they_say(tmp_path):
    experiment = plan(write_pairs(tmp_path), tmp_path, systems=ANCHORS, metrics=["audio"])
    songs, outcome, store = finish(experiment)
    assert not outcome.failed
    sounds = {name: song.audio for name, song in songs.items() if song}
    assert {(name.prompt, sound.seconds) for name, sound in sounds.items()} == {("p0", 2.0), ("p1", 3.0)}
    sources = stored_assets(experiment, store)

    def check_equal(name, source):
        samples = sounds[name].samples
        np.testing.assert_allclose(samples, source.load().samples[:, : samples.shape[1]], atol=2e-7)

    check_equal(SongId("oracle", "p0", 0), sources["p0"]["reference"])
    check_equal(SongId("copy_vocal", "p1", 0), sources["p1"]["vocal"])
    check_equal(SongId("shuffled_band", "p0", 0), sources["p1"]["reference"])
    repeated = sounds[SongId("shuffled_band", "p1", 0)].samples
    np.testing.assert_allclose(repeated[:, 2 * RATE :], repeated[:, :RATE], atol=1e-7)
    clicks = np.flatnonzero(np.diff((np.abs(sounds[SongId("click", "p0", 0)].samples[0]) > 0.1).astype(int)) > 0)
    beats = clicks[np.flatnonzero(np.diff(clicks, prepend=-48_000) > 4800)]
    assert np.diff(beats) == pytest.approx(24_000, abs=2)
    errors = [verdict.values["duration_error"] for verdict in gather(experiment, store).metrics[0].songs.values()]
    assert len(errors) == 12 and max(errors) == 0


def test_another_truth_is_part_of_the_key_of_those_who_hear_it(tmp_path):
    path = write_pairs(tmp_path)

    def keys():
        experiment = plan(path, tmp_path, systems=["oracle", "shuffled_band"], metrics=[])
        planner = Planner(experiment, Store(experiment.store))
        return {(name.system, name.prompt): key for name, (_, _, key) in planner.songs.items()}

    before = keys()
    soundfile.write(tmp_path / "reference1.wav", np.full(RATE, 0.1), RATE)
    after = keys()
    assert {name for name in before if before[name] != after[name]} == {
        ("oracle", "p1"),
        ("shuffled_band", "p0"),
        ("shuffled_band", "p1"),
    }


def test_without_another_truth_there_is_no_chance_level(tmp_path):
    path = write_pairs(tmp_path, 2)
    (tmp_path / "reference1.wav").write_bytes((tmp_path / "reference0.wav").read_bytes())
    experiment = plan(path, tmp_path, systems=["shuffled_band"], metrics=[])
    assert set(experiment.unsupported.values()) == {"no other prompt of the suite has a true accompaniment of its own"}
    single = plan(write_pairs(tmp_path, 1), tmp_path, overrides=["engine=inline"])
    assert "shuffled_band" not in [system.name for system in single.systems]
    assert any("another reference song" in remark for remark in single.remarks)


def test_the_track_decides_what_is_taken_where_nothing_is_named(tmp_path):
    path = write_pairs(tmp_path)
    experiment = plan(path, tmp_path)
    assert {"oracle", "shuffled_band", "click", "copy_vocal", "silence"} <= {one.name for one in experiment.systems}
    assert all("v2a" in part.card.tracks for part in (*experiment.systems, *experiment.metrics))
    assert experiment.config["metric"]["select"] == metric_presets()["v2a"]["select"]
    selection = plan(path, tmp_path, overrides=["metric.select=[audio]", "systems=[oracle]"])
    assert [one.id for one in selection.metrics] == ["audio"] and [one.name for one in selection.systems] == ["oracle"]
    finish(selection)
    again, _ = recorded("pairs", str(tmp_path / "runs"))
    assert [one.id for one in again.metrics] == ["audio"] and [one.name for one in again.systems] == ["oracle"]


def test_what_is_of_another_track_is_refused_or_left_out_by_name(tmp_path):
    path = write_pairs(tmp_path)
    with pytest.raises(InputError, match=r"'rulebased' is of the track song \(lyrics to song\).*'pairs'.*v2a.*oracle"):
        plan(path, tmp_path, systems=["oracle", "rulebased"])
    with pytest.raises(InputError, match=r"'oracle' is of the track v2a.*suite 'demo' is of the track song.*rulebased"):
        plan("demo", tmp_path, systems=["oracle"])
    with pytest.raises(InputError, match="'songbloom' is of the track song"):  # also where its weights are not here
        plan(path, tmp_path, systems=["songbloom"])
    with pytest.raises(InputError, match=r"metric 'ser@novelty' is of the track song.*metrics --track v2a"):
        plan(path, tmp_path, systems=["oracle"], metrics=["ser@novelty"])
    mixed = plan(path, tmp_path, systems=["oracle"], metrics=["embedded"])
    assert "audio" in [one.id for one in mixed.metrics] and "ser@novelty" not in [one.id for one in mixed.metrics]
    assert any("without" in remark and "ser@novelty" in remark for remark in mixed.remarks)


def test_a_system_that_enters_by_a_variant_alone_is_named_with_it(tmp_path):
    path = write_pairs(tmp_path)
    with pytest.raises(InputError, match=r"'acestep15' is of the track song.*acestep15:complete, anyaccomp"):
        plan(path, tmp_path, systems=["acestep15"])
    assert "acestep15:complete" not in systems_of_track("song") and "acestep15" in systems_of_track("song")
    assert "acestep15" not in systems_of_track("v2a")
    for name in systems_of_track("song"):
        card = registry.build_system(name).card
        of_variants = {spec: registry.build_system(spec).card.tracks for spec in card.track_variants}
        assert all(set(tracks) - set(card.tracks) for tracks in of_variants.values()), name


def test_stems_of_one_rendered_song_sum_to_it_and_it_is_rendered_once(tmp_path, monkeypatch):
    recipe = {"render": "rulebased", "seed": 3}
    row = {"id": "p", "track": "v2a", "language": "en", "seconds": 4, "lyrics": "[verse]\nHello my friend"}
    audio = {"vocal": {**recipe, "stem": "vocals"}, "reference": {**recipe, "stem": "accompaniment"}}
    clip = {"cut": {**recipe, "stem": "drums", "parameters": {"genre": "folk"}}, "start": 1, "seconds": 1.5}
    path = tmp_path / "s.jsonl"
    path.write_text(json.dumps({**row, **audio, "prompt_wav": clip}))
    songs, generate = [], RuleBased.generate
    monkeypatch.setattr(
        RuleBased, "generate", lambda self, requests: songs.append(self.genre) or generate(self, requests)
    )
    experiment = plan(path, tmp_path, systems=["copy_vocal"], metrics=[])
    _, outcome, store = finish(experiment)
    assert not outcome.failed and songs == [None, "folk"]
    sources = stored_assets(experiment, store)["p"]
    bare = replace(load_suite(path).prompts[0], vocal=None, reference=None, prompt_audio=None, track="song")
    (song,) = generate(RuleBased(), [Request(prompt=bare, take=0, seed=3)])
    total = sources["vocal"].load().samples + sources["reference"].load().samples
    np.testing.assert_allclose(total, song.audio.samples, atol=3e-7)
    assert sources["vocal"].load().samples.any()
    assert sources["prompt_wav"].load().seconds == 1.5


def test_what_is_odd_about_a_vocal_is_said_and_a_broken_one_is_named(tmp_path):
    path = write_pairs(tmp_path)
    soundfile.write(tmp_path / "vocal0.wav", np.zeros(RATE // 2), RATE)
    cut = {"cut": "vocal1.wav", "start": 0.5, "seconds": 0.25}
    path.write_text(f"{path.read_text()}\n" + json.dumps({"id": "p2", "track": "v2a", "vocal": cut}))
    remarks = {(one.prompt, one.field, one.remark.code) for one in check_assets(load_suite(path))}
    assert {("p0", "vocal", "silent"), ("p0", "vocal", "very short"), ("p2", "vocal", "very short")} <= remarks
    (tmp_path / "vocal1.wav").write_bytes(b"RIFF, but no sound")
    path.write_text("\n".join(path.read_text().splitlines()[:-1]))
    with pytest.raises(InputError, match=r"field 'vocal'.*vocal1\.wav: The audio cannot be decoded"):
        load_suite(path)


@pytest.mark.parametrize("field", ["vocal", "prompt_wav"])
def test_a_copy_of_the_truth_is_seen_under_any_name(tmp_path, field):
    path = write_pairs(tmp_path, 1)
    (tmp_path / "other.wav").write_bytes((tmp_path / "reference0.wav").read_bytes())
    head, row = map(json.loads, path.read_text().splitlines())
    path.write_text(json.dumps(head) + "\n" + json.dumps({**row, field: "other.wav"}))
    with pytest.raises(InputError, match=rf"other\.wav, field '{field}' of prompt 'p0'.*the true accompaniment"):
        check_assets(load_suite(path))
