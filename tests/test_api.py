import dataclasses
import inspect
import shutil
import warnings

import numpy as np
import pandas as pd
import pytest
import songbench_probe
import soundfile

import songbench
from songbench.contracts.cards import unavailable
from songbench.domain.errors import InputError, UnavailableError
from songbench.domain.mixing import mix_with_vocal
from songbench.domain.suite import load_suite


@pytest.fixture
def options(tmp_path, suite_file):
    return {
        "suite": suite_file(),
        "systems": ["probe", "silence"],
        "store": tmp_path / "store",
        "runs": str(tmp_path / "runs"),
        "overrides": ["engine=inline"],
    }


def test_the_python_api_gives_a_run(tmp_path, suite_file):
    run = songbench.run(
        suite=str(suite_file()),
        systems=["probe", "silence"],
        metrics=["level"],
        store=str(tmp_path / "store"),
        runs=str(tmp_path / "runs"),
    )
    frame = run.leaderboard().to_frame().set_index(["system", "column"])["value"]
    assert frame["silence", "level@probe"] == 0
    assert frame["probe", "level@probe"] > 0.05
    assert (tmp_path / "runs/small/leaderboard.json").exists()


def test_stages_and_runs_from_python(options, tmp_path):
    with pytest.raises(InputError, match=r"There is no run in .*'songbench run' makes one"):
        songbench.load_run(runs=options["runs"])
    assert songbench.runs(tmp_path / "runs") == []
    overrides = {"overrides": ["engine=inline", "metric.select=[level@probe]"]}
    rows = songbench.generate(**{**options, **overrides})
    assert [(row.name, row.succeeded, row.failed, row.total) for row in rows] == [
        ("probe", 4, 0, 4),
        ("silence", 4, 0, 4),
    ]
    assert not (tmp_path / "store/records/scores").exists()
    board = songbench.score(**options, metrics=["level"]).leaderboard()
    assert board.to_frame().set_index(["system", "column"])["value"]["silence", "level@probe"] == 0
    contents = {path: path.read_bytes() for path in (tmp_path / "runs").rglob("*.*")}
    for name in (None, "small"):
        again = songbench.load_run(name, runs=tmp_path / "runs")
        assert again.leaderboard().to_frame().equals(board.to_frame())
    assert songbench.load_run(tmp_path / "runs/small").leaderboard().to_frame().equals(board.to_frame())
    assert {path: path.read_bytes() for path in (tmp_path / "runs").rglob("*.*")} == contents
    (summary,) = songbench.runs(options["runs"])
    assert (summary.name, summary.systems, summary.generated) == ("small", ("probe", "silence"), 8)
    with pytest.raises(InputError, match="Did you mean 'small'"):
        songbench.load_run("smal", runs=options["runs"])


def test_a_run_is_frames_of_scores_and_songs(options):
    run = songbench.run(**options, metrics=["level"])
    scores, songs = run.scores, run.songs
    assert len(scores) == len(songs) == 8 and set(scores["status"]) == {"scored"}
    assert scores.groupby("system")["value"].mean()["silence"] == 0
    assert set(scores["section_plan"]) == {run.results.suite.prompts[0].section_plan}
    assert all(soundfile.info(path).duration == pytest.approx(s) for path, s in songs[["audio", "seconds"]].to_numpy())
    assert run.record["name"] == run.name == "small" and run.transcripts.empty
    assert run.leaderboard(systems=["silence"], columns=["level"]).rows[0].system.name == "silence"
    with pytest.raises(InputError, match="Did you mean 'silence'"):
        run.leaderboard(systems=["silense"])
    with pytest.raises(InputError, match="Did you mean 'level'"):
        run.leaderboard(columns=["levle"])
    assert "<table" in run._repr_html_() and "8 songs of probe, silence" in repr(run)
    assert "  silence" in repr(run.leaderboard()) and len(repr(run.leaderboard())) < 2000
    by_plan = run.leaderboard(facet="section_plan")
    assert by_plan._repr_html_().count("<table") == len(by_plan.tables) == repr(by_plan).count(", section plan verse")


def test_what_is_added_to_a_run_is_a_warning_where_it_is_called(options):
    songbench.run(**{**options, "systems": ["probe"]}, metrics=["level"])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        songbench.run(**{**options, "systems": ["silence"]}, metrics=["level"])
    messages = {str(warning.message): warning.filename for warning in caught}
    assert messages == {
        "adds to the run 'small': system silence": __file__,
        "the run 'small' keeps what it has besides: system probe (--name OTHER makes another run)": __file__,
    }


