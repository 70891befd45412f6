import json
import re
import signal
import subprocess
import sys
import time

import pandas
import pytest
import soundfile

from songbench.execution.record import signed

PROBE = ["--systems", "probe,silence", "--metrics", "level@probe,spread@probe"]


def test_a_run_from_nothing_to_a_leaderboard_and_again(songbench, suite_file, tmp_path):
    suite = suite_file()
    process = songbench("run", "--suite", suite, *PROBE)
    assert process.returncode == 0, process.stderr
    assert "Leaderboard: suite small (version 1), 4 prompts" in process.stdout
    assert "level@probe" in process.stdout
    assert process.stderr.rstrip().endswith(f"songbench view small --runs {tmp_path / 'runs'}")
    folder = tmp_path / "runs/small"
    names = {path.name for path in folder.iterdir()}
    assert {"leaderboard.md", "leaderboard.csv", "leaderboard.json", "leaderboard.tex", "record.json"} <= names
    frame = pandas.read_csv(folder / "leaderboard.csv")
    assert set(frame["system"]) == {"probe", "silence"}
    before = {path: path.read_bytes() for path in folder.rglob("leaderboard.*")}
    again = songbench("run", "--suite", suite, *PROBE)
    assert "nothing to compute" in again.stderr
    assert again.stdout == process.stdout
    assert {path: path.read_bytes() for path in folder.rglob("leaderboard.*")} == before


def test_stages_can_be_run_alone(songbench, suite_file, tmp_path):
    suite = suite_file()
    process = songbench("generate", "--suite", suite, "--systems", "probe", "--set", "metric.select=[level@probe]")
    assert process.returncode == 0, process.stderr
    assert "Leaderboard" not in process.stdout
    assert not (tmp_path / "store/records/scores").exists()
    scored = songbench("score", "--suite", suite, "--systems", "probe", "--metrics", "level@probe")
    assert scored.returncode == 0, scored.stderr
    assert "Leaderboard" in scored.stdout
    status = songbench("status", "small")
    assert status.returncode == 0
    assert "probe" in status.stdout
    report = songbench("report", "small", "--to", "out")
    assert report.returncode == 0, report.stderr
    assert json.loads((tmp_path / "out/record.json").read_text())["name"] == "small"
    assert (tmp_path / "out/leaderboard.md").exists()


def test_score_without_songs_makes_none(songbench, suite_file, tmp_path):
    process = songbench("score", "--suite", suite_file(), *PROBE)
    assert process.returncode == 0
    assert not (tmp_path / "store/records/songs").exists()
    assert "not made yet" in process.stdout


def test_dry_run_shows_the_plan_and_does_nothing(songbench, suite_file, tmp_path):
    suite = suite_file()
    process = songbench("run", "--suite", suite, *PROBE, "--dry-run", "--takes", "3")
    assert process.returncode == 0, process.stderr
    assert "songs of probe" in process.stdout
    assert "not known yet" in process.stdout
    assert not (tmp_path / "store").exists()
    songbench("run", "--suite", suite, *PROBE)
    after = songbench("run", "--suite", suite, *PROBE, "--dry-run", "--takes", "2")
    row = next(row for row in after.stdout.splitlines() if "songs of probe" in row)
    assert re.split(r" {2,}", row.strip())[1:3] == ["4", "4"], "4 stored, 4 to do"