@pytest.mark.parametrize("function", [songbench.run, songbench.generate, songbench.score])
def test_signatures_name_every_option_and_misspelt_ones_are_explained(function):
    parameters = inspect.signature(function).parameters.values()
    assert all(parameter.kind is parameter.KEYWORD_ONLY for parameter in parameters)
    for section in ("Args:", "Returns:", "Raises:", "Example::", *(f"{parameter.name}: " for parameter in parameters)):
        assert section in function.__doc__
    name = function.__name__
    with pytest.raises(InputError, match=rf"songbench\.{name} has no option 'takse'\. Did you mean 'takes'\?"):
        function(takse=2)
    with pytest.raises(InputError, match="Expected True or False"):
        function(replace="yes")


def test_a_run_is_read_where_its_systems_and_metrics_are_not(options, tmp_path, monkeypatch):
    """As on a laptop: the songs of a GPU system, scores of a model that is not there, imported files that are gone."""
    folder = tmp_path / "downloads"
    folder.mkdir()
    for prompt in load_suite(options["suite"]).prompts:
        soundfile.write(folder / f"{prompt.id}.wav", np.full(8000, 0.25), 8000)
    systems = ["probe", "silence", f"imported:suno={folder}"]
    before = songbench.run(**{**options, "systems": systems}, metrics=["level", "spread"])
    frame = before.leaderboard().to_frame()
    shutil.rmtree(folder)
    monkeypatch.setattr(songbench_probe.Probe, "availability", lambda _: unavailable("it needs a GPU", "buy one"))
    monkeypatch.setattr(songbench_probe.Level, "availability", lambda _: unavailable("no weights", "get them"))
    monkeypatch.setattr(songbench_probe.Spread, "availability", lambda _: unavailable("no weights", "get them"))
    elsewhere = songbench.load_run(runs=options["runs"])
    pd.testing.assert_frame_equal(elsewhere.leaderboard().to_frame()[frame.columns], frame)
    assert not elsewhere.leaderboard().unavailable
    pd.testing.assert_frame_equal(elsewhere.scores, before.scores)
    assert len(elsewhere.songs.query("audio != ''")) == 12
    with pytest.raises(UnavailableError, match="it needs a GPU"):
        songbench.run(**options, metrics=["audio"], name="other")


def test_scores_of_other_songs_are_not_shown_where_the_metric_is_not(options, monkeypatch):
    """The record names scores by system, prompt and take; they are of the songs and prompts of then alone."""
    before = songbench.run(**options, metrics=["level", "spread"])
    assert set(before.scores["status"]) == {"scored"}
    monkeypatch.setattr(songbench_probe.Level, "availability", lambda _: unavailable("no weights", "get them"))
    monkeypatch.setattr(songbench_probe.Spread, "availability", lambda _: unavailable("no weights", "get them"))
    # 1. the suite has lost a prompt since
    path = options["suite"]
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join(lines[:-1]), encoding="utf-8")
    shorter = songbench.load_run(runs=options["runs"]).scores.groupby(["system", "kind"])["status"].unique()
    assert all(shorter[system, "song"] == ["scored"] for system in ("probe", "silence"))
    assert not any("scored" in shorter[system, "set"] for system in ("probe", "silence") if (system, "set") in shorter)
    path.write_text("".join(lines), encoding="utf-8")
    assert len(songbench.load_run(runs=options["runs"]).scores) == len(before.scores)

    # 2. a later version of a system has made its songs anew
    class Later(songbench_probe.Probe):
        def __init__(self):
            super().__init__()
            self.card = dataclasses.replace(self.card, version="2")

    monkeypatch.setattr(songbench_probe, "Probe", Later)
    songbench.generate(**options, name="later")
    later = songbench.load_run("small", runs=options["runs"])
    songs = later.songs.set_index("system")["state"]
    assert set(songs["probe"]) == {"made"}
    assert set(later.scores.query("system == 'probe'")["status"]) == {"pending"}
    assert set(later.scores.query("system == 'silence'")["status"]) == {"scored"}