def test_verify_finds_damage_and_change(songbench, suite_file, tmp_path):
    suite = suite_file()
    songbench("run", "--suite", suite, *PROBE)
    verification = songbench("verify", "small")
    assert verification.returncode == 0, verification.stderr
    assert re.search(r"\d\d stored files read: 0 damaged; 0 songs missing", verification.stdout)
    assert "Nothing that decided this run has changed" in verification.stdout
    again = songbench("verify", "small", "--again", "1")
    assert again.returncode == 0, again.stderr
    assert again.stdout.count(": same") == 2
    record = tmp_path / "runs/small/record.json"
    then = json.loads(record.read_text())
    then["packages"]["numpy"] = "1.0"
    record.write_text(json.dumps(signed(then)))
    assert "packages: numpy: 1.0" in songbench("verify", "small").stdout
    record.write_text(json.dumps({**signed(then), "seed": 1}))
    altered = songbench("verify", "small")
    assert altered.returncode == 2 and "record.json: The record was altered" in altered.stderr
    record.write_text(json.dumps(signed(then)))
    blob = next((tmp_path / "store/blobs").rglob("*.flac"))
    blob.write_bytes(blob.read_bytes()[:-1] + b"?")
    song_record = next((tmp_path / "store/records/songs").rglob("*.json"))
    song_record.unlink()
    broken = songbench("verify", "small")
    assert broken.returncode == 1
    assert f"audio {blob.name[:12]}: blobs/{blob.name[:2]}/{blob.name} was altered" in broken.stdout
    assert re.search(
        rf"damaged song \w+/p\d/0: records/songs/{song_record.parent.name}/{song_record.name} is gone", broken.stdout
    )
    assert "'songbench verify small --discard' removes what is damaged" in broken.stdout
    assert songbench("verify", "small", "--discard").returncode == 1
    mended = songbench("run", "--suite", suite, *PROBE)
    assert mended.returncode == 0 and "stored files were not whole" in mended.stderr
    assert songbench("verify", "small").returncode == 0


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--systems", "prob"], 2, "Did you mean 'probe'?"),
        (["--systems", "broken"], 2, "songbench-probe 1.0 cannot be loaded"),
        (["--systems", "probe,probe"], 2, "Two systems are called 'probe'"),
        (["--systems", "imported:x=nowhere"], 4, "'nowhere' does not exist"),
        (["--metrics", "levle"], 2, "no metric 'levle'"),
        (["--metrics", "missing@probe"], 4, "To get it: songbench setup nothing"),
        (["--takes", "0"], 2, "Expected a number >= 1, found 0"),
        (["--set", "engine.wokers=3"], 2, "Did you mean 'engine.workers'?"),
        (["--set", "nonsense"], 2, "Write key=value"),
        (["--name", "a/b"], 2, "cannot name a run"),
    ],
)
def test_mistakes_are_explained_before_any_work(songbench, suite_file, tmp_path, words, code, message):
    options = ["--suite", suite_file(), "--systems", "probe", "--metrics", "level@probe"]
    process = songbench("run", *options, *words)
    assert process.returncode == code
    assert message in " ".join(process.stderr.split())
    assert "Traceback" not in process.stderr
    assert not (tmp_path / "store").exists()


def test_a_broken_suite_is_named_with_its_line(songbench, suite_file):
    suite = suite_file()
    suite.write_text(suite.read_text().replace("[verse]", "[vrese]", 1), encoding="utf-8")
    process = songbench("run", "--suite", suite, *PROBE)
    assert process.returncode == 2
    assert f"{suite}, line 2, field 'lyrics': Unknown section tag [vrese]. Did you mean 'verse'?" in process.stderr
    typo = songbench("suites", "deom", folders=False)
    assert "Did you mean 'demo'?" in typo.stderr


@pytest.mark.parametrize("content", [b"", b"RIFFxxxxWAVEnot really"])
def test_corrupt_prompt_audio_is_found_before_any_work(songbench, suite_file, tmp_path, content):
    (tmp_path / "clip.wav").write_bytes(content)
    process = songbench("run", "--suite", suite_file(prompt_wav="clip.wav"), *PROBE)
    assert process.returncode == 2
    assert "clip.wav" in process.stderr
    assert "prompt_wav' of prompt 'p0" in process.stderr
    assert not (tmp_path / "store").exists()


def test_failures_are_told_and_counted(songbench, suite_file):
    process = songbench("run", "--suite", suite_file(), *PROBE, "--set", "system.probe.misbehave={p1: fail}")
    assert process.returncode == 1
    assert "3/4" in process.stdout
    assert "out of tune" in process.stdout
    assert "--retry-failed" in process.stderr


def test_imported_audio_end_to_end(songbench, suite_file, tmp_path):
    (tmp_path / "suno").mkdir()
    for name, gain in (("p0", 0.1), ("p1", 0.2), ("stranger", 0.3)):
        soundfile.write(tmp_path / f"suno/{name}.ogg", [gain * (i % 50 < 25) for i in range(8000)], 16000)
    (tmp_path / "suno/p2.wav").write_bytes(b"")
    process = songbench("run", "--suite", suite_file(), "--systems", "imported:suno-v5=suno", "--metrics", "level")
    assert process.returncode == 1
    assert "3 of 4 songs found" in process.stderr
    assert "match no prompt: stranger.ogg" in process.stderr
    assert "suno-v5" in process.stdout
    assert "2/4" in process.stdout
    assert "empty (0 bytes)" in process.stdout


def test_one_run_at_a_time_under_a_name_and_nothing_is_removed_meanwhile(songbench, suite_file, tmp_path):
    suite = suite_file(8)
    words = ["run", "--suite", suite, *PROBE, "--store", tmp_path / "store", "--runs", tmp_path / "runs"]
    words += ["--set", "system.probe.misbehave={p7: hang}", "--name", "first"]
    first = subprocess.Popen(
        [sys.executable, "-m", "songbench", *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    while not list((tmp_path / "store").rglob("songs/*/*.json")):
        assert first.poll() is None, first.stderr.read()
        time.sleep(0.05)
    record = (tmp_path / "runs/first/record.json").read_bytes()
    again = songbench("run", "--suite", suite, *PROBE, "--name", "first", "--takes", "2")
    assert again.returncode == 3
    assert "The run 'first' in" in again.stderr and "--name" in again.stderr
    assert (tmp_path / "runs/first/record.json").read_bytes() == record, "a run that was refused touches nothing"
    removal = songbench("remove", "--system", "probe", "--yes")
    assert removal.returncode == 3 and "run 'first'" in removal.stderr
    first.kill()
    first.wait()
    assert songbench("run", "--suite", suite, *PROBE, "--name", "first").returncode == 0


def test_a_full_disk_stops_the_run_and_loses_nothing(songbench, suite_file, tmp_path):
    suite = suite_file(6)
    assert songbench("run", "--suite", suite, *PROBE).returncode == 0
    contents = {path: path.read_bytes() for path in (tmp_path / "store").rglob("*") if path.is_file()}

    import resource

    def no_file_beyond_4_kb():
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

    words = ["run", "--suite", suite, *PROBE, "--takes", "2"]
    full = songbench(*words, preexec_fn=no_file_beyond_4_kb)
    assert full.returncode == 5, full.stderr
    assert "Cannot write to" in full.stderr or "cannot be written" in full.stderr
    assert "Traceback" not in full.stderr
    for path, content in contents.items():
        assert path.read_bytes() == content
    assert not list((tmp_path / "store").rglob("*.tmp"))
    assert songbench(*words).returncode == 0


def test_listings_show_cards_and_the_broken_plug_in(songbench):
    systems = songbench("systems", folders=False)
    assert systems.returncode == 0
    for word in ("rulebased", "copy_prompt", "imported:NAME=", "broken"):
        assert word in systems.stdout
    metrics = songbench("metrics", folders=False)
    for word in ("fad@musicnn", "missing@probe", "songbench setup nothing", "presets", "ladaband", "songbloom"):
        assert word in metrics.stdout
    card = songbench("metrics", "fad", folders=False).stdout
    assert "citation" in card and "limits" in card
    suites = songbench("suites", folders=False)
    assert suites.returncode == 0
    assert "demo" in suites.stdout
    assert "'broken-suite' of songbench-probe 1.0 cannot be loaded" in suites.stdout
    assert "zh-pop-moon" in songbench("suites", "demo", folders=False).stdout


def test_reports_on_runs_that_are_not_there(songbench, suite_file):
    songbench("generate", "--suite", suite_file(1), "--systems", "silence")
    process = songbench("report", "smal")
    assert process.returncode == 2
    assert "Did you mean 'small'?" in process.stderr


def test_help_teaches(songbench):
    text = songbench("--help", folders=False).stdout
    for word in ("run", "generate", "score", "report", "status", "verify", "doctor", "setup", "Exit codes"):
        assert word in text
    assert "imported:suno-v5=" in songbench("run", "--help", folders=False).stdout


def test_default_systems_that_the_suite_cannot_feed_are_left_out(songbench, suite_file):
    suite = suite_file(1)
    default = songbench("run", "--suite", suite, "--metrics", "audio")
    assert default.returncode == 0, default.stderr
    assert "without copy_prompt: no prompt of the suite has a prompt audio" in default.stderr
    assert "copy_prompt" not in default.stdout
    assert songbench("status", "small").stdout.count("reference") == 0
    process = songbench("run", "--suite", suite, "--metrics", "audio", "--systems", "copy_prompt,silence")
    assert process.returncode == 1
    assert "the prompt has no audio" in process.stdout


def test_a_store_in_memory_needs_the_inline_engine(songbench, suite_file):
    words = ["run", "--suite", suite_file(), *PROBE, "--store", "memory://x", "--runs", "runs"]
    refused = songbench(*words, "--set", "engine=local", folders=False)
    assert refused.returncode == 2
    assert "Add --set engine=inline" in refused.stderr
    assert songbench(*words, "--set", "engine=inline", folders=False).returncode == 0


def test_another_package_can_add_a_command(songbench):
    listed = songbench("--help", folders=False)
    assert listed.returncode == 0
    assert "greet" in listed.stdout
    assert "'broken-command' of songbench-probe 1.0 cannot be loaded" in listed.stderr
    assert songbench("broken-command", folders=False).returncode == 2
    process = songbench("greet", "--name", "you", folders=False)
    assert process.returncode == 0, process.stderr
    assert process.stdout == "hello you\n"


def test_ctrl_c_stops_and_the_next_run_goes_on(songbench, suite_file, tmp_path):
    suite = suite_file(6)
    words = ["run", "--suite", suite, *PROBE, "--store", tmp_path / "store", "--runs", tmp_path / "runs"]
    line = [sys.executable, "-m", "songbench", *map(str, words), "--set", "system.probe.seconds_each=1"]
    running = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while not list((tmp_path / "store").rglob("songs/*/*.json")):
        assert running.poll() is None
        time.sleep(0.05)
    running.send_signal(signal.SIGINT)
    _, message = running.communicate(timeout=30)
    assert running.returncode == 130
    assert "run the same command again to go on" in message
    assert songbench("run", "--suite", suite, *PROBE).returncode == 0


def test_without_weights_a_named_metric_stops_the_run_and_a_default_one_is_reported(songbench, suite_file, tmp_path):
    bare = {"SONGBENCH_WEIGHTS": str(tmp_path / "none")}
    suite = suite_file(1)
    process = songbench("run", "--suite", suite, "--systems", "silence", "--metrics", "per", env=bare)
    assert process.returncode == 4
    assert "weights 'whisper-base' (148 MB, MIT) are not here" in " ".join(process.stderr.split())
    assert "songbench setup whisper-base" in process.stderr
    assert not (tmp_path / "store").exists()
    default = songbench("run", "--suite", suite, "--systems", "silence", env=bare)
    assert default.returncode == 0, default.stderr
    assert "Not measured" in default.stdout
    assert "songbench setup musicnn" in default.stdout
    assert "duration_error" in default.stdout