def test_two_runs_are_compared(options):
    before = songbench.run(**options, metrics=["level"], name="before")
    songbench.run(
        **{**options, "overrides": ["engine=inline", "system.probe.gain=0.5"]}, metrics=["level"], name="after"
    )
    comparison = songbench.compare("before:probe", "after:probe", runs=options["runs"])
    (row,) = comparison.to_frame().to_dict("records")
    assert (row["first"], row["second"], row["verdict"], row["n_prompts"]) == (
        "before:probe",
        "after:probe",
        "better",
        4,
    )
    assert row["second_value"] > 2 * row["first_value"] > 0
    assert songbench.compare(before, "after", runs=options["runs"]).to_frame().equals(comparison.to_frame())
    assert "after:probe is better in level@probe than before:probe" in comparison._repr_html_()
    assert before.compare("probe", "silence").differences[0].verdict == "worse"
    with pytest.raises(InputError, match="'before:probe', which differs from itself in nothing"):
        songbench.compare("before:probe", "before", runs=options["runs"])
    with pytest.raises(InputError, match="Did you mean 'after'"):
        songbench.compare("before", "aftre", runs=options["runs"])


def test_files_without_a_suite_are_scored_where_metrics_allow_it(tmp_path):
    folder = tmp_path / "my downloads"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for name in ("Take (1)", "Take [1]", "sung"):
        soundfile.write(folder / f"{name}.wav", 0.1 * rng.standard_normal((8000 * 4, 2)), 8000)
    options = {"store": tmp_path / "store", "runs": tmp_path / "runs", "overrides": ["engine=inline"]}
    run = songbench.score_files(
        folder, metrics=["audio", "ser@novelty"], lyrics={"sung": "[verse]\nRain on the roof"}, **options
    )
    table = run.scores.pivot(index="prompt", columns="field", values="status").sort_index()
    assert list(table.index) == ["Take-1", "Take-1-2", "sung"] and run.name == "files-my-downloads"
    assert set(table["lufs"]) == {"scored"} and set(table["duration_error"]) == {"not applicable"}
    assert list(table["ser"]) == ["not applicable", "not applicable", "scored"]
    assert "nothing says what the song should sing" in set(run.scores["reason"])
    assert songbench.load_run(run.folder).scores.equals(run.scores)
    assert "vocal" not in run.songs and run.audio("my-downloads", "sung").rate == 8000
    with pytest.raises(InputError, match="There is no mix in a run of the track song"):
        run.audio("my-downloads", "sung", part="mix")
    soundfile.write(folder / "new.wav", np.full(8000, 0.1), 8000)
    with pytest.raises(InputError, match="replace"):
        songbench.score_files(folder, metrics=["audio"], **options)
    assert songbench.load_run(run.folder).scores.equals(run.scores)
    more = songbench.score_files(folder, metrics=["audio"], replace=True, **options)
    assert len(more.songs) == 4
    with pytest.raises(InputError, match="no sound file in this folder"):
        songbench.score_files(tmp_path / "runs", **options)
    (suite, *_) = sorted(run.folder.glob("files/suite-*.jsonl"))
    unsupported = songbench.run(suite=suite, systems=["probe"], metrics=["audio"], name="x", **options)
    assert "has no lyrics" in unsupported.songs.query("state == 'unsupported'")["reason"].iloc[0]


def test_accompaniments_without_a_suite_are_scored_with_their_vocals(tmp_path):
    rng = np.random.default_rng(0)
    for folder, names in {"bands": ("anna.take0", "ben"), "vocals": ("anna", "ben"), "truth": ("ben",)}.items():
        (tmp_path / folder).mkdir()
        for name in names:
            noise = rng.standard_normal(24_000) * np.repeat(rng.random(12) < 0.5, 2000)
            soundfile.write(tmp_path / folder / f"{name}.wav", 0.1 * noise, 8000)
    options = {"store": tmp_path / "store", "runs": tmp_path / "runs", "overrides": ["engine=inline"]}
    metrics = ["onset_f1@librosa", "audio"]
    parts = {"vocals": tmp_path / "vocals", "references": tmp_path / "truth"}
    run = songbench.score_files(tmp_path / "bands", metrics=metrics, **parts, **options)
    status = run.scores.pivot(index="field", columns="prompt", values="status")
    assert list(status.loc["onset_f1_vocal"]) == list(status.loc["duration_error"]) == ["scored", "scored"]
    assert dict(status.loc["onset_f1_ref"]) == {"anna.take0": "not applicable", "ben": "scored"}
    assert "true accompaniment" in run.scores.query("status == 'not applicable'")["reason"].iloc[0]
    assert set(run.scores.query("field == 'duration_error'")["value"]) == {0.0}
    by_name = {"vocals": tmp_path / "vocals/anna.wav", "references": {"ben": tmp_path / "truth/ben.wav"}}
    again = songbench.score_files(tmp_path / "bands", metrics=metrics, name="one-vocal", **by_name, **options)
    by_own, by_one = (
        scored.scores.query("field == 'onset_f1_vocal'").set_index("prompt")["value"] for scored in (run, again)
    )
    assert by_own["anna.take0"] == by_one["anna.take0"] and by_own["ben"] != by_one["ben"]
    songs = songbench.load_run("files-bands", runs=tmp_path / "runs").songs.set_index("prompt")
    assert songs.loc["ben", "vocal"] == str(tmp_path / "vocals/ben.wav")
    assert dict(songs["reference"]) == {"anna.take0": "", "ben": str(tmp_path / "truth/ben.wav")}
    loaded = songbench.load_run("files-bands", runs=tmp_path / "runs")
    band, vocal, mix = (loaded.audio("bands", "anna.take0", part=part) for part in ("song", "vocal", "mix"))
    assert np.array_equal(mix.samples, mix_with_vocal(vocal, band).samples)
    assert np.array_equal(vocal.samples[0], soundfile.read(tmp_path / "vocals/anna.wav", dtype="float32")[0])
    with pytest.raises(InputError, match=r"'anna.take0' has no reference"):
        loaded.audio("bands", "anna.take0", part="reference")
    with pytest.raises(InputError, match="Did you mean 'ben'"):
        loaded.audio("bands", "bem")
    with pytest.raises(InputError, match=r"no such part.*song, vocal, mix, reference"):
        loaded.audio("bands", "ben", part="mixture")


def test_a_song_that_was_not_made_has_no_sound(tmp_path):
    (tmp_path / "band.wav").write_bytes(b"no sound")
    soundfile.write(tmp_path / "vocal.wav", np.full(16_000, 0.1), 8000)
    options = {"store": tmp_path / "store", "runs": tmp_path / "runs", "overrides": ["engine=inline"]}
    run = songbench.score_files(tmp_path / "band.wav", vocals=tmp_path / "vocal.wav", metrics=["audio"], **options)
    (row,) = run.songs.to_dict("records")
    assert row["state"] == "failed" and row["audio"] == ""
    with pytest.raises(InputError, match=r"band/0 was not made: failed .*band.wav"):
        run.audio(row["system"], "band", part="mix")


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"references": "files"}, "where each file has its vocal.*Give the vocals"),
        ({"vocals": {"a": "files/b.wav"}}, "b.wav, field 'vocals': .*has no vocal"),
        ({"vocals": {"c": "files/b.wav"}}, "No sound file has this name"),
        ({"vocals": {"a": "files/c.wav", "b": "files/a.wav"}}, "c.wav, field 'vocals': There is no such file"),
        ({"vocals": "files"}, "the scored file itself"),
        ({"vocals": "elsewhere"}, "called as a sound file.*Call them a.wav"),
        ({"vocals": "nowhere"}, "no such file or folder"),
        ({"vocals": "twice"}, "a.flac and a.wav have one name"),
    ],
)
def test_parts_that_fit_no_file_are_refused(tmp_path, monkeypatch, parts, message):
    monkeypatch.chdir(tmp_path)
    for name in ("files/a.wav", "files/b.wav", "elsewhere/x.wav", "twice/a.wav", "twice/a.flac"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        soundfile.write(tmp_path / name, np.full(800, 0.1), 8000)
    with pytest.raises(InputError, match=message):
        songbench.score_files("files", metrics=["audio"], **parts)
    assert not (tmp_path / "results").exists()


def test_a_prompt_whose_audio_is_gone_keeps_its_songs_while_its_words_are_the_same(tmp_path, monkeypatch):
    clip, suite = tmp_path / "clip.wav", tmp_path / "own.jsonl"
    soundfile.write(clip, np.full(8000, 0.1), 8000)
    suite.write_text('{"id": "a", "lyrics": "[verse]\\nRain on the roof", "seconds": 2, "prompt_wav": "clip.wav"}\n')
    options = {"suite": suite, "store": tmp_path / "store", "runs": tmp_path / "runs", "overrides": ["engine=inline"]}
    run = songbench.run(systems=["probe"], metrics=["level"], **options)
    clip.unlink()
    monkeypatch.setattr(songbench_probe.Probe, "availability", lambda _: unavailable("it needs a GPU", "buy one"))
    monkeypatch.setattr(songbench_probe.Level, "availability", lambda _: unavailable("no weights", "get them"))
    assert songbench.load_run(run.folder).scores["value"].notna().all()
    suite.write_text(suite.read_text().replace("Rain", "Snow"))
    with pytest.raises(InputError, match="No such audio file"):
        _ = songbench.load_run(run.folder).scores
